//go:build wire

package wiretest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"github.com/go-git/go-git/v5/storage/memory"

	"domctl.dev/internal/wiretest"
)

// contents is the text of a file on a branch, or "" if it is not there.
func contents(t *testing.T, r *wiretest.ForgeRepo, branch, name string) string {
	t.Helper()
	var found []struct {
		Path string
		Type string
	}
	r.Owner.Do(t, http.MethodGet, "/repos/"+r.Name+"/contents?ref="+branch, nil, &found)
	for _, f := range found {
		if f.Path == name {
			return f.Type
		}
	}
	return ""
}

// head is the commit of a branch.
func head(t *testing.T, r *wiretest.ForgeRepo, branch string) string {
	t.Helper()
	var b struct{ Commit struct{ ID string } }
	r.Owner.Do(t, http.MethodGet, "/repos/"+r.Name+"/branches/"+branch, nil, &b)
	return b.Commit.ID
}

func TestForgePullRequest(t *testing.T) {
	t.Parallel()
	forge := wiretest.Forge(t)
	ann, ben := forge.User(t, "ann"), forge.User(t, "ben")
	repo := ann.Repo(t, "domino", map[string]string{"a.cue": "package a\n", "b.cue": "package a\n"})
	repo.Allow(t, ben, "write")

	commit := repo.Push(t, ben, "work", "main", map[string]string{"a.cue": "", "c/c.cue": "package a\n"})
	equal(t, head(t, repo, "work"), commit)
	equal(t, contents(t, repo, "work", "a.cue")+contents(t, repo, "work", "b.cue")+contents(t, repo, "work", "c"), "filedir")
	number := repo.Pull(t, ben, "work", "main", "Move a file")

	first := repo.Comment(t, ann, number, "first")
	second := repo.Comment(t, ben, number, "second")
	repo.EditComment(t, ben, second, "edited")
	equal(t, repo.Comments(t, number), []string{"first", "edited"})
	repo.DeleteComment(t, ann, first)
	equal(t, repo.Comments(t, number), []string{"edited"})

	ann.Do(t, http.MethodPost, "/repos/"+repo.Name+"/statuses/"+commit, map[string]string{"context": "domctl/prod", "state": "success"}, nil)
	equal(t, repo.Statuses(t, commit), map[string]string{"domctl/prod": "success"})

	merged := repo.Merge(t, ann, number)
	equal(t, head(t, repo, "main"), merged)
	equal(t, contents(t, repo, "main", "a.cue"), "")
}

func TestForgeForcePush(t *testing.T) {
	t.Parallel()
	ann := wiretest.Forge(t).User(t, "ann")
	repo := ann.Repo(t, "domino", map[string]string{"a.cue": "package a\n"})
	first := head(t, repo, "main")
	repo.Push(t, ann, "work", "main", map[string]string{"b.cue": "package a\n"})
	number := repo.Pull(t, ann, "work", "main", "Add a file")
	other := repo.ForcePush(t, ann, "work", first, map[string]string{"c.cue": "package a\n"})
	var pull struct{ Head struct{ SHA string } }
	eventually(t, "the pull request stands on what was pushed", func() bool {
		ann.Do(t, http.MethodGet, "/repos/"+repo.Name+"/pulls/1", nil, &pull)
		return pull.Head.SHA == other
	})
	equal(t, contents(t, repo, "work", "b.cue"), "")
	repo.Close(t, ann, number)
	repo.DeleteBranch(t, ann, "work")
	if status, err := ann.Ask(t.Context(), http.MethodGet, "/repos/"+repo.Name+"/branches/work", nil, nil); status != http.StatusNotFound || err != nil {
		t.Errorf("a deleted branch: %d %v", status, err)
	}
}

// TestForgeWebhook: each delivery is signed with the secret, over the bytes of its
// body, and has an id of its own.
func TestForgeWebhook(t *testing.T) {
	t.Parallel()
	forge := wiretest.Forge(t)
	ann, ben := forge.User(t, "ann"), forge.User(t, "ben")
	repo := ann.Repo(t, "domino", map[string]string{"a.cue": "package a\n"})
	repo.Allow(t, ben, "read")
	inbox := wiretest.NewInbox(t)
	repo.Hook(t, inbox.URL, "hush")
	repo.Push(t, ann, "work", "main", map[string]string{"b.cue": "package a\n"})
	number := repo.Pull(t, ann, "work", "main", "Add a file")
	repo.Comment(t, ann, number, "domctl plan")
	repo.Approve(t, ben, number)

	var ids []string
	const header = "X-Gitea-Event-Type"
	// They come in any order.
	for events := []string{"push", "pull_request", "pull_request_comment", "pull_request_review_approved"}; len(events) > 0; {
		post := inbox.Next(t, header, events...)
		event := post.Header.Get(header)
		events = slices.DeleteFunc(events, func(e string) bool { return e == event })
		mac := hmac.New(sha256.New, []byte("hush"))
		mac.Write(post.Body)
		equal(t, post.Header.Get("X-Gitea-Signature"), hex.EncodeToString(mac.Sum(nil)))
		if !strings.Contains(string(post.Body), repo.Name) {
			t.Errorf("a delivery of %s does not name %s", event, repo.Name)
		}
		ids = append(ids, post.Header.Get("X-Gitea-Delivery"))
	}
	slices.Sort(ids)
	equal(t, len(slices.Compact(ids)), 4)
}

func TestForgeRights(t *testing.T) {
	t.Parallel()
	forge := wiretest.Forge(t)
	ann, ben, eve := forge.User(t, "ann"), forge.User(t, "ben"), forge.User(t, "eve")
	repo := ann.Repo(t, "domino", map[string]string{"a.cue": "package a\n"})
	rights := func(u *wiretest.ForgeUser) string {
		var has struct{ Permission string }
		ann.Do(t, http.MethodGet, "/repos/"+repo.Name+"/collaborators/"+u.Name+"/permission", nil, &has)
		return has.Permission
	}
	reads := func(u *wiretest.ForgeUser) bool {
		status, err := u.Ask(t.Context(), http.MethodGet, "/repos/"+repo.Name, nil, nil)
		must(t, err)
		return status == http.StatusOK
	}
	equal(t, rights(ann), "owner")
	for _, want := range []string{"read", "write", "admin"} {
		repo.Allow(t, ben, want)
		equal(t, rights(ben), want)
	}
	repo.Disallow(t, ben)
	equal(t, []string{rights(ben), rights(eve)}, []string{"none", "none"})
	equal(t, []bool{reads(ann), reads(ben), reads(eve)}, []bool{true, false, false})
	repo.Publish(t)
	equal(t, reads(eve), true)
}

// TestForgeFork: a pull request from a repository that a stranger owns.
func TestForgeFork(t *testing.T) {
	t.Parallel()
	forge := wiretest.Forge(t)
	ann, eve := forge.User(t, "ann"), forge.User(t, "eve")
	repo := ann.Repo(t, "domino", map[string]string{"a.cue": "package a\n"})
	repo.Publish(t)
	fork := repo.Fork(t, eve)
	commit := fork.Push(t, eve, "work", "main", map[string]string{"b.cue": "package a\n"})
	number := repo.Pull(t, eve, eve.Name+":work", "main", "Add a file")
	var pull struct {
		Head struct {
			SHA  string
			Repo struct {
				FullName string `json:"full_name"`
			}
		}
	}
	ann.Do(t, http.MethodGet, "/repos/"+repo.Name+"/pulls/1", nil, &pull)
	equal(t, []any{number, pull.Head.SHA, pull.Head.Repo.FullName}, []any{1, commit, fork.Name})
}

func TestForgeCalls(t *testing.T) {
	t.Parallel()
	forge := wiretest.Forge(t)
	calls := wiretest.NewCalls(t, forge.Addr)
	equal(t, status(t, calls.Addr, "/api/v1/version"), http.StatusOK)
	equal(t, calls.Take(), []string{"GET /api/v1/version"})
	equal(t, len(calls.Take()), 0)
}

// TestForgeSSH: git over SSH, by a key of the user's, from a host whose key is known.
func TestForgeSSH(t *testing.T) {
	t.Parallel()
	forge := wiretest.Forge(t)
	ann, eve := forge.User(t, "ann"), forge.User(t, "eve")
	repo := ann.Repo(t, "domino", map[string]string{"a.cue": "package a\n"})
	known := filepath.Join(t.TempDir(), "known_hosts")
	must(t, os.WriteFile(known, []byte(forge.KnownHosts()), 0o600))
	list := func(u *wiretest.ForgeUser) error {
		auth, err := gitssh.NewPublicKeysFromFile("git", u.Key(t), "")
		must(t, err)
		auth.HostKeyCallback, err = gitssh.NewKnownHostsCallback(known)
		must(t, err)
		remote := git.NewRemote(memory.NewStorage(), &config.RemoteConfig{Name: "origin", URLs: []string{repo.SSH()}})
		_, err = remote.ListContext(t.Context(), &git.ListOptions{Auth: auth})
		return err
	}
	must(t, list(ann))
	if list(eve) == nil {
		t.Error("a stranger reads a private repository")
	}
}
