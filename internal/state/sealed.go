package state

import (
	"context"
	"crypto/cipher"
	"fmt"
	"math"
	"strings"
	"sync"

	"golang.org/x/sync/singleflight"

	"domctl.dev/applier"
)

// Keeper guards data keys: KMS or an age identity. It never writes.
type Keeper interface {
	// Name stands in clear in every body it sealed ("kms", "age"); at most 255 bytes.
	Name() string
	// NewKey makes a data key of 32 bytes, and what OpenKey needs to tell it
	// again: at most 65,535 bytes, stored with every body.
	NewKey(ctx context.Context) (key, wrapped []byte, err error)
	// OpenKey tells the data key. The error wraps ErrOpaque when wrapped was
	// altered or made for someone else, where the keeper can know.
	OpenKey(ctx context.Context, wrapped []byte) (key []byte, err error)
}

// Sealed encrypts bodies before store sees them, and opens them on Get. Etags
// are store's own. A body opens only under the key and for the deployment it
// was put for; that an older body of the same key was put back, it cannot tell.
//
// One data key serves many bodies of a process, so that a record does not cost
// a call of the keeper; a reader asks once for each key it meets.
func Sealed(store applier.Store, keeper Keeper, deployment string) applier.Store {
	return &sealed{Store: store, keeper: keeper, deployment: deployment, opened: map[string]cipher.AEAD{}}
}

// Clear says which keys stay readable: the lock, so that a person sees who holds
// it, and the list of open applies, which are names alone. New keys are sealed.
func Clear(key string) bool { return key == "lock" || strings.HasPrefix(key, "open/") }

type sealed struct {
	applier.Store
	keeper     Keeper
	deployment string

	mu      sync.Mutex
	wrapped []byte      // the key in use
	aead    cipher.AEAD // of wrapped
	uses    int
	opened  map[string]cipher.AEAD // by wrapped key
	opening singleflight.Group
}

// Bounds of one data key's use, far below what AES-GCM bears with random
// nonces, and of the data keys kept open.
const (
	maxUses   = 1 << 20
	maxOpened = 1 << 10
)

func (s *sealed) Get(ctx context.Context, key string) ([]byte, string, error) {
	b, etag, err := s.Store.Get(ctx, key)
	if err != nil || Clear(key) {
		return b, etag, err
	}
	body, err := s.open(ctx, key, b)
	if err != nil {
		return nil, "", fmt.Errorf("state key %q: %w", key, err)
	}
	return body, etag, nil
}

func (s *sealed) PutIfNone(ctx context.Context, key string, body []byte) (string, error) {
	b, err := s.seal(ctx, key, body)
	if err != nil {
		return "", err
	}
	return s.Store.PutIfNone(ctx, key, b)
}

func (s *sealed) PutIfMatch(ctx context.Context, key string, body []byte, etag string) (string, error) {
	b, err := s.seal(ctx, key, body)
	if err != nil {
		return "", err
	}
	return s.Store.PutIfMatch(ctx, key, b, etag)
}

func (s *sealed) seal(ctx context.Context, key string, body []byte) ([]byte, error) {
	if Clear(key) || CheckKey(key) != nil {
		return body, nil // a bad key is the store's to refuse
	}
	e := envelope{keeper: s.keeper.Name()}
	var aead cipher.AEAD
	var err error
	if e.wrapped, aead, err = s.useKey(ctx); err != nil {
		return nil, fmt.Errorf("state key %q cannot be sealed, and was not written: %w", key, err)
	}
	e.sealed = aead.Seal(nil, nil, body, e.bound(s.deployment, key))
	return e.encode(), nil
}

func (s *sealed) open(ctx context.Context, key string, b []byte) ([]byte, error) {
	e, err := decodeEnvelope(b)
	if err != nil {
		return nil, err
	}
	if e.keeper != s.keeper.Name() {
		return nil, fmt.Errorf("%w: it was sealed by %q, the deployment's keeper is %q", ErrOpaque, e.keeper, s.keeper.Name())
	}
	aead, err := s.keyFor(ctx, e.wrapped)
	if err != nil {
		return nil, err
	}
	body, err := aead.Open(nil, nil, e.sealed, e.bound(s.deployment, key))
	if err != nil {
		return nil, fmt.Errorf("%w: it was altered, or put under this key from elsewhere", ErrOpaque)
	}
	if body == nil {
		body = []byte{}
	}
	return body, nil
}

// useKey answers the data key to seal with, a new one after maxUses.
func (s *sealed) useKey(ctx context.Context) (wrapped []byte, aead cipher.AEAD, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uses++; s.aead != nil && s.uses <= maxUses {
		return s.wrapped, s.aead, nil
	}
	key, wrapped, err := s.keeper.NewKey(ctx)
	if err != nil {
		return nil, nil, err
	}
	if len(wrapped) > math.MaxUint16 || len(s.keeper.Name()) > math.MaxUint8 {
		return nil, nil, fmt.Errorf("the %s keeper wraps a key in %d bytes, too many to store", s.keeper.Name(), len(wrapped))
	}
	if aead, err = cipherFor(key); err != nil {
		return nil, nil, err
	}
	s.wrapped, s.aead, s.uses = wrapped, aead, 1
	s.keep(wrapped, aead)
	return wrapped, aead, nil
}

// keyFor answers the cipher of a wrapped key, from memory if it was met before.
// Those who meet one side by side ask once.
func (s *sealed) keyFor(ctx context.Context, wrapped []byte) (cipher.AEAD, error) {
	aead, err, _ := s.opening.Do(string(wrapped), func() (any, error) { return s.openKey(ctx, wrapped) })
	if err != nil {
		return nil, err
	}
	return aead.(cipher.AEAD), nil
}

func (s *sealed) openKey(ctx context.Context, wrapped []byte) (cipher.AEAD, error) {
	s.mu.Lock()
	aead := s.opened[string(wrapped)]
	s.mu.Unlock()
	if aead != nil {
		return aead, nil
	}
	key, err := s.keeper.OpenKey(ctx, wrapped)
	if err != nil {
		return nil, err
	}
	if aead, err = cipherFor(key); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(wrapped, aead)
	return aead, nil
}

func (s *sealed) keep(wrapped []byte, aead cipher.AEAD) {
	if len(s.opened) >= maxOpened {
		clear(s.opened)
	}
	s.opened[string(wrapped)] = aead
}
