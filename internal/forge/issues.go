package forge

import (
	"context"
	"strconv"

	"code.gitea.io/sdk/gitea"
	"github.com/google/go-github/v92/github"
	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"domctl.dev/internal/port"
)

var (
	_ port.Tracker = (*teaForge)(nil)
	_ port.Tracker = (*hub)(nil)
	_ port.Tracker = (*lab)(nil)
)

// issues makes a list of what was read, each once.
func issues[T any](kind Kind, what string, all []T, err error, read func(T) (i port.Issue, ok bool)) ([]port.Issue, error) {
	if err != nil {
		return nil, asking(kind, what, err)
	}
	out := make([]port.Issue, 0, len(all))
	for _, one := range all {
		if i, ok := read(one); ok {
			out = append(out, i)
		}
	}
	return out, asking(kind, what, distinct(out, func(i port.Issue) string { return i.ID }))
}

func (f *teaForge) OpenIssues(ctx context.Context, repo string) ([]port.Issue, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return nil, err
	}
	me, err := f.Me(ctx)
	if err != nil {
		return nil, err
	}
	all, err := every(ctx, teaPages(func(o gitea.ListOptions) ([]*gitea.Issue, *gitea.Response, error) {
		return f.client(ctx).ListRepoIssues(owner, name, gitea.ListIssueOption{ListOptions: o, State: gitea.StateOpen, Type: gitea.IssueTypeIssue, CreatedBy: me})
	}))
	return issues(Gitea, "the issues of "+repo, all, err, func(i *gitea.Issue) (port.Issue, bool) {
		return port.Issue{ID: strconv.FormatInt(i.Index, 10), Title: i.Title, Body: i.Body}, i.PullRequest == nil && i.Poster != nil && i.Poster.UserName == me
	})
}

func (f *teaForge) NewIssue(ctx context.Context, repo, title, body string) (string, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return "", err
	}
	i, _, err := f.client(ctx).CreateIssue(owner, name, gitea.CreateIssueOption{Title: title, Body: body})
	if err != nil {
		return "", asking(Gitea, "an issue of "+repo, err)
	}
	return strconv.FormatInt(i.Index, 10), nil
}

func (f *teaForge) EditIssue(ctx context.Context, repo string, i port.Issue, open bool) error {
	owner, name, err := repository(repo)
	if err != nil {
		return err
	}
	state := gitea.StateClosed
	if open {
		state = gitea.StateOpen
	}
	n, err := commentNumber(i.ID)
	if err == nil {
		_, _, err = f.client(ctx).EditIssue(owner, name, n, gitea.EditIssueOption{Title: i.Title, Body: &i.Body, State: &state})
	}
	return asking(Gitea, "issue "+i.ID+" of "+repo, err)
}

func (f *hub) OpenIssues(ctx context.Context, repo string) ([]port.Issue, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return nil, err
	}
	me, err := f.Me(ctx)
	if err != nil {
		return nil, err
	}
	all, err := every(ctx, hubPages(func(o github.ListOptions) ([]*github.Issue, *github.Response, error) {
		return f.Client.Issues.ListByRepo(ctx, owner, name, &github.IssueListByRepoOptions{State: "open", Creator: me, ListOptions: o})
	}))
	return issues(GitHub, "the issues of "+repo, all, err, func(i *github.Issue) (port.Issue, bool) {
		return port.Issue{ID: strconv.Itoa(i.GetNumber()), Title: i.GetTitle(), Body: i.GetBody()}, !i.IsPullRequest() && i.GetUser().GetLogin() == me
	})
}

func (f *hub) NewIssue(ctx context.Context, repo, title, body string) (string, error) {
	owner, name, err := repository(repo)
	if err != nil {
		return "", err
	}
	i, _, err := f.Client.Issues.Create(ctx, owner, name, github.CreateIssueRequest{Title: title, Body: &body})
	if err != nil {
		return "", asking(GitHub, "an issue of "+repo, err)
	}
	return strconv.Itoa(i.GetNumber()), nil
}

func (f *hub) EditIssue(ctx context.Context, repo string, i port.Issue, open bool) error {
	owner, name, err := repository(repo)
	if err != nil {
		return err
	}
	state := "closed"
	if open {
		state = "open"
	}
	n, err := commentNumber(i.ID)
	if err == nil {
		_, _, err = f.Client.Issues.Update(ctx, owner, name, int(n), github.UpdateIssueRequest{Title: &i.Title, Body: &i.Body, State: &state})
	}
	return asking(GitHub, "issue "+i.ID+" of "+repo, err)
}

func (f *lab) OpenIssues(ctx context.Context, repo string) ([]port.Issue, error) {
	if _, _, err := repository(repo); err != nil {
		return nil, err
	}
	me, err := f.Me(ctx)
	if err != nil {
		return nil, err
	}
	opened := "opened"
	all, err := every(ctx, labPages(100, func(o gitlab.ListOptions) ([]*gitlab.Issue, *gitlab.Response, error) {
		return f.Client.Issues.ListProjectIssues(repo, &gitlab.ListProjectIssuesOptions{ListOptions: o, State: &opened, AuthorUsername: &me}, gitlab.WithContext(ctx))
	}))
	return issues(GitLab, "the issues of "+repo, all, err, func(i *gitlab.Issue) (port.Issue, bool) {
		return port.Issue{ID: strconv.FormatInt(i.IID, 10), Title: i.Title, Body: i.Description}, i.Author != nil && i.Author.Username == me
	})
}

func (f *lab) NewIssue(ctx context.Context, repo, title, body string) (string, error) {
	if _, _, err := repository(repo); err != nil {
		return "", err
	}
	i, _, err := f.Client.Issues.CreateIssue(repo, &gitlab.CreateIssueOptions{Title: &title, Description: &body}, gitlab.WithContext(ctx))
	if err != nil {
		return "", asking(GitLab, "an issue of "+repo, err)
	}
	return strconv.FormatInt(i.IID, 10), nil
}

func (f *lab) EditIssue(ctx context.Context, repo string, i port.Issue, open bool) error {
	if _, _, err := repository(repo); err != nil {
		return err
	}
	event := "close"
	if open {
		event = "reopen"
	}
	n, err := commentNumber(i.ID)
	if err == nil {
		_, _, err = f.Client.Issues.UpdateIssue(repo, n, &gitlab.UpdateIssueOptions{Title: &i.Title, Description: &i.Body, StateEvent: &event}, gitlab.WithContext(ctx))
	}
	return asking(GitLab, "issue "+i.ID+" of "+repo, err)
}
