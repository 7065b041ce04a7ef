package gitops

import (
	"context"
	"strconv"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
)

// PullPlan is what a pull request shows of a deployment: the plan of what its merge
// would give. One that did not touch the deployment has none.
type PullPlan struct {
	Pull int    `json:"pull"`
	Head string `json:"head"` // the pull request's commit that was planned
	Base string `json:"base"` // the branch's commit that it was merged with
	// Plan is the plan's id and Effect what approvals bind to; empty where there is no
	// plan, and Why says why not.
	Plan   string `json:"plan,omitempty"`
	Effect string `json:"effect,omitempty"`
	Why    string `json:"why,omitempty"`
	// Behind says that the branch changed the same files otherwise, so that the plan is
	// not of what a merge would give: nothing is approved by its effect.
	Behind bool `json:"behind,omitempty"`
	// Refused says that the plan holds errors.
	Refused bool `json:"refused,omitempty"`
	// Before and Files are digests of the deployment's files without the pull request and
	// with it, Applied is the version of what was applied; as long as they stay, so does
	// the plan.
	Before  string `json:"before,omitempty"`
	Files   string `json:"files,omitempty"`
	Applied string `json:"applied,omitempty"`
	// Recording is a digest of the recording that a fork was planned from: such a plan has
	// no effect, and is approved by nobody.
	Recording string `json:"recording,omitempty"`
	// Told says that the pull request shows it, in the comment of that id.
	Told    bool      `json:"told,omitempty"`
	Comment string    `json:"comment,omitempty"`
	At      time.Time `json:"at,omitzero"` // of the plan
	// Sum is what its head shows of all deployments; others' records leave it out.
	Sum string `json:"sum,omitempty"`
	// State and Ended are of a pull request that is over.
	State port.PullState `json:"state,omitempty"`
	Ended time.Time      `json:"ended,omitzero"`
	Nonce string         `json:"nonce"`
}

// ReadPullPlan reads what was planned for a pull request; there is false where nothing
// was.
func ReadPullPlan(ctx context.Context, s applier.Store, pull int) (p PullPlan, there bool, err error) {
	_, there, err = read(ctx, s, pullKey(pull), &p)
	return p, there, err
}

func pullKey(pull int) string { return pullsKey + strconv.Itoa(pull) }

// PullNumbers are the pull requests that a deployment has records of.
func PullNumbers(ctx context.Context, s applier.Store) ([]int, error) {
	keys, err := s.List(ctx, pullsKey)
	if err != nil {
		return nil, err
	}
	var all []int
	for _, key := range keys {
		if n, err := strconv.Atoi(strings.TrimPrefix(key, pullsKey)); err == nil && n > 0 {
			all = append(all, n)
		}
	}
	return all, nil
}
