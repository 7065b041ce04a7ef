package state

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"domctl.dev/applier"
)

// Call is one call of a store: "get", "putIfNone", "putIfMatch", "list" or
// "delete". N counts a store's calls from 1.
type Call struct {
	N       int
	Op, Key string
}

// InMemory is a store for tests. An error from Before ends a call that had no
// effect; one from After loses the answer of a call that had its effect. Both
// may block, and are called with no lock held; set them before the first call.
type InMemory struct {
	Before, After func(Call) error

	mu      sync.Mutex
	calls   []Call
	bodies  map[string][]byte
	etags   map[string]string
	written int
}

// Memory makes an empty store.
func Memory() *InMemory { return &InMemory{bodies: map[string][]byte{}, etags: map[string]string{}} }

// Calls so far, in the order they began.
func (m *InMemory) Calls() []Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.calls)
}

// Bodies is a copy of everything stored, by key.
func (m *InMemory) Bodies() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string][]byte{}
	for k, b := range m.bodies {
		all[k] = bytes.Clone(b)
	}
	return all
}

// Get answers a copy.
func (m *InMemory) Get(ctx context.Context, key string) (body []byte, etag string, err error) {
	err = m.call(ctx, "get", key, CheckKey, func() error {
		b, ok := m.bodies[key]
		if !ok {
			return fmt.Errorf("state key %q: %w", key, applier.ErrNoKey)
		}
		body, etag = append([]byte{}, b...), m.etags[key]
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return body, etag, nil
}

// PutIfNone stores a copy of body under an unused key.
func (m *InMemory) PutIfNone(ctx context.Context, key string, body []byte) (string, error) {
	return m.put(ctx, "putIfNone", key, body, func() error {
		if _, ok := m.bodies[key]; ok {
			return fmt.Errorf("state key %q: %w", key, applier.ErrExists)
		}
		return nil
	})
}

// PutIfMatch replaces the body that etag was answered for.
func (m *InMemory) PutIfMatch(ctx context.Context, key string, body []byte, etag string) (string, error) {
	return m.put(ctx, "putIfMatch", key, body, func() error {
		if have, ok := m.etags[key]; !ok || have != etag {
			return fmt.Errorf("state key %q: %w", key, applier.ErrMoved)
		}
		return nil
	})
}

func (m *InMemory) put(ctx context.Context, op, key string, body []byte, may func() error) (etag string, err error) {
	err = m.call(ctx, op, key, CheckKey, func() error {
		if err := may(); err != nil {
			return err
		}
		m.written++
		etag = fmt.Sprintf("m%d", m.written)
		m.bodies[key], m.etags[key] = append([]byte{}, body...), etag
		return nil
	})
	if err != nil {
		return "", err
	}
	return etag, nil
}

// List answers all keys that begin with prefix, in order.
func (m *InMemory) List(ctx context.Context, prefix string) (keys []string, err error) {
	err = m.call(ctx, "list", prefix, checkPrefix, func() error {
		for k := range m.bodies {
			if strings.HasPrefix(k, prefix) {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// Delete forgets a key.
func (m *InMemory) Delete(ctx context.Context, key string) error {
	return m.call(ctx, "delete", key, CheckKey, func() error {
		delete(m.bodies, key)
		delete(m.etags, key)
		return nil
	})
}

func (m *InMemory) call(ctx context.Context, op, key string, check func(string) error, do func() error) error {
	if err := check(key); err != nil {
		return err
	}
	c := m.count(op, key)
	if m.Before != nil {
		if err := m.Before(c); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("state key %q: nothing was read or written: %w", key, err)
	}
	m.mu.Lock()
	err := do()
	m.mu.Unlock()
	if m.After != nil {
		if lost := m.After(c); lost != nil {
			return lost
		}
	}
	return err
}

func (m *InMemory) count(op, key string) Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := Call{N: len(m.calls) + 1, Op: op, Key: key}
	m.calls = append(m.calls, c)
	return c
}
