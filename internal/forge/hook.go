package forge

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"domctl.dev/internal/port"
)

// ErrHook is answered for a delivery that is not signed with the secret. Whoever sent
// it is told no more.
var ErrHook = errors.New("refused")

// ParseHook reads a delivery: what happened in the repositories it speaks of, nothing at
// all where it is about something else. It looks into the body only once the
// signature is right; who reads it bounds it. ErrHook; any other error is about a
// delivery that is signed.
func ParseHook(kind Kind, h http.Header, body []byte, secret string) ([]port.Hook, error) {
	if !signed(kind, h, body, secret) {
		return nil, ErrHook
	}
	read := map[Kind]func(http.Header, []byte) ([]port.Hook, error){GitHub: hubHooks, Gitea: teaHooks, GitLab: labHooks, Bitbucket: bucketHooks}[kind]
	hooks, err := read(h, body)
	if err != nil {
		return nil, fmt.Errorf("a delivery of %s cannot be read: %w", kind, err)
	}
	for _, one := range hooks {
		if _, _, err := repository(one.Repo); err != nil {
			return nil, fmt.Errorf("a delivery of %s cannot be read: %w", kind, err)
		}
	}
	return hooks, nil
}

// signed says that who sent the body knows the secret; without a secret nobody does.
// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
// https://docs.gitea.com/usage/webhooks https://docs.gitlab.com/user/project/integrations/webhooks/
// https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
func signed(kind Kind, h http.Header, body []byte, secret string) bool {
	if secret == "" {
		return false
	}
	switch kind {
	case GitHub:
		return hexMAC(h, "X-Hub-Signature-256", "sha256=", body, secret)
	case Bitbucket:
		return hexMAC(h, "X-Hub-Signature", "sha256=", body, secret)
	case Gitea:
		return hexMAC(h, "X-Gitea-Signature", "", body, secret)
	case GitLab:
		if key, ok := strings.CutPrefix(secret, "whsec_"); ok {
			return standardMAC(h, body, key)
		}
		got, one := single(h, "X-Gitlab-Token")
		want, sent := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(got)) // of one length, whatever was sent
		return one && subtle.ConstantTimeCompare(want[:], sent[:]) == 1
	}
	return false
}

// single is a header that was sent once.
func single(h http.Header, name string) (string, bool) {
	all := h.Values(name)
	return h.Get(name), len(all) == 1 && all[0] != ""
}

func hexMAC(h http.Header, name, prefix string, body []byte, secret string) bool {
	text, one := single(h, name)
	text, begins := strings.CutPrefix(text, prefix)
	sent, err := hex.DecodeString(text)
	return one && begins && err == nil && hmac.Equal(sent, mac([]byte(secret), body))
}

func mac(key []byte, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

// standardMAC is GitLab's newer signature, over the delivery's id and time, too; the
// header may hold several, of a secret that is being replaced.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func standardMAC(h http.Header, body []byte, key string) bool {
	id, hasID := single(h, "Webhook-Id")
	at, hasTime := single(h, "Webhook-Timestamp")
	text, one := single(h, "Webhook-Signature")
	raw, err := base64.StdEncoding.DecodeString(key)
	if !hasID || !hasTime || !one || err != nil || len(raw) == 0 {
		return false
	}
	want, good := mac(raw, []byte(id+"."+at+"."), body), false
	for part := range strings.FieldsSeq(text) {
		b64, v1 := strings.CutPrefix(part, "v1,")
		sent, err := base64.StdEncoding.DecodeString(b64)
		good = v1 && err == nil && hmac.Equal(sent, want) || good
	}
	return good
}

// pushed is a push to a branch, which a commit of zeros, or none, deleted; of tags
// nothing is said.
func pushed(repo, ref, commit string) ([]port.Hook, error) {
	branch, ok := strings.CutPrefix(ref, "refs/heads/")
	if !ok || branch == "" {
		return nil, nil
	}
	if strings.Trim(commit, "0") != "" {
		if _, err := commitID("", commit); err != nil {
			return nil, err
		}
	}
	return []port.Hook{{Repo: repo, Branch: branch}}, nil
}

// pulled is a pull request that changed, or what is said of it.
func pulled(repo string, number int) ([]port.Hook, error) {
	if number <= 0 {
		return nil, errors.New("it names no pull request")
	}
	return []port.Hook{{Repo: repo}}, nil
}

func hubHooks(h http.Header, body []byte) ([]port.Hook, error) {
	if t := h.Get("Content-Type"); !strings.HasPrefix(t, "application/json") {
		return nil, fmt.Errorf("its content type is %q; state application/json in the webhook's settings", clip(t, 50))
	}
	return hubLike(h.Get("X-Github-Event"), body)
}

func teaHooks(h http.Header, body []byte) ([]port.Hook, error) {
	return hubLike(h.Get("X-Gitea-Event"), body)
}

// hubLike reads what GitHub and Gitea deliver alike.
func hubLike(event string, body []byte) ([]port.Hook, error) {
	var b struct {
		Ref, After, Action string
		Number             int
		Repository         struct {
			FullName string `json:"full_name"`
		}
		Issue struct {
			Number      int
			PullRequest json.RawMessage `json:"pull_request"`
		}
	}
	switch event {
	case "push", "pull_request", "issue_comment":
	default:
		return nil, nil
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, err
	}
	repo := b.Repository.FullName
	switch event {
	case "push":
		return pushed(repo, b.Ref, b.After)
	case "pull_request":
		return pulled(repo, b.Number)
	}
	if p := string(b.Issue.PullRequest); p == "" || p == "null" || b.Action == "deleted" {
		return nil, nil
	}
	return pulled(repo, b.Issue.Number)
}

func labHooks(h http.Header, body []byte) ([]port.Hook, error) {
	var b struct {
		Ref, After string
		Project    struct {
			Path string `json:"path_with_namespace"`
		}
		Attributes struct {
			IID      int
			Noteable string `json:"noteable_type"`
			System   bool
		} `json:"object_attributes"`
		MergeRequest struct{ IID int } `json:"merge_request"`
	}
	event := h.Get("X-Gitlab-Event")
	switch event {
	case "Push Hook", "Merge Request Hook", "Note Hook":
	default:
		return nil, nil
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, err
	}
	switch event {
	case "Push Hook":
		return pushed(b.Project.Path, b.Ref, b.After)
	case "Merge Request Hook":
		return pulled(b.Project.Path, b.Attributes.IID)
	}
	if b.Attributes.Noteable != "MergeRequest" || b.Attributes.System {
		return nil, nil
	}
	return pulled(b.Project.Path, b.MergeRequest.IID)
}

func bucketHooks(h http.Header, body []byte) ([]port.Hook, error) {
	var b struct {
		Repository struct {
			FullName string `json:"full_name"`
		}
		Pull struct{ ID int } `json:"pullrequest"`
		Push struct {
			Changes []struct{ New, Old *bucketRef }
		}
	}
	event := h.Get("X-Event-Key")
	switch event {
	case "repo:push", "pullrequest:created", "pullrequest:updated", "pullrequest:fulfilled", "pullrequest:rejected",
		"pullrequest:comment_created", "pullrequest:comment_updated":
	default:
		return nil, nil
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, err
	}
	if event != "repo:push" {
		return pulled(b.Repository.FullName, b.Pull.ID)
	}
	var all []port.Hook
	for _, c := range b.Push.Changes {
		ref := cmp.Or(c.New, c.Old, &bucketRef{})
		if ref.Type != "branch" {
			continue
		}
		commit := ref.Target.Hash
		if c.New == nil {
			commit = ""
		}
		one, err := pushed(b.Repository.FullName, "refs/heads/"+ref.Name, commit)
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

type bucketRef struct {
	Type, Name string
	Target     struct{ Hash string }
}
