//go:build linux

package wiretest

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// Push commits the files on top of from, a branch or a commit that a branch
// holds, and pushes that as the branch. It answers the commit. An empty text
// removes a file; without from there is nothing below.
func (r *ForgeRepo) Push(t testing.TB, by *ForgeUser, branch, from string, files map[string]string) string {
	t.Helper()
	return r.push(t, by, by, "", branch, from, files)
}

// PushOf is Push of a commit that says it is another's.
func (r *ForgeRepo) PushOf(t testing.TB, by, author *ForgeUser, branch, from string, files map[string]string) string {
	t.Helper()
	return r.push(t, by, author, "", branch, from, files)
}

// ForcePush is Push that replaces what the branch had.
func (r *ForgeRepo) ForcePush(t testing.TB, by *ForgeUser, branch, from string, files map[string]string) string {
	t.Helper()
	return r.push(t, by, by, "+", branch, from, files)
}

// DeleteBranch deletes one.
func (r *ForgeRepo) DeleteBranch(t testing.TB, by *ForgeUser, branch string) {
	t.Helper()
	by.Do(t, http.MethodDelete, r.path("/branches/%s", branch), nil, nil)
}

// push forces with the reference specification's plus.
func (r *ForgeRepo) push(t testing.TB, by, author *ForgeUser, plus, branch, from string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	repo, err := git.PlainInit(dir, false)
	check(t, err)
	_, err = repo.CreateRemote(&config.RemoteConfig{Name: "origin", URLs: []string{r.URL}})
	check(t, err)
	tree, err := repo.Worktree()
	check(t, err)
	auth := &githttp.BasicAuth{Username: by.Name, Password: by.Token}
	if from != "" {
		check(t, repo.FetchContext(t.Context(), &git.FetchOptions{RefSpecs: []config.RefSpec{"+refs/heads/*:refs/heads/*"}, Auth: auth}))
		at, err := repo.ResolveRevision(plumbing.Revision(from))
		check(t, err)
		check(t, tree.Checkout(&git.CheckoutOptions{Hash: *at, Force: true}))
	}
	for name, text := range files {
		check(t, setFile(filepath.Join(dir, name), text))
	}
	check(t, tree.AddWithOptions(&git.AddOptions{All: true}))
	signature := &object.Signature{Name: author.Name, Email: author.email(), When: time.Now()}
	commit, err := tree.Commit("Change files", &git.CommitOptions{Author: signature, AllowEmptyCommits: true})
	check(t, err)
	spec := config.RefSpec(plus + commit.String() + ":refs/heads/" + branch)
	check(t, repo.PushContext(t.Context(), &git.PushOptions{RefSpecs: []config.RefSpec{spec}, Auth: auth}))
	return commit.String()
}

func setFile(name, text string) error {
	if text == "" {
		return os.Remove(name)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}
