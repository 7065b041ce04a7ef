package gitops_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
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
	h.at.Desks[0].Bound.Recording = config.Recording{File: worldFile}
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
	if err := os.RemoveAll(filepath.Join(h.repo, name)); err != nil { // it may be a link
		h.t.Fatal(err)
	}
	h.write(name, text)
	h.git("checkout", "-q", "work")
}

// kept has the branch keep a recording, or something else, in its place.
func (h alley) kept(how, text string) {
	h.t.Helper()
	switch at := filepath.Join(h.repo, worldFile); how {
	case "not there", "a link":
		h.git("checkout", "-q", "main")
		err := os.Remove(at)
		if err == nil && how == "a link" {
			err = os.Symlink(text, at)
		}
		if err != nil {
			h.t.Fatal(err)
		}
		h.git("add", "-A")
		h.git("commit", "-qm", "x")
		h.git("checkout", "-q", "work")
	default:
		h.onMain(worldFile, text+"\n")
	}
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
	d.Open = func(context.Context, gitops.Tree, config.Mode) (*engine.Engine, func(), error) {
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

// TestForkWithoutARecording that serves is told why, once, and nothing of its files is
// evaluated; it is planned as soon as there is one.
func TestForkWithoutARecording(t *testing.T) {
	h := newAlley(t)
	good, live := h.world(nil), config.Deployment{World: "live", AWS: config.AWS{Account: "111122223333", Region: "us-west-2"}, Mongo: config.Mongo{Database: "domino"}}
	at := func(at string) string { return h.world(func(r *planner.Recording) { r.At = at }) }
	outside := func(edit func(*planner.World)) string {
		return h.world(func(r *planner.Recording) {
			r.World = planner.World{Kind: "live", Account: "111122223333", Region: "us-west-2", Database: "domino"}
			edit(&r.World)
		})
	}
	for _, c := range []struct {
		name, text, want string
		bound            config.Deployment
	}{
		{"not there", "", "is not there", bound},
		{"a link", "compute.cue", "is not there", bound},
		{"broken", good[:len(good)/2], "cannot be read: this is no recording of a world", bound},
		{"empty", "", "cannot be read", bound},
		{"of another format", strings.Replace(good, `"format": 1`, `"format": 2`, 1), "cannot be read: the recording has format 2", bound},
		{"a pointer of git-lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "cannot be read", bound},
		{"too large", good + strings.Repeat(" ", 8<<20), "holds more than 8 MiB", bound},
		{"too old", at("2026-02-21T10:00:00Z"), "is too old: it was made at 2026-02-21T10:00:00Z, and counts for 7 days", bound},
		{"of a time to come", at("2026-03-02T10:00:00Z"), "says that it was made at 2026-03-02T10:00:00Z, which is to come", bound},
		{"of no time", at("yesterday"), "cannot be read", bound},
		{"of another deployment", h.world(func(r *planner.Recording) { r.Deployment = "x\x1b[31m@acme" }), `is of another outside: deployment "x\\u001b[31m@acme"`, bound},
		{"of a sandbox", good, `is of another outside: world "sandbox"`, live},
		{"of another account", outside(func(w *planner.World) { w.Account = "999999999999" }), `is of another outside: account "999999999999"`, live},
		{"of no account", outside(func(w *planner.World) { w.Account = "" }), `is of another outside: account ""`, live},
		{"of another region", outside(func(w *planner.World) { w.Region = "eu-west-1" }), `is of another outside: region "eu-west-1"`, live},
		{"of another database", outside(func(w *planner.World) { w.Database = "other" }), `is of another outside: database "other"`, live},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := alley{&hall{rig: h.rig.copy(), head: h.head}}
			h.rig.t = t
			h.git("checkout", "-q", "main")
			h.git("reset", "-q", "--hard", "main")
			h.kept(c.name, c.text)
			h.board = newBoard(h.rig)
			h.propose(1, "work")
			h.pulls[1].Repo = "eve/domino"
			h.restart()
			d := h.at.Desks[0]
			compile := d.Compile
			d.Compile = func(ctx context.Context, tree gitops.Tree, as string, evaluate bool) (gitops.Compiled, bool, error) {
				if evaluate {
					t.Error("its files are evaluated")
				}
				return compile(ctx, tree, as, evaluate)
			}
			c.bound.Branch, c.bound.Dir, c.bound.Recording = "main", "prod", d.Bound.Recording
			d.Bound = c.bound
			h.secluded()
			h.look()
			said, s := h.said(1), h.status()
			if len(said) != 1 || !strings.Contains(said[0], "DC532: recording prod/world.json of branch main "+c.want) || !strings.Contains(said[0], "domctl world record prod --out prod/world.json") || strings.Contains(said[0], "nothing to do") {
				t.Errorf("%s", said)
			}
			if s.State != port.CommitError || !strings.HasPrefix(s.Text, "DC532: recording prod/world.json of branch main ") || strings.Contains(s.Text, "\x1b") {
				t.Errorf("%+v", s)
			}
			if rec := h.record(1); rec.Plan != "" || rec.Effect != "" || rec.Recording != "" || !rec.Told {
				t.Errorf("%+v", rec)
			}
			h.count()
			h.look()
			if got := h.count(); len(got) != 1 {
				t.Errorf("a second look asks %v", got)
			}
			d.Compile, d.Bound = compile, bound
			d.Bound.Recording = config.Recording{File: worldFile}
			h.onMain(worldFile, good)
			h.look()
			if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], "plan `recorded`") || h.status().State != port.CommitSuccess {
				t.Errorf("%q, %+v", said, h.status())
			}
		})
	}
}

// TestForkGoesByTheBranch: what a fork says of the world counts for nothing, nor does a
// recording of the commit that it parted from.
func TestForkGoesByTheBranch(t *testing.T) {
	h := newAlley(t)
	truth := h.world(nil)
	lies := h.world(func(r *planner.Recording) {
		for a, o := range r.Live {
			if a.Kind == "hardwareTiers" {
				o.Fields["cores"] = schema.JSON(77)
			}
		}
	})
	h.head = h.write(worldFile, lies)
	h.propose(1, "work")
	h.secluded()
	h.look()
	said := h.said(1)
	if len(said) != 1 || !strings.Contains(said[0], "1 → 2") || strings.Contains(said[0], "77 →") || !strings.Contains(said[0], "warning DC533: the pull request brings a recording of its own, prod/world.json") {
		t.Errorf("%s", said)
	}
	h.git("checkout", "-q", "-B", "work", "main")
	h.head = h.write(worldFile, lies)
	h.propose(1, "work")
	h.look()
	if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], "nothing to do, as a recording of") || !strings.Contains(said[0], "DC533") {
		t.Errorf("a recording alone: %s", said)
	}
	// It parted from a commit with lies, and both sides changed a file since.
	h.onMain(worldFile, lies)
	h.git("checkout", "-q", "-B", "work", "main")
	h.head = h.commit("modern")
	h.git("checkout", "-q", "main")
	h.write("prod/compute.cue", "package domino\n")
	h.write(worldFile, truth)
	h.propose(1, "work")
	h.look()
	if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], "DC530") || !strings.Contains(said[0], "1 → 2") || strings.Contains(said[0], "77 →") || h.status().State != port.CommitFailure {
		t.Errorf("%s", said)
	}
}

// TestForkFollows: a fork is planned again when its head, the branch's files or the
// recording moved, and when that is too old; and else not.
func TestForkFollows(t *testing.T) {
	h := newAlley(t)
	box, secrets := h.machine.Box, h.machine.Secrets
	next := h.world(func(r *planner.Recording) { r.At = "2026-03-01T10:02:00Z" })
	h.secluded()
	h.look()
	at := h.record(1).At
	again := func(what string, want bool) {
		t.Helper()
		if err := h.machine.Clock.Sleep(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		h.look()
		now := h.record(1)
		if now.At.After(at) != want {
			t.Errorf("%s: planned again: %t", what, !want)
		}
		at = now.At
		if len(h.said(1)) != 1 {
			t.Errorf("%s: %q", what, h.said(1))
		}
	}
	again("nothing", false)
	h.onMain("README.md", "Ours.\n")
	again("another file", false)
	h.onMain("prod/zz.cue", "package domino\n\nsettings: raw: \"com.sim.other\": \"77\"\n")
	again("a file of the deployment", true)
	h.onMain(worldFile, next)
	again("the recording", true)
	h.write("README.md", "Theirs.\n")
	h.propose(1, "work")
	again("the head", true)
	h.machine.Box, h.machine.Secrets = box, secrets
	h.turn()
	h.machine.Box, h.machine.Secrets = nil, nil
	again("an apply", false)
	if err := h.at.Replan(t.Context(), h.at.Desks[0], 1); err != nil {
		t.Fatal(err)
	}
	again("somebody asks", true)
	if err := h.machine.Clock.Sleep(t.Context(), 7*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	again("it is too old", true)
	if s := h.status(); s.State != port.CommitError || !strings.Contains(s.Text, "is too old") || !strings.Contains(h.said(1)[0], "DC532") {
		t.Errorf("%+v\n%s", s, h.said(1))
	}
}

// TestForkIsApproved by nobody before it is merged, whatever its effect would be; then it
// is planned against what lives, and that plan is approved.
func TestForkIsApproved(t *testing.T) {
	for _, on := range []string{"ask", "apply"} {
		a, first, second := newAsking(t, anyRule)
		a.on = on
		effect := a.planned(7, second) // somebody with credentials knows it
		fork := a.town.pulls[7]
		fork.Repo = "eve/domino"
		a.town.pulls[7] = fork
		a.record(gitops.PullPlan{Pull: 7, Head: second, Plan: "recorded", Recording: "0123", Told: true})
		a.town.say(7, "bob", "domctl apply "+effect)
		if got := a.looks(); got.Head.Commit != first {
			t.Errorf("%+v", got)
		}
		if said := a.town.answered(7); len(said) != 1 || !strings.Contains(said[0], "Nothing was approved") || !strings.Contains(said[0], "such a plan has no effect and is approved by nobody") {
			t.Errorf("%q", said)
		}
		a.merges(7, second)
		for range 2 {
			if got := a.looks(); got.Head.Stage != gitops.Asked || got.Head.Pull != 7 || got.Head.Effect != effect {
				t.Fatalf("%+v", got)
			}
		}
		a.town.say(7, "bob", "domctl apply "+effect)
		if got := a.looks(); got.Head.Stage != gitops.Done || got.Head.Commit != second {
			t.Errorf("%+v, %q", got, a.town.answered(7))
		}
	}
}
