package gitops

import (
	"context"
	"fmt"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
)

// Desk is where one deployment is worked on. No two Turns of one run side by side in
// a process; those of several processes keep apart by the records and the lock.
type Desk struct {
	Name   string
	Bound  config.Deployment
	Source Source
	// Records opens the deployment's state store.
	Records func(context.Context) (applier.Store, error)
	// Open opens the engine for a tree of a commit; *engine.Invalid says that the tree
	// cannot be planned, or is not what the deployment is bound to. Whoever asks calls
	// shut, also after an error.
	Open func(context.Context, Tree, config.Mode) (e *engine.Engine, shut func(), err error)
	// Compile reads the deployment of a tree, as one of the names under which such files
	// are kept: "" for the branch's, else a pull request's. What was compiled before is
	// not evaluated again; without evaluate nothing is, and known says that there is an
	// answer. nil: pull requests are not planned.
	Compile func(ctx context.Context, t Tree, as string, evaluate bool) (c Compiled, known bool, err error)
	// Engine is Open for files that were compiled, to plan them and no more.
	Engine func(ctx context.Context, t Tree, c Compiled) (e *engine.Engine, shut func(), err error)
	// Tell shows the state of a commit on the forge; nil: nobody is told.
	Tell func(ctx context.Context, commit string, s port.CommitStatus) error
	// Forge and Repo are where pull requests are approved; nil: nowhere, and a plan that
	// a rule fits waits.
	Forge port.Forge
	Repo  string
	// Await has a pull request that is merged listened to as long as approvals are waited
	// for there, zero: none is; nil: somebody else sees to that.
	Await func(pull int)
	// Audiences are told what became of it; see Controller.
	Audiences []Audience
	Issues    Issues // where drift is told; zero: nowhere
	// Page is the address of the deployment's page, below which its plans stand; empty: it
	// has none.
	Page     string
	Observer Observer // hears how its work goes; may be nil
	// Slots bounds how many deployments plan side by side; nil: nothing does. An apply
	// takes no slot, as it mostly waits.
	Slots chan struct{}
	// Looks bounds looks for drift alike, apart from plans, which they never hold up.
	Looks  chan struct{}
	Now    func() time.Time
	Random func() string

	held string // commit and freeze that were shown last
}

// Turned says how a deployment stands after a Turn.
type Turned struct {
	Head   Head
	Frozen string // until when, by whom and why it is frozen, if it is
	// Worked says that something was applied, or tried.
	Worked bool
}

// Turn does what is left to do for a deployment: it goes on with the apply that is
// under way, then plans and applies the commit that the branch stands on, if that was
// not done yet. It may be ended at any moment, and be called however often.
func (d *Desk) Turn(ctx context.Context) (Turned, error) {
	t := turn{Desk: d}
	err := t.run(ctx)
	if d.Await != nil {
		d.Await(t.turned.Head.listens(d.Now()))
	}
	return t.turned, err
}

// version tells one state of what was applied from another.
func (d *Desk) version(ctx context.Context) (string, error) {
	store, err := d.Records(ctx)
	if err != nil {
		return "", fmt.Errorf("state: %w", err)
	}
	_, etag, err := applier.ReadApplied(ctx, store, d.Name)
	return etag, err
}
