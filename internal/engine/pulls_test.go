package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/internal/state"
	"domctl.dev/schema"
)

// apiOf is a Domino that a test answers for.
type apiOf func(ctx context.Context, execution string) (time.Duration, bool, error)

// pullsAlone is a Domino that tells of pulls alone.
type pullsAlone struct {
	port.Environments
	port.Tiers
	port.CentralConfig
	port.BuildLogs
	port.Routes
	port.Jobs
	port.Executions
	apiOf
}

func (apiOf) DominoUser(context.Context) (string, error) { return "admin", nil }

func (a apiOf) PullTime(ctx context.Context, execution string) (time.Duration, bool, error) {
	return a(ctx, execution)
}

// ranOften is a world where so many environments ran so often each.
func ranOften(t *testing.T, environments, runs int) *sandbox.World {
	t.Helper()
	var all []string
	for env := range environments {
		for n := range runs {
			all = append(all, fmt.Sprintf(`{"_id": {"$oid": "%012x%012x"}, "environmentId": "e%d", "environmentRevisionId": "r%d", "started": {"$date": "2026-03-%02dT12:00:%02dZ"}}`,
				env+1, n, env, env, n%28+1, env%60))
		}
	}
	file, err := sandbox.NewMemory("sandbox.json", fmt.Appendf(nil, `{"aws": {"account": "111122223333", "region": "us-west-2"}, "mongo": {"runs": [%s]}}`, strings.Join(all, ",\n")))
	if err != nil {
		t.Fatal(err)
	}
	world, err := file.Open(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return world
}

func reviewed(t *testing.T, outside port.Outside, domino port.Domino) (engine.Review, error) {
	t.Helper()
	c := compiled(t, "modern")
	c.Desired.Deployment.AWS.Account, c.Desired.Deployment.AWS.Region = "111122223333", "us-west-2"
	c.Desired.Objects = map[schema.Address]schema.Object{}
	clock := sim.NewJump()
	e, err := engine.Open(t.Context(), engine.Config{Compiled: c, Outside: outside, Domino: domino, Store: state.Memory(), Clock: clock, Random: func() string { return strings.Repeat("a", 26) }, Parallelism: 1})
	if err != nil {
		t.Fatal(err)
	}
	return e.Review(t.Context(), engine.ReviewOptions{Window: clock.Now().Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), SlowPull: time.Minute,
		Read: func(string) ([]byte, error) { return nil, fs.ErrNotExist }, Name: func(file string) string { return file }})
}

// TestPullsAreBounded: however much ran, the database is asked once for the newest, and
// Domino for ten of each revision and 300 in all.
func TestPullsAreBounded(t *testing.T) {
	for _, c := range []struct{ environments, runs, looked, asked int }{{0, 0, 0, 0}, {2, 3, 6, 6}, {3, 50, 150, 30}, {400, 15, 5000, 300}} {
		outside := ranOften(t, c.environments, c.runs)
		r, err := reviewed(t, outside, outside)
		p, counts := r.Pulls, outside.Counts()
		if err != nil || p.Looked != c.looked || p.Asked != c.asked || p.Unknown != c.asked || counts.Calls["PullTime"] != c.asked || counts.Calls["DominoUser"] != min(c.asked, 1) {
			t.Errorf("%+v: %+v, %v, %v", c, p, counts.Calls, err)
		}
		if pages := counts.Pages["Find"]; pages > 20 {
			t.Errorf("%+v: %d pages were read", c, pages)
		}
	}
}

// TestPullsEnd: a Domino that does not answer costs a minute, a key that is never taken
// eight calls, and one that asks for less no further ones; nothing of it is called fast.
func TestPullsEnd(t *testing.T) {
	outside := ranOften(t, 40, 10)
	for name, c := range map[string]struct {
		answer func(ctx context.Context, n int) (time.Duration, bool, error)
		most   int
		took   time.Duration
		text   string
	}{
		"silent": {nil, 8, time.Minute, "300 of 300 runs could not be read"},
		"half": {func(ctx context.Context, _ int) (time.Duration, bool, error) {
			return time.Hour, true, port.Sleep(ctx, 30*time.Second)
		}, 24, time.Minute, "runs could not be read: all of them took longer than 1m0s"},
		"denied": {func(context.Context, int) (time.Duration, bool, error) { return 0, false, port.ErrDenied }, 16, 0, "300 of 300 runs could not be read: access denied"},
		"throttled": {func(_ context.Context, n int) (time.Duration, bool, error) {
			if n > 20 {
				return 0, false, port.ErrThrottled
			}
			return time.Hour, true, nil
		}, 36, 0, "could not be read: throttled"},
		"one": {func(_ context.Context, n int) (time.Duration, bool, error) {
			if n == 50 {
				return 0, false, errors.New("it answers 500")
			}
			return time.Second, true, nil
		}, 300, 0, "1 of 300 runs could not be read: it answers 500"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := make(chan int, 1)
				calls <- 0
				began := time.Now()
				r, err := reviewed(t, outside, pullsAlone{apiOf: func(ctx context.Context, _ string) (time.Duration, bool, error) {
					n := <-calls + 1
					calls <- n
					if c.answer == nil {
						<-ctx.Done()
						return 0, false, ctx.Err()
					}
					return c.answer(ctx, n)
				}})
				p := r.Pulls
				if took := time.Since(began); err != nil || took > c.took || <-calls > c.most {
					t.Errorf("%v after %s, %+v", err, took, p)
				}
				if said := unread(r); p.Unread == 0 || p.Unread+p.Timed != p.Asked || !strings.Contains(said, c.text) {
					t.Errorf("%+v, %q", p, said)
				}
				for _, s := range p.Slow {
					if s.Slow != s.Runs || s.Worst != time.Hour.Milliseconds() {
						t.Errorf("%+v", s)
					}
				}
			})
		})
	}
}

// unread is what a review says of pulls that it could not read.
func unread(r engine.Review) (said string) {
	for _, u := range r.Unread {
		if text, ok := strings.CutPrefix(u, "how long runs pulled: "); ok {
			said += text
		}
	}
	return said
}

// TestElsewhereThanAtDomino: where nobody says whose the key is, no run is taken for one
// that Domino does not know.
func TestElsewhereThanAtDomino(t *testing.T) {
	outside := ranOften(t, 2, 2)
	r, err := reviewed(t, outside, nobody{})
	if err != nil || r.Pulls.Unknown != 0 || r.Pulls.Unread != 4 || !strings.Contains(unread(r), "not found") {
		t.Errorf("%+v, %q, %v", r.Pulls, r.Unread, err)
	}
}

type nobody struct{ port.Domino }

func (nobody) DominoUser(context.Context) (string, error) { return "", port.ErrNotFound }

// TestNoRunsReadIsNotNoRuns: where the database does not tell what ran, nobody says that
// nothing did.
func TestNoRunsReadIsNotNoRuns(t *testing.T) {
	outside := ranOften(t, 2, 2)
	r, err := reviewed(t, runless{outside}, outside)
	if err != nil || r.Pulls.Off == "" || !strings.Contains(r.Pulls.Line(), "is not known: what ran could not be read") || !strings.Contains(unread(r), "throttled") {
		t.Errorf("%+v, %q, %v", r.Pulls, unread(r), err)
	}
}

type runless struct{ port.Outside }

func (r runless) Find(ctx context.Context, q port.Query) ([]port.Document, error) {
	if q.Collection == "runs" {
		return nil, port.ErrThrottled
	}
	return r.Outside.Find(ctx, q)
}
