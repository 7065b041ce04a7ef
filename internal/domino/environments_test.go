package domino

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

const (
	env = "65f100000000000000000001"
	rev = "65f100000000000000000012"
)

// writes are the calls that change something.
func writes(c *Client) map[string]func() error {
	return map[string]func() error{
		"CreateRevision": func() error {
			_, err := c.CreateRevision(context.Background(), env, port.Definition{Dockerfile: "RUN true"})
			return err
		},
		"SetActiveRevision": func() error { return c.SetActiveRevision(context.Background(), env, rev) },
		"CancelBuild":       func() error { return c.CancelBuild(context.Background(), env, rev) },
		"ShareEnvironment":  func() error { return c.ShareEnvironment(context.Background(), env, port.VisibilityGlobal, "") },
		"CreateEnvironment": func() error {
			_, err := c.CreateEnvironment(context.Background(), port.NewEnvironment{Name: "x", Visibility: port.VisibilityPrivate})
			return err
		},
		"StopJob": func() error { return c.StopJob(context.Background(), env, rev) },
		"StartJob": func() error {
			_, err := c.StartJob(context.Background(), port.NewJob{Project: env, Command: "true", Environment: rev, Tier: "small", Title: "x"})
			return err
		},
	}
}

// TestWritesAreSentOnce: what may have been done is not done again, and only what
// Domino refused is said not to have happened.
func TestWritesAreSentOnce(t *testing.T) {
	for answer, c := range map[string]struct {
		code  int
		kind  error
		asked int64
	}{
		"400": {400, port.ErrInvalid, 1}, "401": {401, port.ErrDenied, 1}, "403": {403, port.ErrDenied, 1}, "404": {404, port.ErrNotFound, 1}, "409": {409, port.ErrState, 1},
		"422": {422, port.ErrInvalid, 1}, "429": {429, port.ErrThrottled, 4}, "500": {500, nil, 1}, "502": {502, nil, 1}, "503": {503, nil, 1}, "504": {504, nil, 1}, "302": {302, nil, 1}, "cut off": {0, nil, 1},
	} {
		client, _, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if body, err := io.ReadAll(r.Body); err != nil || r.Method != http.MethodPost || strings.HasSuffix(r.URL.Path, "Revision") && !strings.Contains(string(body), "RUN true") {
				t.Errorf("%s %s: %q, %v", r.Method, r.URL, body, err)
			}
			if c.code == 0 {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(c.code)
			_, _ = io.WriteString(w, theKey)
		})
		for call, do := range writes(client) {
			before := asked.Load()
			err := do()
			for _, kind := range []error{port.ErrInvalid, port.ErrDenied, port.ErrNotFound, port.ErrState, port.ErrThrottled} {
				if errors.Is(err, kind) != (kind == c.kind) {
					t.Errorf("%s of %s: %v, want %v", answer, call, err, c.kind)
				}
			}
			if c.kind == port.ErrInvalid && !strings.HasSuffix(err.Error(), fmt.Sprintf(": not valid: Domino does not take what was sent (%d)", c.code)) {
				t.Errorf("%s of %s: %v", answer, call, err)
			}
			if n := asked.Load() - before; err == nil || n != c.asked || strings.Contains(err.Error(), theKey) {
				t.Errorf("%s of %s: asked %d times, %v", answer, call, n, err)
			}
		}
	}
}

// TestPages: a list that changes between two pages is read as one, and one that ends
// before its end is no list.
func TestPages(t *testing.T) {
	page := func(total int, numbers ...int) string {
		var items []string
		for _, n := range numbers {
			items = append(items, fmt.Sprintf(`{"id": "%024x", "number": %d, "created": 1772442000000}`, n, n))
		}
		return fmt.Sprintf(`{"revisions": [%s], "pageInfo": {"totalPages": %d, "currentPage": 0, "pageSize": 2}}`, strings.Join(items, ","), total)
	}
	for name, c := range map[string]struct {
		pages []string
		want  string
	}{
		"one":        {[]string{page(1, 2, 1)}, "[2 1]"},
		"none":       {[]string{page(0)}, "[]"},
		"shifted":    {[]string{page(2, 4, 3), page(2, 3, 2, 1)}, "[4 3 2 1]"},
		"oldest":     {[]string{page(2, 1, 2), page(2, 3, 4)}, "[4 3 2 1]"},
		"cut short":  {[]string{page(2, 4, 3), page(2)}, "not what Domino's API documents"},
		"no pages":   {[]string{`{"revisions": []}`}, "not what Domino's API documents"},
		"no total":   {[]string{`{"revisions": [], "pageInfo": {}}`}, "not what Domino's API documents"},
		"null":       {[]string{`{"revisions": null, "pageInfo": {"totalPages": null}}`}, "not what Domino's API documents"},
		"too few":    {[]string{page(0, 2, 1)}, "not what Domino's API documents"},
		"no created": {[]string{`{"revisions": [{"id": "` + rev + `", "number": 1}], "pageInfo": {"totalPages": 1}}`}, "not what Domino's API documents"},
		"before":     {[]string{`{"revisions": [{"id": "` + rev + `", "number": 1, "created": -99999999999999}], "pageInfo": {"totalPages": 1}}`}, "not what Domino's API documents"},
		"no id":      {[]string{`{"revisions": [{"id": "../x", "number": 1, "created": 1772442000000}], "pageInfo": {"totalPages": 1}}`}, "not what Domino's API documents"},
		"a hole":     {[]string{page(2, 4), page(2, 2, 1)}, "not what Domino's API documents"},
		"endless":    {[]string{page(1000, 2, 1)}, "more than 10,000 revisions"},
	} {
		asked := 0
		client, _, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if want := fmt.Sprintf("/v4/environments/%s/page/%d/pageSize/100/revisions", env, asked); r.URL.Path != want {
				t.Errorf("%s, want %s", r.URL.Path, want)
			}
			_, _ = io.WriteString(w, c.pages[min(asked, len(c.pages)-1)])
			asked++
		})
		all, err := client.ListRevisions(t.Context(), env)
		got := []int64{}
		for _, r := range all {
			got = append(got, r.Number)
		}
		if said := fmt.Sprint(got); err == nil && said != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s, %v, want %s", name, said, err, c.want)
		}
	}
}

// TestFollowers: a list that is not whole is an error, and never fewer followers.
func TestFollowers(t *testing.T) {
	page := func(total int, numbers ...int) string {
		var items []string
		for _, n := range numbers {
			items = append(items, fmt.Sprintf(`{"id": "%024x", "name": "n%d"}`, n, n))
		}
		return fmt.Sprintf(`{"items": [%s], "totalItems": %d, "offset": 0, "limit": 100}`, strings.Join(items, ","), total)
	}
	for name, c := range map[string]struct {
		pages []string
		want  string
	}{
		"none":      {[]string{page(0)}, "0"},
		"one":       {[]string{page(2, 1, 2)}, "2"},
		"cut short": {[]string{page(3, 1, 2)}, "not what Domino's API documents"},
		"shifted":   {[]string{page(101, 1), page(101, 1)}, "not what Domino's API documents"},
		"no total":  {[]string{`{"items": []}`}, "not what Domino's API documents"},
		"endless":   {[]string{page(1<<30, 1)}, "more than 10,000 environments"},
	} {
		asked := 0
		client, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, c.pages[min(asked, len(c.pages)-1)])
			asked++
		})
		all, err := client.ListFollowers(t.Context(), env)
		got := fmt.Sprint(len(all))
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) || err != nil && len(all) > 0 {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestForeignAnswers are no revisions.
func TestForeignAnswers(t *testing.T) {
	for _, text := range []string{`null`, `{}`, `[]`, `<html>`, `{"environmentRevision": {"id": "` + env + `", "imageType": "Odd"}}`, `{"environmentRevision": {"id": "` + rev + `", "imageType": "Odd"}}`,
		`{"environmentRevision": {"id": "` + rev + `", "imageType": "Environment"}}`} {
		client, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
		if d, err := client.GetDefinition(t.Context(), rev); err == nil {
			t.Errorf("%s: %+v", text, d)
		}
		if b, err := client.GetBuild(t.Context(), env, rev); err == nil {
			t.Errorf("%s: %+v", text, b)
		}
		if id, err := client.CreateRevision(t.Context(), env, port.Definition{}); err == nil && id != env && id != rev {
			t.Errorf("%s: %s", text, id)
		}
	}
}

// TestABaseIsTold, and whether it is followed.
func TestABaseIsTold(t *testing.T) {
	client, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"environment": {"rebuildOnBaseChanges": "FollowActive"}, "environmentRevision": {"id": "`+rev+`", "imageType": "Environment", "buildEnvironmentVariables": [{"name": "A", "value": "1"}, {"B": "2"}]},
			"base": {"id": "65f100000000000000000021", "environmentId": "65f100000000000000000002", "number": 7}}`)
	})
	d, err := client.GetDefinition(t.Context(), rev)
	if err != nil || d.Base != "65f100000000000000000021" || d.BaseOf != "65f100000000000000000002" || d.Follow != d.BaseOf || d.BaseNumber != 7 || d.Variables["A"] != "1" || d.Variables["B"] != "2" || len(d.Variables) != 2 {
		t.Errorf("%+v, %v", d, err)
	}
}

// FuzzGetDefinition: whatever is answered, a definition is one that can be written
// back, or an error.
func FuzzGetDefinition(f *testing.F) {
	f.Add([]byte(`{"environmentRevision": {"id": "` + rev + `", "imageType": "CustomImage", "dockerImage": "x", "workspacesProperties": {"raw": "a: {title: A}"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		client, err := Open(Config{URL: "https://x", Key: key, Transport: answer(body), Wait: func(context.Context, time.Duration) error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		if d, err := client.GetDefinition(t.Context(), rev); err == nil {
			if _, err := toolsYAML(d.Tools); err != nil {
				t.Error(err)
			}
		}
	})
}
