//go:build linux

package wiretest

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// sharedDomino starts in seconds, so a test process has one.
var sharedDomino = sync.OnceValues(startDomino)

// Domino gives the URL of this test process's server for Domino's REST API: Prism on
// hack/domino/openapi.yaml. It has no state. What a request asks for with the header
// Prefer ("code=404", "example=none") is what is answered; a path, a method or a
// header that the document does not know is refused.
// https://docs.stoplight.io/docs/prism/beeaad4a14dd7-request-validation
func Domino(t testing.TB) string {
	t.Helper()
	s, err := sharedDomino()
	check(t, err)
	showLog(t, s)
	return "http://" + s.Addr
}

func startDomino() (*Server, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	out, err := exec.Command("sh", filepath.Join(root, "hack/domino/install.sh"), "path").Output()
	if err != nil {
		return nil, err
	}
	home := strings.TrimSpace(string(out))
	if _, err := os.Stat(filepath.Join(home, "done")); err != nil {
		return nil, missing{"Prism"}
	}
	return run(program{
		name: "prism",
		argv: func(port string) []string {
			return []string{"node", filepath.Join(home, "node_modules/@stoplight/prism-cli/dist/index.js"), "mock", "--errors",
				"--host", "127.0.0.1", "--port", port, filepath.Join(root, "hack/domino/openapi.yaml")}
		},
		ready: func(ctx context.Context, addr string) error {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/v4/users/self", nil)
			if err != nil {
				return final{err}
			}
			r.Header.Set("X-Domino-Api-Key", "ready")
			res, err := http.DefaultClient.Do(r)
			if err == nil {
				err = res.Body.Close()
			}
			if err == nil && res.StatusCode != http.StatusOK {
				err = errors.New(res.Status)
			}
			return err
		},
	})
}
