//go:build linux

package wiretest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Disks lie apart from /tmp, which each machine has one of its own of.
const realFolder, realPrefix = "/var/tmp", "domctl-bake-"

// Real is a moto whose instances are real, and where their disks lie: each has an
// address of its own with an OpenSSH server, a Docker engine and a containerd, and takes commands
// over SSM; an image keeps an instance's disk. See hack/bake/serve.py.
type Real struct {
	*Server
	Folder string
}

// NewReal starts one, which the test may kill. It needs root. When the test ends,
// nothing of it is left; what a test process that was killed left, the next one
// removes.
func NewReal(t testing.TB) *Real {
	t.Helper()
	at, err := located()
	check(t, err)
	engines, err := enginesFolder(at)
	check(t, err)
	home, err := part("moto")
	check(t, err)
	python := filepath.Join(home, "venv/bin/python")
	script := func(name string) string { return filepath.Join(at.root, "hack/bake", name) }
	sweep := func(folder string) {
		cmd := exec.Command(python, script("machine.py"), folder)
		cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s is not swept: %v\n%s", folder, err, out)
		}
	}
	for _, folder := range deserted(t) {
		sweep(folder)
	}
	folder, err := os.MkdirTemp(realFolder, fmt.Sprintf("%s%d-", realPrefix, os.Getpid()))
	check(t, err)
	t.Cleanup(func() { sweep(folder) })
	return &Real{launch(t, program{
		name: "moto with real instances",
		argv: func(port string) []string {
			return []string{python, script("serve.py"), "127.0.0.1", port, folder, engines}
		},
		env:   []string{"PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"},
		ready: httpReady("/domctl/calls"),
	}), folder}
}

// enginesFolder is where hack/bake/install.sh has put the engines.
func enginesFolder(at place) (string, error) {
	if os.Getuid() != 0 {
		return "", errors.New("instances that are real need root")
	}
	out, err := exec.Command("sh", filepath.Join(at.root, "hack/bake/install.sh"), "path").Output()
	if err != nil {
		return "", fmt.Errorf("hack/bake/install.sh path: %w", err)
	}
	dir := strings.TrimSpace(string(out))
	if _, err := os.Stat(filepath.Join(dir, "done")); err != nil {
		return "", missing{"engines"}
	}
	return dir, nil
}

// deserted are the folders of test processes that are gone.
func deserted(t testing.TB) (folders []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(realFolder, realPrefix+"*"))
	check(t, err)
	for _, dir := range found {
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(dir), realPrefix+"%d-", &pid); err == nil && gone(pid) {
			folders = append(folders, dir)
		}
	}
	return folders
}
