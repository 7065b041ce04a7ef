package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// clocked are waits on a clock that only the test moves.
type clocked struct {
	*waits
	at  time.Time
	out bytes.Buffer
}

func newClocked(width int) *clocked {
	c := &clocked{at: time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)}
	c.waits = &waits{out: &c.out, width: func() int { return width }, now: func() time.Time { return c.at }, end: make(chan struct{})}
	return c
}

// pass lets seconds go by and answers what was said meanwhile.
func (c *clocked) pass(seconds int) string {
	c.out.Reset()
	for range seconds {
		c.at = c.at.Add(time.Second)
		c.tick()
	}
	return c.out.String()
}

func (c *clocked) want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

// TestWaitsInAPipe: nothing of what is fast, and a line each ten seconds of what
// is not.
func TestWaitsInAPipe(t *testing.T) {
	c := newClocked(0)
	c.begin("a", "the first", 45*time.Second)
	c.want(t, c.pass(1), "")
	c.begin("b", "the second", 0)
	c.want(t, c.pass(1), "domctl: waiting: the first (2s so far, at most 43s more), and 1 more\n")
	c.want(t, c.pass(9), "")
	c.want(t, c.pass(1), "domctl: waiting: the first (12s so far, at most 33s more), and 1 more\n")
	c.over("a")
	c.begin("b", "the second,\nonce more", 4*time.Second)
	c.want(t, c.pass(10), "domctl: waiting: the second,; once more (21s so far)\n")
	c.over("b")
	c.want(t, c.pass(20), "")
}

// TestWaitsOfHours: what says the same is said ever more rarely, and what changes is said
// after ten seconds again.
func TestWaitsOfHours(t *testing.T) {
	c := newClocked(0)
	c.begin("a", "a run", 0)
	if n := strings.Count(c.pass(3600), "\n"); n != 16 { // after 2, 12, 32, 72, 152, 312 seconds, and each five minutes
		t.Errorf("%d lines in an hour", n)
	}
	c.pass(200)
	c.begin("a", "another run", 0)
	c.want(t, c.pass(1), "domctl: waiting: another run (1h3m21s so far)\n")
	c.want(t, c.pass(9), "")
	c.want(t, c.pass(1), "domctl: waiting: another run (1h3m31s so far)\n")
}

// TestWaitsOnATerminal: one line in place, that fits, and is gone before
// anything else is printed.
func TestWaitsOnATerminal(t *testing.T) {
	c := newClocked(40)
	c.begin(theVerb, "reading what lives in the outside", 0)
	c.want(t, c.pass(2), "\r\x1b[Kdomctl: waiting: re…outside (2s so far)")
	c.out.Reset()
	fmt.Fprint(c.before(&c.out), "a plan\n")
	c.want(t, c.out.String(), "\r\x1b[Ka plan\n")
	c.want(t, c.pass(5), "")
	c.begin("step", "a step", 0)
	c.pass(2)
	fmt.Fprint(c.before(&c.out), "a line\n")
	c.want(t, c.pass(1), "\r\x1b[Kdomctl: waiting: a step (3s so far)")
	c.out.Reset()
	c.close()
	c.want(t, c.out.String(), "\r\x1b[K")
}

// TestWaitsOfStepsFollowThoseOfTheVerb: a rollback that settles what was begun
// prints nothing before it waits for a step.
func TestWaitsOfStepsFollowThoseOfTheVerb(t *testing.T) {
	a, c := newApp(strings.NewReader(""), io.Discard, io.Discard), newClocked(0)
	a.waits = c.waits
	a.progress(applier.Event{Kind: applier.KindWaiting, Why: "comparing what lives"})
	a.progress(applier.Event{Kind: applier.KindWaiting, Step: planner.Step{ID: "s", Op: "mongo.update", Object: "mongo/c#x", Address: schema.Address{Kind: "hardwareTiers", Name: "x"}}, Why: "looking again", Most: 45 * time.Second})
	c.want(t, c.pass(2), "domctl: waiting: hardwareTiers.x: mongo.update: looking again (2s so far, at most 43s more)\n")
	a.waits.close()
}

// TestWaitNamesItsObjectOnce, which a roll's own words begin with too.
func TestWaitNamesItsObjectOnce(t *testing.T) {
	a := &app{waits: &waits{now: time.Now, out: io.Discard, width: func() int { return 0 }}}
	defer a.waits.close()
	e := applier.Event{Kind: applier.KindWaiting, Step: planner.Step{ID: "s", Op: "roll.group", Object: "asg/group#acme-a", Address: schema.Address{Kind: "nodePools", Name: "x"}}, Why: "acme-a: 1 node on the old image"}
	a.progress(e)
	if got := a.waits.all[0].what; got != "nodePools.x: roll.group acme-a: 1 node on the old image" {
		t.Errorf("%q", got)
	}
}
