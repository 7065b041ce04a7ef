package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// course is the file's "clock": it showed Was when the wall showed Since, and goes Times as
// fast from there. Without one the sandbox goes by the wall.
type course struct {
	Since time.Time `json:"since"`
	Times int64     `json:"times"`
	Was   time.Time `json:"was"`
}

// fastest is a day in nine seconds: domctl itself needs time between two looks.
const fastest = 10_000

func (p *course) check() error {
	if p.Times < 1 || p.Times > fastest || p.Since.IsZero() || p.Was.Before(p.Since) {
		return fmt.Errorf(`clock takes "since", a "was" that is no earlier, and "times" from 1 to %d`, fastest)
	}
	return nil
}

// at is what the clock shows when the wall shows a time.
func (p *course) at(wall time.Time) time.Time {
	if p == nil {
		return wall
	}
	passed := min(max(wall.Sub(p.Since), 0), math.MaxInt64/time.Duration(p.Times))
	return p.Was.Add(time.Duration(p.Times) * passed).In(wall.Location())
}

// times is how fast it goes.
func (p *course) times() int64 {
	if p == nil {
		return 1
	}
	return p.Times
}

// Now is the sandbox's time, by the clock that the file states at this moment. The same
// file answers every process alike.
func (w *World) Now() time.Time {
	_, _ = w.backing.load() // who reads or writes is told what is wrong with the file
	return w.opts.Clock()
}

// glance is how long a sleeper overlooks that the clock was set.
const glance = 250 * time.Millisecond

// Sleep until so much of the sandbox's time has passed, however the clock is set meanwhile.
func (w *World) Sleep(ctx context.Context, d time.Duration) error {
	for until := w.Now().Add(d); ; {
		left := until.Sub(w.Now())
		if left <= 0 {
			return ctx.Err()
		}
		wall := max(left/time.Duration(w.backing.clock().times()), time.Millisecond)
		if err := w.opts.Wait(ctx, min(wall, glance)); err != nil {
			return err
		}
	}
}

// Speed is how many times faster than the wall the clock goes, and whether it ever did.
func (w *World) Speed() (times int64, own bool) {
	p := w.backing.clock()
	return p.times(), p != nil
}

// SetClock lets a time pass at once, and the clock go so many times as fast as the wall
// from there; 0 leaves its speed.
func (w *World) SetClock(ctx context.Context, times int64, pass time.Duration) error {
	if times < 0 || times > fastest {
		return fmt.Errorf("a clock goes from 1 to %d times as fast as the wall, not %d times", fastest, times)
	}
	if pass < 0 {
		return errors.New("a clock does not go back")
	}
	return w.backing.update(ctx, func(s *state) (*state, error) {
		next := *s
		wall := w.wall().UTC().Round(0) // what the file can hold
		next.clock = &course{Since: wall, Times: times, Was: s.clock.at(wall).Add(pass).UTC()}
		if times == 0 {
			next.clock.Times = s.clock.times()
		}
		return &next, nil
	})
}
