package forgetest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// Lab answers as GitLab does from what stands in a Tea. The shapes are those of its
// published description, as far as port.Forge reads them:
// https://gitlab.com/gitlab-org/gitlab/-/blob/master/doc/api/openapi/openapi_v3.yaml
// and https://docs.gitlab.com/api/ (merge_requests, notes, commits, members, events).
type Lab struct{ *Tea }

// ServeHTTP answers one request.
func (l Lab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, done := l.enter(w, r, r.Header.Get("Private-Token"), map[string]any{"message": "401 Unauthorized"})
	if done {
		return
	}
	defer l.mu.Unlock()
	var at []string
	for part := range strings.SplitSeq(strings.TrimPrefix(r.URL.EscapedPath(), "/api/v4/"), "/") {
		part, _ = url.PathUnescape(part)
		at = append(at, part)
	}
	if len(at) > 2 && at[0] == "projects" && (at[1] == l.Repo || at[1] == "7") && l.tracked(w, r, who, at[2:], true, func(all []any) { l.paged(w, r, all) }) {
		return
	}
	var body struct {
		Body, State, Name, Description string
		TargetURL                      string `json:"target_url"`
	}
	if (r.Method == http.MethodPost || r.Method == http.MethodPut) && json.NewDecoder(r.Body).Decode(&body) != nil {
		answer(w, 400, map[string]any{"error": "body is invalid"})
		return
	}
	switch {
	case at[0] == "user":
		answer(w, 200, map[string]any{"id": l.id(who), "username": who})
	case at[0] == "users":
		found := []any{}
		if name := r.URL.Query().Get("username"); l.Rights[name] != "" {
			found = append(found, map[string]any{"id": l.id(name), "username": name, "state": "active"})
		}
		answer(w, 200, found)
	case at[0] != "projects" || len(at) < 2 || at[1] != l.Repo && at[1] != "7":
		answer(w, 404, map[string]any{"message": "404 Project Not Found"})
	default:
		l.project(w, r, who, at[2:], body.Body, TeaStatus{"", body.State, body.Name, body.Description, body.TargetURL})
	}
}

// id numbers accounts.
func (l Lab) id(user string) int {
	var names []string
	for name := range l.Rights {
		names = append(names, name)
	}
	sort.Strings(names)
	return sort.SearchStrings(names, user) + 1
}

func (l Lab) project(w http.ResponseWriter, r *http.Request, who string, at []string, body string, status TeaStatus) {
	number := 0
	if len(at) > 1 {
		number, _ = strconv.Atoi(at[1])
	}
	pull := l.pull(number)
	path := r.Method + " " + strings.Join(at, "/")
	is := func(prefix string, parts int) bool { return strings.HasPrefix(path, prefix) && len(at) == parts }
	switch {
	case len(at) == 0:
		answer(w, 200, map[string]any{"id": 7, "path_with_namespace": l.Repo})
	case is("GET merge_requests", 1):
		var all []any
		for _, p := range l.pulls {
			all = append(all, l.merge(p))
		}
		l.paged(w, r, all)
	case is("GET merge_requests/", 2) && pull != nil:
		answer(w, 200, l.merge(pull))
	case is("GET merge_requests/", 3) && at[2] == "notes" && pull != nil:
		l.paged(w, r, append([]any{map[string]any{"id": 1 << 40, "system": true, "body": "added 2 commits", "author": map[string]any{"username": "bob"}, "created_at": stamp(l.now), "updated_at": stamp(l.now)}}, l.allShown(number, l.note)...))
	case is("POST merge_requests/", 3) && at[2] == "notes" && pull != nil:
		answer(w, 201, l.note(number, l.say(number, who, body)))
	case is("PUT merge_requests/", 4) && at[2] == "notes" && pull != nil:
		l.Tea.edit(w, at[3], who, body)
	case is("POST statuses/", 2):
		l.status(w, at[1], status)
	case strings.HasPrefix(path, "GET repository/commits/") && len(at) == 4 && at[3] == "statuses":
		all := []any{}
		for i := len(l.statuses) - 1; i >= 0 && len(all) == 0; i-- {
			if s := l.statuses[i]; s.Commit == at[2] && s.Context == r.URL.Query().Get("name") {
				all = append(all, map[string]any{"name": s.Context, "status": s.State})
			}
		}
		answer(w, 200, all)
	case strings.HasPrefix(path, "GET repository/commits/") && len(at) == 4 && at[3] == "merge_requests":
		all := []any{}
		if p := l.carried(at[2]); p != nil {
			all = append(all, l.merge(p))
		}
		l.paged(w, r, all)
	case is("GET events", 1):
		l.paged(w, r, []any{map[string]any{"author_username": "ann", "push_data": map[string]any{"ref": "change"}}, map[string]any{"author_username": "zoe", "push_data": map[string]any{"ref": "other"}}})
	case is("GET members/all/", 3):
		for name, rights := range l.Rights {
			if strconv.Itoa(l.id(name)) == at[2] && rights != "none" {
				answer(w, 200, map[string]any{"username": name, "state": "active", "access_level": map[string]int{"read": 20, "write": 30, "admin": 40}[rights]})
				return
			}
		}
		answer(w, 404, map[string]any{"message": "404 Not found"})
	default:
		answer(w, 404, map[string]any{"message": "404 Not found"})
	}
}

// status refuses what GitLab's state machine does: a state that stands already.
func (l Lab) status(w http.ResponseWriter, commit string, s TeaStatus) {
	s.Commit = commit
	for i := len(l.statuses) - 1; i >= 0; i-- {
		if old := l.statuses[i]; old.Commit == commit && old.Context == s.Context {
			if old.State == s.State {
				answer(w, 400, map[string]any{"message": "Cannot transition status via :enqueue from :" + s.State + " (Reason(s): Status cannot transition via \"enqueue\")"})
				return
			}
			break
		}
	}
	l.statuses = append(l.statuses, s)
	answer(w, 201, map[string]any{"id": len(l.statuses), "status": s.State})
}

func (l Lab) merge(p map[string]any) map[string]any {
	head, base := p["head"].(map[string]any), p["base"].(map[string]any)
	state := "opened"
	if p["merged"] == true {
		state = "merged"
	}
	return map[string]any{"merge_commit_sha": p["merge_commit_sha"], "iid": p["number"], "title": p["title"], "web_url": p["html_url"], "author": map[string]any{"username": p["user"].(map[string]any)["login"]}, "state": state,
		"source_branch": head["ref"], "target_branch": base["ref"], "sha": head["sha"], "source_project_id": 7, "target_project_id": 7, "created_at": p["created_at"], "updated_at": p["updated_at"]}
}

func (l Lab) note(_ int, c *TeaComment) map[string]any {
	return map[string]any{"id": c.ID, "type": nil, "body": c.Body, "author": map[string]any{"username": c.Author}, "system": false, "created_at": stamp(c.Created), "updated_at": stamp(c.Updated)}
}

// paged answers a page with GitLab's headers.
func (l Lab) paged(w http.ResponseWriter, r *http.Request, all []any) {
	page, n, more := l.part(r, all, "per_page")
	next := ""
	if more {
		next = strconv.Itoa(n + 1)
	}
	w.Header().Set("X-Next-Page", next)
	answer(w, 200, page)
}
