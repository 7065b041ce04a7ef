package world_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
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

// savedByHand is a revision that somebody saved in Domino, and made active.
func (b *bench) savedByHand(d port.Definition) {
	b.t.Helper()
	ctx := context.Background()
	id, err := b.world.CreateRevision(ctx, sparkID, d)
	if err == nil {
		_ = b.clock.Sleep(ctx, time.Hour)
		_, err = b.world.GetBuild(ctx, sparkID, id)
	}
	if err == nil {
		err = b.world.SetActiveRevision(ctx, sparkID, id)
	}
	if err != nil {
		b.t.Fatalf("%v", err)
	}
}

// TestWhatPeopleSavedIsCarriedOver: a revision of before, which lacks it, does not take
// its place unseen.
func TestWhatPeopleSavedIsCarriedOver(t *testing.T) {
	b := withAPI(t)
	e := object("environments", "Spark", map[string]any{"base.uri": "quay.io/x:1", "dockerfile": "RUN one"})
	b.apply(e)
	b.savedByHand(port.Definition{Image: "quay.io/x:1", Dockerfile: "RUN hand", PreRun: "echo important", VPN: true})
	b.carryOut(e, b.plan(e))
	d, err := b.world.GetDefinition(context.Background(), b.activeID())
	if err != nil || d.Dockerfile != "RUN one" || d.PreRun != "echo important" || !d.VPN {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestASecretOfBeforeStaysAway: one that changed is built in, also where the revision of
// the last apply is the one to go back to.
func TestASecretOfBeforeStaysAway(t *testing.T) {
	b := withAPI(t)
	b.env["env:PW"] = "canary-old"
	e := object("environments", "Spark", map[string]any{"base.uri": "quay.io/x:1", "dockerfile": "RUN one", "variables.PW": "!env:PW"})
	b.apply(e)
	b.env["env:PW"] = "canary-new"
	if err := b.world.SetActiveRevision(context.Background(), sparkID, "0123456789abcdef000000b2"); err != nil {
		t.Fatal(err)
	}
	b.carryOut(e, b.plan(e))
	if d, err := b.world.GetDefinition(context.Background(), b.activeID()); err != nil || d.Variables["PW"] != "canary-new" {
		t.Errorf("%v, %v", d.Variables, err)
	}
}

// lying is an API that tells another status of one revision, or refuses to tell it.
type lying struct {
	*sandbox.World
	of, status string
	err        error
}

func (l lying) GetBuild(ctx context.Context, env, id string) (port.Build, error) {
	b, err := l.World.GetBuild(ctx, env, id)
	if id == l.of {
		b.Status, err = l.status, l.err
	}
	return b, err
}

// TestNoTwin: one whose build the API calls failed, whose image is gone, or of which
// nobody knows, which the plan says.
func TestNoTwin(t *testing.T) {
	of := func(dockerfile string) map[schema.Address]schema.Object {
		return object("environments", "Spark", map[string]any{"base.uri": "quay.io/x:1", "dockerfile": dockerfile})
	}
	for name, c := range map[string]struct {
		status string
		err    error
		gone   bool
		want   string
	}{
		"failed": {port.BuildFailed, nil, false, ""}, "killed": {port.BuildKilled, nil, false, ""}, "its image is gone": {port.BuildSucceeded, nil, true, ""},
		"nobody knows": {"", port.ErrDenied, false, "DC399"},
	} {
		b := withAPI(t)
		b.apply(of("RUN one"))
		one := b.activeID()
		b.apply(of("RUN two"))
		if c.gone {
			var content map[string]any
			if err := json.Unmarshal(b.memory.Content(), &content); err != nil {
				t.Fatal(err)
			}
			content["registry"] = map[string]any{}
			if err := b.memory.Replace([]byte(schema.JSON(content).Text)); err != nil {
				t.Fatal(err)
			}
		}
		b.api = func(w *sandbox.World) port.Domino { return lying{w, one, c.status, c.err} }
		p := b.plan(of("RUN one"))
		if said := strings.Contains(strings.Join(findings(p), " "), "DC399"); len(p.Steps) != 2 || said != (c.want != "") {
			t.Errorf("%s: %v\n%s", name, findings(p), steps(p))
		}
	}
}

// TestAForgedStep: a tag that somebody makes of the plan, which many see, is not the
// step's; and one that is copied while it builds comes too late.
func TestAForgedStep(t *testing.T) {
	b := withAPI(t)
	e := object("environments", "Spark", map[string]any{"base.uri": "quay.io/x:1", "dockerfile": "RUN one"})
	p := b.plan(e)
	if _, err := b.world.CreateRevision(context.Background(), sparkID, port.Definition{Image: "quay.io/evil:1", Dockerfile: "RUN evil", Tags: []string{schema.TagStep + applier.Token(p.ID, p.Steps[0].ID)[:24]}}); err != nil {
		t.Fatal(err)
	}
	b.carryOut(e, p)
	if d, err := b.world.GetDefinition(context.Background(), b.activeID()); err != nil || d.Dockerfile != "RUN one" {
		t.Errorf("%+v, %v", d, err)
	}
}
