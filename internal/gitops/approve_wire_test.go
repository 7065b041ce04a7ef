//go:build wire

package gitops_test

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/forge"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/sim"
	"domctl.dev/internal/wiretest"
)

// deploymentFiles are those of one of the simulation's, as a repository holds them.
func deploymentFiles(t *testing.T, name string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for from, to := range map[string]string{"cue.mod": "cue.mod", name: "prod"} {
		root := filepath.Join("../sim/testdata", from)
		err := fs.WalkDir(os.DirFS(root), ".", func(at string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			text, err := os.ReadFile(filepath.Join(root, at))
			files[path.Join(to, at)] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestForgeApproved: on a real Gitea a pull request is planned, its author's word and an
// edited comment count for nothing, somebody else approves it, and once it is merged it is
// applied. What the next one lacks is asked for there.
func TestForgeApproved(t *testing.T) {
	tea := wiretest.Forge(t)
	ann, bob, bot := tea.User(t, "ann"), tea.User(t, "bob"), tea.User(t, "bot")
	repo := ann.Repo(t, "domino", deploymentFiles(t, "modern-before"))
	repo.Allow(t, bot, "admin")
	repo.Allow(t, bob, "write")
	f, err := forge.Open(forge.Config{Kind: forge.Gitea, URL: tea.URL(), Token: func() (string, error) { return bot.Token, nil }})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	var log bytes.Buffer
	at := r.reception(f, sim.KillAfter(-1), &log)
	d, remote := at.Desks[0], func() (git.Remote, error) {
		return git.Remote{URL: repo.URL, User: bot.Name, Password: bot.Token}, nil
	}
	branch := &gitops.Clone{Dir: filepath.Join(t.TempDir(), "r"), Remote: remote}
	at.Repo, at.Source = repo.Name, &gitops.Clone{Dir: filepath.Join(t.TempDir(), "r"), Remote: remote}
	d.Source, d.Forge, d.Repo = branch.Of(d.Bound.Dir), f, repo.Name
	talk := &gitops.Talk{Forge: f, Repo: repo.Name, Desks: at.Desks, Replan: at.Replan, Now: time.Now, Sleep: r.machine.Clock.Sleep}
	at.Converse = talk.Converse
	d.Await = func(pull int) { at.Await(d, pull) }
	turn := func(stage gitops.Stage, commit string) gitops.Turned {
		t.Helper()
		got, err := d.Turn(t.Context())
		if err != nil || got.Head.Stage != stage || got.Head.Commit != commit {
			t.Fatalf("%+v, %v", got, err)
		}
		return got
	}
	said := func(number int, want string) string {
		t.Helper()
		look(t, at)
		all := repo.Comments(t, number)
		if i := slices.IndexFunc(all, func(s string) bool { return strings.Contains(s, want) }); i >= 0 {
			return all[i]
		}
		t.Fatalf("%q is not in %q; log: %s", want, all, log.String())
		return ""
	}
	first, err := branch.Head(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	turn(gitops.Done, first) // there are no rules yet
	d.Bound.Rules = []config.Rule{anyRule}

	repo.Push(t, ann, "work", "main", deploymentFiles(t, "modern"))
	number := repo.Pull(t, ann, "work", "main", "Work")
	text := said(number, "- rule `all`: 1 approval, 1 missing")
	_, yes, _ := strings.Cut(text, "\n    ")
	yes, _, _ = strings.Cut(yes, "\n")
	if !strings.HasPrefix(yes, "domctl apply ") {
		t.Fatalf("the line to write is %q", yes)
	}
	repo.Comment(t, ann, number, yes)
	said(number, "Nothing was approved: `"+ann.Name+"` wrote or pushed")
	repo.Comment(t, bob, number, "> "+yes)
	time.Sleep(1100 * time.Millisecond) // of an edit within the second Gitea says nothing
	repo.EditComment(t, bob, repo.Comment(t, bob, number, "x"), "y")
	edited := repo.Comment(t, bob, number, "Well.")
	time.Sleep(1100 * time.Millisecond)
	repo.EditComment(t, bob, edited, yes)
	look(t, at)
	if all := strings.Join(repo.Comments(t, number), "\n"); strings.Contains(all, "`"+bob.Name+"` approved") {
		t.Fatalf("a quote or an edited comment is taken: %q", all)
	}
	repo.Comment(t, bob, number, "Good.\n\n"+yes)
	said(number, "`"+bob.Name+"` approved effect `"+strings.TrimPrefix(yes, "domctl apply ")+"`")
	turn(gitops.Done, first)
	merge := repo.Merge(t, bob, number)
	got := turn(gitops.Done, merge)
	if u, there, err := gitops.ReadUsed(t.Context(), r.machine.Store, got.Head.Plan); err != nil || !there || len(u.Approvals) != 1 || u.Approvals[0].User != bob.Name {
		t.Errorf("%+v, %v", u, err)
	}

	// The next one is merged first, and approved then.
	repo.Push(t, bob, "more", "main", map[string]string{"prod/compute.cue": deploymentFiles(t, "modern-before")["prod/compute.cue"]})
	next := repo.Pull(t, bob, "more", "main", "More")
	merge = repo.Merge(t, ann, next)
	got = turn(gitops.Asked, merge)
	if got.Head.Pull != next {
		t.Fatalf("%+v", got)
	}
	said(next, "waits for approval")
	yes = "domctl apply " + got.Head.Effect
	repo.Comment(t, bob, next, yes)
	said(next, "Nothing was approved: `"+bob.Name+"` wrote or pushed")
	turn(gitops.Asked, merge)
	repo.Comment(t, ann, next, yes)
	said(next, "`"+ann.Name+"` approved")
	turn(gitops.Done, merge)
}
