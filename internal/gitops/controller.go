package gitops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/git"
)

// Controller gives every deployment its Turns: one after the other of each, those of
// different deployments side by side. It looks at each now and then, and at once when
// it is told that something may have happened; many hints are one look.
type Controller struct {
	Desks      []*Desk
	Receptions []*Reception
	Poll       time.Duration
	// Grace is how long a Turn may go on once the controller is to end.
	Grace time.Duration
	Log   *slog.Logger
	// Replica is this process among several; nil: it is alone.
	Replica *Replica

	start  sync.Once
	wake   map[*Desk]chan struct{}
	first  map[*Desk]*sync.Once
	looked atomic.Int64 // desks that had a Turn, or of which another replica gives them
	ending atomic.Bool
}

func (c *Controller) init() {
	c.start.Do(func() {
		c.wake, c.first = map[*Desk]chan struct{}{}, map[*Desk]*sync.Once{}
		for _, d := range c.Desks {
			c.first[d] = new(sync.Once)
			c.wake[d] = make(chan struct{}, 1)
		}
	})
}

// Look says that something may have happened in a repository: to its pull requests, and
// to the deployments of a branch, where one is named. It never waits.
func (c *Controller) Look(repository, branch string) {
	c.init()
	c.call(repository)
	for _, d := range c.Desks {
		if d.Bound.Repository == repository && d.Bound.Branch == branch {
			c.Wake(d)
		}
	}
}

// Wake says that a deployment may have something to do. It never waits.
func (c *Controller) Wake(d *Desk) {
	c.init()
	select {
	case c.wake[d] <- struct{}{}:
	default: // it will look anyway
	}
}

// Ready says that every deployment was looked at once, and that more are to come.
func (c *Controller) Ready() bool {
	return !c.ending.Load() && int(c.looked.Load()) == len(c.Desks)
}

// Run works until its context ends, and then until the Turns under way have written
// down how far they came; longer than Grace it waits for none.
func (c *Controller) Run(ctx context.Context) error {
	c.init()
	var all sync.WaitGroup
	for _, d := range c.Desks {
		all.Go(func() {
			c.seated(ctx, d.Name, c.wake[d], func() { c.saw(d) }, func(ctx context.Context) {
				_, end := d.observe(ctx, ActWork, "")
				defer end("over")
				c.work(ctx, d)
			})
		})
	}
	for _, r := range c.Receptions {
		r.init()
		all.Go(func() {
			c.seated(ctx, "pulls-"+r.Name, r.wake, func() {}, func(ctx context.Context) { r.anew(); c.receive(ctx, r) })
		})
	}
	<-ctx.Done()
	c.ending.Store(true)
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	timeout := time.NewTimer(c.Grace)
	defer timeout.Stop()
	select {
	case <-done:
		return nil
	case <-timeout.C:
		return fmt.Errorf("a deployment was still at work after %s; the next start goes on with it", c.Grace)
	}
}

// saw notes that it is known how a deployment stands, or who sees to it.
func (c *Controller) saw(d *Desk) { c.first[d].Do(func() { c.looked.Add(1) }) }

// work gives one deployment its Turns, and looks for its drift beside them.
func (c *Controller) work(ctx context.Context, d *Desk) {
	var all sync.WaitGroup
	if d.Bound.Drift.Every > 0 {
		all.Go(func() { c.watch(ctx, d) })
	}
	c.serve(ctx, d)
	all.Wait()
}

// serve gives one deployment its Turns.
func (c *Controller) serve(ctx context.Context, d *Desk) {
	log, trouble, fails := c.Log.With("deployment", d.Name), matter{}, 0
	tell, told := c.publish(ctx, d)
	defer told()
	for n := 0; ctx.Err() == nil; n++ {
		next := c.turn(ctx, d, log, &trouble, tell)
		if n == 0 {
			c.saw(d)
		}
		if trouble.said == "" {
			fails = 0
		} else {
			next, fails = soonest<<min(fails, 6), fails+1
		}
		timer := time.NewTimer(c.wait(next))
		select {
		case <-ctx.Done():
		case <-c.wake[d]:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// soonest is after how long a look that failed is repeated first.
const soonest = 10 * time.Second

// wait is until the next look: the poll's time, unless something is due before.
func (c *Controller) wait(next time.Duration) time.Duration {
	if next <= 0 {
		return c.Poll
	}
	return min(next, c.Poll)
}

// turn answers when the next look is due, where that is known.
func (c *Controller) turn(ctx context.Context, d *Desk, log *slog.Logger, trouble *matter, tell func(Turned, error)) (next time.Duration) {
	ctx, end := d.observe(ctx, TurnWork, "")
	outcome := "panicked"
	defer func() { end(outcome) }()
	defer func() {
		if p := recover(); p != nil { // one deployment's files must not end the others' work
			if text := fmt.Sprint(p); trouble.news(text) {
				log.Error("panicked; other deployments go on", "panic", text, "stack", string(debug.Stack()))
			}
		}
	}()
	t, err := d.Turn(ctx)
	if t.Worked { // plans of pull requests rest on what was applied
		c.call(d.Bound.Repository)
	}
	outcome = turnOutcome(t, err)
	d.looked(t, err)
	if t.Worked && t.Head.Commit != "" {
		level := slog.LevelInfo
		if t.Head.Stage == Refused {
			level = slog.LevelWarn
		}
		log.Log(ctx, level, string(t.Head.Stage), "commit", t.Head.Commit, "plan", t.Head.Plan, "effect", t.Head.Effect, "why", t.Head.Why)
	}
	tell(t, err)
	switch {
	case errors.Is(err, applier.ErrFenced): // also where this replica no longer acts: what was late is told
		log.Warn("another process goes on with the apply", "error", err)
		trouble.said = err.Error()
		return 0
	case err != nil && ctx.Err() != nil:
		return 0
	case errors.Is(err, applier.ErrLocked), errors.Is(err, git.ErrNoBranch), t.Frozen != "":
		why := t.Frozen
		if err != nil {
			why = err.Error()
		}
		level := slog.LevelInfo
		if errors.Is(err, git.ErrNoBranch) {
			level = slog.LevelWarn // most likely it is misspelt
		}
		if trouble.news(why) {
			log.Log(ctx, level, "waits", "why", why)
		}
	case err != nil:
		if trouble.news(err.Error()) {
			log.Warn("cannot go on", "error", err.Error())
		}
	case trouble.over():
		log.Info("goes on")
	}
	if at := t.Head.Next; !at.IsZero() {
		next = max(at.Sub(d.Now()), time.Second)
	}
	return next
}
