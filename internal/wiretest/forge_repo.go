//go:build linux

package wiretest

import (
	"context"
	"fmt"
	"net/http"
	"testing"
)

// ForgeRepo is a repository on a Gitea.
type ForgeRepo struct {
	Name string // owner/name
	URL  string // for git, over HTTP

	Owner *ForgeUser
}

// Repo makes a private repository of the user's, whose branch main has the files.
func (u *ForgeUser) Repo(t testing.TB, name string, files map[string]string) *ForgeRepo {
	t.Helper()
	u.Do(t, http.MethodPost, "/user/repos", jsonOf{"name": name, "private": true, "default_branch": "main"}, nil)
	r := u.repo(name)
	r.Push(t, u, "main", "", files)
	r.await(t)
	return r
}

// await waits until Gitea knows that something was pushed. Until then it answers a
// question for a branch with its status 500.
func (r *ForgeRepo) await(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	check(t, poll(ctx, func() error {
		var known struct{ Empty bool }
		_, err := r.Owner.Ask(ctx, http.MethodGet, r.path(""), nil, &known)
		if err == nil && known.Empty {
			err = fmt.Errorf("%s is empty", r.Name)
		}
		return err
	}))
}

func (u *ForgeUser) repo(name string) *ForgeRepo {
	return &ForgeRepo{Name: u.Name + "/" + name, URL: u.forge.URL() + "/" + u.Name + "/" + name + ".git", Owner: u}
}

// Publish lets everybody read it.
func (r *ForgeRepo) Publish(t testing.TB) {
	t.Helper()
	r.Owner.Do(t, http.MethodPatch, r.path(""), jsonOf{"private": false}, nil)
}

// Fork makes a copy of the user's own.
func (r *ForgeRepo) Fork(t testing.TB, by *ForgeUser) *ForgeRepo {
	t.Helper()
	var made struct{ Name string }
	by.Do(t, http.MethodPost, r.path("/forks"), jsonOf{}, &made)
	return by.repo(made.Name)
}

func (r *ForgeRepo) path(below string, a ...any) string {
	return "/repos/" + r.Name + fmt.Sprintf(below, a...)
}

// Allow gives a user rights, which are Gitea's read, write or admin.
func (r *ForgeRepo) Allow(t testing.TB, user *ForgeUser, rights string) {
	t.Helper()
	r.Owner.Do(t, http.MethodPut, r.path("/collaborators/%s", user.Name), jsonOf{"permission": rights}, nil)
}

// Disallow takes them again.
func (r *ForgeRepo) Disallow(t testing.TB, user *ForgeUser) {
	t.Helper()
	r.Owner.Do(t, http.MethodDelete, r.path("/collaborators/%s", user.Name), nil, nil)
}

// Pull opens a pull request and answers its number. A head in a fork is
// owner:branch.
func (r *ForgeRepo) Pull(t testing.TB, by *ForgeUser, head, base, title string) int {
	t.Helper()
	var made struct{ Number int }
	by.Do(t, http.MethodPost, r.path("/pulls"), jsonOf{"head": head, "base": base, "title": title}, &made)
	return made.Number
}

// Close closes a pull request without merging it.
func (r *ForgeRepo) Close(t testing.TB, by *ForgeUser, number int) {
	t.Helper()
	by.Do(t, http.MethodPatch, r.path("/pulls/%d", number), jsonOf{"state": "closed"}, nil)
}

// Approve reviews a pull request, as it stands, with a yes.
func (r *ForgeRepo) Approve(t testing.TB, by *ForgeUser, number int) {
	t.Helper()
	by.Do(t, http.MethodPost, r.path("/pulls/%d/reviews", number), jsonOf{"event": "APPROVED", "body": "good"}, nil)
}

// Merge merges a pull request by a merge commit, which it answers. Gitea looks
// in the background whether it can, and refuses as long as it does not know.
func (r *ForgeRepo) Merge(t testing.TB, by *ForgeUser, number int) (commit string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	check(t, poll(ctx, func() error {
		status, err := by.Ask(ctx, http.MethodPost, r.path("/pulls/%d/merge", number), jsonOf{"Do": "merge"}, nil)
		switch {
		case err != nil:
			return final{err}
		case status == http.StatusMethodNotAllowed:
			return fmt.Errorf("%s#%d is not merged: %d", r.Name, number, status)
		case status != http.StatusOK:
			return final{fmt.Errorf("%s#%d is not merged: %d", r.Name, number, status)}
		}
		return nil
	}))
	var merged struct {
		MergeCommit string `json:"merge_commit_sha"`
	}
	by.Do(t, http.MethodGet, r.path("/pulls/%d", number), nil, &merged)
	return merged.MergeCommit
}

// Comment writes one under a pull request, and answers its id.
func (r *ForgeRepo) Comment(t testing.TB, by *ForgeUser, number int, body string) (id int64) {
	t.Helper()
	var made struct{ ID int64 }
	by.Do(t, http.MethodPost, r.path("/issues/%d/comments", number), jsonOf{"body": body}, &made)
	return made.ID
}

// EditComment replaces the text of one.
func (r *ForgeRepo) EditComment(t testing.TB, by *ForgeUser, id int64, body string) {
	t.Helper()
	by.Do(t, http.MethodPatch, r.path("/issues/comments/%d", id), jsonOf{"body": body}, nil)
}

// DeleteComment removes one.
func (r *ForgeRepo) DeleteComment(t testing.TB, by *ForgeUser, id int64) {
	t.Helper()
	by.Do(t, http.MethodDelete, r.path("/issues/comments/%d", id), nil, nil)
}

// Comments are the texts under a pull request, oldest first: the first page of 50.
func (r *ForgeRepo) Comments(t testing.TB, number int) (bodies []string) {
	t.Helper()
	var all []struct{ Body string }
	r.Owner.Do(t, http.MethodGet, r.path("/issues/%d/comments?limit=50", number), nil, &all)
	for _, c := range all {
		bodies = append(bodies, c.Body)
	}
	return bodies
}

// Statuses are what a commit shows, the state by its name.
func (r *ForgeRepo) Statuses(t testing.TB, commit string) map[string]string {
	t.Helper()
	var combined struct {
		Statuses []struct{ Context, Status string }
	}
	r.Owner.Do(t, http.MethodGet, r.path("/commits/%s/status", commit), nil, &combined)
	states := map[string]string{}
	for _, s := range combined.Statuses {
		states[s.Context] = s.Status
	}
	return states
}

// Hook has the forge post events to an address on loopback, signed with the secret:
// of pushes, pull requests and comments where none are named. What happened just
// before may still be posted.
func (r *ForgeRepo) Hook(t testing.TB, to, secret string, events ...string) {
	t.Helper()
	if len(events) == 0 {
		events = []string{"push", "pull_request", "issue_comment"}
	}
	config := map[string]string{"url": to, "content_type": "json", "secret": secret}
	r.Owner.Do(t, http.MethodPost, r.path("/hooks"), jsonOf{"type": "gitea", "config": config, "events": events, "active": true}, nil)
}
