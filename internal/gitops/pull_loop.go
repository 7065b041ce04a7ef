package gitops

import (
	"context"
	"time"
)

// call lets a repository's pull requests be looked at.
func (c *Controller) call(repository string) {
	for _, r := range c.Receptions {
		if r.Name == repository {
			r.Call()
		}
	}
}

// breath is the least time between two looks of a reception, so that a storm of hints
// does not become one of questions.
const breath = time.Second

// receive lets one reception look until the context ends, and then waits for the work
// under way.
func (c *Controller) receive(ctx context.Context, r *Reception) {
	r.init()
	trouble, fails := matter{}, 0
	for ctx.Err() == nil {
		next := r.glance(ctx, &trouble)
		until := time.Duration(0) // that the forge wants to be left alone
		if trouble.said == "" {
			fails, next = 0, c.Poll
		} else {
			until, next = next, max(next, c.wait(soonest<<min(fails, 6)))
			fails++
		}
		rest(ctx, r, next, until > 0)
	}
	r.Wait()
}

// rest waits until the next look is due, or hinted at; where the forge is to be left
// alone hints wait, too.
func rest(ctx context.Context, r *Reception, next time.Duration, alone bool) {
	wake := r.wake
	if alone {
		wake = nil
	}
	timer, pause := time.NewTimer(next), time.NewTimer(min(breath, next))
	defer timer.Stop()
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return
	case <-pause.C:
	}
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}

// glance looks, and says what is the matter.
func (r *Reception) glance(ctx context.Context, trouble *matter) (next time.Duration) {
	within, end := r.observe(ctx, PullsWork)
	err := guarded(func() (err error) { next, err = r.Look(within); return err })
	end(pullOutcome(ctx, err))
	switch {
	case err != nil && ctx.Err() != nil:
		return 0
	case err != nil:
		if trouble.news(err.Error()) {
			r.warn("not all is seen of the pull requests", err)
		}
	case trouble.over():
		r.Log.Info("all is seen of the pull requests", "repository", r.Name)
	}
	return next
}
