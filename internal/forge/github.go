package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-github/v92/github"

	"domctl.dev/internal/port"
)

// hub is GitHub, or GitHub Enterprise Server.
type hub struct {
	*github.Client
	graphql string
	user    string
}

func openGitHub(c Config, at *url.URL, h *http.Client) (port.Forge, error) {
	base := at.String()
	client, err := github.NewClient(github.WithHTTPClient(h), github.WithURLs(&base, &base), github.WithDisableRateLimitCheck())
	if err != nil {
		return nil, err
	}
	graphql := at.JoinPath("graphql")
	if root, ok := strings.CutSuffix(at.Path, "/api/v3/"); ok {
		graphql.Path = root + "/api/graphql"
	}
	return &hub{client, graphql.String(), c.User}, nil
}

// Me asks as a person does, and else as an app's installation must, to whom the first
// is denied: the token of a job of GitHub Actions is one.
// https://docs.github.com/en/graphql/reference/queries#viewer
func (f *hub) Me(ctx context.Context) (string, error) {
	if f.user != "" {
		return f.user, nil
	}
	u, _, err := f.Users.Get(ctx, "")
	if err == nil {
		return named(GitHub, u.GetLogin())
	}
	if status(err) != http.StatusForbidden {
		return "", asking(GitHub, "who the token's account is", err)
	}
	var answer struct {
		Data struct{ Viewer struct{ Login string } }
	}
	r, err := f.NewRequest(ctx, http.MethodPost, f.graphql, map[string]string{"query": "{viewer{login}}"})
	if err == nil {
		_, err = f.Do(r, &answer)
	}
	if err != nil {
		return "", asking(GitHub, "who the token's account is", err)
	}
	return named(GitHub, answer.Data.Viewer.Login)
}

func (f *hub) Pull(ctx context.Context, repo string, number int) (port.Pull, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return port.Pull{}, err
	}
	what := pullName(repo, number)
	p, _, err := f.PullRequests.Get(ctx, owner, name, number)
	if err != nil {
		return port.Pull{}, asking(GitHub, what, err)
	}
	out, err := hubPull(p)
	if err != nil {
		return port.Pull{}, asking(GitHub, what, err)
	}
	commits, err := every(ctx, hubPages(func(o github.ListOptions) ([]*github.RepositoryCommit, *github.Response, error) {
		return f.PullRequests.ListCommits(ctx, owner, name, number, &o)
	}))
	if err != nil {
		return port.Pull{}, asking(GitHub, "the commits of "+what, err)
	}
	for _, c := range commits {
		out.Pushers = append(out.Pushers, c.GetAuthor().GetLogin(), c.GetCommitter().GetLogin())
	}
	out.Pushers = people(out.Pushers)
	return out, nil
}

func (f *hub) Pulls(ctx context.Context, repo string) ([]port.Pull, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return nil, err
	}
	what := "the open pull requests of " + repo
	all, err := every(ctx, hubPages(func(o github.ListOptions) ([]*github.PullRequest, *github.Response, error) {
		return f.PullRequests.List(ctx, owner, name, &github.PullRequestListOptions{State: "open", Sort: "created", Direction: "asc", ListOptions: o})
	}))
	if err != nil {
		return nil, asking(GitHub, what, err)
	}
	return pulls(GitHub, what, all, hubPull)
}

// Carried are those that GitHub tells of a commit of the default branch; of another
// branch's it knows the open ones alone.
func (f *hub) Carried(ctx context.Context, repo, commit string) ([]int, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return nil, err
	}
	all, err := every(ctx, hubPages(func(o github.ListOptions) ([]*github.PullRequest, *github.Response, error) {
		return f.PullRequests.ListPullRequestsWithCommit(ctx, owner, name, commit, &o)
	}))
	if err != nil {
		return nil, asking(GitHub, "the pull requests that brought "+commit+" to "+repo, err)
	}
	return numbers(all, func(p *github.PullRequest) int { return p.GetNumber() }), nil
}

// hubPull reads one. Of one that is open, merge_commit_sha is a merge that was tried.
func hubPull(p *github.PullRequest) (port.Pull, error) {
	if p.GetHead().GetSHA() == "" {
		return port.Pull{}, errNoCommit
	}
	out := port.Pull{Number: p.GetNumber(), Author: p.GetUser().GetLogin(), Repo: p.GetHead().GetRepo().GetFullName(),
		Head: p.GetHead().GetRef(), Base: p.GetBase().GetRef(), HeadCommit: p.GetHead().GetSHA(), Ref: fmt.Sprintf("refs/pull/%d/head", p.GetNumber()), State: port.PullOpen,
		UpdatedAt: p.GetUpdatedAt().Time}
	switch {
	case p.MergedAt != nil:
		out.State, out.MergeCommit = port.PullMerged, p.GetMergeCommitSHA()
	case p.GetState() == "closed":
		out.State = port.PullClosed
	}
	return out, nil
}

func (f *hub) Comments(ctx context.Context, repo string, number int) ([]port.Comment, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return nil, err
	}
	what := "the comments of " + pullName(repo, number)
	all, err := every(ctx, hubPages(func(o github.ListOptions) ([]*github.IssueComment, *github.Response, error) {
		return f.Issues.ListComments(ctx, owner, name, number, &github.IssueListCommentsOptions{ListOptions: o})
	}))
	if err != nil {
		return nil, asking(GitHub, what, err)
	}
	out := make([]port.Comment, 0, len(all))
	for _, c := range all {
		out = append(out, port.Comment{ID: strconv.FormatInt(c.GetID(), 10), Author: c.GetUser().GetLogin(), Body: c.GetBody(),
			CreatedAt: c.GetCreatedAt().Time, Edited: !c.GetUpdatedAt().Equal(c.GetCreatedAt())})
	}
	return conversation(GitHub, what, out)
}

func (f *hub) Comment(ctx context.Context, repo string, number int, body string) (string, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return "", err
	}
	c, _, err := f.Issues.CreateComment(ctx, owner, name, number, github.IssueCommentRequest{Body: body})
	if err != nil {
		return "", asking(GitHub, "a comment on "+pullName(repo, number), err)
	}
	return strconv.FormatInt(c.GetID(), 10), nil
}

func (f *hub) EditComment(ctx context.Context, repo string, number int, id, body string) error {
	owner, name, err := repository(repo)
	if err != nil {
		return err
	}
	n, err := commentNumber(id)
	if err == nil {
		_, _, err = f.Issues.UpdateComment(ctx, owner, name, n, github.IssueCommentRequest{Body: body})
	}
	return asking(GitHub, "comment "+id+" on "+pullName(repo, number), err)
}

// SetStatus keeps to the length of a description that GitHub takes.
func (f *hub) SetStatus(ctx context.Context, repo, commit string, s port.CommitStatus) error {
	owner, name, err := repository(repo)
	if err != nil {
		return err
	}
	state, text := string(s.State), clip(s.Text, 140)
	set := github.RepoStatus{State: &state, Description: &text, Context: &s.Name}
	if s.URL != "" {
		set.TargetURL = &s.URL
	}
	_, _, err = f.Repositories.CreateStatus(ctx, owner, name, commit, set)
	return asking(GitHub, "the status of commit "+commit+" of "+repo, err)
}

// Rights follow GitHub's four levels: "maintain" is told as write, "triage" as read.
// https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
func (f *hub) Rights(ctx context.Context, repo, user string) (port.Rights, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return port.NoRights, err
	}
	p, _, err := f.Repositories.GetPermissionLevel(ctx, owner, name, user)
	if err != nil {
		return port.NoRights, asking(GitHub, "what "+user+" may do to "+repo, err)
	}
	return map[string]port.Rights{"admin": port.AdminRights, "write": port.WriteRights, "read": port.ReadRights}[p.GetPermission()], nil
}

// MaxComment leaves room below GitHub's 65,536 characters.
func (f *hub) MaxComment() int { return 65_000 }

func hubPages[T any](get func(github.ListOptions) ([]T, *github.Response, error)) func(string) ([]T, string, int64, error) {
	return numbered(func(page int) ([]T, int, int64, error) {
		const size = 100
		all, res, err := get(github.ListOptions{Page: page, PerPage: size})
		if err != nil {
			return nil, 0, 0, err
		}
		return all, after(page, all, size, res.NextPage), res.ContentLength, nil
	})
}
