// Package engine is the one engine behind the three ways of use. It alone puts
// compiler, world, planner and applier together; every verb and the controller
// call it. It prints nothing and decides nothing that these four decide.
package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Config is what an engine is made of. All fields but Report, Alive, Source and
// Lease are required.
type Config struct {
	Compiled    compiler.Result
	Outside     port.Outside
	Store       applier.Store
	Secret      func(ctx context.Context, ref string) (schema.Value, error)
	Clock       applier.Clock
	Random      func() string // 26 characters of base32
	Holder      string
	Parallelism int
	Report      func(applier.Event)
	Alive       func(holder string) (alive, known bool)
	Source      planner.Source
	// Lease is how long a lock stands without a sign of life before another
	// process may take it; zero is two minutes.
	Lease time.Duration
}

// Engine is one deployment, opened.
type Engine struct {
	Config
	Applier *applier.Applier
	world   *world.World
}

// Open makes an engine. It reads the deployment's digest key from the store,
// and makes one at the first use.
func Open(ctx context.Context, c Config) (*Engine, error) {
	e := &Engine{Config: c}
	e.world = &world.World{Outside: c.Outside, Deployment: c.Compiled.Desired.Deployment, Secret: e.secret, Now: c.Clock.Now}
	key, err := digestKey(ctx, c.Store, c.Random)
	if err != nil {
		// With the credentials of another account, records are out of reach, and that is the news.
		if _, other := e.world.Identity(ctx); other != nil {
			err = fmt.Errorf("%w\n%w", other, err)
		}
		return nil, err
	}
	e.world.Key = key
	e.Applier = &applier.Applier{Store: c.Store, World: e.world, Clock: c.Clock, Executor: e.world.Executor, Nonce: c.Random,
		Holder: c.Holder, TTL: cmp.Or(c.Lease, 2*time.Minute), Parallelism: c.Parallelism, Report: c.Report, Alive: c.Alive}
	return e, nil
}

// secret resolves a reference; the records hold what a rollback puts back.
func (e *Engine) secret(ctx context.Context, ref string) (schema.Value, error) {
	if applier.IsRecorded(ref) {
		return e.Applier.Recorded(ctx, ref)
	}
	return e.Secret(ctx, ref)
}

// digestKey is what digests of secrets are keyed with: in the store, sealed
// where the store seals.
func digestKey(ctx context.Context, s applier.Store, random func() string) ([]byte, error) {
	for range 3 {
		key, _, err := s.Get(ctx, "key")
		if err == nil {
			return key, nil
		}
		if !errors.Is(err, applier.ErrNoKey) {
			return nil, fmt.Errorf("state: %w", err)
		}
		if _, err := s.PutIfNone(ctx, "key", []byte(random()+random())); err != nil && !errors.Is(err, applier.ErrExists) {
			return nil, fmt.Errorf("state: the first command of a deployment writes its digest key, with the permissions of an apply: %w", err)
		}
	}
	return nil, errors.New("state: the digest key that was just written is not there")
}

// PlanOptions narrow a plan or let it do more.
type PlanOptions struct {
	Target, Exclude []string // addresses or patterns of path.Match
	Allow           []string // "archive"
	Unlatch         bool
}

// Plan reads what stands and plans the way to what the files say.
func (e *Engine) Plan(ctx context.Context, o PlanOptions) (planner.Plan, error) {
	if schema.Failed(e.Compiled.Findings) {
		return planner.Plan{}, &Invalid{e.Compiled.Findings}
	}
	desired := e.Compiled.Desired
	applied, _, err := applier.ReadApplied(ctx, e.Store)
	if err != nil {
		return planner.Plan{}, err
	}
	if i := slices.IndexFunc(o.Allow, func(a string) bool { return a != "archive" }); i >= 0 {
		return planner.Plan{}, fmt.Errorf("--allow %q is nothing that can be allowed; there is --allow archive", o.Allow[i])
	}
	choose, err := o.selector(slices.Concat(schema.Addresses(desired.Objects), schema.Addresses(applied.Entries)))
	if err != nil {
		return planner.Plan{}, err
	}
	identity, err := e.world.Identity(ctx)
	if err != nil {
		return planner.Plan{}, err
	}
	view, err := e.world.Look(ctx, desired, applied)
	if err != nil {
		return planner.Plan{}, err
	}
	return weighed(ctx, view, planner.Input{Desired: desired, Live: view.Live, Applied: applied, View: view,
		Findings: slices.Concat(e.Compiled.Findings, view.Findings), World: identity, Source: e.Source, ID: e.newID(),
		Select: choose, Allow: slices.Contains(o.Allow, "archive"), Unlatch: o.Unlatch})
}

// Invalid is answered for files that do not say anything that could be planned.
type Invalid struct{ Findings []schema.Finding }

func (i *Invalid) Error() string {
	n := 0
	for _, f := range i.Findings {
		if f.Severity == schema.Error {
			n++
		}
	}
	return fmt.Sprintf("the files have %d errors", n)
}

// newID is a plan's id: its time, so that ids sort, and what cannot be guessed.
func (e *Engine) newID() string {
	return e.Clock.Now().UTC().Format("20060102-150405") + "-" + strings.ToLower(e.Random()[:12])
}

// Apply runs a plan to its end or to where it must wait.
func (e *Engine) Apply(ctx context.Context, p planner.Plan) (applier.Result, error) {
	if err := e.Fits(p); err != nil {
		return applier.Result{}, err
	}
	return e.Applier.Apply(ctx, p)
}

// Fits says whether a plan is for this deployment.
func (e *Engine) Fits(p planner.Plan) error {
	if want := e.Compiled.Desired.Deployment.Name; p.Deployment != want {
		return fmt.Errorf("DC306: the plan is for deployment %q, this folder is %q; name the folder of %[1]q: domctl apply DIR --plan FILE", p.Deployment, want)
	}
	return nil
}
