package world_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

// withTags is the file with tags of the group lt, and with labels and taints of the managed
// node group.
func withTags(tags, managed string) string {
	return poolImages + strings.NewReplacer(`"lt": {`, `"lt": {"tags": {`+tags+`}, `, `"managed": {`, `"managed": {`+managed+` "labels": {"team": "b", "kept": "x", "dominodatalab.com/node-pool": "gpu"}, `).Replace(poolAWS)
}

const (
	autoscaler = "k8s.io/cluster-autoscaler/node-template/"
	teamLabel  = autoscaler + "label/team"
	poolsLabel = autoscaler + "label/dominodatalab.com/node-pool"
	rightTags  = `"` + teamLabel + `": "a", "` + poolsLabel + `": "gpu", "` + autoscaler + `taint/gpu": "true:NoSchedule", "` + autoscaler + `autoscaling-options/scaledownunneededtime": "20m0s", "other": "1"`
)

func saying(fields map[string]any) map[string]any {
	out := map[string]any{"labels.team": "a", "taints.gpu": "true:NoSchedule", "scaleDownDelay": "20m0s"}
	maps.Copy(out, fields)
	return out
}

// TestWhatGroupsAreToSayOfTheirNodes: what is written, that the second plan is empty, and
// that the way back ends where it began, tags of others and all.
func TestWhatGroupsAreToSayOfTheirNodes(t *testing.T) {
	lt, managed := asg("lt"), []schema.Group{{NodeGroup: "managed"}}
	const op, config = "autoscaling.UpdateTags asg/group#lt ", "eks.UpdateNodegroupConfig eks/nodegroup#acme/managed "
	tag := func(key string) string { return `tags."` + autoscaler + key + `"=` }
	for name, c := range map[string]struct {
		tags, managed string
		groups        []schema.Group
		fields        map[string]any
		steps         []string
		findings      []string
	}{
		"as they are":        {rightTags, "", lt, saying(nil), nil, nil},
		"none is stated":     {`"other": "1"`, "", lt, map[string]any{}, nil, nil},
		"new ones":           {`"other": "1"`, "", lt, saying(nil), []string{op + tag("autoscaling-options/scaledownunneededtime") + `"20m" ` + tag("label/dominodatalab.com/node-pool") + `"gpu" ` + tag("label/team") + `"a" ` + tag("taint/gpu") + `"true:NoSchedule"`}, nil},
		"another value":      {strings.Replace(rightTags, `"a"`, `"b"`, 1), "", lt, saying(nil), []string{op + tag("label/team") + `"a"`}, nil},
		"another delay":      {strings.Replace(rightTags, `20m0s`, `1h`, 1), "", lt, saying(nil), []string{op + tag("autoscaling-options/scaledownunneededtime") + `"20m"`}, nil},
		"a delay that is no": {strings.Replace(rightTags, `20m0s`, `soon`, 1), "", lt, saying(nil), []string{op + tag("autoscaling-options/scaledownunneededtime") + `"20m"`}, nil},
		"a delay unset":      {rightTags, "", lt, saying(map[string]any{"scaleDownDelay": nil}), []string{op + tag("autoscaling-options/scaledownunneededtime") + "absent"}, nil},
		"days":               {"", "", lt, map[string]any{"scaleDownDelay": "1d"}, []string{op + tag("autoscaling-options/scaledownunneededtime") + `"24h"`}, nil},
		"new and another":    {`"` + teamLabel + `": "b"`, "", lt, map[string]any{"labels.team": "a"}, []string{op + tag("label/dominodatalab.com/node-pool") + `"gpu"`, op + tag("label/team") + `"a"`}, nil},
		"kept from instances": {strings.Replace(rightTags, `"a"`, `"b"`, 1) + `}, "tagsKept": ["` + teamLabel + `"], "x": {`, "", lt, saying(nil),
			[]string{op + tag("label/team") + `"a"`}, nil},
		"a taint more":     {rightTags + `, "` + autoscaler + `taint/x": "y:NoExecute"`, "", lt, saying(nil), nil, []string{"DC807 nodePools.gpu"}},
		"with sizes":       {rightTags, "", lt, saying(map[string]any{"labels.team": "c", "size.max": 9}), []string{"autoscaling.UpdateAutoScalingGroup asg/group#lt max=9", op + tag("label/team") + `"c"`}, nil},
		"of Terraform":     {rightTags, "", lt, saying(map[string]any{"labels.team": "c", "owner.labels": "terraform"}), nil, []string{"DC239 nodePools.gpu"}},
		"observed":         {rightTags, "", lt, saying(map[string]any{"labels.team": "c", "owner.labels": "observe"}), nil, []string{"DC239 nodePools.gpu"}},
		"managed":          {"", "", managed, map[string]any{"labels.team": "a", "taints.gpu": "true:NoSchedule", "scaleDownDelay": "20m0s"}, []string{config + `labels.team="a" taints.gpu.NoSchedule="true"`}, nil},
		"managed, sizes":   {"", "", managed, map[string]any{"labels.team": "a", "size.max": 9}, []string{config + `labels.team="a" max=9`}, nil},
		"managed, effect":  {"", `"taints": [{"key": "gpu", "value": "yes", "effect": "PreferNoSchedule"}, {"key": "spot", "value": "1", "effect": "NoSchedule"}],`, managed, map[string]any{"taints.gpu": "true:NoSchedule", "taints.spot": "2:NoSchedule"}, []string{config + `taints.gpu.NoSchedule="true" taints.gpu.PreferNoSchedule=absent taints.spot.NoSchedule="2"`}, nil},
		"managed, evicted": {"", `"taints": [{"key": "gpu", "value": "true", "effect": "NoExecute"}],`, managed, map[string]any{"taints.gpu": "true:NoSchedule"}, nil, []string{"DC809 nodePools.gpu"}},
		"managed, as is":   {"", `"taints": [{"key": "gpu", "value": "true", "effect": "NoExecute"}],`, managed, map[string]any{"taints.gpu": "true:NoExecute", "labels.team": "b"}, nil, nil},
		"managed, evicts":  {"", "", managed, map[string]any{"taints.gpu": "true:NoExecute", "labels.team": "c"}, []string{config + `labels.team="c"`}, []string{"DC809 nodePools.gpu"}},
		"managed, more":    {"", `"taints": [{"key": "x", "effect": "NoSchedule"}],`, managed, map[string]any{"labels.team": "b"}, nil, []string{"DC807 nodePools.gpu"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "", strings.ReplaceAll(withTags(c.tags, c.managed), `, "x": {}`, ""))
			files := object("nodePools", "gpu", all2(c.fields, map[string]any{"groups": c.groups}))
			p := b.plan(files)
			slices.Sort(c.steps)
			if got, want := steps(p), strings.Join(c.steps, "\n"); got != want {
				t.Errorf("steps\n%s\nwant\n%s", got, want)
			}
			if got := findings(p); !slices.Equal(got, c.findings) {
				t.Errorf("findings %v, want %v", p.Findings, c.findings)
			}
			if len(c.steps) > 0 && len(c.findings) == 0 {
				b.settled(files)
			}
		})
	}
}

// all2 is both maps in one.
func all2(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// TestLabelsThatAreNoLongerStated go where domctl put them; the pool's own label stays, and
// so does the delay, which is let go of.
func TestLabelsThatAreNoLongerStated(t *testing.T) {
	for name, c := range map[string]struct {
		groups []schema.Group
		want   string
	}{
		"tags":    {asg("lt"), "autoscaling.UpdateTags asg/group#lt tags.\"" + teamLabel + "\"=absent tags.\"" + autoscaler + "taint/gpu\"=absent"},
		"managed": {[]schema.Group{{NodeGroup: "managed"}}, "eks.UpdateNodegroupConfig eks/nodegroup#acme/managed labels.team=absent taints.gpu.NoSchedule=absent"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "", withTags("", ""))
			b.apply(object("nodePools", "gpu", saying(map[string]any{"groups": c.groups})))
			p := b.settled(object("nodePools", "gpu", map[string]any{"groups": c.groups}))
			if got := steps(p); got != c.want {
				t.Errorf("steps\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// TestTagsKeepWhetherInstancesGetThem, forth and back.
func TestTagsKeepWhetherInstancesGetThem(t *testing.T) {
	b := newBench(t, "", strings.Replace(withTags(`"`+teamLabel+`": "b", "`+autoscaler+`label/x": "1", "other": "1"`, ""), `"lt": {`, `"lt": {"tagsKept": ["`+teamLabel+`"], `, 1))
	files := func(team string) map[schema.Address]schema.Object {
		return object("nodePools", "gpu", map[string]any{"groups": asg("lt"), "labels.team": team, "labels.x": "2"})
	}
	shows := func(want string) {
		t.Helper()
		found, err := b.world.DescribeAutoScalingGroups(t.Context(), []string{"lt"})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(found[0].Propagated, " "); got != want {
			t.Errorf("instances get %s, want %s", got, want)
		}
	}
	shows(autoscaler + "label/x other")
	b.apply(files("a"))
	shows(autoscaler + "label/x other")
	b.apply(object("nodePools", "gpu", map[string]any{"groups": asg("lt")}))
	shows("other")
	b.rollback()
	shows(autoscaler + "label/x other")
}

// TestDriftOfLabels: what somebody changed outside is told, and put back.
func TestDriftOfLabels(t *testing.T) {
	b := newBench(t, "", withTags("", ""))
	files := object("nodePools", "gpu", saying(map[string]any{"groups": asg("lt")}))
	b.apply(files)
	b.change(`"`+teamLabel+`": "a"`, `"`+teamLabel+`": "z"`)
	p := b.plan(files)
	if len(p.Drift) != 1 || p.Drift[0].Fields[0].Path != "groups.lt.labels.team" || p.Drift[0].Fields[0].After.Str() != "z" {
		t.Errorf("drift is %+v", p.Drift)
	}
	if got := steps(p); got != "autoscaling.UpdateTags asg/group#lt tags.\""+teamLabel+`"="a"` {
		t.Errorf("steps\n%s", got)
	}
}

// TestAnUpdateOfANodeGroupIsWaitedFor: the apply ends when EKS takes the next one.
func TestAnUpdateOfANodeGroupIsWaitedFor(t *testing.T) {
	b := newBench(t, "", withTags("", ""))
	b.open(sandbox.Options{Settle: time.Minute})
	b.apply(object("nodePools", "gpu", map[string]any{"groups": []schema.Group{{NodeGroup: "managed"}}, "labels.team": "a"}))
	g, err := b.world.DescribeNodegroup(t.Context(), "acme", "managed")
	if err != nil || g.Status != "ACTIVE" || g.Labels["team"] != "a" {
		t.Errorf("%+v, %v", g, err)
	}
}
