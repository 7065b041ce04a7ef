package forge_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/forge"
	"domctl.dev/internal/forge/forgetest"
	"domctl.dev/internal/port"
)

func open(t testing.TB, kind forge.Kind, url, token string) port.Forge {
	t.Helper()
	f, err := forge.Open(forge.Config{Kind: kind, URL: url, Token: func() (string, error) { return token, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// served are the kinds, and a forge of each that answers in its shapes.
func served() map[forge.Kind]func(*forgetest.Tea) http.Handler {
	return map[forge.Kind]func(*forgetest.Tea) http.Handler{
		forge.Gitea:     func(t *forgetest.Tea) http.Handler { return t },
		forge.GitHub:    func(t *forgetest.Tea) http.Handler { return forgetest.Hub{Tea: t} },
		forge.GitLab:    func(t *forgetest.Tea) http.Handler { return forgetest.Lab{Tea: t} },
		forge.Bitbucket: func(t *forgetest.Tea) http.Handler { return forgetest.Bucket{Tea: t} },
	}
}

// TestContract runs the contract on small forges in the shapes that each publishes.
func TestContract(t *testing.T) {
	for kind, serve := range served() {
		t.Run(string(kind), func(t *testing.T) {
			tea := forgetest.NewTea("acme/domino")
			for n := 100; n < 160; n++ { // more than a page
				tea.AddPull(n, "ann", "change", strings.Repeat("d", 40))
			}
			s := httptest.NewServer(serve(tea))
			defer s.Close()
			name := func(user string) string { return user }
			if kind == forge.Bitbucket {
				name = forgetest.UUID
			}
			forgetest.Contract(t, forgetest.Subject{Forge: open(t, kind, s.URL, "bot-token"), Other: open(t, kind, s.URL, "ann-token"),
				Denied: open(t, kind, s.URL, "wrong-token-0123"), Token: "wrong-token-0123",
				Repo: "acme/domino", User: name("domctl-bot"), Pull: 3, Author: name("ann"), Branch: "change", Base: "main", Commit: strings.Repeat("b", 40),
				Rights: map[string]port.Rights{name("domctl-bot"): port.AdminRights, name("ann"): port.WriteRights, name("eve"): port.ReadRights}})
			f := open(t, kind, s.URL, "bot-token")
			if all, err := f.Pulls(t.Context(), "acme/domino"); err != nil || len(all) != 61 {
				t.Errorf("%d pull requests, %v", len(all), err)
			}
			merge := strings.Repeat("e", 40)
			tea.Merge(100, merge)
			if got, err := f.Carried(t.Context(), "acme/domino", merge); err != nil || !slices.Equal(got, []int{100}) {
				t.Errorf("%s came by %d, %v", merge, got, err)
			}
			if p, err := f.Pull(t.Context(), "acme/domino", 100); err != nil || p.State != port.PullMerged || p.MergeCommit != merge {
				t.Errorf("what was merged reads as %+v, %v", p, err)
			}
			if got, err := f.Carried(t.Context(), "acme/domino", strings.Repeat("f", 40)); err != nil || len(got) > 0 {
				t.Errorf("what was pushed came by %d, %v", got, err)
			}
			if p, err := f.Pull(t.Context(), "acme/domino", 3); err != nil || !strings.Contains(strings.Join(p.Pushers, " "), name("ann")) {
				t.Errorf("pushers are %q, %v", p.Pushers, err)
			}
		})
	}
}

// TestInstallation: the token of a job of GitHub Actions may not ask who it is as a
// person does.
func TestInstallation(t *testing.T) {
	s := httptest.NewServer(forgetest.Hub{Tea: forgetest.NewTea("acme/domino"), App: true})
	defer s.Close()
	if me, err := open(t, forge.GitHub, s.URL, "bot-token").Me(t.Context()); err != nil || me != "domctl-bot" {
		t.Errorf("Me is %q, %v", me, err)
	}
}

// TestBitbucketHeads: a whole name is asked for once as long as a pull request does not
// move, also where what it moves to begins alike.
func TestBitbucketHeads(t *testing.T) {
	tea := forgetest.NewTea("acme/domino")
	for n := 100; n < 160; n++ {
		tea.AddPull(n, "ann", "change", strings.Repeat("d", 40))
	}
	tea.Push(130, strings.Repeat("1", 40))
	s := httptest.NewServer(forgetest.Bucket{Tea: tea})
	defer s.Close()
	f := open(t, forge.Bitbucket, s.URL, "bot-token")
	look := func(what string, want int) []port.Pull {
		t.Helper()
		before := tea.Requests()
		all, err := f.Pulls(t.Context(), "acme/domino")
		if err != nil || len(all) != 61 || tea.Requests()-before != want {
			t.Errorf("%s: %d pull requests, %v, %d calls, want %d", what, len(all), err, tea.Requests()-before, want)
		}
		return all
	}
	look("at first", 4+61)
	look("again", 4)
	alike := strings.Repeat("1", 12) + strings.Repeat("0", 28)
	tea.Push(130, alike)
	for _, p := range look("one moved", 4+1) {
		if p.Number == 130 && p.HeadCommit != alike {
			t.Errorf("it is at %s", p.HeadCommit)
		}
	}
	look("again", 4)
}
