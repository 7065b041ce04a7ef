package world_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

const someConfig = `"config": [{"_id": {"$oid": "0123456789abcdef00000001"}, "namespace": "common", "key": "com.cerebro.domino.computegrid.userExecutionsQuota.maximumExecutionsPerUser", "value": "25", "mine": 7},
	{"_id": {"$oid": "0123456789abcdef00000002"}, "namespace": "common", "key": "com.x.password", "value": "canary-old"}]`

func settingsByAPI(t tester, domino string) *bench {
	b := newBench(t, someConfig, "")
	b.deployment.Domino.URL = "https://domino.acme.example"
	b.deployment.Backends.Settings = schema.API
	if domino != "" {
		if err := b.memory.Replace([]byte(strings.Replace(string(b.memory.Content()), "{", `{"domino": {`+domino+`},`, 1))); err != nil {
			b.t.Fatalf("%v", err)
		}
	}
	return b
}

func TestSettingsOverTheAPI(t *testing.T) {
	for name, c := range map[string]struct {
		files map[schema.Address]schema.Object
		want  string
		back  string
	}{
		"as it is": {object("settings", "maximumExecutionsPerUser", map[string]any{"value": "25"}), "", ""},
		"changed": {object("settings", "maximumExecutionsPerUser", map[string]any{"value": "30"}),
			`domino.setting.put domino/setting#common/com.cerebro.domino.computegrid.userExecutionsQuota.maximumExecutionsPerUser value="30"`, "domino.setting.put"},
		"made": {object("settings", "com.y", map[string]any{"value": "!env:Y"}),
			`domino.setting.create domino/setting#common/com.y =true key="com.y" namespace="common" value=secret env:Y`, "domino.setting.delete"},
		"unset": {object("settings", "maximumExecutionsPerUser", map[string]any{"value": nil}),
			`domino.setting.delete domino/setting#common/com.cerebro.domino.computegrid.userExecutionsQuota.maximumExecutionsPerUser =absent`, "domino.setting.create"},
		"a secret": {object("settings", "com.x.password", map[string]any{"value": "!env:Y"}),
			`domino.setting.put domino/setting#common/com.x.password value=secret env:Y`, "domino.setting.put"},
	} {
		t.Run(name, func(t *testing.T) {
			b, overMongo := settingsByAPI(t, ""), newBench(t, someConfig, "")
			b.env["env:Y"], overMongo.env["env:Y"] = "canary-new", "canary-new"
			want := text(t, overMongo.plan(c.files))
			before := b.shown()
			p := b.apply(c.files)
			if got := steps(p); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if got := text(t, p); got != want {
				t.Errorf("over the API\n%s\nover MongoDB\n%s", got, want)
			}
			if strings.Contains(schema.JSON(p).Text, "canary") {
				t.Error("the plan holds a secret")
			}
			if again := b.plan(c.files); again.Changed() || !again.Empty() {
				t.Errorf("the second plan is not empty:\n%v\n%s", again.Changes, steps(again))
			}
			if len(p.Steps) == 0 {
				return
			}
			if back := b.rollback(); len(back.Steps) != 1 || back.Steps[0].Op != c.back {
				t.Errorf("the way back is\n%s", steps(back))
			}
			if after := b.shown(); after != before {
				t.Errorf("the way back leads elsewhere\nbefore %s\nafter  %s", before, after)
			}
		})
	}
}

// shown is the central configuration without ids, which Domino gives.
func (b *bench) shown() string {
	b.t.Helper()
	all, err := b.world.ListSettings(context.Background())
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	var lines []string
	for _, s := range all {
		lines = append(lines, s.Key+"="+s.Value)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestAMaskedSetting is neither compared nor written: what domctl set is taken for what
// stands, and anything else is said.
func TestAMaskedSetting(t *testing.T) {
	b := settingsByAPI(t, `"masks": ["com.x.password", "com.fresh"]`)
	b.env["env:Y"] = "canary-new"
	for name, fields := range map[string]any{"another": "!env:Y", "unset": nil} {
		p := b.plan(object("settings", "com.x.password", map[string]any{"value": fields}))
		if got := findings(p); !slices.Equal(got, []string{"DC384 settings.com.x.password"}) || len(p.Steps) > 0 {
			t.Errorf("%s: %v\n%s", name, got, steps(p))
		}
	}
	fresh := object("settings", "com.fresh", map[string]any{"value": "!env:Y"})
	b.apply(fresh)
	if p := b.plan(fresh); p.Changed() || !slices.Equal(findings(p), []string{"DC242 deployment"}) {
		t.Errorf("%+v %v", p.Changes, p.Findings)
	}
	b.env["env:Z"] = "canary-other"
	if back := b.back(); len(back.Steps) != 1 || schema.Failed(back.Findings) {
		t.Errorf("the way back is\n%s\n%v", steps(back), back.Findings)
	}
	if p := b.plan(object("settings", "com.fresh", map[string]any{"value": "!env:Z"})); !slices.Equal(findings(p), []string{"DC384 settings.com.fresh"}) {
		t.Errorf("%v\n%s", p.Findings, steps(p))
	}
	if !strings.Contains(string(b.memory.Content()), "canary-old") {
		t.Error("a secret was written over")
	}
}

// TestSettingsThatTheKeyDoesNotSee are not absent.
func TestSettingsThatTheKeyDoesNotSee(t *testing.T) {
	b := settingsByAPI(t, `"hides": ["com.x.password"]`)
	p := b.plan(all(object("settings", "com.x.password", map[string]any{"value": "new"}), object("settings", "com.y", map[string]any{"value": "y"}),
		object("settings", "maximumExecutionsPerUser", map[string]any{"value": "30"})))
	if got := findings(p); !slices.Equal(got, []string{"DC240 settings.maximumExecutionsPerUser", "DC381 deployment", "DC381 settings.com.x.password", "DC381 settings.com.y"}) || len(p.Steps) != 1 {
		t.Errorf("%v\n%s", got, steps(p))
	}
}

// TestASettingThatMoved is not written over.
func TestASettingThatMoved(t *testing.T) {
	b := settingsByAPI(t, "")
	files := object("settings", "maximumExecutionsPerUser", map[string]any{"value": "30"})
	p := b.plan(files)
	b.change(`"value": "25"`, `"value": "26"`)
	res, err := b.engine(files).Apply(context.Background(), p)
	if err != nil || res.Outcome != applier.RefusedOutcome && res.Outcome != applier.FailedOutcome || !strings.Contains(b.shown(), "=26") {
		t.Errorf("%+v %v\n%s", res, err, b.shown())
	}
}

// TestKindsAreImportedFromTheAPI as from MongoDB, and a plan afterwards does nothing.
func TestKindsAreImportedFromTheAPI(t *testing.T) {
	b := newBench(t, smallTier+", "+someConfig, "")
	b.deployment.Domino.URL = "https://domino.acme.example"
	b.deployment.Backends = schema.Backends{HardwareTiers: schema.API, Settings: schema.API}
	found, res := b.imported(t.TempDir(), engine.ImportOptions{})
	b.adopted(found, res)
	if counts := b.world.Counts().Calls; counts["ListTiers"] == 0 || counts["ListSettings"] == 0 {
		t.Errorf("%v", counts)
	}
}

// TestTheAPINeedsNoWritingInTheDatabase, which is compared with all the same.
func TestTheAPINeedsNoWritingInTheDatabase(t *testing.T) {
	d := prod()
	d.Backends = schema.Backends{HardwareTiers: schema.API, Settings: schema.API}
	uses := world.Uses(d, true)
	for _, collection := range []string{"hardware_tier", "config"} {
		if !slices.Equal(uses[collection], []string{"Find"}) {
			t.Errorf("%s: %v", collection, uses[collection])
		}
	}
}

// TestADoctorSeesWhatAKeyDoesNot, of either kind.
func TestADoctorSeesWhatAKeyDoesNot(t *testing.T) {
	b := newBench(t, smallTier+", "+someConfig, "")
	b.deployment.Backends = schema.Backends{HardwareTiers: schema.API, Settings: schema.API}
	b.hide("small", "com.x.password")
	w := &world.World{Outside: b.world, Domino: b.world, Deployment: b.deployment}
	want := map[string]string{"hardware tiers that the key sees": "DC381: 0 of 1 hardware tier that the database holds", "settings that the key sees": "DC381: 1 of 2 settings that the database holds"}
	for _, c := range w.Checks(context.Background(), schema.Desired{Deployment: b.deployment}) {
		if want[c.Name] == c.Detail && !c.OK {
			delete(want, c.Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("it does not say %v", want)
	}
}
