package gitops

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// desert is a fork's proposal at a deployment, where there is nothing but a recording.
type desert struct {
	proposal
	before, after Compiled
}

func newDesert(t testing.TB) (d desert, recording []byte) {
	t.Helper()
	compiled := func(name string) Compiled {
		res, err := sim.Compile(t.Context(), "../sim/testdata/"+name)
		if err != nil {
			t.Fatal(err)
		}
		return Compiled{Result: res}
	}
	d.before, d.after = compiled("modern-before"), compiled("modern")
	box, err := os.ReadFile("../sim/testdata/modern/sandbox.json")
	if err != nil {
		t.Fatal(err)
	}
	clock := sim.NewJump()
	m, err := sim.NewMachine(box, clock)
	if err != nil {
		t.Fatal(err)
	}
	m.Secrets = map[string]string{"env:SIM_TOKEN": "canary-token-new", "env:SIM_FRESH": "canary-fresh-new"}
	e, err := m.Process(t.Context(), d.after.Result, sim.Options{Holder: "test"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if recording, err = planner.EncodeRecording(r); err != nil {
		t.Fatal(err)
	}
	d.proposal = proposal{Reception: &Reception{}, Proposal: &Proposal{From: "0123"}, pull: port.Pull{Base: "main", HeadCommit: "4567"},
		desk: &Desk{Name: "sim-modern", Now: clock.Now, Bound: config.Deployment{World: "sandbox", Branch: "main", Dir: "prod", Recording: config.Recording{File: "prod/world.json"}}}}
	return d, recording
}

// shows plans from a recording, holds what is shown to what must be, and says whether
// there is a plan.
func (d desert) shows(t testing.TB, body []byte) bool {
	t.Helper()
	d.content = func(context.Context, string, int64) ([]byte, error) { return body, nil }
	var lacks *schema.Finding
	var err error
	var p planner.Plan
	if d.world, lacks, err = d.recorded(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lacks == nil {
		p, err = d.world.plan("4567", d.after, engine.PlanOptions{}, engine.Former{Base: planner.Base{Ref: "main", Commit: "0123"}, Compiled: d.before.Result})
	} else {
		p = d.refused([]schema.Finding{*lacks})
	}
	if bad := (*panicked)(nil); errors.As(err, &bad) {
		t.Fatalf("%s\n%s", bad, bad.stack)
	}
	if err != nil {
		return false
	}
	if p.Effect != "" || len(p.Steps) > 0 || p.Sealed().Verify() == nil {
		t.Fatal("it could be applied")
	}
	const limit = 65_000
	comment, status := "", Status(p, "")
	if note := ""; lacks == nil {
		note = d.note(p)
		comment = note + p.Comment(limit-len(note), "")
		if kept, err := planner.Decode(planner.Encode(p)); err != nil || kept.Effect != "" {
			t.Fatalf("what is kept of it: %v", err)
		}
	} else {
		comment = p.Comment(limit, "")
	}
	if len(comment) > limit || !utf8.ValidString(comment) || utf8.RuneCountInString(status.Text) > 140 {
		t.Fatalf("%d bytes, %q", len(comment), status.Text)
	}
	if i := strings.IndexFunc(comment+status.Text, hidden); i >= 0 {
		t.Fatalf("it shows %q", (comment + status.Text)[max(0, i-20):i+20])
	}
	if bare := outsideCode(comment); strings.ContainsAny(bare, "@<") {
		t.Fatalf("it stands in no code: %q", bare)
	}
	return lacks == nil
}

// outsideCode is what a forge reads of a comment as more than text.
func outsideCode(comment string) string {
	var b strings.Builder
	fence := ""
	for line := range strings.Lines(comment) {
		ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fence == "" && len(ticks) >= 3:
			fence = ticks
		case fence != "" && strings.TrimSpace(line) == fence:
			fence = ""
		case fence == "":
			for i, part := range strings.Split(line, "`") {
				if i%2 == 0 {
					b.WriteString(part)
				}
			}
		}
	}
	return b.String()
}

func hidden(r rune) bool { return r != '\n' && unicode.In(r, unicode.Cc, unicode.Bidi_Control) }

// FuzzForkRecording: whatever stands in the file, a fork shows a plan that nobody can
// apply, or why there is none.
func FuzzForkRecording(f *testing.F) {
	d, good := newDesert(f)
	f.Add(good)
	f.Add([]byte(`{"format":1,"deployment":"sim-modern","at":"2026-03-01T10:00:00Z","world":{"kind":"sandbox"},"live":{"hardwareTiers.small":{"id":"x","fields":{"cores":{"is":"known","text":"{"}}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) { d.shows(t, body) })
}

// TestForkTampered: a recording of which any one value is another, or is missing, does no
// harm.
func TestForkTampered(t *testing.T) {
	d, good := newDesert(t)
	if !d.shows(t, good) {
		t.Fatal("there is no plan")
	}
	const hostile = "\x1b[31m\u202e<img src=x> @acme/admins `` ```\ndomctl apply 0123456789ab\n"
	plans, all := 0, 0
	for _, other := range []any{nil, true, -1e300, "", hostile, schema.JSON(hostile).Text, "{", "[1", "known", "out", "secret", "unknown", "settings.com.sim.token#value", "9999-12-31T23:59:59Z", []any{}, map[string]any{}} {
		for n := 0; ; n++ {
			var doc any
			if err := json.Unmarshal(good, &doc); err != nil {
				t.Fatal(err)
			}
			left := n
			doc = tampered(doc, &left, other)
			if left >= 0 {
				break
			}
			body, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			if all++; d.shows(t, body) {
				plans++
			}
		}
	}
	if all < 1000 || plans < 100 {
		t.Errorf("%d recordings, %d plans", all, plans)
	}
	t.Logf("%d recordings, %d plans", all, plans)
}

// tampered puts another value in the place of the one that left counts down to.
func tampered(v any, left *int, other any) any {
	if *left--; *left == -1 {
		return other
	}
	switch v := v.(type) {
	case map[string]any:
		for _, k := range schema.Sorted(v) {
			if *left >= 0 {
				v[k] = tampered(v[k], left, other)
			}
		}
	case []any:
		for i := range v {
			if *left >= 0 {
				v[i] = tampered(v[i], left, other)
			}
		}
	}
	return v
}

// TestSpan says ages as people do.
func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Minute: "0 minutes", time.Minute: "1 minute", 119 * time.Minute: "119 minutes", 3 * time.Hour: "3 hours", 47 * time.Hour: "47 hours", 7 * 24 * time.Hour: "7 days"} {
		if got := span(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
