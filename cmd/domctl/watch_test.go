package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/world"
)

// looks is what each look of a watch sees; after the last one somebody presses Ctrl-C.
func looks(t *testing.T, shows func(func() time.Time) func(world.NodeCensus, []nodeChange, string) error, seen ...any) error {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	w := watching{every: 5 * time.Second}
	w.look = func(ctx context.Context) (world.NodeCensus, error) {
		if len(seen) == 0 {
			stop()
			return world.NodeCensus{}, ctx.Err()
		}
		is := seen[0]
		seen = seen[1:]
		if err, failed := is.(error); failed {
			return world.NodeCensus{}, err
		}
		return is.(world.NodeCensus), nil
	}
	w.sleep = func(ctx context.Context, d time.Duration) error { now = now.Add(d); return ctx.Err() }
	w.shows = shows(func() time.Time { return now })
	return w.run(ctx)
}

func nodesOf(unread []world.Unread, all ...world.CensusNode) world.NodeCensus {
	return world.NodeCensus{Nodes: all, Unread: unread}
}

var (
	nodeA     = world.CensusNode{Node: "a", Instance: "i-a", State: "ready", Runs: []string{"r1", "r2"}}
	nodeB     = world.CensusNode{Node: "b", State: "ready", Runs: []string{}}
	emptyA    = world.CensusNode{Node: "a", Instance: "i-a", State: "cordoned", Runs: []string{}}
	mute      = []world.Unread{{Source: "Kubernetes", Asked: true, Why: "gone"}}
	unstatedX = []world.Unread{{Source: "Kubernetes", Why: "not stated"}}
)

// TestWatchRows: a row for each machine that came, differs or went, what fails is said once
// and when it is over, and what nobody tells of now has not gone.
func TestWatchRows(t *testing.T) {
	var out bytes.Buffer
	tell := func(severity, text string) { fmt.Fprintln(&out, severity+": "+text) }
	err := looks(t, func(now func() time.Time) func(world.NodeCensus, []nodeChange, string) error {
		return (&nodeRows{out: &out, tell: tell, now: now}).shows
	},
		nodesOf(nil, nodeA, nodeB), nodesOf(nil, nodeA, nodeB), nodesOf(mute, emptyA), nodesOf(mute, emptyA),
		errors.New("EC2 is away\nreally"), errors.New("EC2 is away\nreally"), nodesOf(nil, emptyA, nodeB), nodesOf(nil, nodeB), nodesOf(nil, nodeB, nodeA))
	const want = `NODE  POOL  AMI      AGE      STATE  RUNS    WAITS FOR  EXPECTED END  FROM
a     -     unknown  unknown  ready  r1, r2  -          -             -
b     -     unknown  unknown  ready  -       -          -             -
a     -     unknown  unknown  cordoned  -       -          -             -
warning: Kubernetes did not tell all: gone
warning: EC2 is away; really; watching goes on
info: over: Kubernetes did not tell all: gone
info: over: EC2 is away; really; watching goes on
a     -     unknown  unknown  gone      -       -          -             -
a     -     unknown  unknown  ready     r1, r2  -          -             -
`
	if err != nil || out.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out.String(), want)
	}
}

// TestWatchLines: as JSON each is an object of the schema.
func TestWatchLines(t *testing.T) {
	var out bytes.Buffer
	err := looks(t, func(now func() time.Time) func(world.NodeCensus, []nodeChange, string) error {
		return (&nodeLines{out: &out, now: now}).shows
	}, nodesOf(unstatedX, nodeA), errors.New("away"), errors.New("away"), nodesOf(unstatedX, emptyA), nodesOf(nil))
	var all []string
	s := shapeSchemas(t)("nodes --watch")
	for line := range bytes.Lines(out.Bytes()) {
		var is struct{ Change string }
		if err := json.Unmarshal(line, &is); err != nil {
			t.Fatal(err)
		}
		all = append(all, is.Change)
		holds(t, s, bytes.ReplaceAll(line, []byte(`"waitsFor":null,"from":null`), []byte(`"waitsFor":[],"from":[]`)))
	}
	if want := []string{"added", "unread", "failed", "changed", "removed", "unread"}; err != nil || !slices.Equal(all, want) {
		t.Errorf("%v: %v, want %v", err, all, want)
	}
}

// TestWatchScreen: the table is drawn where it stood, cut at the terminal's edges, and a
// look that failed leaves the last one there.
func TestWatchScreen(t *testing.T) {
	var out bytes.Buffer
	err := looks(t, func(now func() time.Time) func(world.NodeCensus, []nodeChange, string) error {
		return (&nodeScreen{out: &out, title: "domctl nodes prod", now: now, size: func() (int, int) { return 40, 6 }}).shows
	}, nodesOf(nil, nodeA, nodeB, emptyA), errors.New("away\x1b[31m"))
	const want = "\x1b[2J\x1b[H12:00:00  domctl nodes prod\x1b[K\n\x1b[K\nNODE  POOL  AMI      AGE      STATE    …\x1b[K\na     -     unknown  unknown  ready    …\x1b[K\n… and 2 more lines\x1b[K\n\x1b[J" +
		"\x1b[H12:00:05  it could not be looked, as it…\x1b[K\n\x1b[K\nNODE  POOL  AMI      AGE      STATE    …\x1b[K\na     -     unknown  unknown  ready    …\x1b[K\n… and 2 more lines\x1b[K\n\x1b[J"
	if err != nil || out.String() != want {
		t.Errorf("%v\n%q\nwant\n%q", err, out.String(), want)
	}
}

// TestWatchEnds: the first look may not fail, and a reader that goes away ends it.
func TestWatchEnds(t *testing.T) {
	rows := func(out io.Writer) func(func() time.Time) func(world.NodeCensus, []nodeChange, string) error {
		return func(now func() time.Time) func(world.NodeCensus, []nodeChange, string) error {
			return (&nodeRows{out: out, tell: func(string, string) {}, now: now}).shows
		}
	}
	if err := looks(t, rows(io.Discard), errors.New("away")); err == nil || err.Error() != "away" {
		t.Error(err)
	}
	r, w := io.Pipe()
	_ = r.Close()
	if err := looks(t, rows(w), nodesOf(nil, nodeA), nodesOf(nil, nodeA)); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	for interval, want := range map[string]string{"5s": "", "0s": "1s at least", "x": "--interval", "2d": ""} {
		if _, err := watchEvery(true, interval, true); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", interval, err)
		}
	}
}
