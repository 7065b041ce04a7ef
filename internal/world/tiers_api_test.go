package world_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// byAPI is a bench whose hardware tiers are read and written over Domino's API.
func byAPI(t tester, mongo string) *bench {
	b := newBench(t, mongo, "")
	b.deployment.Domino.URL = "https://domino.acme.example"
	b.deployment.Backends.HardwareTiers = schema.API
	return b
}

// tiers is what Domino's database holds of one, in the schema's words.
func (b *bench) tiers(name string) string {
	b.t.Helper()
	overMongo := *b
	overMongo.deployment.Backends = schema.Backends{}
	v, err := overMongo.look(object("hardwareTiers", name, nil), schema.Applied{})
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	return schema.JSON(v.Objects[schema.Address{Kind: "hardwareTiers", Name: name}].Fields).Text
}

// text is a plan for people, without what names its steps.
func text(t *testing.T, p planner.Plan) string {
	t.Helper()
	var b strings.Builder
	if err := p.Text(&b, planner.Style{}); err != nil {
		t.Fatal(err)
	}
	out, _, _ := strings.Cut(b.String(), "\nPlan ")
	return out
}

// wholeTier has all that Domino makes no tier without.
func wholeTier(more map[string]any) map[string]any {
	out := map[string]any{"nodePool": "default", "cores": 2, "memory": "4GiB"}
	maps.Copy(out, more)
	return out
}

// TestTiersOverTheAPI: written by one call each, the second plan is empty, the way back
// leads to where it began, and the same files make the same plan as over MongoDB.
func TestTiersOverTheAPI(t *testing.T) {
	for name, c := range map[string]struct {
		live   string
		fields map[string]any
		want   string
	}{
		"as it is": {smallTier, map[string]any{"name": "Small", "cores": 2, "memory": "4GiB", "overProvisioning.daysOfWeek": []string{"fri", "mon"},
			"overProvisioning.fromTime": "08:00", "overProvisioning.toTime": "18:00", "gpu.count": nil}, ""},
		"numbers": {smallTier, map[string]any{"cores": 3, "centsPerMinute": 2.25}, `domino.tier.put domino/tier#small centsPerMinute={"$numberDouble":"2.25"} resources.cores={"$numberInt":"3"}`},
		"a size":  {smallTier, map[string]any{"memory": "512MiB"}, `domino.tier.put domino/tier#small resources.memory={"units":"MiB","value":{"$numberInt":"512"}}`},
		"another unit": {strings.ReplaceAll(smallTier, `"value": 4, "unit": "GiB"`, `"value": {"$numberDouble": "4096.0"}, "units": "MiB"`), map[string]any{"memory": "6GiB"},
			`domino.tier.put domino/tier#small resources.memory={"units":"GiB","value":{"$numberInt":"6"}}`},
		"a new size":    {smallTier, map[string]any{"memoryLimit": "8GiB"}, `domino.tier.put domino/tier#small resources.memoryLimit={"units":"GiB","value":{"$numberInt":"8"}}`},
		"units differ":  {strings.ReplaceAll(smallTier, `"value": 4, "unit": "GiB"`, `"value": {"$numberDouble": "4096.0"}, "units": "MiB"`), map[string]any{"memory": "4GiB"}, ""},
		"null unsets":   {smallTier, map[string]any{"centsPerMinute": nil}, `domino.tier.put domino/tier#small centsPerMinute=absent`},
		"weekdays":      {smallTier, map[string]any{"overProvisioning.daysOfWeek": []string{"sun"}}, `domino.tier.put domino/tier#small overProvisioning.daysOfWeek=["SUNDAY"]`},
		"times":         {smallTier, map[string]any{"overProvisioning.toTime": "19:00"}, `domino.tier.put domino/tier#small overProvisioning.toTime="19:00:00"`},
		"keys with dot": {smallTier, map[string]any{"podCustomization.additionalLabels.\"example.com/x\"": "y"}, `domino.tier.put domino/tier#small podCustomization.additionalLabels={"example.com/team":"a","example.com/x":"y","n":{"$numberInt":"3"}}`},
		"a new parent":  {smallTier, map[string]any{"gpu.count": 1, "gpu.key": "nvidia.com/gpu"}, `domino.tier.put domino/tier#small gpuConfiguration={"gpuKey":"nvidia.com/gpu","numberOfGpus":{"$numberInt":"1"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			files := object("hardwareTiers", "small", c.fields)
			overMongo := newBench(t, c.live, "")
			b := byAPI(t, c.live)
			before, want := b.tiers("small"), text(t, overMongo.plan(files))
			p := b.apply(files)
			if got := steps(p); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if got := text(t, p); got != want {
				t.Errorf("over the API\n%s\nover MongoDB\n%s", got, want)
			}
			if again := b.plan(files); again.Changed() || !again.Empty() {
				t.Errorf("the second plan is not empty:\n%v\n%s", again.Changes, steps(again))
			}
			if counts := b.world.Counts().Calls; counts["UpdateTier"] != len(p.Steps) || counts["UpdateOne"]+counts["InsertOne"] > 0 {
				t.Errorf("%v", counts)
			}
			if len(p.Steps) > 0 {
				b.rollback()
			}
			if after := b.tiers("small"); after != before {
				t.Errorf("the way back leads elsewhere\nbefore %s\nafter  %s", before, after)
			}
			if !strings.Contains(b.content(), `"mine":"{\"$numberLong\":\"7\"}"`) {
				t.Errorf("what nobody knows was lost: %s", b.content())
			}
		})
	}
}

// TestATierIsMadeAndArchived over the API, which deletes none.
func TestATierIsMadeAndArchived(t *testing.T) {
	b := byAPI(t, smallTier)
	files := object("hardwareTiers", "gpu", wholeTier(map[string]any{"lifecycle.prune": true}))
	p := b.apply(files)
	if want := `domino.tier.create domino/tier#gpu =true _id="gpu" name="gpu" nodePool="default" resources.cores={"$numberInt":"2"} resources.memory.units="GiB" resources.memory.value={"$numberInt":"4"}`; steps(p) != want {
		t.Errorf("got\n%s\nwant\n%s", steps(p), want)
	}
	if again := b.plan(files); !again.Empty() {
		t.Errorf("%v\n%s", again.Changes, steps(again))
	}
	back := b.back()
	if want := "domino.tier.archive domino/tier#gpu flags.isArchived=true"; steps(back) != want {
		t.Errorf("the way back is\n%s", steps(back))
	}
	gone := b.apply(nil)
	if want := "domino.tier.archive domino/tier#gpu flags.isArchived=true"; steps(gone) != want || gone.Steps[0].Irreversible == "" {
		t.Errorf("got\n%s", steps(gone))
	}
	if again := b.plan(files); !slices.Equal(findings(again), []string{"DC385 hardwareTiers.gpu"}) || len(again.Steps) > 0 {
		t.Errorf("%v\n%s", again.Findings, steps(again))
	}
	if !strings.Contains(b.tiers("gpu"), `"archived":{"is":"known","text":"true"}`) {
		t.Error(b.tiers("gpu"))
	}
}

// TestATierThatMoved is not written over, though nothing of what is written did.
func TestATierThatMoved(t *testing.T) {
	b := byAPI(t, smallTier)
	files := object("hardwareTiers", "small", map[string]any{"cores": 3})
	p := b.plan(files)
	other := object("hardwareTiers", "small", map[string]any{"centsPerMinute": 9})
	if ok, err := b.world.UpdateTier(context.Background(), "small", "", map[string]string{"centsPerMinute": "9"}, nil); !ok || err != nil {
		t.Fatal(ok, err)
	}
	res, err := b.engine(files).Apply(context.Background(), p)
	if err != nil || !slices.ContainsFunc(res.Why, func(why string) bool {
		return strings.Contains(why, "DC304") && strings.Contains(why, "updateTime moved")
	}) {
		t.Errorf("%+v %v", res, err)
	}
	if got := steps(b.plan(other)); got != "" {
		t.Errorf("it was written over: %s", got)
	}
}

// TestAKeyThatSeesAPart: what it does not see is not absent. It is neither made nor
// archived, and none else is.
func TestAKeyThatSeesAPart(t *testing.T) {
	hidden := `"hardware_tier": [{"_id": "small", "name": "Small"}, {"_id": "gpu", "name": "GPU", "nodePool": "gpu", "resources": {"cores": 4, "memory": {"value": 8, "unit": "GiB"}}}]`
	b := byAPI(t, hidden)
	b.apply(all(object("hardwareTiers", "gpu", wholeTier(map[string]any{"cores": 4, "memory": "8GiB", "nodePool": "gpu", "lifecycle.prune": true})),
		object("hardwareTiers", "small", map[string]any{"name": "Small", "lifecycle.prune": true})))
	b.hide("gpu")
	for name, c := range map[string]struct {
		files map[schema.Address]schema.Object
		want  []string
		steps string
	}{
		"as applied":   {object("hardwareTiers", "gpu", map[string]any{"cores": 4, "lifecycle.prune": true}), []string{"DC381 deployment"}, ""},
		"changed":      {object("hardwareTiers", "gpu", map[string]any{"cores": 5}), []string{"DC381 deployment", "DC381 hardwareTiers.gpu"}, ""},
		"not in files": {nil, []string{"DC381 deployment", "DC381 hardwareTiers.gpu", "DC381 hardwareTiers.small"}, ""},
		"another":      {object("hardwareTiers", "new", wholeTier(nil)), []string{"DC381 deployment", "DC381 hardwareTiers.new"}, ""},
		"one it sees":  {object("hardwareTiers", "small", map[string]any{"name": "S"}), []string{"DC381 deployment"}, `domino.tier.put domino/tier#small name="S"`},
	} {
		t.Run(name, func(t *testing.T) {
			p := b.plan(all(c.files))
			if name == "as applied" || name == "changed" || name == "another" || name == "one it sees" {
				p = b.plan(all(object("hardwareTiers", "gpu", map[string]any{"cores": 4}), object("hardwareTiers", "small", map[string]any{"name": "Small"}), c.files))
			}
			if got := findings(p); !slices.Equal(got, c.want) || steps(p) != c.steps {
				t.Errorf("findings %v, want %v; steps %s", got, c.want, steps(p))
			}
		})
	}
}

func (b *bench) hide(ids ...string) {
	b.t.Helper()
	content := string(b.memory.Content())
	if err := b.memory.Replace([]byte(strings.Replace(content, "{", `{"domino": {"hides": `+schema.JSON(ids).Text+`},`, 1))); err != nil {
		b.t.Fatalf("%v\n%s", err, content)
	}
}

// TestWhatTheAPICannotDo is left as it is, and said; the rest is done.
func TestWhatTheAPICannotDo(t *testing.T) {
	archived := strings.Replace(smallTier, `"isArchived": false`, `"isArchived": true`, 1)
	p := byAPI(t, archived).plan(object("hardwareTiers", "small", map[string]any{"archived": false, "cores": 3}))
	if got := findings(p); !slices.Equal(got, []string{"DC382 hardwareTiers.small"}) || steps(p) != `domino.tier.put domino/tier#small resources.cores={"$numberInt":"3"}` {
		t.Errorf("%v\n%s", got, steps(p))
	}
	p = byAPI(t, smallTier).plan(object("hardwareTiers", "new", map[string]any{"cores": 3}))
	if got := findings(p); !slices.Equal(got, []string{"DC383 hardwareTiers.new"}) || len(p.Steps) > 0 {
		t.Errorf("%v\n%s", p.Findings, steps(p))
	}
}

// TestFaultsOfTheAPI: a write whose answer is lost is made once.
func TestFaultsOfTheAPI(t *testing.T) {
	files := all(object("hardwareTiers", "small", map[string]any{"cores": 3}), object("hardwareTiers", "gpu", wholeTier(nil)))
	for name, c := range map[string]struct {
		faults []sandbox.Fault
		want   string // of the error, or of why it stopped
		writes int    // of tiers, that took effect
	}{
		"403 on the puts": {[]sandbox.Fault{{Fault: "denied", Call: "UpdateTier"}}, "access denied", 1},
		"lost":            {[]sandbox.Fault{{Fault: "lost", Call: "UpdateTier"}, {Fault: "lost", Call: "CreateTier"}}, "", 2},
		"slow":            {[]sandbox.Fault{{Fault: "slow", Delay: "10s", Call: "*Tier*"}}, "", 2},
		"throttled":       {[]sandbox.Fault{{Fault: "throttled", Call: "*Tier", Times: 2}}, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := byAPI(t, smallTier)
			b.open(sandbox.Options{Faults: c.faults, Wait: b.clock.Sleep})
			var why []string
			p, err := b.engine(files).Plan(context.Background(), engine.PlanOptions{})
			if err == nil {
				var res applier.Result
				res, err = b.engine(files).Apply(context.Background(), p)
				why = res.Why
			}
			if err != nil {
				why = append(why, err.Error())
			}
			if text := strings.Join(why, "\n"); c.want == "" && text != "" || !strings.Contains(text, c.want) {
				t.Errorf("%s, want %s", text, c.want)
			}
			content := string(b.memory.Content())
			if got := strings.Count(content, `"updateTime"`); got != c.writes {
				t.Errorf("%d tiers were written, want %d\n%s", got, c.writes, content)
			}
			b.open(sandbox.Options{})
			if c.want == "" {
				if again := b.plan(files); !again.Empty() {
					t.Errorf("the second plan is not empty: %s", steps(again))
				}
			}
		})
	}
}
