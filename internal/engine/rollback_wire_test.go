//go:build wire

package engine_test

import (
	"context"
	"encoding/json"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// takenBack rolls the apply back in a process that may die, and goes on as a
// person does until the outside is as it was before.
func (w *wired) takenBack(p planner.Plan, kill *sim.Kill, before string) {
	w.t.Helper()
	back := w.wentBack(p.ID, kill)
	if got := w.stands(); got != before {
		w.t.Errorf("the outside is\n%swant\n%s", got, before)
	}
	again := w.plan()
	if len(again.Steps) > 0 {
		w.t.Errorf("what was taken back is planned again: %v", again.Steps)
	}
	latched := map[schema.Address]bool{}
	for _, f := range again.Findings {
		latched[f.Address] = latched[f.Address] || f.Code == "DC410"
	}
	for a := range p.Content {
		if !latched[a] {
			w.t.Errorf("%s is not held back", a)
		}
	}
	w.told(back)
}

// wentBack rolls back in a process that may die, and goes on as a person does.
func (w *wired) wentBack(id string, kill *sim.Kill) planner.Plan {
	w.t.Helper()
	back, err := w.back(id, kill)
	switch {
	case err == nil:
	case !killed(err):
		w.t.Fatalf("rollback: %v", err)
	case back.ID == "":
		if back, err = w.back(id, sim.KillAfter(-1)); err != nil {
			w.t.Fatalf("rollback again: %v", err)
		}
	default:
		w.goOn(back)
	}
	return back
}

// back plans the way back and goes it.
func (w *wired) back(id string, kill *sim.Kill) (p planner.Plan, err error) {
	w.t.Helper()
	e, err := w.process(kill)
	if err == nil {
		p, err = e.Rollback(w.t.Context(), id, engine.RollbackOptions{})
	}
	if err != nil {
		return planner.Plan{}, err
	}
	res, err := e.Apply(w.t.Context(), p)
	if err == nil {
		w.ended(res, err)
	}
	return p, err
}

// stands is every document, and what AWS holds and points at.
func (w *wired) stands() string {
	w.t.Helper()
	var b strings.Builder
	b.WriteString(w.made())
	groups, err := w.cloud().DescribeAutoScalingGroups(w.t.Context(), nil)
	w.must(err)
	for _, g := range groups {
		b.WriteString(schema.JSON(g).Text + "\n")
	}
	managed, err := w.cloud().DescribeNodegroup(w.t.Context(), "acme", "acme-managed")
	w.must(err)
	b.WriteString(schema.JSON(managed).Text + "\n")
	for _, c := range []string{"hardware_tier", "config", "environments_v2"} {
		cursor, err := w.DB.Collection(c).Find(context.Background(), bson.D{})
		w.must(err)
		var docs []bson.M
		w.must(cursor.All(context.Background(), &docs))
		for _, d := range docs {
			text, err := bson.MarshalExtJSON(d, true, false)
			w.must(err)
			var sorted any
			w.must(json.Unmarshal(text, &sorted))
			b.WriteString(schema.JSON(sorted).Text + "\n")
		}
	}
	return b.String()
}
