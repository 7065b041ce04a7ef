package roll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// member is one instance of a group, with its node and what is on that.
type member struct {
	port.GroupInstance
	image    string // "" where nobody tells
	launched time.Time
	ended    bool       // EC2 ends it, which its group does not know of yet
	node     *port.Node // nil: it has none
	runs     []string   // live ones, in words
	held     []string   // pods that nobody may move, in words
	movable  []port.Pod // those that a controller starts elsewhere
}

func (m member) going() bool    { return m.ended || m.Leaving() }
func (m member) serving() bool  { return m.Lifecycle == "InService" && !m.ended }
func (m member) warm() bool     { return strings.HasPrefix(m.Lifecycle, "Warmed:") && !m.going() }
func (m member) standby() bool  { return !m.ended && strings.Contains(m.Lifecycle, "Standby") }
func (m member) cordoned() bool { return m.node != nil && m.node.Cordoned }
func (m member) joined() bool   { return m.serving() && m.node != nil && m.node.Ready }

// ready says that it takes runs.
func (m member) ready() bool { return m.joined() && !m.node.Cordoned }

// shielded says what keeps an instance from being ended, whatever is on it; "" for nothing.
func (m member) shielded() string {
	switch {
	case m.Protected:
		return fmt.Sprintf("%s is protected from scale-in: take that away", m)
	case m.standby():
		return fmt.Sprintf("%s stands by: put it back into service, or end it", m)
	}
	return ""
}

// unready is since when a member is not: from its launch, or since it last was.
func (m member) unready() time.Time {
	since := m.launched
	if m.node == nil {
		return since
	}
	for _, c := range m.node.Conditions {
		if c.Type == "Ready" && c.Status != "True" && c.Since.After(since) {
			since = c.Since
		}
	}
	return since
}

// String names it for people.
func (m member) String() string {
	if m.node == nil {
		return m.ID
	}
	return m.node.Name + " (" + m.ID + ")"
}

// found is what stands of a group.
type found struct {
	there   bool
	group   port.AutoScalingGroup
	starts  string // the image that it starts nodes from
	version string // and the template's version; "" of a launch configuration
	members []member
	others  []port.Node // that a roll cordoned, and that are of no member
	newest  port.InstanceRefresh
	all     []port.InstanceRefresh // the newest first
	now     time.Time
}

// old are those that are to be replaced and are there yet.
func (f found) old(o order) []member {
	return f.which(func(m member) bool { return o.replaces(m) && !m.going() })
}

func (f found) which(is func(member) bool) (some []member) {
	for _, m := range f.members {
		if is(m) {
			some = append(some, m)
		}
	}
	return some
}

// replaces says that a member has an image that is not wanted. Where no one image is, and
// nobody tells which are, that is the one before.
func (o order) replaces(m member) bool {
	switch {
	case m.image == "":
		return false
	case len(o.meant) > 0:
		return !slices.Contains(o.meant, m.image)
	case o.undoing || o.image == "":
		return m.image == o.from
	}
	return m.image != o.image
}

// away is an outside that does not answer, which says nothing of what it holds.
type away struct {
	what, of string
	error
}

func (a *away) Unwrap() error { return a.error }

// unanswered marks an error of who is asked for what runs: it is waited for, unless it
// refuses us, which no time mends.
func unanswered(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, port.ErrDenied):
		return fmt.Errorf("DC848: %s refuses to tell what runs on the nodes, so that none is ended: %w; domctl doctor says what it lets domctl do", what, err)
	}
	return &away{what, "what runs", err}
}

// alone reads a group without its instances.
func (r *Roller) alone(ctx context.Context, group string) (f found, err error) {
	f.now = r.Now()
	groups, err := r.Outside.DescribeAutoScalingGroups(ctx, []string{group})
	if err != nil || len(groups) == 0 {
		return f, err
	}
	f.there, f.group = true, groups[0]
	f.starts, f.version, err = r.starts(ctx, f.group)
	return f, err
}

// look reads a group, its instances, their nodes and what is on these.
func (r *Roller) look(ctx context.Context, group string, ends bool) (f found, err error) {
	if f, err = r.alone(ctx, group); err != nil || !f.there {
		return f, err
	}
	refreshes, err := r.Outside.DescribeInstanceRefreshes(ctx, group)
	if err != nil {
		return f, err
	}
	if len(refreshes) > 0 {
		f.newest, f.all = refreshes[0], refreshes
	}
	f.members, f.others, err = r.members(ctx, []string{group}, ends)
	return f, err
}

// members are the instances of groups, as they are told by AWS, Kubernetes and Domino.
// What is on nodes is read last, so that no read is older than the cordon it goes with.
// others are the nodes of no member that a roll cordoned.
func (r *Roller) members(ctx context.Context, groups []string, ends bool) (all []member, others []port.Node, err error) {
	instances, err := r.Outside.DescribeAutoScalingInstances(ctx, groups)
	if err != nil {
		return nil, nil, err
	}
	if len(instances) == 0 { // one that left could be cordoned yet
		nodes, err := r.Nodes.ListNodes(ctx)
		return nil, cordonedBeside(nodes, nil), unanswered("Kubernetes", err)
	}
	var ids []string
	for _, i := range instances {
		ids = append(ids, i.ID)
	}
	machines, err := r.Outside.DescribeInstances(ctx, port.Select{IDs: ids})
	if err != nil {
		return nil, nil, err
	}
	nodes, twins, nameless, on, err := r.standing(ctx, ends)
	if err != nil {
		return nil, nil, err
	}
	for _, i := range instances {
		m := member{GroupInstance: i}
		for _, machine := range machines {
			if machine.ID == i.ID {
				m.image, m.ended = machine.Image, machine.Going()
				m.launched, _ = time.Parse(time.RFC3339, machine.Launched)
			}
		}
		if n, is := nodes[i.ID]; is {
			m.node = &n
			m.runs, m.held, m.movable = on(n.Name, i.ID)
			m.held = append(m.held, twins[i.ID]...)
		} else {
			m.runs, m.held, _ = on("", i.ID)
			m.held = append(m.held, nameless...)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b member) int { return cmp.Compare(a.ID, b.ID) })
	return all, cordonedBeside(slices.Collect(maps.Values(nodes)), ids), nil
}

// cordonedBeside are the nodes that a roll cordoned and that are of none of some instances.
func cordonedBeside(nodes []port.Node, ids []string) []port.Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n port.Node) bool {
		return n.Instance == "" || !n.Cordoned || !Cordoned(n.CordonedBy) || slices.Contains(ids, n.Instance)
	})
}

// detached are the instances that this step cordoned and that are of the group no more, as
// far as they run: those that end have ended with it.
func (r *Roller) detached(ctx context.Context, o order, others []port.Node) (ids []string, err error) {
	for _, n := range others {
		if _, own := o.cordoned(&n); own {
			ids = append(ids, n.Instance)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	machines, err := r.Outside.DescribeInstances(ctx, port.Select{IDs: ids})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(ids, func(id string) bool {
		return !slices.ContainsFunc(machines, func(m port.Instance) bool { return m.ID == id && m.State == "running" })
	}), nil
}

// silent is on each node while Domino does not answer.
const silent = "what Domino does not tell now"

// contents tells what is on a node, by its name and its instance.
type contents func(node, instance string) (runs, held []string, movable []port.Pod)

// standing are the nodes by instance, and what is on each. twins are two of one instance:
// which of them it is nobody tells, and what is on either is on it. nameless are those of which
// Kubernetes does not say what instance they are, and what runs on nodes that it does not
// list: each could be any that has no node, so that such a one is in use, for all that is
// known.
func (r *Roller) standing(ctx context.Context, ends bool) (nodes map[string]port.Node, twins map[string][]string, nameless []string, on contents, err error) {
	all, err := r.Nodes.ListNodes(ctx)
	if err != nil {
		return nil, nil, nil, nil, unanswered("Kubernetes", err)
	}
	nodes, twins = map[string]port.Node{}, map[string][]string{}
	for _, n := range all {
		switch was, twice := nodes[n.Instance]; {
		case twice:
			twins[n.Instance] = append(twins[n.Instance], fmt.Sprintf("nodes %s and %s, which both name this instance: delete the one that is gone", was.Name, n.Name))
		case n.Instance != "":
			nodes[n.Instance] = n
		case n.Nameless():
			nameless = append(nameless, fmt.Sprintf("node %s, which names no EC2 instance and could be this one", n.Name))
		}
	}
	on, astray, err := r.contents(ctx, all, ends)
	return nodes, twins, append(nameless, astray...), on, err
}

// contents reads what is on all nodes; astray is what is told to be on others than those that
// are listed. Where nothing is to be ended, and Domino does not tell what runs, each is in use,
// for all that is known: cordons can be lifted all the same.
func (r *Roller) contents(ctx context.Context, nodes []port.Node, ends bool) (on contents, astray []string, err error) {
	pods, err := r.Nodes.ListPods(ctx, "")
	if err != nil {
		return nil, nil, unanswered("Kubernetes", err)
	}
	var live []port.Execution
	var untold []string
	if r.Census != nil {
		if live, err = r.Census.ListExecutions(ctx); err != nil && ends {
			return nil, nil, unanswered("Domino", err)
		} else if errors.Is(err, port.ErrDenied) {
			untold = []string{"what Domino refuses to tell"}
		} else if err != nil {
			untold = []string{silent}
		}
	}
	byNode, told := map[string][]port.Pod{}, map[string][]string{}
	for _, p := range pods {
		byNode[p.Node] = append(byNode[p.Node], p)
	}
	for _, e := range live {
		for _, u := range e.Units {
			if u.Node != "" { // which waits, or has a pod that tells
				told[u.Node] = append(told[u.Node], "run "+e.ID)
			}
		}
	}
	on = func(node, instance string) (runs, held []string, movable []port.Pod) {
		if node != "" {
			runs, held, movable = sort(byNode[node])
			runs = append(runs, told[node]...)
		}
		runs = append(runs, told[instance]...)
		slices.Sort(runs)
		return slices.Compact(runs), append(held, untold...), movable
	}
	for _, node := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(schema.Sorted(byNode), schema.Sorted(told))))) {
		if node == "" || strings.HasPrefix(node, "i-") || slices.ContainsFunc(nodes, func(n port.Node) bool { return n.Name == node }) {
			continue
		}
		runs, held, movable := on(node, "")
		for _, what := range slices.Concat(runs, held, names(movable)) {
			astray = append(astray, fmt.Sprintf("%s on node %s, which Kubernetes does not list and could be this one", what, node))
		}
	}
	return on, astray, nil
}

// starts is the image that a group starts nodes from, and the version of its template.
func (r *Roller) starts(ctx context.Context, g port.AutoScalingGroup) (image, version string, err error) {
	if g.Template == "" {
		configs, err := r.Outside.DescribeLaunchConfigurations(ctx, []string{g.LaunchConfiguration})
		if err != nil || len(configs) == 0 {
			return "", "", err
		}
		return configs[0].Image, "", nil
	}
	number, err := strconv.ParseInt(g.Version, 10, 64)
	if err != nil {
		templates, err := r.Outside.DescribeLaunchTemplates(ctx, []string{g.Template})
		if err != nil || len(templates) == 0 {
			return "", "", err
		}
		if number = templates[0].Default; g.Version == "$Latest" {
			number = templates[0].Latest
		}
	}
	versions, err := r.Outside.DescribeLaunchTemplateVersions(ctx, g.Template, []int64{number})
	if errors.Is(err, port.ErrNotFound) || err == nil && len(versions) == 0 {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	return versions[0].Image, strconv.FormatInt(number, 10), nil
}
