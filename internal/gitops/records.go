package gitops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"domctl.dev/applier"
)

// The keys of a controller's records, which stand beside the deployment's others and are
// sealed as they are. What ends in a slash has records below it.
const (
	headKey      = "gitops/head"       // what must be known after a restart
	plansKey     = "gitops/plans/"     // plans that nothing was applied of, to look at: of the branch and of each pull request the newest
	pullsKey     = "gitops/pulls/"     // what was planned for pull requests, one each
	commentsKey  = "gitops/comments/"  // which comments were done as commands
	approvalsKey = "gitops/approvals/" // by effect, account and comment
	usedKey      = "gitops/used/"      // what each apply was approved by, and who wrote what it did
	wishKey      = "gitops/wish"       // a command that the deployment's turns are to do
	clicksKey    = "gitops/clicks/"    // what was asked for on the page, and what became of it
	driftKey     = "gitops/drift"      // what the last look found
	newsKey      = "gitops/news"       // what was told to whom
	actsKey      = "gitops/acts"       // which replica acts
)

// read fills a value from a record; there is false where none stands.
func read(ctx context.Context, s applier.Store, key string, into any) (etag string, there bool, err error) {
	body, etag, err := s.Get(ctx, key)
	if errors.Is(err, applier.ErrNoKey) {
		return "", false, nil
	}
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return "", false, fmt.Errorf("record %s: %w", key, err)
	}
	return etag, true, nil
}

// write replaces a record where it is still the one that was read; "" is none.
func write(ctx context.Context, s applier.Store, key, etag string, value any) (string, error) {
	body, err := json.Marshal(value)
	if err == nil && etag == "" {
		etag, err = s.PutIfNone(ctx, key, body)
	} else if err == nil {
		etag, err = s.PutIfMatch(ctx, key, body, etag)
	}
	if err != nil {
		return "", fmt.Errorf("record %s: %w", key, err)
	}
	return etag, nil
}
