package world_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/schema"
)

const poolAWS = `"autoScalingGroups": {
		"lt": {"min": 0, "max": 4, "desired": 1, "template": "lt-1", "version": "2"},
		"follows": {"min": 0, "max": 4, "desired": 1, "template": "lt-1"},
		"follows2": {"min": 0, "max": 4, "desired": 1, "template": "lt-1", "version": "$Default"},
		"latest": {"min": 0, "max": 4, "desired": 1, "template": "lt-1", "version": "$Latest"},
		"mixed": {"min": 0, "max": 4, "desired": 1, "template": "lt-2", "version": "1", "mixed": true, "instanceTypes": ["m5.large", "m5a.large"]},
		"lc": {"min": 0, "max": 4, "desired": 1, "launchConfiguration": "lc-1"},
		"lc2": {"min": 0, "max": 4, "desired": 1, "launchConfiguration": "lc-1"}},
	"launchTemplates": {"lt-1": {"name": "one", "default": 1, "versions": [
			{"number": 1, "image": "ami-11111111", "instanceType": "m5.large", "blocks": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-1"}}]},
			{"number": 2, "image": "ami-11111111", "instanceType": "m5.large", "blocks": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-1"}}]},
			{"number": 3, "image": "ami-11111111", "instanceType": "m5.large"}]},
		"lt-2": {"name": "two", "default": 1, "versions": [{"number": 1, "image": "ami-11111111", "instanceType": "m5.large"}]}},
	"launchConfigurations": {"lc-1": {"image": "ami-11111111", "instanceType": "m5.large", "data": {"UserData": "x"}}},
	"nodeGroups": {"acme": {"managed": {"min": 0, "max": 4, "desired": 1, "template": "lt-2", "version": 1}}}`

const poolImages = `"images": {"ami-11111111": {"name": "a", "architecture": "x86_64"}, "ami-22222222": {"name": "b", "architecture": "x86_64"}}, `

// gpuImage may take the place of what the groups stand on.
func gpuImage() map[schema.Address]schema.Object {
	return object("amis", "gpu", map[string]any{"find.name": "b", "image": "ami-22222222", "replaces": []string{"ami-11111111"}})
}

func pool(groups []schema.Group, fields map[string]any) map[schema.Address]schema.Object {
	fields["groups"] = groups
	return all(gpuImage(), object("nodePools", "gpu", fields))
}

func asg(names ...string) (groups []schema.Group) {
	for _, n := range names {
		groups = append(groups, schema.Group{ASG: n})
	}
	return groups
}

func TestNodePools(t *testing.T) {
	copied := "lc-1-domctl-22222222-"
	for name, c := range map[string]struct {
		pool     map[schema.Address]schema.Object
		steps    []string
		findings []string
	}{
		"as it is": {pool(asg("lt", "lc"), map[string]any{"size.max": 4, "expect.instanceTypes": []string{"m5.large"}}), nil, nil},
		"a version": {pool(asg("lt"), map[string]any{"ami": "@amis.gpu#image"}), []string{
			"autoscaling.UpdateAutoScalingGroup asg/group#lt version=out nodePools.gpu/ec2.CreateLaunchTemplateVersion/lt-1/2/ami-22222222#version",
			"ec2.CreateLaunchTemplateVersion ec2/template#lt-1"}, []string{"DC251 nodePools.gpu"}},
		"the default": {pool(asg("follows"), map[string]any{"ami": "@amis.gpu#image"}), []string{
			"ec2.CreateLaunchTemplateVersion ec2/template#lt-1",
			"ec2.ModifyLaunchTemplate ec2/template#lt-1 default=out nodePools.gpu/ec2.CreateLaunchTemplateVersion/lt-1/1/ami-22222222#version"}, []string{"DC245 nodePools.gpu", "DC251 nodePools.gpu"}},
		"mixed": {pool(asg("mixed"), map[string]any{"ami": "@amis.gpu#image"}), []string{
			"autoscaling.UpdateAutoScalingGroup asg/group#mixed version=out nodePools.gpu/ec2.CreateLaunchTemplateVersion/lt-2/1/ami-22222222#version",
			"ec2.CreateLaunchTemplateVersion ec2/template#lt-2"}, nil},
		"one copy for two groups": {pool(asg("lc", "lc2"), map[string]any{"ami": "@amis.gpu#image"}), []string{
			"autoscaling.CopyLaunchConfiguration asg/config#" + copied + ` =true image="ami-22222222"`,
			"autoscaling.UpdateAutoScalingGroup asg/group#lc launchConfiguration=\"" + copied + `"`,
			"autoscaling.UpdateAutoScalingGroup asg/group#lc2 launchConfiguration=\"" + copied + `"`}, []string{"DC810 nodePools.gpu"}},
		"sizes":               {pool([]schema.Group{{ASG: "lt"}, {NodeGroup: "managed"}}, map[string]any{"size.max": 5}), []string{"autoscaling.UpdateAutoScalingGroup asg/group#lt max=5", "eks.UpdateNodegroupConfig eks/nodegroup#acme/managed max=5"}, nil},
		"desired moves along": {pool(asg("lt"), map[string]any{"size.min": 2}), []string{"autoscaling.UpdateAutoScalingGroup asg/group#lt desired=2 min=2"}, []string{"DC213 nodePools.gpu"}},
		"sizes that clash":    {pool(asg("lt"), map[string]any{"size.min": 9}), nil, []string{"DC212 nodePools.gpu"}},
		"null size":           {pool(asg("lt"), map[string]any{"size.max": nil}), nil, []string{"DC249 nodePools.gpu"}},
		"latest":              {pool(asg("latest"), map[string]any{"ami": "@amis.gpu#image"}), nil, []string{"DC243 nodePools.gpu"}},
		"managed":             {pool([]schema.Group{{NodeGroup: "managed"}}, map[string]any{"ami": "@amis.gpu#image"}), nil, []string{"DC241 nodePools.gpu"}},
		"special":             {all(object("nodePools", "gpu", map[string]any{"groups": asg("lt"), "ami": "ami-22222222"})), nil, []string{"DC232 nodePools.gpu"}},
		"no image":            {pool(asg("lt"), map[string]any{"ami": "ami-33333333"}), nil, []string{"DC236 nodePools.gpu"}},
		"no group":            {pool(asg("lt", "none"), map[string]any{"size.max": 4}), nil, []string{"DC143 nodePools.gpu"}},
		"another type":        {pool(asg("mixed"), map[string]any{"expect.instanceTypes": []string{"m5.large"}}), nil, []string{"DC211 nodePools.gpu"}},
		"terraform":           {pool(asg("lt"), map[string]any{"size.max": 9, "owner.size": "terraform"}), nil, []string{"DC239 nodePools.gpu"}},
		"observed beside": {pool(asg("lt"), map[string]any{"size.max": 5, "ami": "@amis.gpu#image", "owner.ami": "observe"}),
			[]string{"autoscaling.UpdateAutoScalingGroup asg/group#lt max=5"}, []string{"DC239 nodePools.gpu"}},
		"two pools, one group": {all(pool(asg("lt"), map[string]any{}), object("nodePools", "q", map[string]any{"groups": asg("lt")})), nil, []string{"DC145 nodePools.q"}},
		"two pools, one default": {all(pool(asg("follows"), map[string]any{"ami": "ami-11111111"}), object("nodePools", "q", map[string]any{"groups": asg("follows2"), "ami": "ami-11111111"})),
			nil, nil},
		"two pools, one of which moves it": {all(pool(asg("follows"), map[string]any{"ami": "ami-11111111"}), object("nodePools", "q", map[string]any{"groups": asg("follows2"), "ami": "@amis.gpu#image"})),
			[]string{"ec2.CreateLaunchTemplateVersion ec2/template#lt-1",
				"ec2.ModifyLaunchTemplate ec2/template#lt-1 default=out nodePools.q/ec2.CreateLaunchTemplateVersion/lt-1/1/ami-22222222#version"}, []string{"DC145 nodePools.q", "DC245 nodePools.q", "DC251 nodePools.q"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "", poolImages+poolAWS)
			p := b.plan(c.pool)
			got := steps(p)
			if i := strings.Index(got, copied); i >= 0 {
				got = strings.ReplaceAll(got, got[i:i+len(copied)+8], copied)
			}
			if want := strings.Join(c.steps, "\n"); got != want {
				t.Errorf("steps\n%s\nwant\n%s", got, want)
			}
			if got := findings(p); !slices.Equal(got, c.findings) {
				t.Errorf("findings %v, want %v", p.Findings, c.findings)
			}
			if len(c.steps) > 0 && !slices.Contains(findings(p), "DC145 nodePools.q") && name != "observed beside" {
				b.settled(c.pool)
			}
		})
	}
}

func TestTerraformIsToldWhatToChange(t *testing.T) {
	b := newBench(t, "", poolImages+poolAWS)
	p := b.plan(pool([]schema.Group{{ASG: "lt"}, {NodeGroup: "managed"}}, map[string]any{"ami": "@amis.gpu#image", "size.desired": 2, "owner.ami": "terraform", "owner.size": "terraform"}))
	want := []string{`lt: image_id = "ami-22222222" (is ami-11111111)`, `lt: desired_capacity = 2 (is 1)`, `/managed: desired_size = 2 (is 1)`}
	for _, w := range want {
		if len(p.Findings) != 2 || p.Findings[1].Code != "DC852" || !strings.Contains(p.Findings[0].Message, w) {
			t.Errorf("%v does not say %s", p.Findings, w)
		}
	}
}

func TestTheNameOfACopy(t *testing.T) {
	groups := asg("lc")
	up, down := pool(groups, map[string]any{"ami": "@amis.gpu#image"}), pool(groups, map[string]any{"ami": "ami-11111111"})
	b := newBench(t, "", poolImages+poolAWS)
	b.apply(up)
	b.apply(down)
	if got := steps(b.apply(up)); strings.Contains(got, "Copy") {
		t.Errorf("the copy that is there already is made again: %s", got)
	}

	b = newBench(t, "", poolImages+poolAWS)
	name := copyName(steps(b.plan(up)))
	taken := fmt.Sprintf(`"launchConfigurations": {%q: {"image": "ami-77777777", "instanceType": "m5.large"}, `, name)
	b = newBench(t, "", poolImages+strings.Replace(poolAWS, `"launchConfigurations": {`, taken, 1))
	if got := copyName(steps(b.settled(up))); got != name+"-2" {
		t.Errorf("a stranger's name: %s", got)
	}

	long := strings.Repeat("x", 255)
	b = newBench(t, "", poolImages+strings.ReplaceAll(poolAWS, "lc-1", long))
	if got := copyName(steps(b.settled(up))); len(got) != 255 || !strings.Contains(got, "-domctl-22222222-") {
		t.Errorf("%d characters: %s", len(got), got)
	}
}

// copyName is the configuration that the steps make.
func copyName(steps string) string {
	_, rest, _ := strings.Cut(steps, "autoscaling.CopyLaunchConfiguration asg/config#")
	name, _, _ := strings.Cut(rest, " ")
	return name
}

// TestASizeThatTheAutoscalerSet since the apply is left by a rollback, which puts the bounds
// back; one beyond those is a conflict.
func TestASizeThatTheAutoscalerSet(t *testing.T) {
	for live, want := range map[string]string{"1": "DC845", "3": "DC845", "5": "DC420", "6": ""} {
		b := newBench(t, `"hardware_tier": [{"_id": "t", "name": "t"}]`, poolImages+poolAWS)
		b.apply(pool(asg("lt"), map[string]any{"size.max": 6, "size.desired": 6}))
		if live != "6" {
			b.change(`"desired": 6`, `"desired": `+live)
		}
		p := b.back()
		var codes []string
		for _, f := range p.Findings {
			codes = append(codes, f.Code)
		}
		if got := strings.Join(codes, " "); got != want {
			t.Errorf("%s: %s, want %s\n%s", live, got, want, steps(p))
		}
		if got := steps(p); want == "DC845" && got != "autoscaling.UpdateAutoScalingGroup asg/group#lt max=4" {
			t.Errorf("%s: %s", live, got)
		}
	}
}

// TestNodesOfAnotherImage are a difference of a pool that rolls: its nodes are replaced, and
// nothing is switched. Those of the wanted image are none.
func TestNodesOfAnotherImage(t *testing.T) {
	live := strings.Replace(poolAWS, `"lt": {"min": 0,`, `"lt": {"launches": true, "members": {"i-1": {"template": "lt-1", "version": "1"}}, "min": 0,`, 1)
	for image, want := range map[string]string{"ami-22222222": "roll.group asg/group#lt", "ami-11111111": ""} {
		for _, roll := range []bool{true, false} {
			b := newBench(t, `"hardware_tier": [{"_id": "t", "name": "t"}]`, poolImages+live+`, "instances": {"i-1": {"image": "`+image+`", "type": "m5.large"}}`)
			fields := map[string]any{"size.max": 4}
			if roll {
				fields["roll"] = schema.Roll{Strategy: schema.Surge}
			}
			p := b.plan(pool(asg("lt"), fields))
			if got := steps(p); roll && got != want || !roll && got != "" {
				t.Errorf("%s, roll %v: %s", image, roll, got)
			}
			for _, c := range p.Changes {
				if c.Address.Kind == "nodePools" && want != "" && roll && (c.Reason != "nodes are of another image than their group starts" || c.Fields[0].Before.Str() != image) {
					t.Errorf("%+v", c)
				}
			}
		}
	}
}
