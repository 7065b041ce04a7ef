package world_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
)

// TestWhatStaysOnItsBase is in the plan of the base, and shown by the environment itself.
func TestWhatStaysOnItsBase(t *testing.T) {
	b := withAPI(t)
	b.change(`"environments_v2": [`, `"environments_v2": [{"_id": {"$oid": "0123456789abcdef0000000f"}, "name": "Child", "activeRevisionId": {"$oid": "0123456789abcdef000000f1"}}, `)
	b.change(`"environment_revisions": [`, `"environment_revisions": [{"_id": {"$oid": "0123456789abcdef000000f1"}, "environmentId": {"$oid": "0123456789abcdef0000000f"}, "metadata": {"number": 1, "isBuilt": true}}, `)
	child := object("environments", "Child", map[string]any{"base.environment": "@environments.Spark#id", "dockerfile": "RUN child"})
	e := all(object("environments", "Spark", map[string]any{"dockerfile": "RUN true"}), child)
	p := b.plan(e)
	if got := findings(p); len(got) > 0 {
		t.Errorf("the child is built with its base: %v", got)
	}
	b.carryOut(e, p)
	e = all(object("environments", "Spark", map[string]any{"dockerfile": "RUN second"}), child)
	p = b.plan(e)
	if !slices.Contains(findings(p), "DC737 environments.Child") {
		t.Errorf("%v", p.Findings)
	}
	built := func() *engine.BuiltOn {
		of, err := b.engine(e).Environment(context.Background(), "Child", engine.Look{API: true})
		if err != nil {
			t.Fatal(err)
		}
		return of.BuiltOn
	}
	if on := built(); on == nil || on.Newer || on.Name != "Spark" {
		t.Errorf("%+v", on)
	}
	b.carryOut(e, p)
	if on := built(); on == nil || !on.Newer || !strings.HasSuffix(on.String(), " of Spark, which is not the active one") {
		t.Errorf("%+v", on)
	}
	for _, fields := range []map[string]any{{"base.revision": 4}, {"base.rebuildOnBaseChanges": true}} {
		fields["base.environment"], fields["dockerfile"] = "@environments.Spark#id", "RUN child"
		p := b.plan(all(object("environments", "Spark", map[string]any{"dockerfile": "RUN other"}), object("environments", "Child", fields)))
		if slices.Contains(findings(p), "DC737 environments.Child") {
			t.Errorf("%v: %v", fields, p.Findings)
		}
	}
}

// TestTwoEntriesOfOneName: the entry that has the name is told.
func TestTwoEntriesOfOneName(t *testing.T) {
	b := withAPI(t)
	p := b.plan(all(object("environments", "Spark", map[string]any{"id": sparkID}), object("environments", "other", map[string]any{"name": "Spark", "dockerfile": "RUN true"})))
	told := map[string]string{}
	for _, f := range p.Findings {
		told[f.Code] = f.Message + "; " + f.Hint
	}
	if !strings.Contains(told["DC145"], "environments.Spark has its name: state another name") || told["DC295"] != "" && !strings.HasPrefix(told["DC295"], `environments.Spark is called "Spark" in Domino; state another name`) {
		t.Errorf("%v", told)
	}
}
