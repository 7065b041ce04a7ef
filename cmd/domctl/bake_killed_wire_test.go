//go:build wire && bake

package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"domctl.dev/internal/wiretest"
)

// TestBakeRealKilledOften: domctl dies by SIGKILL over and over in one apply, each time
// with another call on its way, which takes effect when it is gone. There is one image
// in the end, of one instance, and one that verified it.
func TestBakeRealKilledOften(t *testing.T) {
	b, f := beside(t, func(*wiretest.Bakery) string { return "" })
	f.runs(0, "update", f.dir)
	args := []string{"apply", f.dir, "--auto-approve"}
	begins := func(c wiretest.Call) bool { return strings.Contains(fmt.Sprint(c.Parameters), "work.new") }
	every := func(wiretest.Call) bool { return true }
	for _, at := range []struct {
		call  string
		meant func(wiretest.Call) bool
	}{
		{"RunInstances", every}, {"SendCommand", begins}, {"StopInstances", every}, {"CreateImage", every}, {"TerminateInstances", every},
		{"RunInstances", every}, {"SendCommand", begins}, {"CreateTags", every}, {"TerminateInstances", every}, {"CreateLaunchTemplateVersion", every},
	} {
		f.Account.Reset()
		f.Account.Fail(wiretest.Fault{Action: at.call, Delay: time.Second, Times: -1})
		p := f.start(args...)
		p.untilCall(at.call, at.meant)
		p.signal(syscall.SIGKILL)
		if _, said := p.end(); p.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("it was not killed at %s:\n%s", at.call, said)
		}
		args = []string{"apply", f.dir, "--resume", "last"}
	}
	f.Account.Reset()
	f.says(f.runs(0, args...), "Applied: ")
	f.says(f.runs(0, "plan", f.dir, "--detailed-exitcode"), "nothing to do")
	theImage(t, b)
	if made := b.Made(t); len(made) != 2 {
		t.Errorf("a bake and a verification made %d instances", len(made))
	}
	f.runs(0, "rollback", f.dir, "--auto-approve")
	if baked := b.Baked(t); len(baked) != 0 || b.Serving(t) != b.Old {
		t.Errorf("after the rollback there are %d images, and nodes start from %s", len(baked), b.Serving(t))
	}
}
