// Package forge speaks to GitHub, GitLab, Gitea or Forgejo, and Bitbucket Cloud as
// port.Forge, through their official clients where there are some, and reads what
// their webhooks deliver. It alone imports those clients.
//
// Whatever the client, every request goes through one carrier: it adds the token,
// speaks to one host only, bounds each answer in bytes and each attempt in time, waits
// as long as a forge that limits rates asks for, within bounds, and makes of an answer
// that is none an error of port. No error holds the token.
package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"domctl.dev/internal/port"
)

// Kind is which forge it is.
type Kind string

// The kinds of forges. Forgejo speaks as Gitea does.
const (
	GitHub    Kind = "github"
	GitLab    Kind = "gitlab"
	Gitea     Kind = "gitea"
	Bitbucket Kind = "bitbucket"
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{GitHub, GitLab, Gitea, Bitbucket} }

// Config says which forge, and as whom.
type Config struct {
	Kind Kind
	// URL is where people see the forge ("https://gitea.acme.example"), or its API
	// ("https://api.github.com"). Empty: the public one of its kind; Gitea has none.
	URL string
	// Token is asked for before every request, so that a new one counts at once. Of
	// Bitbucket it may be "user:app-password".
	Token func() (string, error)
	// User is the account whose token it is, for a forge that does not tell (a
	// GitHub App's installation); empty: the forge is asked.
	User string
	// Transport carries requests; nil is http.DefaultTransport.
	Transport http.RoundTripper
	// Wait is port.Sleep unless a test passes time otherwise, Now time.Now.
	Wait func(context.Context, time.Duration) error
	Now  func() time.Time
}

// Open makes the adapter; nothing is asked yet.
func Open(c Config) (port.Forge, error) {
	at, err := c.address()
	if err != nil {
		return nil, err
	}
	if c.Token == nil {
		return nil, errors.New("a forge is asked with a token, and none was given")
	}
	h := newCarrier(c, at)
	switch c.Kind {
	case GitHub:
		return openGitHub(c, at, h)
	case GitLab:
		return openGitLab(c, at, h)
	case Bitbucket:
		return openBitbucket(c, at, h)
	}
	return openGitea(c, at, h)
}

// address is where the forge's API is.
func (c Config) address() (*url.URL, error) {
	public := map[Kind]string{GitHub: "https://github.com", GitLab: "https://gitlab.com", Gitea: "", Bitbucket: "https://bitbucket.org"}
	usual, known := public[c.Kind]
	if !known {
		return nil, fmt.Errorf("there is no forge %q; the kinds are github, gitlab, gitea (Forgejo, too) and bitbucket", c.Kind)
	}
	text := c.URL
	if text == "" {
		text = usual
	}
	if text == "" {
		return nil, fmt.Errorf("there is no public %s; state the address of yours, as people open it", c.Kind)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the forge's address is not one; write it as https://HOST")
	case u.User != nil:
		return nil, errors.New("the forge's address holds a user or a password; the token is given apart from it")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the forge's address holds a query; write it as https://HOST")
	}
	return c.api(u), nil
}

// api is the address of the API beside the one that people know.
// https://docs.github.com/en/enterprise-server@3.17/rest/quickstart
// https://docs.gitlab.com/api/rest/ https://docs.gitea.com/development/api-usage
// https://developer.atlassian.com/cloud/bitbucket/rest/intro/
func (c Config) api(u *url.URL) *url.URL {
	u = u.JoinPath("/")
	switch {
	case c.Kind == GitHub && u.Host == "github.com":
		u.Host = "api.github.com"
	case c.Kind == Bitbucket && u.Host == "bitbucket.org":
		u.Host = "api.bitbucket.org"
	}
	path := strings.TrimSuffix(u.Path, "/")
	want := map[Kind]string{GitLab: "/api/v4", Gitea: "/api/v1", Bitbucket: "/2.0"}[c.Kind]
	if c.Kind == GitHub && u.Host != "api.github.com" {
		want = "/api/v3"
	}
	u.Path = strings.TrimSuffix(path, want) + want + "/"
	return u
}

// repository is an owner and a name; GitLab's owners have slashes.
func repository(repo string) (owner, name string, err error) {
	i := strings.LastIndexByte(repo, '/')
	if i <= 0 || i == len(repo)-1 {
		return "", "", fmt.Errorf("%q names no repository; write it as in its address, acme/domino", repo)
	}
	for part := range strings.SplitSeq(repo, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "?#%\\ ") {
			return "", "", fmt.Errorf("%q names no repository; write it as in its address, acme/domino", repo)
		}
	}
	return repo[:i], repo[i+1:], nil
}
