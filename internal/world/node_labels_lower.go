package world

import (
	"strings"

	"domctl.dev/internal/operation"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// tagged writes what an Auto Scaling group says of its nodes: tags that are new, that get
// another value, and that go are steps of their own, so that the way back of each is one
// call too.
func (p *poolLowering) tagged(ref planner.Ref, fields map[string]planner.Diff) {
	group := p.v.raw[ref]
	writes := map[string]map[string]schema.Value{"new": {}, "changed": {}, "gone": {}}
	for field, d := range fields {
		path, v := saidOfNodes(field, d.After)
		switch {
		case v == group[path]:
		case v.Is == schema.Absent:
			writes["gone"][path] = v
		case group[path].Is == schema.Absent:
			writes["new"][path] = v
		default:
			writes["changed"][path] = v
		}
	}
	for _, how := range []string{"new", "changed", "gone"} {
		if len(writes[how]) > 0 {
			p.steps = append(p.steps, tagsStep(p.change.Address, ref, how, writes[how], group))
		}
	}
}

// tagsStep keeps for each tag whether instances get it, which the call states anew.
func tagsStep(a schema.Address, ref planner.Ref, how string, writes map[string]schema.Value, group planner.Raw) planner.Step {
	s := planner.Step{ID: a.String() + "/" + operation.UpdateTags + "/" + ref.ID() + "/" + how, Address: a, Op: operation.UpdateTags,
		Object: ref, Guard: planner.Absolute, Window: window, Writes: writes}
	propagated := []string{}
	for _, path := range schema.Sorted(writes) {
		s.Expects = append(s.Expects, planner.Expect{Ref: ref, Path: path, Value: group[path]})
		if key := schema.SplitPath(path)[1]; group[propagatedPath(key)].Bool() {
			propagated = append(propagated, key)
			s.Expects = append(s.Expects, planner.Expect{Ref: ref, Path: propagatedPath(key), Value: schema.JSON(true)})
		}
	}
	if len(propagated) > 0 {
		s.Args = map[string]schema.Value{"propagated": schema.JSON(propagated)}
	}
	return s
}

// propagatedPath of a group holds true where instances get the tag.
func propagatedPath(key string) string { return schema.JoinPath("propagated", key) }

// configured is what a managed node group is to say of its nodes, by path of its object. A
// taint that evicts what runs is left, also where it is to go: the way back would evict.
func (p *poolLowering) configured(ref planner.Ref, at string, fields map[string]planner.Diff) map[string]schema.Value {
	writes, group := map[string]schema.Value{}, p.v.raw[ref]
	for _, field := range schema.Sorted(fields) {
		d, s := fields[field], schema.SplitPath(field)
		switch s[0] {
		case "label":
			writes[schema.JoinPath("labels", schema.PoolLabel)] = d.After
		case "labels":
			writes[field] = d.After
		case "taints":
			value, effect := cutTaint(d.After.Str())
			if _, has := group[taintPath(s[1], "NoExecute")]; has || effect == "NoExecute" {
				p.evicting, p.evictingAt = append(p.evicting, at+field), append(p.evictingAt, ref.ID()+": "+s[1])
				continue
			}
			for path := range group {
				if has := schema.SplitPath(path); len(has) == 3 && has[0] == "taints" && has[1] == s[1] {
					writes[path] = schema.Value{}
				}
			}
			if d.After.Is != schema.Absent {
				writes[taintPath(s[1], effect)] = schema.JSON(value)
			}
		}
	}
	for path, v := range writes {
		if v == group[path] {
			delete(writes, path)
		}
	}
	return writes
}

// configStep changes sizes, labels and taints of a managed node group in one update, since
// EKS takes no other before it ended.
func configStep(a schema.Address, ref planner.Ref, writes map[string]schema.Value, group planner.Raw) planner.Step {
	const op = operation.UpdateNodegroupConfig
	s := planner.Step{ID: a.String() + "/" + op + "/" + ref.ID(), Address: a, Op: op, Object: ref, Guard: planner.Token, Window: window, Writes: map[string]schema.Value{}}
	for _, path := range schema.Sorted(writes) {
		if writes[path] != group[path] {
			s.Writes[path] = writes[path]
			s.Expects = append(s.Expects, planner.Expect{Ref: ref, Path: path, Value: group[path]})
		}
	}
	return s
}

// leftToEvict says of taints that domctl does not write why not.
func (p *poolLowering) leftToEvict() *planner.Left {
	if len(p.evicting) == 0 {
		return nil
	}
	return &planner.Left{Fields: p.evicting, Why: *p.block("DC809",
		"not written, because EKS gives taints to nodes that run, and NoExecute evicts every pod that does not tolerate it, live runs too: "+strings.Join(p.evictingAt, ", "),
		"state NoSchedule, or change it by hand when nothing runs on the nodes")}
}
