package web

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Roles say who has which right: "group:NAME" and "user:NAME", as the provider names
// them, and "everyone", which is whoever is signed in. Who may act may look.
type Roles struct{ Look, Act []string }

func (r Roles) has(s session, right Right) bool {
	is := func(whom []string) bool { return slices.ContainsFunc(whom, s.is) }
	switch right {
	case Look:
		return is(r.Look) || is(r.Act)
	case Act:
		return is(r.Act)
	}
	return false
}

// groups are those that are named.
func (r Roles) groups() (names []string) {
	for _, whom := range slices.Concat(r.Look, r.Act) {
		if name, ok := strings.CutPrefix(whom, "group:"); ok {
			names = append(names, name)
		}
	}
	return names
}

// Access says who may come to the page, and what they may do there.
type Access struct {
	// URL is where people find the page, https://HOST; empty without OIDC. What proxies
	// say of it in headers counts for nothing.
	URL string
	// Hosts are names that the page is asked by beside the one of URL.
	Hosts []string
	// OIDC is who knows people. Nil: whoever reaches the page may look at everything, and
	// change nothing, as nobody would know who did. It answers only to names of this
	// machine then.
	OIDC *OIDC
	// Roles count for every deployment that has none of its own in Deployments.
	Roles       Roles
	Deployments map[string]Roles
	// Key reads what cookies are sealed with, at least 32 bytes a line: the first line
	// seals, all of them open. It is read for each request. Nil: a key of this process.
	Key    func() (string, error)
	Now    func() time.Time
	Random io.Reader
	Log    *slog.Logger
}

// OIDC is a provider of OpenID Connect, and who the page is to it.
type OIDC struct {
	Issuer string // its address, exactly as it states it
	Client string
	Secret func() (string, error) // is read for each sign-in
	Scopes []string               // beside openid
	User   string                 // the claim that names people in roles
	Groups string                 // the claim that lists their groups
}

// named are the groups that any role names: no others are kept of anybody.
func (a Access) named() []string {
	names := a.Roles.groups()
	for _, r := range a.Deployments {
		names = append(names, r.groups()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// may says what somebody may do with a deployment.
func (a Access) may(s session, deployment string, right Right) bool {
	if a.OIDC == nil {
		return right == Look
	}
	if own, ok := a.Deployments[deployment]; ok {
		return own.has(s, right)
	}
	return a.Roles.has(s, right)
}

// random is a text of 256 bits that nobody can guess.
func (a Access) random() (string, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(a.Random, b); err != nil {
		return "", fmt.Errorf("randomness: %w", err)
	}
	return encode(b), nil
}

// visit is one request's somebody.
type visit struct {
	session session
	keys    keys
}

type visitKey struct{}

func visitOf(ctx context.Context) (visit, bool) {
	v, ok := ctx.Value(visitKey{}).(visit)
	return v, ok
}

// Who is the name of who asks, and "" where nobody signs in.
func (g *Guard) Who(ctx context.Context) string {
	v, _ := visitOf(ctx)
	return v.session.Name
}

// Can looks up a right of who asks, which is none once the session is over.
func (g *Guard) Can(ctx context.Context, deployment string, right Right) bool {
	v, ok := visitOf(ctx)
	return ok && g.lives(v.session) && g.access.may(v.session, deployment, right)
}

// lives says whether a session counts; without a provider there is one, which always does.
func (g *Guard) lives(s session) bool {
	return g.access.OIDC == nil || s.lives(g.access.Now()) && !g.ended.has(s.ID)
}
