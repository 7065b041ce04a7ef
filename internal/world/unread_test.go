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
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// bothByAPI keeps hardware tiers and settings with Domino's API, and has an environment of
// which MongoDB alone is asked.
func bothByAPI(t tester) *bench {
	b := newBench(t, smallTier+", "+someConfig+", "+spark, "")
	b.deployment.Domino.URL = "https://domino.acme.example"
	b.deployment.Backends = schema.Backends{HardwareTiers: schema.API, Settings: schema.API}
	return b
}

// mixed are files of three kinds; more is put into the tier.
func mixed(more map[string]any, quota, description string) map[schema.Address]schema.Object {
	tier := map[string]any{"id": "small", "cores": 2, "lifecycle.prune": true}
	for p, v := range more {
		tier[p] = v
	}
	return all(object("hardwareTiers", "small", tier), object("settings", "maximumExecutionsPerUser", map[string]any{"value": quota}),
		object("environments", "Spark", map[string]any{"description": description}))
}

// TestAKindThatIsNotRead is held up, and what the others need is planned and applied: a
// list that fails is no empty one. Nothing is made, changed, archived, adopted or forgotten.
func TestAKindThatIsNotRead(t *testing.T) {
	tier, quota := "DC119 hardwareTiers.small", "DC119 settings.maximumExecutionsPerUser"
	for _, fault := range []string{"down", "denied", "partialPage", "throttled", "expired", "lost", "hang"} {
		for call, held := range map[string]string{"ListTiers": tier, "ListSettings": quota} {
			synctest.Test(t, func(t *testing.T) {
				b := bothByAPI(t)
				b.apply(mixed(nil, "25", ""))
				b.open(sandbox.Options{Faults: []sandbox.Fault{{Fault: fault, Call: call}}})
				files := mixed(map[string]any{"cores": 3}, "30", "new")
				before := b.records()
				began := time.Now()
				p := b.plan(files)
				if took := time.Since(began); took > 25*time.Second {
					t.Errorf("%s %s: the plan took %s", call, fault, took)
				}
				told := findings(p)
				if !slices.Contains(told, held) || p.Refused() || p.Unknowns || len(p.Drift) > 0 || len(p.Steps) != 2 || p.Summary.Blocked != 1 {
					t.Fatalf("%s %s: %v\n%s", call, fault, p.Findings, steps(p))
				}
				of := func(address string) bool { return address == strings.TrimPrefix(held, "DC119 ") }
				for _, s := range p.Steps {
					if of(s.Address.String()) {
						t.Errorf("%s %s: it is written: %s", call, fault, steps(p))
					}
				}
				b.carryOut(files, p)
				for a, was := range before.Entries {
					if now := b.records().Entries[a]; of(a.String()) && !now.Equal(was) {
						t.Errorf("%s %s: the records of it changed: %v", call, fault, now)
					}
				}
				b.open(sandbox.Options{})
				p = b.plan(files)
				if len(p.Steps) != 1 || !of(p.Steps[0].Address.String()) {
					t.Errorf("%s %s: once it answers\n%s", call, fault, steps(p))
				}
			})
		}
	}
}

func (b *bench) records() schema.Applied {
	b.t.Helper()
	applied, _, err := applier.ReadApplied(context.Background(), b.store, "prod")
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	return applied
}

// TestWhatIsNotReadStays, whatever the files do to it meanwhile.
func TestWhatIsNotReadStays(t *testing.T) {
	rest := all(object("environments", "Spark", map[string]any{"description": ""}))
	for name, files := range map[string]map[schema.Address]schema.Object{
		"as applied":    mixed(nil, "25", ""),
		"no fields":     all(rest, object("hardwareTiers", "small", map[string]any{"lifecycle.prune": true})),
		"not in files":  rest,
		"renamed":       all(rest, object("hardwareTiers", "tiny", map[string]any{"movedFrom": "small", "cores": 2})),
		"another name":  all(rest, object("hardwareTiers", "tiny", map[string]any{"id": "small", "cores": 2})),
		"unset":         all(rest, object("settings", "maximumExecutionsPerUser", map[string]any{"value": nil})),
		"a new one":     all(mixed(nil, "25", ""), object("hardwareTiers", "new", wholeTier(nil)), object("settings", "com.new", map[string]any{"value": "x"})),
		"archived":      mixed(map[string]any{"archived": true}, "25", ""),
		"no longer its": mixed(map[string]any{"lifecycle.prune": false}, "25", ""),
	} {
		t.Run(name, func(t *testing.T) {
			b := bothByAPI(t)
			b.apply(mixed(nil, "25", ""))
			b.open(sandbox.Options{Faults: []sandbox.Fault{{Fault: "down", Call: "List*"}}})
			p, err := b.engine(files).Plan(context.Background(), engine.PlanOptions{Allow: []string{"archive"}})
			if err != nil || p.Refused() || !p.Empty() || len(p.Drift) > 0 {
				t.Errorf("%v %v\n%v\n%s", err, findings(p), p.Settle, steps(p))
			}
			for _, f := range p.Findings {
				if f.Code != "DC119" {
					t.Errorf("it says %v", f)
				}
			}
		})
	}
}

// TestATierThatIsNotRead gets no image either, though that stands in the database.
func TestATierThatIsNotRead(t *testing.T) {
	b := newBench(t, classic, classicImages)
	b.deployment.Executors, b.deployment.Domino.URL, b.deployment.Backends.HardwareTiers = "classic", "https://domino.acme.example", schema.API
	files := all(object("amis", "executor", map[string]any{"find.name": "b", "image": "ami-22222222", "replaces": []string{"ami-11111111"}}),
		object("hardwareTiers", "small", map[string]any{"ami": "@amis.executor#image"}))
	if p := b.plan(files); len(p.Steps) != 1 {
		t.Fatalf("%v\n%s", p.Findings, steps(p))
	}
	b.open(sandbox.Options{Faults: []sandbox.Fault{{Fault: "denied", Call: "ListTiers"}}})
	if p := b.plan(files); len(p.Steps) != 0 || !slices.Contains(findings(p), "DC119 hardwareTiers.small") {
		t.Errorf("%v\n%s", p.Findings, steps(p))
	}
}

// TestAnImportLeavesOut what Domino's API does not tell, and says so; the rest is written,
// and a plan adopts it.
func TestAnImportLeavesOut(t *testing.T) {
	for call, without := range map[string]string{"ListTiers": "hardwareTiers:", "ListSettings": "settings:", "GetDefinition": "environments:", "DefaultEnvironment": "nothing", "*": "hardwareTiers:"} {
		for _, fault := range []string{"denied", "down"} {
			b := bothByAPI(t)
			faults := []sandbox.Fault{{Fault: fault, Call: call}}
			if call == "*" {
				faults = nil
				for _, call := range []string{"ListTiers", "ListSettings", "GetDefinition", "GetBuild", "DefaultEnvironment"} {
					faults = append(faults, sandbox.Fault{Fault: fault, Call: call})
				}
			}
			b.open(sandbox.Options{Faults: faults})
			found, err := b.engine(nil).Import(context.Background(), engine.ImportOptions{})
			told := slices.ContainsFunc(found.Findings, func(f schema.Finding) bool { return f.Code == "DC119" && f.Hint != "" })
			if err != nil || !told || strings.Contains(string(found.Text), without) {
				t.Errorf("%s %s: %v %v\n%s", call, fault, err, found.Findings, found.Text)
			}
			b.open(sandbox.Options{})
			more, res := b.imported(t.TempDir(), engine.ImportOptions{})
			b.adopted(more, res)
		}
	}
}

// TestADoctorSaysWhichRouteIsDenied, and what of a kind that means.
func TestADoctorSaysWhichRouteIsDenied(t *testing.T) {
	for call, check := range map[string]string{"ListTiers": "hardware tiers that the key sees", "ListSettings": "settings that the key sees"} {
		b := bothByAPI(t)
		b.open(sandbox.Options{Faults: []sandbox.Fault{{Fault: "denied", Call: call}}})
		w := &world.World{Outside: b.world, Domino: b.world, Deployment: b.deployment}
		failed := 0
		for _, c := range w.Checks(context.Background(), schema.Desired{Deployment: b.deployment}) {
			if !c.OK && strings.Contains(c.Detail, call) && c.Do != "" {
				failed++
			}
			if c.Name == check && c.OK {
				t.Errorf("%s: %+v", call, c)
			}
		}
		if failed < 2 {
			t.Errorf("%s: %d checks say so", call, failed)
		}
	}
}

// TestTheAPIGoesDownBeforeAnApply: what is known of Domino's API waits, the rest is done;
// the apply goes on once it answers, and its way back leads to where it began.
func TestTheAPIGoesDownBeforeAnApply(t *testing.T) {
	for _, fault := range []string{"down", "denied", "hang"} {
		synctest.Test(t, func(t *testing.T) {
			b := bothByAPI(t)
			files := mixed(map[string]any{"cores": 3}, "30", "new")
			stands := func() string { return b.tiers("small") + b.shown() + b.document("Spark")["description"] }
			before := stands()
			p := b.plan(files)
			b.open(sandbox.Options{Faults: []sandbox.Fault{{Fault: fault, Call: "List*"}}})
			res, err := b.engine(files).Apply(context.Background(), p)
			if err != nil || res.Outcome != applier.FailedOutcome || res.Done != 1 || res.Left != 2 || len(res.Why) != 2 || b.document("Spark")["description"] != `"new"` {
				t.Errorf("%s: %+v %v", fault, res, err)
			}
			if n := b.world.Counts().Calls; n["UpdateTier"]+n["UpdateSetting"] > 0 {
				t.Errorf("%s: %v", fault, n)
			}
			if res, err = b.engine(files).Applier.Resume(context.Background(), p.ID); err != nil || res.Outcome != applier.FailedOutcome || res.Left != 2 {
				t.Errorf("%s, still: %+v %v", fault, res, err)
			}
			b.open(sandbox.Options{})
			if res, err = b.engine(files).Applier.Resume(context.Background(), p.ID); err != nil || res.Outcome != applier.EndedOutcome {
				t.Errorf("%s, resumed: %+v %v", fault, res, err)
			}
			if again := b.plan(files); !again.Empty() {
				t.Errorf("%s: the second plan is not empty: %s", fault, steps(again))
			}
			b.rollback()
			if after := stands(); after != before {
				t.Errorf("%s: the way back leads elsewhere\nbefore %s\nafter  %s", fault, before, after)
			}
		})
	}
}
