package engine_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
)

// farRetiring is a machine on which three images were baked, each with two copies: what
// is planned there next takes the first away. first is that, and its copies, by region.
func farRetiring(t *testing.T) (r rig, c compiler.Result, first map[string]string) {
	t.Helper()
	for n, script := range []string{"one", "two", "three"} {
		f := changed(t, "spreading", `share: ["210987654321", "111122223333"]`, "retain: count: 1", "connect: ssm: true", "connect: ssm: true\n\t\tscripts: [\"echo "+script+"\"]")
		if c = f.after; n == 0 {
			r = f.start(t)
		}
		r.wait(time.Hour)
		r.applyAll(c)
		if n == 0 {
			first = map[string]string{"eu-west-1": r.stands(c)}
			aws := r.aws()
			for _, region := range []string{"eu-central-1", "us-east-1"} {
				first[region] = copyIn(t, aws, region)
			}
		}
	}
	return r, c, first
}

// aws is the sandbox's file.
func (r rig) aws() map[string]any {
	r.t.Helper()
	var content map[string]map[string]any
	if err := json.Unmarshal(r.Box.Content(), &content); err != nil {
		r.t.Fatal(err)
	}
	return content["aws"]
}

func gone(first map[string]string, op string) (want []string) {
	for region, id := range first {
		if region != "eu-west-1" {
			id = region + "/" + id
		}
		want = append(want, op+" "+id)
	}
	slices.Sort(want)
	return want
}

func sorted(list []string) []string { slices.Sort(list); return list }

// TestRetireTakesCopiesElsewhere: copies in other regions go with what they are copies
// of, deprecated first, with their snapshots.
func TestRetireTakesCopiesElsewhere(t *testing.T) {
	r, c, first := farRetiring(t)
	if got := sorted(ops(r.plan(c))); !slices.Equal(got, gone(first, "ec2.EnableImageDeprecation")) {
		t.Fatalf("%v", got)
	}
	p := r.applyAll(c)
	r.atDesired(fixture{after: c})
	back := r.twin()
	plan, err := back.engine(c).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	back.ended(back.engine(c).Apply(t.Context(), plan))
	if strings.Contains(string(back.Box.Content()), `"deprecat`) {
		t.Error("something is deprecated still")
	}
	r.wait(31 * 24 * time.Hour)
	images := slices.DeleteFunc(ops(r.plan(c)), func(s string) bool { return !strings.Contains(s, "Image") }) // launch configurations go too
	if got := sorted(images); !slices.Equal(got, gone(first, "ec2.DeregisterImage")) {
		t.Fatalf("%v", got)
	}
	r.applyAll(c)
	r.atDesired(fixture{after: c})
	for region, id := range first {
		if strings.Contains(string(r.Box.Content()), `"`+id+`": {`) {
			t.Errorf("%s is in %s still", id, region)
		}
	}
}

// TestRetireKeepsCopiesInUse: whatever names a copy in its region keeps it there, when
// the plan is made and when only the apply finds it; the others go.
func TestRetireKeepsCopiesInUse(t *testing.T) {
	r, c, first := farRetiring(t)
	id := first["us-east-1"]
	all := maps.Clone(uses)
	all["instance"] = struct {
		edit func(there map[string]any, id string)
		says string
	}{func(there map[string]any, id string) {
		object(there, "instances", "i-0123456789abcdef0", map[string]any{"image": id, "state": "stopped"})
	}, "instance i-0123456789abcdef0 is stopped"}
	all["configuration of an apply's name"] = struct {
		edit func(there map[string]any, id string)
		says string
	}{func(there map[string]any, id string) {
		for name := range r.aws()["launchConfigurations"].(map[string]any) { // no group there names it
			object(there, "launchConfigurations", name, map[string]any{"image": id, "instanceType": "m5.large"})
		}
	}, " names it"}
	for name, use := range all {
		t.Run(name, func(t *testing.T) {
			before := r.twin()
			before.t = t
			p := before.plan(c)
			after := before.changed(func(aws map[string]any) {
				use.edit(aws["regions"].(map[string]any)["us-east-1"].(map[string]any), id)
			})
			after.t = t
			kept := after.plan(c)
			if got := spoken(kept, id); len(kept.Steps) != 2 || !strings.Contains(got, "the copy in us-east-1") || !strings.Contains(got, use.says) {
				t.Fatalf("%v; %q, want %q", ops(kept), got, use.says)
			}
			res, err := after.engine(c).Apply(t.Context(), p) // planned before that
			if said := strings.Join(res.Why, "\n"); err != nil || res.Outcome == applier.EndedOutcome || !strings.Contains(said, id+" in us-east-1 is in use") {
				t.Errorf("%+v, %v", res, err)
			}
			if slices.ContainsFunc(after.Told(), func(s string) bool { return strings.HasPrefix(s, "EnableImage") && strings.Contains(s, id) }) {
				t.Errorf("it was taken away all the same: %v", after.Told())
			}
		})
	}
	for _, call := range []string{"DescribeImages", "DescribeInstances", "DescribeLaunchTemplates", "DescribeDefaultVersions", "DescribeAutoScalingGroups", "DescribeLaunchConfigurations", "DescribeLaunchPermission"} {
		e, err := r.Process(t.Context(), c, sim.Options{Holder: "test", Outside: sandbox.Options{Faults: []sandbox.Fault{{Fault: "denied", Call: call, Region: "us-east-1"}}}})
		if err == nil {
			_, err = e.Plan(t.Context(), engine.PlanOptions{})
		}
		if err == nil || !strings.Contains(err.Error(), call) {
			t.Errorf("%s fails: %v", call, err)
		}
	}
}

// TestRetireCopiesKilled: wherever a process dies, the next one ends it.
func TestRetireCopiesKilled(t *testing.T) {
	t.Parallel()
	r, c, _ := farRetiring(t)
	plan := func(e *engine.Engine) (planner.Plan, error) { return e.Plan(t.Context(), engine.PlanOptions{}) }
	r.applyAll(c)
	r.wait(40 * 24 * time.Hour)
	diesEverywhere(t, r, c, plan)
}
