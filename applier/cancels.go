package applier

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"domctl.dev/schema"
)

// cancelsKey is below which each build stands that a person asked domctl to cancel.
const cancelsKey = "cancels/"

// Cancel is a build that a person asked domctl to cancel: no part of an apply, which may
// be waiting for that very build. It is written before Domino is asked, and once more
// with what became of it.
type Cancel struct {
	At          time.Time `json:"at"`
	Who         string    `json:"who"`
	Environment string    `json:"environment"` // its id
	Name        string    `json:"name"`
	Revision    int64     `json:"revision"`
	Whose       string    `json:"whose"` // the build, for people
	Became      string    `json:"became,omitempty"`
	Nonce       string    `json:"nonce"`
}

// Cancelling records that a build is about to be cancelled. The answer records what
// became of it.
func (a *Applier) Cancelling(ctx context.Context, c Cancel) (became func(context.Context, string) error, err error) {
	c.At, c.Who, c.Nonce = a.Clock.Now().UTC(), a.Holder, a.Nonce()
	key := cancelsKey + c.At.Format("20060102-150405.000") + "-" + c.Nonce
	etag, err := a.store().PutIfNone(ctx, key, []byte(schema.JSON(c).Text))
	if err != nil {
		return nil, fmt.Errorf("records: %w; nothing was cancelled", err)
	}
	return func(ctx context.Context, text string) error {
		c.Became, c.Nonce = text, a.Nonce()
		if _, err := a.store().PutIfMatch(ctx, key, []byte(schema.JSON(c).Text), etag); err != nil {
			return fmt.Errorf("records: %w", err)
		}
		return nil
	}, nil
}

// Cancels are all that were written, oldest first.
func Cancels(ctx context.Context, s Store) (all []Cancel, err error) {
	keys, err := s.List(ctx, cancelsKey)
	if err != nil {
		return nil, fmt.Errorf("cancelled builds: %w", err)
	}
	for _, key := range keys {
		var c Cancel
		body, _, err := s.Get(ctx, key)
		if err == nil {
			err = json.Unmarshal(body, &c)
		}
		if err != nil {
			return all, fmt.Errorf("record %s: %w", key, err)
		}
		all = append(all, c)
	}
	return all, nil
}
