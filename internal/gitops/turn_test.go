package gitops_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// rig is a machine, a real repository that a deployment lies in, and what the forge
// was told: all that stays when a controller dies.
type rig struct {
	t        *testing.T
	machine  *sim.Machine
	repo     string
	compiled *cache
	told     *[]string
}

// cache compiles the tree of each commit once.
type cache struct {
	mu  sync.Mutex
	has map[string]compiler.Result
	// trees are those of pull requests, by a digest of their files
	trees map[string]compiler.Result
}

func newRig(t *testing.T) rig {
	t.Helper()
	r := rig{t, sim.Modern(t), filepath.Join(t.TempDir(), "acme"), &cache{has: map[string]compiler.Result{}, trees: map[string]compiler.Result{}}, new([]string)}
	r.git("init", "-q", "-b", "main", r.repo)
	return r
}

func (r rig) git(args ...string) string {
	r.t.Helper()
	return r.feed(nil, args...)
}

// feed runs git with something on its standard input.
func (r rig) feed(in io.Reader, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	if _, err := os.Stat(r.repo); err == nil {
		cmd.Dir = r.repo
	}
	cmd.Stdin = in
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit brings a deployment of the simulation's into the branch.
func (r rig) commit(deployment string, edits ...string) string {
	r.t.Helper()
	for from, to := range map[string]string{"cue.mod": "cue.mod", deployment: "prod"} {
		if err := os.RemoveAll(filepath.Join(r.repo, to)); err != nil {
			r.t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(r.repo, to), os.DirFS("../sim/testdata/"+from)); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, file := range []string{"compute.cue", "deployment.cue"} {
		at := filepath.Join(r.repo, "prod", file)
		text, err := os.ReadFile(at)
		if err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(strings.NewReplacer(edits...).Replace(string(text))), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", "x")
	return r.git("rev-parse", "HEAD")
}

func (r rig) copy() rig {
	r.t.Helper()
	m, err := r.machine.Copy(r.t.Context(), sim.NewJump())
	if err != nil {
		r.t.Fatal(err)
	}
	r.machine, r.told = m, new([]string)
	return r
}

// gated is a source of which every call is one that a process can die at.
type gated struct {
	gitops.Source
	gate sim.Gate
}

func (g gated) Head(ctx context.Context, branch string) (commit string, err error) {
	err = pass(g.gate, "fetch", func() (err error) { commit, err = g.Source.Head(ctx, branch); return err })
	return commit, err
}

func (g gated) Tree(ctx context.Context, commit string) (tree gitops.Tree, back func(), err error) {
	back = func() {}
	err = pass(g.gate, "tree", func() (err error) { tree, back, err = g.Source.Tree(ctx, commit); return err })
	return tree, back, err
}

func pass(gate sim.Gate, call string, do func() error) error {
	if err := gate(call, sandbox.Before); err != nil {
		return err
	}
	err := do()
	if lost := gate(call, sandbox.After); lost != nil {
		return lost
	}
	return err
}

var bound = config.Deployment{Branch: "main", Dir: "prod", World: "sandbox", Secrets: []string{"env:SIM_*"}, Archive: true}

// life is a process': each side of a call that it makes is one to die at.
type life interface {
	Gate(call string, phase sandbox.Phase) error
}

// desk is a controller that dies with its gate.
func (r rig) desk(kill life) *gitops.Desk {
	clone := &gitops.Clone{Dir: filepath.Join(r.repo+"-mirror", "r"), Remote: func() (git.Remote, error) { return git.Remote{URL: "file://" + r.repo}, nil }}
	n := 0
	return &gitops.Desk{Name: "sim-modern", Bound: bound, Source: gated{clone.Of(bound.Dir), kill.Gate}, Now: r.machine.Clock.Now,
		Random: func() string { n++; return fmt.Sprintf("%d-%p", n, kill) },
		Records: func(context.Context) (applier.Store, error) {
			return sim.Gated(r.machine.Store, kill.Gate, r.machine.Clock), nil
		},
		Open: func(ctx context.Context, tree gitops.Tree, _ config.Mode) (e *engine.Engine, shut func(), err error) {
			res, err := r.compiled.compile(ctx, filepath.Join(tree.Dir, "prod"), tree.Commit)
			if err == nil {
				e, err = r.machine.Process(ctx, res, sim.Options{Holder: "test", Gate: kill.Gate, Parallelism: 1, Source: planner.Source{Commit: tree.Commit}})
			}
			return e, func() {}, err
		},
		Tell: func(_ context.Context, commit string, s port.CommitStatus) error {
			return pass(kill.Gate, "status", func() error { *r.told = append(*r.told, commit+" "+string(s.State)+" "+s.Text); return nil })
		}}
}

func (c *cache) compile(ctx context.Context, dir, commit string) (compiler.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	res, ok := c.has[commit]
	if !ok {
		src, err := compiler.Find(dir)
		if err != nil {
			return res, err
		}
		if res, err = compiler.Compile(ctx, src); err != nil {
			return res, err
		}
		c.has[commit] = res
	}
	if schema.Failed(res.Findings) {
		return res, &engine.Invalid{Findings: res.Findings}
	}
	res, found := bound.Bind("sim-modern", config.ToApply, res)
	if schema.Failed(found) {
		return res, &engine.Invalid{Findings: found}
	}
	return res, nil
}

func (r rig) turn() gitops.Turned {
	r.t.Helper()
	t, err := r.desk(sim.KillAfter(-1)).Turn(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return t
}

// applied are the commits that something was applied of, oldest first.
func (r rig) applied() (all []string) {
	r.t.Helper()
	for _, res := range r.compiled.has {
		e, err := r.machine.Process(r.t.Context(), res, sim.Options{Holder: "test"})
		if err != nil {
			r.t.Fatal(err)
		}
		history, err := e.History(r.t.Context(), engine.HistoryOptions{})
		if err != nil {
			r.t.Fatal(err)
		}
		for _, p := range slices.Backward(history) {
			if p.Plan == nil {
				continue // fenced before it began
			}
			if p.Outcome != applier.EndedOutcome {
				r.t.Errorf("apply %s: %q", p.ID, p.Outcome)
			}
			all = append(all, p.Plan.Source.Commit)
		}
		return all
	}
	return nil
}

// wrote is what was written, and how often, without what is made of an apply's id.
func (r rig) wrote() []string {
	all := r.machine.Told()
	for i, line := range all {
		all[i] = madeOfID.ReplaceAllString(line, "…")
	}
	slices.Sort(all)
	return all
}

var madeOfID = regexp.MustCompile(`[0-9a-f]{24,}|lc-domctl-[0-9a-z-]+`)

// TestTurn applies what the branch moves to, once, and tells of it.
func TestTurn(t *testing.T) {
	r := newRig(t)
	first := r.commit("modern-before")
	if got := r.turn(); got.Head.Stage != gitops.Done || got.Head.Commit != first || !got.Worked {
		t.Fatalf("%+v", got)
	}
	if got := r.turn(); got.Worked {
		t.Error("the same commit is worked on again")
	}
	second := r.commit("modern")
	if got := r.turn(); got.Head.Stage != gitops.Done || got.Head.Commit != second {
		t.Fatalf("%+v", got)
	}
	third := r.commit("modern", "package domino", "package domino // x")
	if got := r.turn(); got.Head.Stage != gitops.Done || got.Head.Why != "nothing to do" {
		t.Errorf("%+v", got)
	}
	if got := r.applied(); !slices.Equal(got, []string{first, second}) {
		t.Errorf("applied %s", got)
	}
	for i, c := range []string{first, second, third} {
		if told := (*r.told)[i]; !strings.HasPrefix(told, c+" success effect ") {
			t.Errorf("told %s", told)
		}
	}
}

// TestTurnRefuses what cannot be planned or names another outside, tells why, and
// takes the commit that puts it right.
func TestTurnRefuses(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"cores: 1", "coers: 1", "DC"},
		{`"sim-modern"`, `"other"`, `DC521: deployment.name is "other", and the controller binds sim-modern to "sim-modern"`},
		{"SIM_TOKEN", "HOME", "DC522: the controller's configuration does not let sim-modern read secret env:HOME"},
	} {
		r := newRig(t)
		name := "modern-before"
		if c.old == "SIM_TOKEN" {
			name = "modern"
		}
		bad := r.commit(name, c.old, c.new)
		before := len(r.machine.Effects)
		got := r.turn()
		if got.Head.Stage != gitops.Refused || got.Head.Commit != bad || !strings.HasPrefix(got.Head.Why, c.want) {
			t.Errorf("%+v", got)
		}
		if again := r.turn(); again.Worked {
			t.Error("it is looked at again at once")
		}
		if len(r.machine.Effects) != before || len(*r.told) != 1 || !strings.HasPrefix((*r.told)[0], bad+" failure ") {
			t.Errorf("told %s", *r.told)
		}
		good := r.commit("modern-before")
		if got := r.turn(); got.Head.Stage != gitops.Done || got.Head.Commit != good {
			t.Errorf("%+v", got)
		}
	}
}

// TestAbandoned: what a person abandoned is not begun again, and not called applied.
func TestAbandoned(t *testing.T) {
	r := newRig(t)
	r.commit("modern-before")
	r.turn()
	second := r.commit("modern")
	if _, err := r.desk(sim.KillAfter(150)).Turn(t.Context()); err == nil {
		t.Fatal("it was not killed")
	}
	e, err := r.machine.Process(t.Context(), r.compiled.has[second], sim.Options{Holder: "test"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := e.Unended(t.Context(), "last")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Applier.Supersede(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	got := r.turn()
	if got.Head.Stage != gitops.Done || got.Head.Left == 0 || !strings.Contains((*r.told)[1], second+" failure effect ") || !strings.Contains((*r.told)[1], "abandoned with ") {
		t.Errorf("%+v, told %s", got, *r.told)
	}
	if got := r.turn(); got.Worked {
		t.Error("it is begun again")
	}
}

// TestAnotherFolder: who goes on with an apply may work in a folder in which nothing was
// fetched yet.
func TestAnotherFolder(t *testing.T) {
	r := newRig(t)
	r.commit("modern-before")
	r.turn()
	second := r.commit("modern")
	if _, err := r.desk(sim.KillAfter(150)).Turn(t.Context()); err == nil {
		t.Fatal("it was not killed")
	}
	if err := os.RemoveAll(r.repo + "-mirror"); err != nil {
		t.Fatal(err)
	}
	if got := r.turn(); got.Head.Stage != gitops.Done || got.Head.Commit != second {
		t.Errorf("%+v", got)
	}
}

// TestTurnKilledAtEveryCall: wherever a controller dies, the next one comes to the same
// end by one apply.
func TestTurnKilledAtEveryCall(t *testing.T) {
	r := newRig(t)
	first := r.commit("modern-before")
	r.turn()
	second := r.commit("modern")
	r.machine.Effects = nil
	whole, kill := r.copy(), sim.KillAfter(-1)
	if _, err := whole.desk(kill).Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	sides := kill.Sides()
	step := 1
	if testing.Short() {
		step = 7
	}
	for k := 0; k < len(sides); k += step {
		one := r.copy()
		if _, err := one.desk(sim.KillAfter(k)).Turn(t.Context()); err == nil {
			t.Fatalf("killed after %d: no error", k)
		}
		got := one.turn()
		if got.Head.Stage != gitops.Done || got.Head.Commit != second || !got.Head.Told {
			t.Fatalf("killed after %d (%s): %+v", k, sides[k], got)
		}
		if applied := one.applied(); !slices.Equal(applied, []string{first, second}) {
			t.Fatalf("killed after %d (%s): applied %s", k, sides[k], applied)
		}
		if got, want := one.wrote(), whole.wrote(); !slices.Equal(got, want) {
			t.Fatalf("killed after %d (%s): wrote\n%s\nwant\n%s", k, sides[k], strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	t.Logf("%d sides of calls", len(sides))
}
