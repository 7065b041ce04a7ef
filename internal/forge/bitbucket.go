package forge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"domctl.dev/internal/port"
)

// bucket is Bitbucket Cloud, which has no official client. Its accounts are named by
// their UUID, braces included: anybody may take any nickname.
// https://developer.atlassian.com/cloud/bitbucket/rest/intro/
type bucket struct {
	base *url.URL
	http *http.Client
	user string

	mu    sync.Mutex
	heads map[string]map[bucketHead]string // by repository: the whole names of open pull requests' heads
}

// bucketHead is a head as a list names it. A push moves the time.
type bucketHead struct {
	number  int
	short   string
	updated time.Time
}

func openBitbucket(c Config, at *url.URL, h *http.Client) (port.Forge, error) {
	return &bucket{base: at, http: h, user: c.User, heads: map[string]map[bucketHead]string{}}, nil
}

type bucketUser struct{ UUID string }

type bucketPull struct {
	ID     int
	State  string
	Author bucketUser
	Source struct {
		Branch     struct{ Name string }
		Commit     struct{ Hash string }
		Repository *struct {
			FullName string `json:"full_name"`
		}
	}
	Destination struct{ Branch struct{ Name string } }
	MergeCommit struct{ Hash string } `json:"merge_commit"`
	UpdatedOn   time.Time             `json:"updated_on"`
}

type bucketComment struct {
	ID        int64
	Content   struct{ Raw string }
	User      bucketUser
	Deleted   bool
	Pending   bool
	Inline    json.RawMessage
	CreatedOn time.Time `json:"created_on"`
	UpdatedOn time.Time `json:"updated_on"`
}

// ask sends one request; in and out may be nil.
func (f *bucket) ask(ctx context.Context, method, at string, in, out any) (int64, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, at, body)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Accept", "application/json")
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := f.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if out == nil {
		return res.ContentLength, nil
	}
	return res.ContentLength, json.NewDecoder(res.Body).Decode(out)
}

// at is an address of the API below a repository, each part escaped.
func (f *bucket) at(repo string, parts ...string) (string, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return "", err
	}
	text := f.base.String() + "repositories/" + url.PathEscape(owner) + "/" + url.PathEscape(name)
	for _, p := range parts {
		text += "/" + url.PathEscape(p)
	}
	return text, nil
}

// bucketList reads all pages from an address on: each names the next.
func bucketList[T any](ctx context.Context, f *bucket, first string) ([]T, error) {
	return every(ctx, func(at string) ([]T, string, int64, error) {
		var page struct {
			Values []T
			Next   string
		}
		if at == "" {
			at = first
		}
		size, err := f.ask(ctx, http.MethodGet, at, nil, &page)
		if page.Next == first {
			err = errAgain
		}
		return page.Values, page.Next, size, err
	})
}

func (f *bucket) Me(ctx context.Context) (string, error) {
	if f.user != "" {
		return f.user, nil
	}
	var u bucketUser
	if _, err := f.ask(ctx, http.MethodGet, f.base.String()+"user", nil, &u); err != nil {
		return "", asking(Bitbucket, "who the token's account is", err)
	}
	return named(Bitbucket, u.UUID)
}

func (f *bucket) Pull(ctx context.Context, repo string, number int) (port.Pull, error) {
	at, err := f.at(repo, "pullrequests", strconv.Itoa(number))
	if err != nil {
		return port.Pull{}, err
	}
	what := pullName(repo, number)
	var p bucketPull
	if _, err := f.ask(ctx, http.MethodGet, at, nil, &p); err != nil {
		return port.Pull{}, asking(Bitbucket, what, err)
	}
	out, err := f.whole(ctx, repo)(p)
	if err != nil {
		return port.Pull{}, asking(Bitbucket, what, err)
	}
	type commit struct{ Author struct{ User bucketUser } }
	commits, err := bucketList[commit](ctx, f, at+"/commits?pagelen=100")
	for _, c := range commits {
		out.Pushers = append(out.Pushers, c.Author.User.UUID)
	}
	out.Pushers = people(out.Pushers)
	return out, asking(Bitbucket, "the commits of "+what, err)
}

func (f *bucket) Pulls(ctx context.Context, repo string) ([]port.Pull, error) {
	at, err := f.at(repo, "pullrequests")
	if err != nil {
		return nil, err
	}
	what := "the open pull requests of " + repo
	all, err := bucketList[bucketPull](ctx, f, at+"?state=OPEN&sort=created_on&pagelen=50")
	if err != nil {
		return nil, asking(Bitbucket, what, err)
	}
	f.mu.Lock()
	known := f.heads[repo]
	f.mu.Unlock()
	whole, now := f.whole(ctx, repo), map[bucketHead]string{}
	out, err := pulls(Bitbucket, what, all, func(p bucketPull) (port.Pull, error) {
		head := bucketHead{p.ID, p.Source.Commit.Hash, p.UpdatedOn.UTC()}
		if full := known[head]; full != "" {
			p.Source.Commit.Hash = full
		}
		one, err := whole(p)
		if err == nil {
			now[head] = one.HeadCommit
		}
		return one, err
	})
	if err != nil {
		maps.Copy(now, known)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heads[repo] = now
	return out, err
}

// whole reads a pull request, whose commits Bitbucket names by their first twelve
// digits only; no field of a list has more, so that each costs a call once it moved.
func (f *bucket) whole(ctx context.Context, repo string) func(bucketPull) (port.Pull, error) {
	return func(p bucketPull) (port.Pull, error) {
		out := port.Pull{Number: p.ID, Author: p.Author.UUID, Head: p.Source.Branch.Name, Base: p.Destination.Branch.Name,
			State: port.PullOpen, UpdatedAt: p.UpdatedOn}
		if p.Source.Repository != nil {
			out.Repo = p.Source.Repository.FullName
		}
		if out.Repo == repo { // of forks it keeps no ref
			out.Ref = "refs/heads/" + out.Head
		}
		from := out.Repo
		if from == "" {
			from = repo
		}
		var err error
		if out.HeadCommit, err = f.commit(ctx, from, p.Source.Commit.Hash); err != nil {
			return out, err
		}
		switch p.State {
		case "MERGED":
			out.State = port.PullMerged
			out.MergeCommit, err = f.commit(ctx, repo, p.MergeCommit.Hash)
		case "DECLINED", "SUPERSEDED":
			out.State = port.PullClosed
		}
		return out, err
	}
}

// commit is a commit's whole name.
func (f *bucket) commit(ctx context.Context, repo, short string) (string, error) {
	if short == "" {
		return "", errNoCommit
	}
	if len(short) >= 40 {
		return commitID(Bitbucket, short)
	}
	at, err := f.at(repo, "commit", short)
	if err != nil {
		return "", err
	}
	var c struct{ Hash string }
	if _, err := f.ask(ctx, http.MethodGet, at+"?fields=hash", nil, &c); err != nil {
		return "", err
	}
	return commitID(Bitbucket, c.Hash)
}

// Carried are those that Bitbucket tells of a commit; it knows them once somebody with
// administrator's rights has turned on "Pull Request Commit Links" of the repository.
// https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/#api-repositories-workspace-repo-slug-commit-commit-pullrequests-get
func (f *bucket) Carried(ctx context.Context, repo, commit string) ([]int, error) {
	at, err := f.at(repo, "commit", commit, "pullrequests")
	if err != nil {
		return nil, err
	}
	all, err := bucketList[struct{ ID int }](ctx, f, at)
	if err != nil {
		return nil, asking(Bitbucket, "the pull requests that brought "+commit+" to "+repo, err)
	}
	return numbers(all, func(p struct{ ID int }) int { return p.ID }), nil
}

// Comments leaves out those that were deleted, are drafts, or stand on a line.
func (f *bucket) Comments(ctx context.Context, repo string, number int) ([]port.Comment, error) {
	at, err := f.at(repo, "pullrequests", strconv.Itoa(number), "comments")
	if err != nil {
		return nil, err
	}
	what := "the comments of " + pullName(repo, number)
	all, err := bucketList[bucketComment](ctx, f, at+"?sort=created_on&pagelen=100")
	if err != nil {
		return nil, asking(Bitbucket, what, err)
	}
	var out []port.Comment
	for _, c := range all {
		if c.Deleted || c.Pending || len(c.Inline) > 0 && string(c.Inline) != "null" {
			continue
		}
		out = append(out, port.Comment{ID: strconv.FormatInt(c.ID, 10), Author: c.User.UUID, Body: c.Content.Raw, CreatedAt: c.CreatedOn, Edited: !c.UpdatedOn.Equal(c.CreatedOn)})
	}
	return conversation(Bitbucket, what, out)
}

func bucketText(body string) any { return map[string]any{"content": map[string]string{"raw": body}} }

func (f *bucket) Comment(ctx context.Context, repo string, number int, body string) (string, error) {
	at, err := f.at(repo, "pullrequests", strconv.Itoa(number), "comments")
	if err != nil {
		return "", err
	}
	var c bucketComment
	if _, err := f.ask(ctx, http.MethodPost, at, bucketText(body), &c); err != nil {
		return "", asking(Bitbucket, "a comment on "+pullName(repo, number), err)
	}
	return strconv.FormatInt(c.ID, 10), nil
}

func (f *bucket) EditComment(ctx context.Context, repo string, number int, id, body string) error {
	if _, err := commentNumber(id); err != nil {
		return err
	}
	at, err := f.at(repo, "pullrequests", strconv.Itoa(number), "comments", id)
	if err != nil {
		return err
	}
	_, err = f.ask(ctx, http.MethodPut, at, bucketText(body), nil)
	return asking(Bitbucket, "comment "+id+" on "+pullName(repo, number), err)
}

// SetStatus needs an address: without one it names the commit's own page. A key has at
// most 40 characters.
func (f *bucket) SetStatus(ctx context.Context, repo, commit string, s port.CommitStatus) error {
	at, err := f.at(repo, "commit", commit, "statuses", "build")
	if err != nil {
		return err
	}
	key := s.Name
	if len(key) > 40 {
		sum := sha256.Sum256([]byte(key))
		key = hex.EncodeToString(sum[:20])
	}
	page := s.URL
	if page == "" {
		page = fmt.Sprintf("https://bitbucket.org/%s/commits/%s", repo, commit)
	}
	state := map[port.CommitState]string{port.CommitPending: "INPROGRESS", port.CommitSuccess: "SUCCESSFUL", port.CommitFailure: "FAILED", port.CommitError: "STOPPED"}[s.State]
	_, err = f.ask(ctx, http.MethodPost, at, map[string]string{"key": key, "name": s.Name, "state": state, "description": clip(s.Text, 140), "url": page}, nil)
	return asking(Bitbucket, "the status of commit "+commit+" of "+repo, err)
}

// Rights are told to who administers the workspace.
func (f *bucket) Rights(ctx context.Context, repo, user string) (port.Rights, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return port.NoRights, err
	}
	q := url.Values{"q": {"user.uuid=" + strconv.Quote(user)}}
	type permission struct {
		Permission string
		User       bucketUser
	}
	all, err := bucketList[permission](ctx, f, f.base.String()+"workspaces/"+url.PathEscape(owner)+"/permissions/repositories/"+url.PathEscape(name)+"?"+q.Encode())
	if err != nil {
		return port.NoRights, asking(Bitbucket, "what "+user+" may do to "+repo, err)
	}
	for _, p := range all {
		if p.User.UUID == user {
			return map[string]port.Rights{"admin": port.AdminRights, "write": port.WriteRights, "read": port.ReadRights}[p.Permission], nil
		}
	}
	return port.NoRights, nil
}

// MaxComment leaves room below Bitbucket's 32,768 characters.
func (f *bucket) MaxComment() int { return 32_000 }
