package gitops_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
)

// TestACommitThatComesLate: one controller stands still before its apply begins, the
// branch goes back, and another finds nothing of the apply. It never begins.
func TestACommitThatComesLate(t *testing.T) {
	for k := 0; ; k++ {
		r := newRig(t)
		first := r.commit("modern-before")
		r.turn()
		second := r.commit("modern")
		late, stood, killed := r.desk(sim.KillAfter(-1)), false, false
		late.Open = r.open(func(call string, phase sandbox.Phase) error {
			if !stood && phase == sandbox.Before && strings.HasPrefix(call, "put") && strings.HasSuffix(call, " lock") {
				stood = true
				r.git("update-ref", "refs/heads/main", first)
				_, err := r.desk(sim.KillAfter(k)).Turn(t.Context()) // which may die as well
				if killed = err != nil; killed {
					_, err = r.desk(sim.KillAfter(-1)).Turn(t.Context())
				}
				if err != nil {
					t.Errorf("killed after %d: %v", k, err)
				}
			}
			return nil
		})
		if _, err := late.Turn(t.Context()); err == nil || !stood {
			t.Errorf("killed after %d: %v, stood still: %v", k, err, stood)
		}
		if got, err := r.desk(sim.KillAfter(-1)).Turn(t.Context()); err != nil || got.Head.Commit != first {
			t.Errorf("killed after %d: %+v, %v", k, got, err)
		}
		if slices.Contains(r.applied(), second) {
			t.Errorf("killed after %d: a commit that left the branch before its apply began was applied", k)
		}
		if !killed || t.Failed() {
			t.Logf("%d sides", k)
			return
		}
	}
}

// TestACommitThatLeftBeforeItsFirstStep: an apply that is recorded and has begun
// nothing makes room when its commit is no longer the branch's.
func TestACommitThatLeftBeforeItsFirstStep(t *testing.T) {
	r := newRig(t)
	first := r.commit("modern-before")
	r.turn()
	r.commit("modern")
	wrote := len(r.wrote())
	dying, dead := r.desk(sim.KillAfter(-1)), false
	gate := func(call string, phase sandbox.Phase) error {
		dead = dead || phase == sandbox.After && strings.HasPrefix(call, "putIfNone applies/")
		if dead {
			return sim.ErrKilled
		}
		return nil
	}
	dying.Open = r.open(gate)
	if _, err := dying.Turn(t.Context()); err == nil || !dead {
		t.Fatalf("%v, died: %v", err, dead)
	}
	r.git("update-ref", "refs/heads/main", first)
	for range 3 {
		if _, err := r.desk(sim.KillAfter(-1)).Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got, err := r.desk(sim.KillAfter(-1)).Turn(t.Context())
	if err != nil || got.Head.Commit != first || got.Head.Stage != gitops.Done {
		t.Errorf("%+v, %v", got, err)
	}
	if got := r.wrote()[wrote:]; len(got) > 0 {
		t.Errorf("of a commit that left the branch before its first step: %s", got)
	}
}

// open opens engines whose calls pass a gate.
func (r *rig) open(gate sim.Gate) func(context.Context, gitops.Tree, config.Mode) (*engine.Engine, func(), error) {
	return func(ctx context.Context, tree gitops.Tree, _ config.Mode) (e *engine.Engine, shut func(), err error) {
		res, err := r.compiled.compile(ctx, filepath.Join(tree.Dir, "prod"), tree.Commit)
		if err == nil {
			e, err = r.machine.Process(ctx, res, sim.Options{Holder: "test", Gate: gate, Parallelism: 1, Source: planner.Source{Commit: tree.Commit}})
		}
		return e, func() {}, err
	}
}

// TestFewBodiesAtOnce: who shows no signature yet can hold a few bodies, and none of a
// repository that takes no deliveries.
func TestFewBodiesAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	parsed := 0
	s := gitops.Server(gitops.Hooks{Takes: func(name string) bool { return name == "domino" },
		Parse: func(string, map[string][]string, []byte) ([]port.Hook, error) { parsed++; return nil, nil }}.Handler())
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	send := func(name string) net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			_, err = io.WriteString(c, "POST /hooks/"+name+" HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx")
		}
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	status := func(c net.Conn) string {
		_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		line := make([]byte, len("HTTP/1.1 200"))
		if _, err := io.ReadFull(c, line); err != nil {
			return err.Error()
		}
		return string(line[9:])
	}
	if got := status(send("nobody")); got != "404" {
		t.Errorf("of a repository that takes none: %s", got)
	}
	var held []net.Conn
	for full := false; !full; {
		if len(held) == 40 {
			t.Fatal("any number of bodies is read")
		}
		c := send("domino")
		held, full = append(held, c), status(c) == "503" // one that is read says nothing yet
	}
	if len(held) <= 16 {
		t.Errorf("%d bodies are too many", len(held))
	}
	for _, c := range held {
		_ = c.Close()
	}
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		r, err := http.Post("http://"+l.Addr().String()+"/hooks/domino", "application/json", strings.NewReader("{}"))
		if err == nil {
			_ = r.Body.Close()
		}
		if err == nil && r.StatusCode == http.StatusAccepted {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("deliveries are not taken again: %v", err)
		}
	}
	if parsed != 1 {
		t.Errorf("%d were parsed", parsed)
	}
}

// TestAnApplyThatCannotGoOnIsToldOf: the commit shows that it is under way, and with
// which effect.
func TestAnApplyThatCannotGoOnIsToldOf(t *testing.T) {
	r := newRig(t)
	commit := r.commit("modern")
	desk, full := r.desk(sim.KillAfter(-1)), errors.New("the disk is full")
	desk.Open = r.open(func(call string, phase sandbox.Phase) error {
		if phase == sandbox.Before && strings.HasPrefix(call, "putIfNone applies/") {
			return full
		}
		return nil
	})
	if _, err := desk.Turn(t.Context()); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	if told := *r.told; len(told) != 1 || !strings.HasPrefix(told[0], commit+" pending effect ") || !strings.HasSuffix(told[0], ": is applied") {
		t.Errorf("%q", told)
	}
}

// lacking is a source that fails at a commit's tree.
type lacking struct {
	gitops.Source
	commit string
	err    error
}

func (l lacking) Tree(ctx context.Context, commit string) (gitops.Tree, func(), error) {
	if commit == l.commit {
		return gitops.Tree{}, func() {}, l.err
	}
	return l.Source.Tree(ctx, commit)
}

// TestAnotherTreeOnlyForOneThatIsGone: an apply is gone on with from another commit's
// tree where its own is gone, and from none where that could not be read.
func TestAnotherTreeOnlyForOneThatIsGone(t *testing.T) {
	r := newRig(t)
	r.commit("modern-before")
	r.turn()
	commit := r.commit("modern")
	dying, sides := r.desk(sim.KillAfter(-1)), 0
	dying.Open = r.open(func(call string, phase sandbox.Phase) error {
		if strings.HasPrefix(call, "UpdateOne") {
			sides++
		}
		if sides > 1 { // one step was begun, and done
			return sim.ErrKilled
		}
		return nil
	})
	if _, err := dying.Turn(t.Context()); err == nil || sides < 2 {
		t.Fatalf("%v, %d", err, sides)
	}
	r.commit("modern-before")
	full := errors.New("the disk is full")
	d := r.desk(sim.KillAfter(-1))
	own := d.Source
	d.Source = lacking{own, commit, full}
	if got, err := d.Turn(t.Context()); !errors.Is(err, full) || got.Head.Stage != gitops.Applying {
		t.Errorf("%+v, %v", got, err)
	}
	d.Source = lacking{own, commit, fmt.Errorf("it was pushed away: %w", git.ErrGone)}
	if got, err := d.Turn(t.Context()); err != nil || got.Head.Stage != gitops.Done || !slices.Contains(r.applied(), commit) {
		t.Errorf("%+v, %v", got, err)
	}
}
