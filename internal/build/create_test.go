package build_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/build"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// maker is a bench whose step makes an environment.
type maker struct {
	*bench
	c build.Creator
}

func newMaker(t *testing.T, faults ...sandbox.Fault) *maker {
	t.Helper()
	w := newBench(t, "", faults...)
	w.at.Began = w.now
	w.at.Step = planner.Step{ID: "s", Op: operation.CreateEnvironment, Window: 45, Writes: map[string]schema.Value{"name": schema.JSON("Luigi"), "description": schema.JSON("pipelines"),
		"visibility": schema.JSON("Global"), "dockerfile": schema.JSON("RUN true"), "variables.TOKEN": {Is: schema.Secret, Text: "env:T"}}}
	return &maker{w, build.Creator{Builder: w.b, Documents: w.box}}
}

func (w *maker) observe() applier.Status {
	w.Helper()
	st, err := w.c.Observe(w.Context(), w.at)
	if err != nil {
		w.Fatal(err)
	}
	return st
}

// write makes the write that is next, which must be named so.
func (w *maker) write(mark string) error {
	w.Helper()
	st := w.observe()
	if st.State != applier.Next || !strings.HasPrefix(st.Mark, mark) || st.Guard != planner.Absolute {
		w.Fatalf("%+v, want %s next", st, mark)
	}
	w.at.Mark = st.Mark
	w.at.Begun = maps.Clone(w.at.Begun)
	w.at.Begun[st.Mark] = true
	return w.c.Start(w.Context(), w.at)
}

func (w *maker) ends(state applier.State, why string) applier.Status {
	w.Helper()
	st := w.observe()
	if st.State != state || !strings.Contains(st.Why, why) {
		w.Errorf("%+v, want %v: %s", st, state, why)
	}
	return st
}

// one holds that one environment beside the bench's was made.
func (w *maker) one() (id string) {
	w.Helper()
	docs, err := w.box.Find(w.Context(), port.Query{Collection: "environments_v2"})
	if err != nil || len(docs) != 2 {
		w.Fatalf("%d environments, %v", len(docs), err)
	}
	for _, d := range docs {
		if !strings.Contains(d["_id"], env) {
			id = strings.TrimSuffix(strings.TrimPrefix(d["_id"], `{"$oid":"`), `"}`)
		}
	}
	return id
}

func (w *maker) made() {
	w.Helper()
	if err := w.write("create"); err != nil {
		w.Fatal(err)
	}
	w.ends(applier.Pending, "revision 1: building")
}

// TestMade: an environment and its first revision, told by the step's tag.
func TestMade(t *testing.T) {
	w := newMaker(t)
	w.made()
	w.now = w.now.Add(10 * time.Minute)
	st := w.ends(applier.Finished, "")
	id := w.one()
	if st.Outputs["id"].Str() != id || st.Outputs["revision"].Str() == "" {
		t.Errorf("%v, want %s", st.Outputs, id)
	}
	if d, err := w.box.GetDefinition(t.Context(), st.Outputs["revision"].Str()); err != nil || d.Dockerfile != "RUN true" || d.Variables["TOKEN"] != "hunter2" {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestAFirstBuildThatHangs is cancelled after two hours, and the environment stands.
func TestAFirstBuildThatHangs(t *testing.T) {
	w := newMaker(t)
	w.made()
	w.now = w.now.Add(9 * time.Minute)
	w.c.Now = func() time.Time { return w.now.Add(2 * time.Hour) }
	if err := w.write("cancel " + w.one() + "/"); err != nil {
		t.Fatal(err)
	}
	w.ends(applier.Failed, `DC366: environment `)
	w.at.Abort = true
	if st := w.ends(applier.Finished, ""); st.Outputs["id"].Str() != w.one() {
		t.Errorf("%v", st.Outputs)
	}
}

// TestTakenBackWhileItIsMade: the build is cancelled, and the way back has what it
// archives.
func TestTakenBackWhileItIsMade(t *testing.T) {
	w := newMaker(t)
	w.at.Abort = true
	w.ends(applier.Undone, "")
	w.at.Abort = false
	w.made()
	w.at.Abort = true
	if err := w.write("cancel "); err != nil {
		t.Fatal(err)
	}
	st := w.ends(applier.Finished, "")
	back := w.c.Operations()[operation.CreateEnvironment].Undo(planner.Done{Step: w.at.Step, Outputs: st.Outputs})
	if len(back) != 1 || back[0].Op != "domino.archive" || back[0].Object != planner.Ref("domino/environment#"+w.one()) {
		t.Errorf("%+v", back)
	}
}

// TestSomebodyElsesOfTheName, and what another apply made, are not this step's.
func TestSomebodyElsesOfTheName(t *testing.T) {
	w := newMaker(t)
	for _, tags := range [][]string{nil, {schema.TagStep + applier.Token("a2", "s")[:24]}} {
		if _, err := w.box.CreateEnvironment(t.Context(), port.NewEnvironment{Name: "Luigi", Visibility: "Private", First: port.Definition{Tags: tags}}); err != nil {
			t.Fatal(err)
		}
	}
	w.at.Begun = map[string]bool{"create": true} // and its answer was lost
	w.ends(applier.Next, "")
	if err := w.write("create"); err != nil {
		t.Fatal(err)
	}
	w.ends(applier.Pending, "")
}

// TestAnAnswerThatIsLost decides nothing; what was made is found.
func TestAnAnswerThatIsLost(t *testing.T) {
	w := newMaker(t, sandbox.Fault{Call: "CreateEnvironment", Fault: "lost"})
	err := w.write("create")
	var refusal *applier.Refusal
	if err == nil || errors.As(err, &refusal) {
		t.Errorf("a lost answer decides: %v", err)
	}
	w.ends(applier.Pending, "revision 1")
	w.one()
}

// TestRefusedToMake: what Domino says it did not do, it did not.
func TestRefusedToMake(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		retry bool
	}{
		"401 or 403":  {port.ErrDenied, false},
		"400":         {port.ErrInvalid, false},
		"404":         {port.ErrNotFound, false},
		"409":         {port.ErrState, false},
		"429":         {port.ErrThrottled, true},
		"no answer":   {context.DeadlineExceeded, false},
		"a fifth 500": {errors.New("it answers 500"), false},
	} {
		w := newMaker(t)
		w.c.Domino = refusing{w.box, c.err}
		var refusal *applier.Refusal
		err := w.write("create")
		decides := errors.As(err, &refusal)
		if undecided := name == "no answer" || name == "a fifth 500"; err == nil || decides == undecided || decides && refusal.Retry != c.retry {
			t.Errorf("%s: %v", name, err)
		}
		w.ends(applier.Next, "")
	}
}

// refusing is a Domino that makes nothing.
type refusing struct {
	port.Environments
	err error
}

func (r refusing) CreateEnvironment(context.Context, port.NewEnvironment) (string, error) {
	return "", fmt.Errorf("domino: %w", r.err)
}

// TestFailedReadsOfWhatWasMade decide nothing, and a mask is never sent.
func TestFailedReadsOfWhatWasMade(t *testing.T) {
	for _, call := range []string{"Find", "ListRevisions", "GetBuild"} {
		for _, fault := range []string{"denied", "throttled", "down", "partialPage"} {
			w := newMaker(t, sandbox.Fault{Call: call, Fault: fault})
			if err := w.write("create"); err != nil {
				t.Fatal(err)
			}
			if st, err := w.c.Observe(t.Context(), w.at); err == nil {
				t.Errorf("%s %s: %+v", call, fault, st)
			}
		}
	}
}

// TestWithoutDomino nobody can tell.
func TestWithoutDomino(t *testing.T) {
	if st, err := (build.Creator{}).Observe(t.Context(), applier.Attempt{}); err != nil || st.State != applier.Unsure || !strings.Contains(st.Why, "DC291") {
		t.Errorf("%+v, %v", st, err)
	}
}

// TestWhoseARevisionIs: a revision is a plan's by its tag, whichever operation made it.
func TestWhoseARevisionIs(t *testing.T) {
	tag := func(apply, step string) []string {
		return []string{"nightly", schema.TagStep + applier.RoundToken(applier.Token(apply, step), 1, 0)[:24]}
	}
	p := applier.Summary{ID: "a", Plan: &planner.Plan{Steps: []planner.Step{{ID: "first", Op: operation.CreateEnvironment}, {ID: "next", Op: operation.BuildRevision}, {ID: "other", Op: "domino.activate"}}}}
	for name, c := range map[string]struct {
		tags []string
		want bool
	}{
		"a first revision": {tag("a", "first"), true}, "a revision": {tag("a", "next"), true},
		"of another apply": {tag("b", "next"), false}, "of a step that builds none": {tag("a", "other"), false}, "by hand": {[]string{"nightly"}, false},
	} {
		if build.Made(p, c.tags) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}

// forgetful lists no revision of any environment.
type forgetful struct{ port.Environments }

func (forgetful) ListRevisions(context.Context, string) ([]port.Revision, error) { return nil, nil }

// TestAListWithoutAFirstRevision: an environment that may be the step's, and whose list of
// revisions is empty, is no ground to make another one.
func TestAListWithoutAFirstRevision(t *testing.T) {
	w := newMaker(t)
	if err := w.write("create"); err != nil {
		t.Fatal(err)
	}
	id, whole := w.one(), w.c.Domino
	w.c.Domino = forgetful{whole}
	w.ends(applier.Unsure, "DC364: environment "+id)
	w.at.Abort = true
	w.ends(applier.Unsure, "DC364: environment "+id)
	w.c.Domino = whole
	w.one()
}
