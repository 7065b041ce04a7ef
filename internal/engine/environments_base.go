package engine

import (
	"context"
	"fmt"
)

// BuiltOn is a revision of another environment. Newer says that another one is active
// there.
type BuiltOn struct {
	ID       string // of the environment
	Name     string
	Revision int64
	Newer    bool
}

// askBase reads what the active revision is built on.
func (e *Engine) askBase(ctx context.Context, of *Environment) {
	if of.Active == "" {
		return
	}
	d, err := e.Domino.GetDefinition(ctx, of.Active)
	switch {
	case err != nil:
		of.BaseUnknown = err.Error()
	case d.BaseOf != "":
		of.BuiltOn = &BuiltOn{ID: d.BaseOf, Revision: d.BaseNumber}
	}
}

// nameBase adds what the list of all says of the base.
func (e *Environment) nameBase(all []Environment) {
	if e.BuiltOn == nil {
		return
	}
	for _, base := range all {
		if active, ok := base.ActiveRevision(); base.ID == e.BuiltOn.ID {
			e.BuiltOn.Name, e.BuiltOn.Newer = base.Name, ok && active.Number != e.BuiltOn.Revision
		}
	}
}

// String is "revision 4 of Spark, which is not the active one".
func (b BuiltOn) String() string {
	name, more := b.Name, ""
	if name == "" {
		name = b.ID
	}
	if b.Newer {
		more = ", which is not the active one"
	}
	return fmt.Sprintf("revision %d of %s%s", b.Revision, name, more)
}
