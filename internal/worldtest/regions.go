package worldtest

import (
	"testing"

	"domctl.dev/internal/port"
)

func regionCases() []Case {
	return []Case{
		{Name: "Region/OfItsOwn", Source: "EC2 User Guide, Regions and Zones: resources are not replicated across Regions", run: regionOfItsOwn},
	}
}

// regionOfItsOwn: what names images in one region is not answered of another.
func regionOfItsOwn(t *testing.T, w World) {
	putGroup(t, w, nil)
	putConfiguration(t, w)
	w.Put.Parameter(t, "/acme/ami", "ami-0000000000000000a")
	launch(t, w, nil)
	there, all := w.EC2.In(otherRegion), background()
	for what, n := range map[string]int{
		"templates":      len(value(there.DescribeLaunchTemplates(all, nil))(t)),
		"versions":       len(value(there.DescribeDefaultVersions(all))(t)),
		"groups":         len(value(there.DescribeAutoScalingGroups(all, nil))(t)),
		"configurations": len(value(there.DescribeLaunchConfigurations(all, nil))(t)),
		"instances":      len(value(there.DescribeInstances(all, port.Select{}))(t)),
		"parameters":     len(value(there.GetParameters(all, []string{"/acme/ami"}))(t)),
	} {
		if n > 0 {
			t.Errorf("%d %s of this region are answered of another", n, what)
		}
	}
	if found := value(w.AutoScaling.DescribeAutoScalingGroups(all, nil))(t); len(found) != 1 {
		t.Errorf("this region has %+v", found)
	}
}
