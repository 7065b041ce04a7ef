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

// standards is a world of two environments, two organizations, and projects of three
// owners of whom one chose a default.
func standards(t tester) *bench {
	t.Helper()
	b := newBench(t, `"environments_v2": [{"_id": {"$oid": "660000000000000000000001"}, "name": "One", "visibility": "Global"}, {"_id": {"$oid": "660000000000000000000002"}, "name": "Two", "visibility": "Global"}],
		"users": [{"_id": {"$oid": "680000000000000000000001"}, "loginId": {"id": "ada"}}, {"_id": {"$oid": "680000000000000000000002"}, "loginId": {"id": "labs"}}, {"_id": {"$oid": "680000000000000000000003"}, "loginId": {"id": "deployment"}}],
		"organizations": [{"_id": {"$oid": "690000000000000000000001"}, "organizationUserId": {"$oid": "680000000000000000000002"}, "defaultV2EnvironmentId": {"$oid": "660000000000000000000001"}, "mine": 1},
			{"_id": {"$oid": "690000000000000000000002"}, "organizationUserId": {"$oid": "680000000000000000000003"}}],
		"projects": [{"_id": 1, "ownerId": {"$oid": "680000000000000000000001"}}, {"_id": 2, "ownerId": {"$oid": "680000000000000000000002"}, "overrideV2EnvironmentId": null}, {"_id": 3, "ownerId": {"$oid": "680000000000000000000002"}, "overrideV2EnvironmentId": {"$oid": "660000000000000000000001"}},
			{"_id": 4, "ownerId": {"$oid": "680000000000000000000004"}}, {"_id": 5, "ownerId": {"$oid": "680000000000000000000001"}}, {"_id": 6, "ownerId": {"$oid": "680000000000000000000003"}}],
		"userPreferences": [{"_id": 1, "userId": {"$oid": "680000000000000000000004"}, "defaultEnvironmentId": {"$oid": "660000000000000000000002"}}, {"_id": 2, "userId": {"$oid": "680000000000000000000001"}}]}, "domino": {"default": "660000000000000000000001"}, "beside": {"x": 1`, "")
	b.deployment.Domino.URL = "https://domino.acme.example"
	return b
}

// wanted are the two environments, and defaults of them: name → environment.
func wanted(defaults map[string]string) map[schema.Address]schema.Object {
	out := map[schema.Address]schema.Object{}
	for _, name := range []string{"One", "Two"} {
		for a, o := range object("environments", name, map[string]any{"name": name}) {
			out[a] = o
		}
	}
	for name, env := range defaults {
		fields := map[string]schema.Value{"environment": schema.RefTo(schema.Address{Kind: "environments", Name: env}, "id")}
		if env == "" {
			fields["environment"] = schema.Value{Is: schema.Unset}
		}
		name, of, stated := strings.Cut(name, "=")
		if stated {
			fields["organization"] = schema.JSON(of)
		}
		out[schema.Address{Kind: "defaultEnvironments", Name: name}] = schema.Object{Fields: fields}
	}
	return out
}

// TestDefaults are set, and set back.
func TestDefaults(t *testing.T) {
	b := standards(t)
	e := wanted(map[string]string{"deployment": "Two", "labs": "Two", "x=deployment": "One"})
	p := b.settled(e)
	if got := steps(p); !strings.Contains(got, "domino.default domino/default#deployment") || !strings.Contains(got, `mongo.update mongo/organizations#{"$oid":"690000000000000000000001"}`) || len(p.Steps) != 3 {
		t.Errorf("%s", got)
	}
	if id, err := b.world.DefaultEnvironment(context.Background()); err != nil || id != "660000000000000000000001" {
		t.Errorf("after the way back it is %s, %v", id, err)
	}
	for _, c := range p.Changes {
		switch i := c.Impact; c.Address.Name {
		case "deployment": // ada's two, and the one of the organization that has none of its own
			if i.Projects != 3 || i.Users != 1 {
				t.Errorf("%+v", i)
			}
		case "labs":
			if i.Projects != 1 || i.Users != 0 {
				t.Errorf("%+v", i)
			}
		}
	}
}

// TestDefaultOnceBuilt: an environment without an active revision gets one first.
func TestDefaultOnceBuilt(t *testing.T) {
	b := standards(t)
	e := wanted(map[string]string{"deployment": "Two", "labs": "Two"})
	two := schema.Address{Kind: "environments", Name: "Two"}
	e[two].Fields["dockerfile"] = schema.JSON("RUN true")
	p := b.apply(e)
	for _, s := range p.Steps {
		if s.Address != two && len(s.After) == 0 {
			t.Errorf("%s waits for nothing\n%s", s.ID, steps(p))
		}
	}
	e[two].Fields["dockerfile"] = schema.JSON("RUN false")
	if p := b.plan(e); len(p.Steps) != 2 {
		t.Errorf("%s", steps(p))
	}
}

// TestDefaultMade: an environment that the same apply makes becomes the deployment's
// default; for an organization it has to be there.
func TestDefaultMade(t *testing.T) {
	b := standards(t)
	e := wanted(map[string]string{"deployment": "three"})
	for a, o := range object("environments", "three", map[string]any{"name": "Three", "dockerfile": "RUN true", "visibility": "global"}) {
		e[a] = o
	}
	b.apply(e)
	if again := b.plan(e); again.Changed() {
		t.Errorf("%v", again.Changes)
	}
	b = standards(t)
	o := e[schema.Address{Kind: "defaultEnvironments", Name: "deployment"}]
	delete(e, schema.Address{Kind: "defaultEnvironments", Name: "deployment"})
	e[schema.Address{Kind: "defaultEnvironments", Name: "labs"}] = o
	if got := findings(b.plan(e)); !strings.Contains(strings.Join(got, " "), "DC238 defaultEnvironments.labs") {
		t.Errorf("%v", got)
	}
}

// TestNoDefault: an organization may have none, the deployment may not.
func TestNoDefault(t *testing.T) {
	b := standards(t)
	p := b.settled(wanted(map[string]string{"labs": ""}))
	if len(p.Steps) != 1 {
		t.Errorf("%s", steps(p))
	}
	if again := b.plan(wanted(map[string]string{"x=deployment": ""})); again.Changed() {
		t.Errorf("%v", again.Changes)
	}
}

// TestDefaultMoved: what somebody else made the default meanwhile is not overwritten.
func TestDefaultMoved(t *testing.T) {
	for name, move := range map[string]func(b *bench) error{
		"deployment": func(b *bench) error {
			_, err := b.world.UpdateOne(context.Background(), "environments_v2", port.Document{"_id": `{"$oid":"660000000000000000000002"}`}, port.Document{"isArchived": "false"}, nil)
			if err == nil {
				err = b.world.SetDefaultEnvironment(context.Background(), "660000000000000000000002")
			}
			return err
		},
		"labs": func(b *bench) error {
			_, err := b.world.UpdateOne(context.Background(), "organizations", port.Document{"_id": `{"$oid":"690000000000000000000001"}`}, port.Document{"defaultV2EnvironmentId": `{"$oid":"660000000000000000000003"}`}, nil)
			return err
		},
	} {
		b := standards(t)
		e := wanted(map[string]string{name: "Two"})
		if name == "deployment" { // from Two to One, and Two again
			e = wanted(map[string]string{name: "One"})
			if err := b.world.SetDefaultEnvironment(context.Background(), "660000000000000000000003"); err == nil {
				t.Error("an environment that is not there became the default")
			}
			if err := move(b); err != nil {
				t.Fatal(err)
			}
		}
		p := b.plan(e)
		if len(p.Steps) != 1 {
			t.Fatalf("%s: %s", name, steps(p))
		}
		if name == "deployment" {
			move = func(b *bench) error { // a third one
				if err := b.world.InsertOne(context.Background(), "environments_v2", port.Document{"_id": `{"$oid":"660000000000000000000009"}`}); err != nil {
					return err
				}
				return b.world.SetDefaultEnvironment(context.Background(), "660000000000000000000009")
			}
		}
		if err := move(b); err != nil {
			t.Fatal(err)
		}
		res, err := b.engine(e).Apply(context.Background(), p)
		if err == nil && res.Outcome == "ended" {
			t.Errorf("%s: what moved was overwritten: %+v", name, res)
		}
		if id, _ := b.world.DefaultEnvironment(context.Background()); name == "deployment" && id != "660000000000000000000009" {
			t.Errorf("it is %s", id)
		}
	}
}

// TestDefaultFaults: what cannot be read of the database is an error, what cannot be read
// of Domino's API blocks that alone, and what is not there is told.
func TestDefaultFaults(t *testing.T) {
	for _, call := range []string{"DefaultEnvironment", "Find"} {
		for _, fault := range []string{"denied", "throttled", "down", "partialPage"} {
			if call == "DefaultEnvironment" && fault == "partialPage" {
				continue
			}
			b := standards(t)
			b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: call, Fault: fault}}})
			p, err := b.engine(wanted(map[string]string{"deployment": "Two", "labs": "Two"})).Plan(context.Background(), engine.PlanOptions{})
			if call == "DefaultEnvironment" && err == nil && len(p.Steps) == 1 && p.Steps[0].Address.Name == "labs" && strings.Join(findings(p), " ") == "DC119 defaultEnvironments.deployment" {
				continue
			}
			if err == nil || call == "DefaultEnvironment" {
				t.Errorf("%s %s: %s", call, fault, steps(p))
			}
		}
	}
	b := standards(t)
	p := b.plan(wanted(map[string]string{"lab": "One", "ada": "One"}))
	if got := findings(p); !p.Refused() || strings.Join(got, " ") != "DC377 defaultEnvironments.ada DC377 defaultEnvironments.lab" && !strings.Contains(strings.Join(got, " "), "DC377 defaultEnvironments.ada") {
		t.Errorf("%v", p.Findings)
	}
	b.deployment.Domino.URL = ""
	p = b.plan(wanted(map[string]string{"deployment": "Two"}))
	if got := findings(p); len(p.Steps) > 0 || strings.Join(got, " ") != "DC231 defaultEnvironments.deployment" {
		t.Errorf("%v\n%s", p.Findings, steps(p))
	}
}

// TestImportOfDefaults states each by its organization's name.
func TestImportOfDefaults(t *testing.T) {
	b := standards(t)
	found, res := b.imported(t.TempDir(), engine.ImportOptions{})
	for _, want := range []string{"defaultEnvironments: deployment: environment: \"one\"", "defaultEnvironments: labs: environment: \"one\""} {
		if !strings.Contains(string(found.Text), want) {
			t.Errorf("no %s in\n%s", want, found.Text)
		}
	}
	b.adopted(found, res)
}

// TestADefaultIsNotArchived: not before it becomes one, and not without a word after.
func TestADefaultIsNotArchived(t *testing.T) {
	b := withAPI(t)
	if err := b.world.SetDefaultEnvironment(context.Background(), sparkID); err != nil {
		t.Fatal(err)
	}
	p := b.plan(object("environments", "Spark", map[string]any{"archived": true}))
	if i := slices.IndexFunc(p.Findings, func(f schema.Finding) bool { return f.Code == "DC298" }); i < 0 || !strings.Contains(p.Findings[i].Message, "1 deployment's default") {
		t.Errorf("%v", p.Findings)
	}
	b = standards(t)
	e := wanted(map[string]string{"deployment": "Two", "labs": "Two"})
	p = b.plan(e)
	if err := b.world.ArchiveEnvironment(context.Background(), "660000000000000000000002"); err != nil {
		t.Fatal(err)
	}
	res, err := b.engine(e).Apply(context.Background(), p)
	if why := strings.Join(res.Why, " "); err != nil || !strings.Contains(why, "DC304") || !strings.Contains(why, "archived") || res.Done > 0 {
		t.Errorf("%+v, %v", res, err)
	}
}
