package world

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"domctl.dev/internal/port"
)

// sideBySide runs reads at the same time and joins their errors.
func sideBySide(reads ...func() error) error { return bounded(len(reads), reads) }

// bounded runs jobs side by side, so many at a time, and joins their errors.
func bounded(limit int, jobs []func() error) error {
	errs := make([]error, len(jobs))
	places := make(chan struct{}, limit)
	var wg sync.WaitGroup
	for i, job := range jobs {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			errs[i] = job()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// sideBySideLimit is how many calls of one kind run at the same time where an
// API answers one object a call.
const sideBySideLimit = 8

// each asks for every id, some at a time, and answers in the order of ids. The
// error names the ids that failed; then nothing is answered.
func each[T any](ids []string, ask func(id string) (T, error)) ([]T, error) {
	out, jobs := make([]T, len(ids)), make([]func() error, len(ids))
	for i, id := range ids {
		jobs[i] = func() (err error) {
			if out[i], err = ask(id); err != nil {
				return &idError{id, err}
			}
			return nil
		}
	}
	if err := bounded(sideBySideLimit, jobs); err != nil {
		return nil, err
	}
	return out, nil
}

// patience is how long one read may take where the plan goes on without it.
const patience = 20 * time.Second

// errGaveUp is answered in place of reads that are not tried any more.
var errGaveUp = fmt.Errorf("%d reads before it failed, and it was not asked for", sideBySideLimit)

// answered is what a read answered, or why it did not.
type answered[T any] struct {
	of  T
	err error
}

// patiently asks for every id as each does, and waits for none for long; where so many
// reads failed as run side by side, the rest is not asked for. What is refused is an
// answer: it takes no time. The error is the context's own.
func patiently[T any](ctx context.Context, ids []string, ask func(ctx context.Context, id string) (T, error)) ([]answered[T], error) {
	out, jobs := make([]answered[T], len(ids)), make([]func() error, len(ids))
	var failed atomic.Int32
	for i, id := range ids {
		jobs[i] = func() error {
			if failed.Load() >= sideBySideLimit {
				out[i].err = errGaveUp
				return nil
			}
			within, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			if out[i].of, out[i].err = ask(within, id); out[i].err != nil && !errors.Is(out[i].err, port.ErrDenied) {
				failed.Add(1)
			}
			return nil
		}
	}
	_ = bounded(sideBySideLimit, jobs)
	return out, ctx.Err()
}
