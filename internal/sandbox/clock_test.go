package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestClockRunsFast: time passes so many times as fast from where it was set, for every
// process that reads the file, and never goes back.
func TestClockRunsFast(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sandbox.json")
	if err := os.WriteFile(file, []byte(`{"aws": {"account": "1", "region": "r"}}`), 0o666); err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	wall := noon
	waited := time.Duration(0)
	o := Options{Clock: func() time.Time { return wall }, Wait: func(_ context.Context, d time.Duration) error {
		wall, waited = wall.Add(d), waited+d
		return nil
	}}
	a, err := Open(file, o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(file, o)
	if err != nil {
		t.Fatal(err)
	}
	shows := func(after time.Duration) {
		t.Helper()
		for _, w := range []*World{a, b} {
			if got := w.Now(); !got.Equal(noon.Add(after)) || !w.opts.Clock().Equal(got) {
				t.Errorf("the clock shows %s, which is not %s after noon", got, after)
			}
		}
	}
	shows(0)
	if times, own := b.Speed(); times != 1 || own {
		t.Errorf("a clock that nobody set: %d, %t", times, own)
	}
	if err := a.SetClock(t.Context(), 600, 0); err != nil {
		t.Fatal(err)
	}
	wall = wall.Add(time.Second)
	shows(10 * time.Minute)
	if err := b.SetClock(t.Context(), 0, 8*time.Hour); err != nil {
		t.Fatal(err)
	}
	shows(8*time.Hour + 10*time.Minute)
	if err := b.Sleep(t.Context(), time.Hour); err != nil || waited != 6*time.Second {
		t.Errorf("an hour passes in %s, not in six seconds (%v)", waited, err)
	}
	shows(9*time.Hour + 10*time.Minute)
	if err := a.SetClock(t.Context(), 1, 0); err != nil {
		t.Fatal(err)
	}
	wall = wall.Add(time.Minute)
	shows(9*time.Hour + 11*time.Minute)
	if times, own := b.Speed(); times != 1 || !own {
		t.Errorf("a clock that was set back: %d, %t", times, own)
	}
	for _, wrong := range []struct {
		times int64
		pass  time.Duration
	}{{-1, 0}, {fastest + 1, 0}, {1, -time.Second}} {
		if err := a.SetClock(t.Context(), wrong.times, wrong.pass); err == nil {
			t.Errorf("%v was taken", wrong)
		}
	}
	wall = noon.Add(-time.Hour) // somebody set the machine's
	shows(9*time.Hour + 10*time.Minute)
}

// TestClockSetWhileSomeoneSleeps: a sleeper goes by the clock as it is by then.
func TestClockSetWhileSomeoneSleeps(t *testing.T) {
	m, err := NewMemory("sandbox.json", []byte(`{"aws": {"account": "1", "region": "r"}}`))
	if err != nil {
		t.Fatal(err)
	}
	wall, naps := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC), 0
	var w *World
	w = view(t, m, Options{Clock: func() time.Time { return wall }, Wait: func(ctx context.Context, d time.Duration) error {
		if naps++; naps == 1 {
			return w.SetClock(ctx, 1, 24*time.Hour)
		}
		wall = wall.Add(d)
		return nil
	}})
	if err := w.Sleep(t.Context(), 24*time.Hour); err != nil || naps > 2 {
		t.Errorf("slept %d times (%v)", naps, err)
	}
}

func TestClockOfAFileIsChecked(t *testing.T) {
	for text, want := range map[string]string{
		`{"times": 0, "since": "2026-03-31T12:00:00Z", "was": "2026-03-31T12:00:00Z"}`: `"times" from 1`,
		`{"times": 2, "since": "2026-03-31T12:00:00Z", "was": "2026-03-31T11:00:00Z"}`: `no earlier`,
		`{"times": 2}`:                  `"since"`,
		`{"times": 2, "speed": 3}`:      `clock has no field "speed"`,
		`{"times": 2, "since": "noon"}`: `clock: `,
	} {
		_, err := NewMemory("sandbox.json", []byte(`{"clock": `+text+`}`))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "sandbox.json:1:") {
			t.Errorf("%s: %v does not say %s", text, err, want)
		}
	}
}
