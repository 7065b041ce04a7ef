package world

import (
	"fmt"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// updateTagsCommand compares each tag with what the plan saw first.
func updateTagsCommand(m applier.Manual) (text string) {
	group := m.Step.Object.ID()
	for _, e := range m.Step.Expects {
		s := schema.SplitPath(e.Path)
		if e.Ref != m.Step.Object || s[0] != "tags" {
			continue
		}
		want := "None" // as the CLI writes what is not there
		if e.Value.Is != schema.Absent {
			want = e.Value.Str()
		}
		text += fmt.Sprintf("is \"$(aws autoscaling describe-tags --filters %s %s --query 'Tags[0].Value' --output text)\" %s %s\n",
			sh("Name=auto-scaling-group,Values="+group), sh("Name=key,Values="+s[1]), sh(want), sh("tag "+s[1]+" of "+group))
	}
	tags, gone := tagsOf(m.Step)
	all := []map[string]any{}
	add := func(key string) map[string]any {
		t := map[string]any{"ResourceId": group, "ResourceType": "auto-scaling-group", "Key": key}
		all = append(all, t)
		return t
	}
	for _, key := range gone {
		add(key)
	}
	if len(gone) > 0 {
		return text + "aws autoscaling delete-tags --tags " + sh(schema.JSON(all).Text)
	}
	for _, tag := range tags {
		t := add(tag.Key)
		t["Value"], t["PropagateAtLaunch"] = tag.Value, tag.Propagates
	}
	return text + "aws autoscaling create-or-update-tags --tags " + sh(schema.JSON(all).Text)
}

func configCommand(m applier.Manual) string {
	cluster, name := cutID(m.Step.Object.ID())
	at := "--cluster-name " + sh(cluster) + " --nodegroup-name " + sh(name)
	text := "aws eks update-nodegroup-config " + at + " --client-request-token " + sh(m.Token)
	if sizes := scaling(m.Step); sizes != "" {
		text += " --scaling-config " + sh(sizes)
	}
	c := configOf(m.Step, m.Pre)
	if labels := payload("Labels", len(c.Labels) > 0, c.Labels, len(c.NoLabels) > 0, c.NoLabels); labels != "" {
		text += " --labels " + sh(labels)
	}
	if taints := payload("Taints", len(c.Taints) > 0, taintsJSON(c.Taints), len(c.NoTaints) > 0, taintsJSON(c.NoTaints)); taints != "" {
		text += " --taints " + sh(taints)
	}
	return text + "\naws eks wait nodegroup-active " + at
}

// payload is what EKS adds and takes away; "" for neither.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateLabelsPayload.html
func payload(what string, adds bool, added any, removes bool, removed any) string {
	all := map[string]any{}
	if adds {
		all["addOrUpdate"+what] = added
	}
	if removes {
		all["remove"+what] = removed
	}
	if len(all) == 0 {
		return ""
	}
	return schema.JSON(all).Text
}

func taintsJSON(taints []port.Taint) (out []map[string]string) {
	for _, t := range taints {
		out = append(out, map[string]string{"key": t.Key, "value": t.Value, "effect": effectName(t.Effect)})
	}
	return out
}
