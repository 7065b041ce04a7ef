package state

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
)

// Objects is the part of a bucket that a store needs.
type Objects interface {
	// GetObject answers port.ErrNotFound for an absent key alone.
	GetObject(ctx context.Context, key string) (body []byte, etag string, err error)
	// PutObject writes if the ETag is ifMatch, or if there is no object for "";
	// put is false when that did not hold.
	PutObject(ctx context.Context, key string, body []byte, ifMatch string) (etag string, put bool, err error)
	// ListObjects answers all keys that begin with prefix, in order.
	ListObjects(ctx context.Context, prefix string) ([]string, error)
	DeleteObject(ctx context.Context, key string) error
}

// S3 keeps every key as an object below prefix ("prod" gives "prod/lock"; ""
// is the whole bucket). S3 gives equal bodies equal etags: bodies that change
// carry a nonce, or are sealed.
func S3(objects Objects, prefix string) applier.Store {
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return &bucket{objects, prefix}
}

type bucket struct {
	objects Objects
	prefix  string
}

func (b *bucket) Get(ctx context.Context, key string) ([]byte, string, error) {
	if err := begin(ctx, key); err != nil {
		return nil, "", err
	}
	body, etag, err := b.objects.GetObject(ctx, b.prefix+key)
	if errors.Is(err, port.ErrNotFound) {
		return nil, "", fmt.Errorf("state key %q: %w", key, applier.ErrNoKey)
	}
	if err != nil {
		return nil, "", fmt.Errorf("state key %q: %w", key, err)
	}
	return body, etag, nil
}

func (b *bucket) PutIfNone(ctx context.Context, key string, body []byte) (string, error) {
	return b.put(ctx, key, body, "", applier.ErrExists)
}

func (b *bucket) PutIfMatch(ctx context.Context, key string, body []byte, etag string) (string, error) {
	if etag == "" { // which would ask S3 for the opposite
		etag = `"none"`
	}
	return b.put(ctx, key, body, etag, applier.ErrMoved)
}

func (b *bucket) put(ctx context.Context, key string, body []byte, ifMatch string, lost error) (string, error) {
	if err := begin(ctx, key); err != nil {
		return "", err
	}
	if len(body) > MaxBody {
		return "", fmt.Errorf("state key %q: %d bytes are more than %d; nothing was written", key, len(body), MaxBody)
	}
	etag, put, err := b.objects.PutObject(ctx, b.prefix+key, body, ifMatch)
	if err == nil && !put {
		err = lost
	}
	if err != nil {
		return "", fmt.Errorf("state key %q: %w", key, err)
	}
	return etag, nil
}

func (b *bucket) List(ctx context.Context, prefix string) ([]string, error) {
	if err := errors.Join(ctx.Err(), checkPrefix(prefix)); err != nil {
		return nil, err
	}
	found, err := b.objects.ListObjects(ctx, b.prefix+prefix)
	if err != nil {
		return nil, fmt.Errorf("state keys below %q: %w", prefix, err)
	}
	keys := make([]string, 0, len(found))
	var foreign []error
	for _, k := range found {
		key := strings.TrimPrefix(k, b.prefix)
		if CheckKey(key) != nil {
			foreign = append(foreign, fmt.Errorf("state keys below %q: %q %w: move it elsewhere", prefix, k, applier.ErrForeign))
			continue
		}
		keys = append(keys, key)
	}
	return keys, errors.Join(foreign...)
}

func (b *bucket) Delete(ctx context.Context, key string) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	if err := b.objects.DeleteObject(ctx, b.prefix+key); err != nil {
		return fmt.Errorf("state key %q: %w", key, err)
	}
	return nil
}
