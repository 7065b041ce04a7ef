package world_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"domctl.dev/schema"
)

// TestManyEnvironments: 500 in one chain of bases, and in one fan, are built in their
// order, and asked about once.
func TestManyEnvironments(t *testing.T) {
	const many = 500
	for name, base := range map[string]func(n int) int{"chain": func(n int) int { return n - 1 }, "fan": func(int) int { return 0 }} {
		t.Run(name, func(t *testing.T) {
			b, e := manyEnvironments(t, many, base)
			began := time.Now()
			p := b.plan(e)
			if len(p.Steps) != 2*many {
				t.Fatalf("%d steps", len(p.Steps))
			}
			calls := b.world.Counts().Calls
			if calls["GetDefinition"] != many || calls["GetBuild"] != many || calls["ListFollowers"] != many {
				t.Errorf("%v", calls)
			}
			t.Logf("planned in %s", time.Since(began))
			b.carryOut(e, p)
			if again := b.plan(e); again.Changed() {
				t.Errorf("the second plan is not empty: %v", again.Changes[0])
			}
			if calls = b.world.Counts().Calls; calls["CreateRevision"] != many || calls["GetDefinition"] != 2*many {
				t.Errorf("%v", calls)
			}
			t.Logf("applied in %s", time.Since(began))
		})
	}
}

// manyEnvironments is a bench with so many that the files build; base tells which of
// them one is built on, and none where it is nil.
func manyEnvironments(t *testing.T, many int, base func(n int) int) (*bench, map[schema.Address]schema.Object) {
	t.Helper()
	var environments, revisions []string
	e := map[schema.Address]schema.Object{}
	for n := range many {
		environments = append(environments, fmt.Sprintf(`{"_id": {"$oid": "66%022x"}, "name": "e%d", "activeRevisionId": {"$oid": "67%022x"}}`, n, n, n))
		revisions = append(revisions, fmt.Sprintf(`{"_id": {"$oid": "67%022x"}, "environmentId": {"$oid": "66%022x"}, "metadata": {"number": 1, "isBuilt": true}}`, n, n))
		fields := map[string]any{"dockerfile": fmt.Sprintf("RUN echo %d", n)}
		if n > 0 && base != nil {
			fields["base.environment"] = fmt.Sprintf("@environments.e%d#id", base(n))
		}
		maps.Copy(e, object("environments", fmt.Sprintf("e%d", n), fields))
	}
	b := newBench(t, `"environments_v2": [`+strings.Join(environments, ",")+`], "environment_revisions": [`+strings.Join(revisions, ",")+`]`, "")
	b.deployment.Domino.URL = "https://domino.acme.example"
	return b, e
}
