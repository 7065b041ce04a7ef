package gitops_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/forge"
	"domctl.dev/internal/forge/forgetest"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

const repo = "acme/domino"

var head = strings.Repeat("b", 40)

// opened is each kind of forge, and what stands on it.
func opened(t *testing.T, run func(t *testing.T, kind forge.Kind, tea *forgetest.Tea, f port.Forge)) {
	for _, kind := range forge.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			tea := forgetest.NewTea(repo)
			serve := map[forge.Kind]http.Handler{forge.Gitea: tea, forge.GitHub: forgetest.Hub{Tea: tea}, forge.GitLab: forgetest.Lab{Tea: tea}, forge.Bitbucket: forgetest.Bucket{Tea: tea}}
			s := httptest.NewServer(serve[kind])
			t.Cleanup(s.Close)
			f, err := forge.Open(forge.Config{Kind: kind, URL: s.URL, Token: func() (string, error) { return "bot-token", nil }, Wait: func(context.Context, time.Duration) error { return nil }})
			if err != nil {
				t.Fatal(err)
			}
			run(t, kind, tea, f)
		})
	}
}

func about(key, text string) gitops.Comment {
	return gitops.Comment{Repo: repo, Pull: 3, Key: key, Text: func(int) string { return text }}
}

func post(t *testing.T, f port.Forge, c gitops.Comment) gitops.Posted {
	t.Helper()
	p, err := c.Post(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// firstLine is the marker of what was posted.
func firstLine(tea *forgetest.Tea) string {
	all := tea.Comments(3)
	line, _, _ := strings.Cut(all[len(all)-1].Body, "\n")
	return line
}

// TestOneComment: a comment of ours is found among hundreds, and updated; those of
// strangers that look like it, and quotes of it, are never touched.
func TestOneComment(t *testing.T) {
	opened(t, func(t *testing.T, _ forge.Kind, tea *forgetest.Tea, f port.Forge) {
		if p := post(t, f, about("prod", "one")); !p.Created {
			t.Fatalf("%+v", p)
		}
		mark := firstLine(tea)
		strange := []int64{
			tea.Say(3, "eve", mark+"\n\nfrom a stranger"),
			tea.Say(3, "eve", mark+"\n\na megabyte"+strings.Repeat(" x", 1<<19)),
			tea.Say(3, "domctl-bot", "> "+mark+"\n\na quote"),
			tea.Say(3, "domctl-bot", "```\n"+mark+"\n```"),
			tea.Say(3, "domctl-bot", "look:\n"+mark),
			tea.Say(3, "domctl-bot", " "+mark),
			tea.Say(3, "domctl-bot", mark+" and more"),
			tea.Say(3, "domctl-bot-", mark), tea.Say(3, "Domctl-Bot", mark), tea.Say(3, "", mark),
		}
		before := tea.Comments(3)
		for i := range 120 {
			tea.Say(3, "ann", fmt.Sprint("and another ", i))
		}
		if p := post(t, f, about("prod", "two")); !p.Updated || p.Created || p.Folded > 0 {
			t.Errorf("%+v", p)
		}
		if p := post(t, f, about("prod", "two")); p.Updated || p.Created {
			t.Errorf("the same again: %+v", p)
		}
		if p := post(t, f, about("staging", "of another deployment")); !p.Created {
			t.Errorf("%+v", p)
		}
		all := tea.Comments(3)
		if len(all) != 1+len(strange)+120+1 || all[0].Body != mark+"\n\ntwo" {
			t.Errorf("%d comments, the first is %q", len(all), all[0].Body)
		}
		for i := range strange {
			if all[i+1] != before[i+1] {
				t.Errorf("%+v became %+v", before[i+1], all[i+1])
			}
		}
	})
}

// TestDoubles: the oldest of several stays, the others say that they are doubles, once.
func TestDoubles(t *testing.T) {
	opened(t, func(t *testing.T, _ forge.Kind, tea *forgetest.Tea, f port.Forge) {
		post(t, f, about("prod", "one"))
		mark := firstLine(tea)
		tea.Say(3, "domctl-bot", mark+"\r\n\r\nout of date, effect 0123")
		tea.Say(3, "domctl-bot", mark+"\n\nout of date, effect 4567")
		if p := post(t, f, about("prod", "two")); !p.Updated || p.Folded != 2 || p.ID != "1" {
			t.Errorf("%+v", p)
		}
		if p := post(t, f, about("prod", "three")); !p.Updated || p.Folded != 0 {
			t.Errorf("%+v", p)
		}
		for _, c := range tea.Comments(3)[1:] {
			if strings.Contains(c.Body, "effect") {
				t.Errorf("somebody may approve %q", c.Body)
			}
		}
	})
}

// TestLost: whatever call is lost, nothing is written on what was not read, and
// repeating it comes to one comment.
func TestLost(t *testing.T) {
	opened(t, func(t *testing.T, _ forge.Kind, tea *forgetest.Tea, f port.Forge) {
		p := planner.Plan{Deployment: "prod", Effect: "0123"}
		tell := gitops.Telling{Repo: repo, Pull: 3, Commit: head, Plan: p}
		for n := 0; ; n++ {
			left := n
			tea.Fault = func(w http.ResponseWriter, _ *http.Request) bool {
				left--
				if left == -1 {
					http.Error(w, `{"message": "broken"}`, http.StatusInternalServerError)
				}
				return left == -1
			}
			_, err := tell.Tell(t.Context(), f)
			if left >= 0 {
				break // all calls were made
			}
			if err == nil {
				t.Fatalf("call %d failed, and nothing is said", n)
			}
			if len(tea.Comments(3)) > 1 {
				t.Fatalf("call %d: %+v", n, tea.Comments(3))
			}
		}
		if all := tea.Comments(3); len(all) != 1 || len(tea.Statuses()) == 0 {
			t.Errorf("%+v, %+v", all, tea.Statuses())
		}
	})
}

// gone is a forge on which a comment is deleted between two calls.
type gone struct{ port.Forge }

func (gone) EditComment(context.Context, string, int, string, string) error {
	return fmt.Errorf("forge: %w", port.ErrNotFound)
}

// nobody does not say whose its token is.
type nobody struct{ port.Forge }

func (nobody) Me(context.Context) (string, error) { return "", nil }

func TestDeletedMeanwhile(t *testing.T) {
	opened(t, func(t *testing.T, _ forge.Kind, tea *forgetest.Tea, f port.Forge) {
		post(t, f, about("prod", "one"))
		if p := post(t, gone{f}, about("prod", "two")); !p.Created || len(tea.Comments(3)) != 2 {
			t.Errorf("%+v", p)
		}
		tea.Say(3, "", firstLine(tea))
		if _, err := about("prod", "three").Post(t.Context(), nobody{f}); err == nil {
			t.Error("comments of nobody are taken for ours")
		}
	})
}

// TestTell: comment and status of a plan, within each forge's limit.
func TestTell(t *testing.T) {
	opened(t, func(t *testing.T, kind forge.Kind, tea *forgetest.Tea, f port.Forge) {
		p := planner.Plan{Deployment: "prod", Effect: "0123456789abcdef0123456789abcdef", Findings: []schema.Finding{{Code: "DC223", Severity: schema.Error, Message: "wrong @acme/admins"}}}
		for i := range 20_000 {
			p.Changes = append(p.Changes, planner.Change{Address: schema.Address{Kind: "hardwareTiers", Name: fmt.Sprintf("tier-%d", i)}, Action: planner.ActionUpdate, Reason: "files changed",
				Fields: []planner.Diff{{Path: "cores", Before: schema.JSON(1), After: schema.JSON(2)}}})
		}
		tell := gitops.Telling{Repo: repo, Pull: 3, Commit: head, Plan: p, Whole: "https://ci.acme.example/1"}
		told, err := tell.Tell(t.Context(), f)
		if err != nil || !told.Comment.Created || told.Status.State != port.CommitFailure || told.Moved != "" {
			t.Fatalf("%+v, %v", told, err)
		}
		if body := tea.Comments(3)[0].Body; len(body) > f.MaxComment() || len(body) < f.MaxComment()-1000 || !strings.Contains(body, "wrong @acme/admins") || !strings.Contains(body, "(<https://ci.acme.example/1>)") {
			t.Errorf("%d bytes of %d:\n%.500s", len(body), f.MaxComment(), body)
		}
		if s := tea.Statuses()[0]; s.Commit != head || !strings.Contains(s.Description, p.Effect) || s.Target != tell.Whole {
			t.Errorf("%+v", s)
		}
		tea.Push(3, strings.Repeat("c", 40))
		tell.Plan.Findings = nil
		told, err = tell.Tell(t.Context(), f)
		if err != nil || told.Moved != strings.Repeat("c", 40) || told.Comment.ID != "" || told.Status.State != port.CommitSuccess || strings.Contains(fmt.Sprint(tea.Comments(3)), "\"nothing\"") {
			t.Errorf("%+v, %v", told, err)
		}
		if len(tea.Comments(3)) != 1 || !strings.Contains(tea.Comments(3)[0].Body, "wrong") {
			t.Error("a comment on a newer head was replaced")
		}
		tell.Pull = 99
		if _, err := tell.Tell(t.Context(), f); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%s: %v", kind, err)
		}
	})
}
