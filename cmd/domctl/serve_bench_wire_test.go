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

// TestServeFigures measures what stands in docs/serve-figures.md. DOMCTL_LOAD is
// another load, for who tries something: "deployments live pulls events".
func TestServeFigures(t *testing.T) {
	l, events := load{deployments: 200, live: 10, pulls: 50, latency: 50 * time.Millisecond}, 10_000
	if text := os.Getenv("DOMCTL_LOAD"); text != "" {
		if _, err := fmt.Sscan(text, &l.deployments, &l.live, &l.pulls, &events); err != nil {
			t.Fatal(err)
		}
	}
	b := newBusy(t, l)
	r := b.start()
	go r.cpu("first")
	t.Logf("all applied at first: %s", r.until(4*time.Minute))
	t.Log(r.read())
	for n := range b.pulls {
		b.commented(n, strconv.Itoa(1001+n), 4*time.Minute)
	}
	b.slow()
	r.settled()

	t.Log(r.read())
	go r.cpu("idle")
	idle := spread(b.pushes(10, func(int) bool { return true }))
	t.Logf("idle: %s", idle)
	t.Log(r.read())
	go r.cpu("storm")
	b.numbs = append(b.numbs, b.open(l.pulls, 2*l.pulls)...)
	opened := time.Now()
	storm := spread(b.pushes(10, func(int) bool { return true }))
	for n := l.pulls; n < 2*l.pulls; n++ {
		b.commented(n, fmt.Sprint(1001+n+10), 4*time.Minute)
	}
	t.Logf("storm: %s, all new ones within %s", storm, time.Since(opened))
	t.Log(r.read())
	go r.cpu("soak")
	r.profile("storm")

	s := r.soak(events, events/10)
	t.Log(s)
	r.profile("soak")
	r.end()

	warm := b.start()
	w := warm.until(4 * time.Minute)
	warm.end()
	for _, dir := range []string{"cache", "work"} {
		if err := os.RemoveAll(b.root + "/" + dir); err != nil {
			t.Fatal(err)
		}
	}
	cold := b.start()
	c := cold.until(4 * time.Minute)
	cold.end()
	t.Logf("ready: warm %s, cold %s", w, c)
}

// pushes pushes to one pull request after another, and answers how long each waited for
// its comment.
func (b *busy) pushes(n int, more func(int) bool) (took []time.Duration) {
	for i := 0; i < n && more(i); i++ {
		took = append(took, b.push(i%b.pulls))
	}
	return took
}

// span is how long some waited.
type span struct {
	n             int
	median, worst time.Duration
}

func spread(all []time.Duration) span {
	slices.Sort(all)
	return span{len(all), all[len(all)/2], all[len(all)-1]}
}

func (s span) String() string {
	return fmt.Sprintf("%d: median %.1f s, worst %.1f s", s.n, s.median.Seconds(), s.worst.Seconds())
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
