package forgetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Bucket answers as Bitbucket Cloud does from what stands in a Tea. The shapes are
// those of its published description, as far as port.Forge reads them:
// https://dac-static.atlassian.com/cloud/bitbucket/swagger.v3.json (pullrequest,
// pullrequest_comment, commitstatus, repository_permission).
type Bucket struct{ *Tea }

// UUID is the name of an account.
func UUID(user string) string { return "{" + user + "}" }

// ServeHTTP answers one request.
func (b Bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, done := b.enter(w, r, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), map[string]any{"type": "error", "error": map[string]any{"message": "Token is invalid or not supported for this endpoint."}})
	if done {
		return
	}
	defer b.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/2.0/")
	owner, name, _ := strings.Cut(b.Repo, "/")
	if path == "user" {
		answer(w, 200, map[string]any{"type": "user", "uuid": UUID(who), "nickname": "anybody"})
		return
	}
	if path == "workspaces/"+owner+"/permissions/repositories/"+name {
		all := []any{}
		for user, rights := range b.Rights {
			if r.URL.Query().Get("q") == `user.uuid="`+UUID(user)+`"` {
				all = append(all, map[string]any{"permission": rights, "user": map[string]any{"uuid": UUID(user)}})
			}
		}
		b.paged(w, r, all)
		return
	}
	path, in := strings.CutPrefix(path, "repositories/"+b.Repo+"/")
	if !in {
		b.none(w)
		return
	}
	b.repo(w, r, who, strings.Split(path, "/"))
}

func (b Bucket) none(w http.ResponseWriter) {
	answer(w, 404, map[string]any{"type": "error", "error": map[string]any{"message": "Resource not found"}})
}

func (b Bucket) repo(w http.ResponseWriter, r *http.Request, who string, at []string) {
	var body struct {
		Content                            struct{ Raw string }
		Key, State, Name, Description, URL string
	}
	if r.Method != http.MethodGet && json.NewDecoder(r.Body).Decode(&body) != nil {
		answer(w, 400, map[string]any{"error": map[string]any{"message": "Bad request"}})
		return
	}
	number := 0
	if len(at) > 1 {
		number, _ = strconv.Atoi(at[1])
	}
	pull := b.pull(number)
	switch route := r.Method + " " + at[0] + fmt.Sprint(len(at)); {
	case route == "GET commit3" && at[2] == "pullrequests":
		all := []any{}
		if p := b.carried(at[1]); p != nil {
			all = append(all, map[string]any{"type": "pullrequest", "id": p["number"], "title": p["title"]})
		}
		b.paged(w, r, all)
	case route == "GET commit2":
		hash := strings.Repeat(at[1][:1], 40)
		for _, p := range b.pulls {
			if sha := p["head"].(map[string]any)["sha"].(string); strings.HasPrefix(sha, at[1]) {
				hash = sha
			}
		}
		answer(w, 200, map[string]any{"hash": hash})
	case route == "GET pullrequests1":
		var all []any
		for _, p := range b.pulls {
			all = append(all, b.merge(p))
		}
		b.paged(w, r, all)
	case route == "GET pullrequests2" && pull != nil:
		answer(w, 200, b.merge(pull))
	case route == "GET pullrequests3" && at[2] == "commits" && pull != nil:
		b.paged(w, r, []any{map[string]any{"author": map[string]any{"raw": "Ann <a@b>", "user": map[string]any{"uuid": UUID("ann")}}}, map[string]any{"author": map[string]any{"raw": "no account"}}})
	case route == "GET pullrequests3" && pull != nil:
		line := map[string]any{"id": 1 << 40, "inline": map[string]any{"path": "a"}, "content": map[string]any{"raw": "on a line"}}
		b.paged(w, r, append([]any{line}, b.allShown(number, b.note)...))
	case route == "POST pullrequests3" && pull != nil:
		if len(body.Content.Raw) > 32768 {
			answer(w, 400, map[string]any{"type": "error", "error": map[string]any{"message": "content is too long"}})
			return
		}
		answer(w, 201, b.note(number, b.say(number, who, body.Content.Raw)))
	case route == "PUT pullrequests4" && pull != nil:
		b.Tea.edit(w, at[3], who, body.Content.Raw)
	case route == "POST commit4":
		if len(body.Key) > 40 || body.URL == "" {
			answer(w, 400, map[string]any{"type": "error", "error": map[string]any{"message": "key: too long, or url: required"}})
			return
		}
		b.statuses = append(b.statuses, TeaStatus{at[1], body.State, body.Key, body.Description, body.URL})
		answer(w, 201, map[string]any{"key": body.Key})
	default:
		b.none(w)
	}
}

func (b Bucket) merge(p map[string]any) map[string]any {
	head, base := p["head"].(map[string]any), p["base"].(map[string]any)
	var merge map[string]any
	state := "OPEN"
	if p["merged"] == true {
		state, merge = "MERGED", map[string]any{"hash": p["merge_commit_sha"].(string)[:12]}
	}
	return map[string]any{"id": p["number"], "title": p["title"], "state": state, "author": map[string]any{"uuid": UUID(p["user"].(map[string]any)["login"].(string))},
		"links": map[string]any{"html": map[string]any{"href": p["html_url"]}}, "created_on": p["created_at"], "updated_on": p["updated_at"], "merge_commit": merge,
		"source":      map[string]any{"branch": map[string]any{"name": head["ref"]}, "commit": map[string]any{"hash": head["sha"].(string)[:12]}, "repository": map[string]any{"full_name": b.Repo}},
		"destination": map[string]any{"branch": map[string]any{"name": base["ref"]}}}
}

func (b Bucket) note(_ int, c *TeaComment) map[string]any {
	return map[string]any{"id": c.ID, "content": map[string]any{"raw": c.Body, "markup": "markdown"}, "user": map[string]any{"uuid": UUID(c.Author)}, "deleted": false, "inline": nil,
		"links": map[string]any{"html": map[string]any{"href": "https://bitbucket.org/x#comment-" + strconv.FormatInt(c.ID, 10)}}, "created_on": stamp(c.Created), "updated_on": stamp(c.Updated)}
}

// paged answers a page that names the next.
func (b Bucket) paged(w http.ResponseWriter, r *http.Request, all []any) {
	page, n, more := b.part(r, all, "pagelen")
	out := map[string]any{"values": page, "page": n}
	if more {
		q := r.URL.Query()
		q.Set("page", strconv.Itoa(n+1))
		out["next"] = "http://" + r.Host + r.URL.Path + "?" + q.Encode()
	}
	answer(w, 200, out)
}
