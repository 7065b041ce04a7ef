package world_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"domctl.dev/schema"
)

// TestPlansOfManyAMIChanges: what a plan takes grows with the tiers whose AMI
// changes, waits its turn, or is left alone, not with their square.
func TestPlansOfManyAMIChanges(t *testing.T) {
	taken := func(n int) float64 {
		wanted, b := manyClassicTiers(t, n)
		b.plan(wanted) // what is made once
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p := b.plan(wanted)
		runtime.ReadMemStats(&after)
		if len(p.Steps) != n/2 || len(p.Findings) == 0 {
			t.Fatalf("%d steps and %d findings, want %d steps", len(p.Steps), len(p.Findings), n/2)
		}
		return float64(after.TotalAlloc - before.TotalAlloc)
	}
	if few, many := taken(100), taken(800); many > 10*few {
		t.Errorf("a plan of 800 tiers takes %.0f bytes, %.1f times what one of 100 does", many, many/few)
	}
}

// TestPlansOfManyEnvironments: whether a name is another environment's is looked up, not
// looked for among all of them. Least times of three, of sixteen times as many: a look through
// all takes some two hundred times as long.
func TestPlansOfManyEnvironments(t *testing.T) {
	taken := func(n int) time.Duration {
		var docs []string
		wanted := []map[schema.Address]schema.Object{}
		for i := range n {
			docs = append(docs, fmt.Sprintf(`{"_id": {"$oid": "%024x"}, "name": "e%[1]d", "visibility": "Private", "description": "old", "isArchived": false}`, i+1))
			wanted = append(wanted, object("environments", fmt.Sprintf("e%d", i+1), map[string]any{"name": fmt.Sprintf("e%d", i+1), "summary": "new", "description": "new"}))
		}
		b := newBench(t, `"environments_v2": [`+strings.Join(docs, ", ")+`]`, "")
		files, least := all(wanted...), time.Hour
		for range 3 {
			began := time.Now()
			if p := b.plan(files); len(p.Changes) != n {
				t.Fatalf("%d changes, want %d", len(p.Changes), n)
			}
			least = min(least, time.Since(began))
		}
		return least
	}
	if few, many := taken(500), taken(8000); many > 80*few {
		t.Errorf("a plan of 8000 environments takes %s, %.1f times what one of 500 does", many, float64(many)/float64(few))
	} else {
		t.Logf("%s and %s", few, many)
	}
}

// manyClassicTiers are tiers that all are to get another image: a half stands on
// one that may be replaced, the others on one that nobody speaks of.
func manyClassicTiers(t *testing.T, n int) (map[schema.Address]schema.Object, *bench) {
	var tiers, groups, names []string
	wanted := []map[schema.Address]schema.Object{}
	for i := range n {
		name := fmt.Sprintf("tier-%04d", i)
		stands := "ami-11111111"
		if i%2 == 1 {
			stands = "ami-99999999"
		}
		tiers = append(tiers, fmt.Sprintf(`{"_id": %q, "name": %[1]q}`, name))
		groups = append(groups, fmt.Sprintf(`{"_id": {"$oid": "%024x"}, "hardwareTierId": %q, "executorImage": %q}`, i+1, name, stands))
		wanted = append(wanted, object("hardwareTiers", name, map[string]any{"ami": "@amis.executor#id"}))
		names = append(names, fmt.Sprintf("%q", name))
	}
	rollout := schema.Value{Is: schema.Known, Text: `[{"tiers":[` + names[0] + `]},{"tiers":[` + strings.Join(names[1:], ",") + `]}]`}
	executor := object("amis", "executor", map[string]any{"find.name": "b", "image": "ami-22222222", "replaces": []string{"ami-11111111"}})
	for _, o := range executor {
		o.Fields["rollout"] = rollout
	}
	b := newBench(t, `"hardware_tier": [`+strings.Join(tiers, ", ")+`], "executor_group_configuration": [`+strings.Join(groups, ", ")+`]`, classicImages)
	b.deployment.Executors = "classic"
	return all(append(wanted, executor)...), b
}
