package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/sandbox"
)

// Late is what a gate answers for a call that takes effect later: the caller
// waits as long as it would, or is dead.
type Late struct {
	By   time.Duration
	Dead bool
}

func (l *Late) Error() string { return fmt.Sprintf("late by %s", l.By) }

// pass makes one call between the two sides of a gate. A call whose caller is
// gone by then does nothing, as an adapter would not send it.
func pass[T any](ctx context.Context, gate Gate, clock applier.Clock, call string, do func(context.Context) (T, error)) (T, error) {
	var none T
	err := gate(call, sandbox.Before)
	if late := (*Late)(nil); errors.As(err, &late) {
		return later(ctx, late, clock, do)
	}
	if err := errors.Join(err, ctx.Err()); err != nil {
		return none, err
	}
	answer, err := do(context.WithoutCancel(ctx))
	if lost := gate(call, sandbox.After); lost != nil {
		return none, lost
	}
	if err != nil {
		return none, err
	}
	return answer, nil
}

// later makes the call when its time has come, whether or not anyone waits.
func later[T any](ctx context.Context, late *Late, clock applier.Clock, do func(context.Context) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	answers := make(chan answer, 1)
	go func() {
		ctx := context.WithoutCancel(ctx)
		a := answer{err: clock.Sleep(ctx, late.By)}
		if a.err == nil {
			a.value, a.err = do(ctx)
		}
		answers <- a
	}()
	if late.Dead {
		return none, ErrKilled
	}
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
