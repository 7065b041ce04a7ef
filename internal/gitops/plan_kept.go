package gitops

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"domctl.dev/applier"
	"domctl.dev/planner"
)

// HeadPlan is where the plan of the branch stands.
const HeadPlan = "head"

// PullPlanOf is where the plan of a pull request stands.
func PullPlanOf(pull int) string { return "pull-" + strconv.Itoa(pull) }

// planAt is the address of the branch's plan; "" where there is no page.
func (d *Desk) planAt() string {
	if d.Page == "" {
		return ""
	}
	return d.Page + "/plan"
}

// pullAt is the address of a pull request's plan; "" where there is no page, or nothing
// was planned.
func (d *Desk) pullAt(pull int, plan string) string {
	if d.Page == "" || plan == "" {
		return ""
	}
	return d.Page + "/pulls/" + strconv.Itoa(pull)
}

// KeepPlan puts a plan in the place of the one before it.
func KeepPlan(ctx context.Context, s applier.Store, where string, p planner.Plan) error {
	key := plansKey + where
	_, etag, err := s.Get(ctx, key)
	switch {
	case errors.Is(err, applier.ErrNoKey):
		_, err = s.PutIfNone(ctx, key, planner.Encode(p))
	case err == nil:
		_, err = s.PutIfMatch(ctx, key, planner.Encode(p), etag)
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", key, err)
	}
	return nil
}

// ReadPlan reads a plan that was kept; there is false where none was.
func ReadPlan(ctx context.Context, s applier.Store, where string) (p planner.Plan, there bool, err error) {
	body, _, err := s.Get(ctx, plansKey+where)
	if errors.Is(err, applier.ErrNoKey) {
		return p, false, nil
	}
	if err == nil {
		p, err = planner.Decode(body)
	}
	if err != nil {
		return p, false, fmt.Errorf("record %s%s: %w", plansKey, where, err)
	}
	return p, true, nil
}
