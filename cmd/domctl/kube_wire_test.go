//go:build wire

package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"domctl.dev/internal/wiretest"
)

// TestKube keeps the connection string and a setting's value in a Kubernetes
// secret, as Domino on EKS does. Both hold a canary.
func TestKube(t *testing.T) {
	f, c := newFaulty(t), wiretest.Kube(t)
	c.Do(t, http.MethodPost, "/api/v1/namespaces", `{"metadata": {"name": "domino-platform"}}`)
	c.Do(t, http.MethodPost, "/api/v1/namespaces/domino-platform/secrets",
		fmt.Sprintf(`{"metadata": {"name": "mongodb"}, "stringData": {"uri": "%s&appName=live-canary-of-the-token", "token": %q}}`, os.Getenv("DOMCTL_MONGO_URI"), canary))
	f.edit(`secret: env: "DOMCTL_MONGO_URI"`, `secret: kubernetes: "domino-platform/mongodb/uri"`)
	f.edit(`secret: env: "ACME_TOKEN"`, `secret: kubernetes: "domino-platform/mongodb/token"`)
	f.edit("state: s3:", `kubernetes: context: "wire"`+"\n\tstate: s3:")

	t.Setenv("KUBECONFIG", c.Kubeconfig(t, c.Addr, wiretest.KubeOther))
	ref := "secret kubernetes:domino-platform/mongodb/uri: "
	f.says(domctl(t, 1, "doctor", f.dir), "✗ deployment: deployment.mongo.uri: "+ref, `User "other" cannot get resource "secrets"`)
	f.says(domctl(t, 1, "plan", f.dir), "error: deployment.mongo.uri: "+ref+`context "wire" (https://`+c.Addr+") refuses to show it")

	t.Setenv("KUBECONFIG", c.Kubeconfig(t, c.Addr, wiretest.KubeAdmin))
	f.says(domctl(t, 0, "doctor", f.dir), "✓ secret kubernetes:domino-platform/mongodb/uri: can be read", "✓ secret kubernetes:domino-platform/mongodb/token: can be read")
	before := database(t, f.Acme)
	domctl(t, 0, "apply", f.dir, "--auto-approve")
	if !strings.Contains(database(t, f.Acme), canary) {
		t.Error("the setting does not hold the secret's value")
	}
	f.says(domctl(t, 0, "plan", f.dir, "--detailed-exitcode"), "nothing to do")
	domctl(t, 0, "history", f.dir)

	f.edit("mongodb/token", "mongodb/none")
	f.says(domctl(t, 1, "apply", f.dir, "--auto-approve"), "DC160: settings.com.cerebro.acme.token: secret kubernetes:domino-platform/mongodb/none: the secret at ", "has no such key")
	f.edit("mongodb/none", "mongodb/token")
	domctl(t, 0, "rollback", f.dir, "--auto-approve")
	if after := database(t, f.Acme); after != before {
		t.Errorf("the database is not as it was:\n%s\nwant:\n%s", after, before)
	}
}
