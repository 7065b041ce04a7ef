//go:build wire

package kube

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/wiretest"
)

// seeded makes a namespace with the secret "mongodb", which the reader may get.
func seeded(t *testing.T) (c *wiretest.Cluster, namespace string) {
	t.Helper()
	c, namespace = wiretest.Kube(t), strings.ToLower(strings.ReplaceAll(t.Name(), "_", "-"))
	c.Do(t, http.MethodPost, "/api/v1/namespaces", fmt.Sprintf(`{"metadata": {"name": %q}}`, namespace))
	secrets := "/api/v1/namespaces/" + namespace + "/secrets"
	c.Do(t, http.MethodPost, secrets, fmt.Sprintf(`{"metadata": {"name": "mongodb"}, "stringData": {"uri": %q}, "data": {"raw": "/w=="}}`, canary))
	c.Do(t, http.MethodPost, secrets, `{"metadata": {"name": "another"}}`)
	roles := "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace + "/role"
	var list struct{ Items []json.RawMessage }
	if err := json.Unmarshal(Roles([]string{namespace + "/mongodb/uri", namespace + "/none/uri"}), &list); err != nil {
		t.Fatal(err)
	}
	c.Do(t, http.MethodPost, roles+"s", string(list.Items[0]))
	c.Do(t, http.MethodPost, roles+"bindings", fmt.Sprintf(`{"metadata": {"name": "domctl"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "domctl"},
		"subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": %q}]}`, wiretest.KubeReader))
	return c, namespace
}

func as(t *testing.T, c *wiretest.Cluster, addr, user string) {
	t.Helper()
	t.Setenv("KUBECONFIG", c.Kubeconfig(t, addr, user))
}

// TestKubeSecret: the role that doctor prints is enough, and nothing less is.
func TestKubeSecret(t *testing.T) {
	c, ns := seeded(t)
	as(t, c, c.Addr, wiretest.KubeReader)
	if got, err := Open(Config{Context: "wire"}).Secret(t.Context(), ns+"/mongodb/uri"); got != canary || err != nil {
		t.Fatalf("%q %v", got, err)
	}
	at := fmt.Sprintf(`context "wire" (https://%s)`, c.Addr)
	fails(t, Config{}, ns+"/mongodb/none", at, "has no such key")
	fails(t, Config{}, ns+"/mongodb/raw", at, "not text in UTF-8")
	fails(t, Config{}, ns+"/none/uri", at, "has no secret none in namespace "+ns)
	fails(t, Config{}, ns+"/another/uri", at, `User "reader" cannot get resource "secrets"`, "domctl doctor --policies")
	as(t, c, c.Addr, wiretest.KubeOther)
	fails(t, Config{}, ns+"/mongodb/uri", at, `User "other" cannot get resource "secrets"`)
	as(t, c, c.Addr, "nobody")
	fails(t, Config{}, ns+"/mongodb/uri", at, "does not accept these credentials")
	as(t, c, c.Addr, wiretest.KubeAdmin)
	fails(t, Config{}, "no-such-namespace/mongodb/uri", at, "has no secret mongodb in namespace no-such-namespace")
}

// TestKubePlugin: credentials of a command, as aws eks get-token prints them.
func TestKubePlugin(t *testing.T) {
	c, ns := seeded(t)
	name := filepath.Join(t.TempDir(), "aws")
	says := fmt.Sprintf(`{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","spec":{},"status":{"expirationTimestamp":%q,"token":%q}}`,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339), c.Token(wiretest.KubeReader))
	script := fmt.Sprintf("#!/bin/sh\n[ \"$*\" = 'eks get-token --cluster-name acme' ] && echo '%s'\n", says)
	if err := os.WriteFile(name, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(name)+string(os.PathListSeparator)+os.Getenv("PATH"))
	configured(t, fmt.Sprintf(`{clusters: [{name: c, cluster: {server: "https://%s", certificate-authority-data: %s}}], contexts: [{name: acme, context: {cluster: c, user: u}}],
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws, args: [eks, get-token, --cluster-name, acme]}}}]}`,
		c.Addr, base64.StdEncoding.EncodeToString(c.CA)))
	if got, err := Open(Config{}).Secret(t.Context(), ns+"/mongodb/uri"); got != canary || err != nil {
		t.Errorf("%q %v", got, err)
	}
}

func TestKubeUnreachable(t *testing.T) {
	c, ns := seeded(t)
	p := wiretest.Proxy(t, c.Addr)
	as(t, c, p.Addr, wiretest.KubeReader)
	if _, err := Open(Config{}).Secret(t.Context(), ns+"/mongodb/uri"); err != nil {
		t.Fatal(err)
	}
	p.Blackhole()
	fails(t, Config{Timeout: 200 * time.Millisecond}, ns+"/mongodb/uri", p.Addr, "did not answer in time")
	p.Cut()
	fails(t, Config{}, ns+"/mongodb/uri", p.Addr, "cannot be reached") // refused, or the pipe of the connection from before is broken
	p.Heal()
	p.CutAfterRequest()
	fails(t, Config{Timeout: 5 * time.Second}, ns+"/mongodb/uri", p.Addr, "cannot be reached")
}
