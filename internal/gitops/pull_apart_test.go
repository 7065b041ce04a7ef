package gitops_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
	"domctl.dev/internal/state"
)

// TestPlaces: so many at once, of one deployment one at a time, and what is most urgent
// first.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, bomb, a, b := gitops.NewPlaces(2), &gitops.Desk{}, &gitops.Desk{}, &gitops.Desk{}
		take := func(d *gitops.Desk, rank int) (leave func()) {
			t.Helper()
			leave, err := p.Take(t.Context(), d, rank)
			if err != nil {
				t.Fatal(err)
			}
			return leave
		}
		held := take(bomb, 0)
		var mu sync.Mutex
		var order []string
		queue := func(ctx context.Context, name string, d *gitops.Desk, rank int) {
			go func() {
				leave, err := p.Take(ctx, d, rank)
				if err != nil {
					return
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				time.Sleep(time.Second)
				leave()
				leave() // twice is once
			}()
			synctest.Wait()
		}
		gone, cancel := context.WithCancel(t.Context())
		queue(t.Context(), "a", a, 0)
		queue(t.Context(), "bomb again", bomb, 0)
		queue(t.Context(), "a later", a, 1)
		queue(gone, "nobody", b, 0)
		queue(t.Context(), "b later", b, 1)
		queue(t.Context(), "b", b, 0)
		cancel()
		time.Sleep(time.Minute)
		synctest.Wait()
		mu.Lock()
		if !slices.Equal(order, []string{"a", "b", "a later", "b later"}) {
			t.Errorf("%q", order)
		}
		mu.Unlock()
		held()
		time.Sleep(time.Minute)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(order) != 5 {
			t.Errorf("%q", order)
		}
		first, second := take(a, 0), take(b, 0)
		if _, err := p.Take(gone, bomb, 0); err == nil {
			t.Error("who is gone gets a place")
		}
		first()
		second()
	})
}

// TestPullsApart: a deployment whose files take for ever, whose records cannot be read
// or that panics keeps no other from being planned.
func TestPullsApart(t *testing.T) {
	h := newHall(t)
	bomb, dark, bad := *h.at.Desks[0], *h.at.Desks[0], *h.at.Desks[0]
	stores := map[string]applier.Store{}
	for name, d := range map[string]*gitops.Desk{"bomb": &bomb, "dark": &dark, "bad": &bad} {
		d.Name, stores[name] = name, state.Memory()
		d.Records = func(context.Context) (applier.Store, error) { return stores[name], nil }
	}
	bomb.Compile = func(ctx context.Context, tree gitops.Tree, as string, evaluate bool) (gitops.Compiled, bool, error) {
		if evaluate {
			<-ctx.Done()
		}
		return gitops.Compiled{}, false, ctx.Err()
	}
	bad.Compile = func(_ context.Context, _ gitops.Tree, _ string, evaluate bool) (gitops.Compiled, bool, error) {
		if evaluate {
			panic("a bomb")
		}
		return gitops.Compiled{}, false, nil
	}
	dark.Records = func(context.Context) (applier.Store, error) { return nil, errors.New("access denied") }
	h.at.Desks = []*gitops.Desk{&bomb, &dark, &bad, h.at.Desks[0]}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := h.at.Look(ctx); err != nil {
		t.Fatal(err)
	}
	for n := 0; len(h.said(1)) == 0; n++ {
		if n == 1000 {
			t.Fatalf("it is not planned:\n%s", &h.log)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], "sim-modern") {
		t.Errorf("%q", said)
	}
	cancel()
	h.at.Wait()
	if !strings.Contains(h.log.String(), "access denied") || strings.Count(h.log.String(), "\n") != 1 {
		t.Errorf("%s", &h.log)
	}
}

// TestFiftyPulls: an unchanged look costs one question, however many are open; a branch
// that moves elsewhere costs no plan.
func TestFiftyPulls(t *testing.T) {
	h := newHall(t)
	h.engines(t, 1)
	for n := 2; n <= 50; n++ {
		h.propose(n, "work")
	}
	h.engines(t, 49)
	h.count()
	h.look()
	if got := h.count(); got["Pulls"] != 1 || len(got) != 1 {
		t.Errorf("a look asks %v", got)
	}
	h.git("checkout", "-q", "main")
	h.write("README.md", "Ours.\n")
	var compiled atomic.Int64
	d := h.at.Desks[0]
	compile := d.Compile
	d.Compile = func(ctx context.Context, tree gitops.Tree, as string, evaluate bool) (gitops.Compiled, bool, error) {
		compiled.Add(1)
		return compile(ctx, tree, as, evaluate)
	}
	h.engines(t, 0)
	if n := compiled.Load(); n > 0 {
		t.Errorf("files are looked at %d times for a branch that moved elsewhere", n)
	}
	moved := h.write("other/x.cue", "package domino\n") // another deployment's
	h.git("checkout", "-q", "-b", "elsewhere")
	h.write("other/x.cue", "package domino // x\n")
	h.propose(51, "elsewhere")
	h.engines(t, 0)
	if n := compiled.Load(); n > 0 || len(h.said(51)) > 0 || h.record(7).Base != moved {
		t.Errorf("files are looked at %d times for what others read: %q, %+v", n, h.said(51), h.record(7))
	}
	if got := h.count(); got["Pulls"] != 4 || got["SetStatus"] != 1 || len(got) != 2 || // that nothing changes, once
		h.record(50).Base != moved {
		t.Errorf("four looks ask %v, %+v", got, h.record(50))
	}
}

// TestTenThousandCommits between a pull request and its branch.
func TestTenThousandCommits(t *testing.T) {
	h := newHall(t)
	var in bytes.Buffer
	for _, side := range []string{"main", "work"} {
		for n := range 5000 {
			fmt.Fprintf(&in, "commit refs/heads/%s\ncommitter Ada <ada@example.com> %d +0000\ndata 1\nx\n", side, 1800000000+n)
			if n == 0 {
				fmt.Fprintf(&in, "from refs/heads/%s^0\n", side)
			}
			fmt.Fprintf(&in, "M 100644 inline %s.txt\ndata 5\n%05d\n\n", side, n)
		}
	}
	h.git("checkout", "-q", "-b", "aside")
	h.feed(&in, "fast-import", "--quiet", "--force")
	h.propose(1, "work")
	begun := time.Now()
	h.look()
	if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], h.pulls[1].HeadCommit) || h.log.Len() > 0 {
		t.Errorf("%q\n%s", said, &h.log)
	}
	t.Logf("%s", time.Since(begun))
}

// stuck is a forge that does not answer.
type stuck struct {
	port.Forge
	mu    sync.Mutex
	asked int
	err   error
	hang  bool
}

func (s *stuck) Pulls(ctx context.Context, _ string) ([]port.Pull, error) {
	s.mu.Lock()
	s.asked++
	err, hang := s.err, s.hang
	s.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, err
}

func (s *stuck) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, s.asked = s.asked, 0
	return n
}

// TestReceptionLooks now and then, at once after a hint, and apart: a forge that hangs
// holds up no deployment, and one that wants to be left alone is, whatever is hinted.
func TestReceptionLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calm, hung, busy, broken := &stuck{}, &stuck{hang: true}, &stuck{err: &port.Throttle{After: 7 * time.Minute}}, &stuck{err: port.ErrDenied}
		desk := &still{err: git.ErrNoBranch}
		var log bytes.Buffer
		c := &gitops.Controller{Desks: []*gitops.Desk{stillDesk("calm", desk)}, Poll: time.Minute, Grace: time.Second, Log: slog.New(slog.NewTextHandler(&log, nil))}
		for name, f := range map[string]port.Forge{"domino": calm, "hung": hung, "busy": busy, "broken": broken} {
			c.Receptions = append(c.Receptions, &gitops.Reception{Name: name, Repo: repo, Forge: f, Now: time.Now, Random: func() string { return "x" }, Log: c.Log})
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for range 10 {
			c.Look("domino", "")
			c.Look("busy", "main")
			c.Look("elsewhere", "main")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := calm.count(); n < 2 || n > 3 {
			t.Errorf("after ten hints at once it looked %d times", n)
		}
		if n := busy.count(); n != 1 {
			t.Errorf("a forge that is to be left alone was asked %d times", n)
		}
		_, _, before := hung.count(), broken.count(), desk.count()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := calm.count(); n != 10 {
			t.Errorf("in ten minutes it looked %d times", n)
		}
		if n := busy.count(); n != 1 {
			t.Errorf("in ten minutes a forge that is to be left alone for seven was asked %d times", n)
		}
		if n := hung.count(); n < 1 || n > 2 {
			t.Errorf("a forge that hangs was asked %d times", n)
		}
		if n := broken.count(); n < 8 || n > 11 {
			t.Errorf("a forge that refuses was asked %d times", n)
		}
		if n := desk.count() - before; n < 10 {
			t.Errorf("a deployment was looked at %d times", n)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for _, once := range []string{"repository=busy", "repository=broken", "repository=hung"} {
			if n := strings.Count(log.String(), once); n != 1 {
				t.Errorf("%q is said %d times:\n%s", once, n, log.String())
			}
		}
	})
}

// TestRecordsThatCome late are looked at once they are there, without a hint.
func TestRecordsThatCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calm, slow := &stuck{}, stillDesk("slow", &still{err: git.ErrNoBranch})
		slow.Compile = func(context.Context, gitops.Tree, string, bool) (c gitops.Compiled, known bool, err error) { return }
		records := slow.Records
		slow.Records = func(ctx context.Context) (applier.Store, error) {
			time.Sleep(30 * time.Second)
			return records(ctx)
		}
		r := &gitops.Reception{Name: "domino", Repo: repo, Forge: calm, Desks: []*gitops.Desk{slow}, Now: time.Now, Random: func() string { return "x" }, Log: slog.New(slog.DiscardHandler)}
		c := &gitops.Controller{Receptions: []*gitops.Reception{r}, Poll: time.Hour, Grace: time.Minute, Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if n := calm.count(); n != 1 {
			t.Errorf("it looked %d times", n)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if n := calm.count(); n != 1 {
			t.Errorf("it looked %d times once they were there", n)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
