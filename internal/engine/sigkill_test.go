package engine_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/internal/state"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// TestMain lets the test binary be a process that kills itself.
func TestMain(m *testing.M) {
	if dir := os.Getenv("DOMCTL_TEST_DIES"); dir != "" {
		if err := die(context.Background(), folder(dir), os.Getenv("DOMCTL_TEST_SIDES")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// folder is a deployment's world and records on disk, and a plan.
type folder string

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

// engine opens the folder with the files of a fixture; gate stands around every
// outside call and every call of the records.
func (f folder) engine(ctx context.Context, files string, gate sim.Gate) (*engine.Engine, error) {
	compiled, err := sim.Compile(ctx, "../sim/testdata/"+files)
	if err != nil {
		return nil, err
	}
	clock := sim.NewJump()
	box, err := sandbox.Open(f.path("sandbox.json"), sandbox.Options{Hook: gate, Clock: clock.Now, Wait: clock.Sleep})
	if err != nil {
		return nil, err
	}
	secret := func(_ context.Context, ref string) (schema.Value, error) { return schema.JSON("canary of " + ref), nil }
	return engine.Open(ctx, engine.Config{Compiled: compiled, Outside: box, Store: sim.Gated(state.File(f.path("state")), gate, clock),
		Secret: secret, Clock: clock, Random: rand.Text, Salt: func() string { return "salt" }, Holder: "test", Parallelism: 1})
}

// die applies the folder's plan in this process, which ends with SIGKILL after so
// many sides of calls; if it lives, it says how many there are.
func die(ctx context.Context, f folder, after string) error {
	left, err := strconv.Atoi(after)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	passed := 0
	gate := func(string, sandbox.Phase) error {
		mu.Lock()
		defer mu.Unlock()
		if passed == left {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal may take a moment
		}
		passed++
		return nil
	}
	b, err := os.ReadFile(f.path("plan.json"))
	if err != nil {
		return err
	}
	p, err := planner.Decode(b)
	if err != nil {
		return err
	}
	e, err := f.engine(ctx, "modern", gate)
	if err != nil {
		return err
	}
	res, err := e.Apply(ctx, p)
	if err == nil && res.Outcome != applier.EndedOutcome {
		err = fmt.Errorf("%+v", res)
	}
	fmt.Print(passed)
	return err
}

func always(string, sandbox.Phase) error { return nil }

// TestSIGKILLAtEveryCall: a process of its own is ended by the signal before and
// after every outside call and every call of the records on disk. The next one
// leaves the very bytes that an apply without a kill leaves.
func TestSIGKILLAtEveryCall(t *testing.T) {
	t.Parallel()
	start := folder(t.TempDir())
	content, err := os.ReadFile("../sim/testdata/modern/sandbox.json")
	must(t, err)
	must(t, os.WriteFile(start.path("sandbox.json"), content, 0o600))
	before := must1(start.engine(t.Context(), "modern-before", always))(t)
	p := must1(before.Plan(t.Context(), engine.PlanOptions{}))(t)
	ended(t)(before.Apply(t.Context(), p))
	after := must1(start.engine(t.Context(), "modern", always))(t)
	p = must1(after.Plan(t.Context(), engine.PlanOptions{Allow: []string{"archive"}}))(t)
	must(t, os.WriteFile(start.path("plan.json"), planner.Encode(p), 0o600))

	whole := start.copy(t)
	state, out := whole.dies(t, math.MaxInt32)
	sides, err := strconv.Atoi(out)
	if err != nil || !state.Success() {
		t.Fatalf("%v: %s", state, out)
	}
	want := whole.world(t)
	for k := range sides {
		f := start.copy(t)
		if state, out := f.dies(t, k); state.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("after %d sides it was not killed: %v: %s", k, state, out)
		}
		f.resumes(t, p)
		if got := f.world(t); !bytes.Equal(got, want) {
			t.Fatalf("killed after %d of %d sides, the world is\n%s\nwant\n%s", k, sides, got, want)
		}
	}
	t.Logf("%d steps, %d sides of calls", len(p.Steps), sides)
}

func (f folder) copy(t *testing.T) folder {
	t.Helper()
	c := folder(t.TempDir())
	must(t, os.CopyFS(string(c), os.DirFS(string(f))))
	return c
}

func (f folder) dies(t *testing.T, after int) (*os.ProcessState, string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), "DOMCTL_TEST_DIES="+string(f), "DOMCTL_TEST_SIDES="+strconv.Itoa(after))
	out, _ := c.CombinedOutput() // how it ended is in its state
	return c.ProcessState, string(out)
}

// resumes is what a person does after a crash.
func (f folder) resumes(t *testing.T, p planner.Plan) {
	t.Helper()
	e := must1(f.engine(t.Context(), "modern", always))(t)
	res, err := e.Applier.Resume(t.Context(), p.ID)
	if applier.IsMissing(err) {
		res, err = e.Apply(t.Context(), p)
	}
	ended(t)(res, err)
	again := must1(e.Plan(t.Context(), engine.PlanOptions{Allow: []string{"archive"}}))(t)
	s := must1(e.Applier.Summary(t.Context(), p.ID))(t)
	l, _, err := e.Applier.ReadLock(t.Context())
	if !again.Empty() || len(again.Changes)+len(again.Drift) > 0 || s.Outcome != applier.EndedOutcome || s.Done != len(p.Steps) || err != nil || !l.Free {
		t.Errorf("left %v, told %s with %d of %d done, lock %+v, %v", again.Changes, s.Outcome, s.Done, len(p.Steps), l, err)
	}
}

func (f folder) world(t *testing.T) []byte {
	t.Helper()
	return must1(os.ReadFile(f.path("sandbox.json")))(t)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must1[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T { t.Helper(); must(t, err); return v }
}

func ended(t *testing.T) func(applier.Result, error) {
	return func(res applier.Result, err error) {
		t.Helper()
		if err != nil || res.Outcome != applier.EndedOutcome {
			t.Fatalf("%+v, %v", res, err)
		}
	}
}
