package config_test

import (
	"strings"
	"testing"
)

const signedPage = `work: /var/lib/domctl
listen: {page: "0.0.0.0:8082"}
page:
  url: https://domctl.acme.example
  hosts: [domctl, "::1"]
  key: file:/run/secrets/page-key
  tls: {cert: /etc/domctl/tls.crt, key: /etc/domctl/tls.key}
  oidc: {issuer: "https://sso.acme.example/acme", client: domctl, secret: "env:OIDC_SECRET", user: preferred_username}
  roles: {look: [everyone], act: ["group:ops", "user:ann"]}
repositories: {domino: {url: "file:///srv/acme"}}
deployments:
  try:
    repository: domino
    branch: main
    world: sandbox
    sandbox: /srv/try/sandbox.json
    state: {file: /srv/try/state}
    roles: {act: ["group:acme:sre"]}
`

// TestPageConfig: who may come to the page is stated, or nobody else than this machine
// does.
func TestPageConfig(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{`"0.0.0.0:8082"`, `""`, "3:1: page is stated, and nothing serves it (state listen.page, the address to serve it at)"},
		{"url: https://", "url: http://", "4:3: page.url is no address of a page; write it as https://HOST ()"},
		{"acme.example\n", "acme.example/domctl\n", "4:3: page.url is no address of a page; write it as https://HOST ()"},
		{"  url: https://domctl.acme.example\n", "", "3:1: page.url is not stated ()"},
		{"[domctl,", "[\"domctl:8082\",", `5:11: page.hosts: "domctl:8082" is no name of a host; write it without scheme and port ()`},
		{"file:/run/secrets/page-key", "sesame", "6:3: page.key is no reference; write env:NAME or file:/path (put the secret there and state where it is, not the secret)"},
		{"/etc/domctl/tls.key", "tls.key", `7:36: page.tls.key: "tls.key" is no absolute path ()`},
		{"https://sso", "http://sso", "8:10: page.oidc.issuer is no issuer; write it as its discovery states it, https://HOST/PATH ()"},
		{"https://sso.acme.example", "http://127.0.0.1:3000", ""},
		{"client: domctl, ", "", "8:3: page.oidc.client is not stated ()"},
		{`"env:OIDC_SECRET"`, "sesame", "8:67: page.oidc.secret is no reference; write env:NAME or file:/path (put the secret there and state where it is, not the secret)"},
		{"[everyone]", "[ops]", `9:18: page.roles.look: "ops" names nobody; write it as group:NAME, user:NAME or everyone ()`},
		{`"group:acme:sre"`, `"group:"`, `18:19: deployments.try.roles.act: "group:" names nobody; write it as group:NAME, user:NAME or everyone ()`},
		{"group:ops", "group:ops\\n", "9:35: page.roles.act: \"group:ops\\n\" names nobody; write it as group:NAME, user:NAME or everyone ()"},
		{`{act: ["group:acme:sre"]}`, `{operate: ["group:acme:sre"]}`, "18:13: deployments.try.roles.operate is not known (declared: act and look)"},
	} {
		_, found := parse("s.yaml", []byte(strings.Replace(signedPage, c.old, c.new, 1)))
		want := c.want
		if want != "" {
			want = "DC520 s.yaml:" + want
		}
		if got := strings.TrimSpace(said(found)); got != want {
			t.Errorf("%s\n got: %s\nwant: %s", c.new, got, want)
		}
	}
}

// TestPageWithoutSignIn is for this machine alone.
func TestPageWithoutSignIn(t *testing.T) {
	page, rest, _ := strings.Cut(signedPage, "page:\n")
	_, rest, _ = strings.Cut(rest, "repositories")
	rest = "repositories" + strings.Replace(rest, "    roles: {act: [\"group:acme:sre\"]}\n", "", 1)
	for address, want := range map[string]bool{"127.0.0.1:8082": true, "127.1.2.3:8082": true, "[::1]:8082": true, "localhost:8082": true,
		"0.0.0.0:8082": false, ":8082": false, "[::]:8082": false, "10.0.0.1:8082": false, "domctl.acme.example:8082": false, "localhost.acme.example:8082": false, "[::ffff:10.0.0.1]:80": false} {
		_, found := parse("s.yaml", []byte(strings.Replace(page, "0.0.0.0:8082", address, 1)+rest))
		got := strings.TrimSpace(said(found))
		refused := "DC520 s.yaml:2:10: listen.page is not an address of this machine alone, and nobody signs in (state page.oidc, by which people sign in; or listen on 127.0.0.1)"
		if want && got != "" || !want && got != refused {
			t.Errorf("%s: %s", address, got)
		}
	}
	page = strings.Replace(page, "0.0.0.0", "127.0.0.1", 1)
	for field, place := range map[string]string{"url: https://domctl.acme.example": "3:8: page.url", "hosts: [domctl]": "3:8: page.hosts", "key: env:KEY": "3:8: page.key", "roles: {look: [everyone]}": "3:8: page.roles"} {
		_, found := parse("s.yaml", []byte(page+"page: {"+field+"}\n"+rest))
		if got, want := strings.TrimSpace(said(found)), "DC520 s.yaml:"+place+" is for a page that people sign in to (state page.oidc, by which people sign in)"; got != want {
			t.Errorf("%s\n got: %s\nwant: %s", field, got, want)
		}
	}
	_, found := parse("s.yaml", []byte(page+rest+"    roles: {look: [everyone]}\n"))
	if got := said(found); !strings.Contains(got, "deployments.try.roles is for a page that people sign in to") {
		t.Error(got)
	}
	text := strings.Replace(strings.Replace(signedPage, "  roles: {look: [everyone], act: [\"group:ops\", \"user:ann\"]}\n", "", 1), "    roles: {act: [\"group:acme:sre\"]}\n", "", 1)
	_, found = parse("s.yaml", []byte(text))
	if got, want := strings.TrimSpace(said(found)), "DC520 s.yaml:3:1: no roles are stated, so nobody could see anything (list groups below page.roles.look and page.roles.act)"; got != want {
		t.Error(got)
	}
}
