package web

import (
	"testing"

	"domctl.dev/schema"
)

// TestLinks are as each forge writes them.
func TestLinks(t *testing.T) {
	at := schema.Position{File: "a b.cue", Line: 12, Col: 3}
	for _, c := range []struct {
		forge              Forge
		line, commit, pull string
	}{
		{Forge{"github", "", "acme/domino"}, "https://github.com/acme/domino/blob/c0ffee/prod/a%20b.cue#L12", "https://github.com/acme/domino/commit/c0ffee", "https://github.com/acme/domino/pull/7"},
		{Forge{"github", "https://api.github.com", "acme/domino"}, "https://github.com/acme/domino/blob/c0ffee/prod/a%20b.cue#L12", "https://github.com/acme/domino/commit/c0ffee", "https://github.com/acme/domino/pull/7"},
		{Forge{"github", "https://github.acme.example/api/v3/", "acme/domino"}, "https://github.acme.example/acme/domino/blob/c0ffee/prod/a%20b.cue#L12", "https://github.acme.example/acme/domino/commit/c0ffee", "https://github.acme.example/acme/domino/pull/7"},
		{Forge{"gitlab", "https://gitlab.acme.example/api/v4", "acme/compute/domino"}, "https://gitlab.acme.example/acme/compute/domino/-/blob/c0ffee/prod/a%20b.cue#L12", "https://gitlab.acme.example/acme/compute/domino/-/commit/c0ffee", "https://gitlab.acme.example/acme/compute/domino/-/merge_requests/7"},
		{Forge{"gitea", "https://acme.example/git", "acme/domino"}, "https://acme.example/git/acme/domino/src/commit/c0ffee/prod/a%20b.cue#L12", "https://acme.example/git/acme/domino/commit/c0ffee", "https://acme.example/git/acme/domino/pulls/7"},
		{Forge{"bitbucket", "", "acme/domino"}, "https://bitbucket.org/acme/domino/src/c0ffee/prod/a%20b.cue#lines-12", "https://bitbucket.org/acme/domino/commits/c0ffee", "https://bitbucket.org/acme/domino/pull-requests/7"},
		{Forge{}, "", "", ""}, {Forge{"gitea", "javascript:alert(1)", "a/b"}, "", "", ""}, {Forge{"gitea", "", "a/b"}, "", "", ""}, {Forge{"svn", "https://acme.example", "a/b"}, "", "", ""},
	} {
		if got := c.forge.Line("c0ffee", "prod", at); got != c.line {
			t.Errorf("line %s", got)
		}
		if got := c.forge.Commit("c0ffee"); got != c.commit {
			t.Errorf("commit %s", got)
		}
		if got := c.forge.Pull(7); got != c.pull {
			t.Errorf("pull request %s", got)
		}
	}
	hub := Forge{"github", "", "acme/domino"}
	for file, want := range map[string]string{"../shared.cue": "https://github.com/acme/domino/blob/c0ffee/shared.cue#L1", "../../other.cue": "", "": "", "x?y#z.cue": "https://github.com/acme/domino/blob/c0ffee/prod/x%3Fy%23z.cue#L1"} {
		if got := hub.Line("c0ffee", "prod", schema.Position{File: file, Line: 1}); got != want {
			t.Errorf("%s: %s", file, got)
		}
	}
	if hub.Line("", "prod", at) != "" || hub.Commit("") != "" || hub.Pull(0) != "" {
		t.Error("a link to nothing")
	}
}

// TestForgeAt tells the forge by where a repository is cloned from.
func TestForgeAt(t *testing.T) {
	for clone, want := range map[string]Forge{
		"git@github.com:acme/domino.git":                 {"github", "https://github.com", "acme/domino"},
		"https://ann:secret@github.com/acme/domino.git":  {"github", "https://github.com", "acme/domino"},
		"ssh://git@gitlab.acme.example:2222/a/b/c.git":   {"gitlab", "https://gitlab.acme.example", "a/b/c"},
		"http://gitea.acme.example:3000/acme/domino.git": {"gitea", "http://gitea.acme.example:3000", "acme/domino"},
		"https://bitbucket.org/acme/domino":              {"bitbucket", "https://bitbucket.org", "acme/domino"},
		"https://git.acme.example/acme/domino":           {},
		"/srv/git/domino.git":                            {}, "": {}, "file:///srv/domino": {}, "https://github.com/": {}, "://": {},
	} {
		if got := ForgeAt(clone); got != want {
			t.Errorf("%s: %+v", clone, got)
		}
	}
}
