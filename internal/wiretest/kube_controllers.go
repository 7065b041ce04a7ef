//go:build linux

package wiretest

import (
	"context"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
)

// sharedControllers are started once for the test process's cluster.
var sharedControllers = sync.OnceValues(func() (*Server, error) {
	home, err := part("kube")
	if err != nil {
		return nil, err
	}
	c, err := sharedKube()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(c.dir, "controllers.kubeconfig")
	if err := c.write(filepath.Base(config), append(c.config(c.Addr, KubeAdmin), "current-context: wire\n"...)); err != nil {
		return nil, err
	}
	return run(c.controllers(home, config))
})

// KubeControllers gives this test process's cluster with the controller that reckons
// disruption budgets. No other runs: the test is the scheduler and the kubelet.
func KubeControllers(t testing.TB) *Cluster {
	t.Helper()
	c := Kube(t)
	s, err := sharedControllers()
	check(t, err)
	showLog(t, s)
	return c
}

// https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/
func (c *Cluster) controllers(home, config string) program {
	return program{
		name: "kube-controller-manager",
		argv: func(port string) []string {
			return []string{
				filepath.Join(home, "kube-controller-manager"), "--kubeconfig", config, "--controllers", "disruption-controller", "--leader-elect=false",
				"--bind-address", "127.0.0.1", "--secure-port", port,
				"--tls-cert-file", filepath.Join(c.dir, "cert.pem"), "--tls-private-key-file", filepath.Join(c.dir, "key.pem"),
			}
		},
		ready: func(ctx context.Context, addr string) error {
			_, err := c.ask(ctx, addr, http.MethodGet, "/healthz", "")
			return err
		},
	}
}
