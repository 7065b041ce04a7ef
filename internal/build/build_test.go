package build_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/build"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

const (
	env   = "660000000000000000000001"
	first = "670000000000000000000001"
	key   = "0123456789abcdef0123456789abcdef"
)

// bench is a Domino whose builds take ten minutes, and one step at its turn.
type bench struct {
	*testing.T
	file string // of the sandbox
	box  *sandbox.World
	now  time.Time
	at   applier.Attempt
	b    build.Builder
}

func newBench(t *testing.T, definition string, faults ...sandbox.Fault) *bench {
	t.Helper()
	file := `{"aws": {"account": "1", "region": "r"}, "domino": {"buildTime": "10m", "revisions": {"` + first + `": {` + definition + `}}}, "mongo": {
		"environments_v2": [{"_id": {"$oid": "` + env + `"}, "activeRevisionId": {"$oid": "` + first + `"}}],
		"environment_revisions": [{"_id": {"$oid": "` + first + `"}, "environmentId": {"$oid": "` + env + `"}, "metadata": {"number": 1, "isBuilt": true}}]}}`
	m, err := sandbox.NewMemory("sandbox.json", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	w := &bench{T: t, file: file, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	if w.box, err = m.Open(sandbox.Options{Clock: func() time.Time { return w.now }, Faults: faults}); err != nil {
		t.Fatal(err)
	}
	w.at = applier.Attempt{Apply: "a1", Token: applier.Token("a1", "s"), Begun: map[string]bool{}, Step: planner.Step{ID: "s", Op: operation.BuildRevision,
		Args:   map[string]schema.Value{"environment": schema.JSON(env), "from": schema.JSON(first), "after": schema.JSON(1)},
		Writes: map[string]schema.Value{"dockerfile": schema.JSON("RUN true")}}}
	w.b = build.Builder{Domino: w.box, Now: func() time.Time { return w.now }, Secret: func(context.Context, string) (schema.Value, error) { return schema.JSON("hunter2"), nil }}
	return w
}

func (w *bench) observe() applier.Status {
	w.Helper()
	st, err := w.b.Observe(w.Context(), w.at)
	if err != nil {
		w.Fatal(err)
	}
	return st
}

// write makes the write that is next, which must be named so.
func (w *bench) write(mark string) {
	w.Helper()
	st := w.observe()
	if st.State != applier.Next || !strings.HasPrefix(st.Mark, mark) || st.Guard != planner.Absolute {
		w.Fatalf("%+v, want %s next", st, mark)
	}
	w.at.Mark, w.at.Begun[st.Mark] = st.Mark, true
	if err := w.b.Start(w.Context(), w.at); err != nil {
		w.Fatal(err)
	}
}

// ends observes what must be the end.
func (w *bench) ends(state applier.State, why string) {
	w.Helper()
	if st := w.observe(); st.State != state || !strings.Contains(st.Why, why) {
		w.Errorf("%+v, want %v: %s", st, state, why)
	}
}

func TestBuilt(t *testing.T) {
	w := newBench(t, "")
	w.write("create")
	w.ends(applier.Pending, "revision 2: building since 0s")
	w.now = w.now.Add(10 * time.Minute)
	if st := w.observe(); st.State != applier.Finished || st.Outputs["number"].Text != "2" || st.Outputs["id"].Str() == "" {
		t.Errorf("%+v", st)
	}
}

// TestAHangingBuildIsCancelled after two hours.
func TestAHangingBuildIsCancelled(t *testing.T) {
	w := newBench(t, "")
	w.write("create")
	w.now = w.now.Add(9 * time.Minute)
	w.b.Now = func() time.Time { return w.now.Add(2 * time.Hour) }
	w.write("expire ")
	w.ends(applier.Failed, "DC362")
}

// TestATimeoutIsStated: a build is cancelled once it took longer, and no sooner; who goes on
// with a longer one waits on.
func TestATimeoutIsStated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newBench(t, "")
		w.now, w.b.Now = time.Now(), time.Now // builds of the sandbox stand still
		w.at.Began = time.Now()
		w.b.Longest = 4 * time.Hour
		w.write("create")
		time.Sleep(4 * time.Hour)
		if st := w.observe(); st.State != applier.Pending || !strings.Contains(st.Why, "since 4h0m0s") {
			t.Errorf("%+v", st)
		}
		time.Sleep(time.Second)
		w.b.Longest = 5 * time.Hour
		if st := w.observe(); st.State != applier.Pending {
			t.Errorf("%+v", st)
		}
		w.b.Longest = 4 * time.Hour
		w.write("expire ")
		w.ends(applier.Failed, "DC362: the build of revision 2 took more than 4h0m0s and was cancelled")
	})
}

// TestCancelledBySomebody is no build of domctl's own ending.
func TestCancelledBySomebody(t *testing.T) {
	w := newBench(t, "")
	w.write("create")
	all, err := w.box.ListRevisions(t.Context(), env)
	if err == nil {
		err = w.box.CancelBuild(t.Context(), env, all[0].ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.ends(applier.Failed, "DC361")
	w.at.Abort = true
	w.ends(applier.Undone, "")
}

// TestTakenBack: what builds is cancelled, and nothing is made.
func TestTakenBack(t *testing.T) {
	w := newBench(t, "")
	w.at.Abort = true
	w.ends(applier.Undone, "")
	w.at.Abort = false
	w.write("create")
	w.at.Abort = true
	w.write("cancel ")
	w.ends(applier.Undone, "")
}

// TestAnothersBuild, and one of another apply, are not this step's.
func TestAnothersBuild(t *testing.T) {
	w := newBench(t, "")
	for _, tags := range [][]string{nil, {schema.TagContent + key}, {schema.TagStep + applier.Token("a2", "s")[:24]}} {
		if _, err := w.box.CreateRevision(t.Context(), env, port.Definition{Dockerfile: "RUN true", Tags: tags}); err != nil {
			t.Fatal(err)
		}
	}
	w.write("create")
	w.ends(applier.Pending, "revision 5")
}

// TestMasked: a mask is never written back; one that the files state is written.
func TestMasked(t *testing.T) {
	w := newBench(t, `"variables": {"TOKEN": "******", "OPEN": "*"}`)
	w.at.Mark = "create"
	err := w.b.Start(t.Context(), w.at)
	var refusal *applier.Refusal
	if !errors.As(err, &refusal) || !strings.Contains(err.Error(), "DC363: Domino shows the variable TOKEN masked") || w.box.Counts().Calls["CreateRevision"] != 0 {
		t.Errorf("%v", err)
	}
	w.at.Step.Writes["variables.TOKEN"] = schema.Value{Is: schema.Secret, Text: "env:T"}
	w.write("create")
	all, _ := w.box.ListRevisions(t.Context(), env)
	if d, err := w.box.GetDefinition(t.Context(), all[0].ID); err != nil || d.Variables["TOKEN"] != "hunter2" || d.Variables["OPEN"] != "*" {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestFailedReads decide nothing: a revision that was made is not taken for absent.
func TestFailedReads(t *testing.T) {
	for _, call := range []string{"ListRevisions", "GetBuild"} {
		for _, fault := range []string{"denied", "throttled", "down", "partialPage"} {
			w := newBench(t, "", sandbox.Fault{Call: call, Fault: fault, After: 1})
			w.write("create")
			if st, err := w.b.Observe(t.Context(), w.at); err == nil {
				t.Errorf("%s %s: %+v", call, fault, st)
			}
		}
	}
}

// TestRefused: what Domino says it did not do, it did not.
func TestRefused(t *testing.T) {
	for fault, retry := range map[string]bool{"denied": false, "throttled": true} {
		w := newBench(t, "", sandbox.Fault{Call: "CreateRevision", Fault: fault})
		w.at.Mark = "create"
		var refusal *applier.Refusal
		if err := w.b.Start(t.Context(), w.at); !errors.As(err, &refusal) || refusal.Retry != retry {
			t.Errorf("%s: %v", fault, err)
		}
	}
	w := newBench(t, "", sandbox.Fault{Call: "CreateRevision", Fault: "lost"})
	w.at.Mark = "create"
	var refusal *applier.Refusal
	if err := w.b.Start(t.Context(), w.at); err == nil || errors.As(err, &refusal) {
		t.Errorf("a lost answer decides: %v", err)
	}
	w.ends(applier.Pending, "revision 2")
}

// TestBases: what is stated of a base takes the place of all that stood there.
func TestBases(t *testing.T) {
	for name, c := range map[string]struct {
		writes, args map[string]schema.Value
		want         port.Definition
	}{
		"carried":  {nil, nil, port.Definition{Image: "old:1"}},
		"image":    {map[string]schema.Value{"base.image": schema.JSON("new:2")}, nil, port.Definition{Image: "new:2"}},
		"default":  {map[string]schema.Value{"base.default": schema.JSON(true)}, nil, port.Definition{}},
		"revision": {map[string]schema.Value{"base.environment": schema.JSON(env)}, map[string]schema.Value{"base": schema.JSON(first)}, port.Definition{Base: first, BaseOf: env, BaseNumber: 1}},
		"follows": {map[string]schema.Value{"base.environment": schema.JSON(env), "base.rebuildOnBaseChanges": schema.JSON(true)}, map[string]schema.Value{"base": schema.JSON(first)},
			port.Definition{Follow: env, Base: first, BaseOf: env, BaseNumber: 1}},
	} {
		w := newBench(t, `"image": "old:1"`)
		w.at.Step.Writes = c.writes
		for p, v := range c.args {
			w.at.Step.Args[p] = v
		}
		w.write("create")
		all, _ := w.box.ListRevisions(t.Context(), env)
		d, err := w.box.GetDefinition(t.Context(), all[0].ID)
		if err != nil || d.Image != c.want.Image || d.Base != c.want.Base || d.Follow != c.want.Follow || d.BaseOf != c.want.BaseOf || d.BaseNumber != c.want.BaseNumber {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
}
