package engine_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

var small = schema.Address{Kind: "hardwareTiers", Name: "small"}

// renamed is the fixture's files with the small tier under another address: an
// apply of them writes nothing outside.
func renamed(f fixture) compiler.Result {
	c := f.after
	c.Desired.Objects = maps.Clone(c.Desired.Objects)
	o := c.Desired.Objects[small]
	delete(c.Desired.Objects, small)
	o.Fields = maps.Clone(o.Fields)
	o.Fields["movedFrom"] = schema.JSON("small")
	c.Desired.Objects[schema.Address{Kind: "hardwareTiers", Name: "tiny"}] = o
	return c
}

// ordered is a machine with three applies: of the former files, of the files,
// and one that only adopts. The clock of the third has gone back.
func ordered(t *testing.T) (r rig, f fixture, ids []string) {
	t.Helper()
	f = fixtures(t)[0]
	r = f.start(t)
	r.applyAll(f.after)
	r = r.copy()
	if adopted := r.applyAll(renamed(f)); len(adopted.Steps) > 0 || len(adopted.Settle) != 2 {
		t.Fatalf("it adopts: %+v", adopted.Settle)
	}
	points, err := r.engine(f.after).RestorePoints(t.Context())
	if err != nil || len(points) != 3 {
		t.Fatal(points, err)
	}
	for _, p := range points {
		ids = append(ids, p.ID)
	}
	return r, f, ids
}

// take takes one apply back, or a part of it.
func (r rig) take(f fixture, id string, o engine.RollbackOptions) {
	r.t.Helper()
	p, err := r.engine(f.after).Rollback(r.t.Context(), id, o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.ended(r.engine(f.after).Apply(r.t.Context(), p))
}

// TestTheLastApplyIsWhatIsTakenBack, once, also where it only adopted; a job that
// runs again does not walk backwards.
func TestTheLastApplyIsWhatIsTakenBack(t *testing.T) {
	r, f, ids := ordered(t)
	was, _, err := applier.ReadApplied(t.Context(), r.Store, "sim-modern")
	if err != nil {
		t.Fatal(err)
	}
	e := r.engine(f.after)
	for range 2 {
		got, err := e.Rollbacks(t.Context(), engine.RollbackOptions{})
		if err != nil || !slices.Equal(got, ids[:1]) {
			t.Fatal(got, err)
		}
	}
	r.take(f, ids[0], engine.RollbackOptions{})
	now, _, err := applier.ReadApplied(t.Context(), r.Store, "sim-modern")
	if _, is := now.Entries[small]; err != nil || !is || len(now.Entries) != len(was.Entries) {
		t.Errorf("the former entry is not back: %v", err)
	}
	_, err = e.Rollbacks(t.Context(), engine.RollbackOptions{})
	says(t, err, "DC423", ids[0], "--to", "--before", "--unlatch")
	_, err = e.Rollback(t.Context(), ids[0], engine.RollbackOptions{})
	says(t, err, "DC423", ids[0])
}

// grave are a plan's findings that are more than good to know.
func grave(p planner.Plan) []schema.Finding {
	return slices.DeleteFunc(slices.Clone(p.Findings), func(f schema.Finding) bool { return f.Severity == schema.Info })
}

// TestAnOlderApplyWaitsForTheLater, address by address.
func TestAnOlderApplyWaitsForTheLater(t *testing.T) {
	r, f, ids := ordered(t)
	e := r.engine(f.after)
	p, err := e.Rollback(t.Context(), ids[1], engine.RollbackOptions{})
	if f := grave(p); err != nil || len(f) != 1 || f[0].Code != "DC424" || f[0].Address != small || f[0].Message != "apply "+ids[0]+" set it later" {
		t.Fatal(p.Findings, err)
	}
	_, err = e.Apply(t.Context(), p)
	says(t, err, "DC424", ids[0])
	r.take(f, ids[1], engine.RollbackOptions{Exclude: []string{small.String()}})
	points, err := e.RestorePoints(t.Context())
	if err != nil || points[1].Whole() || len(points[1].TakenBack) != 1 || !slices.Equal(points[1].Left, []schema.Address{small}) {
		t.Fatalf("%+v %v", points[1], err)
	}
	r.take(f, ids[0], engine.RollbackOptions{})
	r.take(f, ids[1], engine.RollbackOptions{}) // the part that is left, and no more
	if points, err = e.RestorePoints(t.Context()); err != nil || !points[1].Whole() || len(points[1].TakenBack) != 2 {
		t.Fatalf("%+v %v", points[1], err)
	}
	_, err = e.Rollback(t.Context(), ids[1], engine.RollbackOptions{Target: []string{small.String()}})
	says(t, err, "DC423", ids[1])
}

// TestAPartIsTakenBackOnce: what a part of an apply was taken back from, and then
// applied again, is not its to take back.
func TestAPartIsTakenBackOnce(t *testing.T) {
	r, f, ids := ordered(t)
	r.take(f, ids[0], engine.RollbackOptions{})
	part := engine.RollbackOptions{Target: []string{small.String()}}
	r.take(f, ids[1], part)
	_, err := r.engine(f.after).Rollback(t.Context(), ids[1], part)
	says(t, err, "DC423", ids[1], small.String(), "--unlatch")
	again, err := r.engine(f.after).Plan(t.Context(), engine.PlanOptions{Unlatch: true, Target: part.Target})
	if err != nil || len(again.Steps) == 0 {
		t.Fatal(again.Steps, err)
	}
	r.ended(r.engine(f.after).Apply(t.Context(), again))
	p, err := r.engine(f.after).Rollback(t.Context(), ids[1], engine.RollbackOptions{})
	if err != nil || len(grave(p)) > 0 || p.Touches(small) {
		t.Fatal(p.Findings, err)
	}
}

// TestBeforeTakesBackInOrder, those that only adopted too, down to the world and
// the records as they were.
func TestBeforeTakesBackInOrder(t *testing.T) {
	r, f, ids := ordered(t)
	e := r.engine(f.after)
	got, err := e.Rollbacks(t.Context(), engine.RollbackOptions{Before: time.Unix(0, 1)})
	if err != nil || !slices.Equal(got, ids) {
		t.Fatal(got, err)
	}
	for _, id := range got {
		r.take(f, id, engine.RollbackOptions{})
	}
	if got, want := r.managed(), f.bare(t).managed(); got != want {
		t.Errorf("the world is\n%s\nand was\n%s", got, want)
	}
	if now, _, err := applier.ReadApplied(t.Context(), r.Store, "sim-modern"); err != nil || len(now.Entries) > 0 {
		t.Errorf("%v is still applied, %v", schema.Addresses(now.Entries), err)
	}
	_, err = e.Rollbacks(t.Context(), engine.RollbackOptions{Before: time.Unix(0, 1)})
	says(t, err, "DC422")
}

// TestAPlanIsOutdatedByAnotherApply, also where it would only adopt, and by a
// rollback of the same content.
func TestAPlanIsOutdatedByAnotherApply(t *testing.T) {
	f := fixtures(t)[0]
	r := f.start(t)
	first, second, third := r.saved(f), r.saved(f), r.saved(f)
	r.ended(r.engine(f.after).Apply(t.Context(), first))
	refused := func(p planner.Plan, says string) {
		t.Helper()
		was := r.managed()
		res, err := r.engine(f.after).Apply(t.Context(), p)
		if err != nil || res.Outcome != applier.RefusedOutcome || len(res.Why) == 0 {
			t.Fatalf("%+v, %v", res, err)
		}
		for _, why := range res.Why {
			if !strings.Contains(why, "DC304") || !strings.Contains(why, says) {
				t.Error(why)
			}
		}
		if r.managed() != was {
			t.Error("something was written")
		}
	}
	refused(second, "plan again")
	r.take(f, first.ID, engine.RollbackOptions{})
	refused(third, "another apply or rollback has set it") // the world is as it saw it, and its content was rolled back
	r.settled(f.after)
}

// TestARollbackThatWasPlannedBeforeAnApplyIsRefused: what it would put back is
// not what stood before the later apply, also where *applied* came to the same again.
func TestARollbackThatWasPlannedBeforeAnApplyIsRefused(t *testing.T) {
	f := fixtures(t)[0]
	r := f.start(t)
	r.applyAll(f.after)
	points, err := r.engine(f.after).RestorePoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.engine(f.after).Rollback(t.Context(), points[0].ID, engine.RollbackOptions{Target: []string{small.String()}})
	if err != nil {
		t.Fatal(err)
	}
	for _, files := range []compiler.Result{renamed(f), f.after} {
		later := r.applyAll(files)
		_, err := r.engine(f.after).Apply(t.Context(), p)
		says(t, err, "DC424: hardwareTiers.small: apply "+later.ID+" has set it since the rollback was planned", "nothing was written")
	}
}

// TestGoingBackLetsGoOfNoLatch: content that was rolled back stays off when a
// later content of the address is rolled back too.
func TestGoingBackLetsGoOfNoLatch(t *testing.T) {
	f := fixtures(t)[0]
	r := f.start(t)
	first := r.applyAll(f.after)
	r.take(f, first.ID, engine.RollbackOptions{})
	other := f.after
	other.Desired.Objects = maps.Clone(other.Desired.Objects)
	o := other.Desired.Objects[small]
	o.Fields = maps.Clone(o.Fields)
	o.Fields["cores"] = schema.JSON(3)
	other.Desired.Objects[small] = o
	second := r.applyAll(other)
	if len(second.Steps) == 0 {
		t.Fatal("the content changed")
	}
	r.take(f, second.ID, engine.RollbackOptions{})
	for name, files := range map[string]compiler.Result{"the first": f.after, "the second": other} {
		if p := r.plan(files); p.Touches(small) || len(p.Steps) > 0 {
			t.Errorf("%s is planned again: %v", name, p.Changes)
		}
	}
}
