package sandbox

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

const machines = `{
  "aws": {
    "account": "111122223333", "region": "us-west-2",
    "images": {"ami-1": {"architecture": "x86_64", "name": "base", "rootGiB": 15, "disk": {
      "commands": {"nvidia-smi*": {"stdout": "535.104\n"}, "docker pull */flaky*": {"exit": 1, "stderr": "toomanyrequests\n", "times": 1}},
      "files": {"/etc/machine-id": "abc\n"}
    }}}
  },
  "registry": {
    "quay.io/acme/base:v1": {"linux/amd64": "sha256:aaaa"},
    "quay.io/acme/flaky:v1": {"linux/amd64": "sha256:ffff"},
    "quay.io/acme/arm:v1": {"linux/arm64": "sha256:bbbb"}
  }
}`

// machineWorld is a sandbox with one running instance.
func machineWorld(t *testing.T) (*World, *time.Time, port.Machine) {
	t.Helper()
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	m, err := NewMemory("memory", []byte(machines))
	if err != nil {
		t.Fatal(err)
	}
	w := view(t, m, Options{Clock: func() time.Time { return now }, Settle: time.Minute})
	id, err := w.RunInstance(t.Context(), port.NewInstance{Token: "t1", Image: "ami-1", Type: "m5.xlarge"})
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	return w, &now, port.Machine{ID: id}
}

func run(t *testing.T, w *World, m port.Machine, text string) port.Output {
	t.Helper()
	out, err := w.RunScript(t.Context(), m, port.Script{Text: text, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestScriptsOnAMachine(t *testing.T) {
	for text, want := range map[string]port.Output{
		"uname -m; hostname | grep -q i- && echo yes": {Stdout: "x86_64\nyes\n"},
		"nvidia-smi --query-gpu=driver_version":       {Stdout: "535.104\n"},
		"nonesuch --version":                          {Stderr: "sh: nonesuch: not found\n", Exit: 127},
		"if ; then":                                   {Stderr: "sh:1:1: `if` must be followed by a statement list\n", Exit: 2},
		"cat /etc/machine-id; : > /etc/machine-id; cat /etc/machine-id": {Stdout: "abc\n"},
		"export A=1; local_=2; readonly B=3; echo $A$B":                 {Stdout: "13\n"},
		"cat <(echo x)":   {Stderr: "sh:1:5: `<` must be followed by a word\n", Exit: 2},
		"cat /etc/shadow": {Stderr: "cat: /etc/shadow: No such file or directory\n", Exit: 1},
		"echo x > /run/mark; [ -e /run/mark ] && [ -d /run ] && [ ! -e /proc/1 ] && echo here": {Stdout: "here\n"},
		"echo a >> /var/log/x; echo b >> /var/log/x; cat /var/log/x; rm /var/log/x; ls":        {Stdout: "a\nb\n", Stderr: "sh: ls: not found\n", Exit: 127},
		"for f in /etc/*; do echo $f; done":                                                    {Stdout: "/etc/machine-id\n/etc/ssh\n"},
		"command -v docker >/dev/null && echo found; command -v podman || echo none":           {Stdout: "found\nnone\n"},
		"sudo timeout -k 5s 60s sh -c 'echo $1' sh one":                                        {Stdout: "one\n"},
		"docker pull -q quay.io/acme/base@sha256:aaaa >/dev/null && docker images -q":          {Stdout: "sha256:aaaa\n"},
		"docker pull quay.io/acme/none:v1":                                                     {Stderr: "Error response from daemon: manifest for quay.io/acme/none:v1 not found: manifest unknown\n", Exit: 1},
		"docker pull quay.io/acme/arm:v1 2>/dev/null || echo other":                            {Stdout: "other\n"},
		"docker pull quay.io/acme/flaky:v1 || docker pull quay.io/acme/flaky:v1 | head -n 1":   {Stdout: "Digest: sha256:ffff\n", Stderr: "toomanyrequests\n"},
		"docker run --rm --network none quay.io/acme/base:v1 true && docker image ls --format '{{.Repository}}:{{.Tag}} {{.Digest}}'": {
			Stdout: "Digest: sha256:aaaa\nStatus: Downloaded newer image for quay.io/acme/base:v1\nquay.io/acme/base:v1 sha256:aaaa\n"},
		"docker pull quay.io/acme/base:v1 >/dev/null; docker rmi quay.io/acme/base:v1; docker image inspect quay.io/acme/base:v1": {
			Stdout: "Deleted: quay.io/acme/base:v1\n", Stderr: "Error: No such image: quay.io/acme/base:v1\n", Exit: 1},
		"crictl pull quay.io/acme/base@sha256:aaaa >/dev/null; ctr -n k8s.io images label quay.io/acme/base@sha256:aaaa io.cri-containerd.pinned=pinned; crictl images -o json": {
			Stdout: `{"images":[{"id":"sha256:aaaa","pinned":true,"repoDigests":["quay.io/acme/base@sha256:aaaa"]}]}` + "\n"},
	} {
		w, _, m := machineWorld(t)
		if out := run(t, w, m, text); out != want {
			t.Errorf("%s\n%+v, want\n%+v", text, out, want)
		}
	}
}

// TestNothingOfThisComputer is reached by a script.
func TestNothingOfThisComputer(t *testing.T) {
	t.Setenv("CANARY", "canary")
	w, _, m := machineWorld(t)
	for _, text := range []string{"echo $CANARY", "cat /proc/self/environ", "cat " + t.TempDir() + "/../*", "echo /*", "/bin/ls /", "echo ~root", ". /etc/profile", "exec /bin/echo canary"} {
		if out := run(t, w, m, text); strings.Contains(out.Stdout, "canary") || strings.Contains(out.Stdout, "/usr") || strings.Contains(out.Stdout, "bin\n") {
			t.Errorf("%s\n%+v", text, out)
		}
	}
	run(t, w, m, "echo x > "+t.TempDir()+"/mark; rm -rf /; mkdir -p /made")
}

// TestADiskGoesWithItsImage, but for what lies in memory.
func TestADiskGoesWithItsImage(t *testing.T) {
	w, now, m := machineWorld(t)
	out, err := w.RunScript(t.Context(), m, port.Script{Timeout: time.Minute, Input: []byte("secret"), Text: `
export DOCKER_CONFIG=/run/domctl
docker login --username u --password-stdin quay.io
docker pull quay.io/acme/base@sha256:aaaa
echo cached > /opt/mark`})
	if err != nil || out.Exit != 0 {
		t.Fatal(out, err)
	}
	if got := run(t, w, m, "[ -f /run/domctl/config.json ] && echo there"); got.Stdout != "there\n" {
		t.Errorf("the credentials are not where they were put: %+v", got)
	}
	image, err := w.CreateImage(t.Context(), port.NewImage{Instance: m.ID, Name: "baked"})
	if err != nil {
		t.Fatal(err)
	}
	*now = now.Add(time.Hour)
	copied, err := w.In("eu-west-1").CopyImage(t.Context(), port.ImageCopy{Source: image, SourceRegion: "us-west-2", Name: "baked"})
	if err != nil || copied == image {
		t.Fatal(copied, err)
	}
	id, err := w.RunInstance(t.Context(), port.NewInstance{Image: image, Type: "m5.xlarge"})
	if err != nil {
		t.Fatal(err)
	}
	*now = now.Add(time.Hour)
	got := run(t, w, port.Machine{ID: id}, "cat /opt/mark; docker images -q; nvidia-smi; [ -e /run/domctl ] || echo clean")
	if want := "cached\nsha256:aaaa\n535.104\nclean\n"; got.Stdout != want {
		t.Errorf("on the image: %+v, want %s", got, want)
	}
	if got := run(t, w, port.Machine{ID: id}, "docker pull quay.io/acme/base@sha256:aaaa"); !strings.Contains(got.Stdout, "up to date") {
		t.Errorf("a cached image is pulled: %+v", got)
	}
}

func TestAnImpostorIsFound(t *testing.T) {
	w, _, m := machineWorld(t)
	console, err := w.GetConsoleOutput(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	m.HostKeys = port.HostKeys(console)
	if yes, err := w.Reachable(t.Context(), m); !yes || err != nil {
		t.Errorf("with its own key: %v, %v", yes, err)
	}
	m.HostKeys = []string{"ssh-ed25519 AAAA"}
	_, reach := w.Reachable(t.Context(), m)
	_, ran := w.RunScript(t.Context(), m, port.Script{Text: "true", Timeout: time.Minute})
	if !errors.Is(reach, port.ErrHostKey) || !errors.Is(ran, port.ErrHostKey) {
		t.Errorf("with another key: %v, %v", reach, ran)
	}
}

func TestAnEndedContextRunsNothing(t *testing.T) {
	w, _, m := machineWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.RunScript(ctx, m, port.Script{Text: "true", Timeout: time.Minute}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func FuzzScript(f *testing.F) {
	for _, text := range []string{"echo a | cat", "docker pull $(cat)", "sh -c", "timeout", "timeout 1", "mv a", "ctr images label", "grep", "cat <<E\nx\nE", "crictl", "docker image", "head", "sh -c -c", "sudo", "truncate -s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, _, m := machineWorld(t)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, _ = w.RunScript(ctx, m, port.Script{Text: text, Input: []byte("x\n"), Timeout: time.Minute})
	})
}
