package world_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/sandbox"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// message is the finding of a code, "" when there is none.
func message(p planner.Plan, code string) string {
	for _, f := range p.Findings {
		if f.Code == code {
			return string(f.Severity) + " " + f.Message
		}
	}
	return ""
}

func TestOtherFollowersAreNamed(t *testing.T) {
	switched := map[string]any{"ami": "@amis.gpu#image"}
	for name, c := range map[string]struct {
		groups          []schema.Group
		normal, current string // what DC245 and DC251 end in
	}{
		"one of two":          {asg("follows"), "not in the pool: follows2", "latest: latest; they start new nodes from it the moment it is made"},
		"both":                {asg("follows", "follows2"), "starts new nodes from it at once", "latest: latest; they start new nodes from it the moment it is made"},
		"pinned to a version": {asg("lt"), "", "latest: latest; they start new nodes from it the moment it is made"},
		"of another template": {asg("mixed"), "", ""},
	} {
		p := newBench(t, "", poolImages+poolAWS).plan(pool(c.groups, switched))
		for code, want := range map[string]string{"DC245": c.normal, "DC251": c.current} {
			if got := message(p, code); (want == "") != (got == "") || !strings.HasSuffix(got, want) {
				t.Errorf("%s: %s is %q, want it to end in %q", name, code, got, want)
			}
		}
		if got := message(p, "DC245"); strings.HasPrefix(got, "warning") != strings.Contains(got, "not in the pool") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestOverridesAreTold: what a group's overrides name is not switched with it, and
// groups whose overrides follow a template get its next version too.
func TestOverridesAreTold(t *testing.T) {
	aws := strings.Replace(poolAWS, `"instanceTypes": ["m5.large", "m5a.large"]}`, `"instanceTypes": ["m5.large", "m5a.large", "m5n.large"], "overrides": [
		{"template": "lt-1", "version": "$Default"}, {"template": "lt-1", "version": "$Latest"}, {"image": "ami-11111111"}]}`, 1)
	switched := map[string]any{"ami": "@amis.gpu#image"}
	p := newBench(t, "", poolImages+aws).plan(pool(asg("mixed"), switched))
	if got := message(p, "DC255"); got != "warning overrides in the mixed instances policy of mixed go on starting nodes from ami-11111111, launch template lt-1 $Default, launch template lt-1 $Latest, which domctl does not switch" {
		t.Errorf("%q", got)
	}
	p = newBench(t, "", poolImages+aws).plan(pool(asg("follows", "follows2"), switched))
	for code, want := range map[string]string{"DC245": "not in the pool: mixed", "DC251": "latest: latest, mixed; they", "DC255": ""} {
		if got := message(p, code); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}

// TestFollowersCostPages: the groups of the account are read once, whatever the
// number of pools, and only where a version is to be made.
func TestFollowersCostPages(t *testing.T) {
	pages := func(image string, pools int) int {
		var groups, templates []string
		objects := gpuImage()
		for i := range pools {
			groups = append(groups, fmt.Sprintf(`"g%d": {"min": 0, "max": 1, "desired": 0, "template": "lt-%d"}`, i, i))
			templates = append(templates, fmt.Sprintf(`"lt-%d": {"name": "n%d", "default": 1, "versions": [{"number": 1, "image": "ami-11111111"}]}`, i, i))
			objects = all(objects, object("nodePools", fmt.Sprintf("p%d", i), map[string]any{"groups": asg(fmt.Sprintf("g%d", i)), "ami": image}))
		}
		b := newBench(t, "", poolImages+`"autoScalingGroups": {`+strings.Join(groups, ",")+`}, "launchTemplates": {`+strings.Join(templates, ",")+`}`)
		if _, err := b.look(objects, schema.Applied{}); err != nil {
			t.Fatal(err)
		}
		return b.world.Counts().Pages["DescribeAutoScalingGroups"]
	}
	if as, one, many := pages("ami-11111111", 90), pages("@amis.gpu#image", 1), pages("@amis.gpu#image", 90); as != 1 || one != 2 || many != 2 {
		t.Errorf("%d pages of groups with nothing to switch, %d for one pool and %d for 90, want 1, 2 and 2", as, one, many)
	}
}

// TestFollowersThatCannotBeRead: a read that fails is no plan without followers.
func TestFollowersThatCannotBeRead(t *testing.T) {
	b := newBench(t, "", poolImages+poolAWS)
	reads := 0
	b.open(sandbox.Options{Hook: func(call string, phase sandbox.Phase) error {
		if call == "DescribeAutoScalingGroups" && phase == sandbox.Before {
			if reads++; reads == 2 {
				return fmt.Errorf("denied")
			}
		}
		return nil
	}})
	if _, err := b.look(pool(asg("follows"), map[string]any{"ami": "@amis.gpu#image"}), schema.Applied{}); err == nil || !strings.Contains(err.Error(), "nodePools: ") {
		t.Errorf("the error is %v, want one that names nodePools", err)
	}
}

// TestBlockDevicesOfAManagedGroup are restated in the version that EKS goes to.
func TestBlockDevicesOfAManagedGroup(t *testing.T) {
	b := newBench(t, "", poolImages+strings.Replace(poolAWS, `"lt-2": {"name": "two", "default": 1, "versions": [{"number": 1, "image": "ami-11111111",`,
		`"lt-2": {"name": "two", "default": 1, "versions": [{"number": 1, "image": "ami-11111111", "blocks": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-1", "VolumeSize": 100}}, {"DeviceName": "/dev/xvdf", "Ebs": {"SnapshotId": "snap-2"}}],`, 1))
	b.grid = true
	p := b.plan(pool([]schema.Group{{NodeGroup: "managed"}}, map[string]any{"ami": "@amis.gpu#image", "roll": map[string]any{"strategy": "onDemand"}}))
	if got := message(p, "DC253"); !strings.HasSuffix(got, "restates /dev/xvda (root, content from the new image) 100 GiB; /dev/xvdf from snap-2") {
		t.Errorf("%q, %v", got, p.Findings)
	}
	want := schema.JSON(`[{"DeviceName":"/dev/xvda","Ebs":{"VolumeSize":100}},{"DeviceName":"/dev/xvdf","Ebs":{"SnapshotId":"snap-2"}}]`)
	if i := slices.IndexFunc(p.Steps, func(s planner.Step) bool { return s.Op == "ec2.CreateLaunchTemplateVersion" }); i < 0 || p.Steps[i].Args["blocks"] != want {
		t.Errorf("%s", steps(p))
	}
}

// TestBlockDevicesAreRestated: all of them, but for the old image's root.
func TestBlockDevicesAreRestated(t *testing.T) {
	const data = `{"DeviceName": "/dev/xvdf", "Ebs": {"SnapshotId": "snap-2", "VolumeSize": 200, "VolumeType": "gp3"}}`
	root := func(ebs string) string { return `{"DeviceName": "/dev/xvda", "Ebs": {` + ebs + `}}` }
	for name, c := range map[string]struct {
		blocks, old, now string // mappings, and the root devices of the images
		want             string // what the new version holds
		codes            []string
		says             string // DC252, DC253 or DC254
	}{
		"data":              {data, "", "", data, []string{"DC253"}, "restates /dev/xvdf from snap-2 200 GiB gp3"},
		"root and data":     {root(`"SnapshotId": "snap-1", "VolumeSize": 1000, "VolumeType": "gp3"`) + "," + data, "", "", root(`"VolumeSize": 1000, "VolumeType": "gp3"`) + "," + data, []string{"DC253"}, "restates /dev/xvda (root, content from the new image) 1000 GiB gp3; /dev/xvdf from snap-2 200 GiB gp3"},
		"root alone":        {root(`"SnapshotId": "snap-1"`), "", "", root(""), nil, ""},
		"no snapshot":       {root(`"DeleteOnTermination": true, "VolumeSize": 1000`), "", "", root(`"DeleteOnTermination": true, "VolumeSize": 1000`), []string{"DC253"}, "restates"},
		"too small":         {root(`"VolumeSize": 10`), "", "", root(`"VolumeSize": 10`), []string{"DC253", "DC254"}, "states 10 GiB for the root device /dev/xvda, and ami-22222222 has 30 GiB there"},
		"another device":    {root(`"VolumeSize": 1000`), "", "/dev/sda1", "", []string{"DC252"}, "the root device of ami-11111111 is /dev/xvda, that of ami-22222222 /dev/sda1"},
		"the new one's own": {`{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": "snap-1"}}`, "", "/dev/sda1", "", []string{"DC252"}, "states /dev/sda1"},
		"data elsewhere":    {data, "", "/dev/sda1", data, []string{"DC253"}, "restates"},
		"no device":         {`{"DeviceName": "/dev/xvdz", "NoDevice": ""}`, "", "", `{"DeviceName": "/dev/xvdz", "NoDevice": ""}`, []string{"DC253"}, "restates /dev/xvdz"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "", fmt.Sprintf(`"images": {"ami-11111111": {"name": "a", "architecture": "x86_64", "rootDevice": %q}, "ami-22222222": {"name": "b", "architecture": "x86_64", "rootDevice": %q, "rootGiB": 30}},
				"autoScalingGroups": {"g": {"min": 0, "max": 1, "desired": 0, "template": "lt-1", "version": "1"}},
				"launchTemplates": {"lt-1": {"name": "one", "default": 1, "versions": [{"number": 1, "image": "ami-11111111", "blocks": [%s]}]}}`, c.old, c.now, c.blocks))
			objects := pool(asg("g"), map[string]any{"ami": "@amis.gpu#image"})
			p := b.plan(objects)
			var codes []string
			for _, f := range p.Findings {
				codes = append(codes, f.Code)
			}
			if slices.Sort(codes); !slices.Equal(codes, c.codes) {
				t.Errorf("findings %v, want %v", p.Findings, c.codes)
			}
			if !slices.ContainsFunc(p.Findings, func(f schema.Finding) bool { return strings.Contains(f.Message, c.says) }) && c.says != "" {
				t.Errorf("findings %v do not say %q", p.Findings, c.says)
			}
			if c.want == "" {
				if len(p.Steps) > 0 {
					t.Errorf("steps %s, want none", steps(p))
				}
				return
			}
			b.carryOut(objects, p)
			versions, err := b.world.DescribeLaunchTemplateVersions(t.Context(), "lt-1", nil)
			if want := "[" + strings.NewReplacer(": ", ":", ", ", ",").Replace(c.want) + "]"; err != nil || len(versions) < 2 || versions[len(versions)-1].Blocks != want {
				t.Errorf("versions %+v, %v, want the blocks %s", versions, err, want)
			}
		})
	}
}
