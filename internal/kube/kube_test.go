package kube

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// canary stands in every value and credential: no error may hold it.
const canary = "canary-of-kubernetes"

// server answers every path in the table with a status and a body.
func server(t *testing.T, answers map[string]answer) *httptest.Server {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := answers[r.URL.Path]
		if !ok {
			t.Errorf("nobody asks for %s", r.URL.Path)
		}
		if auth := r.Header.Get("Authorization"); auth != "Bearer "+canary {
			t.Errorf("%s: Authorization is %q", r.URL.Path, auth)
		}
		w.Header().Set("Content-Type", "application/json")
		if a.status == http.StatusFound {
			w.Header().Set("Location", "https://127.0.0.1:1/")
		}
		w.WriteHeader(a.status)
		fmt.Fprint(w, a.body)
	}))
	t.Cleanup(s.Close)
	return s
}

type answer struct {
	status int
	body   string
}

func secretOf(t *testing.T, data map[string][]byte) answer {
	t.Helper()
	text, err := json.Marshal(map[string]any{"kind": "Secret", "apiVersion": "v1", "data": data})
	if err != nil {
		t.Fatal(err)
	}
	return answer{http.StatusOK, string(text)}
}

// configured points KUBECONFIG at a file of this text, and away from pods.
func configured(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", name)
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	return name
}

// config has a context of each name, all of one cluster and user.
func config(s *httptest.Server, user string, contexts ...string) string {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	text := fmt.Sprintf("clusters: [{name: c, cluster: {server: %q, certificate-authority-data: %q}}]\nusers: [{name: u, user: {%s}}]\ncontexts:\n", s.URL, base64.StdEncoding.EncodeToString(ca), user)
	for _, name := range contexts {
		text += fmt.Sprintf("- {name: %q, context: {cluster: c, user: u}}\n", name)
	}
	return text + fmt.Sprintf("current-context: %q\n", contexts[0])
}

const token = "token: " + canary

func fails(t *testing.T, c Config, ref string, says ...string) {
	t.Helper()
	value, err := Open(c).Secret(t.Context(), ref)
	if err == nil || value != "" {
		t.Fatalf("%s: %d bytes and the error %v", ref, len(value), err)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%s: nothing says %q: %v", ref, text, err)
		}
	}
	if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), base64.StdEncoding.EncodeToString([]byte(canary))) {
		t.Errorf("%s: the error shows a secret: %v", ref, err)
	}
}

func TestSecret(t *testing.T) {
	path := "/api/v1/namespaces/ns/secrets/"
	s := server(t, map[string]answer{
		path + "there":     secretOf(t, map[string][]byte{"uri": []byte(canary + "\n"), "bytes": {0xff, 'c'}}),
		path + "gone":      {404, `{"kind":"Status","message":"secrets \"gone\" not found","details":{"name":"gone","kind":"secrets"}}`},
		path + "forbidden": {403, `{"kind":"Status","message":"secrets \"forbidden\" is forbidden: User \"u\" cannot get it"}`},
		path + "login":     {401, `{"kind":"Status","message":"Unauthorized"}`},
		path + "busy":      {429, `{"kind":"Status","message":"too many requests"}`},
		path + "proxy":     {404, "<html>" + canary},
		path + "elsewhere": {302, ""},
		path + "odd":       {200, `{"kind":"Secret","data":{"uri":"` + canary + ` is no base64"}}`},
		path + "other":     {200, `{"kind":"ConfigMap","data":{"uri":""}}`},
	})
	configured(t, config(s, token, "acme"))
	if got, err := Open(Config{}).Secret(t.Context(), "ns/there/uri"); got != canary+"\n" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	at := fmt.Sprintf("context \"acme\" (%s)", s.URL)
	for ref, says := range map[string][]string{
		"ns/there/none":    {at, "no such key", "kubectl --context acme -n ns describe secret there"},
		"ns/there/bytes":   {at, "not text in UTF-8"},
		"ns/gone/uri":      {at, "has no secret gone in namespace ns; kubectl --context acme -n ns get secrets"},
		"ns/forbidden/uri": {at, `User "u" cannot get it`, "domctl doctor --policies"},
		"ns/login/uri":     {at, "does not accept these credentials", "aws sso login", "kubectl --context acme auth whoami"},
		"ns/busy/uri":      {at, "answered 429: too many requests", "run again"},
		"ns/proxy/uri":     {at, "answered 404 with what no Kubernetes API server says"},
		"ns/elsewhere/uri": {at, "answered 302"},
		"ns/odd/uri":       {at, "answered 200 with what no"},
		"ns/other/uri":     {at, "answered 200 with what no"},
		"ns/uri":           {"namespace/name/key"},
	} {
		fails(t, Config{}, ref, says...)
	}
}

// TestContexts: one is taken, of several the one that is named.
func TestContexts(t *testing.T) {
	s := server(t, map[string]answer{"/api/v1/namespaces/ns/secrets/s": secretOf(t, map[string][]byte{"k": []byte(canary)})})
	file := configured(t, config(s, token, "b", "a"))
	if _, err := Open(Config{Context: "a"}).Secret(t.Context(), "ns/s/k"); err != nil {
		t.Error(err)
	}
	fails(t, Config{}, "ns/s/k", file+" has 2 contexts (a, b)", "state deployment.kubernetes.context")
	fails(t, Config{Context: "c"}, "ns/s/k", `no context "c" in `+file+" (there are: a, b)", "correct deployment.kubernetes.context", "aws eks update-kubeconfig --alias c")

	for text, says := range map[string]string{
		"contexts: [{name: a, context: {cluster: none, user: none}}]": `context "a" of `,
		"users: [{name: u, user: {token: " + canary + "}}":            "the kubeconfig cannot be read",
		"users: [{name: u, user: {client-key-data: " + canary + "}}]": "the kubeconfig cannot be read",
		"users: [{name: u, user: {token: {" + canary + ": 1}}}]":      "the kubeconfig cannot be read",
		"users: " + canary: "the kubeconfig cannot be read",
		"users: [{name: u, user: {exec: {command: " + canary + ", env: 1}}}": "the kubeconfig cannot be read",
	} {
		configured(t, text)
		fails(t, Config{}, "ns/s/k", says, "correct it")
	}
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	fails(t, Config{Context: "a"}, "ns/s/k", "none, and this is no pod", "aws eks update-kubeconfig", "KUBECONFIG")
}

// TestPod: without a kubeconfig the pod's cluster is asked, whatever the context.
// The token's place is fixed, so a test outside a pod can only see it missed.
func TestPod(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "1")
	fails(t, Config{Context: "acme"}, "ns/s/k", "the pod's service account: open /var/run/secrets/kubernetes.io/serviceaccount/token", "automountServiceAccountToken")
}

// plugin writes a credential plugin of these lines.
func plugin(t *testing.T, lines string) (user string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "get-token")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+lines+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: %q, interactiveMode: Never}", name)
}

// TestPlugin: credentials come from a command, as with aws eks get-token.
func TestPlugin(t *testing.T) {
	s := server(t, map[string]answer{"/api/v1/namespaces/ns/secrets/s": secretOf(t, map[string][]byte{"k": []byte(canary)})})
	good := fmt.Sprintf(`echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":%q}}'`, canary)
	configured(t, config(s, plugin(t, good), "acme"))
	if got, err := Open(Config{}).Secret(t.Context(), "ns/s/k"); got != canary || err != nil {
		t.Errorf("%q %v", got, err)
	}
	for lines, says := range map[string]string{
		"exit 3":         "exit code 3",
		"echo " + canary: "decoding stdout",
		`echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":["` + canary + `"]}}'`: "decoding stdout",
	} {
		configured(t, config(s, plugin(t, lines), "acme"))
		fails(t, Config{}, "ns/s/k", `context "acme"`, "getting credentials: ", says, "kubectl --context acme auth whoami")
	}
	configured(t, config(s, "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: no-such-plugin, interactiveMode: Never}", "acme"))
	fails(t, Config{}, "ns/s/k", "executable no-such-plugin not found")
	configured(t, config(s, plugin(t, "exec sleep 1"), "acme"))
	fails(t, Config{Timeout: 100 * time.Millisecond}, "ns/s/k", "did not answer in time", "credential plugin")
}

func TestUnreachable(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	configured(t, config(s, token, "acme"))
	fails(t, Config{Timeout: 50 * time.Millisecond}, "ns/s/k", s.URL, "did not answer in time", "VPN")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(Config{}).Secret(ctx, "ns/s/k"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled read: %v", err)
	}
	s.CloseClientConnections()
	s.Close()
	fails(t, Config{}, "ns/s/k", s.URL, "cannot be reached: dial tcp", "connection refused", "kubectl --context acme get --raw /readyz")

	other := httptest.NewTLSServer(http.NotFoundHandler())
	defer other.Close()
	configured(t, strings.Replace(config(other, token, "acme"), "certificate-authority-data", "tls-server-name: x, proxy-url: \"\", certificate-authority-data", 1))
	fails(t, Config{}, "ns/s/k", "cannot be reached: tls: failed to verify certificate", "its certificate")
}

func TestRoles(t *testing.T) {
	got := string(Roles([]string{"b/s/k", "a/t/k", "a/s/k", "a/s/l"}))
	for _, text := range []string{`"namespace": "a"`, `"namespace": "b"`, "\"resourceNames\": [\n            \"s\",\n            \"t\"\n          ]", `"get"`} {
		if !strings.Contains(got, text) {
			t.Errorf("%s is missing in\n%s", text, got)
		}
	}
}
