//go:build wire

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"strings"
	"testing"

	"domctl.dev/internal/kube/kubetest"
	"domctl.dev/internal/wiretest"
)

// TestKubeMongo reaches MongoDB through an API server alone: a name of the cluster leads to
// a pod, whose port is the wire server's.
func TestKubeMongo(t *testing.T) {
	f, c := newFaulty(t), wiretest.Kube(t)
	const ns = "mongodb-behind"
	uri, err := url.Parse(os.Getenv("DOMCTL_MONGO_URI"))
	if err != nil {
		t.Fatal(err)
	}
	c.Behind(t, ns, "mongodb-0", map[string]string{"app": "mongodb"}, kubetest.Kubelet(uri.Host, func(string) {}))
	c.Do(t, http.MethodPost, "/api/v1/namespaces/"+ns+"/services", `{"metadata": {"name": "mongodb"}, "spec": {"selector": {"app": "mongodb"}, "ports": [{"port": 27017}]}}`)
	uri.Host = "mongodb." + ns + ":27017"
	t.Setenv("DOMCTL_MONGO_URI", uri.String())
	f.edit("state: s3:", fmt.Sprintf("kubernetes: context: \"wire\"\n\tmongo: via: portForward: namespace: %q\n\tstate: s3:", ns))
	t.Setenv("KUBECONFIG", c.Kubeconfig(t, c.Addr, wiretest.KubeOther))
	f.says(domctl(t, 1, "doctor", f.dir), "✗ way to MongoDB by port-forward: ", "does not let you get services", "✗ Kubernetes nodes: ", "refuses to list nodes")

	for _, heading := range []string{"# Kubernetes role for the way to MongoDB", "# Kubernetes role for the nodes, for plan"} {
		_, role, ok := strings.Cut(domctl(t, 0, "doctor", "--policies", f.dir), heading)
		_, role, ok2 := strings.Cut(role, "\n")
		var raw json.RawMessage
		if err := json.NewDecoder(strings.NewReader(role)).Decode(&raw); err != nil || !ok || !ok2 {
			t.Fatalf("%s: %v", heading, err)
		}
		c.Grant(t, wiretest.KubeOther, map[bool]string{true: ns}[strings.Contains(heading, "MongoDB")], raw)
	}
	f.says(domctl(t, 0, "doctor", f.dir), "✓ MongoDB: ", "✓ way to MongoDB by port-forward: pods of namespace "+ns+" may be reached", "✓ Kubernetes nodes: 1 node, 0 ready; ")
	domctl(t, 0, "apply", f.dir, "--auto-approve")
	f.says(domctl(t, 0, "plan", f.dir, "--detailed-exitcode"), "nothing to do")
}

// TestLiveMongoBehindSSH reaches MongoDB by OpenSSH's server alone.
func TestLiveMongoBehindSSH(t *testing.T) {
	f := newFaulty(t)
	key, line := wiretest.SSHKey(t)
	address, hostKey := wiretest.SSHD(t, line)
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOMCTL_SSH_KEY", string(key))
	f.edit("state: s3:", fmt.Sprintf("mongo: via: ssh: {address: %q, user: %q, hostKeys: [%q], key: secret: env: \"DOMCTL_SSH_KEY\"}\n\tstate: s3:", address, who.Username, hostKey))
	f.says(domctl(t, 0, "doctor", f.dir), "✓ MongoDB: ", "✓ way to MongoDB by SSH: "+who.Username+"@"+address+" lets in", "✓ secret env:DOMCTL_SSH_KEY: can be read")
	domctl(t, 0, "apply", f.dir, "--auto-approve")
	f.says(domctl(t, 0, "plan", f.dir, "--detailed-exitcode"), "nothing to do")

	_, other := wiretest.SSHKey(t)
	f.edit(hostKey, other)
	out := domctl(t, 1, "doctor", f.dir)
	f.says(out, "✗ way to MongoDB by SSH: ssh "+who.Username+"@"+address+": it shows the key SHA256:", "not this machine's key", "✗ MongoDB: ")
	if strings.Contains(out, "PRIVATE KEY") {
		t.Error("the key is shown")
	}
}
