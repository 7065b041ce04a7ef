package engine_test

import (
	"os"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
)

func probing(t *testing.T, pull string) fixture {
	t.Helper()
	f := fixture{name: "probing", before: compiled(t, "probing-before"), after: compiled(t, "probing")}
	content, err := os.ReadFile("../sim/testdata/probing/sandbox.json")
	if err != nil {
		t.Fatal(err)
	}
	f.content = []byte(strings.Replace(string(content), `"8s"`, `"`+pull+`"`, 1))
	return f
}

// documents of a collection that hold a text.
func (r rig) holding(text string) int {
	r.t.Helper()
	return strings.Count(string(r.Box.Content()), text)
}

// TestAProbedWave: each wave begins once a run on a hidden tier of the new image had its
// images in time; the run is stopped, and the tier archived.
func TestAProbedWave(t *testing.T) {
	f := probing(t, "8s")
	r := f.start(t)
	p := r.applyAll(f.after)
	var order []string
	for _, s := range p.Steps {
		order = append(order, s.Op+" "+s.Address.Name)
	}
	if got := strings.Join(order, "\n"); got != "domino.probe first\nmongo.update first\ndomino.probe large\nmongo.update large\nmongo.update small\nmongo.update small" {
		t.Errorf("steps\n%s", got)
	}
	for _, s := range p.Steps {
		if s.Op == "domino.probe" && (s.Args["tier.flags.isVisible"].Text != "false" || s.Args["tier.flags"].Text != "" || s.Args["tier._id"].Text != "" || s.Args["group.executorImage"].Text != "") {
			t.Errorf("%v", s.Args)
		}
	}
	r.atDesired(f)
	told := strings.Join(r.Told(), "\n")
	for call, n := range map[string]int{"StartJob": 2, "StopJob": 2, "DeleteOne": 2, "InsertOne": 4} {
		if got := strings.Count("\n"+told, "\n"+call); got != n {
			t.Errorf("%d %s, want %d:\n%s", got, call, n, told)
		}
	}
	if r.holding(`"isArchived": true`) != 2 || r.holding(`"instances": 2`) != 1 || r.holding(`"isDefault": true`) != 1 {
		t.Errorf("%s", r.Box.Content())
	}
}

// TestASlowProbe holds the wave back, and leaves nothing.
func TestASlowProbe(t *testing.T) {
	f := probing(t, "11s")
	r := f.start(t)
	p := r.plan(f.after)
	res, err := r.engine(f.after).Apply(t.Context(), p)
	if err != nil || res.Outcome != applier.FailedOutcome || !strings.Contains(strings.Join(res.Why, "\n"), "DC392") {
		t.Fatalf("%+v, %v", res, err)
	}
	if r.holding(`"executorImage": "ami-00000000000000002"`) != 0 || r.holding(`"isArchived": true`) != 1 || r.holding(`"stopped": true`) != 1 {
		t.Errorf("%s", r.Box.Content())
	}
}

// TestProbesKilledAtEveryCall: see killedAtEveryCall; nothing of a probe is left.
func TestProbesKilledAtEveryCall(t *testing.T) { killedAtEveryCall(t, probing(t, "8s")) }

// TestSlowProbesKilledAtEveryCall: wherever the process dies, the next one finds the probe
// too slow, stops its run, archives its tier and switches nothing; the way back is whole.
func TestSlowProbesKilledAtEveryCall(t *testing.T) {
	f := probing(t, "11s")
	start := f.start(t)
	before := start.managed()
	p := start.plan(f.after)
	whole := start.copy()
	k := sim.KillAfter(-1)
	e, err := whole.process(f.after, k)
	if err == nil {
		_, err = e.Apply(t.Context(), p)
	}
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(k.Sides()) {
		r := start.copy()
		r.dies(f, p, n)
		e := r.engine(f.after)
		res, err := e.Applier.Resume(t.Context(), p.ID)
		if applier.IsMissing(err) {
			res, err = e.Apply(t.Context(), p)
		}
		if err != nil || res.Outcome != applier.FailedOutcome && res.Outcome != applier.PausedOutcome {
			t.Fatalf("killed after %d: %+v, %v", n, res, err)
		}
		if r.holding(`"isArchived": true`) != 1 || r.holding(`"Running"`) != 0 || r.holding(`"stopped": true`) != 1 || r.holding(`"executorImage": "ami-00000000000000002"`) != 0 {
			t.Fatalf("killed after %d: %s", n, r.Box.Content())
		}
		r.back(f, p.ID, sim.KillAfter(-1))
		if got := r.managed(); got != before {
			t.Fatalf("killed after %d: the world is\n%s\nwant\n%s", n, got, before)
		}
	}
	t.Logf("%d sides of calls", len(k.Sides()))
}

// TestAProbeThatDominoRefuses gives no figure, and leaves nothing.
func TestAProbeThatDominoRefuses(t *testing.T) {
	for _, fault := range []string{"denied", "lost", "fails", "down"} {
		f := probing(t, "8s")
		r := f.start(t)
		p := r.plan(f.after)
		e, err := r.Process(t.Context(), f.after, sim.Options{Holder: "test", Outside: sandbox.Options{Faults: []sandbox.Fault{{Call: "StartJob", Fault: fault, Times: 2}}}})
		if err != nil {
			t.Fatal(err)
		}
		res, err := e.Apply(t.Context(), p)
		want, archived := "DC393", 1
		if fault == "lost" {
			want, archived = "", 2
		}
		if err != nil || !strings.Contains(strings.Join(res.Why, "\n"), want) || (res.Outcome == applier.EndedOutcome) != (fault == "lost") {
			t.Errorf("%s: %+v, %v", fault, res, err)
		}
		if fault == "denied" && !strings.Contains(strings.Join(res.Why, "\n"), "access denied") {
			t.Errorf("%s: %v", fault, res.Why)
		}
		if r.holding(`"isArchived": true`) != archived || r.holding(`domctl-probe-`) != archived+strings.Count(string(r.Box.Content()), `"tier": "domctl-probe-`) {
			t.Errorf("%s: %s", fault, r.Box.Content())
		}
	}
}
