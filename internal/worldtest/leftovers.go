package worldtest

import (
	"errors"
	"maps"
	"testing"

	"domctl.dev/internal/port"
)

func leftoverCases() []Case {
	return []Case{
		{Name: "Volumes/InUse", Source: "EC2 API Reference, DeleteVolume; Error codes, VolumeInUse", run: volumeInUse},
		{Name: "Volumes/LeftBehind", Source: "EC2 API Reference, DescribeVolumes, status; DeleteVolume", run: volumeLeft},
		{Name: "SecurityGroups/ByTag", Source: "EC2 API Reference, DescribeSecurityGroups", run: groupsByTag},
		{Name: "KeyPairs/ByTag", Source: "EC2 API Reference, DescribeKeyPairs", run: keysByTag},
	}
}

func ours() map[string]string { return map[string]string{"domctl:deployment": "acme-prod"} }

func byTag() port.Select {
	return port.Select{Filters: map[string][]string{"tag:domctl:deployment": {"acme-prod"}}}
}

func volumeInUse(t *testing.T, w World) {
	i := launch(t, w, map[string]string{"name": "x"})
	id := i.Attached[0].Volume
	found := value(w.EC2.DescribeVolumes(background(), port.Select{IDs: []string{id, "vol-00000000000000000"}}))(t)
	if len(found) != 1 || found[0].State != "in-use" || found[0].Instance != i.ID || found[0].GiB <= 0 || found[0].Created == "" {
		t.Errorf("volumes are %+v", found)
	}
	if err := w.EC2.DeleteVolume(background(), id); !errors.Is(err, port.ErrInUse) {
		t.Errorf("deleting an attached volume: %v, want ErrInUse", err)
	}
	if err := w.EC2.DeleteVolume(background(), "vol-00000000000000000"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("deleting what is missing: %v, want ErrNotFound", err)
	}
}

func volumeLeft(t *testing.T, w World) {
	id := w.Put.Volume(t, port.Volume{GiB: 8, Tags: ours()})
	w.Put.Volume(t, port.Volume{GiB: 8})
	q := byTag()
	q.Filters["status"] = []string{"available"}
	found := value(w.EC2.DescribeVolumes(background(), q))(t)
	if len(found) != 1 || found[0].ID != id || found[0].GiB != 8 || found[0].Instance != "" || !maps.Equal(found[0].Tags, ours()) {
		t.Errorf("volumes are %+v, want %s", found, id)
	}
	must(t, w.EC2.DeleteVolume(background(), id))
	if found := value(w.EC2.DescribeVolumes(background(), byTag()))(t); len(found) != 0 {
		t.Errorf("deleted, and found: %+v", found)
	}
}

func groupsByTag(t *testing.T, w World) {
	id := w.Put.SecurityGroup(t, port.SecurityGroup{Name: "domctl-bake", Tags: ours()})
	w.Put.SecurityGroup(t, port.SecurityGroup{Name: "other"})
	found := value(w.EC2.DescribeSecurityGroups(background(), byTag()))(t)
	if len(found) != 1 || found[0].ID != id || found[0].Name != "domctl-bake" || !maps.Equal(found[0].Tags, ours()) {
		t.Errorf("groups are %+v, want %s", found, id)
	}
	if found := value(w.EC2.DescribeSecurityGroups(background(), port.Select{IDs: []string{id, "sg-00000000000000000"}}))(t); len(found) != 1 {
		t.Errorf("by id: %+v", found)
	}
}

func keysByTag(t *testing.T, w World) {
	id := w.Put.KeyPair(t, port.KeyPair{Name: "domctl-bake", Tags: ours()})
	w.Put.KeyPair(t, port.KeyPair{Name: "other"})
	found := value(w.EC2.DescribeKeyPairs(background(), byTag()))(t)
	if len(found) != 1 || found[0].ID != id || found[0].Name != "domctl-bake" || !maps.Equal(found[0].Tags, ours()) {
		t.Errorf("keys are %+v, want %s", found, id)
	}
}
