package engine_test

import (
	"errors"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
)

// bare is a machine on which nothing was applied.
func (f fixture) bare(t *testing.T) rig {
	t.Helper()
	m, err := sim.NewMachine(f.content, sim.NewJump())
	if err != nil {
		t.Fatal(err)
	}
	m.Secrets = f.secrets
	return rig{m, t}
}

// streams counts the applies that the store knows.
func (r rig) streams() (n int) {
	for key := range r.Store.Bodies() {
		if strings.HasPrefix(key, "applies/") && strings.HasSuffix(key, "/000000") {
			n++
		}
	}
	return n
}

// says holds that an error tells all that is wanted.
func says(t *testing.T, err error, want ...string) {
	t.Helper()
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in: %v", w, err)
		}
	}
}

func TestAnotherStoresPlanIsRefused(t *testing.T) {
	f := fixtures(t)[0]
	here, there := f.start(t), f.bare(t)
	there.plan(f.before) // another store was made at another moment, with other randomness
	if err := there.Store.Delete(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	p := there.saved(f)
	if p.Lineage == here.plan(f.after).Lineage || p.Lineage == "" {
		t.Fatalf("lineage %q in two stores", p.Lineage)
	}
	was := here.streams()
	_, err := here.engine(f.after).Apply(t.Context(), p)
	says(t, err, "DC309", "another state store", "plan again")
	if here.streams() != was || len(here.Effects) > 0 {
		t.Error("something was written")
	}
}

// TestAReadOnlyStore can be planned from, and nothing more.
func TestAReadOnlyStore(t *testing.T) {
	f := fixtures(t)[0]
	r := f.bare(t)
	denied := errors.New("AccessDenied: s3:PutObject")
	gate := func(call string, phase sandbox.Phase) error {
		if phase == sandbox.Before && strings.HasPrefix(call, "put") {
			return denied
		}
		return nil
	}
	e, err := r.Process(t.Context(), f.after, sim.Options{Holder: "reader", Gate: gate})
	if err != nil {
		t.Fatal(err)
	}
	p, err := e.Plan(t.Context(), engine.PlanOptions{})
	if err != nil || len(p.Steps) == 0 {
		t.Fatal(err)
	}
	told := 0
	for _, finding := range p.Findings {
		if finding.Code == "DC513" && strings.Contains(finding.Message, denied.Error()) {
			told++
		}
	}
	if told != 1 {
		t.Errorf("%v", p.Findings)
	}
	_, err = e.Apply(t.Context(), p)
	says(t, err, "DC513", denied.Error())
	_, err = r.engine(f.after).Apply(t.Context(), p) // by someone who may write
	says(t, err, "DC309")
	for _, finding := range r.plan(f.after).Findings {
		if finding.Code == "DC513" {
			t.Error("the store can be written by now")
		}
	}
	r.applyAll(f.after)
	r.atDesired(f)
}

func TestAnotherDeploymentsStoreIsRefused(t *testing.T) {
	f := fixtures(t)[0]
	r := f.start(t)
	p := r.applyAll(f.after)
	f.after.Desired.Deployment.Name = "other"
	e := r.engine(f.after)
	_, err := e.Plan(t.Context(), engine.PlanOptions{})
	says(t, err, "DC512", `"sim-modern"`, `"other"`)
	_, err = e.Rollback(t.Context(), p.ID, engine.RollbackOptions{})
	says(t, err, "DC512", `"sim-modern"`, `"other"`)
}

// TestALostAppliedIsNotNothingApplied, for none of the verbs.
func TestALostAppliedIsNotNothingApplied(t *testing.T) {
	f := fixtures(t)[0]
	r := f.start(t)
	first := r.applyAll(f.after)
	p := r.saved(f)
	kept := r.Store.Bodies()["applied"]
	if err := r.Store.Delete(t.Context(), "applied"); err != nil {
		t.Fatal(err)
	}
	e, was := r.engine(f.after), r.streams()
	_, err := e.Plan(t.Context(), engine.PlanOptions{})
	says(t, err, "DC315", "holds 2 applies", "restore it")
	_, err = e.Apply(t.Context(), p)
	says(t, err, "DC315", "holds 2 applies")
	_, err = e.Rollback(t.Context(), first.ID, engine.RollbackOptions{})
	says(t, err, "DC315", "holds 2 applies")
	r.put("applied", "{")
	_, err = e.Apply(t.Context(), p)
	says(t, err, "DC315", "what was applied")
	if r.streams() != was {
		t.Error("the plan was consumed")
	}
	r.put("applied", string(kept))
	r.ended(e.Apply(t.Context(), p))
}

// TestAMissingSecretConsumesNothing: the plan can be applied once it is there.
func TestAMissingSecretConsumesNothing(t *testing.T) {
	f := fixtures(t)[0]
	r := f.start(t)
	p := r.saved(f)
	was := r.streams()
	lacking := map[string]string{"env:SIM_FRESH": "canary-fresh-new"}
	all := r.Secrets
	r.Secrets = lacking
	_, err := r.engine(f.after).Apply(t.Context(), p)
	says(t, err, "DC160", "settings.com.sim.token", "env:SIM_TOKEN", "can still be applied")
	if r.streams() != was || len(r.Effects) > 0 {
		t.Error("something was written")
	}
	r.Secrets = map[string]string{} // none of them is told of alone
	_, err = r.engine(f.after).Apply(t.Context(), p)
	says(t, err, "DC160", "settings.com.sim.token", "env:SIM_TOKEN", "env:SIM_FRESH", "can still be applied")
	r.Secrets = all
	r.ended(r.engine(f.after).Apply(t.Context(), p))
	r.atDesired(f)
}

// TestFirstApplyKilledAtEveryCall: a store in the making is never taken for one
// that has lost *applied*, wherever its maker dies, and whoever takes over.
func TestFirstApplyKilledAtEveryCall(t *testing.T) {
	f := fixtures(t)[1]
	whole := f.bare(t)
	k := sim.KillAfter(-1)
	plan := func(r rig, kill *sim.Kill) (*engine.Engine, planner.Plan, error) {
		e, err := r.process(f.after, kill)
		if err != nil {
			return nil, planner.Plan{}, err
		}
		p, err := e.Plan(t.Context(), engine.PlanOptions{Allow: []string{"archive"}})
		return e, p, err
	}
	e, p, err := plan(whole, k)
	if err != nil {
		t.Fatal(err)
	}
	r := whole
	r.ended(e.Apply(t.Context(), p))
	for n := range k.Sides() {
		r := f.bare(t)
		e, p, err := plan(r, sim.KillAfter(n))
		if err == nil {
			_, _ = e.Apply(t.Context(), p)
		}
		if _, err := r.engine(f.after).Applier.BreakLock(t.Context()); err != nil {
			t.Fatalf("killed after %d: %v", n, err)
		}
		again := r.plan(f.after)
		if s, err := r.engine(f.after).Applier.Summary(t.Context(), p.ID); err == nil && s.Plan != nil {
			r.goOn(f.after, p)
		} else {
			r.ended(r.engine(f.after).Apply(t.Context(), again))
		}
		r.atDesired(f)
		if t.Failed() {
			t.Fatalf("killed after %d of %v", n, k.Sides())
		}
	}
}
