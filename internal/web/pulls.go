package web

import (
	"context"
	"fmt"

	"domctl.dev/applier"
)

// pullsPrefix is below which records of pull requests stand.
const pullsPrefix = "gitops/pulls/"

func pullKeys(ctx context.Context, store applier.Store) ([]string, error) {
	keys, err := store.List(ctx, pullsPrefix)
	if err != nil {
		return nil, fmt.Errorf("pull requests: %w", err)
	}
	return keys, nil
}

// pullLine is a pull request whose plan there is.
type pullLine struct {
	Number, Title, URL, Commit, Amount, Forge string
}

// pulls reads what there is to say of pull requests.
func (r *records) pulls(ctx context.Context, keys []string) []pullLine { return nil }
