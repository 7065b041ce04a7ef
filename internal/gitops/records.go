package gitops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

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

// Stage is how far the work for a commit has come.
type Stage string

// The stages.
const (
	Refused  Stage = "refused"  // it cannot be applied as things stand; looked at again
	Asked    Stage = "asked"    // its plan waits for approvals
	Applying Stage = "applying" // its plan is being applied, or is about to be
	Done     Stage = "done"
)

// Head is the commit that a controller worked on last.
type Head struct {
	Commit string `json:"commit"`
	Stage  Stage  `json:"stage"`
	Plan   string `json:"plan,omitempty"` // its id, which is the apply's
	Effect string `json:"effect,omitempty"`
	Why    string `json:"why,omitempty"`
	// Blocked are changes of the plan that an apply leaves out.
	Blocked int `json:"blocked,omitempty"`
	// Left are steps of an apply that somebody abandoned or took back; its commit is not
	// applied again.
	Left int `json:"left,omitempty"`
	// Pull is the pull request that a commit came by which is, or was, Asked about, and
	// PullHead that one's head, to both of which approvals bind; zero: it came by none.
	// Heard is how many approvals of the effect there were.
	Pull     int    `json:"pull,omitempty"`
	PullHead string `json:"pullHead,omitempty"`
	Heard    int    `json:"heard,omitempty"`
	// From is the pull request that the commit came by, as far as is known. What people
	// say there is done until HeardOut, a while after the commit was.
	From     int       `json:"from,omitempty"`
	HeardOut time.Time `json:"heardOut,omitzero"`
	// Over is a pull request in which another commit was asked about.
	Over int `json:"over,omitempty"`
	// Back is the apply that the plan takes back. Redo says that the commit itself was not
	// done before that.
	Back string `json:"back,omitempty"`
	Redo bool   `json:"redo,omitempty"`
	// Since is the last commit of which nothing was left to do but what is blocked, and
	// Out what was; nil where it is saved: what it was before.
	Since string `json:"since,omitempty"`
	Out   *Out   `json:"out,omitempty"`
	// Tries counts looks that came to the same end, and Next is when the next is due.
	Tries int       `json:"tries,omitempty"`
	Next  time.Time `json:"next,omitzero"`
	// Told says that the forge shows it.
	Told  bool   `json:"told,omitempty"`
	Nonce string `json:"nonce"` // lets no two bodies be alike
}

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

// ReadHead reads what a store's controller worked on last; there is false where none
// did.
func ReadHead(ctx context.Context, s applier.Store) (h Head, there bool, err error) {
	_, there, err = read(ctx, s, headKey, &h)
	return h, there, err
}
