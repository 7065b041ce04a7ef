package world_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestPoolsLeaveLaunchConfigurations for a template that is made of theirs, one for all
// groups of a pool that share it.
func TestPoolsLeaveLaunchConfigurations(t *testing.T) {
	up := pool(asg("lc"), map[string]any{"launch": "launchTemplate"})
	_, rest, _ := strings.Cut(steps(newBench(t, "", poolImages+poolAWS).plan(up)), "ec2/named#")
	name, _, _ := strings.Cut(rest, " ")
	makes := "ec2.CreateLaunchTemplate ec2/named#" + name + ` =true image="%s"`
	moves := "autoscaling.UpdateAutoScalingGroup asg/group#%s launchConfiguration=\"\" template=out nodePools.gpu/ec2.CreateLaunchTemplate/" + name + `#template version="1"`
	for text, c := range map[string]struct {
		pool     map[schema.Address]schema.Object
		steps    []string
		findings []string
	}{
		"both groups": {pool(asg("lc", "lc2"), map[string]any{"launch": "launchTemplate"}),
			[]string{fmt.Sprintf(moves, "lc"), fmt.Sprintf(moves, "lc2"), fmt.Sprintf(makes, "ami-11111111")}, []string{"DC851 nodePools.gpu"}},
		"with an image": {pool(asg("lc"), map[string]any{"launch": "launchTemplate", "ami": "@amis.gpu#image"}),
			[]string{fmt.Sprintf(moves, "lc"), fmt.Sprintf(makes, "ami-22222222")}, []string{"DC851 nodePools.gpu"}},
		"on a template": {pool([]schema.Group{{ASG: "lt"}, {NodeGroup: "managed"}}, map[string]any{"launch": "launchTemplate"}), nil, nil},
		"of Terraform":  {pool(asg("lc"), map[string]any{"launch": "launchTemplate", "owner.ami": "terraform"}), nil, []string{"DC239 nodePools.gpu"}},
		"a special one": {all(object("nodePools", "gpu", map[string]any{"groups": asg("lc"), "launch": "launchTemplate", "ami": "ami-22222222"})), nil, []string{"DC232 nodePools.gpu"}},
	} {
		t.Run(text, func(t *testing.T) {
			b := newBench(t, "", poolImages+poolAWS)
			p := b.plan(c.pool)
			if got, want := steps(p), strings.Join(c.steps, "\n"); got != want {
				t.Errorf("steps\n%s\nwant\n%s", got, want)
			}
			if got := findings(p); !slices.Equal(got, c.findings) {
				t.Errorf("findings %v, want %v", p.Findings, c.findings)
			}
			if len(c.steps) > 0 {
				b.settled(c.pool)
			}
		})
	}
	taken := func(n int) string {
		var templates []string
		for i, end := range []string{"", "-2", "-3", "-4"}[:n] {
			templates = append(templates, fmt.Sprintf(`"lt-9%d": {"name": %q, "default": 1, "versions": [{"number": 1, "image": "ami-11111111", "instanceType": "m5.large"}]}`, i, name+end))
		}
		return poolImages + strings.Replace(poolAWS, `"launchTemplates": {`, `"launchTemplates": {`+strings.Join(templates, ", ")+", ", 1)
	}
	if got := steps(newBench(t, "", taken(1)).plan(up)); !strings.Contains(got, "ec2/named#"+name+"-2 ") {
		t.Errorf("a stranger's template is taken for ours:\n%s", got)
	}
	if p := newBench(t, "", taken(4)).plan(up); steps(p) != "" || !slices.Equal(findings(p), []string{"DC850 nodePools.gpu"}) {
		t.Errorf("with no name left: %v\n%s", p.Findings, steps(p))
	}
}
