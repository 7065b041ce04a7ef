//go:build linux

package wiretest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// missing says that a server is not installed, and how it gets to be.
type missing struct{ what string }

func (m missing) Error() string {
	switch m.what {
	case "kube":
		return "kube-apiserver is not installed: run hack/wire/install.sh kube"
	case "forge":
		return "Gitea is not installed: run hack/wire/install.sh forge"
	case "Prism":
		return "Prism is not installed: run hack/domino/install.sh"
	case "engines":
		return "the engines are not installed: run hack/bake/install.sh"
	}
	return m.what + " is not installed: run hack/wire/install.sh"
}

// place is where the servers are installed and where the module's own files are.
type place struct{ root, cache string }

// located is worked out once: it starts a shell.
var located = sync.OnceValues(locate)

func locate() (place, error) {
	root, err := moduleRoot()
	if err != nil {
		return place{}, err
	}
	out, err := exec.Command("sh", filepath.Join(root, "hack/wire/install.sh"), "path").Output()
	if err != nil {
		return place{}, fmt.Errorf("hack/wire/install.sh path: %w", err)
	}
	return place{root: root, cache: strings.TrimSpace(string(out))}, nil
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("no go.mod above the working directory")
}

// part is the folder of one installed server.
func part(name string) (string, error) {
	at, err := located()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(at.cache, name+".done")); err != nil {
		return "", missing{name}
	}
	return filepath.Join(at.cache, name), nil
}

// check ends the test if err is not nil: by a skip only if the server is not
// installed and nobody asked for it.
func check(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if errors.As(err, &missing{}) && os.Getenv("DOMCTL_WIRE") != "1" {
		t.Skipf("%v; with DOMCTL_WIRE=1 this is a failure", err)
	}
	t.Fatal(err)
}
