package gitops_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/forge"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
)

// TestAMergeWhileAnApplyRuns: the apply ends as it was planned, and what was merged
// meanwhile is applied after it, of two merges the last alone; also where the branch was
// pushed by force, so that the commit that is applied is no longer on it.
func TestAMergeWhileAnApplyRuns(t *testing.T) {
	for _, forced := range []bool{false, true} {
		r := newRig(t)
		first := r.commit("modern-before")
		r.turn()
		between := r.commit("modern-before", "cores: 1", "cores: 3")
		third := r.commit("modern-before", "cores: 1", "cores: 2")
		if forced {
			r.git("checkout", "-q", "-f", "-B", "main", first)
		}
		second := r.commit("modern")
		d := r.desk(sim.KillAfter(-1))
		merged := false
		d.Open = r.open(func(call string, phase sandbox.Phase) error {
			if !merged && phase == sandbox.After && strings.HasPrefix(call, "UpdateOne") {
				merged = true
				r.git("update-ref", "refs/heads/main", between)
				r.git("update-ref", "refs/heads/main", third)
			}
			return nil
		})
		var got gitops.Turned
		for range 2 {
			var err error
			if got, err = d.Turn(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if !merged || got.Head.Stage != gitops.Done || got.Head.Commit != third || got.Worked {
			t.Errorf("forced %v: %+v", forced, got)
		}
		if got := r.applied(); !slices.Equal(got, []string{first, second, third}) {
			t.Errorf("forced %v: applied %s, want %s", forced, got, []string{first, second, third})
		}
	}
}

// TestABranchThatGoesWhileItIsPlanned: of a deployment's branch nothing is applied, and
// what was applied stays known; once it is there again its commit is applied.
func TestABranchThatGoesWhileItIsPlanned(t *testing.T) {
	r := newRig(t)
	first := r.commit("modern-before")
	r.turn()
	second := r.commit("modern")
	wrote := len(r.wrote())
	d := r.desk(sim.KillAfter(-1))
	open := d.Open
	d.Open = func(ctx context.Context, tree gitops.Tree, mode config.Mode) (*engine.Engine, func(), error) {
		r.git("update-ref", "-d", "refs/heads/main")
		return open(ctx, tree, mode)
	}
	if got, err := d.Turn(t.Context()); !errors.Is(err, git.ErrNoBranch) || got.Head.Commit != first || got.Head.Stage != gitops.Done {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := r.desk(sim.KillAfter(-1)).Turn(t.Context()); !errors.Is(err, git.ErrNoBranch) || len(r.wrote()) != wrote {
		t.Errorf("%v, wrote %s", err, r.wrote()[wrote:])
	}
	r.git("update-ref", "refs/heads/main", second)
	if got := r.turn(); got.Head.Stage != gitops.Done || !slices.Equal(r.applied(), []string{first, second}) {
		t.Errorf("%+v", got)
	}
}

// TestAPullThatGoesWhileItIsPlanned: its branch is deleted and it is closed, between the
// reading of its files and the plan. What it shows is its own head's or nothing, and no
// trouble is told.
func TestAPullThatGoesWhileItIsPlanned(t *testing.T) {
	h := newHall(t)
	d := h.at.Desks[0]
	open := d.Engine
	d.Engine = func(ctx context.Context, tree gitops.Tree, c gitops.Compiled) (*engine.Engine, func(), error) {
		if h.git("branch", "--list", "work") != "" {
			h.git("checkout", "-q", "main")
			h.git("branch", "-qD", "work")
			h.git("update-ref", "-d", "refs/pull/1/head")
			h.board.mu.Lock()
			h.pulls[1].State = port.PullClosed
			h.board.mu.Unlock()
		}
		return open(ctx, tree, c)
	}
	for range 3 {
		h.look()
		if err := h.machine.Clock.Sleep(t.Context(), 2*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	h.restart()
	h.look()
	if said := h.said(1); len(said) > 1 || len(said) == 1 && !strings.Contains(said[0], h.head) {
		t.Errorf("%q", said)
	}
	if rec := h.record(1); rec.State != port.PullClosed || rec.Ended.IsZero() {
		t.Errorf("%+v", rec)
	}
	if h.log.Len() > 0 {
		t.Errorf("%s", &h.log)
	}
}

// TestNoForgeKeepsNothingFromBeingApplied: whether it is down, refuses, or wants to be
// left alone. What it was not told it is told once it answers, one status a commit.
func TestNoForgeKeepsNothingFromBeingApplied(t *testing.T) {
	for what, trouble := range map[string]error{
		"down":         errors.New("connection refused"),
		"slow":         context.DeadlineExceeded,
		"refuses":      fmt.Errorf("gitea: %w", port.ErrDenied),
		"rate-limited": fmt.Errorf("gitea: %w", &port.Throttle{After: time.Hour}),
	} {
		r := newRig(t)
		asked := 0
		down := r.desk(sim.KillAfter(-1))
		down.Tell = func(context.Context, string, port.CommitStatus) error { asked++; return trouble }
		first := r.commit("modern-before")
		if got, err := down.Turn(t.Context()); !errors.Is(err, trouble) || got.Head.Stage != gitops.Done || asked != 1 {
			t.Errorf("%s: %+v, %v, asked %d times", what, got, err, asked)
		}
		second := r.commit("modern")
		for range 2 {
			if _, err := down.Turn(t.Context()); !errors.Is(err, trouble) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if got := r.applied(); !slices.Equal(got, []string{first, second}) {
			t.Errorf("%s: applied %s", what, got)
		}
		r.turn()
		r.turn()
		if told := *r.told; len(told) != 1 || !strings.HasPrefix(told[0], second+" success ") {
			t.Errorf("%s: told %q", what, told)
		}
	}
}

// TestReplayedDeliveries: one that is signed, and sent again under its own id or others,
// at once or later, leads to looks, which do nothing that is done. Nobody can replay it
// to another repository.
func TestReplayedDeliveries(t *testing.T) {
	h := newHall(t)
	const secret = "sesame"
	looks := 0
	server := gitops.Hooks{
		Takes: func(name string) bool { return name == "domino" || name == "other" },
		Parse: func(name string, head map[string][]string, body []byte) ([]port.Hook, error) {
			return forge.ParseHook(forge.Gitea, head, body, map[string]string{"domino": secret, "other": "another"}[name])
		},
		Named: func(name string) string { return map[string]string{"domino": repo}[name] },
		Look:  func(string, string) { looks++; h.look(); h.turn() },
		Log:   slog.New(slog.DiscardHandler), Now: time.Now,
	}.Handler()
	send := func(name, event, id, body string) int {
		sum := hmac.New(sha256.New, []byte(secret))
		sum.Write([]byte(body))
		r := httptest.NewRequest(http.MethodPost, "/hooks/"+name, strings.NewReader(body))
		r.Header.Set("X-Gitea-Event", event)
		r.Header.Set("X-Gitea-Delivery", id)
		r.Header.Set("X-Gitea-Signature", hex.EncodeToString(sum.Sum(nil)))
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		return w.Code
	}
	pull := fmt.Sprintf(`{"action": "opened", "number": 1, "repository": {"full_name": %q}}`, repo)
	push := fmt.Sprintf(`{"ref": "refs/heads/main", "after": %q, "repository": {"full_name": %q}}`, h.git("rev-parse", "main"), repo)
	if code := send("domino", "pull_request", "d-1", pull); code != http.StatusAccepted || len(h.said(1)) != 1 {
		t.Fatalf("%d, %q", code, h.said(1))
	}
	before, wrote := h.record(1), len(h.wrote())
	h.engines(t, 0)
	h.count()
	for i := range 20 {
		for event, body := range map[string]string{"pull_request": pull, "push": push} {
			for _, id := range []string{"d-1", fmt.Sprint("d-again-", i)} {
				if code := send("domino", event, id, body); code != http.StatusAccepted {
					t.Errorf("%s %s: %d", event, id, code)
				}
			}
		}
		if i == 10 {
			h.restart()
		}
	}
	if got := h.count(); looks < 80 || got["Pulls"] != looks-1 || len(got) != 1 {
		t.Errorf("%d looks ask %v", looks, got)
	}
	if rec := h.record(1); rec != before || len(h.said(1)) != 1 || len(h.wrote()) != wrote || !slices.Equal(h.shown(h.head), []string{"pending", "success"}) {
		t.Errorf("%+v\nwas %+v\n%q, %q", rec, before, h.said(1), h.shown(h.head))
	}
	looks = 0
	if code := send("other", "push", "d-1", push); code != http.StatusUnauthorized || looks > 0 {
		t.Errorf("at another repository: %d", code)
	}
}
