//go:build wire

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"domctl.dev/internal/wiretest"
)

// pageFile is a controller's configuration: folder, address, page, provider, client,
// organization, user.
const pageFile = `work: %[1]s/work
poll: 1d
listen: {page: "%[2]s"}
page:
  url: https://%[2]s
  key: env:PAGE_KEY
  tls: {cert: %[1]s/tls.crt, key: %[1]s/tls.key}
  oidc: {issuer: "%[3]s", client: %[4]s, secret: "file:%[1]s/secret", scopes: [profile, groups], user: preferred_username}
  roles: {act: ["group:%[5]s:ops"]}
repositories: {domino: {url: "file://%[1]s/acme"}}
deployments:
  acme-prod:
    repository: domino
    branch: main
    dir: prod
    world: sandbox
    sandbox: %[1]s/acme/prod/.domctl/sandbox.json
    secrets: ["env:*"]
    state: {file: %[1]s/prod}
    roles: {look: ["user:%[6]s"], act: ["group:%[5]s:ops"]}
  acme-classic:
    repository: domino
    branch: main
    dir: classic
    world: sandbox
    sandbox: %[1]s/classic.json
    state: {file: %[1]s/classic}
`

// TestForgePage: a controller serves its page over TLS, and people sign in to it with
// their accounts of a Gitea, whose teams and names decide what is there for them.
func TestForgePage(t *testing.T) {
	forge := wiretest.Forge(t)
	ann, ben, eve := forge.User(t, "ann"), forge.User(t, "ben"), forge.User(t, "eve")
	org := "acme-" + ann.Name
	ann.Organization(t, org, "ops", ann)
	dir := t.TempDir()
	for name, example := range map[string]string{"prod": "eks", "classic": "classic"} {
		domctl(t, 0, "init", filepath.Join(dir, "acme", name), "--example", example)
	}
	for _, args := range []string{"init -q -b main", "add -A", "-c user.name=Ann -c user.email=ann@example.com commit -qm one"} {
		if out, err := exec.Command("git", append([]string{"-C", filepath.Join(dir, "acme")}, strings.Fields(args)...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := at.Addr().String()
	_ = at.Close()
	client, secret := forge.Admin.Application(t, "domctl", "https://"+address+"/signed-in")
	write := func(name, text string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	write("secret", secret+"\n")
	roots := certificate(t, write)
	file := write("serve.yaml", fmt.Sprintf(pageFile, dir, address, forge.URL(), client, org, ben.Name))
	key := strings.Repeat("of-the-page-", 3)
	serve := exec.CommandContext(t.Context(), "domctl", "serve", file)
	serve.Env = append(os.Environ(), "PAGE_KEY="+key)
	said, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	serve.Stderr = said
	log := func() string {
		t.Helper()
		b, err := os.ReadFile(said.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	page := "https://" + address
	browser := func() *http.Client {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	}
	get := func(c *http.Client, path string) (int, string) {
		t.Helper()
		res, err := c.Get(page + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	for end := time.Now().Add(time.Minute); !strings.Contains(log(), "for=page"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(log())
		}
	}
	for _, c := range []struct {
		who           *wiretest.ForgeUser
		prod, classic int
	}{{ann, 200, 200}, {ben, 200, 404}, {eve, 404, 404}} {
		b := browser()
		if status, text := get(b, "/deployments/acme-prod"); status != http.StatusUnauthorized || strings.Contains(text, "acme-prod") {
			t.Errorf("nobody: %d %s", status, text)
		}
		if res := c.who.SignIn(t, b, page+"/deployments/acme-prod"); res.StatusCode != c.prod || res.Request.URL.String() != page+"/deployments/acme-prod" {
			t.Errorf("%s: %s at %s\n%s", c.who.Name, res.Status, res.Request.URL, log())
		}
		status, all := get(b, "/")
		if status != http.StatusOK || !strings.Contains(all, "<span>"+c.who.Name+"</span>") || strings.Contains(all, "acme-prod") != (c.prod == 200) || strings.Contains(all, "acme-classic") != (c.classic == 200) {
			t.Errorf("%s sees %d %s", c.who.Name, status, all)
		}
		if status, _ := get(b, "/deployments/acme-classic"); status != c.classic {
			t.Errorf("%s: %d", c.who.Name, status)
		}
		if c.who == ann {
			takesBack(t, b, page, get, ann.Name)
		}
		token := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(all)
		if token == nil {
			t.Fatalf("no way to sign out:\n%s", all)
		}
		res, err := b.PostForm(page+"/sign-out", url.Values{"csrf": {token[1]}})
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if status, _ := get(b, "/"); status != http.StatusUnauthorized {
			t.Errorf("%s is not signed out: %d", c.who.Name, status)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	if res, err := browser().Do(r); err != nil || res.StatusCode != http.StatusMisdirectedRequest {
		t.Error(res, err)
	}
	if err := serve.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := serve.Wait(); err != nil {
		t.Errorf("%v\n%s", err, log())
	}
	for _, one := range []string{secret, key, "?code=", "&code="} {
		if strings.Contains(log(), one) {
			t.Errorf("%q stands in the log:\n%s", one, log())
		}
	}
}

// takesBack has what was applied taken back on the page, by a form that is sent twice.
func takesBack(t *testing.T, b *http.Client, page string, get func(*http.Client, string) (int, string), who string) {
	t.Helper()
	until := func(path, want string) []string {
		t.Helper()
		form := regexp.MustCompile(want)
		for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
			_, text := get(b, path)
			if found := form.FindStringSubmatch(text); found != nil {
				return found
			}
			if time.Now().After(end) {
				t.Fatalf("%s never says %s:\n%s", path, want, text)
			}
		}
	}
	until("/deployments/acme-prod", ">partly applied<") // a change of the example is blocked
	at := until("/deployments/acme-prod", `"(/deployments/acme-prod/applies/[0-9a-z-]+)"`)[1]
	status, text := get(b, at+"/rollback")
	fields := regexp.MustCompile(`name="(csrf|click)" value="([^"]+)"`).FindAllStringSubmatch(text, -1)
	filled := url.Values{}
	for _, f := range fields {
		filled.Set(f[1], f[2])
	}
	if status != http.StatusOK || filled.Get("click") == "" {
		t.Fatalf("%d:\n%s", status, text)
	}
	for range 2 {
		res, err := b.PostForm(page+at+"/rollback", filled)
		if err != nil || res.StatusCode != http.StatusOK || res.Request.URL.Path != at {
			t.Fatal(res, err)
		}
		_ = res.Body.Close()
	}
	back := until(at, `was taken back by ([0-9a-z-]+), as `+who+` asked`)[1]
	if back == "" || strings.HasSuffix(at, back) {
		t.Errorf("%s by %q", at, back)
	}
	until("/deployments/acme-prod/applies/"+back, `Takes back`)
}

// certificate is one of 127.0.0.1, with who signed it.
func certificate(t *testing.T, write func(name, text string) string) *x509.CertPool {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write("tls.crt", string(text))
	write("tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return roots
}
