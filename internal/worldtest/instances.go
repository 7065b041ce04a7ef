package worldtest

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"domctl.dev/internal/port"
)

const (
	runInstances = "EC2 API Reference, RunInstances"
	lifecycle    = "EC2 User Guide, Amazon EC2 instance state changes"
)

func instanceCases() []Case {
	return []Case{
		{Name: "RunInstance/AsAsked", Source: runInstances, run: runAsAsked},
		{Name: "RunInstance/VolumesAreTagged", Source: runInstances + ", TagSpecification.N, volume", run: runTagsVolumes},
		{Name: "RunInstance/RootVolume", Source: runInstances + ", BlockDeviceMapping.N", run: runRoot},
		{Name: "RunInstance/Token", Source: "EC2 Developer Guide, Ensuring idempotency in Amazon EC2 API requests", run: runToken},
		{Name: "RunInstance/TokenMismatch", Source: "EC2 Developer Guide, Ensuring idempotency, IdempotentParameterMismatch", run: runMismatch},
		{Name: "RunInstance/TokenOfATerminated", Source: "EC2 API Reference, Error codes, IdempotentInstanceTerminated", run: runTerminated},
		{Name: "RunInstance/NoToken", Source: runInstances + ", ClientToken", run: runNoToken},
		{Name: "RunInstance/MissingImage", Source: "EC2 API Reference, Error codes, InvalidAMIID.NotFound", run: runMissing},
		{Name: "RunInstance/MissingGroupOrKey", Source: "EC2 API Reference, Error codes, InvalidGroup.NotFound and InvalidKeyPair.NotFound", run: runUnknown},
		{Name: "DescribeInstances/Filters", Source: "EC2 API Reference, DescribeInstances, Filter.N", run: instanceFilters},
		{Name: "Instances/Lifecycle", Source: lifecycle, run: instanceLife},
		{Name: "Instances/TransitionsAreSeen", Source: lifecycle, run: instanceTransitions},
		{Name: "Instances/WrongState", Source: "EC2 API Reference, Error codes, IncorrectInstanceState", run: instanceWrongState},
		{Name: "Instances/Missing", Source: "EC2 API Reference, Error codes, InvalidInstanceID.NotFound", run: instanceMissing},
		{Name: "TerminateInstance/Twice", Source: "EC2 API Reference, TerminateInstances, idempotent", run: terminateTwice},
		{Name: "GetConsoleOutput/HostKeys", Source: "EC2 User Guide, Get the instance fingerprint; cloud-init, SSH host keys", run: consoleKeys},
	}
}

// launch is an instance of a fresh image, settled.
func launch(t *testing.T, w World, tags map[string]string) port.Instance {
	t.Helper()
	image, _ := putImage(t, w, "acme-base-"+tags["name"])
	id := value(w.EC2.RunInstance(background(), port.NewInstance{Token: "launch-" + tags["name"], Image: image, Type: "m5.xlarge", Tags: tags}))(t)
	w.Settle(t)
	return theInstance(t, w, id)
}

func theInstance(t *testing.T, w World, id string) port.Instance {
	t.Helper()
	found := value(w.EC2.DescribeInstances(background(), port.Select{IDs: []string{id, "i-00000000000000000"}}))(t)
	if len(found) != 1 || found[0].ID != id {
		t.Fatalf("instances are %+v, want %s alone", found, id)
	}
	return found[0]
}

func runAsAsked(t *testing.T, w World) {
	tags := map[string]string{"domctl:deployment": "acme-prod", "name": "bake"}
	i := launch(t, w, tags)
	if i.State != "running" || i.Type != "m5.xlarge" || i.Token != "launch-bake" || i.PrivateIP == "" || i.Launched == "" || i.Architecture != "x86_64" || !maps.Equal(i.Tags, tags) {
		t.Errorf("instance is %+v", i)
	}
	if i.RootDevice != "/dev/sda1" || len(i.Attached) == 0 || i.Attached[0].Volume == "" {
		t.Errorf("volumes of %+v", i)
	}
	if found := value(w.EC2.DescribeInstances(background(), port.Select{IDs: []string{}}))(t); len(found) != 0 {
		t.Errorf("an empty list of ids finds %+v", found)
	}
}

func runTagsVolumes(t *testing.T, w World) {
	tags := map[string]string{"domctl:apply": "a1", "name": "x"}
	i := launch(t, w, tags)
	found := value(w.EC2.DescribeVolumes(background(), port.Select{Filters: map[string][]string{"tag:domctl:apply": {"a1"}}}))(t)
	if len(found) != 1 || found[0].Instance != i.ID || found[0].ID != i.Attached[0].Volume || !maps.Equal(found[0].Tags, tags) {
		t.Errorf("volumes are %+v, want the tagged one of %+v", found, i)
	}
}

func runRoot(t *testing.T, w World) {
	image, of := putImage(t, w, "acme-base")
	n := port.NewInstance{Token: "t1", Image: image, Type: "m5.xlarge", RootDevice: of.RootDevice, RootGiB: 80, RootType: "gp3"}
	i := theInstance(t, w, value(w.EC2.RunInstance(background(), n))(t))
	if len(i.Attached) != 1 || i.Attached[0].Device != of.RootDevice || !i.Attached[0].Deleted {
		t.Fatalf("volumes of %+v, want one that goes with it", i)
	}
	found := value(w.EC2.DescribeVolumes(background(), port.Select{IDs: []string{i.Attached[0].Volume}}))(t)
	if len(found) != 1 || found[0].GiB != 80 || found[0].Type != "gp3" {
		t.Errorf("volumes are %+v, want 80 GiB of gp3", found)
	}
}

func runToken(t *testing.T, w World) {
	image, _ := putImage(t, w, "acme-base")
	n := port.NewInstance{Token: "apply-1/step-1", Image: image, Type: "m5.xlarge", Tags: map[string]string{"a": "b"}}
	first := value(w.EC2.RunInstance(background(), n))(t)
	again := value(w.EC2.RunInstance(background(), n))(t)
	found := value(w.EC2.DescribeInstances(background(), port.Select{Filters: map[string][]string{"client-token": {n.Token}}}))(t)
	if first != again || len(found) != 1 || found[0].ID != first {
		t.Errorf("the repeated call answers %s after %s; the token finds %+v", again, first, found)
	}
}

func runMismatch(t *testing.T, w World) {
	image, _ := putImage(t, w, "acme-base")
	n := port.NewInstance{Token: "apply-1/step-1", Image: image, Type: "m5.xlarge"}
	value(w.EC2.RunInstance(background(), n))(t)
	n.Type = "m5.2xlarge"
	if _, err := w.EC2.RunInstance(background(), n); !errors.Is(err, port.ErrMismatch) {
		t.Errorf("the token with another type: %v, want ErrMismatch", err)
	}
}

func runTerminated(t *testing.T, w World) {
	image, _ := putImage(t, w, "acme-base")
	n := port.NewInstance{Token: "apply-1/step-1", Image: image, Type: "m5.xlarge"}
	id := value(w.EC2.RunInstance(background(), n))(t)
	must(t, w.EC2.TerminateInstance(background(), id))
	if _, err := w.EC2.RunInstance(background(), n); !errors.Is(err, port.ErrTerminated) {
		t.Errorf("the token of a terminated instance: %v, want ErrTerminated", err)
	}
}

func runNoToken(t *testing.T, w World) {
	image, _ := putImage(t, w, "acme-base")
	n := port.NewInstance{Image: image, Type: "m5.xlarge"}
	first := value(w.EC2.RunInstance(background(), n))(t)
	if again := value(w.EC2.RunInstance(background(), n))(t); first == again {
		t.Errorf("two calls without a token give %s", first)
	}
}

func runMissing(t *testing.T, w World) {
	n := port.NewInstance{Token: "t1", Image: "ami-0123456789abcdef0", Type: "m5.xlarge"}
	if id, err := w.EC2.RunInstance(background(), n); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("an image that is not: %s, %v; want ErrNotFound", id, err)
	}
}

func runUnknown(t *testing.T, w World) {
	image, _ := putImage(t, w, "acme-base")
	key, group := port.KeyPair{Name: "baker"}, w.Put.SecurityGroup(t, port.SecurityGroup{Name: "baker"})
	w.Put.KeyPair(t, key)
	n := port.NewInstance{Token: "t1", Image: image, Type: "m5.xlarge", Groups: []string{group}, Key: key.Name}
	if i := theInstance(t, w, value(w.EC2.RunInstance(background(), n))(t)); i.Key != key.Name || !slices.Equal(i.Groups, n.Groups) {
		t.Errorf("instance is %+v, want %+v", i, n)
	}
	for what, n := range map[string]port.NewInstance{
		"group": {Image: image, Type: "m5.xlarge", Groups: []string{"sg-00000000000000000"}}, "key": {Image: image, Type: "m5.xlarge", Key: "none"},
	} {
		if id, err := w.EC2.RunInstance(background(), n); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("an unknown %s: %s, %v; want ErrNotFound", what, id, err)
		}
	}
}

func instanceFilters(t *testing.T, w World) {
	one := launch(t, w, map[string]string{"domctl:deployment": "acme-prod", "name": "one"})
	launch(t, w, map[string]string{"domctl:deployment": "acme-test", "name": "two"})
	must(t, w.EC2.StopInstance(background(), one.ID))
	w.Settle(t)
	for _, c := range []struct {
		filters map[string][]string
		want    int
	}{
		{map[string][]string{"tag:domctl:deployment": {"acme-prod"}}, 1},
		{map[string][]string{"tag:domctl:deployment": {"acme-*"}}, 2},
		{map[string][]string{"tag-key": {"domctl:deployment"}, "instance-state-name": {"running", "pending"}}, 1},
		{map[string][]string{"image-id": {one.Image}}, 1},
		{map[string][]string{"client-token": {"launch-two", "launch-three"}}, 1},
		{map[string][]string{"tag:domctl:deployment": {"none"}}, 0},
	} {
		if found := value(w.EC2.DescribeInstances(background(), port.Select{Filters: c.filters}))(t); len(found) != c.want {
			t.Errorf("%v finds %d instances, want %d", c.filters, len(found), c.want)
		}
	}
}

func instanceLife(t *testing.T, w World) {
	id := launch(t, w, map[string]string{"name": "x"}).ID
	is := func(want string) {
		t.Helper()
		w.Settle(t)
		if i := theInstance(t, w, id); i.State != want {
			t.Errorf("instance is %s, want %s", i.State, want)
		}
	}
	for range 2 {
		must(t, w.EC2.StopInstance(background(), id))
	}
	is("stopped")
	for range 2 {
		must(t, w.EC2.StartInstance(background(), id))
	}
	is("running")
	must(t, w.EC2.TerminateInstance(background(), id))
	is("terminated")
}

func instanceTransitions(t *testing.T, w World) {
	image, _ := putImage(t, w, "acme-base")
	w.Settle(t)
	id := value(w.EC2.RunInstance(background(), port.NewInstance{Token: "t1", Image: image, Type: "m5.xlarge"}))(t)
	var seen []string
	look := func() { seen = append(seen, theInstance(t, w, id).State) }
	look()
	for _, turn := range []func() error{
		func() error { return w.EC2.StopInstance(background(), id) },
		func() error { return w.EC2.StartInstance(background(), id) },
		func() error { return w.EC2.TerminateInstance(background(), id) },
	} {
		w.Settle(t)
		must(t, turn())
		look()
	}
	if want := []string{"pending", "stopping", "pending", "shutting-down"}; !slices.Equal(seen, want) {
		t.Errorf("states are %v, want %v", seen, want)
	}
}

func instanceWrongState(t *testing.T, w World) {
	id := launch(t, w, map[string]string{"name": "x"}).ID
	must(t, w.EC2.TerminateInstance(background(), id))
	w.Settle(t)
	for name, turn := range map[string]error{"starting": w.EC2.StartInstance(background(), id), "stopping": w.EC2.StopInstance(background(), id)} {
		if !errors.Is(turn, port.ErrState) {
			t.Errorf("%s a terminated instance: %v, want ErrState", name, turn)
		}
	}
}

func instanceMissing(t *testing.T, w World) {
	const id = "i-00000000000000000"
	_, console := w.EC2.GetConsoleOutput(background(), id)
	for name, err := range map[string]error{"starting": w.EC2.StartInstance(background(), id), "stopping": w.EC2.StopInstance(background(), id),
		"terminating": w.EC2.TerminateInstance(background(), id), "the console of": console} {
		if !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%s what is missing: %v, want ErrNotFound", name, err)
		}
	}
}

func terminateTwice(t *testing.T, w World) {
	i := launch(t, w, map[string]string{"name": "x"})
	for range 2 {
		must(t, w.EC2.TerminateInstance(background(), i.ID))
	}
	w.Settle(t)
	if i := theInstance(t, w, i.ID); i.State != "terminated" || i.Reason == "" {
		t.Errorf("instance is %+v, want it terminated, with a reason", i)
	}
	for _, a := range i.Attached {
		if left := value(w.EC2.DescribeVolumes(background(), port.Select{IDs: []string{a.Volume}}))(t); a.Deleted && len(left) != 0 {
			t.Errorf("volumes %+v stay", left)
		}
	}
}

func consoleKeys(t *testing.T, w World) {
	i := launch(t, w, map[string]string{"name": "x"})
	text := value(w.EC2.GetConsoleOutput(background(), i.ID))(t)
	if keys := port.HostKeys(text); len(keys) == 0 {
		t.Errorf("the console names no host keys: %q", text)
	}
}
