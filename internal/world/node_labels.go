package world

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// labels states below at what a group says of its nodes, in the schema's words, and tells
// of taints that the files do not state.
func (l *look) labels(a schema.Address, g schema.Group, raw planner.Raw, at string, fields map[string]schema.Value) {
	var taints []string
	for path, v := range saysOfNodes(g, raw) {
		fields[at+path] = v
		if s := schema.SplitPath(path); s[0] == "taints" {
			taints = append(taints, s[1])
		}
	}
	o, entry := l.desired.Objects[a], l.applied().Entries[a]
	if o.Fields[at+"label"].Is == schema.Absent {
		return
	}
	slices.Sort(taints)
	var more []string
	for _, key := range taints {
		path := at + schema.JoinPath("taints", key)
		_, applied := entry.Fields[path]
		if _, stated := o.Fields[path]; !stated && !applied {
			more = append(more, key+" is "+fields[path].Str())
		}
	}
	if len(more) > 0 {
		l.view.Findings = append(l.view.Findings, schema.Finding{Code: "DC807", Severity: schema.Warning, Address: a, Positions: o.Positions(""),
			Message: groupText(g) + " has taints that the files do not state: " + strings.Join(more, "; "),
			Hint:    "state them under taints, or take them away where the group is made; domctl explain DC807"})
	}
}

// saysOfNodes is what a group says of its nodes, by path of the schema below the group.
func saysOfNodes(g schema.Group, raw planner.Raw) map[string]schema.Value {
	out := map[string]schema.Value{}
	label := func(key string, v schema.Value) {
		if key == schema.PoolLabel {
			out["label"] = v
		} else {
			out[schema.JoinPath("labels", key)] = v
		}
	}
	for _, path := range schema.Sorted(raw) {
		s, v := schema.SplitPath(path), raw[path]
		switch {
		case len(s) == 2 && s[0] == "labels":
			label(s[1], v)
		case len(s) == 3 && s[0] == "taints":
			at := schema.JoinPath("taints", s[1])
			text := v.Str() + ":" + s[2]
			if was := out[at].Str(); was != "" { // of another effect
				text = was + ", " + text
			}
			out[at] = schema.JSON(text)
		case len(s) != 2 || s[0] != "tags" || g.NodeGroup != "":
		case s[1] == scaleDownTag:
			out["scaleDownDelay"] = delayOf(v)
		case strings.HasPrefix(s[1], schema.LabelTag):
			label(strings.TrimPrefix(s[1], schema.LabelTag), v)
		case strings.HasPrefix(s[1], schema.TaintTag):
			out[schema.JoinPath("taints", strings.TrimPrefix(s[1], schema.TaintTag))] = v
		}
	}
	return out
}

// delayOf is a tag's delay as the schema writes one; what is none stays as it stands.
func delayOf(tag schema.Value) schema.Value {
	if d, err := time.ParseDuration(tag.Str()); err == nil {
		return schema.JSON(schema.CanonicalDuration(d))
	}
	return tag
}

// saidOfNodes is the path of a group's object that holds a field of what it says of its
// nodes, and the value there; a taint of a managed node group stands at several.
func saidOfNodes(field string, want schema.Value) (path string, value schema.Value) {
	s := schema.SplitPath(field)
	switch s[0] {
	case "label":
		return schema.JoinPath("tags", poolTag), want
	case "labels":
		return schema.JoinPath("tags", schema.LabelTag+s[1]), want
	case "taints":
		return schema.JoinPath("tags", schema.TaintTag+s[1]), want
	}
	if d, err := schema.ParseDuration(want.Str()); err == nil && want.Is == schema.Known {
		want = schema.JSON(shortDuration(d))
	}
	return schema.JoinPath("tags", scaleDownTag), want
}

// ofNodes says of a field of a group that it is about its nodes.
func ofNodes(field string) bool {
	return schema.Owned(field) == "labels"
}

// taintPath is where a managed node group holds a taint: one of each effect.
func taintPath(key, effect string) string { return schema.JoinPath("taints", key, effect) }

// cutTaint splits "value:Effect".
func cutTaint(text string) (value, effect string) {
	i := strings.LastIndex(text, ":")
	return text[:max(i, 0)], text[i+1:]
}

// effectName is an effect as EKS writes it: "NO_SCHEDULE".
// https://docs.aws.amazon.com/eks/latest/APIReference/API_Taint.html
func effectName(effect string) string {
	return map[string]string{"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}[effect]
}

// labelTerraform is what Terraform's owner of a group would state, of aws_autoscaling_group
// or aws_eks_node_group.
func labelTerraform(g schema.Group, field string, d planner.Diff) string {
	is := " (is " + or(d.Before.Str()) + ")"
	s := schema.SplitPath(field)
	switch {
	case g.NodeGroup == "":
		path, v := saidOfNodes(field, d.After)
		key := schema.SplitPath(path)[1]
		if v.Is == schema.Absent {
			return fmt.Sprintf("no tag %s%s", schema.JSON(key).Text, is)
		}
		return fmt.Sprintf("tag {key = %s, value = %s}%s", schema.JSON(key).Text, v.Text, is)
	case d.After.Is == schema.Absent:
		return fmt.Sprintf("no %s %s%s", strings.TrimSuffix(s[0], "s"), schema.JSON(s[1]).Text, is)
	case s[0] == "taints":
		value, effect := cutTaint(d.After.Str())
		return fmt.Sprintf("taint {key = %s, value = %s, effect = %s}%s", schema.JSON(s[1]).Text, schema.JSON(value).Text, schema.JSON(effectName(effect)).Text, is)
	case s[0] == "label":
		s = []string{"labels", schema.PoolLabel}
	}
	return fmt.Sprintf("labels = {%s = %s}%s", schema.JSON(s[1]).Text, d.After.Text, is)
}

// ofNodePool compares what a NodePool of Karpenter says of its nodes with the files. It is
// not written: a node whose NodePool says something else drifts.
func (l *look) ofNodePool(a schema.Address, g schema.Group, raw planner.Raw) {
	o, says := l.desired.Objects[a], saysOfNodes(g, raw)
	want := map[string]string{}
	for p, v := range o.Fields {
		if what := schema.SplitPath(p)[0]; v.Is == schema.Known && (what == "labels" || what == "taints") {
			want[p], want["label"] = v.Str(), o.Fields["label"].Str()
		}
	}
	var wrong []string
	for _, p := range schema.Sorted(want) {
		if is := says[p]; is.Str() != want[p] || is.Is != schema.Known {
			at := append(schema.SplitPath(p), schema.PoolLabel)
			wrong = append(wrong, fmt.Sprintf("%s is %s, the files say %s", at[1], or(is.Str()), or(want[p])))
		}
	}
	if d, err := schema.ParseDuration(o.Fields["scaleDownDelay"].Str()); err == nil {
		is := raw["consolidateAfter"].Str()
		if after, err := time.ParseDuration(is); err != nil || after != d {
			wrong = append(wrong, fmt.Sprintf("consolidateAfter is %s, the files say %s", or(is), shortDuration(d)))
		}
	}
	if len(wrong) > 0 {
		l.view.Findings = append(l.view.Findings, schema.Finding{Code: "DC877", Severity: schema.Warning, Address: a, Positions: o.Positions(""),
			Message: groupText(g) + " says otherwise of its nodes: " + strings.Join(wrong, "; "),
			Hint:    "correct the NodePool where it is made, once its nodes may be replaced, or the files; domctl explain DC877"})
	}
}
