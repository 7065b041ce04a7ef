package gitops

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Places are those at which pull requests are planned: so many at once, of one
// deployment one at a time, so that files which take for ever hold up no others.
type Places struct {
	mu      sync.Mutex
	free    int
	busy    map[*Desk]bool
	forked  bool       // one of forkRank has a place
	waiting []*waiting // by rank, and of one rank by when they came
}

type waiting struct {
	desk *Desk
	rank int
	turn chan struct{} // closed when the place is theirs
}

// NewPlaces makes some.
func NewPlaces(n int) *Places { return &Places{free: n, busy: map[*Desk]bool{}} }

// Take waits for a place; the lowest rank gets the next one. Whoever got it calls leave.
func (p *Places) Take(ctx context.Context, d *Desk, rank int) (leave func(), err error) {
	w := &waiting{d, rank, make(chan struct{})}
	p.mu.Lock()
	at, _ := slices.BinarySearchFunc(p.waiting, rank+1, func(w *waiting, r int) int { return w.rank - r })
	p.waiting = slices.Insert(p.waiting, at, w)
	p.give()
	p.mu.Unlock()
	select {
	case <-w.turn:
	case <-ctx.Done():
		p.mu.Lock()
		defer p.mu.Unlock()
		if i := slices.Index(p.waiting, w); i >= 0 {
			p.waiting = slices.Delete(p.waiting, i, i+1)
			return nil, ctx.Err()
		}
		p.left(w)
		return nil, ctx.Err()
	}
	return sync.OnceFunc(func() { p.mu.Lock(); defer p.mu.Unlock(); p.left(w) }), nil
}

func (p *Places) left(w *waiting) {
	p.free++
	p.forked = p.forked && w.rank != forkRank
	delete(p.busy, w.desk)
	p.give()
}

// give gives free places away.
func (p *Places) give() {
	for i := 0; p.free > 0 && i < len(p.waiting); {
		w := p.waiting[i]
		if p.busy[w.desk] || p.forked && w.rank == forkRank {
			i++
			continue
		}
		p.waiting = slices.Delete(p.waiting, i, i+1)
		p.free--
		p.busy[w.desk] = true
		p.forked = p.forked || w.rank == forkRank
		close(w.turn)
	}
}

// Who gets a place first: what was never shown, what is shown again, and what only may
// be touched.
const (
	firstRank = iota
	againRank
	laterRank
	forkRank // one at a time: anybody may open as many as they like
)

// place runs something at one of the places, within a time that nobody's plan takes.
// What was not shown yet goes first.
func (t *proposal) place(ctx context.Context, do func(context.Context) error) error {
	rank := againRank
	switch {
	case t.world != nil:
		rank = forkRank
	case t.fresh:
		rank = firstRank
	}
	_, end := t.desk.observe(ctx, PullQueueWork, "")
	leave, err := t.Places.Take(ctx, t.desk, rank)
	if err != nil {
		end("error")
		return err
	}
	end("free")
	defer leave()
	within, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	if err = do(within); err != nil && within.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("it took longer than %s", longest)
	}
	return err
}
