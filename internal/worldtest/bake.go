package worldtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

const (
	createImage = "EC2 API Reference, CreateImage"
	copyImage   = "EC2 API Reference, CopyImage"
	otherRegion = "eu-west-1"
)

func bakeCases() []Case {
	return []Case{
		{Name: "CreateImage/OfAStoppedInstance", Source: createImage, run: imageOfStopped},
		{Name: "CreateImage/EveryVolumeGoesWithItsInstance", Source: createImage + ", BlockDeviceMapping.N, DeleteOnTermination", run: imageVolumes},
		{Name: "CreateImage/Tags", Source: createImage + ", TagSpecification.N, image and snapshot", run: imageTags},
		{Name: "CreateImage/NameIsTaken", Source: "EC2 API Reference, Error codes, InvalidAMIName.Duplicate", run: imageNameTaken},
		{Name: "CreateImage/Missing", Source: "EC2 API Reference, Error codes, InvalidInstanceID.NotFound", run: imageOfNothing},
		{Name: "CreateImage/OfATerminated", Source: "EC2 API Reference, Error codes, IncorrectInstanceState", run: imageOfTerminated},
		{Name: "RunInstance/OfABakedImage", Source: runInstances + ", ImageId", run: runBaked},
		{Name: "CopyImage/ToAnotherRegion", Source: copyImage, run: copyAway},
		{Name: "CopyImage/Key", Source: copyImage + ", KmsKeyId", run: copyKey},
		{Name: "CopyImage/Token", Source: copyImage + ", ClientToken", run: copyToken},
		{Name: "CopyImage/Missing", Source: "EC2 API Reference, Error codes, InvalidAMIID.NotFound", run: copyMissing},
		{Name: "LaunchPermission/AddAndRemove", Source: "EC2 API Reference, ModifyImageAttribute, launchPermission", run: permission},
		{Name: "LaunchPermission/NeverPublic", Source: "EC2 User Guide, Share an AMI", run: permissionPublic},
		{Name: "Tags/SetAndDelete", Source: "EC2 API Reference, CreateTags and DeleteTags", run: setTags},
		{Name: "Tags/Missing", Source: "EC2 API Reference, CreateTags; Error codes, InvalidAMIID.NotFound", run: tagMissing},
		{Name: "Deprecation/EnableAndDisable", Source: "EC2 API Reference, EnableImageDeprecation and DisableImageDeprecation", run: deprecation},
		{Name: "Deprecation/NotInThePast", Source: "EC2 API Reference, EnableImageDeprecation, DeprecateAt", run: deprecationPast},
		{Name: "DeregisterImage/TakesItsSnapshots", Source: "EC2 API Reference, DeregisterImage, DeleteAssociatedSnapshots", run: deregister},
		{Name: "DeregisterImage/FreesItsName", Source: createImage + ", Name", run: deregisterName},
		{Name: "Images/Missing", Source: "EC2 API Reference, Error codes, InvalidAMIID.NotFound", run: imagesMissing},
		{Name: "DeleteSnapshot/InUse", Source: "EC2 API Reference, DeleteSnapshot; Error codes, InvalidSnapshot.InUse", run: snapshotInUse},
	}
}

// baked is an available image of an instance that has ended.
func baked(t *testing.T, w World, name string) port.Image {
	t.Helper()
	i := launch(t, w, map[string]string{"name": name})
	must(t, w.EC2.StopInstance(background(), i.ID))
	w.Settle(t)
	id := value(w.EC2.CreateImage(background(), port.NewImage{Instance: i.ID, Name: name, Description: "by domctl", Tags: ours()}))(t)
	w.Settle(t)
	must(t, w.EC2.TerminateInstance(background(), i.ID))
	return theImage(t, w.EC2, id)
}

func theImage(t *testing.T, in port.Images, id string) port.Image {
	t.Helper()
	found := value(in.DescribeImages(background(), port.ImageQuery{IDs: []string{id}}))(t)
	if len(found) != 1 {
		t.Fatalf("images are %+v, want %s alone", found, id)
	}
	return found[0]
}

func imageOfStopped(t *testing.T, w World) {
	i := launch(t, w, map[string]string{"name": "x"})
	must(t, w.EC2.StopInstance(background(), i.ID))
	w.Settle(t)
	id := value(w.EC2.CreateImage(background(), port.NewImage{Instance: i.ID, Name: "domino-acme-executor-1", Description: "by domctl", Tags: ours()}))(t)
	w.Settle(t)
	got := theImage(t, w.EC2, id)
	if got.State != "available" || got.Name != "domino-acme-executor-1" || got.Owner != w.Want.Account || got.Instance != i.ID ||
		got.Architecture != i.Architecture || got.Description != "by domctl" || got.Created == "" || got.Public || got.RootDevice != i.RootDevice {
		t.Errorf("image is %+v", got)
	}
}

func imageVolumes(t *testing.T, w World) {
	volumes := baked(t, w, "domino-acme-executor-1").Volumes
	if len(volumes) == 0 {
		t.Error("the image has no volumes")
	}
	for _, v := range volumes {
		if !v.Deleted || v.Snapshot == "" || v.Device == "" || v.GiB <= 0 {
			t.Errorf("volume is %+v", v)
		}
	}
}

func imageTags(t *testing.T, w World) {
	image := baked(t, w, "domino-acme-executor-1")
	found := value(w.EC2.DescribeSnapshots(background(), byTag()))(t)
	if !maps.Equal(image.Tags, ours()) || len(found) != len(image.Volumes) {
		t.Fatalf("image is %+v, tagged snapshots %+v", image, found)
	}
	for _, s := range found {
		if !slices.ContainsFunc(image.Volumes, func(v port.ImageVolume) bool { return v.Snapshot == s.ID }) || s.State != "completed" || s.GiB <= 0 || s.Started == "" ||
			s.Description != fmt.Sprintf("Created by CreateImage(%s) for %s", image.Instance, image.ID) {
			t.Errorf("snapshot is %+v, want one of %+v", s, image)
		}
	}
}

func imageNameTaken(t *testing.T, w World) {
	image := baked(t, w, "domino-acme-executor-1")
	i := launch(t, w, map[string]string{"name": "other"})
	if id, err := w.EC2.CreateImage(background(), port.NewImage{Instance: i.ID, Name: image.Name}); !errors.Is(err, port.ErrDuplicate) {
		t.Errorf("the name again: %s, %v; want ErrDuplicate", id, err)
	}
}

func imageOfNothing(t *testing.T, w World) {
	if id, err := w.EC2.CreateImage(background(), port.NewImage{Instance: "i-00000000000000000", Name: "baked"}); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("an image of nothing: %s, %v; want ErrNotFound", id, err)
	}
}

func imageOfTerminated(t *testing.T, w World) {
	i := launch(t, w, map[string]string{"name": "x"})
	must(t, w.EC2.TerminateInstance(background(), i.ID))
	w.Settle(t)
	if id, err := w.EC2.CreateImage(background(), port.NewImage{Instance: i.ID, Name: "baked"}); !errors.Is(err, port.ErrState) {
		t.Errorf("an image of a terminated instance: %s, %v; want ErrState", id, err)
	}
}

func runBaked(t *testing.T, w World) {
	image := baked(t, w, "domino-acme-executor-1")
	id := value(w.EC2.RunInstance(background(), port.NewInstance{Token: "verify", Image: image.ID, Type: "m5.xlarge"}))(t)
	w.Settle(t)
	if i := theInstance(t, w, id); i.State != "running" || i.Image != image.ID || i.Architecture != image.Architecture {
		t.Errorf("instance is %+v, want one of %+v", i, image)
	}
}

func copyOf(image port.Image, w World) port.ImageCopy {
	return port.ImageCopy{Token: "copy-1", Source: image.ID, SourceRegion: w.Want.Region, Name: image.Name, Tags: map[string]string{"domctl:deployment": "copied"}}
}

func copyAway(t *testing.T, w World) {
	image, there := baked(t, w, "domino-acme-executor-1"), w.EC2.In(otherRegion)
	c := copyOf(image, w)
	id := value(there.CopyImage(background(), c))(t)
	w.Settle(t)
	got := theImage(t, there, id)
	if got.ID == image.ID || got.Name != image.Name || got.State != "available" || got.Owner != w.Want.Account || got.Source != image.ID || got.SourceRegion != w.Want.Region || !maps.Equal(got.Tags, c.Tags) || len(got.Volumes) != len(image.Volumes) {
		t.Errorf("the copy is %+v, want one of %+v", got, image)
	}
	snapshots := value(there.DescribeSnapshots(background(), port.Select{Filters: map[string][]string{"tag:domctl:deployment": {"copied"}}}))(t)
	if len(snapshots) != len(image.Volumes) {
		t.Errorf("the copy's snapshots are %+v", snapshots)
	}
	for name, c := range map[string]struct {
		in port.Images
		id string
	}{"the copy here": {w.EC2, id}, "the image there": {there, image.ID}} {
		if found := value(c.in.DescribeImages(background(), port.ImageQuery{IDs: []string{c.id}}))(t); len(found) != 0 {
			t.Errorf("%s is %+v", name, found)
		}
	}
	if left := value(there.DeregisterImage(background(), id))(t); len(left) != 0 {
		t.Errorf("snapshots %v of the copy stay", left)
	}
	if got := theImage(t, w.EC2, image.ID); got.State != "available" {
		t.Errorf("image is %+v after its copy went", got)
	}
}

func copyKey(t *testing.T, w World) {
	image, there := baked(t, w, "domino-acme-executor-1"), w.EC2.In(otherRegion)
	c := copyOf(image, w)
	c.Key = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
	id := value(there.CopyImage(background(), c))(t)
	w.Settle(t)
	snapshots := value(there.DescribeSnapshots(background(), port.Select{Filters: map[string][]string{"tag:domctl:deployment": {"copied"}}}))(t)
	if len(snapshots) != len(theImage(t, there, id).Volumes) {
		t.Fatalf("the copy's snapshots are %+v", snapshots)
	}
	for _, s := range snapshots {
		if s.Key != c.Key {
			t.Errorf("snapshot is %+v, want it encrypted with %s", s, c.Key)
		}
	}
}

func copyToken(t *testing.T, w World) {
	image, there := baked(t, w, "domino-acme-executor-1"), w.EC2.In(otherRegion)
	c := copyOf(image, w)
	first := value(there.CopyImage(background(), c))(t)
	if again := value(there.CopyImage(background(), c))(t); again != first {
		t.Errorf("the repeated call answers %s after %s", again, first)
	}
	c.Name = "another"
	if id, err := there.CopyImage(background(), c); !errors.Is(err, port.ErrMismatch) {
		t.Errorf("the token with another name: %s, %v; want ErrMismatch", id, err)
	}
}

func copyMissing(t *testing.T, w World) {
	c := port.ImageCopy{Token: "copy-1", Source: "ami-0123456789abcdef0", SourceRegion: w.Want.Region, Name: "copied"}
	if id, err := w.EC2.In(otherRegion).CopyImage(background(), c); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("a copy of nothing: %s, %v; want ErrNotFound", id, err)
	}
}

func permission(t *testing.T, w World) {
	image := baked(t, w, "domino-acme-executor-1")
	may := func(want ...string) {
		t.Helper()
		got := value(w.EC2.DescribeLaunchPermission(background(), image.ID))(t)
		if !slices.Equal(got.Accounts, want) || got.Public || got.Others != 0 {
			t.Errorf("launch permission is %+v, want %v", got, want)
		}
	}
	may()
	for range 2 {
		must(t, w.EC2.ModifyLaunchPermission(background(), image.ID, []string{"222233334444", "111122224444"}, nil))
	}
	may("111122224444", "222233334444")
	must(t, w.EC2.ModifyLaunchPermission(background(), image.ID, []string{"333344445555"}, []string{"222233334444", "444455556666"}))
	may("111122224444", "333344445555")
}

func permissionPublic(t *testing.T, w World) {
	image := baked(t, w, "domino-acme-executor-1")
	for _, who := range []string{"all", "", "11112222444", "arn:aws:organizations::111122223333:organization/o-a"} {
		if err := w.EC2.ModifyLaunchPermission(background(), image.ID, []string{who}, nil); err == nil {
			t.Errorf("shared with %q", who)
		}
	}
	if got := theImage(t, w.EC2, image.ID); got.Public {
		t.Errorf("image is %+v", got)
	}
}

func setTags(t *testing.T, w World) {
	image := baked(t, w, "domino-acme-executor-1")
	ids := []string{image.ID, image.Volumes[0].Snapshot}
	must(t, w.EC2.CreateTags(background(), ids, map[string]string{"domctl:verified": "yes", "domctl:deployment": "acme-prod"}))
	must(t, w.EC2.DeleteTags(background(), ids, []string{"domctl:deployment", "none"}))
	want := map[string]string{"domctl:verified": "yes"}
	if got := theImage(t, w.EC2, image.ID); !maps.Equal(got.Tags, want) {
		t.Errorf("image is %+v, want tags %v", got, want)
	}
	if found := value(w.EC2.DescribeSnapshots(background(), port.Select{IDs: ids[1:]}))(t); len(found) != 1 || !maps.Equal(found[0].Tags, want) {
		t.Errorf("snapshots are %+v, want tags %v", found, want)
	}
}

func tagMissing(t *testing.T, w World) {
	image := baked(t, w, "domino-acme-executor-1")
	err := w.EC2.CreateTags(background(), []string{image.ID, "ami-0123456789abcdef0"}, map[string]string{"a": "b"})
	if !errors.Is(err, port.ErrNotFound) {
		t.Errorf("tagging what is missing: %v, want ErrNotFound", err)
	}
	if got := theImage(t, w.EC2, image.ID); got.Tags["a"] != "" {
		t.Errorf("the refused call tagged %+v", got)
	}
}

func deprecation(t *testing.T, w World) {
	image := baked(t, w, "domino-acme-executor-1")
	if image.Deprecated != "" {
		t.Errorf("image is %+v", image)
	}
	at := time.Date(2036, 1, 2, 3, 4, 0, 0, time.UTC)
	must(t, w.EC2.EnableImageDeprecation(background(), image.ID, at))
	got, err := time.Parse(time.RFC3339, theImage(t, w.EC2, image.ID).Deprecated)
	if err != nil || !got.Equal(at) {
		t.Errorf("deprecated at %v, %v; want %v", got, err, at)
	}
	must(t, w.EC2.DisableImageDeprecation(background(), image.ID))
	if got := theImage(t, w.EC2, image.ID); got.Deprecated != "" {
		t.Errorf("image is %+v", got)
	}
}

func deprecationPast(t *testing.T, w World) {
	image := baked(t, w, "domino-acme-executor-1")
	if err := w.EC2.EnableImageDeprecation(background(), image.ID, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
		t.Error("deprecated in the past")
	}
}

func deregister(t *testing.T, w World) {
	image := baked(t, w, "domino-acme-executor-1")
	if left := value(w.EC2.DeregisterImage(background(), image.ID))(t); len(left) != 0 {
		t.Errorf("snapshots %v stay", left)
	}
	if found := value(w.EC2.DescribeImages(background(), port.ImageQuery{IDs: []string{image.ID}}))(t); len(found) != 0 {
		t.Errorf("images are %+v", found)
	}
	if found := value(w.EC2.DescribeSnapshots(background(), byTag()))(t); len(found) != 0 {
		t.Errorf("snapshots are %+v", found)
	}
	if _, err := w.EC2.DeregisterImage(background(), image.ID); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("once more: %v, want ErrNotFound", err)
	}
	n := port.NewInstance{Token: "t1", Image: image.ID, Type: "m5.xlarge"}
	if id, err := w.EC2.RunInstance(background(), n); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("launching a deregistered image: %s, %v; want ErrNotFound", id, err)
	}
}

func deregisterName(t *testing.T, w World) {
	image := baked(t, w, "domino-acme-executor-1")
	value(w.EC2.DeregisterImage(background(), image.ID))(t)
	i := launch(t, w, map[string]string{"name": "again"})
	if again := value(w.EC2.CreateImage(background(), port.NewImage{Instance: i.ID, Name: image.Name}))(t); again == image.ID {
		t.Errorf("the id %s comes again", again)
	}
}

func imagesMissing(t *testing.T, w World) {
	const id = "ami-0123456789abcdef0"
	_, permission := w.EC2.DescribeLaunchPermission(background(), id)
	for name, err := range map[string]error{
		"launch permission": permission, "sharing": w.EC2.ModifyLaunchPermission(background(), id, []string{"111122224444"}, nil),
		"deprecating": w.EC2.EnableImageDeprecation(background(), id, time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)),
		"undoing it":  w.EC2.DisableImageDeprecation(background(), id), "deleting a snapshot": w.EC2.DeleteSnapshot(background(), "snap-00000000000000000"),
	} {
		if !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%s of what is missing: %v, want ErrNotFound", name, err)
		}
	}
}

func snapshotInUse(t *testing.T, w World) {
	image := baked(t, w, "domino-acme-executor-1")
	err := w.EC2.DeleteSnapshot(background(), image.Volumes[0].Snapshot)
	if !errors.Is(err, port.ErrInUse) {
		t.Errorf("deleting an image's snapshot: %v, want ErrInUse", err)
	}
}
