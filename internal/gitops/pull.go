package gitops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"domctl.dev/internal/port"
)

// Reception is where a repository's pull requests come in. Each open one that changes a
// deployment's files shows the plan of what its merge would give: a comment a
// deployment, and a status. What forge, git and records say is read anew at each look;
// what is remembered from one to the next only spares work.
type Reception struct {
	Name   string // of the repository in the configuration
	Repo   string // on the forge
	Forge  port.Forge
	Source Proposals
	Desks  []*Desk // of the repository's deployments
	Places *Places
	Room   string // a folder in which trees are written, each in one of its own
	// Converse reads what people wrote on a pull request, and does what they ask for. It
	// is called side by side for several, never for one: after UpdatedAt moved, when the
	// pull request is over, and again at the next look after an error. ErrUnderWay is one
	// that is not told. nil: nobody listens.
	Converse func(ctx context.Context, pull port.Pull) error
	// Shared says that another replica may act for a deployment: for what it waits stands
	// in its records alone.
	Shared   bool
	Observer Observer // hears how its work goes; may be nil
	Now      func() time.Time
	Random   func() string
	Log      *slog.Logger

	start   sync.Once
	wake    chan struct{}
	looks   sync.Mutex // held by who looks
	talk    sync.Mutex // held by who writes what is said for several deployments
	summing sync.Mutex // held by who shows SumName
	// telling is held by forks that set a status, and by who finds whose heads are whose.
	telling sync.RWMutex
	work    sync.WaitGroup // what goes on between looks

	mu      sync.Mutex
	visits  map[int]*visit
	hearing map[int]*hearing
	lines   chan struct{}               // held by who listens
	awaited map[*Desk]int               // see Await
	known   map[*Desk]map[int]time.Time // the pull requests of its records, and when they ended
	asked   map[*Desk]bool              // whose records are being read
	prints  map[*Desk]footprint         // of deployments in their branches
	// uncertain are those of which something else may be shown than is recorded.
	uncertain map[showing]bool
	heads     map[string][]port.Pull // open for deployments' branches, by their heads
	ours      map[string]bool        // heads of the repository's own: forks set no status there
	// sums are what heads show under SumName, as far as that is known; the zero value:
	// nobody knows what.
	sums map[string]port.CommitStatus
	last move
}

// ErrUnderWay is answered by Converse for what has not come to its end yet.
var ErrUnderWay = errors.New("it is under way")

func (r *Reception) init() {
	r.start.Do(func() {
		r.wake, r.visits, r.hearing = make(chan struct{}, 1), map[int]*visit{}, map[int]*hearing{}
		r.prints, r.uncertain = map[*Desk]footprint{}, map[showing]bool{}
		r.sums = map[string]port.CommitStatus{}
		r.lines = make(chan struct{}, mostHeard)
		r.awaited, r.known, r.asked = map[*Desk]int{}, map[*Desk]map[int]time.Time{}, map[*Desk]bool{}
	})
}

// Call says that something may have happened to a pull request. It never waits.
func (r *Reception) Call() {
	r.init()
	select {
	case r.wake <- struct{}{}:
	default: // it will look anyway, and sees the newest then
	}
}

// anew forgets what another replica may have changed since, while nothing is under way.
func (r *Reception) anew() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known, r.hearing, r.visits = map[*Desk]map[int]time.Time{}, map[int]*hearing{}, map[int]*visit{}
	r.sums = map[string]port.CommitStatus{}
}

// awaits finds out for what deployments wait, for which another replica may act.
func (r *Reception) awaits(ctx context.Context) error {
	if !r.Shared {
		return nil
	}
	var group errgroup.Group
	group.SetLimit(mostHeard)
	for _, d := range r.Desks {
		group.Go(func() error {
			s, err := d.Records(ctx)
			if err != nil {
				return fmt.Errorf("%s: state: %w", d.Name, err)
			}
			h, _, err := ReadHead(ctx, s)
			if err != nil {
				return fmt.Errorf("%s: %w", d.Name, err)
			}
			r.Await(d, h.listens(r.Now()))
			return nil
		})
	}
	return group.Wait()
}

// Wait waits until nothing is under way.
func (r *Reception) Wait() { r.work.Wait() }

// What a look waits for at most: all of it, and the records of deployments. One whose
// records cannot be read holds up no other.
const (
	mostLook    = 5 * time.Minute
	mostRecords = 10 * time.Second
	mostAsked   = 16 // deployments' records at once
)

// Look reads the forge once, and begins what is left to do for the pull requests: what
// it begins goes on until ctx ends. next is when a forge that limits rates may be asked
// again, zero for any time.
func (r *Reception) Look(ctx context.Context) (next time.Duration, err error) {
	r.init()
	r.looks.Lock()
	defer r.looks.Unlock()
	within, cancel := context.WithTimeout(ctx, mostLook)
	defer cancel()
	open, err := r.Forge.Pulls(within, r.Repo)
	if err == nil {
		r.remember(ctx)
		s := &sight{Reception: r, commits: map[string]string{}, lasting: ctx}
		s.read(within)
		var forks bool
		forks, err = s.gather(within, open)
		for _, p := range open {
			if forks || !r.forked(p) {
				err = errors.Join(err, s.see(within, p))
			}
		}
		r.over(ctx, open)
		err = errors.Join(err, r.awaits(within))
		r.listen(ctx, open)
	}
	return alone(err), err
}

// alone is for how long a forge wants to be left alone, zero where it does not say.
func alone(err error) time.Duration {
	var t *port.Throttle
	if errors.As(err, &t) {
		return t.After
	}
	return 0
}

// remember reads, once for each deployment, which pull requests it has records of. Who
// does not answer soon is seen at a later look.
func (r *Reception) remember(ctx context.Context) {
	r.mu.Lock()
	missing := slices.DeleteFunc(slices.Clone(r.Desks), func(d *Desk) bool { return d.Compile == nil || r.known[d] != nil || r.asked[d] })
	for _, d := range missing {
		r.asked[d] = true
	}
	r.mu.Unlock()
	answered, asking := make(chan struct{}, len(missing)), make(chan struct{}, mostAsked)
	var late atomic.Bool // the look went on without
	for _, d := range missing {
		r.work.Go(func() {
			asking <- struct{}{}
			within, cancel := context.WithTimeout(ctx, time.Minute)
			known, err := d.pulls(within)
			cancel()
			<-asking
			if late.Load() {
				defer r.Call()
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.asked[d] = false; err == nil {
				r.known[d] = known
			} else if ctx.Err() == nil {
				r.warn("no pull request is planned", err, "deployment", d.Name)
			}
			answered <- struct{}{}
		})
	}
	late.Store(!wait(ctx, answered, len(missing)))
}

// wait waits for answers, not for long; there are all of them, or not.
func wait(ctx context.Context, answered <-chan struct{}, n int) bool {
	late := time.NewTimer(mostRecords)
	defer late.Stop()
	for range n {
		select {
		case <-answered:
		case <-late.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// Replan plans a pull request anew for a deployment that it touches. It does not wait
// for that.
func (r *Reception) Replan(ctx context.Context, d *Desk, pull int) error {
	r.init()
	if err := d.untell(ctx, pull, r.Random()); err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	r.mu.Lock()
	if v := r.visits[pull]; v != nil {
		v.void.Store(true)
	}
	r.mu.Unlock()
	r.Call()
	return nil
}
