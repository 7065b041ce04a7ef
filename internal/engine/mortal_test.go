package engine_test

import (
	"context"

	"domctl.dev/applier"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
)

// mortal is one process's view of the records.
type mortal struct {
	applier.Store
	gate sim.Gate
}

func sided[T any](gate sim.Gate, call string, do func() (T, error)) (T, error) {
	var none T
	if err := gate(call, sandbox.Before); err != nil {
		return none, err
	}
	answer, err := do()
	if dead := gate(call, sandbox.After); dead != nil {
		return none, dead
	}
	return answer, err
}

type kept struct {
	body []byte
	etag string
}

func (m mortal) Get(ctx context.Context, key string) ([]byte, string, error) {
	k, err := sided(m.gate, "get "+key, func() (k kept, err error) {
		k.body, k.etag, err = m.Store.Get(ctx, key)
		return k, err
	})
	return k.body, k.etag, err
}

func (m mortal) PutIfNone(ctx context.Context, key string, body []byte) (string, error) {
	return sided(m.gate, "putIfNone "+key, func() (string, error) { return m.Store.PutIfNone(ctx, key, body) })
}

func (m mortal) PutIfMatch(ctx context.Context, key string, body []byte, etag string) (string, error) {
	return sided(m.gate, "putIfMatch "+key, func() (string, error) { return m.Store.PutIfMatch(ctx, key, body, etag) })
}

func (m mortal) List(ctx context.Context, prefix string) ([]string, error) {
	return sided(m.gate, "list "+prefix, func() ([]string, error) { return m.Store.List(ctx, prefix) })
}

func (m mortal) Delete(ctx context.Context, key string) error {
	_, err := sided(m.gate, "delete "+key, func() (struct{}, error) { return struct{}{}, m.Store.Delete(ctx, key) })
	return err
}
