package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// TestRetireKilledAtEveryCall: wherever a process dies, the next one ends the
// retirement, and nothing is asked for twice.
func TestRetireKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	r, c, _ := retiring(t)
	plan := func(e *engine.Engine) (planner.Plan, error) { return e.Plan(t.Context(), engine.PlanOptions{}) }
	diesEverywhere(t, r, c, plan)
	r.applyAll(c)
	r.wait(40 * 24 * time.Hour)
	diesEverywhere(t, r, c, plan)
}

// diesEverywhere applies a plan of the rig in a process that dies after each side of a call,
// and goes on in another.
func diesEverywhere(t *testing.T, r rig, c compiler.Result, plan func(*engine.Engine) (planner.Plan, error)) {
	t.Helper()
	p, err := plan(r.engine(c))
	if err != nil || len(p.Steps) == 0 {
		t.Fatalf("%v, %v", ops(p), err)
	}
	whole := r.twin()
	sides := whole.count(fixture{after: c}, p)
	for k := range sides {
		one := r.twin()
		one.dies(fixture{after: c}, p, k)
		one.goOn(c, p)
		if got, want := one.Told(), whole.Told(); !slices.Equal(got, want) {
			t.Fatalf("killed after %d: wrote\n%s\nwant\n%s", k, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if got, want := one.managed(), whole.managed(); got != want {
			t.Fatalf("killed after %d: the world is\n%s\nwant\n%s", k, got, want)
		}
		one.story(fixture{after: c}, p)
		one.settled(c)
	}
	t.Logf("%v: %d sides of calls", ops(p), sides)
}

// TestRetireTakesCopies: a copy of a launch configuration that no group names any more
// goes with its image; a hand-made one keeps it.
func TestRetireTakesCopies(t *testing.T) {
	t.Parallel()
	f := bakingFixture(t)
	f.content = []byte(strings.NewReplacer(`"autoScalingGroups": {`, `"launchConfigurations": {"by-hand": {"image": "ami-00000000000000001", "instanceType": "m5.large"}},
		"autoScalingGroups": {"copied-a": {"desired": 0, "max": 0, "min": 0, "launchConfiguration": "by-hand"},`).Replace(string(f.content)))
	numbered, copied := schema.Address{Kind: "nodePools", Name: "numbered"}, schema.Address{Kind: "nodePools", Name: "copied"}
	r := f.start(t)
	var c compiler.Result
	for _, script := range []string{"one", "two", "three"} {
		c = content(f.after, script)
		pool := c.Desired.Objects[numbered]
		fields := map[string]schema.Value{}
		for p, v := range pool.Fields {
			v.Text = strings.ReplaceAll(v.Text, "numbered-a", "copied-a")
			fields[strings.ReplaceAll(p, "numbered-a", "copied-a")] = v
		}
		pool.Fields = fields
		c.Desired.Objects[copied] = pool
		r.wait(time.Hour)
		r.applyAll(c) // the image is not known yet
		r.applyAll(c)
	}
	copies := func() int { return strings.Count(string(r.Box.Content()), "by-hand-domctl-") }
	before := copies()
	r.applyAll(c)
	r.wait(40 * 24 * time.Hour)
	p := r.plan(c)
	got := ops(p)
	if len(got) < 2 || !strings.HasPrefix(got[0], "autoscaling.DeleteLaunchConfiguration by-hand-domctl-") || !strings.HasPrefix(got[1], "ec2.DeregisterImage") || !slices.Equal(p.Steps[1].After, []string{p.Steps[0].ID}) {
		t.Fatalf("%v\n%v", got, p.Findings)
	}
	diesEverywhere(t, r, c, func(e *engine.Engine) (planner.Plan, error) { return e.Plan(t.Context(), engine.PlanOptions{}) })
	r.applyAll(c)
	if copies() >= before {
		t.Errorf("%d copies, there were %d", copies(), before)
	}
	r.atDesired(fixture{after: c})
}
