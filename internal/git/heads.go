package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/memory"
)

// Heads are the commits that the branches of the repository stand on at this moment, by
// their names; nothing is fetched. An empty repository has none.
func (r Remote) Heads(ctx context.Context) (map[string]string, error) {
	limit := cmp.Or(r.Time, mostTime)
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	heads, err := r.heads(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("it took longer than %s", limit)
	}
	if err != nil {
		return nil, fmt.Errorf("branches of %s: %w", r.URL, err)
	}
	return heads, nil
}

func (r Remote) heads(ctx context.Context) (map[string]string, error) {
	auth, err := r.auth()
	if err != nil {
		return nil, err
	}
	remote := git.NewRemote(memory.NewStorage(), &config.RemoteConfig{Name: "origin", URLs: []string{r.URL}})
	refs, err := remote.ListContext(ctx, &git.ListOptions{Auth: auth, CABundle: r.CA})
	if err != nil && !errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return nil, err
	}
	heads := map[string]string{}
	for _, ref := range refs {
		if ref.Name().IsBranch() {
			heads[ref.Name().Short()] = ref.Hash().String()
		}
	}
	return heads, nil
}
