package world_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

// withOrganization is a Domino that has an organization beside whom Spark belongs to.
func withOrganization(t *testing.T) *bench {
	t.Helper()
	b := withAPI(t)
	b.change(`"users": [`, `"organizations": [{"_id": {"$oid": "0123456789abcdef000000d1"}, "organizationUserId": {"$oid": "0123456789abcdef000000a2"}}],
		"users": [{"_id": {"$oid": "0123456789abcdef000000a2"}, "loginId": {"id": "labs"}}, {"_id": {"$oid": "0123456789abcdef000000a3"}, "loginId": {"id": "ada"}}, `)
	return b
}

// document is the one environment of a name.
func (b *bench) document(name string) port.Document {
	b.t.Helper()
	docs, err := b.world.Find(context.Background(), port.Query{Collection: "environments_v2", Any: map[string][]string{"name": {schema.JSON(name).Text}}})
	if err != nil || len(docs) != 1 {
		b.t.Fatalf("%d environments are called %s, %v", len(docs), name, err)
	}
	return docs[0]
}

// TestAnEnvironmentIsMade, with its first revision, which becomes active; the next plan is
// empty, and the way back archives it.
func TestAnEnvironmentIsMade(t *testing.T) {
	b := withOrganization(t)
	e := object("environments", "ray", map[string]any{"name": "Ray 2", "owner": "labs", "visibility": "organization", "description": "for training", "dockerfile": "RUN pip install ray==2.9.0",
		"variables.RAY": "/opt", "base.uri": "quay.io/x:1"})
	p := b.apply(e)
	if got := steps(p); len(p.Steps) != 2 || !strings.Contains(got, `domino.create domino/named#0123456789abcdef000000a2/Ray 2`) {
		t.Errorf("steps\n%s", got)
	}
	d := b.document("Ray 2")
	for path, want := range map[string]string{"description": `"for training"`, "visibility": `"Organization"`, "isArchived": "false", "ownerId": `{"$oid":"0123456789abcdef000000a2"}`} {
		if d[path] != want {
			t.Errorf("%s is %s, want %s", path, d[path], want)
		}
	}
	if again := b.plan(e); again.Changed() || !again.Empty() || len(again.Drift) > 0 {
		t.Errorf("the second plan is not empty: %v\n%s", again.Changes, steps(again))
	}
	if n := b.world.Counts().Calls["CreateEnvironment"]; n != 1 {
		t.Errorf("made %d times", n)
	}
	back := b.rollback()
	if got := steps(back); len(back.Steps) != 1 || !strings.HasPrefix(got, "domino.archive") || b.document("Ray 2")["isArchived"] != "true" {
		t.Errorf("the way back is\n%s", got)
	}
	if p := b.plan(e); !slices.Contains(findings(p), "DC297 environments.ray") || len(p.Steps) > 0 {
		t.Errorf("%v\n%s", p.Findings, steps(p))
	}
}

// TestWhatIsBuiltOnANewOne waits for it, and follows it by its id.
func TestWhatIsBuiltOnANewOne(t *testing.T) {
	b := withAPI(t)
	e := all(object("environments", "base", map[string]any{"dockerfile": "RUN base"}),
		object("environments", "follows", map[string]any{"base.environment": "@environments.base#id", "base.rebuildOnBaseChanges": true, "dockerfile": "RUN follows"}),
		object("environments", "Spark", map[string]any{"base.environment": "@environments.base#id"}))
	b.apply(e)
	if again := b.plan(e); again.Changed() || !again.Empty() {
		t.Errorf("the second plan is not empty: %v\n%s", again.Changes, steps(again))
	}
	base := b.definitionOf("base")
	if f := b.definitionOf("follows"); f.Dockerfile != "RUN follows" || f.Follow == "" || base.Follow != "" {
		t.Errorf("%+v", f)
	}
	if d := b.definitionOf("Spark"); d.BaseOf == "" || d.BaseOf != b.definitionOf("follows").BaseOf || d.Follow != "" {
		t.Errorf("%+v", d)
	}
}

// definitionOf the active revision of an environment.
func (b *bench) definitionOf(name string) port.Definition {
	b.t.Helper()
	id := strings.TrimSuffix(strings.TrimPrefix(b.document(name)["activeRevisionId"], `{"$oid":"`), `"}`)
	d, err := b.world.GetDefinition(context.Background(), id)
	if err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	return d
}

// TestAFirstBuildThatFails leaves the environment, which the next plan goes on with.
func TestAFirstBuildThatFails(t *testing.T) {
	b := withAPI(t)
	e := object("environments", "ray", map[string]any{"dockerfile": "RUN exit 3"})
	p := b.plan(e)
	res, err := b.engine(e).Apply(context.Background(), p)
	if err != nil || !strings.Contains(strings.Join(res.Why, " "), "DC366: environment ") {
		t.Fatalf("%+v, %v", res, err)
	}
	fixed := object("environments", "ray", map[string]any{"dockerfile": "RUN true"})
	if res, err := b.engine(fixed).Applier.Supersede(context.Background(), p.ID); err != nil {
		t.Fatalf("%+v, %v", res, err)
	}
	p = b.apply(fixed)
	if got := steps(p); !strings.Contains(got, "domino.build") || b.world.Counts().Calls["CreateEnvironment"] != 1 || b.definitionOf("ray").Dockerfile != "RUN true" {
		t.Errorf("steps\n%s", got)
	}
	if b.rollback(); b.document("ray")["isArchived"] != "false" {
		t.Error("what another apply made is archived")
	}
}

// TestEnvironmentsAreShared by the API, and go back.
func TestEnvironmentsAreShared(t *testing.T) {
	env := "domino/environment#" + sparkID + " "
	for name, c := range map[string]struct {
		fields   map[string]any
		steps    string
		findings []string
	}{
		"global":          {map[string]any{"visibility": "global"}, "domino.share " + env + `visibility="Global"`, nil},
		"owner":           {map[string]any{"owner": "ada"}, "domino.share " + env + `owner="0123456789abcdef000000a3"`, nil},
		"organization":    {map[string]any{"owner": "labs", "visibility": "organization"}, "domino.share " + env + `owner="0123456789abcdef000000a2" visibility="Organization"`, nil},
		"archived":        {map[string]any{"archived": true}, "domino.archive " + env + "archived=true", nil},
		"as it is":        {map[string]any{"owner": "data-org", "visibility": "private", "archived": false}, "", nil},
		"renamed":         {map[string]any{"id": sparkID, "name": "Spark 3"}, `mongo.update mongo/environments_v2#{"$oid":"` + sparkID + `"} name="Spark 3"`, nil},
		"no organization": {map[string]any{"visibility": "organization"}, "", []string{"DC299 environments.Spark"}},
		"nobody":          {map[string]any{"id": sparkID, "owner": "bob"}, "", []string{"DC299 environments.Spark"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := withOrganization(t)
			b.change(`"mongo": {`, `"domino": {"default": "0123456789abcdef000000ff"}, "mongo": {`)
			if c.fields["owner"] != nil {
				c.fields["id"] = sparkID // an environment of that owner would be another one
			}
			e := object("environments", "Spark", c.fields)
			p := b.plan(e)
			if got := steps(p); got != c.steps || !slices.Equal(findings(p), c.findings) {
				t.Errorf("steps\n%s\nwant\n%s\nfindings %v", got, c.steps, p.Findings)
			}
			if c.findings == nil {
				b.settled(e)
			}
		})
	}
}

// TestNamesCollide: no second environment of a name and owner, and none by mistake.
func TestNamesCollide(t *testing.T) {
	b := withOrganization(t)
	b.change(`"environments_v2": [`, `"environments_v2": [{"_id": {"$oid": "0123456789abcdef000000e2"}, "name": "Ray", "ownerId": {"$oid": "0123456789abcdef000000a1"}},
		{"_id": {"$oid": "0123456789abcdef000000e3"}, "name": "Luigi", "ownerId": {"$oid": "0123456789abcdef000000a3"}}, `)
	for name, c := range map[string]struct {
		objects  map[schema.Address]schema.Object
		findings []string
		steps    int
	}{
		"renamed to one that is there": {object("environments", "Spark", map[string]any{"id": sparkID, "name": "Ray"}), []string{"DC295 environments.Spark"}, 0},
		"handed to who has one": {all(object("environments", "Spark", map[string]any{"id": sparkID, "name": "Luigi", "owner": "ada"}),
			object("environments", "luigi", map[string]any{"id": "0123456789abcdef000000e3"})), []string{"DC295 environments.Spark"}, 0},
		"of another owner":  {object("environments", "ray", map[string]any{"name": "Ray", "owner": "ada"}), []string{"DC295 environments.ray"}, 2},
		"of the same owner": {object("environments", "ray", map[string]any{"name": "Ray", "owner": "data-org"}), nil, 0},
		"no such id":        {object("environments", "ray", map[string]any{"id": "0123456789abcdef000000ff"}), []string{"DC238 environments.ray"}, 0},
		"archived":          {object("environments", "new", map[string]any{"archived": true}), []string{"DC297 environments.new"}, 0},
		"a revision":        {object("environments", "new", map[string]any{"activeRevision": 1}), []string{"DC238 environments.new"}, 0},
	} {
		p := b.plan(c.objects)
		if !slices.Equal(findings(p), c.findings) || len(p.Steps) != c.steps {
			t.Errorf("%s: %v\n%s", name, p.Findings, steps(p))
		}
	}
}

// TestARenameIsNoNewEnvironment, also where the key in the files changes.
func TestARenameIsNoNewEnvironment(t *testing.T) {
	first := object("environments", "ray", map[string]any{"name": "Ray", "dockerfile": "RUN true"})
	for name, c := range map[string]struct {
		then     map[schema.Address]schema.Object
		steps    string
		findings []string
	}{
		"name":          {object("environments", "ray", map[string]any{"name": "Ray 2", "dockerfile": "RUN true"}), `name="Ray 2"`, nil},
		"key":           {object("environments", "rays", map[string]any{"name": "Ray", "dockerfile": "RUN true"}), "", nil},
		"both":          {object("environments", "rays", map[string]any{"name": "Ray 2", "dockerfile": "RUN true"}), "", []string{"DC221 environments.ray", "DC296 environments.rays"}},
		"both, as said": {object("environments", "rays", map[string]any{"name": "Ray 2", "dockerfile": "RUN true", "movedFrom": "ray"}), `name="Ray 2"`, nil},
	} {
		b := withAPI(t)
		b.apply(first)
		p := b.plan(c.then)
		if got := steps(p); !slices.Equal(findings(p), c.findings) || !strings.HasSuffix(got, c.steps) || c.steps == "" && got != "" || len(p.Steps) > 1 {
			t.Errorf("%s: %v\n%s", name, p.Findings, got)
		}
		if c.findings == nil {
			b.carryOut(c.then, p)
			if again := b.plan(c.then); again.Changed() {
				t.Errorf("%s: the second plan is not empty: %v", name, again.Changes)
			}
		}
		if n := b.world.Counts().Calls["CreateEnvironment"]; n != 1 {
			t.Errorf("%s: made %d times", name, n)
		}
	}
}

// TestSomebodyMakesItMeanwhile: no second one.
func TestSomebodyMakesItMeanwhile(t *testing.T) {
	b := withAPI(t)
	e := object("environments", "ray", map[string]any{"dockerfile": "RUN true"})
	p := b.plan(e)
	if _, err := b.world.CreateEnvironment(context.Background(), port.NewEnvironment{Name: "ray", Visibility: "Private"}); err != nil {
		t.Fatal(err)
	}
	res, err := b.engine(e).Apply(context.Background(), p)
	if err != nil || !strings.Contains(strings.Join(res.Why, " "), "DC304") || b.world.Counts().Calls["CreateEnvironment"] != 1 {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestAnAnswerThatIsLost makes no second environment.
func TestAnAnswerThatIsLost(t *testing.T) {
	for _, fault := range []string{"lost", "down", "denied", "throttled", "fails"} {
		b := withAPI(t)
		b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "CreateEnvironment", Fault: fault, Times: 1}}})
		e := object("environments", "ray", map[string]any{"dockerfile": "RUN true"})
		p := b.plan(e)
		res, err := b.engine(e).Apply(context.Background(), p)
		if err != nil {
			t.Fatalf("%s: %v", fault, err)
		}
		ends := map[string]bool{"lost": true, "throttled": true}[fault]
		if done := len(res.Why) == 0; done != ends {
			t.Errorf("%s: %+v", fault, res)
		}
		if fault == "denied" || fault == "down" {
			b.open(sandbox.Options{})
			res, err = b.engine(e).Applier.Resume(context.Background(), p.ID)
			if err != nil || len(res.Why) > 0 {
				t.Errorf("%s: %+v, %v", fault, res, err)
			}
		}
		if b.document("ray"); fault != "fails" && b.plan(e).Changed() {
			t.Errorf("%s: the second plan is not empty", fault)
		}
	}
}

// TestTheAPIHidesWhatWasMade: whose key it is may see no part of it, and then nothing is
// made on that ground.
func TestTheAPIHidesWhatWasMade(t *testing.T) {
	b := withAPI(t)
	b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "CreateEnvironment", Fault: "lost"}, {Call: "ListRevisions", Fault: "down", Times: 1}}})
	e := object("environments", "ray", map[string]any{"dockerfile": "RUN true"})
	p := b.plan(e)
	if res, err := b.engine(e).Apply(context.Background(), p); err != nil || len(res.Why) == 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	b.blind = true
	res, err := b.engine(e).Applier.Resume(context.Background(), p.ID)
	if err != nil || !strings.Contains(strings.Join(res.Why, " "), "DC364") || b.world.Counts().Calls["CreateEnvironment"] != 1 {
		t.Errorf("%+v, %v", res, err)
	}
	b.blind = false
	if res, err = b.engine(e).Applier.Resume(context.Background(), p.ID); err != nil || len(res.Why) > 0 {
		t.Errorf("%+v, %v", res, err)
	}
}

// blind is a Domino whose key sees no environment.
type blind struct{ *sandbox.World }

func (blind) ListRevisions(context.Context, string) ([]port.Revision, error) {
	return nil, port.ErrNotFound
}

// TestItWasRenamedWhileItWasMade: it is found by its first revision.
func TestItWasRenamedWhileItWasMade(t *testing.T) {
	b := withAPI(t)
	b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "CreateEnvironment", Fault: "lost"}, {Call: "ListRevisions", Fault: "down", Times: 1}}})
	e := object("environments", "ray", map[string]any{"dockerfile": "RUN true"})
	p := b.plan(e)
	if res, err := b.engine(e).Apply(context.Background(), p); err != nil || len(res.Why) == 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	id := b.document("ray")["_id"]
	if _, err := b.world.UpdateOne(context.Background(), "environments_v2", port.Document{"_id": id}, port.Document{"name": `"Rey"`}, nil); err != nil {
		t.Fatal(err)
	}
	res, err := b.engine(e).Applier.Resume(context.Background(), p.ID)
	if err != nil || len(res.Why) > 0 || b.world.Counts().Calls["CreateEnvironment"] != 1 || b.definitionOf("Rey").Dockerfile != "RUN true" {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestWhoUsesWhatIsArchived is named in the plan.
func TestWhoUsesWhatIsArchived(t *testing.T) {
	for name, archive := range map[string]map[string]any{"by the API": {"archived": true}, "in the database": {"archived": true}} {
		b := withOrganization(t)
		if name == "in the database" {
			b.deployment.Domino.URL = ""
		}
		oid := `{"$oid": "` + sparkID + `"}`
		b.change(`"organizations": [`, `"projects": [{"_id": 1, "name": "fraud\u202e", "overrideV2EnvironmentId": `+oid+`}, {"_id": 2, "name": "churn", "overrideV2EnvironmentId": `+oid+`}],
			"models": [{"_id": 1, "name": "score", "environmentId": "`+sparkID+`"}], "app_versions": [{"_id": {"$oid": "0123456789abcdef000000aa"}, "environmentId": `+oid+`}],
			"scheduler_jobs": [{"_id": 7, "jobDataPlain": {"overrideEnvironmentId": `+oid+`}}], "userPreferences": [{"_id": 1, "userId": {"$oid": "0123456789abcdef000000a3"}, "defaultEnvironmentId": `+oid+`}],
			"workspace": [{"_id": 1, "name": "gone", "state": "Deleted", "configTemplate": {"environmentId": `+oid+`}}, {"_id": 2, "name": "mine", "state": "Started", "configTemplate": {"computeClusterProps": {"computeEnvironmentId": `+oid+`}}}],
			"runs": [{"_id": 3, "environmentId": `+oid+`}, {"_id": 4, "environmentId": `+oid+`, "completed": 1}],
			"organizations": [{"_id": 9, "organizationUserId": {"$oid": "0123456789abcdef000000a2"}, "defaultV2EnvironmentId": `+oid+`}, `)
		e := all(object("environments", "Spark", archive), object("environments", "Child", map[string]any{"base.environment": "@environments.Spark#id"}))
		standard := ""
		if name == "by the API" {
			standard = "1 deployment's default: prod; "
		}
		p := b.plan(e)
		want := "is to be archived, and is used by " + standard + "2 projects: churn, fraud\\u202e; 1 model: score; 1 app version: 0123456789abcdef000000aa; 1 scheduled job: 7; " +
			"1 workspace's cluster: mine; 1 organization's default: labs; 1 user's default: ada; 1 live run: 3; 1 environment on top of it: environments.Child"
		i := slices.IndexFunc(p.Findings, func(f schema.Finding) bool { return f.Code == "DC298" })
		if i < 0 || p.Findings[i].Message != want {
			t.Errorf("%s: %v\nwant %s", name, p.Findings, want)
		}
		b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "Find", Fault: "down", After: 9}}})
		if _, err := b.engine(e).Plan(context.Background(), engine.PlanOptions{}); err == nil {
			t.Errorf("%s: a read that failed is taken for nobody", name)
		}
	}
	b := withAPI(t)
	b.change(`"mongo": {`, `"domino": {"default": "0123456789abcdef000000ff"}, "mongo": {`)
	if p := b.plan(object("environments", "Spark", map[string]any{"archived": true})); len(p.Findings) > 0 {
		t.Errorf("nobody uses it: %v", p.Findings)
	}
}
