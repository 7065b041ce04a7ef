package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"code.gitea.io/sdk/gitea"

	"domctl.dev/internal/port"
)

// teaForge is Gitea or Forgejo.
type teaForge struct {
	base string
	http *http.Client
	user string
}

func openGitea(c Config, at *url.URL, h *http.Client) (port.Forge, error) {
	return &teaForge{strings.TrimSuffix(at.String(), "api/v1/"), h, c.User}, nil
}

// client is one for a call: the SDK keeps its context in the client. It would ask for
// the server's version first; not told, it asks nothing.
func (f *teaForge) client(ctx context.Context) *gitea.Client {
	c, err := gitea.NewClient(f.base, gitea.SetHTTPClient(f.http), gitea.SetContext(ctx), gitea.SetGiteaVersion(""))
	if err != nil {
		panic(err) // of its options, none of which fails
	}
	return c
}

func (f *teaForge) Me(ctx context.Context) (string, error) {
	if f.user != "" {
		return f.user, nil
	}
	u, _, err := f.client(ctx).GetMyUserInfo()
	if err != nil {
		return "", asking(Gitea, "who the token's account is", err)
	}
	return named(Gitea, u.UserName)
}

// named refuses an account without a name, which any comment without an author would
// seem to be of.
func named(kind Kind, user string) (string, error) {
	if user == "" {
		return "", fmt.Errorf("%s does not say whose the token is", kind)
	}
	return user, nil
}

func (f *teaForge) Pull(ctx context.Context, repo string, number int) (port.Pull, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return port.Pull{}, err
	}
	what := pullName(repo, number)
	p, _, err := f.client(ctx).GetPullRequest(owner, name, int64(number))
	if err != nil {
		return port.Pull{}, asking(Gitea, what, err)
	}
	out, err := teaPull(p)
	if err != nil {
		return port.Pull{}, asking(Gitea, what, err)
	}
	commits, err := every(ctx, teaPages(func(o gitea.ListOptions) ([]*gitea.Commit, *gitea.Response, error) {
		return f.client(ctx).ListPullRequestCommits(owner, name, int64(number), gitea.ListPullRequestCommitsOptions{ListOptions: o})
	}))
	if err != nil {
		return port.Pull{}, asking(Gitea, "the commits of "+what, err)
	}
	for _, c := range commits {
		for _, u := range []*gitea.User{c.Author, c.Committer} {
			if u != nil {
				out.Pushers = append(out.Pushers, u.UserName)
			}
		}
	}
	// A commit may say that it is anybody's: who pushed it stands in the conversation.
	// Without a page all of it is sent.
	events, _, err := f.client(ctx).ListIssueTimeline(owner, name, int64(number), gitea.ListIssueCommentOptions{ListOptions: gitea.ListOptions{Page: -1}})
	if err != nil {
		return port.Pull{}, asking(Gitea, "who pushed to "+what, err)
	}
	for _, e := range events {
		if e.Type == "pull_push" && e.Poster != nil {
			out.Pushers = append(out.Pushers, e.Poster.UserName)
		}
	}
	out.Pushers = people(out.Pushers)
	return out, nil
}

func (f *teaForge) Pulls(ctx context.Context, repo string) ([]port.Pull, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return nil, err
	}
	what := "the open pull requests of " + repo
	all, err := every(ctx, teaPages(func(o gitea.ListOptions) ([]*gitea.PullRequest, *gitea.Response, error) {
		return f.client(ctx).ListRepoPullRequests(owner, name, gitea.ListPullRequestsOptions{ListOptions: o, State: gitea.StateOpen, Sort: "oldest"})
	}))
	if err != nil {
		return nil, asking(Gitea, what, err)
	}
	return pulls(Gitea, what, all, teaPull)
}

// Carried is one at most: Gitea knows the commit that a merge made, and of several that
// a rebase made the last.
func (f *teaForge) Carried(ctx context.Context, repo, commit string) ([]int, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return nil, err
	}
	what := "the pull request that brought " + commit + " to " + repo
	p, _, err := f.client(ctx).GetCommitPullRequest(owner, name, commit)
	if err = asking(Gitea, what, err); errors.Is(err, port.ErrNotFound) {
		// It says the same of a repository that is not there.
		_, _, err = f.client(ctx).GetRepo(owner, name)
		return nil, asking(Gitea, what, err)
	}
	if err != nil {
		return nil, err
	}
	return []int{int(p.Index)}, nil
}

// teaPull reads one.
func teaPull(p *gitea.PullRequest) (port.Pull, error) {
	if p.Base == nil || p.Head == nil {
		return port.Pull{}, errNoCommit
	}
	out := port.Pull{Number: int(p.Index), Head: p.Head.Ref, Base: p.Base.Ref,
		HeadCommit: p.Head.Sha, Ref: fmt.Sprintf("refs/pull/%d/head", p.Index), State: port.PullOpen, UpdatedAt: when(p.Updated)}
	if p.Poster != nil {
		out.Author = p.Poster.UserName
	}
	if p.Head.Repository != nil {
		out.Repo = p.Head.Repository.FullName
	}
	switch {
	case p.HasMerged:
		out.State = port.PullMerged
		if p.MergedCommitID != nil {
			out.MergeCommit = *p.MergedCommitID
		}
	case p.State == gitea.StateClosed:
		out.State = port.PullClosed
	}
	return out, nil
}

func (f *teaForge) Comments(ctx context.Context, repo string, number int) ([]port.Comment, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return nil, err
	}
	what := "the comments of " + pullName(repo, number)
	all, err := every(ctx, teaPages(func(o gitea.ListOptions) ([]*gitea.Comment, *gitea.Response, error) {
		return f.client(ctx).ListIssueComments(owner, name, int64(number), gitea.ListIssueCommentOptions{ListOptions: o})
	}))
	if err != nil {
		return nil, asking(Gitea, what, err)
	}
	out := make([]port.Comment, 0, len(all))
	for _, c := range all {
		one := port.Comment{ID: strconv.FormatInt(c.ID, 10), Body: c.Body, CreatedAt: c.Created, Edited: !c.Updated.Equal(c.Created)}
		if c.Poster != nil {
			one.Author = c.Poster.UserName
		}
		out = append(out, one)
	}
	return conversation(Gitea, what, out)
}

func (f *teaForge) Comment(ctx context.Context, repo string, number int, body string) (string, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return "", err
	}
	c, _, err := f.client(ctx).CreateIssueComment(owner, name, int64(number), gitea.CreateIssueCommentOption{Body: body})
	if err != nil {
		return "", asking(Gitea, "a comment on "+pullName(repo, number), err)
	}
	return strconv.FormatInt(c.ID, 10), nil
}

func (f *teaForge) EditComment(ctx context.Context, repo string, number int, id, body string) error {
	owner, name, err := repository(repo)
	if err != nil {
		return err
	}
	n, err := commentNumber(id)
	if err == nil {
		_, _, err = f.client(ctx).EditIssueComment(owner, name, n, gitea.EditIssueCommentOption{Body: body})
	}
	return asking(Gitea, "comment "+id+" on "+pullName(repo, number), err)
}

func (f *teaForge) SetStatus(ctx context.Context, repo, commit string, s port.CommitStatus) error {
	owner, name, err := repository(repo)
	if err != nil {
		return err
	}
	_, _, err = f.client(ctx).CreateStatus(owner, name, commit, gitea.CreateStatusOption{
		State: gitea.StatusState(s.State), TargetURL: s.URL, Description: clip(s.Text, 140), Context: s.Name})
	return asking(Gitea, "the status of commit "+commit+" of "+repo, err)
}

func (f *teaForge) Rights(ctx context.Context, repo, user string) (port.Rights, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return port.NoRights, err
	}
	what := "what " + user + " may do to " + repo
	p, _, err := f.client(ctx).CollaboratorPermission(owner, name, user)
	if err != nil {
		return port.NoRights, asking(Gitea, what, err)
	}
	switch p.Permission {
	case gitea.AccessModeOwner, gitea.AccessModeAdmin:
		return port.AdminRights, nil
	case gitea.AccessModeWrite:
		return port.WriteRights, nil
	case gitea.AccessModeRead:
		return port.ReadRights, nil
	}
	return port.NoRights, nil
}

// MaxComment is ours: Gitea keeps comments of any length, and nobody reads more.
func (f *teaForge) MaxComment() int { return 65_000 }

// teaPages reads one list page by page. Gitea sends all comments of a conversation at
// once, whatever page is asked for: only its Link header says that there is another.
func teaPages[T any](get func(gitea.ListOptions) ([]T, *gitea.Response, error)) func(string) ([]T, string, int64, error) {
	return numbered(func(page int) ([]T, int, int64, error) {
		all, res, err := get(gitea.ListOptions{Page: page, PageSize: 50})
		if err != nil {
			return nil, 0, 0, err
		}
		return all, res.NextPage, res.ContentLength, nil
	})
}

// when is a moment that may be missing.
func when(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// people are names without doubles and blanks, sorted.
func people(names []string) []string {
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(n string) bool { return n == "" })
}
