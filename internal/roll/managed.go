package roll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// managing is the executor of a managed node group. EKS drains its nodes as soon as it
// gets another version of its launch template, so that this comes once nothing is on any
// old node that would be lost: all are cordoned first.
// https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html
type managing struct{ *Roller }

// group is a managed node group at its turn.
type managed struct {
	turn
	group   port.NodeGroup
	cluster string
	name    string
	version int64
	stood   int64 // its version when the plan was made; 0: the plan does not say
}

func (r managing) look(ctx context.Context, a applier.Attempt) (m managed, err error) {
	o, err := orderOf(a)
	if err != nil {
		return m, err
	}
	id := a.Step.Object.ID()
	i := strings.LastIndex(id, "/")
	m.cluster, m.name = id[:max(i, 0)], id[i+1:]
	m.version = number(a.Step.Args["version"].Str())
	for _, e := range a.Step.Expects {
		if e.Ref == a.Step.Object && e.Path == "version" {
			m.stood = number(e.Value.Str())
		}
	}
	m.turn = turn{order: o, past: pastOf(a), r: r.Roller}
	m.now = r.Now()
	if m.group, err = r.Outside.DescribeNodegroup(ctx, m.cluster, m.name); err != nil {
		return m, err
	}
	if len(m.group.Groups) > 0 { // none would be those of all groups
		m.members, _, err = r.members(ctx, m.group.Groups, !a.Abort)
	}
	return m, err
}

// Observe tells how far the roll of a managed node group is.
func (r managing) Observe(ctx context.Context, a applier.Attempt) (st applier.Status, err error) {
	if r.Nodes == nil {
		return applier.Status{State: applier.Unsure, Why: "DC830: nobody tells what runs on the nodes; state deployment: kubernetes: nodes: true"}, nil
	}
	m, err := r.look(ctx, a)
	defer func() { saying(&st, m.members) }()
	if st, waits := waiting(err); waits {
		return st, nil
	}
	switch {
	case errors.Is(err, port.ErrNotFound):
		return failed("DC831: there is no managed node group %s any more; look at it, then domctl apply --supersede %s", m.name, a.Apply), nil
	case err != nil:
		return applier.Status{}, err
	case m.group.Status == "UPDATING":
		return pending(retry, "managed node group %s is %s; EKS replaces its nodes one by one", m.name, m.group.Status), nil
	case m.group.Version == m.version:
		return m.updated(), nil
	case a.Abort:
		return m.aborted(), nil
	case m.past.why != "":
		return m.stop(m.past.why), nil
	case m.foreign() != "":
		return m.stop(m.foreign()), nil
	case m.begun(update) != "":
		return r.became(ctx, m)
	case !m.active() && m.overdue() == "":
		return pending(retry, "managed node group %s is %s, so that EKS updates nothing; look at its health issues, and the roll goes on", m.name, m.group.Status), nil
	}
	alarm, err := r.ringing(ctx, m.order)
	if st, waits := waiting(err); waits {
		return st, nil
	}
	if alarm != "" || err != nil {
		return m.stop(alarm), err
	}
	return m.drain(), nil
}

// active says that EKS takes an update, or has made it.
func (m managed) active() bool { return m.group.Status == "ACTIVE" }

// doomed are the members that EKS drains once the group gets another version: all of it,
// whatever image they are of.
func (m managed) doomed() []member {
	return m.which(func(some member) bool { return !some.going() })
}

// foreign says that somebody else had the group go to another version meanwhile.
func (m managed) foreign() string {
	if m.stood == 0 || m.group.Version == m.stood || m.group.Version == m.version {
		return ""
	}
	return fmt.Sprintf("DC832: managed node group %s is at version %d by now, not at %d", m.name, m.group.Version, m.stood)
}

// updated is of a group that has the version: what is cordoned there yet is let go of.
func (m managed) updated() applier.Status {
	for _, some := range m.members {
		if _, own := m.cordoned(some.node); own && !some.going() {
			return m.lifted(some, "")
		}
	}
	if old := m.old(m.order); len(old) > 0 && !m.Abort {
		return pending(look, "managed node group %s has its version, and %s is on another image", m.name, old[0])
	}
	return applier.Status{State: applier.Finished, Outputs: map[string]schema.Value{"update": schema.JSON(strconv.FormatInt(m.version, 10))}}
}

// aborted lifts the cordons. An update that was begun may yet show, and is waited for.
func (m managed) aborted() applier.Status {
	if m.begun(update) != "" && !m.unmade() {
		return pending(look, "whether EKS began to update %s shows within a minute", m.name)
	}
	if st, more := m.cleared(""); more {
		return st
	}
	return applier.Status{State: applier.Undone}
}

// unmade says that an update which was begun, and does not show, was never made.
func (m managed) unmade() bool {
	words, _ := markOf(m.begun(update))
	at, err := parseTime(word(words, 2))
	return err != nil || m.now.Sub(at) > updateShows
}

// became says what became of an update of which the group has nothing to show. Asked for
// again with its token, EKS tells which update that is.
func (r managing) became(ctx context.Context, m managed) (applier.Status, error) {
	id, known := r.heard.Load(m.Token)
	if !known {
		return next(m.begun(update), planner.Token), nil
	}
	u, err := r.Outside.DescribeUpdate(ctx, m.cluster, m.name, id.(string))
	switch {
	case errors.Is(err, port.ErrNotFound), err == nil && u.Status == "InProgress", err == nil && u.Status == "Successful":
		return pending(look, "EKS updates managed node group %s", m.name), nil
	case err != nil:
		return applier.Status{}, err
	}
	return m.stop(fmt.Sprintf("DC837: update %s of managed node group %s is %s: %s", u.ID, m.name, u.Status, planner.Printable(few(u.Errors)))), nil
}

// overdue is that of all members, as EKS drains all.
func (m managed) overdue() string { return m.tardy(m.doomed()) }

// drain is what comes before the update: all nodes are cordoned, and no run is on any.
func (m managed) drain() applier.Status {
	if why := m.overdue(); why != "" {
		return m.stop(why)
	}
	if len(m.group.Groups) == 0 {
		return pending(retry, "EKS does not tell which instances are of managed node group %s, so that nobody knows what it would drain", m.name)
	}
	old, forced := m.doomed(), false
	if why := m.closed(); why != "" && !m.own(old) {
		return pending(look, "managed node group %s waits for %s", m.name, why)
	}
	var waits []string
	for _, some := range old {
		at, own := m.cordoned(some.node)
		switch {
		case some.image == "":
			waits = append(waits, some.String()+", of which nobody tells the image, and which EKS would drain: end it once nothing runs there")
		case some.node != nil && !some.cordoned():
			return next(cordon+" "+some.ID, planner.Conditional)
		case m.joining(some):
			waits = append(waits, some.String()+", whose node has not joined yet")
		case own && m.now.Sub(at) < quiet:
			waits = append(waits, "the scheduler to hear that "+some.String()+" is cordoned")
		case m.forced(some):
			forced = forced || some.lost() != ""
		case some.lost() != "":
			waits = append(waits, some.String()+": "+some.lost())
		}
	}
	if len(waits) > 0 {
		return pending(m.wait(old), "managed node group %s: EKS drains %s at once, which waits for %s", m.name, planner.Plural(len(old), "node"), planner.Printable(few(waits)))
	}
	mark := fmt.Sprintf("%s %d %s", update, m.version, stamp(m.now))
	if forced {
		mark += " forced"
	}
	return next(mark, planner.Token)
}

// lost is what would be lost with a node: EKS moves what a controller starts elsewhere.
func (m member) lost() string { return planner.Printable(few(slices.Concat(m.runs, m.held))) }

// Start makes the one write that the mark names.
func (r managing) Start(ctx context.Context, a applier.Attempt) error {
	words, _ := markOf(a.Mark)
	if word(words, 0) != update {
		return rolling(r).Start(ctx, a)
	}
	m, err := r.look(ctx, a)
	if err != nil {
		return &applier.Refusal{Err: err, Retry: true}
	}
	if why := m.foreign(); why != "" {
		return stale("%s", why)
	}
	if len(m.group.Groups) == 0 {
		return stale("EKS does not tell which instances are of managed node group %s", m.name)
	}
	forced := slices.Contains(words, "forced")
	for _, some := range m.doomed() {
		if some.image == "" || some.node != nil && !some.cordoned() || m.joining(some) || some.lost() != "" && !(forced && m.forced(some)) {
			return stale("%s is in use by now", some)
		}
	}
	id, err := r.Outside.UpdateNodegroupVersion(ctx, m.cluster, m.name, applier.RoundToken(a.Token, a.Round, 0), m.version, forced)
	if err == nil {
		r.heard.Store(m.Token, id)
	}
	return refused(err)
}

// undoManaged goes back by a new version that names the old image: EKS takes no older
// number.
func undoManaged(d planner.Done) []planner.Step {
	s, template := d.Step, d.Step.Args["template"].Str()
	made := planner.Step{ID: "undo/" + s.ID + "/version", Address: s.Address, Op: operation.CreateLaunchTemplateVersion, Object: planner.Ref("ec2/template#" + template),
		Creates: "version", Guard: planner.Token, Window: s.Window, Args: map[string]schema.Value{"source": s.Args["version"], "image": s.Args["from"], "blocks": s.Args["blocks"]}}
	again := again(d.Step, true)[0]
	again.Args["version"] = planner.OutOf(made.ID, "version")
	again.Writes, again.Expects = map[string]schema.Value{"version": again.Args["version"]}, []planner.Expect{{Ref: s.Object, Path: "version", Value: s.Args["version"]}}
	return []planner.Step{made, again}
}
