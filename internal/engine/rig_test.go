package engine_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
)

// fixture is a deployment whose files changed once, and the world they are for.
type fixture struct {
	name          string
	before, after compiler.Result
	content       []byte
	secrets       map[string]string
}

// deployment is one of testdata, as it was and as it is to be.
func deployment(t *testing.T, name string) fixture {
	t.Helper()
	content, err := os.ReadFile("../sim/testdata/" + name + "/sandbox.json")
	if err != nil {
		t.Fatal(err)
	}
	return fixture{name, compiled(t, name+"-before"), compiled(t, name), content, map[string]string{"env:SIM_TOKEN": "canary-token-new", "env:SIM_FRESH": "canary-fresh-new"}}
}

func fixtures(t *testing.T) (all []fixture) {
	t.Helper()
	for _, name := range []string{"modern", "classic", "building", "probing", "baking", "spreading", "sharing", "defaults", "moving", "labelling", "template"} {
		all = append(all, deployment(t, name))
	}
	runs := all[len(all)-1]
	runs.name, runs.content = "template that runs", bytes.Replace(runs.content, []byte(`"state": "stopped"`), []byte(`"launched": "2024-01-01T00:00:00Z"`), 1)
	return append(all, runs)
}

func compiled(t *testing.T, name string) compiler.Result {
	t.Helper()
	res, err := sim.Compile(t.Context(), "../sim/testdata/"+name)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// rig is a machine in a test.
type rig struct {
	*sim.Machine
	t *testing.T
}

// start is a machine on which the files as they were stand applied.
func (f fixture) start(t *testing.T) rig {
	t.Helper()
	m, err := sim.NewMachine(f.content, sim.NewJump())
	if err != nil {
		t.Fatal(err)
	}
	m.Secrets = f.secrets
	r := rig{m, t}
	r.applyAll(f.before)
	m.Effects = nil
	return r
}

func (r rig) copy() rig {
	r.t.Helper()
	m, err := r.Copy(r.t.Context(), sim.JumpFrom(r.Clock.Now()))
	if err != nil {
		r.t.Fatal(err)
	}
	return rig{m, r.t}
}

// process opens a process that dies after so many sides of calls.
func (r rig) process(c compiler.Result, kill *sim.Kill) (*engine.Engine, error) {
	return r.Process(r.t.Context(), c, sim.Options{Holder: "test", Gate: kill.Gate})
}

func (r rig) engine(c compiler.Result) *engine.Engine {
	r.t.Helper()
	e, err := r.process(c, sim.KillAfter(-1))
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

func (r rig) plan(c compiler.Result) planner.Plan {
	r.t.Helper()
	p, err := r.engine(c).Plan(r.t.Context(), engine.PlanOptions{Allow: []string{"archive"}})
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func (r rig) applyAll(c compiler.Result) planner.Plan {
	r.t.Helper()
	p := r.plan(c)
	r.ended(r.engine(c).Apply(r.t.Context(), p))
	return p
}

func (r rig) ended(res applier.Result, err error) {
	r.t.Helper()
	if err != nil || res.Outcome != applier.EndedOutcome {
		r.t.Fatalf("%+v, %v", res, err)
	}
}

// goOn does what a person does after a crash: resume, or apply again when not
// even the plan was recorded.
func (r rig) goOn(c compiler.Result, p planner.Plan) {
	r.t.Helper()
	e := r.engine(c)
	res, err := e.Applier.Resume(r.t.Context(), p.ID)
	if applier.IsMissing(err) {
		res, err = e.Apply(r.t.Context(), p)
	}
	r.ended(res, err)
}

func (r rig) managed() string {
	r.t.Helper()
	s, err := r.Managed()
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// settled holds what is true of every machine at rest.
func (r rig) settled(c compiler.Result) {
	r.t.Helper()
	told := r.Told()
	if again := slices.Compact(slices.Clone(told)); len(again) != len(told) {
		r.t.Errorf("something was written twice:\n%s", strings.Join(told, "\n"))
	}
	e := r.engine(c)
	if l, _, err := e.Applier.ReadLock(r.t.Context()); err != nil || !l.Free {
		r.t.Errorf("the lock is %+v, %v", l, err)
	}
	if open, err := e.Applier.OpenApplies(r.t.Context()); err != nil || len(open) > 0 {
		r.t.Errorf("open applies: %v, %v", open, err)
	}
	if _, err := e.Applier.History(r.t.Context()); err != nil {
		r.t.Error(err)
	}
}
