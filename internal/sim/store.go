package sim

import (
	"context"

	"domctl.dev/applier"
	"domctl.dev/internal/sandbox"
)

// Gate runs before and after every call of a process. Its error is the call's:
// before, nothing happens; after, the answer is lost. Before, a *Late makes the
// call take effect later.
type Gate func(call string, phase sandbox.Phase) error

// store is one process's view of the records.
type store struct {
	applier.Store
	gate  Gate
	clock applier.Clock
}

// Gated is a process's view of records that others have too.
func Gated(records applier.Store, gate Gate, clock applier.Clock) applier.Store {
	return store{records, gate, clock}
}

type got struct {
	body []byte
	etag string
}

func (s store) Get(ctx context.Context, key string) ([]byte, string, error) {
	g, err := pass(ctx, s.gate, s.clock, "get "+key, func(ctx context.Context) (g got, err error) {
		g.body, g.etag, err = s.Store.Get(ctx, key)
		return g, err
	})
	return g.body, g.etag, err
}

func (s store) PutIfNone(ctx context.Context, key string, body []byte) (string, error) {
	return pass(ctx, s.gate, s.clock, "putIfNone "+key, func(ctx context.Context) (string, error) { return s.Store.PutIfNone(ctx, key, body) })
}

func (s store) PutIfMatch(ctx context.Context, key string, body []byte, etag string) (string, error) {
	return pass(ctx, s.gate, s.clock, "putIfMatch "+key, func(ctx context.Context) (string, error) { return s.Store.PutIfMatch(ctx, key, body, etag) })
}

func (s store) List(ctx context.Context, prefix string) ([]string, error) {
	return pass(ctx, s.gate, s.clock, "list "+prefix, func(ctx context.Context) ([]string, error) { return s.Store.List(ctx, prefix) })
}

func (s store) Delete(ctx context.Context, key string) error {
	_, err := pass(ctx, s.gate, s.clock, "delete "+key, func(ctx context.Context) (struct{}, error) { return struct{}{}, s.Store.Delete(ctx, key) })
	return err
}
