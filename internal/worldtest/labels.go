package worldtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"domctl.dev/internal/port"
)

const teamTag = "k8s.io/cluster-autoscaler/node-template/label/team"

// labelNodeGroup: labels and taints alone change; a taint is that of its key and effect.
func labelNodeGroup(t *testing.T, w World) {
	w.Put.NodeGroup(t, port.NodeGroup{Cluster: "acme", Name: "compute-a", AMIType: "AL2023_x86_64_STANDARD", Min: 1, Max: 4, Desired: 2, InstanceTypes: []string{"m6i.2xlarge"},
		Labels: map[string]string{"team": "a", "old": "x", "example.com/kept": "y"},
		Taints: []port.Taint{{Key: "gpu", Value: "true", Effect: "NoSchedule"}, {Key: "gpu", Value: "true", Effect: "NoExecute"}, {Key: "spot", Effect: "PreferNoSchedule"}}})
	c := port.NodegroupConfig{Labels: map[string]string{"team": "b", "new": ""}, NoLabels: []string{"old"},
		Taints: []port.Taint{{Key: "gpu", Value: "yes", Effect: "NoSchedule"}, {Key: "new", Value: "1", Effect: "PreferNoSchedule"}}, NoTaints: []port.Taint{{Key: "gpu", Value: "true", Effect: "NoExecute"}}}
	must(t, w.EKS.UpdateNodegroupConfig(background(), "acme", "compute-a", "t1", c))
	g := settledGroup(t, w)
	if want := map[string]string{"team": "b", "new": "", "example.com/kept": "y"}; !maps.Equal(g.Labels, want) {
		t.Errorf("labels are %v, want %v", g.Labels, want)
	}
	slices.SortFunc(g.Taints, func(a, b port.Taint) int { return slices.Compare([]string{a.Key, a.Effect}, []string{b.Key, b.Effect}) })
	if want := "[{gpu yes NoSchedule} {new 1 PreferNoSchedule} {spot  PreferNoSchedule}]"; fmt.Sprint(g.Taints) != want {
		t.Errorf("taints are %v, want %s", g.Taints, want)
	}
	if g.Status != "ACTIVE" || g.Min != 1 || g.Max != 4 || g.Desired != 2 {
		t.Errorf("node group is %+v", g)
	}
}

// groupTagged: other tags stay, and instances that run keep theirs.
func groupTagged(t *testing.T, w World) {
	putGroup(t, w, nil)
	serving(t, w, "acme-gpu-a", 2)
	must(t, w.AutoScaling.TagGroup(background(), "acme-gpu-a", []port.GroupTag{{Key: teamTag, Value: "a"}, {Key: "cost", Value: "1", Propagates: true}}))
	must(t, w.AutoScaling.TagGroup(background(), "acme-gpu-a", []port.GroupTag{{Key: teamTag, Value: "b"}}))
	g := oneGroup(t, w)
	if want := map[string]string{"k8s.io/cluster-autoscaler/enabled": "true", teamTag: "b", "cost": "1"}; !maps.Equal(g.Tags, want) {
		t.Errorf("tags are %v, want %v", g.Tags, want)
	}
	if fmt.Sprint(g.Propagated) != "[cost k8s.io/cluster-autoscaler/enabled]" || g.Min != 1 || g.Desired != 2 {
		t.Errorf("group is %+v", g)
	}
	must(t, resize(w, -1, -1, 3))
	var with int
	for _, i := range serving(t, w, "acme-gpu-a", 3) {
		tags := value(w.EC2.DescribeInstances(background(), port.Select{IDs: []string{i.ID}}))(t)[0].Tags
		if tags["cost"] == "1" {
			with++
		}
		if tags[teamTag] != "" {
			t.Errorf("instance %s has %v", i.ID, tags)
		}
	}
	if with != 1 {
		t.Errorf("%d instances have the tag that propagates, want the new one", with)
	}
	if err := w.AutoScaling.TagGroup(background(), "none", []port.GroupTag{{Key: "a", Value: "b"}}); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("a group that is not there: %v, want ErrNotFound", err)
	}
}

func groupUntagged(t *testing.T, w World) {
	putGroup(t, w, nil)
	must(t, w.AutoScaling.TagGroup(background(), "acme-gpu-a", []port.GroupTag{{Key: teamTag, Value: "a"}}))
	for range 2 { // a key that is gone is no error
		must(t, w.AutoScaling.UntagGroup(background(), "acme-gpu-a", []string{teamTag}))
		if g := oneGroup(t, w); fmt.Sprint(g.Tags) != "map[k8s.io/cluster-autoscaler/enabled:true]" {
			t.Errorf("tags are %v", g.Tags)
		}
	}
	if err := w.AutoScaling.UntagGroup(background(), "none", []string{"a"}); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("a group that is not there: %v, want ErrNotFound", err)
	}
}
