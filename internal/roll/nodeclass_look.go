package roll

import (
	"cmp"
	"context"
	"slices"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// look reads a class, its NodePools and NodeClaims, and what is on their nodes.
func (r classing) look(ctx context.Context, a applier.Attempt) (t classTurn, err error) {
	o, err := orderOf(a)
	if err != nil {
		return t, err
	}
	o.image, o.from = imageOf(a.Step.Writes), imageOf(stood(a.Step))
	t.turn = turn{order: o, past: pastOf(a), r: r.Roller}
	t.now, t.group.Name = r.Now(), "EC2NodeClass "+o.asg
	classes, err := r.Karpenter.ListNodeClasses(ctx)
	if err != nil {
		return t, unanswered("Kubernetes", err)
	}
	if i := slices.IndexFunc(classes, func(c port.NodeClass) bool { return c.Name == o.asg }); i >= 0 {
		t.there, t.class = true, classes[i]
		t.switched, t.before = stands(t.class, a.Step)
		t.meant = t.means()
		t.open = t.past.switched && t.switched || t.begun(swap) != "" && !t.switched && !t.past.switched // after a switch back, one before it expects a version that is gone
	}
	pools, err := r.Karpenter.ListNodePools(ctx)
	if err != nil {
		return t, unanswered("Kubernetes", err)
	}
	t.pools = slices.DeleteFunc(pools, func(p port.NodePool) bool { return p.Class != o.asg && !t.holding(p) })
	claims, err := r.Karpenter.ListNodeClaims(ctx)
	if err != nil {
		return t, unanswered("Kubernetes", err)
	}
	t.strays = map[string]string{}
	for _, p := range t.pools {
		if p.Class != o.asg {
			t.strays[p.Name] = straying(p, classes, claims, t.now)
		}
	}
	t.members, t.claims, err = r.claimed(ctx, o.asg, claims, !a.Abort)
	o.unreturning(t.members)
	return t, err
}

// means are the images that a class is rolled to which names no one id, once it stands so.
func (t classTurn) means() []string {
	if t.image != "" || !t.switched {
		return nil
	}
	return t.class.Images
}

// stood is what the plan saw of the step's class.
func stood(s planner.Step) planner.Raw {
	raw := planner.Raw{}
	for _, e := range s.Expects {
		if e.Ref == s.Object {
			raw[e.Path] = e.Value
		}
	}
	return raw
}

// imageOf is the one image that values of a class name, "" where they follow something.
func imageOf(class map[string]schema.Value) string {
	if v, is := class["image"]; is {
		return v.Str()
	}
	return port.TermsImage(class["terms"].Text)
}

// stands says that a class stands as a step writes it, and as the plan saw it.
func stands(c port.NodeClass, s planner.Step) (done, before bool) {
	raw := planner.Raw{}
	for path, text := range c.Fields() {
		raw[path] = schema.Value{Is: schema.Known, Text: text}
	}
	return s.Stands(raw, func(want, got schema.Value) bool { return want == got })
}

// claimed are the NodeClaims of a class as members. What is on nodes is read last, as of
// groups.
func (r *Roller) claimed(ctx context.Context, class string, listed []port.NodeClaim, ends bool) (all []member, claims map[string]port.NodeClaim, err error) {
	nodes, err := r.Nodes.ListNodes(ctx)
	if err != nil {
		return nil, nil, unanswered("Kubernetes", err)
	}
	on, _, err := r.contents(ctx, nodes, ends)
	if err != nil {
		return nil, nil, err
	}
	claims = map[string]port.NodeClaim{}
	for _, c := range listed {
		if c.Class != class {
			continue
		}
		claims[c.Name] = c
		m := member{GroupInstance: port.GroupInstance{ID: c.Name, Group: c.Pool, Lifecycle: "InService"}, image: c.Image, launched: c.Created}
		switch {
		case c.Going:
			m.Lifecycle = "Terminating"
		case c.Node == "":
			m.Lifecycle = "Pending"
		}
		if i := slices.IndexFunc(nodes, func(n port.Node) bool { return n.Name == c.Node && c.Node != "" }); i >= 0 {
			m.node = &nodes[i]
			m.runs, m.held, m.movable = on(c.Node, c.Instance)
		} else { // what is on its node is, whether that is listed or not
			var movable []port.Pod
			m.runs, m.held, movable = on(c.Node, c.Instance)
			m.held = append(m.held, names(movable)...)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b member) int { return cmp.Compare(a.ID, b.ID) })
	return all, claims, nil
}
