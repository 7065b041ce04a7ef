//go:build wire

package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// reading is what a process has taken.
type reading struct {
	resident   int64 // KiB, without its children
	peak       int64 // KiB, the most that was resident
	heap       int64 // KiB, live after a collection
	goroutines int
	files      int // open ones, sockets too
	sockets    int
	busy       time.Duration // of processors, its children's that ended too
}

// read reads the controller's.
func (r *replica) read() (now reading) {
	r.b.t.Helper()
	_, heap := r.get("http://" + r.prof + "/debug/pprof/heap?gc=1&debug=1")
	now.heap = number(r.b.t, string(heap), "# HeapAlloc = ") >> 10
	_, routines := r.get("http://" + r.prof + "/debug/pprof/goroutine?debug=1")
	now.goroutines = int(number(r.b.t, string(routines), "goroutine profile: total "))
	proc := filepath.Join("/proc", strconv.Itoa(r.Process.Pid))
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		r.b.t.Fatal(err)
	}
	now.resident, now.peak = number(r.b.t, string(status), "VmRSS:"), number(r.b.t, string(status), "VmHWM:")
	stat, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		r.b.t.Fatal(err)
	}
	for _, ticks := range strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[11:15] {
		now.busy += time.Duration(number(r.b.t, ticks, "")) * (time.Second / 100) // proc_pid_stat(5)
	}
	open, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		r.b.t.Fatal(err)
	}
	now.files = len(open)
	for _, f := range open {
		if to, err := os.Readlink(filepath.Join(proc, "fd", f.Name())); err == nil && strings.HasPrefix(to, "socket:") {
			now.sockets++
		}
	}
	return now
}

// number is the one that follows a text.
func number(t *testing.T, text, after string) int64 {
	t.Helper()
	_, rest, found := strings.Cut(text, after)
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		t.Fatalf("there is no %q", after)
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (r reading) String() string {
	return fmt.Sprintf("resident %d MiB, peak %d MiB, live heap %d MiB, %d goroutines, %d files, %d sockets, %.1f s of processors", r.resident>>10, r.peak>>10, r.heap>>10, r.goroutines, r.files, r.sockets, r.busy.Seconds())
}

// grown says what a process took that it had not taken before, beyond what comes and
// goes.
func (r reading) grown(before reading) (what []string) {
	for _, one := range []struct {
		name     string
		was, is  int64
		fraction int64 // of was, that comes and goes
		slack    int64
	}{
		{"resident KiB", before.resident, r.resident, 10, 16 << 10},
		{"live heap KiB", before.heap, r.heap, 10, 4 << 10},
		{"goroutines", int64(before.goroutines), int64(r.goroutines), 10, 20},
		{"files", int64(before.files), int64(r.files), 10, 10},
		{"sockets", int64(before.sockets), int64(r.sockets), 10, 10},
	} {
		if one.is > one.was+one.was/one.fraction+one.slack {
			what = append(what, fmt.Sprintf("%s: %d, then %d", one.name, one.was, one.is))
		}
	}
	return what
}

// settling reads once nothing is under way any more, as the forge is not asked for a
// while, and counts what is asked meanwhile.
func (r *replica) settling(s *soaked) reading {
	r.b.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		before := s.forge
		time.Sleep(4 * time.Second)
		if s.take(r.b); s.forge == before {
			break
		}
	}
	return r.read()
}

// soaked is what a soak did and cost.
type soaked struct {
	events, pushes    int
	early, late       reading // after the first ones, and at the end
	forge, aws        int     // calls
	calls             map[string]int
	took              time.Duration
	answered, refused int
}

// soak delivers events as fast as they are answered: of pushes, pull requests and
// comments, each third one again under its own id or another; each hundredth is a real
// push instead, of which Gitea delivers what there is to say.
func (r *replica) soak(events, early int) (s soaked) {
	b := r.b
	b.t.Helper()
	s.calls = map[string]int{}
	b.forge.Take()
	b.acme.Account.Reset()
	began, last := time.Now(), delivery{}
	for n := range events {
		if n == early {
			s.take(b)
			from := time.Now()
			s.early = r.settling(&s)
			began = began.Add(time.Since(from))
		}
		if n%100 == 99 {
			b.git("checkout", "-q", branch(s.pushes%b.pulls))
			b.change(b.of(s.pushes % b.pulls))
			b.git("push", "-q", "origin", branch(s.pushes%b.pulls))
			s.pushes++
			continue
		}
		d := b.sample([]string{"push", "issue_comment", "pull_request"}[n%3], n)
		switch n % 6 {
		case 1:
			d = last
		case 4:
			d = last
			d.id = fmt.Sprintf("delivery-again-%d", n)
		}
		last = d
		status, err := b.deliver(d)
		if err != nil {
			b.t.Fatal(err)
		}
		if s.answered++; status != http.StatusAccepted {
			s.refused++
		}
	}
	s.events, s.took = events, time.Since(began)
	s.take(b)
	s.late = r.settling(&s)
	return s
}

// take counts the calls that were made since it was last asked.
func (s *soaked) take(b *busy) {
	for _, c := range b.forge.Take() {
		s.forge++
		s.calls[kindOf(c)]++
	}
	s.aws += len(b.acme.Account.Calls())
	b.acme.Account.Reset()
}

// kindOf is a call without what tells one from another of its kind.
func kindOf(call string) string {
	parts := strings.Split(call, "/")
	for i, p := range parts {
		if strings.Trim(p, "0123456789abcdef") == "" && p != "" {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}

func (s soaked) String() string {
	var kinds []string
	for k, n := range s.calls {
		kinds = append(kinds, fmt.Sprintf("%6d %s", n, k))
	}
	slices.Sort(kinds)
	return fmt.Sprintf("%d events (%d pushes, %d refused) in %s, %.2f forge calls and %.2f AWS calls an event\n%s\n%s\n%s", s.events, s.pushes, s.refused, s.took.Round(time.Millisecond),
		float64(s.forge)/float64(s.events), float64(s.aws)/float64(s.events), s.early, s.late, strings.Join(kinds, "\n"))
}

func signature(secret, body string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	return hex.EncodeToString(m.Sum(nil))
}

// TestForgeServeLoad is a small one of what make bench-serve measures, with bounds that
// a busy machine keeps: what is pushed is commented, events cost no memory, and a
// controller that starts again knows what it knew.
func TestForgeServeLoad(t *testing.T) {
	b := newBusy(t, load{deployments: 10, live: 2, pulls: 5, latency: 50 * time.Millisecond})
	r := b.start()
	r.until(2 * time.Minute)
	b.slow()
	for n := range b.pulls {
		b.commented(n, strconv.Itoa(1001+n), 2*time.Minute)
	}
	for n := range 2 {
		pushed, took := b.push(n)
		t.Logf("push %d: taken after %s, commented %s later", n, pushed.Round(time.Millisecond), took.Round(time.Millisecond))
		if took > time.Minute {
			t.Errorf("a push is commented after %s", took)
		}
	}
	s := r.soak(300, 100)
	t.Log(s)
	if grown := s.late.grown(s.early); len(grown) > 0 || s.late.peak > 512<<10 || s.refused > 0 {
		t.Errorf("of %d events %d were refused; it takes more than before: %q", s.events, s.refused, grown)
	}
	if each := float64(s.forge) / float64(s.events); each > 5 {
		t.Errorf("an event costs %.1f calls of the forge", each)
	}
	r.end()
	b.forge.Take()
	r = b.start()
	t.Logf("ready again after %s", r.until(time.Minute).Round(time.Millisecond))
	for _, call := range b.forge.Take() {
		if strings.HasPrefix(call, "POST /api/") || strings.HasPrefix(call, "PATCH /api/") {
			t.Errorf("a start with nothing to do asks for %s", call)
		}
	}
	r.end()
}
