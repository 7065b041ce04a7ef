//go:build linux

package wiretest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The users of a Cluster: who may do everything, and two that nothing is
// granted to, unless a test does.
const (
	KubeAdmin  = "admin"
	KubeReader = "reader"
	KubeOther  = "other"
)

// kubeconfig takes a server, its certificate in base64, and a token.
// https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q, certificate-authority-data: %q}}]
users: [{name: u, user: {token: %q}}]
contexts: [{name: wire, context: {cluster: c, user: u}}]
`

// Cluster is a Kubernetes API server on an etcd of its own: no nodes, no
// controllers. Tests side by side keep to a namespace of their own.
type Cluster struct {
	*Server        // the API server
	CA      []byte // its certificate, PEM

	dir    string // certificate, key, tokens, etcd's data
	client *http.Client
}

// sharedKube starts in a few seconds and takes about 300 MB, so a test process
// has one.
var sharedKube = sync.OnceValues(startKube)

// Kube gives this test process's cluster.
func Kube(t testing.TB) *Cluster {
	t.Helper()
	c, err := sharedKube()
	check(t, err)
	showLog(t, c.Server)
	return c
}

func startKube() (*Cluster, error) {
	home, err := part("kube")
	if err != nil {
		return nil, err
	}
	dir, err := sharedDir()
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir}
	if err := errors.Join(c.certify(), c.enrol()); err != nil {
		return nil, err
	}
	etcd, err := run(etcdProgram(home, dir))
	if err != nil {
		return nil, err
	}
	c.Server, err = run(c.program(home, etcd.Addr))
	return c, err
}

// etcdProgram has no peers, so the address for them is never asked for.
// https://etcd.io/docs/v3.6/op-guide/configuration/
func etcdProgram(home, dir string) program {
	return program{
		name: "etcd",
		argv: func(port string) []string {
			at := "http://127.0.0.1:" + port
			return []string{
				filepath.Join(home, "etcd"), "--data-dir", filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--log-level", "warn",
				"--listen-client-urls", at, "--advertise-client-urls", at, "--listen-peer-urls", "http://127.0.0.1:0",
			}
		},
		ready: httpReady("/health"),
	}
}

// https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
func (c *Cluster) program(home, etcd string) program {
	cert, key := filepath.Join(c.dir, "cert.pem"), filepath.Join(c.dir, "key.pem")
	return program{
		name: "kube-apiserver",
		argv: func(port string) []string {
			return []string{
				filepath.Join(home, "kube-apiserver"), "--etcd-servers", "http://" + etcd, "--bind-address", "127.0.0.1", "--secure-port", port,
				"--tls-cert-file", cert, "--tls-private-key-file", key, "--token-auth-file", filepath.Join(c.dir, "tokens.csv"), "--authorization-mode", "RBAC",
				"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", key, "--service-account-signing-key-file", key,
				// Nobody makes service accounts here, and loopback is no address to advertise.
				"--disable-admission-plugins", "ServiceAccount", "--endpoint-reconciler-type", "none", "--service-cluster-ip-range", "10.0.0.0/24",
			}
		},
		ready: func(ctx context.Context, addr string) error {
			_, err := c.ask(ctx, addr, http.MethodGet, "/readyz", "")
			return err
		},
	}
}

// certify makes the one certificate, which is its own authority, and its key,
// which signs service accounts too.
func (c *Cluster) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalECPrivateKey(key)
	c.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.CA)
	c.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	return errors.Join(err, c.write("cert.pem", c.CA), c.write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})))
}

// enrol writes the tokens; the group system:masters may do everything.
func (c *Cluster) enrol() error {
	text := ""
	for user, group := range map[string]string{KubeAdmin: "system:masters", KubeReader: "", KubeOther: ""} {
		text += fmt.Sprintf("%s,%s,%s,%q\n", c.Token(user), user, user, group)
	}
	return c.write("tokens.csv", []byte(text))
}

func (c *Cluster) write(name string, text []byte) error {
	return os.WriteFile(filepath.Join(c.dir, name), text, 0o600)
}

// Token is a user's bearer token.
func (c *Cluster) Token(user string) string { return "token-of-" + user }

// Kubeconfig writes one whose only context, "wire", is the user at addr, which
// is the cluster's own or that of a Proxy. It answers the file's path.
func (c *Cluster) Kubeconfig(t testing.TB, addr, user string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "kubeconfig")
	check(t, os.WriteFile(name, c.config(addr, user), 0o600))
	return name
}

func (c *Cluster) config(addr, user string) []byte {
	return fmt.Appendf(nil, kubeconfig, "https://"+addr, base64.StdEncoding.EncodeToString(c.CA), c.Token(user))
}

// Do calls the API server as the administrator, with a body in JSON, and
// answers what it says. A refusal ends the test.
func (c *Cluster) Do(t testing.TB, method, path, body string) string {
	t.Helper()
	answer, err := c.ask(t.Context(), c.Addr, method, path, body)
	check(t, err)
	return answer
}

// Try is Do for what may be refused.
func (c *Cluster) Try(t testing.TB, method, path, body string) (string, error) {
	t.Helper()
	return c.ask(t.Context(), c.Addr, method, path, body)
}

// Apply makes an object what a body in JSON says, as kubectl apply --server-side does;
// path names the object. It answers the API server's refusal.
func (c *Cluster) Apply(t testing.TB, path, body string) error {
	t.Helper()
	_, err := c.ask(t.Context(), c.Addr, http.MethodPatch, path+"?fieldManager=domctl&fieldValidation=Strict", body)
	return err
}

func (c *Cluster) ask(ctx context.Context, addr, method, path, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, "https://"+addr+path, strings.NewReader(body))
	if err != nil {
		return "", final{err}
	}
	req.Header.Set("Authorization", "Bearer "+c.Token(KubeAdmin))
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch { // JSON is YAML
		req.Header.Set("Content-Type", "application/apply-patch+yaml")
	}
	res, err := c.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, bytes.TrimSpace(answer))
	}
	return string(answer), err
}
