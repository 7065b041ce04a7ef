//go:build wire

package gitops_test

import (
	"strings"
	"testing"

	"domctl.dev/internal/forge"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/wiretest"
	"domctl.dev/planner"
)

// TestForgeComment: one comment on a real Gitea, beside a stranger's that looks like it.
func TestForgeComment(t *testing.T) {
	tea := wiretest.Forge(t)
	ann, bot := tea.User(t, "ann"), tea.User(t, "bot")
	repo := ann.Repo(t, "domino", map[string]string{"a.cue": "package a\n"})
	repo.Allow(t, bot, "write")
	commit := repo.Push(t, ann, "work", "main", map[string]string{"b.cue": "package a\n"})
	number := repo.Pull(t, ann, "work", "main", "Work")
	f, err := forge.Open(forge.Config{Kind: forge.Gitea, URL: tea.URL(), Token: func() (string, error) { return bot.Token, nil }})
	if err != nil {
		t.Fatal(err)
	}
	tell := gitops.Telling{Repo: repo.Name, Pull: number, Commit: commit, Plan: planner.Plan{Deployment: "prod", Effect: "0123"}}
	told, err := tell.Tell(t.Context(), f)
	if err != nil || !told.Comment.Created {
		t.Fatalf("%+v, %v", told, err)
	}
	mark, _, _ := strings.Cut(repo.Comments(t, number)[0], "\n")
	repo.Comment(t, ann, number, mark+"\n\nI am the plan")
	if told, err = tell.Tell(t.Context(), f); err != nil || told.Comment.Created || told.Comment.Updated {
		t.Errorf("the same again: %+v, %v", told, err)
	}
	tell.Plan.Effect = "4567"
	if told, err = tell.Tell(t.Context(), f); err != nil || !told.Comment.Updated {
		t.Errorf("another plan: %+v, %v", told, err)
	}
	all := repo.Comments(t, number)
	if len(all) != 2 || !strings.Contains(all[0], "4567") || !strings.HasSuffix(all[1], "I am the plan") {
		t.Errorf("comments are %q", all)
	}
	if got := repo.Statuses(t, commit)["domctl/prod"]; got != "success" {
		t.Errorf("the status is %q", got)
	}
}
