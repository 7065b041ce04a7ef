package world_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// back plans the way back from the last apply.
func (b *bench) back() planner.Plan {
	b.t.Helper()
	e := b.engine(nil)
	ids, err := e.Rollbacks(context.Background(), engine.RollbackOptions{})
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	p, err := e.Rollback(context.Background(), ids[0], engine.RollbackOptions{})
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	return p
}

// change edits the file by hand.
func (b *bench) change(old, new string) {
	b.t.Helper()
	text := string(b.memory.Content())
	if strings.Count(text, old) != 1 {
		b.t.Fatalf("%q is there %d times:\n%s", old, strings.Count(text, old), text)
	}
	if err := b.memory.Replace([]byte(strings.Replace(text, old, new, 1))); err != nil {
		b.t.Fatalf("%v", err)
	}
}

// TestATierInUseIsArchived: what names it would be left without its tier.
func TestATierInUseIsArchived(t *testing.T) {
	tier := object("hardwareTiers", "fresh", map[string]any{"cores": 2})
	for name, c := range map[string]struct{ mongo, want string }{
		"nobody":            {`"runs": [{"_id": 1, "hw": "other"}]`, ""},
		"an executor group": {`"executor_group_configuration": [{"_id": "e1", "hardwareTierId": "fresh"}, {"_id": "e2", "hardwareTierId": "other"}]`, "executor group e1 names it"},
		"runs that ended":   {`"runs": [{"_id": 1, "hw": "fresh", "completed": {"$date": "2026-01-01T00:00:00Z"}}, {"_id": 2, "hw": "fresh"}]`, "2 runs name it"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, `"hardware_tier": [{"_id": "other", "name": "other"}], `+c.mongo, "")
			b.deployment.Executors = "classic"
			b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": "hw"}
			b.apply(tier)
			p := b.back()
			if c.want == "" {
				if len(p.Findings) > 0 || steps(p) != "mongo.delete mongo/hardware_tier#fresh =absent" {
					t.Fatalf("%v\n%s", p.Findings, steps(p))
				}
				return
			}
			if got := steps(p); got != "mongo.update mongo/hardware_tier#fresh flags={\"isArchived\":true}" {
				t.Error(got)
			}
			if len(p.Findings) != 1 || p.Findings[0].Code != "DC425" || !strings.Contains(p.Findings[0].Message, c.want+"; it is archived") {
				t.Errorf("%+v", p.Findings)
			}
			b.carryOut(nil, p)
			if again := b.plan(tier); again.Changed() {
				t.Errorf("planned again:\n%s", steps(again))
			}
		})
	}
}

// TestWhatGroupsStartFromIsKept: a group that the rollback itself switches away
// does not count, any other one does.
func TestWhatGroupsStartFromIsKept(t *testing.T) {
	ref := map[string]any{"ami": "@amis.gpu#image"}
	nothing := func(*bench) error { return nil }
	update := func(u port.GroupUpdate) func(*bench) error {
		return func(b *bench) error { return b.world.UpdateAutoScalingGroup(context.Background(), u) }
	}
	copied := "lc-1-domctl-22222222-" + schema.DigestOf([]string{"lc-1", "ami-22222222"})[:8]
	for name, c := range map[string]struct {
		group string
		edit  func(*bench) error // after the apply
		want  string
	}{
		"a version":                {"lt", nothing, ""},
		"a version, another group": {"lt", update(port.GroupUpdate{Name: "lc2", Template: "lt-1", Version: "4"}), "Auto Scaling group lc2 names it; it stays"},
		"a version, by default": {"lt", func(b *bench) error { return b.world.ModifyLaunchTemplate(context.Background(), "lt-1", 4) },
			"it is the template's default version; it stays"},
		"a default": {"follows", nothing, ""},
		"a version, a node group": {"mixed", func(b *bench) error {
			b.change(`"template": "lt-2", "version": 1}`, `"template": "lt-2", "version": 2}`)
			return nil
		}, "managed node group managed names it; it stays"},
		"a configuration":                  {"lc", nothing, ""},
		"a configuration, another group's": {"lc", update(port.GroupUpdate{Name: "lt", LaunchConfiguration: copied}), "Auto Scaling group lt names it; it stays"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, ``, poolImages+strings.Replace(poolAWS, `"lc2": {"min": 0, "max": 4, "desired": 1, "launchConfiguration": "lc-1"}`, `"lc2": {"min": 0, "max": 4, "desired": 1}`, 1))
			b.apply(pool(asg(c.group), ref))
			if err := c.edit(b); err != nil {
				t.Fatal(err)
			}
			p := b.back()
			var told []string
			for _, f := range p.Findings {
				told = append(told, f.Code+" "+f.Message)
			}
			if said := strings.Join(told, "\n"); c.want == "" && said != "" || !strings.Contains(said, c.want) || strings.Contains(steps(p), ".Delete") != (c.want == "") {
				t.Fatalf("%s\n%s", said, steps(p))
			}
			b.carryOut(nil, p)
		})
	}
}

// TestLookingBackGrowsWithPages: who uses what was made is asked once, not for
// each object that was made.
func TestLookingBackGrowsWithPages(t *testing.T) {
	pages := func(tiers, groups int) int {
		objects := map[schema.Address]schema.Object{}
		for i := range tiers {
			objects = all(objects, object("hardwareTiers", fmt.Sprintf("t%d", i), map[string]any{"cores": 1}))
		}
		var asgs, configs []string
		var pool []schema.Group
		for i := range groups {
			configs = append(configs, fmt.Sprintf(`"lc-%d": {"image": "ami-11111111"}`, i))
			asgs = append(asgs, fmt.Sprintf(`"g%d": {"min": 0, "max": 1, "desired": 0, "launchConfiguration": "lc-%d"}`, i, i))
			pool = append(pool, schema.Group{ASG: fmt.Sprintf("g%d", i)})
		}
		objects = all(objects, gpuImage(), object("nodePools", "p", map[string]any{"groups": pool, "ami": "@amis.gpu#image"}))
		b := newBench(t, `"hardware_tier": []`, poolImages+`"launchConfigurations": {`+strings.Join(configs, ",")+`}, "autoScalingGroups": {`+strings.Join(asgs, ",")+`}`)
		b.deployment.Executors = "classic"
		b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": "hw"}
		b.apply(objects)
		b.clock.now = b.clock.now.Add(time.Hour)
		b.open(sandbox.Options{})
		if p := b.back(); len(p.Steps) != tiers+2*groups {
			t.Fatalf("%d steps", len(p.Steps))
		}
		return b.world.Counts().Total()
	}
	if few, more := pages(5, 2), pages(300, 40); few != 7 || more != 7 {
		t.Errorf("%d pages for 5 tiers and 2 groups, %d for 300 and 40, want 7: tiers, executor groups, runs, groups by name, all groups, configurations, images that were left", few, more)
	}
}
