package gitops_test

import (
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
	"domctl.dev/schema"
)

// TestPullsWhateverHappens: pushes, forced ones, branches that move, applies, merges,
// requests that are closed and opened again, controllers that die anywhere and looks that
// nobody hinted at. In the end each open pull request that changes the deployment shows,
// in one comment, what its merge would do at that moment, and no other shows a plan.
func TestPullsWhateverHappens(t *testing.T) {
	seeds := int64(10)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h, rnd := newHall(t), rand.New(rand.NewSource(seed))
			w := world{h, rnd, 0}
			for range 4 + rnd.Intn(10) {
				w.event()
			}
			h.at.Wait()
			for range 2 { // the first may see what is there for the first time, the second what that led to
				h.restart()
				h.look()
				if err := h.machine.Clock.Sleep(t.Context(), 2*time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			h.look()
			for _, n := range slices.Sorted(maps.Keys(h.pulls)) {
				w.right(n)
			}
		})
	}
}

type world struct {
	*hall
	rnd *rand.Rand
	n   int
}

func (w *world) event() {
	w.n++
	number := 1 + w.rnd.Intn(3)
	branch := fmt.Sprint("work", number)
	if w.git("branch", "--list", branch) == "" {
		w.git("branch", branch, "main")
	}
	say := func(text string) string {
		return fmt.Sprintf("package domino\n\nsettings: raw: %s: %q\n", text, fmt.Sprint(w.n))
	}
	switch w.rnd.Intn(9) {
	case 0:
		w.git("checkout", "-q", branch)
		w.write(fmt.Sprintf("prod/own%d.cue", number), say(fmt.Sprintf(`"com.sim.own%d"`, number)))
		w.propose(number, branch)
	case 1:
		w.git("checkout", "-q", "-B", branch, "main")
		w.write(fmt.Sprintf("prod/own%d.cue", number), say(fmt.Sprintf(`"com.sim.forced%d"`, number)))
		w.propose(number, branch)
	case 2: // which some of them change, too
		w.git("checkout", "-q", branch)
		w.write("prod/shared.cue", say(`"com.sim.shared"`))
		w.propose(number, branch)
	case 3:
		w.git("checkout", "-q", "main")
		w.write([]string{"README.md", "prod/shared.cue", "prod/main.cue"}[w.rnd.Intn(3)], say(`"com.sim.shared"`))
	case 4:
		if p := w.pulls[number]; p != nil {
			p.State = []port.PullState{port.PullClosed, port.PullOpen, port.PullMerged}[w.rnd.Intn(3)]
		}
	case 5:
		_, _ = w.desk(sim.KillAfter(-1)).Turn(w.t.Context())
	case 6:
		kill := sim.KillAfter(w.rnd.Intn(60))
		at := w.reception(gatedForge{w.board, kill.Gate}, kill, nil)
		_, _ = at.Look(w.t.Context())
		at.Wait()
	case 7:
		_, _ = w.at.Look(w.t.Context())
	default:
		w.look()
	}
}

// right holds what a pull request shows against what a plan of its merge says.
func (w *world) right(n int) {
	w.t.Helper()
	p, rec, said := w.pulls[n], w.record(n), w.said(n)
	if p.State != port.PullOpen {
		if rec.Pull != 0 && rec.Ended.IsZero() {
			w.t.Errorf("%d is over, and its record is not: %+v", n, rec)
		}
		return
	}
	room := w.t.TempDir()
	change, err := w.at.Source.Propose(w.t.Context(), *p, w.git("rev-parse", "main"), []string{"prod"}, room)
	if err != nil {
		w.t.Fatal(err)
	}
	defer change.Done()
	if len(change.Files) == 0 || !strings.Contains(strings.Join(change.Files, " "), "prod/") {
		if rec.Pull != 0 || len(said) > 1 || len(said) == 1 && !strings.Contains(said[0], "no longer changes anything") {
			w.t.Errorf("%d changes nothing: %+v, %q", n, rec, said)
		}
		return
	}
	if len(said) != 1 || !rec.Told || rec.Head != p.HeadCommit || rec.Behind != (len(change.Conflicts) > 0) {
		w.t.Fatalf("%d is at %s: %+v, %q", n, p.HeadCommit, rec, said)
	}
	_, after, err := change.Trees(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	c, _, err := w.compileTree(w.t.Context(), after, "", true)
	if err != nil {
		w.t.Fatal(err)
	}
	if schema.Failed(c.Findings) {
		if !rec.Refused || rec.Effect != "" || strings.Contains(said[0], ", effect") {
			w.t.Errorf("%d is wrong: %+v, %q", n, rec, said)
		}
		return
	}
	e, _, err := w.at.Desks[0].Engine(w.t.Context(), gitops.Tree{}, c)
	if err != nil {
		w.t.Fatal(err)
	}
	want, err := e.Plan(w.t.Context(), engine.PlanOptions{Allow: []string{"archive"}})
	if err != nil {
		w.t.Fatal(err)
	}
	states := w.shown(p.HeadCommit)
	if rec.Effect != want.Effect || !strings.Contains(said[0], want.Effect) || states[len(states)-1] == "pending" {
		w.t.Errorf("%d shows %s, its merge would do %s; %q\n%s", n, rec.Effect, want.Effect, states, said[0])
	}
}
