package roll

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

// Start makes the one write that the mark names, if what stands at this moment lets it.
func (r classing) Start(ctx context.Context, a applier.Attempt) error {
	words, why := markOf(a.Mark)
	name := word(words, 1)
	switch word(words, 0) {
	case swap:
		return r.switches(ctx, a, a.Step)
	case swapBack:
		return r.switches(ctx, a, planner.Unwrite(planner.Done{Step: a.Step, Pre: stood(a.Step)}))
	}
	t, err := r.look(ctx, a)
	if err != nil {
		return &applier.Refusal{Err: err, Retry: true}
	}
	node := func(n port.Node) bool { return n.Name == t.claims[name].Node && n.Name != "" }
	switch word(words, 0) {
	case cordon:
		return refused(r.setCordoned(ctx, t.order, node, true))
	case uncordon:
		return refused(r.setCordoned(ctx, t.order, node, false))
	case evict:
		return r.evict(ctx, node, word(words, 3))
	case hold:
		return r.hold(ctx, t, name, t.by(r.Now()))
	case release:
		return r.hold(ctx, t, name, "")
	case end:
		if why != "" { // which the way there has none of
			t = t.turned()
		}
		return r.delete(ctx, t, name, slices.Contains(words, "forced"))
	}
	return fmt.Errorf("%s: nothing is called %q", a.Step.ID, a.Mark)
}

// hold has a NodePool hold drift, or lets go of it where no node needs that; one that is as
// wanted stays.
func (r classing) hold(ctx context.Context, t classTurn, name, by string) error {
	i := slices.IndexFunc(t.pools, func(p port.NodePool) bool { return p.Name == name })
	if i < 0 || by != "" && t.pools[i].DriftHeld() || by == "" && !ofDomctl(t.pools[i]) {
		return nil
	}
	if drifting := t.needs(t.pools[i]); by == "" && drifting != "" {
		return stale("%s drifts by now, so that Karpenter would end it", drifting)
	}
	return refused(r.Karpenter.HoldDrift(ctx, t.pools[i], by))
}

// switches writes the class, by the operation that looks first whether it stands as is
// expected, and whether every NodePool of it holds drift. Where not, the next look decides
// again.
func (r classing) switches(ctx context.Context, a applier.Attempt, s planner.Step) error {
	if r.Single == nil {
		return fmt.Errorf("%s: nobody switches a class", a.Step.ID)
	}
	s.Op = operation.SetImageTerms
	return r.singly(ctx, a, s)
}

// singly makes a step of one call in the place of an attempt's. What stands otherwise than
// that expects is for the next look.
func (r *Roller) singly(ctx context.Context, a applier.Attempt, s planner.Step) error {
	ex, known := r.Single(s.Op)
	if !known {
		return fmt.Errorf("%s: nothing is called %q", a.Step.ID, s.Op)
	}
	a.Step, a.Want = s, s.Writes
	err := ex.Start(ctx, a)
	var no *applier.Refusal
	if errors.As(err, &no) {
		outside, again := port.Refused(no.Err)
		return &applier.Refusal{Err: no.Err, Retry: no.Retry || again || !outside}
	}
	return err
}

// delete begins the end of a node, if at this moment nothing is on it that the plan keeps
// alive.
func (r classing) delete(ctx context.Context, t classTurn, name string, forced bool) error {
	i := slices.IndexFunc(t.members, func(m member) bool { return m.ID == name })
	if i < 0 || t.members[i].going() {
		return nil
	}
	switch m := t.members[i]; {
	case forced && !t.Force:
		return fmt.Errorf("%s: the plan ends no run", t.Step.ID)
	case !t.replaces(m):
		return stale("%s is on the image that is wanted", m)
	case !forced && m.busy() != "":
		return stale("%s is in use by now: %s", m, m.busy())
	case m.node != nil && !m.node.Cordoned:
		return stale("%s is not cordoned any more", m)
	}
	err := r.Karpenter.DeleteNodeClaim(ctx, t.claims[name])
	if errors.Is(err, port.ErrNotFound) {
		return nil
	}
	return refused(err)
}
