package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/world"
)

// TestEnds: what is expected is said as a guess, and what a roll does at its deadline as
// it is.
func TestEnds(t *testing.T) {
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	guess := func(at, late time.Duration) *world.End {
		return &world.End{At: now.Add(at), Late: now.Add(late), Guess: true, Of: 7}
	}
	wait := func(force bool, in time.Duration) *world.Deadline {
		return &world.Deadline{At: now.Add(in), Force: force}
	}
	for want, n := range map[string]world.CensusNode{
		"-":                             {State: "ready", Runs: []string{"a"}},
		"unknown":                       {State: "cordoned", Runs: []string{"a"}},
		"~2m":                           {State: "maintenance", Runs: []string{"a"}, End: guess(2*time.Minute, 2*time.Minute)},
		"~1m":                           {State: "cordoned", Runs: []string{"a"}, End: guess(time.Second, 30*time.Second)},
		"~90m to 3h":                    {State: "cordoned", Runs: []string{"a"}, End: guess(90*time.Minute, 150*time.Minute)},
		"~3h to 3d, 119m at the latest": {State: "cordoned", Runs: []string{"a"}, End: guess(150*time.Minute, 49*time.Hour), Deadline: wait(true, 2*time.Hour-time.Minute)},
		"unknown, given up after 10m":   {State: "cordoned", Runs: []string{"a"}, Deadline: wait(false, 10*time.Minute)},
		"unknown, given up after 0m":    {State: "cordoned", Runs: nil, Deadline: wait(false, -time.Minute)},
		"40m at the latest":             {State: "cordoned", Runs: []string{}, Deadline: wait(true, 40*time.Minute)},
	} {
		if got := nodeEnd(n, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestEndsAreToldBy: the database's ended runs say of a live one when it is expected to
// end, by verb and in JSON.
func TestEndsAreToldByRunsLikeIt(t *testing.T) {
	dir := peopled(t, t.TempDir())
	add := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	add("runs.cue", "package domino\n\ndeployment: mongo: mapping: hardwareTiers: fields: runs: \"hardwareTierId\"\n")
	file := filepath.Join(dir, sandboxFile)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	run := func(id string, began time.Time, lasted time.Duration) string {
		completed := ""
		if lasted > 0 {
			completed = fmt.Sprintf(`"completed": {"$date": %q}, `, began.Add(lasted).Format(time.RFC3339))
		}
		return fmt.Sprintf(`{"_id": {"$oid": %q}, %s"hardwareTierId": "medium", "projectId": {"$oid": "65c000000000000000000001"}, "started": {"$date": %q}, "status": "Running"}, `, id, completed, began.Format(time.RFC3339))
	}
	docs := run("65f0000000000000000000e1", now.Add(-10*time.Minute), 0)
	for i := range 8 {
		docs += run(fmt.Sprintf("65f0000000000000000001e%d", i), now.Add(-48*time.Hour), time.Duration(i+1)*time.Hour)
	}
	add(sandboxFile, strings.Replace(string(text), `"runs": [`, `"runs": [`+docs, 1))
	told := func(want string, args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		if code := newApp(strings.NewReader(""), &out, &errs).main(args); code != 0 || !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out.String(), errs.String())
		}
	}
	told(`(?m)^65f0000000000000000000e1 .* 0h +~4h to 8h +a +domino-compute/run-e1 `, "runs", dir)
	told(`(?m)^expected end +~4h to 8h\n +as 8 runs of its tier and project tell that lasted longer`, "runs", "show", "65f0000000000000000000e1", dir)
	told(`(?m)^a .* the end of 1 run +~4h to 8h `, "nodes", dir)
	told(`(?m)^expected end +~4h to 8h$`, "nodes", "show", "a", dir)
	told(`"expectedEnd": \{\s+"at": "\S+",\s+"late": "\S+",\s+"guess": true,\s+"of": 8,\s+"from": "Domino's database"`, "nodes", dir, "--format", "json")
}
