package gitops

import (
	"cmp"
	"context"
	"fmt"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
)

// Audit is what people approved on a forge and asked for on the page, as the records
// hold it.
func Audit(ctx context.Context, s applier.Store) (all []engine.Audited, err error) {
	keys, err := s.List(ctx, approvalsKey)
	if err != nil {
		return nil, fmt.Errorf("approvals: %w", err)
	}
	for _, key := range keys {
		var a Approval
		if _, _, err := read(ctx, s, key, &a); err != nil {
			return all, err
		}
		all = append(all, engine.Audited{At: a.At.UTC(), Who: a.User, Did: "approve", Apply: a.Plan, Commit: a.Head, Effect: a.Effect, Pull: a.Pull, Comment: a.Comment})
	}
	clicks, err := clicked(ctx, s)
	return append(all, clicks...), err
}

// clicked is what people asked for on the page.
func clicked(ctx context.Context, s applier.Store) (all []engine.Audited, err error) {
	keys, err := s.List(ctx, clicksKey)
	if err != nil {
		return nil, fmt.Errorf("what was asked for on the page: %w", err)
	}
	for _, key := range keys {
		var w Wish
		if _, _, err := read(ctx, s, key, &w); err != nil {
			return all, err
		}
		all = append(all, engine.Audited{At: w.At.UTC(), Who: w.User, Did: "ask on the page", Apply: cmp.Or(w.Plan, w.Target), Why: cmp.Or(w.Said, "to take back "+w.Target)})
	}
	return all, nil
}
