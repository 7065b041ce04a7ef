package gitops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"domctl.dev/internal/git"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
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
	// Converse is called at each look for every open pull request of the deployments'
	// branches, and for one that is over until it succeeded: it reads what people write
	// there. Nothing is to be asked of the forge for one whose UpdatedAt did not move.
	// nil: nobody listens.
	Converse func(ctx context.Context, pull port.Pull) error
	Now      func() time.Time
	Random   func() string
	Log      *slog.Logger

	start  sync.Once
	wake   chan struct{}
	looks  sync.Mutex // held by who looks
	work   sync.WaitGroup
	talk   sync.Mutex // held by who writes what is said for several deployments
	mu     sync.Mutex
	visits map[int]*visit
	known  map[*Desk]map[int]time.Time // the pull requests of its records, and when they ended
	state  ReceptionState
}

// ReceptionState is how a reception stands, for people.
type ReceptionState struct {
	Repository string
	Open       int       // pull requests
	Looked     time.Time // when it last saw all of them
	// Failed says why it has not since Since; empty: it has.
	Failed string
	Since  time.Time
	// Until is when it asks a forge again that wants to be left alone.
	Until time.Time
}

// State is how it stands at this moment.
func (r *Reception) State() ReceptionState {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state
	s.Repository = r.Name
	return s
}

func (r *Reception) init() {
	r.start.Do(func() {
		r.wake, r.visits, r.known = make(chan struct{}, 1), map[int]*visit{}, map[*Desk]map[int]time.Time{}
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

// Wait waits until nothing is under way.
func (r *Reception) Wait() { r.work.Wait() }

// mostLook is how long a look may take.
const mostLook = 10 * time.Minute

// Look reads the forge once, and begins what is left to do for the pull requests: what
// it begins goes on until ctx ends. next is when a forge that limits rates may be asked
// again, zero for any time.
func (r *Reception) Look(ctx context.Context) (next time.Duration, err error) {
	r.init()
	r.looks.Lock()
	defer r.looks.Unlock()
	within, cancel := context.WithTimeout(ctx, mostLook)
	defer cancel()
	pulls, err := r.Forge.Pulls(within, r.Repo)
	if err == nil {
		err = r.remember(within)
	}
	if err == nil {
		s := &sight{Reception: r, commits: map[string]string{}, applied: map[*Desk]string{}}
		for _, p := range pulls {
			err = errors.Join(err, s.open(within, ctx, p))
		}
		err = errors.Join(err, r.over(within, pulls))
	}
	return r.looked(len(pulls), err), err
}

// looked keeps how a look ended.
func (r *Reception) looked(open int, err error) (next time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.state = ReceptionState{Open: open, Looked: r.Now()}
		return 0
	}
	if r.state.Failed == "" {
		r.state.Since = r.Now()
	}
	r.state.Failed, r.state.Until = planner.Printable(err.Error()), time.Time{}
	var t *port.Throttle
	if errors.As(err, &t) && t.After > 0 {
		next = t.After
		r.state.Until = r.Now().Add(next)
	}
	return next
}

// remember reads, once for each deployment, which pull requests it has records of.
func (r *Reception) remember(ctx context.Context) error {
	for _, d := range r.Desks {
		r.mu.Lock()
		there := r.known[d] != nil
		r.mu.Unlock()
		if there || d.Compile == nil {
			continue
		}
		known, err := d.pulls(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		r.mu.Lock()
		r.known[d] = known
		r.mu.Unlock()
	}
	return nil
}

// of are the deployments that a pull request may touch, and those that planned it when
// it was for another branch.
func (r *Reception) of(p port.Pull) (desks []*Desk) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.Desks {
		if _, planned := r.known[d][p.Number]; d.Compile != nil && (planned || d.Bound.Branch == p.Base) {
			desks = append(desks, d)
		}
	}
	return desks
}

// visit is what was done for an open pull request.
type visit struct {
	head, commit string // that it was done for: the pull request's, and its branch's
	stop         func()
	done         chan struct{} // closed when it is done
	// touched holds the deployments that have a plan of it, and on which version of what
	// was applied that rests.
	touched map[*Desk]string
	failed  bool
	fails   int
	next    time.Time // when what failed is tried again
	said    string
	void    atomic.Bool // it is to be done again
	more    atomic.Bool // somebody looked meanwhile
}

func (v *visit) over() bool {
	select {
	case <-v.done:
		return true
	default:
		return false
	}
}

// sight is one look: what is read for several pull requests is read once.
type sight struct {
	*Reception
	commits map[string]string // of branches
	applied map[*Desk]string
}

func once[K comparable](known map[K]string, key K, ask func() (string, error)) (string, error) {
	value, ok := known[key]
	if ok {
		return value, nil
	}
	value, err := ask()
	if err == nil {
		known[key] = value
	}
	return value, err
}

// open begins what is left to do for a pull request, and listens to what is said there.
// An earlier head's work is ended: what it plans is nobody's any more.
func (s *sight) open(ctx, lasting context.Context, p port.Pull) error {
	desks := s.of(p)
	if len(desks) == 0 {
		return nil
	}
	commit, err := once(s.commits, p.Base, func() (string, error) { return s.Source.Head(ctx, p.Base) })
	if errors.Is(err, git.ErrNoBranch) {
		return nil // there is nothing to merge it into
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	v := s.visits[p.Number]
	s.mu.Unlock()
	due := v == nil || v.head != p.HeadCommit || v.void.Load()
	switch {
	case due:
	case v.over():
		due, err = s.due(ctx, v, commit)
	default: // there may be more to do once it is over
		v.more.Store(true)
	}
	if err != nil {
		return err
	}
	if due {
		s.begin(lasting, p, commit, desks, v)
	}
	if s.Converse == nil {
		return nil
	}
	if err := s.Converse(ctx, p); err != nil {
		return fmt.Errorf("pull request %d: %w", p.Number, err)
	}
	return nil
}

// due says whether what was done for a head counts no longer.
func (s *sight) due(ctx context.Context, v *visit, commit string) (bool, error) {
	if v.failed {
		return !s.Now().Before(v.next), nil
	}
	if v.commit != commit {
		return true, nil
	}
	for d, at := range v.touched {
		now, err := once(s.applied, d, func() (string, error) { return d.version(ctx) })
		if err != nil {
			return false, fmt.Errorf("%s: %w", d.Name, err)
		}
		if now != at {
			return true, nil
		}
	}
	return false, nil
}

// begin works for a pull request once the work before it has ended.
func (r *Reception) begin(ctx context.Context, p port.Pull, commit string, desks []*Desk, before *visit) {
	ctx, stop := context.WithCancel(ctx)
	v := &visit{head: p.HeadCommit, commit: commit, stop: stop, done: make(chan struct{})}
	r.mu.Lock()
	r.visits[p.Number] = v
	r.mu.Unlock()
	r.work.Go(func() {
		defer func() {
			stop()
			close(v.done)
			if v.more.Load() {
				r.Call()
			}
		}()
		if before != nil {
			before.stop()
			<-before.done
			if before.head == v.head {
				v.fails, v.said = before.fails, before.said
			}
		}
		r.ended(ctx, v, p, r.review(ctx, v, p, desks))
	})
}

// ended keeps how the work for a pull request ended. What failed is tried again, ever
// later; a head that is gone is seen at the next look.
func (r *Reception) ended(ctx context.Context, v *visit, p port.Pull, err error) {
	if ctx.Err() != nil || err == nil {
		v.failed = ctx.Err() != nil
		return
	}
	v.failed, v.next = true, r.Now().Add(min(soonest<<min(v.fails, 10), time.Hour))
	v.fails++
	quiet := errors.Is(err, git.ErrGone) || errors.Is(err, git.ErrNoBranch)
	if said := err.Error(); said != v.said && !(quiet && v.fails < 3) {
		v.said = said
		r.Log.Warn("a pull request is not planned", "repository", r.Name, "pull", p.Number, "commit", p.HeadCommit, "error", said)
	}
	time.AfterFunc(v.next.Sub(r.Now()), r.Call)
}

// forked says that a pull request's commits come from another repository.
func (r *Reception) forked(p port.Pull) bool { return !strings.EqualFold(p.Repo, r.Repo) }

// touches notes that a deployment has a plan of a pull request.
func (r *Reception) touches(v *visit, d *Desk, applied string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v.touched == nil {
		v.touched = map[*Desk]string{}
	}
	v.touched[d] = applied
}

// over ends the records of pull requests that are not open any more.
func (r *Reception) over(ctx context.Context, open []port.Pull) (failed error) {
	is := map[int]bool{}
	for _, p := range open {
		is[p.Number] = true
	}
	r.mu.Lock()
	gone := map[int][]*Desk{}
	for _, d := range r.Desks {
		for n, ended := range r.known[d] {
			if !is[n] && ended.IsZero() {
				gone[n] = append(gone[n], d)
			}
		}
	}
	for n, v := range r.visits {
		if !is[n] {
			v.stop()
			delete(r.visits, n)
		}
	}
	r.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(gone)) {
		failed = errors.Join(failed, r.close(ctx, n, gone[n]))
	}
	return failed
}

// close ends the records of a pull request, after who listens has heard of its end.
func (r *Reception) close(ctx context.Context, number int, desks []*Desk) error {
	p, err := r.Forge.Pull(ctx, r.Repo, number)
	switch {
	case errors.Is(err, port.ErrNotFound):
		p = port.Pull{Number: number, State: port.PullClosed}
	case err != nil:
		return err
	case p.State == port.PullOpen:
		return nil // opened again meanwhile
	case r.Converse != nil:
		if err := r.Converse(ctx, p); err != nil {
			return fmt.Errorf("pull request %d: %w", number, err)
		}
	}
	for _, d := range desks {
		if err := d.over(ctx, p, r.Random()); err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		r.mu.Lock()
		r.known[d][number] = r.Now()
		old := stale(r.known[d], r.Now())
		r.mu.Unlock()
		for _, n := range old {
			if err := d.forget(ctx, n); err != nil {
				return fmt.Errorf("%s: %w", d.Name, err)
			}
			r.mu.Lock()
			delete(r.known[d], n)
			r.mu.Unlock()
		}
	}
	return nil
}

// Replan plans a pull request anew for each deployment that it touches. It does not
// wait for that.
func (r *Reception) Replan(ctx context.Context, pull int) error {
	r.init()
	if err := r.remember(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	var desks []*Desk
	for _, d := range r.Desks {
		if ended, planned := r.known[d][pull]; planned && ended.IsZero() {
			desks = append(desks, d)
		}
	}
	r.mu.Unlock()
	for _, d := range desks {
		if err := d.untell(ctx, pull, r.Random()); err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
	}
	r.mu.Lock()
	if v := r.visits[pull]; v != nil {
		v.void.Store(true)
	}
	r.mu.Unlock()
	r.Call()
	return nil
}
