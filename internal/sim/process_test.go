package sim

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/state"
	"domctl.dev/schema"
)

// shop is a deployment on disk that several processes work on.
type shop struct {
	t      *testing.T
	dir    string
	domctl string
}

// newShop lays a fixture out. Its classic world has
// conditional writes only: nothing has to be waited out.
func newShop(t *testing.T, domctl string) shop {
	t.Helper()
	root := t.TempDir()
	s := shop{t, filepath.Join(root, "classic"), domctl}
	for from, to := range map[string]string{"cue.mod/module.cue": "cue.mod/module.cue", "classic/deployment.cue": "classic/deployment.cue",
		"classic/compute.cue": "classic/compute.cue", "classic/sandbox.json": "classic/.domctl/sandbox.json"} {
		b, err := os.ReadFile("testdata/" + from)
		if err == nil {
			err = errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(root, to)), 0o700), os.WriteFile(filepath.Join(root, to), b, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s shop) sandboxFile() string { return filepath.Join(s.dir, ".domctl/sandbox.json") }

// faulty puts faults into the sandbox's file; none takes them out.
func (s shop) faulty(faults ...sandbox.Fault) {
	s.t.Helper()
	b, err := os.ReadFile(s.sandboxFile())
	if err != nil {
		s.t.Fatal(err)
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &all); err != nil {
		s.t.Fatal(err)
	}
	delete(all, "faults")
	if len(faults) > 0 {
		all["faults"] = json.RawMessage(schema.JSON(faults).Text)
	}
	if err := os.WriteFile(s.sandboxFile(), []byte(schema.JSON(all).Text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// command is a process under way.
type command struct {
	*exec.Cmd
	t      *testing.T
	lines  *bufio.Scanner
	stdout bytes.Buffer
	stderr string // the file of it, which can be read meanwhile
}

func (s shop) start(args ...string) *command {
	s.t.Helper()
	return startCommand(s.t, exec.CommandContext(s.t.Context(), s.domctl, append(args, s.dir)...))
}

func startCommand(t *testing.T, cmd *exec.Cmd) *command {
	t.Helper()
	c := &command{Cmd: cmd, t: t}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(io.TeeReader(out, &c.stdout))
	c.stderr = filepath.Join(t.TempDir(), "stderr")
	said, err := os.Create(c.stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *command) complaint() string {
	c.t.Helper()
	b, err := os.ReadFile(c.stderr)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// until reads the output up to a line that holds the text.
func (c *command) until(text string) {
	c.t.Helper()
	for c.lines.Scan() {
		if strings.Contains(c.lines.Text(), text) {
			return
		}
	}
	c.t.Fatalf("no line holds %q:\n%s\n%s", text, c.stdout.String(), c.complaint())
}

// heard waits until the program has said on stderr that it was interrupted.
func (c *command) heard() {
	c.t.Helper()
	for end := time.Now().Add(10 * time.Second); !strings.Contains(c.complaint(), "interrupted"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("it says only\n%s", c.complaint())
		}
	}
}

// end waits for the process, and answers its exit code and all it said.
func (c *command) end() (code int, said string) {
	for c.lines.Scan() {
	}
	_ = c.Wait()
	return c.ProcessState.ExitCode(), c.stdout.String() + c.complaint()
}

func (s shop) run(args ...string) (code int, said string) {
	s.t.Helper()
	return s.start(args...).end()
}

// converged holds that nothing is left to do, and that the lock is free.
func (s shop) converged() {
	s.t.Helper()
	if code, said := s.run("plan", "--detailed-exitcode"); code != 0 {
		s.t.Errorf("plan exits with %d:\n%s", code, said)
	}
	if _, said := s.run("lock", "show"); !strings.Contains(said, "free") {
		s.t.Errorf("the lock: %s", said)
	}
}

// TestProcesses runs real ones: the lock, SIGKILL, Ctrl-C, SIGSTOP.
func TestProcesses(t *testing.T) {
	domctl := filepath.Join(t.TempDir(), "domctl")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", domctl, "domctl.dev/cmd/domctl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, test := range map[string]func(*testing.T, string){"the second is told": theSecondIsTold, "the killed is resumed": theKilledIsResumed,
		"the interrupted tidies up": theInterruptedTidiesUp, "the hung up tidies up": theHungUpTidiesUp, "the stopped writes no more": theStoppedWritesNoMore} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, domctl) })
	}
}

func theSecondIsTold(t *testing.T, domctl string) {
	s := newShop(t, domctl)
	s.faulty(sandbox.Fault{Fault: "slow", Call: "UpdateOne", Delay: "8s", Times: 1})
	first := s.start("apply", "--auto-approve")
	first.until("mongo.update")
	code, said := s.run("apply", "--auto-approve")
	if !regexp.MustCompile(`pid \d+ holds the lock for apply \S+ since \d{4}-`).MatchString(said) || code > 1 {
		t.Errorf("the second exits with %d and is told\n%s", code, said)
	}
	if code, said := first.end(); code != 0 {
		t.Errorf("the first exits with %d:\n%s", code, said)
	}
	s.faulty()
	s.converged()
}

func theKilledIsResumed(t *testing.T, domctl string) {
	s := newShop(t, domctl)
	s.faulty(sandbox.Fault{Fault: "hang", Call: "UpdateOne", After: 1})
	c := s.start("apply", "--auto-approve", "--parallelism", "1")
	c.until("mongo.update")
	c.until("mongo.update")
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.end()
	s.faulty()
	if _, said := s.run("history"); !strings.Contains(said, "cut off") {
		t.Errorf("history says\n%s", said)
	}
	if code, said := s.run("apply", "--resume", "last"); code != 0 {
		t.Errorf("resume exits with %d:\n%s", code, said)
	}
	s.converged()
}

func theInterruptedTidiesUp(t *testing.T, domctl string) { tidiesUp(t, domctl, os.Interrupt) }

// theHungUpTidiesUp: a shell that goes away hangs up on its jobs, and then the
// terminal does.
func theHungUpTidiesUp(t *testing.T, domctl string) {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP) // else a child of tests under nohup would ignore it, as they do
	defer signal.Stop(caught)
	tidiesUp(t, domctl, syscall.SIGHUP, syscall.SIGHUP)
}

// tidiesUp sends each signal after the program has answered the one before.
func tidiesUp(t *testing.T, domctl string, signals ...os.Signal) {
	s := newShop(t, domctl)
	s.faulty(sandbox.Fault{Fault: "slow", Call: "UpdateOne", Delay: "1s"})
	c := s.start("apply", "--auto-approve", "--parallelism", "1")
	c.until("mongo.update")
	for _, sig := range signals {
		if err := c.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		c.heard()
	}
	code, said := c.end()
	if code != 1 || !strings.Contains(said, "--resume") {
		t.Errorf("it exits with %d and says\n%s", code, said)
	}
	s.faulty()
	if _, said := s.run("lock", "show"); !strings.Contains(said, "free") {
		t.Errorf("the lock: %s", said)
	}
	if code, said := s.run("apply", "--resume", "last"); code != 0 {
		t.Errorf("resume exits with %d:\n%s", code, said)
	}
	s.converged()
}

// TestMain lets the test binary be a process with a short lease.
func TestMain(m *testing.M) {
	if dir := os.Getenv("DOMCTL_SIM_APPLY"); dir != "" {
		if err := applyShortly(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const shortLease = 3 * time.Second

func shortly(ctx context.Context, dir, holder string) (*engine.Engine, error) {
	compiled, err := Compile(ctx, dir)
	if err != nil {
		return nil, err
	}
	box, err := sandbox.Open(filepath.Join(dir, ".domctl/sandbox.json"), sandbox.Options{})
	if err != nil {
		return nil, err
	}
	return engine.Open(ctx, engine.Config{Compiled: compiled, Outside: box, Store: state.File(filepath.Join(dir, "state")), Clock: bubble{},
		Secret: func(context.Context, string) (schema.Value, error) {
			return schema.Value{}, errors.New("no secrets here")
		},
		Random: rand.Text, Salt: func() string { return "salt" }, Holder: holder, Lease: shortLease, Report: func(e applier.Event) { fmt.Println(e.Kind, e.Step.ID) }})
}

func applyShortly(ctx context.Context, dir string) error {
	e, err := shortly(ctx, dir, "stopped")
	if err != nil {
		return err
	}
	p, err := e.Plan(ctx, engine.PlanOptions{})
	if err != nil {
		return err
	}
	res, err := e.Apply(ctx, p)
	if err == nil && res.Outcome != applier.EndedOutcome {
		err = errors.New(strings.Join(res.Why, "; "))
	}
	return err
}

// recorded waits until an apply has so many records, and nobody writes one.
func (s shop) recorded(n int) {
	s.t.Helper()
	store := state.File(filepath.Join(s.dir, "state"))
	for {
		keys, err := store.List(s.t.Context(), "applies/")
		if err != nil {
			s.t.Fatal(err)
		}
		if len(keys) >= n {
			break
		}
	}
	if _, err := store.List(s.t.Context(), "applies/"); err != nil {
		s.t.Fatal(err)
	}
}

// theStoppedWritesNoMore: a process that stands still past its lease
// loses the apply, and its next begin is refused.
func theStoppedWritesNoMore(t *testing.T, domctl string) {
	s := newShop(t, domctl)
	s.faulty(sandbox.Fault{Fault: "slow", Call: "UpdateOne", Delay: "500ms"})
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "DOMCTL_SIM_APPLY="+s.dir)
	stopped := startCommand(t, cmd)
	stopped.until("begin")
	s.recorded(3)
	if err := stopped.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	taker, err := shortly(t.Context(), s.dir, "taker")
	if err != nil {
		t.Fatal(err)
	}
	open, err := taker.Applier.OpenApplies(t.Context())
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	began := time.Now()
	res, err := taker.Applier.Resume(t.Context(), open[0])
	if err != nil || res.Outcome != applier.EndedOutcome || time.Since(began) < shortLease {
		t.Errorf("after %s: %+v, %v", time.Since(began), res, err)
	}
	was, err := os.ReadFile(s.sandboxFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := stopped.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if code, said := stopped.end(); code == 0 || !strings.Contains(said, "DC313") {
		t.Errorf("the stopped holder exits with %d:\n%s", code, said)
	}
	if now, err := os.ReadFile(s.sandboxFile()); err != nil || !bytes.Equal(was, now) {
		t.Errorf("the stopped holder wrote: %v\n%s", err, now)
	}
	s.faulty()
	s.converged()
}
