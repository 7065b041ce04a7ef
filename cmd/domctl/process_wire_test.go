//go:build wire

package main

import (
	"bufio"
	"bytes"
	"io"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"domctl.dev/internal/wiretest"
)

// process is domctl itself, at work on the wire servers.
type process struct {
	*exec.Cmd
	f     *faulty
	lines *bufio.Scanner
	said  bytes.Buffer
}

// start runs the program that the scripts run.
func (f *faulty) start(args ...string) *process {
	f.t.Helper()
	p := &process{Cmd: exec.CommandContext(f.t.Context(), "domctl", args...), f: f}
	p.Env = f.env
	out, err := p.StdoutPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	p.Stderr = p.Stdout
	p.lines = bufio.NewScanner(io.TeeReader(out, &p.said))
	if err := p.Start(); err != nil {
		f.t.Fatal(err)
	}
	return p
}

// until waits for a call to reach AWS.
func (p *process) until(action string) {
	p.f.t.Helper()
	p.untilCall(action, func(wiretest.Call) bool { return true })
}

// untilCall waits for a call of the action that is one of those that are meant.
func (p *process) untilCall(action string, meant func(wiretest.Call) bool) {
	p.f.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if slices.ContainsFunc(p.f.Account.Calls(), func(c wiretest.Call) bool { return c.Action == action && meant(c) }) {
			return
		}
	}
	p.f.t.Fatalf("%s never came:\n%s", action, &p.said)
}

func (p *process) signal(s syscall.Signal) {
	p.f.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.f.t.Fatal(err)
	}
}

func (p *process) end() (code int, said string) {
	p.f.t.Helper()
	for p.lines.Scan() {
	}
	_ = p.Wait() // how it ended is in its state
	p.f.noSecret(p.said.String())
	return p.ProcessState.ExitCode(), p.said.String()
}

// slow holds a call back before it takes effect.
func (f *faulty) slow(action string, d time.Duration) {
	f.Account.Fail(wiretest.Fault{Service: "ec2", Action: action, Delay: d})
}

// TestFaultKilled: the program dies by SIGKILL with a call in flight, which takes
// effect when it is gone.
func TestFaultKilled(t *testing.T) {
	f := newFaulty(t)
	f.slow("CreateLaunchTemplateVersion", time.Second)
	p := f.start("apply", f.dir, "--auto-approve", "--parallelism", "1")
	p.until("CreateLaunchTemplateVersion")
	p.signal(syscall.SIGKILL)
	if _, said := p.end(); p.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("it was not killed:\n%s", said)
	}
	f.says(domctl(t, 0, "lock", "show", f.dir), "The lock is held by ")
	f.says(domctl(t, 1, "apply", f.dir, "--auto-approve"), "DC311", "domctl apply "+f.dir+" --resume ", "--supersede ")
	f.says(domctl(t, 0, "apply", f.dir, "--resume", "last"), "Applied: ")
	f.says(domctl(t, 0, "lock", "show", f.dir), "The lock is free.")
	f.nothing()
	f.versions(2)
}

// versions holds how many versions each template has.
func (f *faulty) versions(want int) {
	f.t.Helper()
	for _, id := range []string{f.Template, f.Pinned} {
		out, err := f.EC2.DescribeLaunchTemplateVersions(f.t.Context(), &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: &id})
		if err != nil || len(out.LaunchTemplateVersions) != want {
			f.t.Errorf("%s has %d versions, want %d: %v", id, len(out.LaunchTemplateVersions), want, err)
		}
	}
}

// TestFaultStopped: the program is stopped by SIGSTOP while it holds the lock,
// and another goes on with its apply. Woken, it writes nothing more.
func TestFaultStopped(t *testing.T) {
	f := newFaulty(t)
	f.slow("ModifyLaunchTemplate", time.Second)
	p := f.start("apply", f.dir, "--auto-approve", "--parallelism", "1")
	p.until("ModifyLaunchTemplate")
	p.signal(syscall.SIGSTOP)
	f.says(domctl(t, 0, "lock", "break", f.dir), "The lock was taken from its holder", "pid ")
	f.says(domctl(t, 0, "apply", f.dir, "--resume", "last"), "Applied: ")
	before, calls := database(t, f.Acme), len(f.outsideWrites())
	p.signal(syscall.SIGCONT)
	code, said := p.end()
	if code != 1 || !strings.Contains(said, "DC313") {
		t.Errorf("the stopped one ends with %d:\n%s", code, said)
	}
	if after := database(t, f.Acme); after != before || len(f.outsideWrites()) != calls {
		t.Errorf("the stopped one wrote: %v\n%s", f.outsideWrites()[calls:], after)
	}
	f.nothing()
	f.versions(2)
}

// outsideWrites are the calls that may change something, but for those of the records.
func (f *faulty) outsideWrites() (writes []string) {
	for _, c := range f.Account.Calls() {
		reads := strings.HasPrefix(c.Action, "Describe") || strings.HasPrefix(c.Action, "Get") || strings.HasPrefix(c.Action, "List")
		if !reads && c.Service != "s3" && c.Service != "kms" {
			writes = append(writes, c.Service+" "+c.Action)
		}
	}
	return writes
}
