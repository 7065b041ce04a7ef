package roll

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

// Start makes the one write that the mark names, if what stands at this moment lets it.
func (r classing) Start(ctx context.Context, a applier.Attempt) error {
	t, err := r.look(ctx, a)
	if err != nil {
		return &applier.Refusal{Err: err, Retry: true}
	}
	words, _ := markOf(a.Mark)
	name := word(words, 1)
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
		if drifting := t.drifts(); drifting != "" {
			return stale("%s drifts by now, so that Karpenter would end it", drifting)
		}
		return r.hold(ctx, t, name, "")
	case swap:
		return r.swap(ctx, t)
	case end:
		return r.delete(ctx, t, name, slices.Contains(words, "forced"))
	}
	return fmt.Errorf("%s: nothing is called %q", a.Step.ID, a.Mark)
}

// hold has a NodePool hold drift, or lets go of it; one that is as wanted stays.
func (r classing) hold(ctx context.Context, t classTurn, name, by string) error {
	i := slices.IndexFunc(t.pools, func(p port.NodePool) bool { return p.Name == name })
	if i < 0 || by != "" && t.pools[i].DriftHeld() || by == "" && !ofDomctl(t.pools[i]) {
		return nil
	}
	return refused(r.Karpenter.HoldDrift(ctx, t.pools[i], by))
}

// swap switches the class, if every NodePool of it holds drift.
func (r classing) swap(ctx context.Context, t classTurn) error {
	switch loose, more := t.holds(""); {
	case more:
		return stale("a NodePool does not hold drift any more: %s comes first", loose.Mark)
	case !t.before:
		return stale("%s is not as the plan saw it any more", t.group.Name)
	}
	terms, family := classTerms(t.Step, t.class.Family)
	return refused(r.Karpenter.SetImageTerms(ctx, t.class, terms, family))
}

// classTerms are what a step writes to a class whose family is the one given.
func classTerms(s planner.Step, family string) (string, string) {
	if image, is := s.Writes["image"]; is {
		return port.TermsOf(image.Str()), family
	}
	if v, is := s.Writes["family"]; is {
		family = v.Str()
	}
	return s.Writes["terms"].Text, family
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
