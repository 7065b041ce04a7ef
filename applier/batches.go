package applier

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

// readers is how many records are read side by side.
const readers = 16

// seen are the batches that this process has read, by key: one that is written
// never changes.
type seen struct {
	mu      sync.Mutex
	batches map[string]batch
}

func (s *seen) get(key string) (batch, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.batches[key]
	return b, ok
}

func (s *seen) keep(key string, b batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.batches == nil {
		s.batches = map[string]batch{}
	}
	s.batches[key] = b
}

// read is what came of reading a batch.
type read struct {
	batch
	err error
}

// batches reads side by side what is not yet known, and answers every key.
func (a *Applier) batches(ctx context.Context, keys []string) map[string]read {
	reads := make([]read, len(keys))
	var group errgroup.Group
	group.SetLimit(readers)
	for i, key := range keys {
		group.Go(func() error {
			reads[i].batch, reads[i].err = a.batch(ctx, key)
			return nil
		})
	}
	_ = group.Wait() // each has its own error
	all := make(map[string]read, len(keys))
	for i, key := range keys {
		all[key] = reads[i]
	}
	return all
}

// batch reads one object of a stream, if this process has not read it before.
func (a *Applier) batch(ctx context.Context, key string) (b batch, err error) {
	if b, ok := a.seen.get(key); ok {
		return b, nil
	}
	body, _, err := a.store().Get(ctx, key)
	if errors.Is(err, ErrDamaged) {
		return b, fmt.Errorf("%w: record %s (%w); restore it from the store's versions", ErrTorn, key, err)
	}
	if err != nil {
		return b, fmt.Errorf("record %s: %w", key, err)
	}
	if b, err = decodeBatch(key, body); err == nil {
		a.seen.keep(key, b)
	}
	return b, err
}
