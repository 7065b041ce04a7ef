package engine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// stranger is somebody else with rights in the account, who acts before a call
// until it had an effect.
func (r rig) stranger(f fixture, call string, act func(*sandbox.World) bool) *engine.Engine {
	r.t.Helper()
	w, acted := r.world(), false
	e, err := r.Process(r.t.Context(), f.after, sim.Options{Holder: "test", Gate: func(c string, p sandbox.Phase) error {
		if c == call && p == sandbox.Before && !acted {
			acted = act(w)
		}
		return nil
	}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if !acted {
			r.t.Errorf("nobody called %s", call)
		}
	})
	return e
}

func (r rig) world() *sandbox.World {
	r.t.Helper()
	w, err := r.Box.Open(sandbox.Options{Clock: r.Clock.Now})
	if err != nil {
		r.t.Fatal(err)
	}
	return w
}

// own are the account's images that were made of instances.
func (r rig) own() (own []port.Image) {
	r.t.Helper()
	all, err := r.world().DescribeImages(r.t.Context(), port.ImageQuery{Owners: []string{"self"}})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, i := range all {
		if i.Instance != "" {
			own = append(own, i)
		}
	}
	return own
}

// order is the image that a bake of the fixture makes.
func (f fixture) order(t *testing.T) (n port.NewImage) {
	t.Helper()
	r := f.start(t)
	r.applyAll(f.after)
	for _, e := range r.Effects {
		var args []port.NewImage
		if e.Call == "CreateImage" && json.Unmarshal([]byte(e.Args), &args) == nil {
			n = args[0]
		}
	}
	if n.Name == "" {
		t.Fatal("no image is made")
	}
	return n
}

// unused says why an apply ended, which must not have switched anything.
func (r rig) unused(res applier.Result, err error) string {
	r.t.Helper()
	if err != nil || res.Outcome == applier.EndedOutcome {
		r.t.Fatalf("%+v, %v", res, err)
	}
	for _, call := range r.switched() {
		if !strings.HasPrefix(call, "UpdateOne [\"environments_v2") {
			r.t.Errorf("it is used: %s", call)
		}
	}
	return strings.Join(res.Why, "; ")
}

// TestAForgedVerdict: who may tag writes that the image passed, before it is
// looked at and while it is.
func TestAForgedVerdict(t *testing.T) {
	for _, call := range []string{"TerminateInstance", "RunInstance", "CreateTags"} {
		f := baking(t, withDisk(`{"commands": {"ctr *run *": {"exit": 1, "stderr": "exec format error\n"}}}`)...)
		r := f.start(t)
		e := r.stranger(f, call, func(w *sandbox.World) (acted bool) {
			for _, i := range r.own() {
				if err := w.CreateTags(t.Context(), []string{i.ID}, map[string]string{schema.TagVerified: schema.Passed, schema.TagReady: "1s"}); err != nil {
					t.Error(err)
				}
				acted = true
			}
			return acted
		})
		res, err := e.Apply(t.Context(), r.plan(f.after))
		if why := r.unused(res, err); !strings.Contains(why, "DC335") || !strings.Contains(why, "exec format error") {
			t.Errorf("%s: %s", call, why)
		}
	}
}

// TestAForgedImage: somebody who sees the builder's tags makes an image of it with
// them, before its work is done.
func TestAForgedImage(t *testing.T) {
	f := baking(t)
	n := f.order(t)
	r := f.start(t)
	p := r.plan(f.after)
	e := r.stranger(f, "RunScript", func(w *sandbox.World) bool {
		n.Tags[schema.TagToken] = r.tokenOf(f.after, p, "bake.image")
		if _, err := w.CreateImage(t.Context(), n); err != nil {
			t.Error(err)
		}
		return true
	})
	res, err := e.Apply(t.Context(), p)
	if why := r.unused(res, err); !strings.Contains(why, "DC332") {
		t.Error(why)
	}
}

// tokenOf is the token of the step of a plan that is being applied.
func (r rig) tokenOf(c compiler.Result, p planner.Plan, op string) string {
	r.t.Helper()
	s, err := r.engine(c).Applier.Summary(r.t.Context(), p.ID)
	must(r.t, err)
	return s.Token(stepOf(r.t, p, op).ID)
}

func stepOf(t *testing.T, p planner.Plan, op string) planner.Step {
	t.Helper()
	for _, s := range p.Steps {
		if s.Op == op {
			return s
		}
	}
	t.Fatalf("the plan has no %s", op)
	return planner.Step{}
}

// TestImagesOfStrangers: a newer public image of another account with the name and
// the tags that ours would have, and one of this account, that no record knows, are
// passed by.
func TestImagesOfStrangers(t *testing.T) {
	n := baking(t).order(t)
	n.Tags[schema.TagVerified] = schema.Passed
	tags := schema.JSON(n.Tags).Text
	f := baking(t, base+"}", base+`},
		"ami-0000000000000dead": {"architecture": "x86_64", "name": "`+n.Name+`", "owner": "999988887777", "launch": ["all"], "created": "2026-12-31T00:00:00Z", "tags": `+tags+`},
		"ami-0000000000000beef": {"architecture": "x86_64", "name": "`+n.Name+`-1", "created": "2026-12-31T00:00:00Z", "tags": `+tags+`}`)
	r := f.start(t)
	r.applyAll(f.after)
	if own := r.own(); len(own) != 1 || own[0].Name != n.Name || own[0].Tags[schema.TagVerified] != schema.Passed {
		t.Fatalf("made are %+v", own)
	}
	for _, call := range r.switched() {
		if strings.Contains(call, "dead") || strings.Contains(call, "beef") {
			t.Error(call)
		}
	}
	r.atDesired(f)

	// What has passed is doubted by a tag, and a pin to it stops too.
	id := r.own()[0].ID
	if err := r.world().CreateTags(t.Context(), []string{id}, map[string]string{schema.TagVerified: "no container starts"}); err != nil {
		t.Fatal(err)
	}
	p := r.plan(f.after)
	if !said(p, "DC264", `its tag domctl:verified is "no container starts"`) {
		t.Errorf("nobody says it: %+v", p.Findings)
	}
	f = changed(t, "classic", `"name": "new"`, `"name": "new", "tags": {"domctl:verified": "no container starts"}`)
	if p = f.start(t).plan(f.after); !said(p, "DC269", "ami-00000000000000002 did not pass its verification: no container starts") {
		t.Errorf("nobody says it: %+v", p.Findings)
	}
	if len(p.Steps) != 0 && strings.Contains(schema.JSON(p.Steps).Text, "ami-00000000000000002") {
		t.Errorf("it is used: %+v", p.Steps)
	}
}

func said(p planner.Plan, code, text string) bool {
	for _, f := range p.Findings {
		if f.Code == code && strings.Contains(f.Message, text) {
			return true
		}
	}
	return strings.Contains(schema.JSON(p).Text, schema.JSON(text).Text)
}

// TestTiersStopToo: on a classic deployment it is tiers that wait for the verdict.
func TestTiersStopToo(t *testing.T) {
	bake := []string{`pin: {id: "ami-00000000000000002", reason: "tested"}`, `bake: {from: ami: "base", runtime: "docker", connect: ssm: true}`,
		"hardwareTiers: {", "amis: base: pin: {id: \"ami-00000000000000002\", reason: \"tested\"}\nhardwareTiers: {"}
	f := changed(t, "classic", append(bake, `"name": "new"`, `"name": "new", "disk": {"commands": {"rm *": {}}, "files": {"/root/.bash_history": "x"}}`)...)
	r := f.start(t)
	res, err := r.engine(f.after).Apply(t.Context(), r.plan(f.after))
	if why := strings.Join(res.Why, "; "); err != nil || !strings.Contains(why, "in the image: /root/.bash_history") {
		t.Fatalf("%s, %v", why, err)
	}
	for _, call := range r.switched() {
		if strings.Contains(call, "executor_group_configuration") {
			t.Errorf("it is used: %s", call)
		}
	}
	f = changed(t, "classic", bake...)
	r = f.start(t)
	r.applyAll(f.after)
	if used := strings.Join(r.switched(), "\n"); !strings.Contains(used, "executor_group_configuration") || !strings.Contains(used, r.own()[0].ID) {
		t.Errorf("once it passed it is used:\n%s", used)
	}
}
