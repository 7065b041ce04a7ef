package worldtest

import (
	"errors"
	"slices"
	"testing"

	"domctl.dev/internal/port"
)

const updateVersion = "EKS API Reference, UpdateNodegroupVersion"

func groupVersionCases() []Case {
	return []Case{
		{Name: "NodegroupVersions/Update", Source: updateVersion, run: versionUpdated},
		{Name: "NodegroupVersions/Token", Source: updateVersion + ", clientRequestToken", run: versionUpdateToken},
		{Name: "NodegroupVersions/Refused", Source: updateVersion + ", InvalidParameterException", run: versionRefused},
		{Name: "NodegroupVersions/DescribeUpdate", Source: "EKS API Reference, DescribeUpdate, ResourceNotFoundException", run: updateUnknown},
	}
}

// putVersioned makes a node group on version 1 of a template that has two.
func putVersioned(t *testing.T, w World) {
	template := putTemplate(t, w)
	w.Put.NodeGroup(t, port.NodeGroup{Cluster: "acme", Name: "compute-a", AMIType: "CUSTOM", Min: 1, Max: 4, Desired: 2, Template: template, Version: 1})
}

// nodes of the node group's own groups.
func nodes(t *testing.T, w World) (out []port.GroupInstance) {
	t.Helper()
	for _, group := range nodeGroup(t, w).Groups {
		out = append(out, serving(t, w, group, 2)...)
	}
	return out
}

// updateEnded waits for an update.
func updateEnded(t *testing.T, w World, id string) port.NodegroupUpdate {
	t.Helper()
	for range 20 {
		if u := value(w.EKS.DescribeUpdate(background(), "acme", "compute-a", id))(t); u.Status != "InProgress" {
			return u
		}
		w.Settle(t)
	}
	t.Fatal("the update does not end")
	return port.NodegroupUpdate{}
}

func versionUpdated(t *testing.T, w World) {
	putVersioned(t, w)
	before := idsOf(nodes(t, w))
	id := value(w.EKS.UpdateNodegroupVersion(background(), "acme", "compute-a", "t1", 2, false))(t)
	if g := nodeGroup(t, w); g.Version != 1 || g.Status != "UPDATING" {
		t.Errorf("node group is %+v before its update ended", g)
	}
	if u := updateEnded(t, w, id); u.ID != id || u.Status != "Successful" || len(u.Errors) != 0 || u.Created.IsZero() {
		t.Errorf("update is %+v", u)
	}
	if g := nodeGroup(t, w); g.Status != "ACTIVE" || g.Version != 2 {
		t.Errorf("node group is %+v after its update", g)
	}
	after := idsOf(nodes(t, w))
	if len(before) != 2 || len(after) != 2 || slices.ContainsFunc(after, func(id string) bool { return slices.Contains(before, id) }) {
		t.Errorf("nodes are %v, were %v", after, before)
	}
}

func versionUpdateToken(t *testing.T, w World) {
	putVersioned(t, w)
	nodes(t, w)
	id := value(w.EKS.UpdateNodegroupVersion(background(), "acme", "compute-a", "t1", 2, false))(t)
	if _, err := w.EKS.UpdateNodegroupVersion(background(), "acme", "compute-a", "t2", 1, false); !errors.Is(err, port.ErrInUse) {
		t.Errorf("an update during another: %v, want ErrInUse", err)
	}
	if again := value(w.EKS.UpdateNodegroupVersion(background(), "acme", "compute-a", "t1", 2, false))(t); again != id {
		t.Errorf("the repeated call answers %s, not %s", again, id)
	}
	updateEnded(t, w, id)
}

func versionRefused(t *testing.T, w World) {
	putVersioned(t, w)
	nodes(t, w)
	if _, err := w.EKS.UpdateNodegroupVersion(background(), "acme", "none", "t1", 2, false); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("no node group: %v, want ErrNotFound", err)
	}
	if _, err := w.EKS.UpdateNodegroupVersion(background(), "acme", "compute-a", "t2", 9, false); err == nil {
		t.Error("a version that is not there was taken")
	}
	if g := nodeGroup(t, w); g.Status != "ACTIVE" || g.Version != 1 {
		t.Errorf("refused calls changed the node group to %+v", g)
	}
}

func updateUnknown(t *testing.T, w World) {
	putVersioned(t, w)
	if u, err := w.EKS.DescribeUpdate(background(), "acme", "compute-a", "5e6f0a8c-0000-4000-a000-000000000000"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("update is %+v, %v; want ErrNotFound", u, err)
	}
}
