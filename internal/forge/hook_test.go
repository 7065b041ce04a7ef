package forge_test

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	"domctl.dev/internal/forge"
	"domctl.dev/internal/port"
)

const hookSecret = "a secret of the webhook"

func sign(secret, text string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(text))
	return m.Sum(nil)
}

// delivery is one as the forge sends it.
func delivery(kind forge.Kind, event, body, secret string) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	mac := hex.EncodeToString(sign(secret, body))
	switch kind {
	case forge.GitHub:
		h.Set("X-GitHub-Event", event)
		h.Set("X-Hub-Signature-256", "sha256="+mac)
	case forge.Gitea:
		h.Set("X-Gitea-Event", event)
		h.Set("X-Gitea-Signature", mac)
	case forge.GitLab:
		h.Set("X-Gitlab-Event", event)
		h.Set("X-Gitlab-Token", secret)
	case forge.Bitbucket:
		h.Set("X-Event-Key", event)
		h.Set("X-Hub-Signature", "sha256="+mac)
	}
	return h
}

type hookCase struct {
	kind        forge.Kind
	event, body string
	want        []port.Hook
}

func hookCases() map[string]hookCase {
	a, zero := strings.Repeat("a", 40), strings.Repeat("0", 40)
	hub := func(rest string) string { return `{"repository": {"full_name": "acme/domino"}, ` + rest + `}` }
	lab := func(rest string) string {
		return `{"project": {"path_with_namespace": "acme/data/domino"}, ` + rest + `}`
	}
	push := []port.Hook{{Repo: "acme/domino", Branch: "feature/x"}}
	pull := []port.Hook{{Repo: "acme/domino"}}
	all := map[string]hookCase{
		"gitlab, push":             {forge.GitLab, "Push Hook", lab(`"ref": "refs/heads/main", "after": "` + a + `"`), []port.Hook{{Repo: "acme/data/domino", Branch: "main"}}},
		"gitlab, merge request":    {forge.GitLab, "Merge Request Hook", lab(`"object_attributes": {"iid": 12, "action": "open"}`), []port.Hook{{Repo: "acme/data/domino"}}},
		"gitlab, note":             {forge.GitLab, "Note Hook", lab(`"object_attributes": {"id": 345, "noteable_type": "MergeRequest"}, "merge_request": {"iid": 12}`), []port.Hook{{Repo: "acme/data/domino"}}},
		"gitlab, note on an issue": {forge.GitLab, "Note Hook", lab(`"object_attributes": {"id": 345, "noteable_type": "Issue"}`), nil},
		"gitlab, tag":              {forge.GitLab, "Tag Push Hook", `{}`, nil},
		"bitbucket, push":          {forge.Bitbucket, "repo:push", hub(`"push": {"changes": [{"new": {"type": "branch", "name": "feature/x", "target": {"hash": "` + a + `"}}}, {"new": {"type": "tag", "name": "v1"}}]}`), push},
		"bitbucket, deleted":       {forge.Bitbucket, "repo:push", hub(`"push": {"changes": [{"new": null, "old": {"type": "branch", "name": "feature/x"}}]}`), push},
		"bitbucket, pull request":  {forge.Bitbucket, "pullrequest:fulfilled", hub(`"pullrequest": {"id": 12}`), pull},
		"bitbucket, comment":       {forge.Bitbucket, "pullrequest:comment_created", hub(`"pullrequest": {"id": 12}, "comment": {"id": 345}`), pull},
		"bitbucket, approved":      {forge.Bitbucket, "pullrequest:approved", hub(`"pullrequest": {"id": 12}`), nil},
	}
	for _, kind := range []forge.Kind{forge.GitHub, forge.Gitea} {
		for name, c := range map[string]hookCase{
			"push":                {kind, "push", hub(`"ref": "refs/heads/feature/x", "after": "` + a + `"`), push},
			"deleted":             {kind, "push", hub(`"ref": "refs/heads/feature/x", "after": "` + zero + `"`), push},
			"tag":                 {kind, "push", hub(`"ref": "refs/tags/v1", "after": "` + a + `"`), nil},
			"pull request":        {kind, "pull_request", hub(`"action": "synchronize", "number": 12`), pull},
			"comment":             {kind, "issue_comment", hub(`"action": "created", "issue": {"number": 12, "pull_request": {"url": "x"}}, "comment": {"id": 345}`), pull},
			"comment on an issue": {kind, "issue_comment", hub(`"action": "created", "issue": {"number": 12, "pull_request": null}, "comment": {"id": 345}`), nil},
			"ping":                {kind, "ping", `{"zen": "x"}`, nil},
		} {
			all[string(kind)+", "+name] = c
		}
	}
	return all
}

// TestHooks: the shapes are those of the forges' pages on webhook payloads.
func TestHooks(t *testing.T) {
	for name, c := range hookCases() {
		got, err := forge.ParseHook(c.kind, delivery(c.kind, c.event, c.body, hookSecret), []byte(c.body), hookSecret)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

// TestUnsigned: what is not signed with the secret is refused, all in the same words,
// and nothing in it is looked at.
func TestUnsigned(t *testing.T) {
	for name, c := range hookCases() {
		good := delivery(c.kind, c.event, c.body, hookSecret)
		try := func(why string, h http.Header, body, secret string) {
			if got, err := forge.ParseHook(c.kind, h, []byte(body), secret); err != forge.ErrHook || got != nil {
				t.Errorf("%s, %s: %+v, %v", name, why, got, err)
			}
		}
		try("another secret", good, c.body, "another")
		try("signed with another", delivery(c.kind, c.event, c.body, "another"), c.body, hookSecret)
		try("no secret", delivery(c.kind, c.event, c.body, ""), c.body, "")
		try("no header", http.Header{}, c.body, hookSecret)
		if c.kind != forge.GitLab { // whose token covers no body
			try("another body", good, c.body+" ", hookSecret)
		}
		for header := range good {
			if strings.Contains(header, "Signature") || strings.Contains(header, "Token") {
				twice := good.Clone()
				twice.Add(header, good.Get(header))
				try("signed twice", twice, c.body, hookSecret)
				for _, bad := range []string{"", "sha256=", "sha256=zz", "sha1=" + good.Get(header), good.Get(header)[1:], good.Get(header) + "00"} {
					wrong := good.Clone()
					wrong.Set(header, bad)
					try("signed "+bad, wrong, c.body, hookSecret)
				}
			}
		}
		for kind := range served() {
			if kind != c.kind && !(kind == forge.GitHub && c.kind == forge.Bitbucket) {
				if got, err := forge.ParseHook(kind, good, []byte(c.body), hookSecret); err == nil {
					t.Errorf("%s is taken for one of %s: %+v", name, kind, got)
				}
			}
		}
	}
}

// TestSignedByGitLab: the newer signature covers id, time and body.
func TestSignedByGitLab(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	secret := "whsec_" + base64.StdEncoding.EncodeToString(key)
	body := `{"project": {"path_with_namespace": "acme/domino"}, "object_attributes": {"iid": 12}}`
	signature := "v1," + base64.StdEncoding.EncodeToString(sign(string(key), "id-1.1764360000."+body))
	header := func(id, at, signature string) http.Header {
		h := http.Header{}
		h.Set("X-Gitlab-Event", "Merge Request Hook")
		h.Set("webhook-id", id)
		h.Set("webhook-timestamp", at)
		h.Set("webhook-signature", signature)
		return h
	}
	for _, good := range []string{signature, "v1,AAAA " + signature, "v2,x " + signature + " v1,zz"} {
		if got, err := forge.ParseHook(forge.GitLab, header("id-1", "1764360000", good), []byte(body), secret); err != nil || len(got) != 1 || got[0].Repo != "acme/domino" {
			t.Errorf("%s: %+v, %v", good, got, err)
		}
	}
	plain := header("id-1", "1764360000", "")
	plain.Set("X-Gitlab-Token", secret)
	for why, h := range map[string]http.Header{"another id": header("id-2", "1764360000", signature), "another time": header("id-1", "1764360001", signature), "another version": header("id-1", "1764360000", "v2"+signature[2:]), "the token itself": plain} {
		if _, err := forge.ParseHook(forge.GitLab, h, []byte(body), secret); err != forge.ErrHook {
			t.Errorf("%s: %v", why, err)
		}
	}
}

// TestUnsound: what is signed and makes no sense is an error, and nothing else.
func TestUnsound(t *testing.T) {
	for body, kind := range map[string]forge.Kind{
		`{"repository": {"full_name": "../x"}, "number": 1}`:          forge.GitHub,
		`{"repository": {"full_name": "acme/domino"}, "number": -1}`:  forge.GitHub,
		`{"repository": {"full_name": "acme/domino"}, "number": "1"}`: forge.Gitea,
		`{"number": 1}`: forge.Gitea,
		`{`:             forge.Gitea,
		`[]`:            forge.GitHub,
		``:              forge.Gitea,
		`{"repository": {"full_name": "acme/domino"}, "number": 1e400}`: forge.GitHub,
	} {
		if got, err := forge.ParseHook(kind, delivery(kind, "pull_request", body, hookSecret), []byte(body), hookSecret); err == nil || errors.Is(err, forge.ErrHook) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	for body, kind := range map[string]forge.Kind{
		`{"repository": {"full_name": "acme/domino"}, "ref": "refs/heads/main", "after": "abc"}`:                                                  forge.GitHub,
		`{"repository": {"full_name": "../x"}, "ref": "refs/heads/main"}`:                                                                         forge.Gitea,
		`{"project": {"path_with_namespace": "acme/domino"}, "ref": "refs/heads/main", "after": "abc"}`:                                           forge.GitLab,
		`{"repository": {"full_name": "acme/domino"}, "push": {"changes": [{"new": {"type": "branch", "name": "x", "target": {"hash": "--"}}}]}}`: forge.Bitbucket,
	} {
		event := map[forge.Kind]string{forge.GitLab: "Push Hook", forge.Bitbucket: "repo:push"}[kind]
		if got, err := forge.ParseHook(kind, delivery(kind, cmp.Or(event, "push"), body, hookSecret), []byte(body), hookSecret); err == nil || errors.Is(err, forge.ErrHook) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	form := delivery(forge.GitHub, "push", "payload=x", hookSecret)
	form.Set("Content-Type", "application/x-www-form-urlencoded")
	if _, err := forge.ParseHook(forge.GitHub, form, []byte("payload=x"), hookSecret); err == nil || !strings.Contains(err.Error(), "application/json") {
		t.Errorf("a form: %v", err)
	}
}

func fuzzHook(f *testing.F, kind forge.Kind) {
	for _, c := range hookCases() {
		if c.kind == kind {
			f.Add(c.event, c.body)
		}
	}
	f.Fuzz(func(t *testing.T, event, body string) {
		all, err := forge.ParseHook(kind, delivery(kind, event, body, hookSecret), []byte(body), hookSecret)
		if err != nil && all != nil {
			t.Fatalf("%+v beside %v", all, err)
		}
		for _, h := range all {
			if strings.Count(h.Repo, "/") == 0 {
				t.Fatalf("it reads as %+v", h)
			}
		}
		if _, err := forge.ParseHook(kind, delivery(kind, event, body, "another"), []byte(body), hookSecret); err != forge.ErrHook {
			t.Fatalf("signed with another secret: %v", err)
		}
	})
}

func FuzzHookOfGitHub(f *testing.F)    { fuzzHook(f, forge.GitHub) }
func FuzzHookOfGitea(f *testing.F)     { fuzzHook(f, forge.Gitea) }
func FuzzHookOfGitLab(f *testing.F)    { fuzzHook(f, forge.GitLab) }
func FuzzHookOfBitbucket(f *testing.F) { fuzzHook(f, forge.Bitbucket) }

// FuzzJob: whatever a job's event file holds, it is read or refused.
func FuzzJob(f *testing.F) {
	f.Add(`{"pull_request": {"number": 3, "head": {"sha": "x"}}}`, "12", "https://x/")
	f.Fuzz(func(t *testing.T, event, number, server string) {
		name := t.TempDir() + "/event.json"
		if err := os.WriteFile(name, []byte(event), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, env := range []map[string]string{
			{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": name, "GITHUB_SERVER_URL": server},
			{"GITLAB_CI": "true", "CI_MERGE_REQUEST_IID": number, "CI_SERVER_URL": server}, {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_PR_ID": number},
		} {
			if j, err := forge.JobOf(func(k string) string { return env[k] }); err == nil && j.Kind == "" {
				t.Fatalf("%v reads as %+v", env, j)
			}
		}
	})
}

// TestJob reads the environments of CI jobs.
func TestJob(t *testing.T) {
	name := t.TempDir() + "/event.json"
	if err := os.WriteFile(name, []byte(`{"number": 3, "pull_request": {"number": 3, "head": {"sha": "abc"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	actions := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://git.example/", "GITHUB_REPOSITORY": "acme/domino", "GITHUB_RUN_ID": "77", "GITHUB_RUN_NUMBER": "5", "GITHUB_SHA": "merge", "GITHUB_EVENT_PATH": name}
	with := func(more string) map[string]string {
		out := map[string]string{more: "true"}
		for k, v := range actions {
			out[k] = v
		}
		return out
	}
	job := forge.Job{Kind: forge.GitHub, URL: "https://git.example", Repo: "acme/domino", Pull: 3, Commit: "abc", Page: "https://git.example/acme/domino/actions/runs/77"}
	tea, jo := job, job
	tea.Kind, jo.Kind, jo.Page = forge.Gitea, forge.Gitea, "https://git.example/acme/domino/actions/runs/5"
	for _, c := range []struct {
		env  map[string]string
		want forge.Job
	}{
		{nil, forge.Job{}},
		{actions, job}, {with("GITEA_ACTIONS"), tea}, {with("FORGEJO_ACTIONS"), jo},
		{map[string]string{"GITLAB_CI": "true", "CI_SERVER_URL": "https://lab", "CI_PROJECT_PATH": "fork/domino", "CI_MERGE_REQUEST_PROJECT_PATH": "acme/domino", "CI_MERGE_REQUEST_IID": "3", "CI_COMMIT_SHA": "abc", "CI_JOB_URL": "https://lab/j"},
			forge.Job{Kind: forge.GitLab, URL: "https://lab", Repo: "acme/domino", Pull: 3, Commit: "abc", Page: "https://lab/j"}},
		{map[string]string{"GITLAB_CI": "true", "CI_COMMIT_SHA": "merge", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "abc"}, forge.Job{Kind: forge.GitLab, Commit: "abc"}},
		{map[string]string{"BITBUCKET_BUILD_NUMBER": "9", "BITBUCKET_REPO_FULL_NAME": "acme/domino", "BITBUCKET_PR_ID": "3", "BITBUCKET_COMMIT": "abc"},
			forge.Job{Kind: forge.Bitbucket, Repo: "acme/domino", Pull: 3, Commit: "abc", Page: "https://bitbucket.org/acme/domino/pipelines/results/9"}},
	} {
		if got, err := forge.JobOf(func(k string) string { return c.env[k] }); err != nil || got != c.want {
			t.Errorf("%v:\n%+v, %v; want\n%+v", c.env, got, err, c.want)
		}
	}
	if _, err := forge.JobOf(func(k string) string {
		return fmt.Sprintf("%.4s", map[string]string{"GITLAB_CI": "true", "CI_MERGE_REQUEST_IID": "x"}[k])
	}); err == nil {
		t.Error("a number that is none is taken")
	}
}
