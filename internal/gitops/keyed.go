package gitops

import (
	"context"
	"errors"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops/config"
)

// keyed sees to it that the records hold the key of digests before somebody plans who
// may not write it: such a plan would fit no apply.
func (t *turn) keyed(ctx context.Context, tree Tree) error {
	if _, _, err := t.store.Get(ctx, engine.KeyRecord); !errors.Is(err, applier.ErrNoKey) {
		return err
	}
	_, shut, err := t.Open(ctx, tree, config.ToApply)
	shut()
	return err
}
