//go:build wire

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"domctl.dev/internal/wiretest"
)

// TestForgeTutorial follows the page word for word, on ports and in a folder of its own.
func TestForgeTutorial(t *testing.T) {
	const page = "../../docs/gitops-tutorial.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	program, static := wiretest.GiteaProgram(t)
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "gitea"), fmt.Appendf(nil, "#!/bin/sh\nexec '%s' \"$@\"\n", program), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	r := reader{t: t, dir: t.TempDir(), want: &masker{}, got: &masker{}}
	t.Setenv("GITEA_WORK_DIR", filepath.Join(r.dir, "gitea"))
	here, back := []string{"/tmp/gitops", r.dir}, []string{r.dir, "/tmp/gitops"}
	for _, port := range []string{"3000", "8080", "8081"} {
		address, err := wiretest.FreeAddr()
		if err != nil {
			t.Fatal(err)
		}
		_, free, _ := strings.Cut(address, ":")
		here = append(here, "127.0.0.1:"+port, address, "HTTP_PORT = "+port, "HTTP_PORT = "+free)
		back = append(back, address, "127.0.0.1:"+port)
	}
	// What the tests build has its pages beside it, and may be run by root.
	own := "[server]\nSTATIC_ROOT_PATH = " + static + "\n"
	here = append(here, "[server]\n", own, "WORK_PATH = /tmp/gitops/gitea\n", "I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true\nWORK_PATH = "+r.dir+"/gitea\n")
	r.here, r.page = strings.NewReplacer(here...), strings.NewReplacer(back...)
	t.Cleanup(func() { r.end("serve.pid", "gitea.pid") })
	r.follow(page, string(text))
}

// end ends what the page began, and shows the logs of a page that did not.
func (r *reader) end(pids ...string) {
	for _, name := range pids {
		if text, err := os.ReadFile(filepath.Join(r.dir, name)); err == nil {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL) // the page ends both, when it comes to its end
			}
		}
	}
	for _, name := range []string{"serve.log", "gitea/log"} {
		if text, err := os.ReadFile(filepath.Join(r.dir, name)); err == nil && r.t.Failed() {
			r.t.Logf("%s ends with\n%s", name, text[max(0, len(text)-4000):])
		}
	}
}
