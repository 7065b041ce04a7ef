package applier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

const appliedKey = "applied"

type appliedBody struct {
	schema.Applied
	Nonce string `json:"nonce"`
}

// ReadApplied answers an empty Applied with etag "" when none was written yet.
func ReadApplied(ctx context.Context, s Store) (schema.Applied, string, error) {
	b := appliedBody{}
	body, etag, err := s.Get(ctx, appliedKey)
	switch {
	case errors.Is(err, ErrNoKey):
	case err != nil:
		return b.Applied, "", fmt.Errorf("applied: %w", err)
	default:
		if err := json.Unmarshal(body, &b); err != nil || b.Nonce == "" {
			return schema.Applied{}, "", fmt.Errorf("%w: the record of what was applied (%v); restore it from the store's versions", ErrTorn, err)
		}
	}
	if b.Entries == nil {
		b.Entries = map[schema.Address]schema.Entry{}
	}
	if b.Latches == nil {
		b.Latches = map[schema.Address]string{}
	}
	return b.Applied, etag, nil
}

// settleApplied merges the entries of addresses whose steps are all done, with
// compare and swap. After an unclear answer a read tells whether there is
// anything left to merge.
func (r *run) settleApplied(ctx context.Context) error {
	var lost error
	for range 3 {
		cur, etag, err := ReadApplied(ctx, r.store())
		if err != nil {
			return err
		}
		before := schema.JSON(cur).Text
		r.merge(cur)
		if schema.JSON(cur).Text == before {
			return nil
		}
		body := []byte(schema.JSON(appliedBody{cur, r.Nonce()}).Text)
		if etag == "" {
			_, lost = r.store().PutIfNone(ctx, appliedKey, body)
		} else {
			_, lost = r.store().PutIfMatch(ctx, appliedKey, body, etag)
		}
		if lost == nil {
			return nil
		}
	}
	return fmt.Errorf("applied: %w", lost)
}

// merge settles entries and latches. A rollback of what was cut off before
// anything was done has latches alone.
func (r *run) merge(cur schema.Applied) {
	for a, latch := range r.j.plan.Latch {
		if r.complete(a) {
			cur.Latch(a, latch)
		}
	}
	for a, e := range r.j.plan.Settle {
		if !r.complete(a) {
			continue
		}
		if _, latched := r.j.plan.Latch[a]; !latched {
			delete(cur.Latches, a)
		}
		if e == nil {
			delete(cur.Entries, a)
			continue
		}
		cur.Entries[a] = schema.Entry{ID: r.j.output(e.ID), Fields: r.outputs(e.Fields)}
	}
}

// complete says that every step of an address is done.
func (r *run) complete(a schema.Address) bool {
	return !slices.ContainsFunc(r.j.plan.Steps, func(s planner.Step) bool { return s.Address == a && !r.j.done(s.ID) })
}

func (r *run) outputs(fields map[string]schema.Value) map[string]schema.Value {
	out := maps.Clone(fields)
	for p, v := range out {
		out[p] = r.j.output(v)
	}
	return out
}
