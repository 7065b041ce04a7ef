package engine_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/schema"
)

// copyIn is the only image of another region.
func copyIn(t *testing.T, aws map[string]any, region string) string {
	t.Helper()
	images := aws["regions"].(map[string]any)[region].(map[string]any)["images"].(map[string]any)
	ids := slices.Sorted(maps.Keys(images))
	if len(ids) != 1 {
		t.Fatalf("images in %s: %v", region, ids)
	}
	return ids[0]
}

// uses are what may come to name a copy in its region.
var uses = map[string]struct {
	edit func(there map[string]any, id string)
	says string
}{
	"default version": {func(there map[string]any, id string) {
		object(there, "launchTemplates", "lt-far", map[string]any{"default": 1, "name": "far", "versions": []any{map[string]any{"image": id, "instanceType": "m5.large", "number": 1}}})
	}, "it is in the default version of launch template lt-far"},
	"launch configuration": {func(there map[string]any, id string) {
		object(there, "launchConfigurations", "far", map[string]any{"image": id, "instanceType": "m5.large"})
		object(there, "autoScalingGroups", "shared-a", map[string]any{"desired": 0, "max": 0, "min": 0, "launchConfiguration": "far"})
	}, "Auto Scaling group shared-a names it"},
	"numbered version": {func(there map[string]any, id string) {
		object(there, "launchTemplates", "lt-far", map[string]any{"default": 2, "name": "far", "versions": []any{map[string]any{"image": id, "instanceType": "m5.large", "number": 1}, map[string]any{"image": "ami-00000000000000001", "instanceType": "m5.large", "number": 2}}})
		object(there, "autoScalingGroups", "far", map[string]any{"desired": 0, "max": 0, "min": 0, "template": "lt-far", "version": "1"})
	}, "Auto Scaling group far names it"},
	"parameter": {func(there map[string]any, id string) {
		there["parameters"] = map[string]any{"/far": id}
		object(there, "launchTemplates", "lt-far", map[string]any{"default": 1, "name": "far", "versions": []any{map[string]any{"image": "resolve:ssm:/far", "instanceType": "m5.large", "number": 1}}})
	}, "it is in the default version of launch template lt-far"},
}

// TestACopyInUseStays: a rollback leaves a copy from which something starts in its
// region, whether it finds that when it is planned or right before the call, and takes
// the rest back.
func TestACopyInUseStays(t *testing.T) {
	f := spreading(t)
	start := f.start(t)
	p := start.plan(f.after)
	start.ended(start.engine(f.after).Apply(t.Context(), p))
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			id := ""
			used := start.changed(func(aws map[string]any) {
				id = copyIn(t, aws, "us-east-1")
				use.edit(aws["regions"].(map[string]any)["us-east-1"].(map[string]any), id)
			})
			used.t = t
			planned := used.twin()
			planned.t = t
			back, err := planned.engine(f.after).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
			if err != nil || !slices.ContainsFunc(back.Findings, func(f schema.Finding) bool {
				return f.Code == "DC425" && strings.Contains(f.Message, id) && strings.Contains(f.Message, use.says+" in us-east-1")
			}) {
				t.Fatalf("%+v, %v", back.Findings, err)
			}
			planned.ended(planned.engine(f.after).Apply(t.Context(), back))
			// planned before it came to be used
			unused := start.twin()
			unused.t = t
			back, err = unused.engine(f.after).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
			if err != nil {
				t.Fatal(err)
			}
			res, err := used.engine(f.after).Apply(t.Context(), back)
			if said := strings.Join(res.Why, "\n"); err != nil || res.Outcome == applier.EndedOutcome || !strings.Contains(said, id+" in us-east-1 is in use: "+use.says) {
				t.Errorf("%+v, %v", res, err)
			}
			for _, r := range []rig{planned, used} {
				if content := string(r.Box.Content()); !strings.Contains(content, `"`+id+`": {`) {
					t.Errorf("%s is gone", id)
				}
			}
		})
	}
}

// TestUsesElsewhereMustBeRead: a read of another region that fails is no absence.
func TestUsesElsewhereMustBeRead(t *testing.T) {
	f := spreading(t)
	r := f.start(t)
	p := r.plan(f.after)
	r.ended(r.engine(f.after).Apply(t.Context(), p))
	for _, call := range []string{"DescribeLaunchTemplates", "DescribeDefaultVersions", "DescribeAutoScalingGroups"} {
		e, err := r.Process(t.Context(), f.after, sim.Options{Holder: "test", Outside: sandbox.Options{Faults: []sandbox.Fault{{Fault: "denied", Call: call, Region: "us-east-1"}}}})
		if err == nil {
			_, err = e.Rollback(t.Context(), p.ID, engine.RollbackOptions{})
		}
		if err == nil || !strings.Contains(err.Error(), call) {
			t.Errorf("%s fails: %v", call, err)
		}
	}
}
