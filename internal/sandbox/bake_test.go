package sandbox

import (
	"errors"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

func states(t *testing.T, in port.Images, id string) (state, reason string) {
	t.Helper()
	found, err := in.DescribeImages(t.Context(), port.ImageQuery{IDs: []string{id}})
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	return found[0].State, found[0].Reason
}

// TestAnImageFails when a fault asks for it, and only in the region it names.
func TestAnImageFails(t *testing.T) {
	w, now, m := machineWorld(t)
	w.opts.Faults = []Fault{{Fault: "fails", Call: "CreateImage", Times: 1}, {Fault: "fails", Call: "CopyImage", Region: "eu-west-1"}}
	bad, err := w.CreateImage(t.Context(), port.NewImage{Instance: m.ID, Name: "baked"})
	if err != nil {
		t.Fatal(err)
	}
	if state, _ := states(t, w, bad); state != "pending" {
		t.Errorf("at first it is %s", state)
	}
	*now = now.Add(time.Hour)
	if state, reason := states(t, w, bad); state != "failed" || reason == "" {
		t.Errorf("it is %s, %q", state, reason)
	}
	if _, err := w.CreateImage(t.Context(), port.NewImage{Instance: m.ID, Name: "baked"}); !errors.Is(err, port.ErrDuplicate) {
		t.Errorf("a failed image's name: %v", err)
	}
	if _, err := w.RunInstance(t.Context(), port.NewInstance{Image: bad, Type: "m5.xlarge"}); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("an instance of it: %v", err)
	}
	good, err := w.CreateImage(t.Context(), port.NewImage{Instance: m.ID, Name: "baked-2"})
	if err != nil {
		t.Fatal(err)
	}
	*now = now.Add(time.Hour)
	for region, want := range map[string]string{"eu-west-1": "failed", "eu-central-1": "available"} {
		id, err := w.In(region).CopyImage(t.Context(), port.ImageCopy{Source: good, SourceRegion: "us-west-2", Name: "baked-2"})
		if err != nil {
			t.Fatal(err)
		}
		*now = now.Add(time.Hour)
		if state, _ := states(t, w.In(region), id); state != want {
			t.Errorf("the copy in %s is %s, want %s", region, state, want)
		}
	}
}

func TestAnInstanceFails(t *testing.T) {
	w, now, _ := machineWorld(t)
	w.opts.Faults = []Fault{{Fault: "fails", Call: "RunInstance"}}
	id, err := w.RunInstance(t.Context(), port.NewInstance{Token: "t2", Image: "ami-1", Type: "m5.xlarge"})
	if err != nil {
		t.Fatal(err)
	}
	*now = now.Add(time.Hour)
	found, err := w.DescribeInstances(t.Context(), port.Select{IDs: []string{id}})
	if err != nil || len(found) != 1 || found[0].State != "terminated" || found[0].Reason == "" {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestATerminatedInstanceIsForgotten after an hour, its token is not.
func TestATerminatedInstanceIsForgotten(t *testing.T) {
	w, now, m := machineWorld(t)
	if err := w.TerminateInstance(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(2 * time.Hour)
	if found, err := w.DescribeInstances(t.Context(), port.Select{}); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	if err := w.TerminateInstance(t.Context(), m.ID); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := w.RunInstance(t.Context(), port.NewInstance{Token: "t1", Image: "ami-1", Type: "m5.xlarge"}); !errors.Is(err, port.ErrTerminated) {
		t.Errorf("%v", err)
	}
}

// TestOfAnothersImage only launching and copying is allowed, and it is found by
// id when it is deprecated.
func TestOfAnothersImage(t *testing.T) {
	m, err := NewMemory("memory", []byte(`{"aws": {"account": "111122223333", "region": "us-west-2", "images": {
		"ami-1": {"architecture": "x86_64", "name": "theirs", "owner": "999988887777", "deprecated": "2026-01-01T00:00:00Z"},
		"ami-2": {"architecture": "x86_64", "name": "ours", "state": "disabled", "launch": ["all", "222233334444"]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	w := view(t, m, Options{Clock: func() time.Time { return time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC) }})
	for name, err := range map[string]error{
		"sharing":     w.ModifyLaunchPermission(t.Context(), "ami-1", []string{"222233334444"}, nil),
		"deprecating": w.DisableImageDeprecation(t.Context(), "ami-1"),
		"deregister":  func() error { _, err := w.DeregisterImage(t.Context(), "ami-1"); return err }(),
	} {
		if !errors.Is(err, port.ErrDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []struct {
		q    port.ImageQuery
		want int
	}{{port.ImageQuery{}, 0}, {port.ImageQuery{Disabled: true}, 1}, {port.ImageQuery{IDs: []string{"ami-1", "ami-2"}}, 2}} {
		if found, err := w.DescribeImages(t.Context(), c.q); err != nil || len(found) != c.want {
			t.Errorf("%+v finds %+v, %v", c.q, found, err)
		}
	}
	if p, err := w.DescribeLaunchPermission(t.Context(), "ami-2"); err != nil || !p.Public || len(p.Accounts) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestHooksSeeEveryRegion: a kill test reaches what is done in another region.
func TestHooksSeeEveryRegion(t *testing.T) {
	w, _, m := machineWorld(t)
	image, err := w.CreateImage(t.Context(), port.NewImage{Instance: m.ID, Name: "baked"})
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	killed := errors.New("killed")
	w.opts.Hook = func(call string, phase Phase) error {
		seen = append(seen, call+" "+string(phase))
		if phase == After {
			return killed
		}
		return nil
	}
	there := w.In("eu-west-1")
	if err := there.CreateTags(t.Context(), []string{image}, nil); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("tagging there what is here: %v", err)
	}
	if _, err := there.DescribeImages(t.Context(), port.ImageQuery{}); !errors.Is(err, killed) {
		t.Errorf("%v", err)
	}
	if n := w.Counts().Calls["DescribeImages"]; n != 1 || len(seen) != 3 {
		t.Errorf("%d counted, seen %v", n, seen)
	}
}

func TestAnImageOfAnotherArchitecture(t *testing.T) {
	w, _, _ := machineWorld(t)
	err := w.backing.update(t.Context(), func(s *state) (*state, error) {
		n := *s
		n.aws.InstanceTypes = map[string]instanceType{"m7g.large": {Architectures: []string{"arm64"}}}
		return &n, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if id, err := w.RunInstance(t.Context(), port.NewInstance{Image: "ami-1", Type: "m7g.large"}); err == nil {
		t.Errorf("%s is launched", id)
	}
}
