//go:build wire

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"domctl.dev/internal/wiretest"
)

// TestForgeComment: a pull request on a Gitea has one comment of the bot's a deployment,
// and a status, whatever others write there. The bot may read, comment and set statuses.
func TestForgeComment(t *testing.T) {
	server := wiretest.Forge(t)
	ann, bot := server.User(t, "ann"), server.User(t, "domctl-bot")
	repo := ann.Repo(t, "domino", map[string]string{"README.md": "Ours.\n"})
	repo.Allow(t, bot, "write")
	commit := repo.Push(t, ann, "change", "main", map[string]string{"prod/compute.cue": "package domino\n"})
	number := repo.Pull(t, ann, "change", "main", "A change")
	dir := filepath.Join(t.TempDir(), "prod")
	plan := filepath.Join(t.TempDir(), "prod.plan")
	domctl(t, 0, "init", dir, "--example", "classic")
	domctl(t, 0, "plan", dir, "--out", plan)
	t.Setenv("GITEA_TOKEN", bot.Token)
	say := func(want int, commit string) string {
		t.Helper()
		out := domctl(t, want, "comment", "--plan", plan, "--forge", "gitea", "--url", server.URL(), "--repo", repo.Name, "--pull", fmt.Sprint(number), "--commit", commit)
		if strings.Contains(out, bot.Token) {
			t.Errorf("the token stands in %q", out)
		}
		return out
	}
	has := func(out, want string) {
		t.Helper()
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}

	has(say(0, commit), " created; status of "+commit+": success")
	ours := repo.Comments(t, number)
	if len(ours) != 1 {
		t.Fatalf("comments are %q", ours)
	}
	has(ours[0], "3 to update, 1 to adopt; 3 steps.")
	if got := repo.Statuses(t, commit)["domctl/acme-classic"]; got != "success" {
		t.Errorf("the status is %q", got)
	}

	stolen := repo.Comment(t, ann, number, ours[0])
	has(say(0, commit), " stands as it is; ")
	domctl(t, 0, "plan", dir, "--out", plan, "--target", "settings.*")
	has(say(0, commit), " updated; ")
	repo.DeleteComment(t, ann, stolen)
	if now := repo.Comments(t, number); len(now) != 1 || now[0] == ours[0] {
		t.Errorf("comments are %q", now)
	}

	next := repo.Push(t, ann, "change", "change", map[string]string{"prod/more.cue": "package domino\n"})
	for out := ""; !strings.Contains(out, "as the pull request is at "+next); { // Gitea moves it a moment later
		out = say(0, commit)
	}
	t.Setenv("GITEA_TOKEN", "a-token-of-no-one")
	has(say(1, commit), "access denied")
}
