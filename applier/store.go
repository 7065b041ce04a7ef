package applier

import (
	"context"
	"errors"
)

// What a Store answers; any other error leaves open whether the call took
// effect, and the caller reads to find out.
var (
	ErrNoKey  = errors.New("no such key")    // Get of an absent key
	ErrExists = errors.New("the key exists") // PutIfNone lost
	ErrMoved  = errors.New("the etag moved") // PutIfMatch lost
)

// Store is the state store: small objects under slash-separated keys, written
// with compare-and-swap. Every mutable body carries a nonce, so that after an
// unclear answer a read tells whether the write was ours. Reads see every write
// that was answered. List returns all keys below a prefix, in order, or an
// error; never a part. Delete of an absent key succeeds.
type Store interface {
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	PutIfNone(ctx context.Context, key string, body []byte) (etag string, err error)
	PutIfMatch(ctx context.Context, key string, body []byte, etag string) (newETag string, err error)
	List(ctx context.Context, prefix string) ([]string, error)
	Delete(ctx context.Context, key string) error
}
