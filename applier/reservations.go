package applier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// reserve keeps the apply's addresses from other plans until it has ended. An
// apply that was cut off before it reserved them may have lost them meanwhile:
// it goes no further then, but it can be ended, also where a late answer left two
// that reserve the same.
func (r *run) reserve(ctx context.Context) error {
	if r.mode == forward {
		if err := r.unreserved(ctx, r.j.plan); err != nil {
			return err
		}
	}
	addresses := map[schema.Address]bool{}
	for _, a := range r.j.plan.Addresses() {
		addresses[a] = true
	}
	_, err := r.store().PutIfNone(ctx, "open/"+r.j.id, []byte(schema.JSON(addresses).Text))
	if err != nil && !errors.Is(err, ErrExists) {
		if _, _, got := r.store().Get(ctx, "open/"+r.j.id); got != nil {
			return fmt.Errorf("reservation: %w", err)
		}
	}
	return nil
}

func (r *run) unreserve(ctx context.Context) error {
	if err := r.store().Delete(context.WithoutCancel(ctx), "open/"+r.j.id); err != nil {
		return fmt.Errorf("reservation: %w", err)
	}
	return nil
}

// unreserved refuses a plan that needs an address which another open apply
// reserves.
func (r *run) unreserved(ctx context.Context, p *planner.Plan) error {
	open, err := r.OpenApplies(ctx)
	if err != nil {
		return err
	}
	for _, id := range open {
		addr, err := r.reserves(ctx, id, p)
		if err != nil {
			return err
		}
		if addr == nil {
			continue
		}
		j, err := r.load(ctx, id)
		if err != nil {
			return err
		}
		if j.over() == "" && j.summary().ForGood() {
			return fmt.Errorf("DC311: %s is reserved by apply %s, of which a step failed for good; domctl apply --supersede %[2]s abandons it, and does this in its place", addr, id)
		}
		if j.over() == "" && r.goesOn(j.summary()) {
			return fmt.Errorf("DC311: %s is reserved by apply %s, which waits, and whose domctl goes on with it by itself; domctl apply --supersede %[2]s abandons it", addr, id)
		}
		if j.over() == "" {
			return fmt.Errorf("DC311: %s is reserved by apply %s, which is not finished; domctl apply --resume %[2]s goes on with it, --supersede %[2]s abandons it", addr, id)
		}
		// A reservation that came late, after its apply had ended.
		if err := r.store().Delete(ctx, "open/"+id); err != nil {
			return fmt.Errorf("reservation: %w", err)
		}
	}
	return nil
}

// goesOn says of an apply that waits that its own domctl is known to be at it.
func (a *Applier) goesOn(s Summary) bool {
	if s.Outcome != PausedOutcome || !strings.HasPrefix(s.Why, "waiting") || a.Alive == nil {
		return false
	}
	alive, known := a.Alive(s.Records[len(s.Records)-1].By)
	return alive && known
}

// Reserved are the addresses that an apply keeps from others, in order; none when
// it has ended.
func (a *Applier) Reserved(ctx context.Context, id string) ([]schema.Address, error) {
	body, _, err := a.store().Get(ctx, "open/"+id)
	if errors.Is(err, ErrNoKey) {
		return nil, nil
	}
	addresses := map[schema.Address]bool{}
	if err == nil {
		err = json.Unmarshal(body, &addresses)
	}
	if err != nil {
		return nil, fmt.Errorf("open/%s: %w", id, err)
	}
	return schema.Addresses(addresses), nil
}

// reserves answers an address that the plan needs and another apply reserves.
func (r *run) reserves(ctx context.Context, id string, p *planner.Plan) (*schema.Address, error) {
	if id == p.ID || id == p.Restores {
		return nil, nil
	}
	reserved, err := r.Reserved(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, addr := range reserved {
		if p.Touches(addr) {
			return &addr, nil
		}
	}
	return nil, nil
}

func applyKey(openKey string) string { return openKey[len("open/"):] }
