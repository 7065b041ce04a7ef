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

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
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
func (r *rig) open(gate sim.Gate) func(context.Context, gitops.Tree, gitops.Mode) (*engine.Engine, func(), error) {
	return func(ctx context.Context, tree gitops.Tree, _ gitops.Mode) (e *engine.Engine, shut func(), err error) {
		res, err := r.compiled.compile(ctx, filepath.Join(tree.Dir, "prod"), tree.Commit)
		if err == nil {
			e, err = r.machine.Process(ctx, res, sim.Options{Holder: "test", Gate: gate, Parallelism: 1, Source: planner.Source{Commit: tree.Commit}})
		}
		return e, func() {}, err
	}
}

// TestNoTreeChoosesWhatIsAsked: which fields of the database are written, which cluster
// and which registries are asked, the controller's file says.
func TestNoTreeChoosesWhatIsAsked(t *testing.T) {
	d := gitops.Deployment{World: "live", AWS: gitops.AWS{Account: "1", Region: "r", Cluster: "ours"}, Mongo: gitops.Mongo{Database: "domino", URI: "env:U"},
		State: gitops.State{File: "/s"}, Registries: []string{"quay.io"}}
	bind := func(dep schema.Deployment) (schema.Deployment, string) {
		dep.Name, dep.World = "p", "live"
		r, found := d.Bind("p", gitops.ToApply, compiler.Result{Desired: schema.Desired{Deployment: dep}})
		var said []string
		for _, f := range found {
			said = append(said, f.Code+" "+f.Message)
		}
		return r.Desired.Deployment, strings.Join(said, "\n")
	}
	users := schema.Mapping{HardwareTiers: schema.Collection{Collection: "users", Fields: map[string]string{"isVisible": "isAdmin"}}}
	got, said := bind(schema.Deployment{AWS: schema.AWS{Cluster: "theirs"}, Registries: []schema.Registry{{Host: "169.254.169.254:80"}, {Host: "quay.io"}}, Mongo: schema.Mongo{Mapping: users}})
	for _, want := range []string{"DC521 deployment.aws.cluster", "DC521 deployment.mongo.mapping", `DC521 deployment.registries is "169.254.169.254:80"`} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	if got.Mongo.Mapping.HardwareTiers.Collection != "" || got.AWS.Cluster != "ours" || len(got.Registries) != 1 || got.Registries[0].Host != "quay.io" {
		t.Errorf("%+v", got)
	}
	if got, said = bind(schema.Deployment{}); said != "" || len(got.Registries) != 1 {
		t.Errorf("%s: %+v", said, got)
	}
	d.Mongo.Mapping.HardwareTiers = gitops.Collection{Collection: "users", Fields: map[string]string{"isVisible": "isAdmin"}}
	if got, said = bind(schema.Deployment{Mongo: schema.Mongo{Mapping: users}}); said != "" || got.Mongo.Mapping.HardwareTiers.Collection != "users" {
		t.Errorf("%s: %+v", said, got)
	}
}

// TestNoTreeChoosesWhereTheKeyGoes: the address of Domino and whose key it is are bound;
// where nothing is, nobody is asked.
func TestNoTreeChoosesWhereTheKeyGoes(t *testing.T) {
	d := gitops.Deployment{World: "live", Domino: gitops.Domino{URL: "https://domino.acme.example", APIKey: "env:KEY"}}
	bind := func(stated schema.Domino) (schema.Domino, string) {
		r, found := d.Bind("p", gitops.ToPlan, compiler.Result{Desired: schema.Desired{Deployment: schema.Deployment{Name: "p", World: "live", Domino: stated}}})
		var fields []string
		for _, f := range found {
			fields = append(fields, f.Code+" "+strings.Fields(f.Message)[0])
		}
		return r.Desired.Deployment.Domino, strings.Join(fields, " ")
	}
	ours := schema.Domino{URL: "https://domino.acme.example", APIKey: "env:KEY"}
	for said, stated := range map[string]schema.Domino{
		"":                              ours,
		"DC521 deployment.domino.url":   {URL: "https://evil.example", APIKey: "env:KEY"},
		"DC521 deployment.domino.token": {URL: ours.URL, Token: "env:KEY"},
		"DC521 deployment.domino.apiKey DC521 deployment.domino.url": {URL: "https://domino.acme.example.", APIKey: "env:HOME"},
	} {
		if got, found := bind(stated); got != ours || found != said {
			t.Errorf("%+v: %s, %+v", stated, found, got)
		}
	}
	d.Domino = gitops.Domino{}
	if got, found := bind(ours); got != (schema.Domino{}) || found != "" {
		t.Errorf("%s, %+v", found, got)
	}
}

// TestNoWayUpFromAPattern: a * stands for one name, and .. is none.
func TestNoWayUpFromAPattern(t *testing.T) {
	d := gitops.Deployment{Secrets: []string{"file:/run/secrets/*/*", "file:*/*", "ssm:/domino/*"}}
	for ref, want := range map[string]bool{"file:/run/secrets/../shadow": false, "file:../other": false, "file:a/..": false, "ssm:/domino/x": true, "ssm:/domino/x..y": true} {
		if d.Allows(ref) != want {
			t.Errorf("%s: %v", ref, !want)
		}
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
