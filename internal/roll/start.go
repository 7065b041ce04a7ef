package roll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
)

// refusal is a pod that was not allowed to go.
type refusal struct {
	why   string
	until time.Time
}

// Start makes the one write that the mark names.
func (r rolling) Start(ctx context.Context, a applier.Attempt) error {
	o, err := orderOf(a)
	if err != nil {
		return err
	}
	words, _ := markOf(a.Mark)
	switch id := word(words, 1); word(words, 0) {
	case cordon:
		return refused(r.setCordoned(ctx, o, ofInstance(id), true))
	case uncordon:
		return refused(r.setCordoned(ctx, o, ofInstance(id), false))
	case evict:
		return r.evict(ctx, ofInstance(id), word(words, 3))
	case end:
		return r.end(ctx, o, id, slices.Contains(words, "smaller"), slices.Contains(words, "forced"))
	case raise, lower:
		return r.resize(ctx, o, number(id), number(word(words, 2)))
	case refresh:
		return r.refresh(ctx, o)
	case switchBack:
		return r.switchBack(ctx, o)
	case cancel:
		if err := r.Outside.CancelInstanceRefresh(ctx, o.asg); !errors.Is(err, port.ErrNotFound) {
			return refused(err)
		}
		return nil
	}
	return fmt.Errorf("%s: nothing is called %q", a.Step.ID, a.Mark)
}

// refused marks the answers that say that nothing happened.
func refused(err error) error {
	if no, again := port.Refused(err); no {
		return &applier.Refusal{Err: err, Retry: again || errors.Is(err, port.ErrState)}
	}
	return err
}

// stale is a write that what stands by now forbids: the next look decides again.
func stale(format string, args ...any) error {
	return &applier.Refusal{Err: fmt.Errorf(format, args...), Retry: true}
}

// ofInstance tells the node of an instance.
func ofInstance(id string) func(port.Node) bool {
	return func(n port.Node) bool { return n.Instance == id }
}

// node is the one that is meant, as it is at this moment; nil: there is none.
func (r *Roller) node(ctx context.Context, is func(port.Node) bool) (*port.Node, error) {
	nodes, err := r.Nodes.ListNodes(ctx)
	for _, n := range nodes {
		if err == nil && is(n) {
			return &n, nil
		}
	}
	return nil, err
}

// setCordoned cordons a node, or lifts its own cordon.
func (r *Roller) setCordoned(ctx context.Context, o order, of func(port.Node) bool, is bool) error {
	n, err := r.node(ctx, of)
	if err != nil {
		return &applier.Refusal{Err: err, Retry: true}
	}
	if n == nil || n.Cordoned == is {
		return nil // it went, or it is as wanted: the next look tells
	}
	by := o.by(r.Now())
	if !is {
		if _, own := o.cordoned(n); !own {
			return nil
		}
		by = ""
	}
	return r.Nodes.SetCordoned(ctx, *n, is, by)
}

// evict asks for a pod's end, by its UID. What a budget does not allow is waited for.
func (r *Roller) evict(ctx context.Context, of func(port.Node) bool, uid string) error {
	n, err := r.node(ctx, of)
	if err != nil {
		return &applier.Refusal{Err: err, Retry: true}
	}
	if n == nil {
		return nil
	}
	pods, err := r.Nodes.ListPods(ctx, n.Name)
	if err != nil {
		return &applier.Refusal{Err: err, Retry: true}
	}
	i := slices.IndexFunc(pods, func(p port.Pod) bool { return p.UID == uid })
	if i < 0 {
		return nil
	}
	err = r.Nodes.EvictPod(ctx, pods[i])
	switch {
	case errors.Is(err, port.ErrNotFound):
		return nil
	case errors.Is(err, port.ErrBudget):
		r.heard.Store(uid, refusal{"a disruption budget keeps", r.Now().Add(retry)})
		return &applier.Refusal{Err: err, Retry: true}
	}
	return refused(err)
}

// end terminates an instance, if at this moment nothing is on it that the plan keeps
// alive.
func (r *Roller) end(ctx context.Context, o order, id string, smaller, forced bool) error {
	members, err := r.members(ctx, []string{o.asg})
	if err != nil {
		return &applier.Refusal{Err: err, Retry: true}
	}
	i := slices.IndexFunc(members, func(m member) bool { return m.ID == id })
	if i < 0 || members[i].going() {
		return nil
	}
	switch m := members[i]; {
	case forced && !o.Force:
		return fmt.Errorf("%s: the plan ends no run", o.Step.ID)
	case m.Protected || m.standby():
		return stale("%s is %s by now, or protected", m, m.Lifecycle)
	case !forced && m.busy() != "":
		return stale("%s is in use by now: %s", m, m.busy())
	case m.node != nil && !m.node.Cordoned:
		return stale("%s is not cordoned any more", m)
	}
	err = r.Outside.TerminateInstanceInGroup(ctx, id, smaller)
	if errors.Is(err, port.ErrNotFound) {
		return nil
	}
	return refused(err)
}

// resize changes a group's capacity from what the mark saw; a lower one only where that
// ends no instance.
func (r *Roller) resize(ctx context.Context, o order, from, to int64) error {
	groups, err := r.Outside.DescribeAutoScalingGroups(ctx, []string{o.asg})
	if err != nil {
		return &applier.Refusal{Err: err, Retry: true}
	}
	if len(groups) == 0 || groups[0].Desired != from || to > groups[0].Max || to < groups[0].Min {
		return stale("the capacity of %s is not %d any more", o.asg, from)
	}
	if to < from {
		instances, err := r.Outside.DescribeAutoScalingInstances(ctx, []string{o.asg})
		if err != nil {
			return &applier.Refusal{Err: err, Retry: true}
		}
		there := slices.DeleteFunc(instances, func(i port.GroupInstance) bool { m := member{GroupInstance: i}; return m.going() || m.standby() })
		if int64(len(there)) > to {
			return stale("%s has %d instances by now", o.asg, len(there))
		}
	}
	return refused(r.Outside.UpdateAutoScalingGroup(ctx, port.GroupUpdate{Name: o.asg, Desired: &to}))
}

// refresh starts an instance refresh, if at this moment nothing is on any node that it
// replaces.
func (r *Roller) refresh(ctx context.Context, o order) error {
	f, err := r.look(ctx, o.asg)
	if err != nil {
		return &applier.Refusal{Err: err, Retry: true}
	}
	t := turn{order: o, found: f, past: pastOf(o.Attempt), r: r}
	for _, m := range t.doomed() {
		if m.busy() != "" && !t.forced(m) || m.image == "" || t.joining(m) || m.node != nil && !m.node.Cordoned {
			return stale("%s is in use by now", m)
		}
	}
	_, err = r.Outside.StartInstanceRefresh(ctx, newRefresh(o, f.group.Desired))
	return refused(err)
}

// switchBack has a group start the old image again, if at this moment it starts the new one.
func (r *Roller) switchBack(ctx context.Context, o order) error {
	f, err := r.alone(ctx, o.asg)
	if err != nil {
		return &applier.Refusal{Err: err, Retry: true}
	}
	if f.starts != o.image {
		return stale("%s starts nodes from %s by now", o.asg, or(f.starts))
	}
	s, _ := o.ofGroup()
	ex, known := r.Single(s.Op)
	if !known {
		return fmt.Errorf("%s: nothing is called %q", o.Step.ID, s.Op)
	}
	a := o.Attempt
	a.Step, a.Want = s, s.Writes
	return ex.Start(ctx, a)
}
