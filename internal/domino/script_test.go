package domino

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/state"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// byHand is a shell that carries out what a plan would, as a person who was given the
// script: with the real curl and jq.
type byHand struct {
	t       *testing.T
	dir     string
	env     []string
	sent    string // what curl was called with
	command string // the script that was run last
}

func newByHand(t *testing.T) *byHand {
	t.Helper()
	h := &byHand{t: t, dir: t.TempDir()}
	for _, tool := range []string{"sh", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s; put one on PATH to run this", tool)
		}
	}
	curl, _ := exec.LookPath("curl")
	h.write("curl", "#!/bin/sh\nprintf '%s\\n' \"$@\" >> \"$CALLED\"\nexec "+curl+" --noproxy '*' \"$@\"\n")
	return h
}

func (h *byHand) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o700); err != nil {
		h.t.Fatal(err)
	}
}

// run runs the script of some steps against an address.
func (h *byHand) run(url string, steps []applier.Manual) (out string, err error) {
	h.t.Helper()
	w := &world.World{Long: applier.Operations{"domino.create": {Tool: "curl"}, "domino.build": {Tool: "curl"}}, Deployment: schema.Deployment{Domino: schema.Domino{URL: url, APIKey: "env:THE_KEY"}}}
	h.command, _, _ = w.Script("curl", planner.World{}, steps)
	h.write("apply.sh", h.command)
	called, temporary := filepath.Join(h.dir, "called"), filepath.Join(h.dir, "tmp")
	_ = os.Remove(called)
	if err := os.MkdirAll(temporary, 0o700); err != nil {
		h.t.Fatal(err)
	}
	within, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(within, "sh", filepath.Join(h.dir, "apply.sh"))
	cmd.Dir, cmd.Env = h.dir, append([]string{"PATH=" + h.dir + ":" + os.Getenv("PATH"), "THE_KEY=" + theKey, "TMPDIR=" + temporary, "CALLED=" + called}, h.env...)
	cmd.WaitDelay = time.Second
	text, err := cmd.CombinedOutput()
	sent, _ := os.ReadFile(called)
	h.sent = string(sent)
	left, _ := os.ReadDir(temporary)
	if len(left) > 0 {
		h.t.Errorf("it leaves %v", left)
	}
	if said := h.command + string(text) + h.sent; strings.Contains(said, theKey) || strings.Contains(said, "canary") {
		h.t.Errorf("a secret stands in the script, its output or a command line:\n%s", said)
	}
	if _, was := os.Stat(filepath.Join(h.dir, "run")); was == nil {
		h.t.Errorf("a word of the plan was run:\n%s", h.command)
	}
	return string(text), err
}

func manuals(p planner.Plan) (out []applier.Manual) {
	for _, s := range p.Steps {
		out = append(out, applier.Manual{Apply: p.ID, Step: s})
	}
	return out
}

// overHand is a double with a tier, another that the files let go of, and three settings,
// over the network, and what plans over it.
func overHand(t *testing.T, v4 bool) (d *store, w *whole, url string) {
	t.Helper()
	internal := strings.NewReplacer(`"resources"`, `"hwtResources"`, `"flags"`, `"hwtFlags"`, `"units"`, `"unit"`, `"overProvisioning"`, `"overprovisioning"`)
	text := `{"id": "small", "name": "it's small", "nodePool": "default", "centsPerMinute": 1.5, "updateTime": "2026-01-01T00:00:00Z", "odd": {"x": [1.5, "$(touch run)", null]}, "oddNumber": 9007199254740991,
		"resources": {"cores": 2, "memory": {"value": 4096, "units": "MiB"}, "allowSharedMemoryToExceedDefault": false}, "flags": {"isDefault": true, "isArchived": false},
		"podCustomization": {"additionalLabels": {"a.b/c": "d"}}, "overProvisioning": {"instances": 1, "daysOfWeek": ["Monday"], "fromTime": "08:00"}}`
	gone := `{"id": "go ne\"1", "name": "G", "nodePool": "default", "updateTime": "2026-01-01T00:00:00Z", "resources": {"cores": 1, "memory": {"value": 1, "units": "GiB"}}, "flags": {"isArchived": false}}`
	if v4 {
		text, gone = internal.Replace(text), internal.Replace(gone)
	}
	setting := func(id, key, value string) map[string]any {
		return map[string]any{"id": id, "setting": map[string]any{"namespace": "common", "key": key, "value": value, "nameMaybe": "kept"}}
	}
	d = &store{v4: v4, tiers: []map[string]any{decoded(t, text), decoded(t, gone)}, config: []map[string]any{setting("1", "com.x", "1"), setting("2", "com.gone", "it's"), setting("3", "com.masked", "••••••••"),
		setting("4", "com.cerebro.domino.computegrid.userExecutionsQuota.maximumExecutionsPerUser", "25")}}
	s := httptest.NewServer(d)
	t.Cleanup(s.Close)
	c, err := Open(Config{URL: s.URL, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	d.client = c
	return d, &whole{t: t, double: d, records: state.Memory(), clock: &still{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}, s.URL
}

func stated(kind, name string, fields map[string]schema.Value) map[schema.Address]schema.Object {
	return map[schema.Address]schema.Object{{Kind: kind, Name: name}: {Fields: fields, At: map[string][]schema.Position{}}}
}

func together(parts ...map[schema.Address]schema.Object) map[schema.Address]schema.Object {
	out := map[schema.Address]schema.Object{}
	for _, p := range parts {
		for a, o := range p {
			out[a] = o
		}
	}
	return out
}

// TestTheScriptDoesWhatAnApplyWould, in either dialect: the next plan writes nothing, and
// what nobody knows stands as it did.
func TestTheScriptDoesWhatAnApplyWould(t *testing.T) {
	for name, v4 := range map[string]bool{"public": false, "v4": true} {
		t.Run(name, func(t *testing.T) {
			h := newByHand(t)
			h.env = []string{"CANARY=canary-'1'\"$(touch run)\\n"}
			d, w, url := overHand(t, v4)
			w.secrets = map[string]string{"env:CANARY": "canary-'1'\"$(touch run)\\n"}
			gone := stated("hardwareTiers", "gone", map[string]schema.Value{"id": schema.JSON(`go ne"1`), "lifecycle.prune": schema.JSON(true)})
			first := together(gone, stated("settings", "com.gone", map[string]schema.Value{"value": schema.JSON("it's")}))
			p, err := w.engine(first).Plan(t.Context(), engine.PlanOptions{})
			if err != nil || len(p.Steps) > 0 {
				t.Fatalf("%+v %v", p.Steps, err)
			}
			w.ended(w.engine(first), p)
			files := together(stated("hardwareTiers", "small", map[string]schema.Value{"cores": schema.JSON(2.25), "memory": schema.JSON("6GiB"), "centsPerMinute": {Is: schema.Unset}, "name": schema.JSON("b'ig $(touch run) \\n"),
				"overProvisioning.daysOfWeek": schema.JSON([]string{"mon", "sun"}), `podCustomization.additionalLabels."x.y/z"`: schema.JSON("\"a\"'\n")}),
				stated("hardwareTiers", "new tier", map[string]schema.Value{"cores": schema.JSON(1), "memory": schema.JSON("1GiB"), "nodePool": schema.JSON("p")}),
				stated("settings", "com.x", map[string]schema.Value{"value": {Is: schema.Secret, Text: "env:CANARY"}}),
				stated("settings", "com.new", map[string]schema.Value{"value": schema.JSON("'\"$(touch run)\\\n")}))
			if p, err = w.engine(files).Plan(t.Context(), engine.PlanOptions{}); err != nil || len(p.Steps) != 6 {
				t.Fatalf("%+v %v", p.Findings, err)
			}
			if out, err := h.run(url, manuals(p)); err != nil {
				t.Fatalf("%v: %s\n%s", err, out, h.command)
			}
			again, err := w.engine(files).Plan(t.Context(), engine.PlanOptions{})
			if err != nil || len(again.Steps) > 0 || again.Changed() {
				t.Errorf("the next plan is not empty: %+v %v", again.Changes, err)
			}
			left := schema.JSON([]any{d.tiers[0]["odd"], d.tiers[0]["oddNumber"], d.config[0]["setting"].(map[string]any)["nameMaybe"]}).Text
			if left != `[{"x":[1.5,"$(touch run)",null]},9007199254740991,"kept"]` {
				t.Errorf("what nobody knows was changed: %s", left)
			}
			if text, _ := json.Marshal(d.config); !strings.Contains(string(text), `"value":"canary-'1'\"$(touch run)\\n"`) || strings.Contains(string(text), "com.gone") {
				t.Errorf("the settings are %s", text)
			}
		})
	}
}

// TestTheScriptStops where anything is not as the plan saw it, or Domino does not answer,
// before it writes.
func TestTheScriptStops(t *testing.T) {
	tier := stated("hardwareTiers", "small", map[string]schema.Value{"cores": schema.JSON(3)})
	fresh := stated("hardwareTiers", "new", map[string]schema.Value{"cores": schema.JSON(1), "memory": schema.JSON("1GiB"), "nodePool": schema.JSON("p")})
	setting := stated("settings", "com.x", map[string]schema.Value{"value": schema.JSON("2")})
	made := stated("settings", "com.new", map[string]schema.Value{"value": schema.JSON("2")})
	quota := stated("settings", "maximumExecutionsPerUser", map[string]schema.Value{"value": schema.JSON("30")})
	record := func(d *store) map[string]any { return d.config[0]["setting"].(map[string]any) }
	for name, c := range map[string]struct {
		files map[schema.Address]schema.Object
		moved func(*store)
		says  string
	}{
		"the tier moved":        {tier, func(d *store) { d.tiers[0]["updateTime"] = "2026-01-02T00:00:00Z" }, "updateTime of small is"},
		"the tier is gone":      {tier, func(d *store) { d.tiers = d.tiers[1:] }, "404"},
		"a number that jq eats": {tier, func(d *store) { d.tiers[0]["odd"] = json.Number("12345678901234567890") }, "a number that jq would change"},
		"the tier is there":     {fresh, func(d *store) { d.tiers = append(d.tiers, map[string]any{"id": "new"}) }, `is "200", the plan saw "404"`},
		"the API denies":        {tier, func(d *store) { d.denies = 403 }, "does not tell its hardware tiers"},
		"the API is ill":        {setting, func(d *store) { d.denies = 500 }, "500"},
		"the setting moved":     {quota, func(d *store) { d.config[3]["setting"].(map[string]any)["value"] = "canary-7" }, "not the one that the plan saw"},
		"the setting is masked": {setting, func(d *store) { record(d)["value"] = "••••••••" }, "shows its value masked"},
		"the setting is gone":   {setting, func(d *store) { d.config = nil }, "there are 0 such records"},
		"two settings":          {setting, func(d *store) { d.config = append(d.config, d.config[0]) }, "there are 2 such records"},
		"the setting is there":  {made, func(d *store) { record(d)["key"] = "com.new" }, "how many records there are"},
		"an id that leads away": {setting, func(d *store) { d.config[0]["id"] = "../x" }, "no plain id"},
		"no answer of Domino's": {tier, func(d *store) { d.tiers[0] = map[string]any{"id": "small"} }, "updateTime of small is null"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newByHand(t)
			d, w, url := overHand(t, false)
			p, err := w.engine(c.files).Plan(t.Context(), engine.PlanOptions{})
			if err != nil || len(p.Steps) != 1 {
				t.Fatalf("%+v %v", p.Findings, err)
			}
			c.moved(d)
			d.asked = nil
			out, err := h.run(url, manuals(p))
			if err == nil || !strings.Contains(out, c.says) {
				t.Errorf("%v: %s\n%s", err, out, h.command)
			}
			for _, asked := range d.asked {
				if !strings.HasPrefix(asked, "GET ") {
					t.Errorf("it wrote: %s", asked)
				}
			}
		})
	}
}
