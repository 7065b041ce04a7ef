package engine_test

import (
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
)

// TestStanding tells an apply that waits from one that was left, where its process can be
// asked for, and says both where it cannot.
func TestStanding(t *testing.T) {
	alive := map[string]bool{"here": true, "gone": false}
	e := &engine.Engine{Applier: &applier.Applier{Alive: func(holder string) (bool, bool) {
		is, known := alive[holder]
		return is, known
	}}}
	for _, c := range []struct {
		outcome  applier.Outcome
		why, by  string
		want     string
		nobodyIs bool // asked
	}{
		{"", "", "here", "running", false},
		{"", "", "gone", "cut off", false},
		{"", "", "elsewhere", "running, or cut off", false},
		{"", "", "here", "running, or cut off", true},
		{applier.PausedOutcome, "waiting with 2 steps left: a window", "here", "waiting with 2 steps left: a window", false},
		{applier.PausedOutcome, "waiting with 2 steps left: a window", "gone", "paused with 2 steps left: a window", false},
		{applier.PausedOutcome, "waiting with 1 step left", "elsewhere", "waiting, or paused with 1 step left", false},
		{applier.PausedOutcome, "interrupted with 1 step left", "here", "interrupted with 1 step left", false},
		{applier.PausedOutcome, "", "here", "paused", false},
		{applier.FailedOutcome, "waiting is over", "here", "failed", false},
		{applier.EndedOutcome, "", "gone", "ended", false},
	} {
		of := e
		if c.nobodyIs {
			of = &engine.Engine{Applier: &applier.Applier{}}
		}
		s := applier.Summary{Outcome: c.outcome, Why: c.why, Records: []applier.Record{{By: "somebody before"}, {By: c.by}}}
		if got := of.Standing(s); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
