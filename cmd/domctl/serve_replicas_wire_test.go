//go:build wire

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// another is the configuration for one more replica on this machine: it differs in the
// folder that the replica works in.
func (w *served) another() string {
	w.t.Helper()
	text, err := os.ReadFile(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	lines[0] = "work: " + filepath.Join(w.t.TempDir(), "work") + "\n"
	name := filepath.Join(w.t.TempDir(), "serve.yaml")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "")), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return name
}

// twoReplicas play a deployment through: a push, a replica that is stopped past its lease
// with an unconditional call in flight, and one that ends. Nobody breaks a lock: the other
// one acts because leases ran out, first the one for the deployment, then the lock.
func twoReplicas(w *served) {
	t := w.t
	commit := w.git("rev-parse", "HEAD")
	w.slow("ModifyLaunchTemplate", 50*time.Second) // an absolute write, which lands when another acts
	a := w.serveAs("domctl-hasty", w.config)
	a.await(`msg=acts for=acme`, 1)
	b := w.serveAs("domctl-hasty", w.another())
	b.await(`msg="another replica acts" for=acme`, 1)
	b.await("for=health", 1)
	w.waits(func() bool { status, _, err := asked(b.said(), "/readyz", "-"); return err == nil && status == 200 }, func() string { return "the other is never ready:\n" + b.said() })

	w.awaitCall("ModifyLaunchTemplate", a)
	if err := a.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := time.Now()
	b.await("msg=acts for=acme", 1)
	if after := time.Since(stopped); after < 10*time.Second { // a renewal may be as old as a third of the lease
		t.Errorf("the other acts after %s", after)
	}
	b.shows(commit, "success", "applied")
	if after := time.Since(stopped); after < 30*time.Second {
		t.Errorf("the other applied after %s, and the lock is not free before", after)
	}
	said := b.said()
	held := regexp.MustCompile(`msg="an apply waits" deployment=acme step="" why="\S+ pid ` + strconv.Itoa(a.Process.Pid) + ` holds the lock for apply \S+ since \S+: it is taken over if it does not move" most=20s`).FindStringIndex(said)
	window := regexp.MustCompile(`msg="an apply waits" deployment=acme step=\S+/ec2.ModifyLaunchTemplate/\S+ why="what was written may not show yet; looking again" most=\d+`).FindStringIndex(said)
	if held == nil || window == nil || held[0] > window[0] {
		t.Errorf("that the lock is held, and the window of a call that may be late, are not told:\n%s", said)
	}
	after, calls := database(t, w.Acme), len(w.outsideWrites())
	if err := a.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	a.await("acts no longer", 1)
	w.waits(func() bool {
		return strings.Contains(a.said(), "DC313") && strings.Contains(a.said(), `msg="another replica acts"`)
	}, func() string { return "who was stopped is told nothing:\n" + a.said() })
	if database(t, w.Acme) != after || len(w.outsideWrites()) != calls {
		t.Errorf("who was stopped wrote: %v", w.outsideWrites()[calls:])
	}
	w.versions(2)
	if applies := strings.Count(domctl(t, 0, "history", w.dir, "--format", "json"), `"by":`); applies != 1 {
		t.Errorf("%d applies:\n%s", applies, domctl(t, 0, "history", w.dir))
	}

	// A webhook that comes to who does not act is passed on.
	w.edit("maximumExecutionsPerUser: 30", "maximumExecutionsPerUser: 40")
	b.shows(a.push(), "success", "applied")
	b.await("why=applied", 2)
	if strings.Contains(a.said(), "why=applied") {
		t.Errorf("it is not the one that acts who applied:\n%s", a.said())
	}

	// Who ends leaves it to the other.
	b.end(syscall.SIGTERM)
	w.edit("maximumExecutionsPerUser: 40", "maximumExecutionsPerUser: 50")
	a.shows(a.push(), "success", "applied")
	a.end(syscall.SIGTERM)
	w.nothing()
	if n := count(w.outsideWrites(), "ec2 ModifyLaunchTemplate"); n < 1 || n > 2 {
		t.Errorf("an absolute write was made %d times", n)
	}
	if !slices.Contains(w.outsideWrites(), "autoscaling UpdateAutoScalingGroup") {
		t.Error("the apply was not whole")
	}
}

// TestLiveServeReplicas agree by the deployment's records.
func TestLiveServeReplicas(t *testing.T) {
	w := newServed(t)
	w.reconfigure("poll: 1d", "poll: 1d\nreplicas: {records: true, lease: 15s}")
	twoReplicas(w)
}
