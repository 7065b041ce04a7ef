package worldtest

import (
	"fmt"
	"testing"

	"domctl.dev/internal/port"
)

const describeImages = "EC2 API Reference, DescribeImages"

func imageCases() []Case {
	return []Case{
		{Name: "DescribeImages/ByID", Source: describeImages + ", ImageId.N", run: imagesByID},
		{Name: "DescribeImages/RootDevice", Source: "EC2 API Reference, Image, rootDeviceName and blockDeviceMapping", run: imageRoot},
		{Name: "DescribeImages/Filters", Source: describeImages + ", Filter.N, wildcards", run: imageFilters},
		{Name: "DescribeImages/FilterUnknown", Source: "EC2 API Reference, Error codes, InvalidParameterValue", run: imageFilterUnknown},
		{Name: "DescribeImages/PendingThenAvailable", Source: "EC2 API Reference, Image, imageState", run: imagePending},
		{Name: "DescribeInstanceTypes/Capacity", Source: "EC2 API Reference, DescribeInstanceTypes", run: instanceTypes},
	}
}

func putImage(t *testing.T, w World, name string) (string, port.Image) {
	i := port.Image{Name: name, Owner: w.Want.Account, State: "available", Architecture: "x86_64", Tags: map[string]string{"role": name}, RootDevice: "/dev/sda1", RootGiB: 15}
	return w.Put.Image(t, i), i
}

func imagesByID(t *testing.T, w World) {
	id, want := putImage(t, w, "acme-one")
	other, _ := putImage(t, w, "acme-two")
	images := value(w.EC2.DescribeImages(background(), port.ImageQuery{IDs: []string{id, "ami-00000000000000000", other, id}}))(t)
	if len(images) != 2 {
		t.Fatalf("images are %+v, want the two that exist", images)
	}
	for _, got := range images {
		if got.ID != id {
			continue
		}
		if got.Name != want.Name || got.Owner != want.Owner || got.State != want.State || got.Architecture != want.Architecture || got.Tags["role"] != want.Name {
			t.Errorf("image is %+v, want %+v", got, want)
		}
	}
	if images := value(w.EC2.DescribeImages(background(), port.ImageQuery{IDs: []string{}}))(t); len(images) != 0 {
		t.Errorf("an empty list of ids finds %d images", len(images))
	}
}

func imageRoot(t *testing.T, w World) {
	id, want := putImage(t, w, "acme-one")
	images := value(w.EC2.DescribeImages(background(), port.ImageQuery{IDs: []string{id}}))(t)
	if len(images) != 1 || images[0].RootDevice != want.RootDevice || images[0].RootGiB != want.RootGiB {
		t.Errorf("images are %+v, want the root device of %+v", images, want)
	}
}

func imageFilters(t *testing.T, w World) {
	one, _ := putImage(t, w, "acme-executor-20260331-1200")
	two, _ := putImage(t, w, "acme-executor-20260401-1200")
	putImage(t, w, "acme-other")
	for _, c := range []struct {
		filters map[string][]string
		want    int
	}{
		{map[string][]string{"name": {"acme-executor-*"}}, 2},
		{map[string][]string{"name": {"acme-executor-2026033?-1200"}}, 1},
		{map[string][]string{"name": {"acme-executor-*", "acme-other"}}, 3},
		{map[string][]string{"name": {"acme-executor-*"}, "tag:role": {"acme-executor-20260331-1200"}}, 1},
		{map[string][]string{"name": {"acme-executor-*"}, "architecture": {"arm64"}}, 0},
		{map[string][]string{"image-id": {one, two}}, 2},
	} {
		images := value(w.EC2.DescribeImages(background(), port.ImageQuery{Owners: []string{"self"}, Filters: c.filters}))(t)
		if len(images) != c.want {
			t.Errorf("%v finds %d images, want %d", c.filters, len(images), c.want)
		}
	}
	images := value(w.EC2.DescribeImages(background(), port.ImageQuery{IDs: []string{one}, Owners: []string{"210987654321"}}))(t)
	if len(images) != 0 {
		t.Errorf("another owner has %+v", images)
	}
}

func imageFilterUnknown(t *testing.T, w World) {
	if _, err := w.EC2.DescribeImages(background(), port.ImageQuery{Filters: map[string][]string{"nam": {"x"}}}); err == nil {
		t.Error("a mistyped filter finds images")
	}
}

func imagePending(t *testing.T, w World) {
	id := w.Put.Image(t, port.Image{Name: "acme-baked", Owner: w.Want.Account, State: "pending", Architecture: "x86_64"})
	for _, want := range []string{"pending", "available"} {
		images := value(w.EC2.DescribeImages(background(), port.ImageQuery{IDs: []string{id}}))(t)
		if len(images) != 1 || images[0].State != want {
			t.Fatalf("images are %+v, want one that is %s", images, want)
		}
		w.Settle(t)
	}
}

func instanceTypes(t *testing.T, w World) {
	want := port.InstanceType{Name: "g5.2xlarge", VCPUs: 8, GPUs: 1, MemoryMiB: 32768, StoreGB: 450, GPUName: "A10G", Architectures: []string{"x86_64"}}
	w.Put.InstanceType(t, want)
	got := value(w.EC2.DescribeInstanceTypes(background(), []string{"g5.2xlarge", "z9.none", "g5.2xlarge"}))(t)
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("[%+v]", want) {
		t.Errorf("instance types are %+v, want %+v", got, want)
	}
	if got := value(w.EC2.DescribeInstanceTypes(background(), []string{}))(t); len(got) != 0 {
		t.Errorf("an empty list of names finds %d types", len(got))
	}
}
