package forgetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Hub answers as GitHub does, below /api/v3/ as an Enterprise Server, from what stands
// in a Tea. The shapes are those of GitHub's published description, as far as
// port.Forge reads them: https://github.com/github/rest-api-description (pull-request,
// issue-comment, status, repository-collaborator-permission; version 2022-11-28).
type Hub struct {
	*Tea
	// App says that the token is an installation's: GET /user is denied to it.
	App bool
}

// ServeHTTP answers one request.
func (h Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, done := h.enter(w, r, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), map[string]any{"message": "Bad credentials", "status": "401"})
	if done {
		return
	}
	defer h.mu.Unlock()
	if r.URL.Path == "/api/graphql" && r.Method == http.MethodPost {
		answer(w, 200, map[string]any{"data": map[string]any{"viewer": map[string]any{"login": who}}})
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/api/v3/")
	if path == "user" {
		if h.App {
			answer(w, 403, map[string]any{"message": "Resource not accessible by integration", "status": "403"})
			return
		}
		answer(w, 200, map[string]any{"login": who, "id": 1})
		return
	}
	path, in := strings.CutPrefix(path, "repos/"+h.Repo+"/")
	if !in {
		notFound(w)
		return
	}
	at := strings.Split(path, "/")
	if !h.tracked(w, r, who, at, false, func(all []any) { h.paged(w, r, all, "per_page") }) {
		h.repo(w, r, who, at)
	}
}

// enter counts a request and finds whose token it has; done: it was answered, and the
// lock is free.
func (t *Tea) enter(w http.ResponseWriter, r *http.Request, token string, refusal map[string]any) (who string, done bool) {
	t.mu.Lock()
	t.requests++
	if t.Fault != nil && t.Fault(w, r) {
		t.mu.Unlock()
		return "", true
	}
	who, known := t.Users[token]
	if !known {
		t.mu.Unlock()
		answer(w, 401, refusal)
		return "", true
	}
	return who, false
}

func notFound(w http.ResponseWriter) {
	answer(w, 404, map[string]any{"message": "Not Found", "status": "404"})
}

func (h Hub) repo(w http.ResponseWriter, r *http.Request, who string, at []string) {
	var body struct {
		Body, State, Context, Description string
		TargetURL                         string `json:"target_url"`
	}
	if r.Method != http.MethodGet && json.NewDecoder(r.Body).Decode(&body) != nil {
		answer(w, 400, map[string]any{"message": "Problems parsing JSON"})
		return
	}
	number := 0
	if len(at) > 1 {
		number, _ = strconv.Atoi(at[1])
	}
	pull := h.pull(number)
	switch route := r.Method + " " + at[0] + fmt.Sprint(len(at)); {
	case route == "GET pulls1":
		h.paged(w, r, h.open(), "per_page")
	case route == "GET pulls2" && pull != nil:
		answer(w, 200, pull)
	case route == "GET pulls3" && at[2] == "commits" && pull != nil:
		h.paged(w, r, []any{map[string]any{"sha": pull["head"].(map[string]any)["sha"], "author": map[string]any{"login": "ann"}, "committer": map[string]any{"login": "web-flow"}}, map[string]any{"sha": "1", "author": nil}}, "per_page")
	case route == "GET commits3" && at[2] == "pulls":
		all := []any{}
		if p := h.carried(at[1]); p != nil {
			all = append(all, p)
		}
		h.paged(w, r, all, "per_page")
	case route == "GET issues3" && pull != nil:
		h.paged(w, r, h.allShown(number, h.shown), "per_page")
	case route == "POST issues3" && pull != nil:
		if len([]rune(body.Body)) > 65536 {
			answer(w, 422, map[string]any{"message": "Validation Failed", "errors": []any{map[string]any{"code": "unprocessable", "message": "body is too long (maximum is 65536 characters)"}}})
			return
		}
		answer(w, 201, h.shown(number, h.say(number, who, body.Body)))
	case route == "PATCH issues3" && at[1] == "comments":
		h.Tea.edit(w, at[2], who, body.Body)
	case route == "POST statuses2":
		if len([]rune(body.Description)) > 140 {
			answer(w, 422, map[string]any{"message": "Validation Failed: description is too long (maximum is 140 characters)"})
			return
		}
		h.statuses = append(h.statuses, TeaStatus{at[1], body.State, body.Context, body.Description, body.TargetURL})
		answer(w, 201, map[string]any{"id": len(h.statuses)})
	case route == "GET collaborators3" && h.Rights[at[1]] != "":
		answer(w, 200, map[string]any{"permission": h.Rights[at[1]], "role_name": h.Rights[at[1]]})
	default:
		notFound(w)
	}
}

// allShown are the comments of a pull request as a forge shows them.
func (t *Tea) allShown(number int, show func(int, *TeaComment) map[string]any) []any {
	all := []any{}
	for _, c := range t.comments[number] {
		all = append(all, show(number, c))
	}
	return all
}

// part is the page that was asked for, its number, and whether another follows.
func (t *Tea) part(r *http.Request, all []any, size string) (page []any, n int, more bool) {
	n, _ = strconv.Atoi(r.URL.Query().Get("page"))
	each, _ := strconv.Atoi(r.URL.Query().Get(size))
	if each == 0 {
		each = 10
	}
	n = max(n, 1)
	if !t.Whole {
		each = min(each, 20)
	}
	from, to := min((n-1)*each, len(all)), min(n*each, len(all))
	return append([]any{}, all[from:to]...), n, to < len(all)
}

// paged answers a page with a Link header (RFC 8288).
func (h Hub) paged(w http.ResponseWriter, r *http.Request, all []any, size string) {
	page, n, more := h.part(r, all, size)
	if more {
		q := r.URL.Query()
		q.Set("page", strconv.Itoa(n+1))
		w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?%s>; rel="next"`, r.Host, r.URL.Path, q.Encode()))
	}
	answer(w, 200, page)
}

func stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z07:00") }
