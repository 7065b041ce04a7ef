package sim

import (
	"context"

	"domctl.dev/applier"
	"domctl.dev/internal/sandbox"
)

// store is one process's view of the records.
type store struct {
	applier.Store
	gate func(call string, phase sandbox.Phase) error
}

func (s store) Get(ctx context.Context, key string) (body []byte, etag string, err error) {
	err = s.pass(ctx, "get "+key, func() (err error) { body, etag, err = s.Store.Get(ctx, key); return err })
	if err != nil {
		return nil, "", err
	}
	return body, etag, nil
}

func (s store) PutIfNone(ctx context.Context, key string, body []byte) (etag string, err error) {
	err = s.pass(ctx, "putIfNone "+key, func() (err error) { etag, err = s.Store.PutIfNone(ctx, key, body); return err })
	return etag, err
}

func (s store) PutIfMatch(ctx context.Context, key string, body []byte, etag string) (newETag string, err error) {
	err = s.pass(ctx, "putIfMatch "+key, func() (err error) { newETag, err = s.Store.PutIfMatch(ctx, key, body, etag); return err })
	return newETag, err
}

func (s store) List(ctx context.Context, prefix string) (keys []string, err error) {
	err = s.pass(ctx, "list "+prefix, func() (err error) { keys, err = s.Store.List(ctx, prefix); return err })
	if err != nil {
		return nil, err
	}
	return keys, nil
}

func (s store) Delete(ctx context.Context, key string) error {
	return s.pass(ctx, "delete "+key, func() error { return s.Store.Delete(ctx, key) })
}

// pass makes one call between the two sides of the gate. A call whose caller is
// gone by then does nothing.
func (s store) pass(ctx context.Context, call string, do func() error) error {
	if err := s.gate(call, sandbox.Before); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := do()
	if lost := s.gate(call, sandbox.After); lost != nil {
		return lost
	}
	return err
}
