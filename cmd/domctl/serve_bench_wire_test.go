//go:build wire && bench

package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestServeFigures measures what stands in docs/serve-figures.md, as rows in the file
// that DOMCTL_FIGURES names. DOMCTL_LOAD is another load, for who tries something:
// "deployments live pulls events".
func TestServeFigures(t *testing.T) {
	l, events := load{deployments: 200, live: 10, pulls: 50, latency: 50 * time.Millisecond}, 10_000
	if text := os.Getenv("DOMCTL_LOAD"); text != "" {
		if _, err := fmt.Sscan(text, &l.deployments, &l.live, &l.pulls, &events); err != nil {
			t.Fatal(err)
		}
	}
	f := figures{t: t}
	f.row("deployments, open pull requests", "200, 50", "%d, %d", l.deployments, l.pulls)
	f.row("others' load of the machine before", "", "%s", strings.Fields(text(t, "/proc/loadavg"))[0])
	b := newBusy(t, l)
	r := b.start()
	go r.cpu("first")
	f.row("all applied for the first time, s", "", "%.0f", r.until(6*time.Minute).Seconds())
	t.Log(r.read())
	for n := range b.pulls {
		b.commented(n, strconv.Itoa(1001+n), 6*time.Minute)
	}
	b.slow()
	before := r.settled()
	t.Log(before)
	go r.cpu("push")
	f.pushes(r, before, 20)
	go r.cpu("soak")
	s := r.soak(events, events/10)
	t.Log(s)
	r.profile("soak")
	r.end()
	f.soak(s)
	f.starts(b)
}

// figures are rows of a table, of which those beyond their bounds are errors.
type figures struct {
	t    *testing.T
	rows strings.Builder
}

func (f *figures) row(what, bound, format string, seen ...any) {
	line := fmt.Sprintf("| %s | %s | %s |\n", what, bound, fmt.Sprintf(format, seen...))
	f.t.Log(line)
	f.rows.WriteString(line)
	if name := os.Getenv("DOMCTL_FIGURES"); name != "" {
		if err := os.WriteFile(name, []byte(f.rows.String()), 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
}

// pushes pushes to one pull request after another.
func (f *figures) pushes(r *replica, before reading, n int) {
	var took, git []time.Duration
	for i := range n {
		pushed, commented := r.b.push(i % r.b.pulls)
		f.t.Logf("push %d: taken after %.1f s, commented %.1f s later", i, pushed.Seconds(), commented.Seconds())
		took, git = append(took, commented), append(git, pushed)
	}
	slices.Sort(took)
	slices.Sort(git)
	worst := took[n-1]
	f.row("a push is commented after, s: median, worst", "10", "%.1f, %.1f", took[n/2].Seconds(), worst.Seconds())
	f.row("before that the forge takes the push, s: median, worst", "", "%.1f, %.1f", git[n/2].Seconds(), git[n-1].Seconds())
	now := r.read()
	f.row("processors for a push, s", "", "%.2f", (now.busy-before.busy).Seconds()/float64(n))
	f.t.Log(now)
	if worst > 10*time.Second {
		f.t.Errorf("a push is commented after %s", worst)
	}
}

func (f *figures) soak(s soaked) {
	f.row("events, s", "10000", "%d, %.0f", s.events, s.took.Seconds())
	f.row("calls of the forge for an event, of AWS", "", "%.2f, %.2f", float64(s.forge)/float64(s.events), float64(s.aws)/float64(s.events))
	f.row("most memory, MiB", "512", "%d", s.late.peak>>10)
	for _, one := range []struct {
		what        string
		early, late int64
	}{
		{"memory, MiB", s.early.resident >> 10, s.late.resident >> 10}, {"live heap, MiB", s.early.heap >> 10, s.late.heap >> 10},
		{"goroutines", int64(s.early.goroutines), int64(s.late.goroutines)}, {"open files", int64(s.early.files), int64(s.late.files)},
	} {
		f.row(one.what+", after a tenth of the events, and after all", "as many", "%d, %d", one.early, one.late)
	}
	if grown := s.late.grown(s.early); len(grown) > 0 || s.late.peak > 512<<10 || s.refused > 0 {
		f.t.Errorf("%d events were refused; peak %d KiB; it takes more than before: %q", s.refused, s.late.peak, grown)
	}
}

// starts measures a start with everything known, and one with nothing but the records.
func (f *figures) starts(b *busy) {
	warm := b.start()
	w := warm.until(6 * time.Minute)
	warm.end()
	for _, dir := range []string{"cache", "work"} {
		if err := os.RemoveAll(b.root + "/" + dir); err != nil {
			f.t.Fatal(err)
		}
	}
	cold := b.start()
	c := cold.until(6 * time.Minute)
	cold.end()
	f.row("ready after a start, s: as before, in an empty folder", "", "%.1f, %.1f", w.Seconds(), c.Seconds())
}

func text(t *testing.T, name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// profile keeps a profile where DOMCTL_PROFILES says.
func (r *replica) profile(name string) {
	dir := os.Getenv("DOMCTL_PROFILES")
	if dir == "" {
		return
	}
	for _, kind := range []string{"heap", "allocs", "goroutine"} {
		_, body := r.get("http://" + r.prof + "/debug/pprof/" + kind)
		if err := os.WriteFile(strings.Join([]string{dir, name + "." + kind}, "/"), body, 0o600); err != nil {
			r.b.t.Fatal(err)
		}
	}
}

func (r *replica) cpu(name string) {
	dir := os.Getenv("DOMCTL_PROFILES")
	if dir == "" {
		return
	}
	_, body := r.get("http://" + r.prof + "/debug/pprof/profile?seconds=40")
	_ = os.WriteFile(dir+"/"+name+".cpu", body, 0o600)
}

// settled is settling where nobody counts.
func (r *replica) settled() reading {
	r.b.t.Helper()
	return r.settling(&soaked{calls: map[string]int{}})
}
