//go:build wire

package wiretest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// script writes an executable shell script.
func script(t *testing.T, name, text string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(name), 0o755))
	check(t, os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755))
}

// TestAMongodOnPathComesFirst, and one that cannot serve is told with what it
// said.
func TestAMongodOnPathComesFirst(t *testing.T) {
	dir := t.TempDir()
	script(t, filepath.Join(dir, "mongod"), `echo "about to fail: $@"; exit 3`)
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	p, err := mongoProgram(func() (string, error) { return dir, nil })
	check(t, err)
	_, err = run(p)
	for _, says := range []string{"mongod ended before it served", "about to fail: --replSet rs0 --bind_ip 127.0.0.1 --port ", "--dbpath " + dir} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("nothing says %q: %v", says, err)
		}
	}
}

// TestTheMongodOfDockerComesNext: a Docker that has the image gives its mongod,
// which runs by the loader and the libraries it came with.
func TestTheMongodOfDockerComesNext(t *testing.T) {
	if _, err := exec.LookPath("mongod"); err == nil {
		t.Skip("a mongod is on PATH, and comes first; run without it to show this")
	}
	bin, image := t.TempDir(), t.TempDir()
	script(t, filepath.Join(image, "usr/bin/mongod"), "")
	script(t, filepath.Join(image, "lib64/ld-linux-x86-64.so.2"), `echo "loaded: $@"; case "$*" in *--version) ;; *) exit 3 ;; esac`)
	check(t, os.MkdirAll(filepath.Join(image, "usr/lib/x86_64-linux-gnu"), 0o755))
	script(t, filepath.Join(bin, "docker"), fmt.Sprintf(`case "$1 $2" in
"image ls") echo 0123456789ab ;;
"create 0123456789ab") echo container ;;
"export container") tar -c -C %q usr lib64 ;;
"rm container") ;;
*) exit 9 ;;
esac
`, image))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("DOMCTL_CACHE", t.TempDir())
	root, err := moduleRoot()
	check(t, err)
	install := filepath.Join(root, "hack/wire/install.sh")
	for _, quiet := range []bool{false, true} {
		out, err := exec.Command("sh", install, "mongo").CombinedOutput()
		if err != nil || quiet && len(out) > 0 {
			t.Fatalf("%v: %s", err, out)
		}
	}
	where, err := exec.Command("sh", install, "path").Output()
	check(t, err)
	out, err := exec.Command(filepath.Join(strings.TrimSpace(string(where)), "mongod/mongod"), "--dbpath", "a b").CombinedOutput()
	if err == nil || !strings.HasPrefix(string(out), "loaded: --library-path ") || !strings.HasSuffix(strings.TrimSpace(string(out)), "root/usr/bin/mongod --dbpath a b") {
		t.Errorf("%v: %s", err, out)
	}
}
