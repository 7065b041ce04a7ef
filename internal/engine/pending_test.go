package engine_test

import (
	"context"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
)

// slow answers Pending for some looks after a step was begun, as a bake does.
type slow struct {
	applier.Executor
	looks *int
	look  func()
}

func (s slow) Observe(ctx context.Context, a applier.Attempt) (applier.Status, error) {
	if len(a.Begun) > 0 && *s.looks > 0 {
		*s.looks--
		s.look()
		return applier.Status{State: applier.Pending, Why: "under way"}, nil
	}
	return s.Executor.Observe(ctx, a)
}

// TestWhatIsPendingIsPolledWithoutTheLock and ends by itself.
func TestWhatIsPendingIsPolledWithoutTheLock(t *testing.T) {
	f := fixtures(t)[0]
	r := f.start(t)
	e := r.engine(f.after)
	p, err := e.Plan(t.Context(), engine.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	looks, free := 60, 0
	inner := e.Applier.Executor
	e.Applier.Executor = func(op string) (applier.Executor, bool) {
		ex, ok := inner(op)
		return slow{ex, &looks, func() {
			if l, _, err := e.Applier.ReadLock(t.Context()); err == nil && l.Free {
				free++
			}
		}}, ok
	}
	r.ended(e.Apply(t.Context(), p))
	if looks != 0 || free == 0 {
		t.Errorf("%d looks are left, %d were without the lock", looks, free)
	}
	r.settled(f.after)
}
