//go:build wire

package forge_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"domctl.dev/internal/forge"
	"domctl.dev/internal/forge/forgetest"
	"domctl.dev/internal/port"
	"domctl.dev/internal/wiretest"
)

// acme is a repository on a Gitea of ann's, where domctl's bot is an administrator.
func acme(t *testing.T) (repo *wiretest.ForgeRepo, server *wiretest.Gitea, ann, bot *wiretest.ForgeUser) {
	server = wiretest.Forge(t)
	ann, bot = server.User(t, "ann"), server.User(t, "domctl-bot")
	repo = ann.Repo(t, "domino", map[string]string{"prod/a.cue": "package domino\n"})
	repo.Allow(t, bot, "admin")
	return repo, server, ann, bot
}

// TestForgeGitea runs the contract on a Gitea.
func TestForgeGitea(t *testing.T) {
	t.Parallel()
	repo, server, ann, bot := acme(t)
	ben, eve, zoe := server.User(t, "ben"), server.User(t, "eve"), server.User(t, "zoe")
	repo.Allow(t, ben, "write")
	repo.Allow(t, eve, "read")
	commit := repo.Push(t, ann, "feature/change", "main", map[string]string{"prod/b.cue": "package domino\n"})
	number := repo.Pull(t, ann, "feature/change", "main", "A change")
	as := func(token string) port.Forge { return open(t, forge.Gitea, server.URL(), token) }
	forgetest.Contract(t, forgetest.Subject{
		Forge: as(bot.Token), Other: as(eve.Token), Denied: as("wrong-token-0123"), Token: "wrong-token-0123",
		Repo: repo.Name, User: bot.Name, Pull: number, Author: ann.Name, Branch: "feature/change", Base: "main", Commit: commit,
		Rights: map[string]port.Rights{ann.Name: port.AdminRights, bot.Name: port.AdminRights, ben.Name: port.WriteRights, eve.Name: port.ReadRights, zoe.Name: port.NoRights},
	})
	if got := repo.Statuses(t, commit)["domctl/other"]; got != "success" {
		t.Errorf("the forge shows %q", got)
	}
	// Only an administrator of the repository is told of others: a refusal is none of their rights.
	if got, err := as(ben.Token).Rights(t.Context(), repo.Name, ann.Name); got != port.NoRights || !errors.Is(err, port.ErrDenied) {
		t.Errorf("to a writer the rights of another are %d, %v; want ErrDenied", got, err)
	}
}

// TestForgeGiteaPulls: pull requests that are merged, closed, drafts, from a fork and
// from one that is gone.
func TestForgeGiteaPulls(t *testing.T) {
	t.Parallel()
	repo, server, ann, bot := acme(t)
	repo.Publish(t)
	eve := server.User(t, "eve")
	fork := repo.Fork(t, eve)
	f := open(t, forge.Gitea, server.URL(), bot.Token)
	work := func(r *wiretest.ForgeRepo, by *wiretest.ForgeUser, branch, title string) int {
		t.Helper()
		r.Push(t, by, branch, "main", map[string]string{"prod/" + branch + ".cue": "package domino\n"})
		if r != repo {
			branch = by.Name + ":" + branch
		}
		return repo.Pull(t, by, branch, "main", title)
	}
	read := func(number int) port.Pull {
		t.Helper()
		p, err := f.Pull(t.Context(), repo.Name, number)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	merged, closed, draft, foreign := work(repo, ann, "one", "One"), work(repo, ann, "two", "Two"), work(repo, ann, "three", "WIP: Three"), work(fork, eve, "four", "Four")
	commit := repo.Merge(t, ann, merged)
	repo.Close(t, ann, closed)
	if p := read(merged); p.State != port.PullMerged || p.MergeCommit != commit {
		t.Errorf("a merged one reads as %+v", p)
	}
	if p := read(closed); p.State != port.PullClosed || p.MergeCommit != "" {
		t.Errorf("a closed one reads as %+v", p)
	}
	if p := read(draft); p.State != port.PullOpen || !slices.Equal(p.Pushers, []string{ann.Name}) {
		t.Errorf("a draft reads as %+v", p)
	}
	if p := read(foreign); p.Repo != fork.Name || p.Author != eve.Name || !slices.Equal(p.Pushers, []string{eve.Name}) {
		t.Errorf("a fork's reads as %+v", p)
	}
	open, err := f.Pulls(t.Context(), repo.Name)
	if err != nil || len(open) != 2 {
		t.Errorf("open are %+v, %v", open, err)
	}
	eve.Do(t, http.MethodDelete, "/repos/"+fork.Name, nil, nil)
	if p := read(foreign); p.Repo != "" || p.HeadCommit == "" {
		t.Errorf("that of a fork which was deleted reads as %+v", p)
	}
}

// TestForgeGiteaHooks reads what a Gitea delivers.
func TestForgeGiteaHooks(t *testing.T) {
	t.Parallel()
	repo, _, ann, _ := acme(t)
	inbox := wiretest.NewInbox(t)
	repo.Hook(t, inbox.URL, "hush")
	read := func(event string, secret string) (wiretest.Post, []port.Hook, error) {
		t.Helper()
		for {
			post := inbox.Next(t, "X-Gitea-Event-Type", event)
			hooks, err := forge.ParseHook(forge.Gitea, post.Header, post.Body, secret)
			if len(hooks) != 1 || hooks[0].Branch != "main" { // which was pushed just before
				return post, hooks, err
			}
		}
	}
	expect := func(event, branch string) {
		t.Helper()
		_, hooks, err := read(event, "hush")
		if want := []port.Hook{{Repo: repo.Name, Branch: branch}}; err != nil || !slices.Equal(hooks, want) {
			t.Errorf("%s: %+v, %v; want %+v", event, hooks, err, want)
		}
	}
	repo.Push(t, ann, "feature/change", "main", map[string]string{"prod/b.cue": "package domino\n"})
	expect("push", "feature/change")
	number := repo.Pull(t, ann, "feature/change", "main", "A change")
	expect("pull_request", "")
	id := repo.Comment(t, ann, number, "domctl plan")
	expect("pull_request_comment", "")
	repo.EditComment(t, ann, id, "domctl apply")
	expect("pull_request_comment", "")
	repo.DeleteComment(t, ann, id)
	if _, hooks, err := read("pull_request_comment", "hush"); len(hooks) != 0 || err != nil {
		t.Errorf("a deleted comment: %+v, %v", hooks, err)
	}
	repo.Push(t, ann, "feature/change", "feature/change", map[string]string{"prod/c.cue": "package domino\n"})
	expect("pull_request_sync", "")
	repo.Merge(t, ann, number)
	expect("pull_request", "")
	repo.Comment(t, ann, number, "after")
	if post, hooks, err := read("pull_request_comment", "hush no more"); !errors.Is(err, forge.ErrHook) || hooks != nil || post.Header.Get("X-Gitea-Signature") == "" {
		t.Errorf("with another secret: %+v, %v", hooks, err)
	}
}

// TestForgeGiteaPushers: a commit says that it is ann's, and eve pushed it.
func TestForgeGiteaPushers(t *testing.T) {
	t.Parallel()
	repo, server, ann, bot := acme(t)
	eve := server.User(t, "eve")
	repo.Allow(t, eve, "write")
	repo.Push(t, ann, "change", "main", map[string]string{"prod/b.cue": "package domino\n"})
	number := repo.Pull(t, ann, "change", "main", "A change")
	commit := repo.PushOf(t, eve, ann, "change", "change", map[string]string{"prod/c.cue": "package domino\n"})
	f := open(t, forge.Gitea, server.URL(), bot.Token)
	p := eventually(t, f, repo, number, func(p port.Pull) bool { return p.HeadCommit == commit && len(p.Pushers) == 2 })
	if !slices.Equal(p.Pushers, []string{ann.Name, eve.Name}) {
		t.Errorf("pushers are %q", p.Pushers)
	}
}

// eventually reads a pull request until it is as wanted, or for some seconds.
func eventually(t *testing.T, f port.Forge, repo *wiretest.ForgeRepo, number int, is func(port.Pull) bool) port.Pull {
	t.Helper()
	var p port.Pull
	wiretest.Until(t, 20*time.Second, func() bool {
		var err error
		if p, err = f.Pull(t.Context(), repo.Name, number); err != nil {
			t.Fatal(err)
		}
		return is(p)
	}, func() string { return fmt.Sprintf("it reads as %+v", p) })
	return p
}

// TestForgeGiteaEdited: another may edit a comment, which still says that it is of who
// posted it. Gitea keeps seconds: an edit within that of the comment cannot be told.
func TestForgeGiteaEdited(t *testing.T) {
	t.Parallel()
	repo, server, ann, bot := acme(t)
	repo.Push(t, ann, "change", "main", map[string]string{"prod/b.cue": "package domino\n"})
	number := repo.Pull(t, ann, "change", "main", "A change")
	id := repo.Comment(t, ann, number, "domctl plan")
	f := open(t, forge.Gitea, server.URL(), bot.Token)
	only := func() port.Comment {
		t.Helper()
		all, err := f.Comments(t.Context(), repo.Name, number)
		if err != nil || len(all) != 1 {
			t.Fatalf("comments are %+v, %v", all, err)
		}
		return all[0]
	}
	if c := only(); c.Edited {
		t.Errorf("a comment that nobody edited reads as %+v", c)
	}
	for time.Since(only().CreatedAt) < 2*time.Second { // both clocks are this machine's
	}
	repo.EditComment(t, bot, id, "domctl apply")
	if c := only(); !c.Edited || c.Author != ann.Name || c.Body != "domctl apply" {
		t.Errorf("a comment that another edited reads as %+v", c)
	}
}
