package web

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

const (
	// answers is how long a provider may take to say who it is, and as long again for the
	// rest: both end before who waits for the page is cut off.
	answers = 8 * time.Second
	// mostAnswer is how large one may be, bytes.
	mostAnswer = 1 << 20
)

// provider signs people in by the authorization code flow of OpenID Connect.
type provider struct {
	oidc OIDC
	back string // where it sends people back to
	now  func() time.Time

	asking singleflight.Group
	found  atomic.Pointer[oidc.Provider]
}

// flow is one sign-in under way, kept in the browser that began it, sealed.
type flow struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	To       string `json:"to"`
	Began    int64  `json:"began"`
}

// client asks a provider: within bounds, never in the clear but on this machine, and
// nowhere that the provider did not name itself.
func client() *http.Client {
	return &http.Client{Timeout: answers, Transport: bounded{http.DefaultTransport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !port.Loopback(r.URL.Hostname()) {
		return nil, fmt.Errorf("%s is not asked in the clear", r.URL.Host)
	}
	res, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, mostAnswer), res.Body}
	return res, nil
}

// ask answers who the provider is, with how it is spoken to. It is found out anew after a
// sign-in failed, so that new addresses of it count; its keys are fetched whenever it
// signs with an unknown one.
func (p *provider) ask(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	found := p.found.Load()
	if found == nil {
		answer, err, _ := p.asking.Do("", func() (any, error) {
			return oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), client()), p.oidc.Issuer)
		})
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", p.oidc.Issuer, err)
		}
		found = answer.(*oidc.Provider)
		p.found.Store(found)
	}
	return found, &oauth2.Config{ClientID: p.oidc.Client, RedirectURL: p.back, Endpoint: found.Endpoint(), Scopes: append([]string{oidc.ScopeOpenID}, p.oidc.Scopes...)}, nil
}

// begin is where somebody signs in.
func (p *provider) begin(ctx context.Context, f flow) (string, error) {
	_, c, err := p.ask(ctx)
	if err != nil {
		return "", err
	}
	return c.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), nil
}

// finish is who came back.
func (p *provider) finish(ctx context.Context, f flow, code string, groups []string) (session, error) {
	found, c, err := p.ask(ctx)
	if err != nil {
		return session{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, client()), answers)
	defer cancel()
	s, err := p.exchange(ctx, found, c, f, code, groups)
	if err != nil {
		p.found.Store(nil)
	}
	return s, err
}

func (p *provider) exchange(ctx context.Context, found *oidc.Provider, c *oauth2.Config, f flow, code string, groups []string) (s session, err error) {
	if c.ClientSecret, err = p.oidc.Secret(); err != nil {
		return s, fmt.Errorf("page.oidc.secret: %w", err)
	}
	tokens, err := c.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) { // its text holds all that was answered
		return s, fmt.Errorf("%s does not take the code: %q, status %d", p.oidc.Issuer, short(refused.ErrorCode), refused.Response.StatusCode)
	}
	if err != nil {
		return s, err
	}
	raw, _ := tokens.Extra("id_token").(string)
	// An hour's token is read within seconds: that its provider's clock is behind by
	// less than skew is no reason to refuse it.
	v := found.VerifierContext(ctx, &oidc.Config{ClientID: p.oidc.Client, Now: func() time.Time { return p.now().Add(-skew) }})
	id, err := v.Verify(ctx, raw)
	if err != nil {
		return s, err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1 {
		return s, errors.New("the token is of another sign-in: its nonce is not the one that was sent")
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(tokens.AccessToken); err != nil {
			return s, err
		}
	}
	return p.claims(id, groups)
}

// claims reads of a token who somebody is, and which of the groups are theirs.
func (p *provider) claims(id *oidc.IDToken, groups []string) (s session, err error) {
	var all map[string]any
	if err := id.Claims(&all); err != nil {
		return s, err
	}
	text := func(claim string) string { t, _ := all[claim].(string); return t }
	if len(id.Audience) > 1 && text("azp") != p.oidc.Client {
		return s, fmt.Errorf("the token was given to %q", short(text("azp")))
	}
	if s.User = text(p.oidc.User); s.User == "" {
		return s, fmt.Errorf("the token has no claim %q; page.oidc.user names the one that people are known by", p.oidc.User)
	}
	if p.oidc.User == "email" && all["email_verified"] != true {
		return s, fmt.Errorf("the provider has not verified the address %q", short(s.User))
	}
	for _, g := range list(all[p.oidc.Groups]) {
		if slices.Contains(groups, g) && !slices.Contains(s.Groups, g) {
			s.Groups = append(s.Groups, g)
		}
	}
	s.Name = short(s.User)
	return s, nil
}

// list are the texts of a claim, which is one or several.
func list(claim any) (texts []string) {
	if one, ok := claim.(string); ok {
		return []string{one}
	}
	several, _ := claim.([]any)
	for _, one := range several {
		if t, ok := one.(string); ok {
			texts = append(texts, t)
		}
	}
	return texts
}

// short cuts what others wrote to what can stand in a line.
func short(text string) string {
	const most = 100
	text = planner.Printable(text)
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// issued holds what a provider may say beside the code of who it is (RFC 9207).
func (p *provider) issued(q url.Values) bool {
	return !q.Has("iss") || q.Get("iss") == p.oidc.Issuer
}
