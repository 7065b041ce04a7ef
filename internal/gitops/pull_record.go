package gitops

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// pulls are the pull requests that the deployment has records of, and when they ended.
func (d *Desk) pulls(ctx context.Context) (map[int]time.Time, error) {
	store, err := d.Records(ctx)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	numbers, err := PullNumbers(ctx, store)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	known := map[int]time.Time{}
	for _, n := range numbers {
		p, there, err := ReadPullPlan(ctx, store, n)
		if err != nil {
			return nil, err
		}
		if there {
			known[n] = p.Ended
		}
	}
	return known, nil
}

// change rewrites the record of a pull request, if there is one.
func (d *Desk) change(ctx context.Context, pull int, nonce string, edit func(*PullPlan)) error {
	store, err := d.Records(ctx)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	var p PullPlan
	etag, there, err := read(ctx, store, pullKey(pull), &p)
	if err != nil || !there {
		return err
	}
	edit(&p)
	p.Nonce = nonce
	_, err = write(ctx, store, pullKey(pull), etag, p)
	return err
}

// over notes that a pull request is not open any more.
func (d *Desk) over(ctx context.Context, p port.Pull, nonce string) error {
	return d.change(ctx, p.Number, nonce, func(r *PullPlan) { r.State, r.Ended = p.State, d.Now() })
}

// untell lets a pull request be planned anew.
func (d *Desk) untell(ctx context.Context, pull int, nonce string) error {
	return d.change(ctx, pull, nonce, func(r *PullPlan) { r.Told = false })
}

func (d *Desk) forget(ctx context.Context, pull int) error {
	store, err := d.Records(ctx)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return forget(ctx, store, pull)
}

// forget lets go of what was planned for a pull request.
func forget(ctx context.Context, s applier.Store, pull int) error {
	err := s.Delete(ctx, plansKey+PullPlanOf(pull))
	if err == nil || errors.Is(err, applier.ErrNoKey) {
		err = s.Delete(ctx, pullKey(pull))
	}
	return err
}

// What is kept of pull requests that are over.
const (
	mostEnded  = 100
	longestEnd = 30 * 24 * time.Hour
)

// outdated are the pull requests whose records are to go: those that ended long ago, and
// of too many the first.
func outdated(known map[int]time.Time, now time.Time) (old []int) {
	var ended []int
	for n, at := range known {
		if !at.IsZero() {
			ended = append(ended, n)
		}
	}
	slices.SortFunc(ended, func(a, b int) int { return known[b].Compare(known[a]) })
	for i, n := range ended {
		if i >= mostEnded || now.Sub(known[n]) > longestEnd {
			old = append(old, n)
		}
	}
	return old
}
