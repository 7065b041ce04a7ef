//go:build bake

package main

import (
	"archive/tar"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// TestBakeImage runs the image as Kubernetes runs a restricted pod: by runc, as nobody
// who is root, on a file system that it cannot write to, with no capability. It reads
// files, which takes a process of its own, and a configuration.
func TestBakeImage(t *testing.T) {
	if err := os.Chdir("../.."); err != nil {
		t.Fatal(err)
	}
	program, err := build(runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	image, err := pack(runtime.GOARCH, program)
	if err != nil {
		t.Fatal(err)
	}
	bundle := t.TempDir()
	root := filepath.Join(bundle, "rootfs")
	files := mutate.Extract(image)
	defer files.Close()
	unpack(t, files, root)
	f, err := elf.Open(filepath.Join(root, "domctl"))
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Error("the program needs a loader that the image has not")
	}
	work := t.TempDir()
	for _, dir := range []string{work, filepath.Join(work, "acme")} {
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.Chown(dir, user, user)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"version"}, "domctl "},
		{[]string{"init", "/work/acme/prod"}, "Made a deployment"},
		{[]string{"plan", "/work/acme/prod"}, "acme-prod: "},
		{[]string{"apply", "/work/acme/prod", "--auto-approve"}, "Applied: "},
		{[]string{"init", "/elsewhere"}, "read-only file system"},
	} {
		if out := contained(t, bundle, work, c.args); !strings.Contains(out, c.want) {
			t.Errorf("domctl %s: %q is not in\n%s", strings.Join(c.args, " "), c.want, out)
		}
	}
}

func unpack(t *testing.T, from io.Reader, root string) {
	t.Helper()
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(root, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(at, 0o755)
		} else {
			var body []byte
			if body, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(at, body, os.FileMode(h.Mode))
			}
		}
		if err = errors.Join(err, os.Chown(at, h.Uid, h.Gid), os.Chmod(at, os.FileMode(h.Mode))); err != nil {
			t.Fatal(err)
		}
	}
}

// contained runs the image's program in a container, with a folder at /work and one of
// its own at /tmp and its home.
func contained(t *testing.T, bundle, work string, args []string) string {
	t.Helper()
	engines, err := exec.Command("sh", "hack/bake/install.sh", "path").Output()
	if err != nil {
		t.Fatal(err)
	}
	runc := filepath.Join(strings.TrimSpace(string(engines)), "usr/bin/runc")
	mount := func(at, kind, source string, options ...string) map[string]any {
		return map[string]any{"destination": at, "type": kind, "source": source, "options": options}
	}
	spec, err := json.Marshal(map[string]any{"ociVersion": "1.0.2",
		"process": map[string]any{"user": map[string]int{"uid": user, "gid": user}, "args": append([]string{"/domctl"}, args...), "env": []string{"HOME=" + home, "XDG_CACHE_HOME=/tmp/cache"},
			"cwd": "/", "noNewPrivileges": true, "capabilities": map[string]any{}},
		"root":   map[string]any{"path": "rootfs", "readonly": true},
		"mounts": []any{mount("/proc", "proc", "proc"), mount("/tmp", "tmpfs", "tmpfs", "mode=1777"), mount("/work", "bind", work, "bind", "rw")},
		"linux":  map[string]any{"namespaces": []map[string]string{{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "network"}}}})
	if err == nil {
		err = os.WriteFile(filepath.Join(bundle, "config.json"), spec, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"proc", "work"} { // as engines do for what they mount
		if err := os.MkdirAll(filepath.Join(bundle, "rootfs", dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), runc, "--root", filepath.Join(bundle, "state"), "run", "--bundle", bundle, "domctl")
	out, _ := cmd.CombinedOutput() // what it says tells
	return string(out)
}
