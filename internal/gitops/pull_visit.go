package gitops

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"domctl.dev/internal/git"
	"domctl.dev/internal/port"
)

// visit is what was done, or is being done, for an open pull request.
type visit struct {
	head, commit string // that it is done for: the pull request's, and its branch's
	base         string // its branch
	stop         func()
	done         chan struct{} // closed when it is done, and all below stands
	// touched holds the deployments that have a plan of it, and the version of what was
	// applied that this rests on.
	touched map[*Desk]string
	steps   map[*Desk]step
	until   time.Time         // when a recording that a plan was made from is too old; zero: never
	desks   int               // that it was done for
	says    port.CommitStatus // of all of them; zero: not known yet
	company string            // the pull requests of the same head
	failed  bool
	fails   int
	next    time.Time // when what failed is tried again
	trouble matter

	void atomic.Bool // it is to be done again
	more atomic.Bool // somebody looked meanwhile
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
	lasting  context.Context // of what goes on after the look
	commits  map[string]string
	versions map[*Desk]string // of what is applied, where that was answered
}

// read reads the versions of what is applied that plans rest on.
func (s *sight) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, mostRecords)
	defer cancel()
	desks := map[*Desk]bool{}
	s.mu.Lock()
	for _, v := range s.visits {
		if v.over() {
			for d := range v.touched {
				desks[d] = true
			}
		}
	}
	s.mu.Unlock()
	read, answered := map[*Desk]string{}, make(chan struct{}, len(desks))
	for d := range desks {
		s.work.Go(func() {
			if version, err := d.version(ctx); err == nil {
				s.mu.Lock()
				read[d] = version
				s.mu.Unlock()
			}
			answered <- struct{}{}
		})
	}
	wait(ctx, answered, len(desks))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.versions = maps.Clone(read)
}

// see begins what is left to do for a pull request. An earlier head's work is ended:
// what it plans is nobody's any more.
func (s *sight) see(ctx context.Context, p port.Pull) error {
	desks := s.of(p)
	if len(desks) == 0 {
		return nil
	}
	commit, err := s.branch(ctx, p.Base)
	if err != nil {
		return err
	}
	s.mu.Lock()
	v := s.visits[p.Number]
	s.mu.Unlock()
	switch {
	case commit == "": // there is nothing to merge it into
	case v == nil || v.head != p.HeadCommit || v.base != p.Base || v.void.Load():
		s.begin(p, commit, desks, v)
	case !v.over(): // there may be more to do then
		v.more.Store(true)
	case s.due(v, commit, len(desks)) || !v.failed && v.company != s.company(p):
		s.begin(p, commit, desks, v)
	}
	return nil
}

// of are the deployments that a pull request may touch, and those that planned it when
// it was for another branch.
func (r *Reception) of(p port.Pull) (desks []*Desk) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.Desks {
		if _, planned := r.known[d][p.Number]; r.known[d] != nil && (planned || d.Bound.Branch == p.Base) {
			desks = append(desks, d)
		}
	}
	return desks
}

// due says whether what was done for a head counts no longer.
func (s *sight) due(v *visit, commit string, desks int) bool {
	if v.failed {
		return !s.Now().Before(v.next)
	}
	if desks > v.desks { // the records of one could not be read before
		return true
	}
	for d, at := range v.touched {
		if now, known := s.versions[d]; known && now != at {
			return true
		}
	}
	return v.commit != commit || !v.until.IsZero() && !s.Now().Before(v.until)
}

// begin works for a pull request once the work before it has ended.
func (s *sight) begin(p port.Pull, commit string, desks []*Desk, before *visit) {
	r := s.Reception
	ctx, stop := context.WithCancel(s.lasting)
	v := &visit{head: p.HeadCommit, base: p.Base, company: r.company(p), commit: commit, desks: len(desks), stop: stop, done: make(chan struct{})}
	follows := func() { // what was said counts until something else is
		if before != nil && before.head == v.head && before.base == v.base {
			v.says = before.says
		}
	}
	r.mu.Lock()
	r.visits[p.Number] = v
	follows()
	r.mu.Unlock()
	if before != nil {
		before.stop()
	}
	r.work.Go(func() {
		defer func() {
			stop()
			close(v.done)
			if v.more.Load() {
				r.Call()
			}
		}()
		if before != nil {
			<-before.done
			if before.head == v.head {
				v.fails, v.trouble = before.fails, before.trouble
			}
			r.mu.Lock()
			follows()
			r.mu.Unlock()
		}
		within, end := r.observe(ctx, ReviewWork)
		err := guarded(func() error { return r.review(within, v, before, p, desks) })
		end(pullOutcome(ctx, err))
		r.ended(ctx, v, p, err)
	})
}

// ended keeps how the work for a pull request ended. What failed is tried again, ever
// later; of a head that is gone nothing is said at once, as the next look may see
// another.
func (r *Reception) ended(ctx context.Context, v *visit, p port.Pull, err error) {
	if v.failed = err != nil; err == nil || ctx.Err() != nil {
		return
	}
	wait := min(soonest<<min(v.fails, 10), time.Hour)
	v.next = r.Now().Add(wait)
	v.fails++
	quiet := (errors.Is(err, git.ErrGone) || errors.Is(err, git.ErrNoBranch)) && v.fails < 3
	if !quiet && v.trouble.news(err.Error()) {
		r.warn("a pull request is not planned", err, "pull", p.Number, "commit", p.HeadCommit)
	}
	time.AfterFunc(wait, r.Call)
}

// forked says that a pull request's commits come from another repository.
func (r *Reception) forked(p port.Pull) bool { return !strings.EqualFold(p.Repo, r.Repo) }

// touches notes what the deployment's plan rests on: a version of what was applied, or a
// recording, and files.
func (t *proposal) touches(v *visit, s step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if v.touched == nil {
		v.touched, v.steps = map[*Desk]string{}, map[*Desk]step{}
	}
	v.steps[t.desk] = s
	switch {
	case t.world == nil:
		v.touched[t.desk] = t.version
	case v.until.IsZero() || t.world.until.Before(v.until):
		v.until = t.world.until
	}
}
