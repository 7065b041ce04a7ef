package gitops_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
)

const worldFile = "prod/world.json"

// alley is a hall whose branch holds a recording of the world, and whose pull request
// comes from a fork.
type alley struct{ *hall }

func newAlley(t *testing.T) alley {
	t.Helper()
	h := alley{newHall(t)}
	h.onMain(worldFile, h.world(nil))
	h.pulls[1].Repo = "eve/domino"
	h.restart()
	return h
}

// restart is another controller.
func (h alley) restart() {
	h.at = h.reception(h.board, sim.KillAfter(-1), &h.log)
	h.at.Desks[0].Bound.Recording = gitops.Recording{File: worldFile}
}

// world is a recording of what lives, edited.
func (h alley) world(edit func(*planner.Recording)) string {
	h.t.Helper()
	src, err := compiler.Find("../sim/testdata/modern-before")
	if err != nil {
		h.t.Fatal(err)
	}
	files, err := compiler.Compile(h.t.Context(), src)
	if err != nil {
		h.t.Fatal(err)
	}
	e, err := h.machine.Process(h.t.Context(), files, sim.Options{Holder: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := e.Record(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	if edit != nil {
		edit(&r)
	}
	body, err := planner.EncodeRecording(r)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(body)
}

// onMain commits a file to the branch that is planned for.
func (h alley) onMain(name, text string) {
	h.t.Helper()
	h.git("checkout", "-q", "main")
	h.write(name, text)
	h.git("checkout", "-q", "work")
}

func (h alley) status() port.CommitStatus {
	h.t.Helper()
	h.board.mu.Lock()
	defer h.board.mu.Unlock()
	all := h.statuses[h.pulls[1].HeadCommit+" domctl/sim-modern"]
	if len(all) == 0 {
		h.t.Fatal("no status")
	}
	return all[len(all)-1]
}

// secluded takes the outside away, so that whoever asks it fails, and answers what is
// asked of the records.
func (h alley) secluded() (asked func() []string) {
	d := h.at.Desks[0]
	h.machine.Box, h.machine.Secrets = nil, nil
	never := func(what string) (*engine.Engine, func(), error) {
		h.t.Errorf("%s is opened for a fork", what)
		return nil, func() {}, errors.New("not for forks")
	}
	d.Engine = func(context.Context, gitops.Tree, gitops.Compiled) (*engine.Engine, func(), error) {
		return never("an engine")
	}
	d.Open = func(context.Context, gitops.Tree, gitops.Mode) (*engine.Engine, func(), error) {
		return never("a tree")
	}
	kill := sim.KillAfter(-1)
	d.Records = func(context.Context) (applier.Store, error) {
		return sim.Gated(h.machine.Store, kill.Gate, h.machine.Clock), nil
	}
	return func() []string { return kill.Sides() }
}

// TestForkIsPlanned: a fork is planned from the branch's recording. Nobody outside is
// asked, and of the records those alone that say what the pull request shows.
func TestForkIsPlanned(t *testing.T) {
	h := newAlley(t)
	asked := h.secluded()
	h.look()
	said := h.said(1)
	if len(said) != 1 || !strings.Contains(said[0], "Changed since `main") || !slices.Equal(h.shown(h.head), []string{"pending", "success"}) {
		t.Fatalf("%q, %q", said, h.shown(h.head))
	}
	for _, want := range []string{"comes from a fork", "`prod/world.json` of branch `main`", "0 minutes old", "DC502", "has no effect", "as a recording of 2026-", "plan `recorded`"} {
		if !strings.Contains(said[0], want) {
			t.Errorf("it does not say %q:\n%s", want, said[0])
		}
	}
	if s := h.status().Text; strings.Contains(s, "effect") || !strings.Contains(s, "as a recording of") {
		t.Errorf("the status is %q", s)
	}
	for _, call := range asked() {
		if !strings.Contains(call, "gitops/pulls") && !strings.Contains(call, "gitops/plans/pull-1") {
			t.Errorf("the records are asked: %s", call)
		}
	}
	rec := h.record(1)
	if rec.Head != h.head || !rec.Told || rec.Effect != "" || rec.Recording == "" || rec.Applied != "" {
		t.Errorf("%+v", rec)
	}
	if p, there, err := gitops.ReadPlan(t.Context(), h.machine.Store, gitops.PullPlanOf(1)); err != nil || !there || p.Effect != "" || len(p.Steps) > 0 || !errors.Is(p.Verify(), planner.ErrUnseen) {
		t.Errorf("it could be applied: %v, %v", there, err)
	}
	h.count()
	h.look()
	h.restart()
	h.secluded()
	h.look()
	if got := h.count(); got["Pulls"] != 2 || len(got) != 1 {
		t.Errorf("looks at what stands ask %v", got)
	}
}
