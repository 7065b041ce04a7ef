package forgetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

// Subject is a forge that was opened, and what stands there.
type Subject struct {
	Forge port.Forge
	Repo  string
	User  string // whose token Forge has; may comment and set statuses
	// Other is the same forge with the token of another account, which may comment.
	Other port.Forge
	// Pull is an open pull request of Author, from Branch of Repo; Commit is its head.
	Pull                   int
	Author, Branch, Commit string
	// Base is where it goes.
	Base string
	// Rights of accounts that are there.
	Rights map[string]port.Rights
	// Denied is the forge with a token that is none, Token what that is.
	Denied port.Forge
	Token  string
}

// Contract is what every adapter keeps. It leaves comments behind.
func Contract(t *testing.T, s Subject) {
	t.Run("Me", s.me)
	t.Run("Pull", s.pull)
	t.Run("Comments", s.comments)
	t.Run("Status", s.status)
	t.Run("Rights", s.rights)
	t.Run("Issues", s.tracker)
	t.Run("Denied", s.denied)
}

func (s Subject) me(t *testing.T) {
	if me, err := s.Forge.Me(t.Context()); err != nil || me != s.User {
		t.Errorf("Me is %q, %v; want %q", me, err, s.User)
	}
}

func (s Subject) pull(t *testing.T) {
	p, err := s.Forge.Pull(t.Context(), s.Repo, s.Pull)
	if err != nil {
		t.Fatal(err)
	}
	if p.Number != s.Pull || p.Author != s.Author || p.Repo != s.Repo || p.Head != s.Branch || p.Base != s.Base || p.HeadCommit != s.Commit || p.State != port.PullOpen || p.UpdatedAt.IsZero() {
		t.Errorf("the pull request reads as %+v", p)
	}
	if !slices.IsSorted(p.Pushers) || slices.Contains(p.Pushers, "") {
		t.Errorf("pushers are %q", p.Pushers)
	}
	if _, err := s.Forge.Pull(t.Context(), "no-slash", s.Pull); err == nil {
		t.Error("a repository without an owner is taken")
	}
	if _, err := s.Forge.Pull(t.Context(), s.Repo, 987654); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("a pull request that is not there: %v; want ErrNotFound", err)
	}
	all, err := s.Forge.Pulls(t.Context(), s.Repo)
	if err != nil || !slices.ContainsFunc(all, func(o port.Pull) bool { return o.Number == s.Pull && o.HeadCommit == s.Commit }) {
		t.Errorf("the open ones are %+v, %v", all, err)
	}
}

func (s Subject) comments(t *testing.T) {
	ctx := t.Context()
	const many = 55 // more than a page of any adapter
	hostile := "<b>&amp; \u202eäöü 🎉 `code`\n\n```\n/close\n```\n@nobody \\ \"quoted\""
	id, err := s.Forge.Comment(ctx, s.Repo, s.Pull, hostile)
	if err != nil {
		t.Fatal(err)
	}
	for i := range many {
		if _, err := s.Other.Comment(ctx, s.Repo, s.Pull, fmt.Sprintf("of another, %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("x", s.Forge.MaxComment())
	last, err := s.Forge.Comment(ctx, s.Repo, s.Pull, long)
	if err != nil {
		t.Fatalf("a comment of %d bytes: %v", len(long), err)
	}
	all := s.read(t)
	at := slices.IndexFunc(all, func(c port.Comment) bool { return c.ID == id })
	if at < 0 || len(all) < at+many+2 || all[len(all)-1].ID != last {
		t.Fatalf("of %d comments the first is at %d of %d", many+2, at, len(all))
	}
	if c := all[at]; c.Body != hostile || c.Author != s.User || c.Edited || c.CreatedAt.IsZero() {
		t.Errorf("the comment reads as %+v", c)
	}
	for i, c := range all[at+1 : at+1+many] {
		if want := fmt.Sprintf("of another, %d", i); c.Body != want || c.Author == s.User {
			t.Errorf("comment %d is %q of %s, want %q", i, c.Body, c.Author, want)
		}
	}
	if all[len(all)-1].Body != long {
		t.Error("the long comment was changed")
	}
	for _, text := range []string{"second text", "third text"} {
		if err := s.Forge.EditComment(ctx, s.Repo, s.Pull, id, text); err != nil {
			t.Fatal(err)
		}
		if c := s.read(t)[at]; c.ID != id || c.Body != text {
			t.Errorf("after an edit it reads as %+v", c)
		}
	}
	if err := s.Forge.EditComment(ctx, s.Repo, s.Pull, "987654321", "x"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("an edit of what is not there: %v; want ErrNotFound", err)
	}
	if _, err := s.Forge.Comments(ctx, s.Repo, 987654); err == nil {
		t.Error("a pull request that is not there has comments")
	}
}

func (s Subject) read(t *testing.T) []port.Comment {
	t.Helper()
	all, err := s.Forge.Comments(t.Context(), s.Repo, s.Pull)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (s Subject) status(t *testing.T) {
	for _, state := range []port.CommitState{port.CommitPending, port.CommitPending, port.CommitFailure, port.CommitFailure, port.CommitError, port.CommitSuccess, port.CommitSuccess} {
		status := port.CommitStatus{Name: "domctl/a-deployment-with-a-name-of-more-than-forty-letters", Text: strings.Repeat("ü", 140), URL: "https://ci.acme.example/job/1", State: state}
		if err := s.Forge.SetStatus(t.Context(), s.Repo, s.Commit, status); err != nil {
			t.Fatalf("%s: %v", state, err)
		}
	}
	if err := s.Forge.SetStatus(t.Context(), s.Repo, s.Commit, port.CommitStatus{Name: "domctl/other", State: port.CommitSuccess}); err != nil {
		t.Errorf("without a text and an address: %v", err)
	}
}

func (s Subject) rights(t *testing.T) {
	for user, want := range s.Rights {
		if got, err := s.Forge.Rights(t.Context(), s.Repo, user); err != nil || got != want {
			t.Errorf("%s has %d, %v; want %d", user, got, err, want)
		}
	}
	if got, err := s.Forge.Rights(t.Context(), s.Repo, "nobody-has-this-name"); got != port.NoRights {
		t.Errorf("a stranger has %d, %v", got, err)
	}
}

func (s Subject) denied(t *testing.T) {
	_, me := s.Denied.Me(t.Context())
	_, comment := s.Denied.Comment(t.Context(), s.Repo, s.Pull, "x")
	for _, err := range []error{me, comment} {
		if !errors.Is(err, port.ErrDenied) {
			t.Errorf("%v; want ErrDenied", err)
		}
		if err != nil && strings.Contains(err.Error(), s.Token) {
			t.Errorf("the token stands in %q", err)
		}
	}
}
