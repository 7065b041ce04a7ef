package gitops

import (
	"context"
	"fmt"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
)

// Audit is what people approved on a forge, as the records hold it.
func Audit(ctx context.Context, s applier.Store) (all []engine.Audited, err error) {
	keys, err := s.List(ctx, approvalsKey)
	if err != nil {
		return nil, fmt.Errorf("approvals: %w", err)
	}
	for _, key := range keys {
		var a struct {
			Effect, Head, User, Comment, Plan string
			Pull                              int
			At                                time.Time
		}
		if _, _, err := read(ctx, s, key, &a); err != nil {
			return all, err
		}
		all = append(all, engine.Audited{At: a.At.UTC(), Who: a.User, Did: "approve", Apply: a.Plan, Commit: a.Head, Effect: a.Effect, Pull: a.Pull, Comment: a.Comment})
	}
	return all, nil
}
