package world_test

import (
	"context"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// again is a plan of what was rolled back too.
func (b *bench) again(objects map[schema.Address]schema.Object) planner.Plan {
	b.t.Helper()
	p, err := b.engine(objects).Plan(context.Background(), engine.PlanOptions{Unlatch: true})
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	return p
}

// onlyActivates says that a plan builds nothing, and says which revision it makes active.
func onlyActivates(t *testing.T, p planner.Plan, number string) {
	t.Helper()
	if len(p.Steps) != 1 || p.Steps[0].Op != "domino.activate" || p.Changes[0].Note != "makes revision "+number+" active again, without a build" {
		t.Errorf("%+v\n%s", p.Changes, steps(p))
	}
}

// TestWhatWasBuiltIsNotBuiltAgain, after a rollback and after a way back in the files.
func TestWhatWasBuiltIsNotBuiltAgain(t *testing.T) {
	b := withAPI(t)
	b.env["env:PW"] = "canary"
	of := func(dockerfile string) map[schema.Address]schema.Object {
		return object("environments", "Spark", map[string]any{"base.uri": "quay.io/x:1", "dockerfile": dockerfile, "variables.PW": "!env:PW"})
	}
	b.apply(of("RUN one")) // revision 4
	b.rollback()
	p := b.again(of("RUN one"))
	onlyActivates(t, p, "4")
	b.carryOut(of("RUN one"), p)
	b.apply(of("RUN two")) // revision 5
	back := b.plan(of("RUN one"))
	onlyActivates(t, back, "4")
	b.carryOut(of("RUN one"), back)
	if n := b.world.Counts().Calls["CreateRevision"]; n != 2 || b.active() != "4" {
		t.Errorf("%d revisions made, revision %s is active", n, b.active())
	}
	if again := b.plan(of("RUN one")); again.Changed() || !again.Empty() {
		t.Errorf("the next plan is not empty: %v\n%s", again.Changes, steps(again))
	}
	b.env["env:PW"] = "another"
	if p := b.plan(of("RUN two")); len(p.Steps) != 2 {
		t.Errorf("a secret of before comes back:\n%s", steps(p))
	}
	forced := of("RUN two")
	forced[schema.EnvironmentAddress("Spark")].Fields["tags"] = schema.JSON([]string{"again"})
	b.env["env:PW"] = "canary"
	if p := b.plan(forced); len(p.Steps) != 2 {
		t.Errorf("a tag forces no build:\n%s", steps(p))
	}
}

// TestWhatIsNotTheSame is built anew: carried over from another revision, or on a base
// that floats.
func TestWhatIsNotTheSame(t *testing.T) {
	for name, c := range map[string]struct{ one, two map[string]any }{
		"carried over": {map[string]any{"base.uri": "quay.io/x:1", "dockerfile": "RUN one"}, map[string]any{"base.uri": "quay.io/x:1", "dockerfile": "RUN two", "scripts.preRun": "echo 2"}},
		"default":      {map[string]any{"base.default": true, "dockerfile": "RUN one"}, map[string]any{"base.default": true, "dockerfile": "RUN two"}},
		"unstated":     {map[string]any{"dockerfile": "RUN one"}, map[string]any{"dockerfile": "RUN two"}},
	} {
		b := withAPI(t)
		b.apply(object("environments", "Spark", c.one))
		b.apply(object("environments", "Spark", c.two))
		if p := b.plan(object("environments", "Spark", c.one)); len(p.Steps) != 2 || p.Changes[0].Note != "" {
			t.Errorf("%s: %+v\n%s", name, p.Changes, steps(p))
		}
	}
}

// TestAnotherBaseIsNotTheSame: of a base that is not pinned, the revision counts.
func TestAnotherBaseIsNotTheSame(t *testing.T) {
	b := withAPI(t)
	of := func(base, child string, more ...string) map[schema.Address]schema.Object {
		fields := map[string]any{"base.environment": "@environments.Spark#id", "dockerfile": child}
		for _, p := range more {
			fields[p] = true
		}
		return all(object("environments", "Spark", map[string]any{"base.uri": "quay.io/x:1", "dockerfile": base}), object("environments", "child", fields))
	}
	b.apply(of("RUN base", "RUN one"))
	b.apply(of("RUN base", "RUN two"))
	if p := b.plan(of("RUN base", "RUN one")); len(p.Steps) != 1 || !strings.Contains(schema.JSON(p.Steps[0].Expects).Text, "domino/environment#"+sparkID) {
		t.Errorf("on the same base:\n%s", schema.JSON(p.Steps).Text)
	}
	if p := b.plan(of("RUN another base", "RUN one")); len(p.Steps) != 4 {
		t.Errorf("with a base that changes:\n%s", steps(p))
	}
	b.apply(of("RUN another base", "RUN two"))
	if p := b.plan(of("RUN another base", "RUN one")); len(p.Steps) != 2 {
		t.Errorf("on another base:\n%s", steps(p))
	}
	b.apply(of("RUN another base", "RUN one", "base.rebuildOnBaseChanges"))
	b.apply(of("RUN another base", "RUN two", "base.rebuildOnBaseChanges"))
	if p := b.plan(of("RUN another base", "RUN one", "base.rebuildOnBaseChanges")); len(p.Steps) != 2 {
		t.Errorf("one that follows:\n%s", steps(p))
	}
}

// TestTheNewestAreLookedAt, 50 at most, of an environment that the records know.
func TestTheNewestAreLookedAt(t *testing.T) {
	b := withAPI(t)
	e := object("environments", "Spark", map[string]any{"base.uri": "quay.io/x:1", "dockerfile": "RUN one"})
	for range 60 {
		if _, err := b.world.CreateRevision(context.Background(), sparkID, port.Definition{}); err != nil {
			t.Fatal(err)
		}
	}
	if b.plan(e); b.world.Counts().Calls["GetBuild"] > 2 {
		t.Errorf("asked before domctl had anything built: %v", b.world.Counts().Calls)
	}
	b.apply(e)
	before := b.world.Counts().Calls["GetBuild"]
	b.plan(object("environments", "Spark", map[string]any{"base.uri": "quay.io/x:1", "dockerfile": "RUN two"}))
	if n := b.world.Counts().Calls["GetBuild"] - before; n != 50 {
		t.Errorf("asked %d times", n)
	}
}

// TestACopiedTagIsNoTwin: what a revision holds decides, not the tag that anybody may copy.
func TestACopiedTagIsNoTwin(t *testing.T) {
	b := withAPI(t)
	of := func(dockerfile string) map[schema.Address]schema.Object {
		return object("environments", "Spark", map[string]any{"base.uri": "quay.io/x:1", "dockerfile": dockerfile})
	}
	b.apply(of("RUN one"))
	ctx := context.Background()
	made, err := b.world.GetBuild(ctx, sparkID, b.activeID())
	if err != nil {
		t.Fatal(err)
	}
	b.apply(of("RUN two"))
	copied, err := b.world.CreateRevision(ctx, sparkID, port.Definition{Image: "quay.io/x:1", Dockerfile: "RUN evil", Tags: made.Tags})
	if err != nil {
		t.Fatal(err)
	}
	for status := ""; status != port.BuildSucceeded; {
		at, err := b.world.GetBuild(ctx, sparkID, copied)
		if err != nil {
			t.Fatal(err)
		}
		status = at.Status
	}
	onlyActivates(t, b.plan(of("RUN one")), "4")
}
