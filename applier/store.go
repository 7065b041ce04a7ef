package applier

import (
	"context"
	"errors"
	"time"
)

// What a Store answers; any other error leaves open whether the call took
// effect, and the caller reads to find out.
var (
	ErrNoKey  = errors.New("no such key")    // Get of an absent key
	ErrExists = errors.New("the key exists") // PutIfNone lost
	ErrMoved  = errors.New("the etag moved") // PutIfMatch lost
	// ErrDamaged: the body is torn, overwritten or of another key; it is there.
	ErrDamaged = errors.New("the record is damaged")
	// ErrForeign: List met what the store did not write.
	ErrForeign = errors.New("is not a record of domctl's")
)

// Store is the state store: small objects under slash-separated keys, written
// with compare-and-swap. Every mutable body carries a nonce, so that after an
// unclear answer a read tells whether the write was ours. Reads see every write
// that was answered. List returns all keys below a prefix, in order, or an
// error; a part only with ErrForeign, of which it tells each. Delete of an absent key succeeds.
type Store interface {
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	PutIfNone(ctx context.Context, key string, body []byte) (etag string, err error)
	PutIfMatch(ctx context.Context, key string, body []byte, etag string) (newETag string, err error)
	List(ctx context.Context, prefix string) ([]string, error)
	Delete(ctx context.Context, key string) error
}

// bounded gives every call of a store a deadline, so that a store that hangs
// holds nobody up for longer.
type bounded struct {
	Store
	limit time.Duration
}

func (a *Applier) store() Store { return bounded{a.Store, a.deadline()} }

func (b bounded) Get(ctx context.Context, key string) ([]byte, string, error) {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	return b.Store.Get(ctx, key)
}

func (b bounded) PutIfNone(ctx context.Context, key string, body []byte) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	return b.Store.PutIfNone(ctx, key, body)
}

func (b bounded) PutIfMatch(ctx context.Context, key string, body []byte, etag string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	return b.Store.PutIfMatch(ctx, key, body, etag)
}

func (b bounded) List(ctx context.Context, prefix string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	return b.Store.List(ctx, prefix)
}

func (b bounded) Delete(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	return b.Store.Delete(ctx, key)
}
