//go:build linux

package wiretest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// registryConfig is docker-registry's configuration for a folder and a port.
// https://distribution.github.io/distribution/about/configuration/
const registryConfig = `version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: %q}
  delete: {enabled: true}
http: {addr: "127.0.0.1:%s"}
`

// Registry starts a docker-registry for the test and gives its host:port,
// which speaks HTTP without TLS or credentials.
func Registry(t testing.TB) string {
	t.Helper()
	return NewRegistry(t).Addr
}

// NewRegistry starts a docker-registry that the test may stop, kill and
// restart. It keeps its images over a restart.
func NewRegistry(t testing.TB) *Server {
	t.Helper()
	home, err := part("registry")
	check(t, err)
	dir := t.TempDir()
	return launch(t, program{
		name: "docker-registry",
		argv: func(port string) []string {
			config := filepath.Join(dir, "config.yml")
			check(t, os.WriteFile(config, fmt.Appendf(nil, registryConfig, filepath.Join(dir, "data"), port), 0o600))
			return []string{filepath.Join(home, "usr/bin/docker-registry"), "serve", config}
		},
		ready: httpReady("/v2/"),
	})
}

// httpReady is satisfied by status 200 at the path.
func httpReady(path string) func(context.Context, string) error {
	return func(ctx context.Context, addr string) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			return final{err}
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", path, res.Status)
		}
		return nil
	}
}
