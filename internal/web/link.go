package web

import (
	"net/url"
	"path"
	"strconv"
	"strings"

	"domctl.dev/schema"
)

// Forge is where people see a repository. Its zero value is nowhere: nothing links
// there then.
type Forge struct {
	Kind       string // github, gitlab, gitea or bitbucket
	URL        string // of the forge, or of its API; "" is the public one of its kind
	Repository string // "acme/domino"
}

// base is the address of the repository's page, "" where there is none.
func (f Forge) base() string {
	public := map[string]string{"github": "https://github.com", "gitlab": "https://gitlab.com", "bitbucket": "https://bitbucket.org"}
	at := f.URL
	if at == "" {
		at = public[f.Kind]
	}
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || f.Repository == "" {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	if u.Host == "api.github.com" || u.Host == "api.bitbucket.org" {
		u.Host, u.Path = strings.TrimPrefix(u.Host, "api."), ""
	}
	for _, api := range []string{"/api/v3", "/api/v4", "/api/v1", "/2.0"} {
		u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), api)
	}
	return u.JoinPath(strings.Split(f.Repository, "/")...).String()
}

// Commit is the address of a commit.
func (f Forge) Commit(commit string) string {
	words := map[string]string{"github": "commit", "gitea": "commit", "gitlab": "-/commit", "bitbucket": "commits"}
	return f.under(words[f.Kind], commit)
}

// Pull is the address of a pull request.
func (f Forge) Pull(number int) string {
	words := map[string]string{"github": "pull", "gitea": "pulls", "gitlab": "-/merge_requests", "bitbucket": "pull-requests"}
	if number <= 0 {
		return ""
	}
	return f.under(words[f.Kind], strconv.Itoa(number))
}

// Line is the address of a place in the files of a deployment in dir, at a commit.
// A place outside the tree has none.
func (f Forge) Line(commit, dir string, at schema.Position) string {
	file := path.Join(dir, at.File)
	if file == ".." || strings.HasPrefix(file, "../") || path.IsAbs(file) || at.File == "" {
		return ""
	}
	words := map[string]string{"github": "blob", "gitea": "src/commit", "gitlab": "-/blob", "bitbucket": "src"}
	to := f.under(words[f.Kind], commit)
	if to == "" || commit == "" {
		return ""
	}
	for s := range strings.SplitSeq(file, "/") {
		to += "/" + url.PathEscape(s)
	}
	if at.Line <= 0 {
		return to
	}
	if f.Kind == "bitbucket" {
		return to + "#lines-" + strconv.Itoa(at.Line)
	}
	return to + "#L" + strconv.Itoa(at.Line)
}

func (f Forge) under(word, name string) string {
	base := f.base()
	if base == "" || word == "" || name == "" {
		return ""
	}
	return base + "/" + word + "/" + url.PathEscape(name)
}

// ForgeAt is where people see what is cloned from an address, as far as its host tells
// which forge it is; else the zero Forge.
func ForgeAt(clone string) Forge {
	if at, name, scp := strings.Cut(clone, ":"); scp && !strings.Contains(clone, "://") { // git@HOST:OWNER/NAME
		clone = "ssh://" + at + "/" + name
	}
	u, err := url.Parse(clone)
	if err != nil {
		return Forge{}
	}
	host := strings.ToLower(u.Hostname())
	f := Forge{Kind: kindOf(host), URL: "https://" + host, Repository: strings.Trim(strings.TrimSuffix(u.Path, ".git"), "/")}
	if u.Scheme == "http" || u.Scheme == "https" {
		f.URL = u.Scheme + "://" + u.Host
	}
	if f.Kind == "" || !strings.Contains(f.Repository, "/") {
		return Forge{}
	}
	return f
}

// kindOf goes by the names of the public forges, and by how people name their own.
func kindOf(host string) string {
	known := map[string]string{"github.com": "github", "gitlab.com": "gitlab", "bitbucket.org": "bitbucket", "codeberg.org": "gitea"}
	if kind := known[host]; kind != "" {
		return kind
	}
	first, _, _ := strings.Cut(host, ".")
	own := map[string]string{"github": "github", "gitlab": "gitlab", "gitea": "gitea", "forgejo": "gitea"}
	return own[first]
}
