// Package engine is the one engine behind the three ways of use. It alone puts
// compiler, world, planner and applier together; every verb and the controller
// call it. It prints nothing and decides nothing that these four decide.
package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/bake"
	"domctl.dev/internal/build"
	"domctl.dev/internal/port"
	"domctl.dev/internal/probe"
	"domctl.dev/internal/roll"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Config is what an engine is made of. All fields but Wall, Domino, Nodes, Executions, SSH, KeepOnFailure, Logs, Report,
// Alive, Source, Beside, Open and Lease are required. Without Outside, Secret and Parallelism an engine can read
// the records and break the lock, and do nothing else.
type Config struct {
	Compiled compiler.Result
	Outside  port.Outside
	Store    applier.Store
	Secret   func(ctx context.Context, ref string) (schema.Value, error)
	// Domino is its REST API; nil: it is not stated.
	Domino port.Domino
	// Nodes are those of the cluster; nil: they are not read, and nothing can be rolled.
	Nodes port.Grid
	// Executions tell which runs are live; nil: their pods alone do.
	Executions port.Executions
	// SSH opens a way to instances over SSH. nil: the outside's own shell reaches them.
	SSH func(s schema.SSH, key []byte) (port.Shell, error)
	// Others reads what another deployment has applied, see world.World.
	Others func(ctx context.Context, deployment string) (applied schema.Applied, there bool, err error)
	// KeepOnFailure leaves the instances of bakes that fail.
	KeepOnFailure bool
	// Logs keeps what bakes and builds write; nil: nothing is kept.
	Logs        *Logs
	Clock       applier.Clock // the outside's time
	Wall        applier.Clock // what leases go by; nil: Clock
	Random      func() string // 26 characters of base32
	Salt        func() string // as Random, where tests compare what applies made; nil: Random
	Holder      string
	Parallelism int
	Report      func(applier.Event)
	Alive       func(holder string) (alive, known bool)
	Source      planner.Source
	// Beside are the CUE files of the repository, those of other deployments too, by
	// name. nil: none but the compiled ones are known.
	Beside func(context.Context) (map[string][]byte, error)
	// Open answers for gates, see applier.Applier; nil goes by the clock, and by the
	// approvals that the records hold.
	Open func(planner.Plan, planner.Gate, []applier.Approval) applier.Passage
	// Lease is how long a lock stands without a sign of life before another
	// process may take it; zero is two minutes.
	Lease time.Duration
	// Foretell is how long a plan that bakes asks what new nodes will pull; zero is
	// 20 seconds.
	Foretell time.Duration
}

// Engine is one deployment, opened.
type Engine struct {
	Config
	Applier *applier.Applier
	world   *world.World
	keyless error // why the store has no digest key, when it has none
	ended   *pastRuns
}

// Open makes an engine. It reads the deployment's digest key from the store,
// and makes one at the first use that may be followed by an apply. Where it may
// not, plans have one for this run alone, and cannot be applied.
func Open(ctx context.Context, c Config) (*Engine, error) {
	e := &Engine{Config: c, ended: new(pastRuns)}
	maker := bake.Maker{Outside: c.Outside, Now: c.Clock.Now, SSH: e.ssh(), Keep: c.KeepOnFailure}
	if c.Logs != nil {
		maker.Logs = c.Logs
	}
	long := maker.Operations()
	maps.Copy(long, e.builder().Operations())
	maps.Copy(long, build.Creator{Builder: e.builder(), Documents: c.Outside}.Operations())
	maps.Copy(long, (&probe.Prober{Domino: c.Domino, Documents: c.Outside, Now: c.Clock.Now}).Operations())
	e.world = &world.World{Outside: c.Outside, Domino: c.Domino, Nodes: c.Nodes, Karpenter: c.Nodes, Long: long, Deployment: c.Compiled.Desired.Deployment, Secret: e.secret, SSH: e.ssh(), Now: c.Clock.Now, Held: e.held, Others: c.Others}
	roller := &roll.Roller{Outside: c.Outside, Nodes: c.Nodes, Karpenter: c.Nodes, Census: c.Executions, Now: c.Clock.Now, Single: e.world.Executor}
	if e.world.Deployment.Executors == "classic" {
		roller.Classic, roller.Machines = world.Classic{World: e.world, Census: c.Executions}, c.Outside
	}
	maps.Copy(long, roller.Operations())
	key, err := e.digestKey(ctx)
	if err != nil {
		// With the credentials of another account, records are out of reach, and that is the news.
		if c.Outside != nil {
			if _, other := e.world.Identity(ctx); other != nil {
				err = fmt.Errorf("%w\n%w", other, err)
			}
		}
		return nil, err
	}
	e.world.Key = key
	if c.Open == nil {
		c.Open = e.gate
	}
	most := func(op string) (string, int) { return long[op].Room, long[op].Most }
	e.Applier = &applier.Applier{Store: c.Store, World: e.world, Clock: c.Clock, Wall: c.Wall, Executor: e.world.Executor, Most: most, Nonce: c.Random, Salt: c.Salt,
		Holder: c.Holder, Deployment: e.world.Deployment.Name, Lineage: lineage(key), TTL: cmp.Or(c.Lease, lease), Parallelism: c.Parallelism, Report: c.Report, Alive: c.Alive, Open: c.Open, Latest: e.latest}
	return e, nil
}

// mostBuilds are under way side by side unless the files say otherwise.
const mostBuilds = 4

// builder has revisions built.
func (e *Engine) builder() build.Builder {
	stated := e.Compiled.Desired.Deployment.Domino
	b := build.Builder{Domino: e.Domino, Now: e.Clock.Now, Secret: e.secret, Reader: e.buildLogs(), Most: cmp.Or(stated.Builds, mostBuilds), Longest: stated.Timeout()}
	if e.Logs != nil {
		b.Logs = e.Logs
	}
	return b
}

// buildLogs reads what builds write; nil where the files do not say how to reach Domino.
func (e *Engine) buildLogs() *build.Reader {
	if e.Domino == nil {
		return nil
	}
	r := &build.Reader{Domino: e.Domino, Secret: e.secret}
	if e.Logs != nil {
		r.Mask = e.Logs.Mask
	}
	return r
}

// lease is how long a lock stands unless the configuration says otherwise.
const lease = 2 * time.Minute

// ReadLock tells who holds a deployment's lock. It reads nothing else, so that the
// store need not be able to open what is sealed.
func ReadLock(ctx context.Context, store applier.Store) (applier.Lock, error) {
	l, _, err := (&applier.Applier{Store: store, TTL: lease}).ReadLock(ctx)
	return l, err
}

// ssh opens a way to instances with the key that a reference leads to; nil where
// the outside has its own.
func (e *Engine) ssh() func(context.Context, schema.SSH) (port.Shell, error) {
	if e.SSH == nil {
		return nil
	}
	return func(ctx context.Context, s schema.SSH) (port.Shell, error) {
		key, err := e.Secret(ctx, s.KeyRef())
		if err != nil {
			return nil, fmt.Errorf("connect.ssh.key: %w", err)
		}
		return e.SSH(s, []byte(key.Str()))
	}
}

// PlanOptions narrow a plan or let it do more.
type PlanOptions struct {
	Target, Exclude []string // addresses or patterns of path.Match
	Allow           []string // "archive"
	Unlatch         bool
	Restarted       bool // Domino's services restarted since the last apply
	// Rebuild are addresses or patterns of environments that get another revision of what
	// the active one was built of, without the cache.
	Rebuild []string
}

// Plan reads what stands and plans the way to what the files say.
func (e *Engine) Plan(ctx context.Context, o PlanOptions) (planner.Plan, error) {
	p, _, err := e.planned(ctx, o)
	return p, err
}

func (e *Engine) planned(ctx context.Context, o PlanOptions) (p planner.Plan, now present, err error) {
	if schema.Stops(e.Compiled.Findings) {
		return p, now, &Invalid{e.Compiled.Findings}
	}
	if i := slices.IndexFunc(o.Allow, func(a string) bool { return a != "archive" }); i >= 0 {
		return p, now, fmt.Errorf("--allow %q is nothing that can be allowed; there is --allow archive", o.Allow[i])
	}
	desired := e.Compiled.Desired
	if now, err = e.read(ctx); err != nil {
		return p, now, err
	}
	choose, err := o.selector(slices.Concat(schema.Addresses(desired.Objects), schema.Addresses(now.applied.Entries)))
	if err != nil {
		return p, now, err
	}
	in := o.input(choose)
	if in.Again, err = o.again(desired, choose); err != nil {
		return p, now, err
	}
	now.view.Anew(in.Again)
	in.Again = both(in.Again, now.view.Uneven())
	in.Desired, in.Live, in.Applied, in.View, in.World, in.Lineage = now.view.Desired(), now.view.Live, now.applied, now.view, now.identity, e.Applier.Lineage
	in.Findings, in.Source, in.ID = slices.Concat(forPlans(e.Compiled.Findings), now.view.Findings, now.unended, e.unkept()), e.Source, e.newID()
	p, err = e.foretold(ctx, now.view, in)
	return p, now, err
}

// both joins what is done though nothing differs.
func both(a, b map[schema.Address]planner.Redo) map[schema.Address]planner.Redo {
	if len(b) == 0 {
		return a
	}
	out := maps.Clone(b)
	maps.Copy(out, a) // which are of other kinds
	return out
}

// forPlans leaves out what `domctl check` alone tells: how texts of environments could be
// better. A plan is about what will be done outside. Nor does it need what the files alone tell
// of tiers on nodes: it judges that itself, by what lives.
func forPlans(all []schema.Finding) []schema.Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f schema.Finding) bool {
		return f.Severity == schema.Info && strings.HasPrefix(f.Code, "DC7") || f.Code == "DC800"
	})
}

// input is what the options say of a plan.
func (o PlanOptions) input(choose func(schema.Address) bool) planner.Input {
	return planner.Input{Select: choose, Exclude: o.excludes, Allow: slices.Contains(o.Allow, "archive"), Unlatch: o.Unlatch, Restarted: o.Restarted}
}

// present is what a plan is made of beside the files.
type present struct {
	identity planner.World
	applied  schema.Applied
	view     *world.View
	unended  []schema.Finding
}

// read asks for all of it side by side: a round trip of each is the least that a
// plan takes. Whatever else failed, the wrong world and lost records are told
// first, as what explains the rest.
func (e *Engine) read(ctx context.Context) (now present, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wrong, lost error
	var group errgroup.Group
	group.Go(func() error {
		now.identity, wrong = e.world.Identity(ctx)
		if wrong != nil {
			cancel()
		}
		return wrong
	})
	group.Go(func() (err error) { now.unended, err = e.unended(ctx); return err })
	group.Go(func() (err error) {
		now.view, err = e.world.Look(ctx, e.Compiled.Desired, func() (schema.Applied, error) {
			now.applied, _, lost = applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
			return now.applied, lost
		})
		return err
	})
	err = group.Wait()
	return now, cmp.Or(wrong, lost, err)
}

// unkept says that a plan cannot be applied, for want of a key that outlives it.
func (e *Engine) unkept() []schema.Finding {
	if e.keyless == nil {
		return nil
	}
	return []schema.Finding{{Code: "DC513", Severity: schema.Warning, Message: fmt.Sprintf("the state store cannot be written (%v): this plan can be read, not applied", e.keyless),
		Hint: "apply once with a role that may write the store; plans of this one are complete from then on"}}
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
	return "the files have " + planner.Plural(n, "error")
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
	if e.keyless != nil {
		return applier.Result{}, fmt.Errorf("DC513: the state store cannot be written, so nothing can be applied: %w", e.keyless)
	}
	return e.Applier.Apply(ctx, p.Sealed())
}

// Fits says whether a plan from a file is for this deployment, and one that it
// could have made.
func (e *Engine) Fits(p planner.Plan) error {
	if want := e.Compiled.Desired.Deployment.Name; p.Deployment != want {
		return fmt.Errorf("DC306: the plan is for deployment %q, this folder is %q; name the folder of %[1]q: domctl apply DIR --plan FILE", p.Deployment, want)
	}
	if p.Unknowns {
		return planner.ErrUnseen
	}
	return e.world.Makes(p, e.Compiled.Desired)
}
