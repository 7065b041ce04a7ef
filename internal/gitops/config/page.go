package config

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// Page is who may come to the page that is served, and what they may do there.
type Page struct {
	URL   string   `yaml:"url"`   // where people find it: https://HOST
	Hosts []string `yaml:"hosts"` // other names that it is asked by
	Key   string   `yaml:"key"`   // reference: what sessions are sealed with; empty: a key of the process
	TLS   *TLS     `yaml:"tls"`   // nil: it is served in the clear, to a proxy
	OIDC  *OIDC    `yaml:"oidc"`  // nil: nobody signs in, and only this machine reaches it
	Roles Roles    `yaml:"roles"` // of deployments that state none
}

// TLS is what the page is served with: files as PEM, read anew when they change.
type TLS struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// OIDC is a provider of OpenID Connect by which people sign in.
type OIDC struct {
	Issuer string   `yaml:"issuer"`
	Client string   `yaml:"client"`
	Secret string   `yaml:"secret"` // reference
	Scopes []string `yaml:"scopes"` // beside openid; none: profile
	User   string   `yaml:"user"`   // the claim that names people in roles; empty: sub
	Groups string   `yaml:"groups"` // the claim that lists their groups; empty: groups
}

// Roles say who may look at deployments and who may act on them, which holds the former:
// "group:NAME", "user:NAME", "everyone".
type Roles struct {
	Look []string `yaml:"look"`
	Act  []string `yaml:"act"`
}

var whomForm = regexp.MustCompile(`^(everyone|(user|group):.+)$`)

// fill states what the file leaves open.
func (p Page) fill() {
	if p.OIDC == nil {
		return
	}
	p.OIDC.User, p.OIDC.Groups = cmp.Or(p.OIDC.User, "sub"), cmp.Or(p.OIDC.Groups, "groups")
	if len(p.OIDC.Scopes) == 0 {
		p.OIDC.Scopes = []string{"profile"}
	}
}

// page holds that a page which others than this machine reach is one to sign in to.
func (k checking) page() {
	p := k.c.Page
	if k.has("page") && k.c.Listen.Page == "" && !k.bad["listen.page"] {
		k.wrong(k.where("page"), "state listen.page, the address to serve it at", "page is stated, and nothing serves it")
	}
	k.pageRoles("page", p.Roles)
	for _, name := range schema.Sorted(k.c.Deployments) {
		if r := k.c.Deployments[name].Roles; r != nil {
			k.pageRoles(schema.JoinPath("deployments", name), *r)
		}
	}
	if p.TLS != nil {
		k.file("page.tls.cert", p.TLS.Cert, true)
		k.file("page.tls.key", p.TLS.Key, true)
	}
	if p.OIDC == nil {
		k.nobody()
		return
	}
	k.outside(p)
	k.provider(*p.OIDC)
	k.reference("page.key", p.Key)
	if !k.anybody() {
		k.wrong(k.where("page"), "list groups below page.roles.look and page.roles.act", "no roles are stated, so nobody could see anything")
	}
}

// nobody holds a page without sign-in to this machine.
func (k checking) nobody() {
	const hint = "state page.oidc, by which people sign in"
	host, _, err := net.SplitHostPort(k.c.Listen.Page)
	if k.c.Listen.Page != "" && err == nil && !port.Loopback(host) {
		k.wrong(k.where("listen.page"), hint+"; or listen on 127.0.0.1", "listen.page is not an address of this machine alone, and nobody signs in")
	}
	paths := []string{"page.url", "page.hosts", "page.key", "page.roles"}
	for _, name := range schema.Sorted(k.c.Deployments) {
		paths = append(paths, schema.JoinPath("deployments", name, "roles"))
	}
	for _, at := range paths {
		if k.has(at) && !k.bad["page.oidc"] {
			k.wrong(k.where(at), hint, "%s is for a page that people sign in to", at)
		}
	}
}

// outside is where the page is found. Its cookies are for a host over TLS.
func (k checking) outside(p Page) {
	if k.need("page", "url", p.URL) {
		u, err := url.Parse(p.URL)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			k.wrong(k.where("page.url"), "", "page.url is no address of a page; write it as https://HOST")
		}
	}
	for i, host := range p.Hosts {
		if _, err := netip.ParseAddr(host); err != nil && strings.ContainsAny(host, ":/@* ") || host == "" {
			k.wrong(k.where("page.hosts."+strconv.Itoa(i)), "", "page.hosts: %q is no name of a host; write it without scheme and port", host)
		}
	}
}

func (k checking) provider(o OIDC) {
	if k.need("page.oidc", "issuer", o.Issuer) {
		u, err := url.Parse(o.Issuer)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !port.Loopback(u.Hostname())) {
			k.wrong(k.where("page.oidc.issuer"), "", "page.oidc.issuer is no issuer; write it as its discovery states it, https://HOST/PATH")
		}
	}
	k.need("page.oidc", "client", o.Client)
	k.need("page.oidc", "secret", o.Secret)
	k.reference("page.oidc.secret", o.Secret)
}

func (k checking) pageRoles(at string, r Roles) {
	for field, whom := range map[string][]string{"look": r.Look, "act": r.Act} {
		for i, who := range whom {
			if !whomForm.MatchString(who) {
				k.wrong(k.where(at+".roles."+field+"."+strconv.Itoa(i)), "", "%s.roles.%s: %q names nobody; write it as group:NAME, user:NAME or everyone", at, field, who)
			}
		}
	}
}

func (k checking) anybody() bool {
	n := len(k.c.Page.Roles.Look) + len(k.c.Page.Roles.Act)
	for _, d := range k.c.Deployments {
		if d.Roles != nil {
			n += len(d.Roles.Look) + len(d.Roles.Act)
		}
	}
	return n > 0
}
