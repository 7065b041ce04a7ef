package world

import (
	"fmt"
	"strings"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// The tags by which the cluster autoscaler knows nodes that are not there yet; what
// follows is a key.
// https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md#auto-discovery-setup
const (
	labelTag = autoscalerTag + "label/"
	taintTag = autoscalerTag + "taint/"
)

// labels compares what a group says of its nodes with the labels, taints and scale-down
// delay that the files state; without any, nothing is.
func (l *look) labels(a schema.Address, g schema.Group, raw planner.Raw) {
	o := l.desired.Objects[a]
	labels, taints := mapped(o, "labels"), mapped(o, "taints")
	delay := o.Fields["scaleDownDelay"].Str()
	if len(labels)+len(taints) == 0 && delay == "" {
		return
	}
	want := map[string]string{}
	if len(labels)+len(taints) > 0 {
		labels[poolLabel] = o.Fields["label"].Str()
	}
	var wrong []string
	if g.NodeGroup != "" || g.Karpenter != "" {
		if g.Karpenter != "" {
			for key, value := range taints {
				want[schema.JoinPath("taints", key)] = value
			}
		}
		for key, value := range labels {
			want[schema.JoinPath("labels", key)] = value
		}
		wrong = differing(want, raw, "labels", "")
		if is := raw["consolidateAfter"].Str(); g.Karpenter != "" && delay != "" {
			want, _ := schema.ParseDuration(delay)
			if d, err := time.ParseDuration(is); err != nil || d != want {
				wrong = append(wrong, fmt.Sprintf("consolidateAfter is %s, the files say %s", or(is), shortDuration(want)))
			}
		}
	} else {
		for key, value := range labels {
			want[schema.JoinPath("tags", labelTag+key)] = value
		}
		for key, value := range taints {
			want[schema.JoinPath("tags", taintTag+key)] = value
		}
		wrong = differing(want, raw, "tags", taintTag)
		if d, err := schema.ParseDuration(delay); err == nil {
			at := raw[schema.JoinPath("tags", scaleDownTag)].Str()
			if is, err := time.ParseDuration(at); err != nil || is != d {
				wrong = append(wrong, fmt.Sprintf("%s is %s, the files say %s", scaleDownTag, or(at), shortDuration(d)))
			}
		}
	}
	if len(wrong) > 0 {
		l.view.Findings = append(l.view.Findings, schema.Finding{Code: "DC807", Severity: schema.Warning, Address: a, Positions: o.Positions(""),
			Message: groupText(g) + " says otherwise of its nodes: " + strings.Join(wrong, "; "),
			Hint:    "set the group's tags or labels where it is made, or correct the files; domctl explain DC807"})
	}
}

// mapped are the keys and values of a map that an object states.
func mapped(o schema.Object, path string) map[string]string {
	out := map[string]string{}
	for p, v := range o.Fields {
		if s := schema.SplitPath(p); len(s) == 2 && s[0] == path && v.Is == schema.Known {
			out[s[1]] = v.Str()
		}
	}
	return out
}

// differing says which paths of a group are not as wanted, and which of those that begin
// so nobody wants; more "" leaves the latter out.
func differing(want map[string]string, raw planner.Raw, what, more string) (wrong []string) {
	for _, p := range schema.Sorted(want) {
		if is := raw[p]; is.Str() != want[p] || is.Is != schema.Known {
			wrong = append(wrong, fmt.Sprintf("%s is %s, the files say %s", schema.SplitPath(p)[1], or(is.Str()), or(want[p])))
		}
	}
	for _, p := range schema.Sorted(raw) {
		s := schema.SplitPath(p)
		if _, is := want[p]; !is && more != "" && len(s) == 2 && s[0] == what && strings.HasPrefix(s[1], more) {
			wrong = append(wrong, fmt.Sprintf("%s is %s, the files do not state it", s[1], or(raw[p].Str())))
		}
	}
	return wrong
}
