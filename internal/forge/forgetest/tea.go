// Package forgetest tests forges: a contract that every adapter of internal/forge
// keeps, with a real forge or a small one that answers in Gitea's shapes, and that
// small one.
package forgetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Tea is a forge of one repository that answers as Gitea does (its API as of 1.26,
// https://docs.gitea.com/api/1.26/), as far as port.Forge needs it, and an account a
// token. What it is not asked for in the tests it answers with 501.
type Tea struct {
	Repo   string
	Users  map[string]string // token → account
	Rights map[string]string // account → none, read, write, admin
	// Whole has pages as large as they are asked for, and not smaller.
	Whole bool
	// Fault answers instead of the forge, true when it did.
	Fault func(w http.ResponseWriter, r *http.Request) bool

	mu       sync.Mutex
	now      time.Time
	last     int64
	pulls    []map[string]any
	comments map[int][]*TeaComment
	issues   []*TeaIssue
	statuses []TeaStatus
	requests int
}

// TeaComment is one comment.
type TeaComment struct {
	ID               int64
	Author, Body     string
	Created, Updated time.Time
}

// TeaStatus is one status that was set.
type TeaStatus struct{ Commit, State, Context, Description, Target string }

// NewTea is a forge with pull request 3, from branch "change" to "main" by "ann".
func NewTea(repo string) *Tea {
	t := &Tea{Repo: repo, now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), comments: map[int][]*TeaComment{},
		Users:  map[string]string{"bot-token": "domctl-bot", "ann-token": "ann"},
		Rights: map[string]string{"domctl-bot": "admin", "ann": "write", "eve": "read"}}
	t.AddPull(3, "ann", "change", strings.Repeat("b", 40))
	return t
}

// AddPull opens a pull request.
func (t *Tea) AddPull(number int, author, branch, commit string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.tick().Format(time.RFC3339)
	repo := map[string]any{"full_name": t.Repo}
	t.pulls = append(t.pulls, map[string]any{"number": number, "title": "A change", "html_url": "http://forge.example/" + t.Repo + "/pulls/" + strconv.Itoa(number),
		"user": map[string]any{"login": author}, "state": "open", "draft": false, "merged": false, "created_at": at, "updated_at": at,
		"head": map[string]any{"ref": branch, "sha": commit, "repo": repo}, "base": map[string]any{"ref": "main", "sha": strings.Repeat("a", 40), "repo": repo}})
}

// Push moves the head of a pull request.
func (t *Tea) Push(number int, commit string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.pulls {
		if p["number"] == number {
			p["head"].(map[string]any)["sha"] = commit
			p["updated_at"] = t.tick().Format(time.RFC3339)
		}
	}
}

// Say adds a comment of an account.
func (t *Tea) Say(number int, author, body string) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.say(number, author, body).ID
}

func (t *Tea) say(number int, author, body string) *TeaComment {
	t.last++
	at := t.tick()
	c := &TeaComment{t.last, author, body, at, at}
	t.comments[number] = append(t.comments[number], c)
	return c
}

// Comments are those of a pull request.
func (t *Tea) Comments(number int) (out []TeaComment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.comments[number] {
		out = append(out, *c)
	}
	return out
}

// Statuses are those that were set, in order.
func (t *Tea) Statuses() []TeaStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]TeaStatus(nil), t.statuses...)
}

// Requests counts what was asked.
func (t *Tea) Requests() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.requests
}

func (t *Tea) tick() time.Time {
	t.now = t.now.Add(time.Second)
	return t.now
}

// ServeHTTP answers one request.
func (t *Tea) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests++
	if t.Fault != nil && t.Fault(w, r) {
		return
	}
	who, known := t.Users[strings.TrimPrefix(r.Header.Get("Authorization"), "token ")]
	if !known {
		answer(w, 401, map[string]any{"message": "user does not exist [uid: 0, name: ]"})
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/api/v1/")
	if path == "user" {
		answer(w, 200, map[string]any{"login": who})
		return
	}
	if path == "repos/"+t.Repo {
		answer(w, 200, map[string]any{"full_name": t.Repo})
		return
	}
	path, in := strings.CutPrefix(path, "repos/"+t.Repo+"/")
	if !ok || !in {
		answer(w, 404, map[string]any{"message": "The target couldn't be found."})
		return
	}
	at := strings.Split(path, "/")
	if !t.tracked(w, r, who, at, false, func(all []any) { t.page(w, r, all) }) {
		t.repo(w, r, who, at)
	}
}

func (t *Tea) repo(w http.ResponseWriter, r *http.Request, who string, at []string) {
	var body struct{ Body, State, Context, Description, Target_URL string }
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			answer(w, 422, map[string]any{"message": err.Error()})
			return
		}
	}
	number := 0
	if len(at) > 1 {
		number, _ = strconv.Atoi(at[1])
	}
	switch route := r.Method + " " + at[0] + fmt.Sprint(len(at)); {
	case route == "GET pulls1":
		t.page(w, r, t.open())
	case route == "GET pulls2" && t.pull(number) != nil:
		answer(w, 200, t.pull(number))
	case route == "GET pulls3" && at[2] == "commits" && t.pull(number) != nil:
		t.page(w, r, []any{map[string]any{"sha": t.pull(number)["head"].(map[string]any)["sha"], "author": map[string]any{"login": "ann"}, "committer": map[string]any{"login": "bob"}}, map[string]any{"sha": "1"}})
	case route == "GET commits3" && at[2] == "pull" && t.carried(at[1]) != nil:
		answer(w, 200, t.carried(at[1]))
	case route == "GET issues3" && t.pull(number) != nil: // comments: all of them, whatever page is asked for
		all := []any{}
		for _, c := range t.comments[number] {
			all = append(all, t.shown(number, c))
		}
		w.Header().Set("X-Total-Count", strconv.Itoa(len(all)))
		answer(w, 200, all)
	case route == "POST issues3" && t.pull(number) != nil:
		answer(w, 201, t.shown(number, t.say(number, who, body.Body)))
	case route == "PATCH issues3" && at[1] == "comments":
		t.edit(w, at[2], who, body.Body)
	case route == "POST statuses2":
		t.statuses = append(t.statuses, TeaStatus{at[1], body.State, body.Context, body.Description, body.Target_URL})
		answer(w, 201, map[string]any{"id": len(t.statuses)})
	case route == "GET collaborators3" && at[2] == "permission" && t.Rights[at[1]] != "":
		answer(w, 200, map[string]any{"permission": t.Rights[at[1]]})
	case r.Method == "GET":
		answer(w, 404, map[string]any{"message": "The target couldn't be found."})
	default:
		answer(w, 501, map[string]any{"message": "not in this forge: " + r.Method + " " + r.URL.Path})
	}
}

func (t *Tea) open() (all []any) {
	for _, p := range t.pulls {
		all = append(all, p)
	}
	return all
}

func (t *Tea) pull(number int) map[string]any {
	for _, p := range t.pulls {
		if p["number"] == number {
			return p
		}
	}
	return nil
}

// Merge merges a pull request as a commit.
func (t *Tea) Merge(number int, commit string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.pull(number)
	p["state"], p["merged"], p["merge_commit_sha"], p["merged_at"] = "closed", true, commit, t.tick().Format(time.RFC3339)
}

// carried is the pull request that was merged as a commit.
func (t *Tea) carried(commit string) map[string]any {
	for _, p := range t.pulls {
		if p["merge_commit_sha"] == commit {
			return p
		}
	}
	return nil
}

func (t *Tea) shown(number int, c *TeaComment) map[string]any {
	return map[string]any{"id": c.ID, "body": c.Body, "user": map[string]any{"login": c.Author}, "created_at": c.Created.Format(time.RFC3339), "updated_at": c.Updated.Format(time.RFC3339),
		"html_url": fmt.Sprintf("http://forge.example/%s/pulls/%d#issuecomment-%d", t.Repo, number, c.ID)}
}

func (t *Tea) edit(w http.ResponseWriter, id, who, body string) {
	for number, all := range t.comments {
		for _, c := range all {
			if strconv.FormatInt(c.ID, 10) != id {
				continue
			}
			if c.Author != who {
				answer(w, 403, map[string]any{"message": "user must be comment poster"})
				return
			}
			c.Body, c.Updated = body, t.tick()
			answer(w, 200, t.shown(number, c))
			return
		}
	}
	answer(w, 404, map[string]any{"message": "comment does not exist"})
}

// page answers a part of a list and a Link header, as Gitea does.
func (t *Tea) page(w http.ResponseWriter, r *http.Request, all []any) {
	n, _ := strconv.Atoi(r.URL.Query().Get("page"))
	size, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	n, size = max(n, 1), max(min(size, 50), 1)
	from, to := min((n-1)*size, len(all)), min(n*size, len(all))
	if to < len(all) {
		w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?page=%d>; rel="next"`, r.Host, r.URL.Path, n+1))
	}
	answer(w, 200, append([]any{}, all[from:to]...))
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who went away is told nothing
}
