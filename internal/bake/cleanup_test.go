package bake

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"domctl.dev/schema"
)

// leftIn runs a verification's look for leftovers, which reads alone, with a folder
// in place of the root of a disk that holds the files.
func leftIn(t *testing.T, o order, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	put := func(name, text string) {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("at", "")
	put(baked, o.key)
	for name, text := range files {
		put(name, text)
	}
	s := stages{at: root}
	s.run("set -eu", "getent() { echo 'root:x:0:0:root:/root:/bin/sh'; echo 'jenkins:x:9:9::/var/lib/jenkins:/bin/sh'; echo 'nobody:x:99:99::/:/bin/false'; }",
		"command() { return 1; }")
	o.leftovers(&s)
	var moved []string
	for _, folder := range []string{"/var/", "/etc/", "/root", "/home/", "/tmp/"} {
		for _, before := range []string{" ", ":", "'"} {
			moved = append(moved, before+folder, before+root+folder)
		}
	}
	text := strings.NewReplacer(moved...).Replace(s.b.String())
	out, err := exec.Command("sh", "-c", text).CombinedOutput()
	if err == nil != (len(out) == 0) {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.ReplaceAll(string(out), root, "")
}

// TestLeftovers: what a registry or a person could be let in by is found, however it
// is written, and named without what it holds.
func TestLeftovers(t *testing.T) {
	const secret = "Y2FuYXJ5"
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + strings.Repeat("J", 30)
	auths := `{"auths": {"quay.io": {"auth": "` + secret + `"}}}`
	const toml = "/etc/containerd/config.toml"
	for name, c := range map[string]struct{ at, text string }{
		"auth":                   {toml, `auth = "` + secret + `"`},
		"auth without spaces":    {toml, `auth="` + secret + `"`},
		"auth in single quotes":  {toml, `auth = '` + secret + `'`},
		"a quoted key":           {toml, `'password' = "` + secret + `"`},
		"password":               {toml, "username=\"u\"\npassword=\"" + secret + `"`},
		"identitytoken":          {"/etc/containerd/conf.d/a.toml", `identitytoken="` + secret + `"`},
		"a header":               {"/etc/containerd/certs.d/r/hosts.toml", "[host.\"https://r\".header]\nauthorization = \"Basic " + secret + `"`},
		"a header, capital":      {"/etc/containerd/certs.d/r/hosts.toml", "[host.\"https://r\".header]\nAuthorization = [\"Basic " + secret + `"]`},
		"of the kubelet":         {"/var/lib/kubelet/config.json", auths},
		"of Kubernetes":          {"/etc/kubernetes/docker-config.json", auths},
		"of a person":            {"/home/ec2-user/.docker/config.json", auths},
		"of a service":           {"/var/lib/jenkins/.docker/config.json", auths},
		"of netrc":               {"/root/.netrc", "machine r login u password " + secret},
		"a history":              {"/root/.bash_history", "docker login -p " + secret},
		"a key":                  {"/root/.ssh/authorized_keys", key + " a\n"},
		"a key without an end":   {"/root/.ssh/authorized_keys", key},
		"a second file of keys":  {"/home/ec2-user/.ssh/authorized_keys2", key + "\n"},
		"a key behind an option": {"/home/ec2-user/.ssh/authorized_keys", `command="echo # hi" ` + key + "\n"},
	} {
		if got, want := leftIn(t, order{key: "k"}, map[string]string{c.at: c.text}), "in the image: "+c.at+"\n"; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, files := range map[string]map[string]string{
		"nothing":        nil,
		"comments":       {"/root/.ssh/authorized_keys": "# " + key + "\n"},
		"what nodes use": {toml: "version = 2\n[plugins.x.registry]\nconfig_path = \"/etc/containerd/certs.d\"\n[plugins.x.registry.auths]\n", "/etc/docker/daemon.json": `{"authorization-plugins": []}`, "/home/ec2-user/.docker/config.json": `{"auths": {}}`},
	} {
		if got := leftIn(t, order{key: "k"}, files); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
	with := order{key: "k", bake: schema.Bake{}}
	with.bake.Instance.KeyPair = "bakers"
	other := strings.Replace(key, "J", "K", 1)
	for text, want := range map[string]string{key: "", key + "\n" + other: "in the image: /root/.ssh/authorized_keys\n"} {
		if got := leftIn(t, with, map[string]string{"/root/.ssh/authorized_keys": text}); got != want {
			t.Errorf("with a key pair, %q: %q", text, got)
		}
	}
}
