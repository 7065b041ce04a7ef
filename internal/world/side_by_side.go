package world

import (
	"errors"
	"sync"
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
