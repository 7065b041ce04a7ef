package sim

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/schema"
)

// takeBack is a rollback of the last apply, of a part of it, or of an older one.
func (h *history) takeBack(ctx context.Context, e *engine.Engine, act string) error {
	var o engine.RollbackOptions
	points, err := e.RestorePoints(ctx)
	switch {
	case err != nil:
		return err
	case act == "rollback-older" && len(points) > 1:
		o.To = points[1].ID
	case act == "rollback-part" && len(points) > 0 && len(points[0].Left) > 0:
		o.Target = []string{points[0].Left[0].String()}
	}
	id, err := h.rollback(ctx, e, o)
	if o.To == "" && slices.IndexFunc(points, func(p engine.Past) bool { return p.ID == id }) > 0 {
		h.violate(6, "the last apply is %s, and %s is taken back", points[0].ID, id)
	}
	return err
}

// renamed are the files with every tier under another address: where it was
// applied, an apply of them adopts.
func (h *history) renamed() compiler.Result {
	c := h.files
	c.Desired.Objects = map[schema.Address]schema.Object{}
	for a, o := range h.files.Desired.Objects {
		if a.Kind == "hardwareTiers" {
			o.Fields = maps.Clone(o.Fields)
			o.Fields["movedFrom"] = schema.JSON(a.Name)
			a.Name += "-renamed"
		}
		c.Desired.Objects[a] = o
	}
	return c
}

// foreign applies a plan that was made against another store of the same world.
func (h *history) foreign(ctx context.Context, e *engine.Engine) error {
	m, err := h.Copy(ctx, h.Clock)
	if err != nil {
		return err
	}
	m.ids += 1 << 20
	if err := m.Store.Delete(ctx, "key"); err != nil {
		return err
	}
	there, err := m.Process(ctx, h.files, Options{Holder: "foreign"})
	if err != nil {
		return err
	}
	p, err := there.Plan(ctx, engine.PlanOptions{})
	if err != nil || schema.Failed(p.Findings) {
		return err
	}
	_, err = e.Apply(ctx, p)
	if err == nil || !strings.Contains(err.Error(), "DC309") || slices.Contains(h.applies(), p.ID) {
		h.violate(4, "another store's plan is applied: %v", err)
	}
	return err
}

// lose looks at the store while it has lost *applied*: that is never taken for
// nothing applied. It happens between two calls of everyone else.
func (h *history) lose(ctx context.Context) error {
	body, _, err := h.Store.Get(ctx, "applied")
	if err != nil {
		return err
	}
	if err := h.Store.Delete(ctx, "applied"); err != nil {
		return err
	}
	e, err := h.Process(ctx, h.files, Options{Holder: "lost"})
	if err == nil {
		_, err = e.Plan(ctx, engine.PlanOptions{})
	}
	if err == nil || !strings.Contains(err.Error(), "DC315") {
		h.violate(4, "a lost *applied* is taken for none: %v", err)
	}
	_, err = h.Store.PutIfNone(ctx, "applied", body)
	return err
}

// applies are the ids of all streams.
func (h *history) applies() (ids []string) {
	for _, key := range schema.Sorted(h.Store.Bodies()) {
		if parts := strings.Split(key, "/"); parts[0] == "applies" && !slices.Contains(ids, parts[1]) {
			ids = append(ids, parts[1])
		}
	}
	return ids
}

// nothing is what entries answers where nothing is applied.
const nothing = "{}"

// entries are what is applied, latches aside.
func (h *history) entries(ctx context.Context) string {
	applied, _, err := applier.ReadApplied(ctx, h.Store, h.files.Desired.Deployment.Name)
	if err != nil {
		h.violate(6, "%v", err)
	}
	return schema.JSON(applied.Entries).Text
}

// window is how long after its begin a call may still take effect.
const window = 45 * time.Second

// tell shows all that the records tell a person, for property 8.
func (h *history) tell(ctx context.Context, e *engine.Engine) {
	if h.seed%paired != 0 {
		return
	}
	all, err := e.History(ctx, engine.HistoryOptions{})
	if err != nil {
		h.violate(8, "%v", err)
	}
	for _, p := range all {
		h.print("%s %s %s %s %v %v", p.ID, p.By, p.Outcome, p.Why, p.TakenBack, p.Left)
		if p.Plan == nil {
			continue
		}
		h.show(*p.Plan)
		standing, err := e.RestorePoint(ctx, p.ID)
		h.print("%s %v", schema.JSON(standing).Text, err)
		for _, tool := range []string{"mongosh", "aws"} {
			text, _, err := e.Commands(ctx, p.ID, tool)
			h.print("%s %v", text, err)
		}
	}
}
