package gitops

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"domctl.dev/internal/port"
)

// hearing is how far a pull request was listened to.
type hearing struct {
	updated time.Time // UpdatedAt, when it was
	since   time.Time // when that was first seen
	again   bool      // the last time failed
	trouble matter
	busy    bool
}

// readAgain is for how long after a change what is said is read again: two comments may
// be of one second, and a forge may move UpdatedAt a while later.
const readAgain = 90 * time.Second

// mostHeard is how many pull requests are listened to at once.
const mostHeard = 4

// Await has a pull request that is over listened to as long as a deployment waits for
// what people say there; 0 is none.
func (r *Reception) Await(d *Desk, pull int) {
	r.init()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.awaited[d] = pull
}

// listen begins to hear what was said on pull requests: on those that are open for a
// deployment's branch, and on those that are awaited.
func (r *Reception) listen(ctx context.Context, open []port.Pull) {
	if r.Converse == nil {
		return
	}
	is := map[int]bool{}
	for _, p := range open {
		is[p.Number] = true
		if slices.ContainsFunc(r.Desks, func(d *Desk) bool { return d.Bound.Branch == p.Base }) {
			r.hear(ctx, p.Number, func() (port.Pull, error) { return p, nil }, p.UpdatedAt)
		}
	}
	r.mu.Lock()
	also := map[int]bool{}
	for _, n := range r.awaited {
		also[n] = n > 0 && !is[n]
	}
	for n := range r.hearing {
		if !is[n] && !also[n] && !r.hearing[n].busy {
			delete(r.hearing, n)
		}
	}
	r.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(also)) {
		if also[n] {
			r.hear(ctx, n, func() (port.Pull, error) { return r.Forge.Pull(ctx, r.Repo, n) }, r.Now())
		}
	}
}

// hear lets one pull request be listened to, if it changed or was not heard to its end.
func (r *Reception) hear(ctx context.Context, number int, read func() (port.Pull, error), updated time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.hearing[number]
	if h == nil {
		h = &hearing{again: true}
		r.hearing[number] = h
	}
	if !h.updated.Equal(updated) || h.since.IsZero() {
		h.updated, h.since = updated, r.Now()
	}
	if h.busy || !h.again && r.Now().Sub(h.since) > readAgain {
		return
	}
	r.lend(ctx, h, number, func(ctx context.Context) error {
		p, err := read()
		if err == nil {
			err = r.Converse(ctx, p)
		}
		return err
	})
}

// lend listens to a pull request, once there is a line free.
func (r *Reception) lend(ctx context.Context, h *hearing, number int, listen func(context.Context) error) {
	h.busy = true
	r.work.Go(func() {
		select {
		case r.lines <- struct{}{}:
			defer func() { <-r.lines }()
			within, end := r.observe(ctx, TalkWork)
			err := guarded(func() error { return listen(within) })
			end(pullOutcome(ctx, err))
			r.heard(ctx, h, number, err)
		case <-ctx.Done():
			r.heard(ctx, h, number, ctx.Err())
		}
	})
}

// heard keeps how listening ended, and says what was the matter once.
func (r *Reception) heard(ctx context.Context, h *hearing, number int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h.busy, h.again = false, err != nil
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrUnderWay) {
		return
	}
	if h.trouble.news(err.Error()) {
		r.warn("a pull request is not listened to", err, "pull", number)
	}
}

// over ends what is done for pull requests that are not open any more, and then their
// records.
func (r *Reception) over(ctx context.Context, open []port.Pull) {
	is := map[int]bool{}
	for _, p := range open {
		is[p.Number] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
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
			if v.over() {
				delete(r.visits, n)
			} else {
				v.more.Store(true) // the next look ends its records
				delete(gone, n)
			}
		}
	}
	for n, desks := range gone {
		h := r.hearing[n]
		if h == nil {
			h = &hearing{}
			r.hearing[n] = h
		}
		if h.busy {
			continue
		}
		r.lend(ctx, h, n, func(ctx context.Context) error { return r.close(ctx, n, desks) })
	}
}

// close ends the records of a pull request, after who listens has heard of its end.
func (r *Reception) close(ctx context.Context, number int, desks []*Desk) error {
	p, err := r.Forge.Pull(ctx, r.Repo, number)
	switch {
	case errors.Is(err, port.ErrNotFound):
		p, err = port.Pull{Number: number, State: port.PullClosed}, nil
	case err != nil:
		return err
	case p.State == port.PullOpen:
		return nil // opened again meanwhile
	case r.Converse != nil:
		if err := r.Converse(ctx, p); err != nil && !errors.Is(err, ErrUnderWay) {
			return err
		}
	}
	for _, d := range desks {
		err = errors.Join(err, r.file(ctx, d, p))
	}
	return err
}

// file keeps the record of a pull request that is over, and lets old ones go.
func (r *Reception) file(ctx context.Context, d *Desk, p port.Pull) error {
	if err := d.over(ctx, p, r.Random()); err != nil {
		return err
	}
	r.mu.Lock()
	delete(r.uncertain, showing{d, p.Number})
	r.known[d][p.Number] = r.Now()
	old := outdated(r.known[d], r.Now())
	r.mu.Unlock()
	for _, n := range old {
		if err := d.forget(ctx, n); err != nil {
			return err
		}
		r.mu.Lock()
		delete(r.known[d], n)
		r.mu.Unlock()
	}
	return nil
}
