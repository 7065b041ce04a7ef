package forgetest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"

	"domctl.dev/internal/port"
)

// TeaIssue is one issue.
type TeaIssue struct {
	Number              int
	Author, Title, Body string
	Open                bool
}

// Issues are all that were ever opened.
func (t *Tea) Issues() (out []TeaIssue) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, i := range t.issues {
		out = append(out, *i)
	}
	return out
}

// tracked answers a request for issues; at is what follows the repository. GitLab has
// its own words for the same.
func (t *Tea) tracked(w http.ResponseWriter, r *http.Request, who string, at []string, lab bool, page func(all []any)) bool {
	if at[0] != "issues" || len(at) > 2 {
		return false
	}
	var body struct {
		Title, Body, Description, State string
		Event                           string `json:"state_event"`
	}
	if r.Method != http.MethodGet && json.NewDecoder(r.Body).Decode(&body) != nil {
		answer(w, 400, map[string]any{"message": "Problems parsing JSON"})
		return true
	}
	text := body.Body + body.Description
	switch {
	case r.Method == http.MethodGet && len(at) == 1:
		page(t.listed(r, lab))
	case r.Method == http.MethodPost && len(at) == 1 && body.Title != "":
		i := &TeaIssue{1000 + len(t.issues), who, body.Title, text, true}
		t.issues = append(t.issues, i)
		answer(w, 201, i.shown(lab))
	case (r.Method == http.MethodPatch || r.Method == http.MethodPut) && len(at) == 2:
		for _, i := range t.issues {
			if strconv.Itoa(i.Number) == at[1] {
				i.Title, i.Body, i.Open = body.Title, text, body.State == "open" || body.Event == "reopen"
				answer(w, 200, i.shown(lab))
				return true
			}
		}
		answer(w, 404, map[string]any{"message": "Not Found"})
	default:
		return false
	}
	return true
}

// listed are the open issues, and pull requests among them, as GitHub has it.
func (t *Tea) listed(r *http.Request, lab bool) []any {
	q, all := r.URL.Query(), []any{}
	by := q.Get("creator") + q.Get("created_by") + q.Get("author_username")
	for _, i := range t.issues {
		if i.Open && (by == "" || by == i.Author) && q.Get("state")[:4] == "open" {
			all = append(all, i.shown(lab))
		}
	}
	if q.Get("creator") != "" {
		all = append(all, map[string]any{"number": 3, "title": "A change", "user": map[string]any{"login": by}, "pull_request": map[string]any{"url": "x"}})
	}
	return all
}

func (i *TeaIssue) shown(lab bool) map[string]any {
	state := "closed"
	if i.Open {
		state = "open"
	}
	if lab {
		return map[string]any{"iid": i.Number, "title": i.Title, "description": i.Body, "state": map[string]string{"open": "opened", "closed": "closed"}[state], "author": map[string]any{"username": i.Author}}
	}
	return map[string]any{"number": i.Number, "title": i.Title, "body": i.Body, "state": state, "user": map[string]any{"login": i.Author}}
}

// tracker: an issue is opened, found, changed, closed and opened again, and those of
// others are not ours.
func (s Subject) tracker(t *testing.T) {
	mine, ok := s.Forge.(port.Tracker)
	if !ok {
		t.Skip("this forge keeps no issues")
	}
	ctx := t.Context()
	if _, err := s.Other.(port.Tracker).NewIssue(ctx, s.Repo, "Another's", "text"); err != nil {
		t.Fatal(err)
	}
	id, err := mine.NewIssue(ctx, s.Repo, "Drift", "one")
	if err != nil {
		t.Fatal(err)
	}
	has := func(want ...port.Issue) {
		t.Helper()
		all, err := mine.OpenIssues(ctx, s.Repo)
		if err != nil || len(all) != len(want) || len(all) > 0 && all[0] != want[0] {
			t.Errorf("%+v, %v; want %+v", all, err, want)
		}
	}
	has(port.Issue{ID: id, Title: "Drift", Body: "one"})
	for _, open := range []bool{true, false, true, false} {
		i := port.Issue{ID: id, Title: "Drift again", Body: "two"}
		if err := mine.EditIssue(ctx, s.Repo, i, open); err != nil {
			t.Fatal(err)
		}
		if open {
			has(i)
		} else {
			has()
		}
	}
	if err := mine.EditIssue(ctx, s.Repo, port.Issue{ID: "999999", Title: "x"}, true); err == nil {
		t.Error("an issue that is not there is changed")
	}
}
