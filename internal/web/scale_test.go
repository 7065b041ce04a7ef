package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/state"
)

// far is a store that a bucket's answers come from.
type far struct {
	applier.Store
	calls *atomic.Int64
}

func (f far) wait() { f.calls.Add(1); time.Sleep(20 * time.Millisecond) }

func (f far) Get(ctx context.Context, key string) ([]byte, string, error) {
	f.wait()
	return f.Store.Get(ctx, key)
}

func (f far) List(ctx context.Context, prefix string) ([]string, error) {
	f.wait()
	return f.Store.List(ctx, prefix)
}

// past writes applies as the applier writes them, without running any.
func past(t *testing.T, s applier.Store, r *rig, n int) (last string) {
	t.Helper()
	p := r.plan()
	p.Steps, p.Changes = p.Steps[:1], p.Changes[:1]
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for i := range n {
		at = at.Add(time.Minute)
		p.ID = at.Format("20060102-150405") + fmt.Sprintf("-%012d", i)
		records := [][]applier.Record{{{Kind: applier.KindPlan, At: at, By: "ada", Place: i + 1, Plan: &p}},
			{{Kind: applier.KindPre, At: at}, {Kind: applier.KindBegin, At: at, Step: p.Steps[0].ID}, {Kind: applier.KindDone, At: at, Step: p.Steps[0].ID}}, {{Kind: applier.KindEnded, At: at}}}
		for n, of := range records {
			body, err := json.Marshal(map[string]any{"nonce": "n", "records": of})
			if err == nil {
				_, err = s.PutIfNone(t.Context(), fmt.Sprintf("applies/%s/%06d", p.ID, n), body)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		last = p.ID
	}
	put(t, s, "applied", map[string]any{"deployment": "sim-modern", "entries": map[string]any{}, "place": n, "last": map[string]any{"id": last, "place": n}, "nonce": "n"})
	return last
}

// TestManyAppliesAreReadByThePage, and not all of them for a look at some.
func TestManyAppliesAreReadByThePage(t *testing.T) {
	r := newRig(t)
	store, calls := state.Memory(), new(atomic.Int64)
	last := past(t, store, r, 10_000)
	s := r.site()
	s.Deployments[0].Records = stored(far{store, calls})
	h := s.Handler()
	const look = 7 // at the deployment, once a second at most
	timed := func(target string, most int64) got {
		t.Helper()
		began, before := time.Now(), calls.Load()
		page := get(t, h, target)
		n := calls.Load() - before
		most += look
		t.Logf("%s: %d calls in %s, %d bytes", target, n, time.Since(began).Round(time.Millisecond), len(page.body))
		if page.status != http.StatusOK || n > most {
			t.Errorf("%s: status %d, %d calls, more than %d", target, page.status, n, most)
		}
		return page
	}
	timed("/deployments/sim-modern", 250).wants(t, last)
	page := timed("/deployments/sim-modern/history", 1+4*pageOf)
	seen := map[string]bool{}
	next := ""
	for range 3 {
		for _, id := range strings.Split(page.body, "/applies/")[1:] {
			seen[id[:28]] = true
		}
		next = regexp.MustCompile(`\?before=([^"]+)" rel="next"`).FindStringSubmatch(page.body)[1]
		page = timed("/deployments/sim-modern/history?before="+next, 1+4*pageOf)
	}
	if len(seen) != 3*pageOf {
		t.Errorf("three pages show %d applies", len(seen))
	}
	timed("/deployments/sim-modern/history?before="+next, 0).wants(t, `rel="prev"`)
	timed("/deployments/sim-modern/applies/"+last, 4)
	timed("/deployments/sim-modern/history?before=20260301-100100-000000000000", 0).wants(t, "Nothing was applied before that")
}

// TestManyDeployments are read side by side, and not again for whoever asks next.
func TestManyDeployments(t *testing.T) {
	r, calls := newRig(t), new(atomic.Int64)
	s := r.site()
	s.Deployments = nil
	for i := range 200 {
		store := state.Memory()
		put(t, store, "gitops/head", gitops.Head{Commit: commit, Stage: gitops.Done, Why: "applied", Nonce: "n"})
		put(t, store, "applied", map[string]any{"deployment": fmt.Sprintf("d%03d", i), "entries": map[string]any{}, "nonce": "n"})
		s.Deployments = append(s.Deployments, Deployment{Name: fmt.Sprintf("d%03d", i), Records: stored(far{store, calls})})
	}
	h := s.Handler()
	began := time.Now()
	page := get(t, h, "/")
	t.Logf("200 deployments: %d calls in %s, %d bytes", calls.Load(), time.Since(began).Round(time.Millisecond), len(page.body))
	page.wants(t, "d000", "d199", "Nothing needs anybody")
	if n := calls.Load(); n > 200*7 {
		t.Errorf("%d calls", n)
	}
	before := calls.Load()
	began = time.Now()
	get(t, h, "/")
	t.Logf("again: %s", time.Since(began).Round(time.Millisecond))
	if n := calls.Load() - before; n > 0 {
		t.Errorf("%d calls for who asks next", n)
	}
}
