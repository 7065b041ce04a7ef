package worldtest

import (
	"errors"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

const (
	createVersion = "EC2 API Reference, CreateLaunchTemplateVersion"
	blocks        = `[{"DeviceName":"/dev/xvda","Ebs":{"DeleteOnTermination":true,"VolumeSize":1000,"VolumeType":"gp3"}},` +
		`{"DeviceName":"/dev/xvdf","Ebs":{"DeleteOnTermination":true,"SnapshotId":"snap-0123456789abcdef0","VolumeSize":200,"VolumeType":"gp3"}}]`
)

func templateCases() []Case {
	return []Case{
		{Name: "LaunchTemplates/Describe", Source: "EC2 API Reference, DescribeLaunchTemplates", run: templates},
		{Name: "LaunchTemplates/Versions", Source: "EC2 API Reference, DescribeLaunchTemplateVersions", run: versions},
		{Name: "LaunchTemplates/DefaultVersions", Source: "EC2 API Reference, DescribeLaunchTemplateVersions, $Default and $Latest", run: defaultVersions},
		{Name: "CreateVersion/Inherits", Source: createVersion + ", SourceVersion", run: versionInherits},
		{Name: "CreateVersion/BlocksRestated", Source: createVersion + ", SourceVersion: snapshots are ignored unless included", run: blocksRestated},
		{Name: "CreateVersion/Token", Source: createVersion + ", ClientToken", run: versionToken},
		{Name: "CreateVersion/TokenMismatch", Source: "EC2 Developer Guide, Ensuring idempotency, IdempotentParameterMismatch", run: tokenMismatch},
		{Name: "CreateVersion/NoToken", Source: createVersion + ", ClientToken", run: noToken},
		{Name: "CreateVersion/Missing", Source: "EC2 API Reference, Error codes, InvalidLaunchTemplateId.NotFound", run: versionOfNothing},
		{Name: "CreateVersion/NumbersAreNotReused", Source: "EC2 User Guide, Delete a launch template version", run: numbersNotReused},
		{Name: "ModifyLaunchTemplate/Default", Source: "EC2 API Reference, ModifyLaunchTemplate, SetDefaultVersion", run: modifyTemplate},
		{Name: "DeleteVersion/Default", Source: "EC2 User Guide, Delete a launch template version", run: deleteDefault},
	}
}

func putTemplate(t *testing.T, w World) string {
	return w.Put.Template(t, "acme-gpu",
		port.LaunchTemplateVersion{Image: "ami-0000000000000000a", InstanceType: "g5.2xlarge", Blocks: blocks, Description: "first"},
		port.LaunchTemplateVersion{Image: "ami-0000000000000000b", InstanceType: "g5.2xlarge", Blocks: blocks, Description: "second"})
}

func template(t *testing.T, w World, id string) port.LaunchTemplate {
	t.Helper()
	found := value(w.EC2.DescribeLaunchTemplates(background(), []string{id}))(t)
	if len(found) != 1 {
		t.Fatalf("templates are %+v", found)
	}
	return found[0]
}

func version(t *testing.T, w World, id string, number int64) port.LaunchTemplateVersion {
	t.Helper()
	found := value(w.EC2.DescribeLaunchTemplateVersions(background(), id, []int64{number}))(t)
	if len(found) != 1 {
		t.Fatalf("versions are %+v, want number %d", found, number)
	}
	return found[0]
}

func templates(t *testing.T, w World) {
	id := putTemplate(t, w)
	other := w.Put.Template(t, "acme-cpu", port.LaunchTemplateVersion{Image: "ami-0000000000000000a", InstanceType: "m6i.2xlarge"})
	got := template(t, w, id)
	if got.ID != id || got.Name != "acme-gpu" || got.Default != 1 || got.Latest != 2 {
		t.Errorf("template is %+v", got)
	}
	found := value(w.EC2.DescribeLaunchTemplates(background(), []string{other, "lt-00000000000000000"}))(t)
	if len(found) != 1 || found[0].ID != other {
		t.Errorf("templates are %+v, want the one that exists", found)
	}
	if found := value(w.EC2.DescribeLaunchTemplates(background(), []string{}))(t); len(found) != 0 {
		t.Errorf("an empty list of ids finds %+v", found)
	}
	if found := value(w.EC2.DescribeLaunchTemplates(background(), nil))(t); len(found) != 2 {
		t.Errorf("nil finds %+v, want both", found)
	}
}

func versions(t *testing.T, w World) {
	id := putTemplate(t, w)
	want := port.LaunchTemplateVersion{Template: id, Number: 2, Image: "ami-0000000000000000b", InstanceType: "g5.2xlarge", Blocks: blocks, Description: "second"}
	if got := version(t, w, id, 2); got != want {
		t.Errorf("version is %+v, want %+v", got, want)
	}
	if all := value(w.EC2.DescribeLaunchTemplateVersions(background(), id, nil))(t); len(all) != 2 {
		t.Errorf("versions are %+v, want both", all)
	}
	if found := value(w.EC2.DescribeLaunchTemplateVersions(background(), id, []int64{1, 7}))(t); len(found) != 1 {
		t.Errorf("versions are %+v, want number 1", found)
	}
	if _, err := w.EC2.DescribeLaunchTemplateVersions(background(), "lt-00000000000000000", nil); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("versions of no template: %v", err)
	}
}

func defaultVersions(t *testing.T, w World) {
	id := putTemplate(t, w)
	single := w.Put.Template(t, "acme-cpu", port.LaunchTemplateVersion{Image: "ami-0000000000000000a", InstanceType: "m6i.2xlarge"})
	got := map[string][]int64{}
	for _, v := range value(w.EC2.DescribeDefaultVersions(background()))(t) {
		got[v.Template] = append(got[v.Template], v.Number)
	}
	if len(got) != 2 || len(got[id]) != 2 || len(got[single]) != 1 {
		t.Errorf("versions are %v, want the default and the latest of each, once", got)
	}
}

func versionInherits(t *testing.T, w World) {
	id := putTemplate(t, w)
	n := value(w.EC2.CreateLaunchTemplateVersion(background(), port.NewLaunchTemplateVersion{Template: id, Source: 1, Image: "ami-0000000000000000c", Blocks: blocks, Description: "by domctl", Token: "t1"}))(t)
	want := port.LaunchTemplateVersion{Template: id, Number: 3, Image: "ami-0000000000000000c", InstanceType: "g5.2xlarge", Blocks: blocks, Description: "by domctl"}
	if got := version(t, w, id, n); got != want {
		t.Errorf("version is %+v, want %+v", got, want)
	}
	if got := template(t, w, id); got.Default != 1 || got.Latest != 3 {
		t.Errorf("template is %+v, want default 1 and latest 3", got)
	}
}

func blocksRestated(t *testing.T, w World) {
	id := putTemplate(t, w)
	n := value(w.EC2.CreateLaunchTemplateVersion(background(), port.NewLaunchTemplateVersion{Template: id, Source: 1, Image: "ami-0000000000000000c", Token: "t1"}))(t)
	got := version(t, w, id, n).Blocks
	if strings.Contains(got, "SnapshotId") || !strings.Contains(got, `"VolumeSize":200`) {
		t.Errorf("inherited blocks are %s, want them without the snapshot", got)
	}
}

func versionToken(t *testing.T, w World) {
	id := putTemplate(t, w)
	v := port.NewLaunchTemplateVersion{Template: id, Source: 1, Image: "ami-0000000000000000c", Blocks: blocks, Token: "apply-1/step-1"}
	first := value(w.EC2.CreateLaunchTemplateVersion(background(), v))(t)
	again := value(w.EC2.CreateLaunchTemplateVersion(background(), v))(t)
	if first != again || template(t, w, id).Latest != 3 {
		t.Errorf("the repeated call made %d after %d, latest is %d", again, first, template(t, w, id).Latest)
	}
	v.Token = "apply-1/step-2"
	if n := value(w.EC2.CreateLaunchTemplateVersion(background(), v))(t); n != 4 {
		t.Errorf("another token made %d, want 4", n)
	}
}

func tokenMismatch(t *testing.T, w World) {
	id := putTemplate(t, w)
	v := port.NewLaunchTemplateVersion{Template: id, Source: 1, Image: "ami-0000000000000000c", Token: "apply-1/step-1"}
	value(w.EC2.CreateLaunchTemplateVersion(background(), v))(t)
	v.Image = "ami-0000000000000000d"
	if _, err := w.EC2.CreateLaunchTemplateVersion(background(), v); !errors.Is(err, port.ErrMismatch) {
		t.Errorf("the token with another image: %v, want ErrMismatch", err)
	}
	if got := template(t, w, id); got.Latest != 3 {
		t.Errorf("latest is %d, want 3", got.Latest)
	}
}

func noToken(t *testing.T, w World) {
	id := putTemplate(t, w)
	v := port.NewLaunchTemplateVersion{Template: id, Source: 1, Image: "ami-0000000000000000c"}
	value(w.EC2.CreateLaunchTemplateVersion(background(), v))(t)
	if n := value(w.EC2.CreateLaunchTemplateVersion(background(), v))(t); n != 4 {
		t.Errorf("the second call without a token made %d, want 4", n)
	}
}

func versionOfNothing(t *testing.T, w World) {
	id := putTemplate(t, w)
	for _, v := range []port.NewLaunchTemplateVersion{{Template: "lt-00000000000000000", Source: 1, Image: "ami-0000000000000000c"}, {Template: id, Source: 9, Image: "ami-0000000000000000c"}} {
		if _, err := w.EC2.CreateLaunchTemplateVersion(background(), v); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%+v: %v, want ErrNotFound", v, err)
		}
	}
}

func numbersNotReused(t *testing.T, w World) {
	id := putTemplate(t, w)
	must(t, w.EC2.DeleteLaunchTemplateVersion(background(), id, 2))
	if got := value(w.EC2.DescribeLaunchTemplateVersions(background(), id, []int64{2}))(t); len(got) != 0 {
		t.Errorf("the deleted version is %+v", got)
	}
	if n := value(w.EC2.CreateLaunchTemplateVersion(background(), port.NewLaunchTemplateVersion{Template: id, Source: 1, Image: "ami-0000000000000000c"}))(t); n != 3 {
		t.Errorf("after deleting version 2 comes %d, want 3", n)
	}
}

func modifyTemplate(t *testing.T, w World) {
	id := putTemplate(t, w)
	must(t, w.EC2.ModifyLaunchTemplate(background(), id, 2))
	if got := template(t, w, id); got.Default != 2 {
		t.Errorf("template is %+v, want default 2", got)
	}
	for _, err := range []error{w.EC2.ModifyLaunchTemplate(background(), id, 9), w.EC2.ModifyLaunchTemplate(background(), "lt-00000000000000000", 1)} {
		if !errors.Is(err, port.ErrNotFound) {
			t.Errorf("a default that is missing: %v, want ErrNotFound", err)
		}
	}
	if got := template(t, w, id); got.Default != 2 {
		t.Errorf("a refused call changed the default: %+v", got)
	}
}

func deleteDefault(t *testing.T, w World) {
	id := putTemplate(t, w)
	if err := w.EC2.DeleteLaunchTemplateVersion(background(), id, 1); !errors.Is(err, port.ErrInUse) {
		t.Errorf("deleting the default version: %v, want ErrInUse", err)
	}
	if err := w.EC2.DeleteLaunchTemplateVersion(background(), id, 9); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("deleting a missing version: %v, want ErrNotFound", err)
	}
	if all := value(w.EC2.DescribeLaunchTemplateVersions(background(), id, nil))(t); len(all) != 2 {
		t.Errorf("versions are %+v, want both", all)
	}
}
