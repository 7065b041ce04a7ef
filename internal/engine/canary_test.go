package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// shown collects everything that a person or a file could be shown.
type shown struct{ strings.Builder }

func (s *shown) plan(p planner.Plan) {
	_ = p.Text(s, planner.Style{})
	_ = p.Markdown(s)
	_ = planner.WriteFindings(s, p.Findings, planner.Style{})
	s.Write(planner.Encode(p))
}

func (s *shown) err(err error) { fmt.Fprintln(s, err) }

func (s *shown) event(e applier.Event) { fmt.Fprintln(s, schema.JSON(e).Text) }

// history is what a history could tell: all of a record but whole objects.
func (s *shown) history(t *testing.T, e *engine.Engine) {
	t.Helper()
	all, err := e.Applier.History(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		for _, r := range a.Records {
			r.Pre = nil
			fmt.Fprintln(s, schema.JSON(r).Text)
		}
	}
}

// TestSecretsAreShownNowhere: values that are secret by the files, or that
// nobody documented, stand in records alone.
func TestSecretsAreShownNowhere(t *testing.T) {
	f := fixtures(t)[0]
	var out shown
	m, err := sim.NewMachine(f.content, sim.NewJump())
	if err != nil {
		t.Fatal(err)
	}
	m.Secrets = f.secrets
	r := rig{m, t}
	open := func() *engine.Engine {
		e, err := r.Process(t.Context(), f.after, sim.Options{Holder: "test", Report: out.event})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	out.plan(r.applyAll(f.before))
	p := r.plan(f.after)
	out.plan(p)
	r.ended(open().Apply(t.Context(), p))
	conflicting := r.copy()
	conflicting.edit("canary-fresh-new", "canary-fresh-edited", "canary-token-new", "canary-token-edited", `"value": "on"`, `"value": "canary-flag-edited"`)
	q, err := conflicting.engine(f.after).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
	if err != nil || !schema.Failed(q.Findings) {
		t.Fatalf("an edit is no conflict: %v", err)
	}
	out.plan(q)
	_, err = conflicting.engine(f.after).Apply(t.Context(), q)
	out.err(err)
	back, err := open().Rollback(t.Context(), p.ID, engine.RollbackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out.plan(back)
	moved := r.copy()
	moved.edit("canary-token-new", "canary-token-moved", `"value": "on"`, `"value": "canary-flag-moved"`) // of which the files say "on" in the clear
	res, err := moved.engine(f.after).Apply(t.Context(), back)
	out.err(fmt.Errorf("%+v %w", res, err))
	r.ended(open().Apply(t.Context(), back))
	out.history(t, open())
	if i := strings.Index(out.String(), "canary"); i >= 0 {
		t.Errorf("a secret is shown: …%s…", out.String()[max(0, i-300):i+60])
	}
	if !strings.Contains(out.String(), "record:") || !strings.Contains(r.managed(), "canary-token-old") {
		t.Error("the test saw nothing come back")
	}
}

// edit changes the world by hand.
func (r rig) edit(pairs ...string) {
	r.t.Helper()
	was := string(r.Box.Content())
	now := strings.NewReplacer(pairs...).Replace(was)
	if was == now {
		r.t.Fatalf("%v changes nothing", pairs)
	}
	if err := r.Box.Replace([]byte(now)); err != nil {
		r.t.Fatal(err)
	}
}
