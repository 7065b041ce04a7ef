package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"domctl.dev/applier"
	"domctl.dev/schema"
)

// secret resolves a reference; the records hold what a rollback puts back.
func (e *Engine) secret(ctx context.Context, ref string) (schema.Value, error) {
	if applier.IsRecorded(ref) {
		return e.Applier.Recorded(ctx, ref)
	}
	return e.Secret(ctx, ref)
}

// KeyRecord is where the store holds what digests of secrets are keyed with.
const KeyRecord = "key"

// digestKey is what digests of secrets are keyed with: in the store, sealed
// where the store seals. After an unclear answer it looks again.
func (e *Engine) digestKey(ctx context.Context) ([]byte, error) {
	fresh := []byte(e.Random() + e.Random())
	for range 3 {
		key, _, err := e.Store.Get(ctx, KeyRecord)
		if err == nil {
			e.keyless = nil
			return key, nil
		}
		if !errors.Is(err, applier.ErrNoKey) {
			return nil, fmt.Errorf("state: %w", err)
		}
		if e.Outside == nil {
			e.keyless = errors.New("only the records were opened")
			return fresh, nil
		}
		if err := e.keyLost(ctx); err != nil {
			return nil, err
		}
		_, e.keyless = e.Store.PutIfNone(ctx, KeyRecord, fresh)
		if e.keyless == nil {
			return fresh, nil
		}
	}
	return fresh, nil
}

// keyLost tells a new store from one that has lost its key: with another one,
// every secret that was applied would look changed. A key that somebody makes
// meanwhile is found at the next look.
func (e *Engine) keyLost(ctx context.Context) error {
	applies, err := e.Store.List(ctx, "applies/")
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if len(applies) == 0 {
		return nil
	}
	if _, _, err := e.Store.Get(ctx, KeyRecord); !errors.Is(err, applier.ErrNoKey) {
		return nil
	}
	return errors.New(`DC315: the record "key", which digests of secrets are made with, is gone while the store holds applies; restore it from the store's versions`)
}

// lineage names the store that holds a key, and tells nothing of it.
func lineage(key []byte) string {
	sum := sha256.Sum256(append([]byte("lineage of "), key...))
	return hex.EncodeToString(sum[:8])
}
