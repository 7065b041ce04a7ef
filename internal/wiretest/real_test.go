//go:build wire && bake

package wiretest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"domctl.dev/internal/wiretest"
)

// TestBakeInstances: what a bake rests on, asked of the instances themselves.
func TestBakeInstances(t *testing.T) {
	b := wiretest.NewBakery(t)
	first := b.Start(t, b.Old)
	second := b.Start(t, b.Old)

	b.Run(t, first, "echo mark >/etc/mark; docker pull -q "+b.Image("base"))
	if got := b.Run(t, second, "cat /etc/mark 2>/dev/null || docker image ls -q"); got != "" {
		t.Errorf("one instance shows what is on the other: %q", got)
	}
	if got := b.Run(t, first, "yes | head -c 30000"); len(got) != 24_000 || !strings.HasSuffix(got, "--output truncated--") {
		t.Errorf("of 30000 characters %d are kept: …%q", len(got), got[max(0, len(got)-30):])
	}
	for engine, version := range map[string]string{"docker version --format '{{.Server.Version}}'": "20.", "crictl version 2>/dev/null | sed -n 's/RuntimeVersion: *//p'": "2."} {
		if got := b.Run(t, first, engine); !strings.HasPrefix(got, version) {
			t.Errorf("%s: %q", engine, got)
		}
	}
	console, err := b.EC2.GetConsoleOutput(t.Context(), &ec2.GetConsoleOutputInput{InstanceId: &first})
	must(t, err)
	equal(t, *console.Output != "", true)
	ids := []string{first}
	_, err = b.EC2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: ids})
	must(t, err)
	eventually(t, "it stops", func() bool { return len(b.In(t, "stopped")) == 1 })
	_, err = b.EC2.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: ids})
	must(t, err)
	eventually(t, "it starts", func() bool { return len(b.In(t, "running")) == 2 })
	if got := b.Run(t, first, "cat /etc/mark; docker image ls -q | wc -l; ls /run/domctl 2>&1 | wc -l"); got != "mark\n1\n1\n" {
		t.Errorf("after a stop and a start: %q", got)
	}
}

// TestBakeNothingLeft: the launcher is killed, and what ran for it ends.
func TestBakeNothingLeft(t *testing.T) {
	b := wiretest.NewBakery(t)
	i := b.Start(t, b.Old)
	b.Run(t, i, "docker pull -q "+b.Image("base")+"; setsid sleep 1000 </dev/null >/dev/null 2>&1 &")
	if len(processes(t, b.Real.Folder)) == 0 {
		t.Fatal("no process is known by its folder")
	}
	b.Real.Kill()
	eventually(t, "its processes end", func() bool { return len(processes(t, b.Real.Folder)) == 0 })
}

// processes are those whose root or command line has to do with a folder.
func processes(t *testing.T, folder string) (found []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	must(t, err)
	for _, p := range all {
		for _, of := range []string{"cmdline", "mountinfo"} {
			text, err := os.ReadFile(filepath.Join(p, of)) // one that has ended is none
			if err == nil && strings.Contains(string(text), folder) {
				found = append(found, p)
				break
			}
		}
	}
	return found
}
