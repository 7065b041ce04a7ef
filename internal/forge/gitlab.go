package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"domctl.dev/internal/port"
)

// lab is GitLab.
type lab struct {
	*gitlab.Client
	user string
}

func openGitLab(c Config, at *url.URL, h *http.Client) (port.Forge, error) {
	client, err := gitlab.NewClient("", gitlab.WithBaseURL(at.String()), gitlab.WithHTTPClient(h), gitlab.WithoutRetries())
	if err != nil {
		return nil, err
	}
	return &lab{client, c.User}, nil
}

func (f *lab) Me(ctx context.Context) (string, error) {
	if f.user != "" {
		return f.user, nil
	}
	u, _, err := f.Users.CurrentUser(gitlab.WithContext(ctx))
	if err != nil {
		return "", asking(GitLab, "who the token's account is", err)
	}
	return named(GitLab, u.Username)
}

func (f *lab) Pull(ctx context.Context, repo string, number int) (port.Pull, error) {
	if _, _, err := repository(repo); err != nil {
		return port.Pull{}, err
	}
	what := pullName(repo, number)
	m, _, err := f.MergeRequests.GetMergeRequest(repo, int64(number), nil, gitlab.WithContext(ctx))
	if err != nil {
		return port.Pull{}, asking(GitLab, what, err)
	}
	out, err := f.read(ctx, repo, map[int64]string{})(&m.BasicMergeRequest)
	if err != nil {
		return port.Pull{}, asking(GitLab, what, err)
	}
	out.Pushers, err = f.pushers(ctx, repo, m)
	return out, asking(GitLab, "who pushed to "+what, err)
}

// pushers are told by no list of GitLab's: a commit names an address, not an account.
// The conversation notes who pushed since the merge request was opened, and the
// project's events who pushed to the branch, kept for three years; those of a fork
// may be hidden.
func (f *lab) pushers(ctx context.Context, repo string, m *gitlab.MergeRequest) ([]string, error) {
	notes, err := f.notes(ctx, repo, int(m.IID))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, n := range notes {
		if n.System && strings.HasPrefix(n.Body, "added ") && strings.Contains(n.Body, "commit") {
			names = append(names, n.Author.Username)
		}
	}
	const before = 180 * 24 * time.Hour // that a branch is older than its merge request
	since := gitlab.ISOTime(when(m.CreatedAt).Add(-before))
	action := gitlab.EventTypeValue("pushed")
	events, err := every(ctx, labPages(100, func(o gitlab.ListOptions) ([]*gitlab.ProjectEvent, *gitlab.Response, error) {
		return f.Events.ListProjectVisibleEvents(m.SourceProjectID, &gitlab.ListProjectVisibleEventsOptions{ListOptions: o, Action: &action, After: &since}, gitlab.WithContext(ctx))
	}))
	hidden := m.SourceProjectID != m.TargetProjectID && (errors.Is(err, port.ErrNotFound) || errors.Is(err, port.ErrDenied))
	if err != nil && !hidden {
		return nil, err
	}
	for _, e := range events {
		if e.PushData.Ref == m.SourceBranch {
			names = append(names, e.AuthorUsername)
		}
	}
	return people(names), nil
}

func (f *lab) Pulls(ctx context.Context, repo string) ([]port.Pull, error) {
	if _, _, err := repository(repo); err != nil {
		return nil, err
	}
	what := "the open merge requests of " + repo
	state, order, sort := "opened", "created_at", "asc"
	all, err := every(ctx, labPages(50, func(o gitlab.ListOptions) ([]*gitlab.BasicMergeRequest, *gitlab.Response, error) {
		return f.MergeRequests.ListProjectMergeRequests(repo, &gitlab.ListProjectMergeRequestsOptions{ListOptions: o, State: &state, OrderBy: &order, Sort: &sort}, gitlab.WithContext(ctx))
	}))
	if err != nil {
		return nil, asking(GitLab, what, err)
	}
	return pulls(GitLab, what, all, f.read(ctx, repo, map[int64]string{}))
}

// Carried are the merge requests that GitLab tells of a commit, also those that are open.
func (f *lab) Carried(ctx context.Context, repo, commit string) ([]int, error) {
	if _, _, err := repository(repo); err != nil {
		return nil, err
	}
	all, err := every(ctx, labPages(20, func(o gitlab.ListOptions) ([]*gitlab.BasicMergeRequest, *gitlab.Response, error) {
		return f.Commits.ListMergeRequestsByCommit(repo, commit, gitlab.WithContext(ctx), gitlab.WithOffsetPaginationParameters(o.Page))
	}))
	if err != nil {
		return nil, asking(GitLab, "the merge requests that brought "+commit+" to "+repo, err)
	}
	return numbers(all, func(m *gitlab.BasicMergeRequest) int { return int(m.IID) }), nil
}

// read makes a pull request of a merge request; names keeps those of forks.
func (f *lab) read(ctx context.Context, repo string, names map[int64]string) func(*gitlab.BasicMergeRequest) (port.Pull, error) {
	return func(m *gitlab.BasicMergeRequest) (port.Pull, error) {
		if m.SHA == "" {
			return port.Pull{}, errNoCommit
		}
		out := port.Pull{Number: int(m.IID), Repo: repo, Head: m.SourceBranch, Base: m.TargetBranch, HeadCommit: m.SHA, Ref: fmt.Sprintf("refs/merge-requests/%d/head", m.IID),
			State: port.PullOpen, UpdatedAt: when(m.UpdatedAt)}
		if m.Author != nil {
			out.Author = m.Author.Username
		}
		switch m.State {
		case "merged":
			out.State, out.MergeCommit = port.PullMerged, m.MergeCommitSHA
			if out.MergeCommit == "" { // squashed, or fast-forward
				out.MergeCommit = m.SquashCommitSHA
			}
			if out.MergeCommit == "" {
				out.MergeCommit = m.SHA
			}
		case "closed", "locked":
			out.State = port.PullClosed
		}
		if m.SourceProjectID == m.TargetProjectID {
			return out, nil
		}
		name, known := names[m.SourceProjectID]
		if !known {
			p, _, err := f.Projects.GetProject(m.SourceProjectID, nil, gitlab.WithContext(ctx))
			switch {
			case err == nil:
				name = p.PathWithNamespace
			case !errors.Is(err, port.ErrNotFound): // a fork that is hidden reads as one that was deleted
				return port.Pull{}, err
			}
			names[m.SourceProjectID] = name
		}
		out.Repo = name
		return out, nil
	}
}

// notes are all of a merge request, GitLab's own included.
func (f *lab) notes(ctx context.Context, repo string, number int) ([]*gitlab.Note, error) {
	order, sort := "created_at", "asc"
	return every(ctx, labPages(20, func(o gitlab.ListOptions) ([]*gitlab.Note, *gitlab.Response, error) {
		o.OrderBy, o.Sort = order, sort
		return f.Notes.ListMergeRequestNotes(repo, int64(number), &gitlab.ListMergeRequestNotesOptions{ListOptions: o}, gitlab.WithContext(ctx))
	}))
}

// Comments leaves out what GitLab itself notes, and remarks on lines.
func (f *lab) Comments(ctx context.Context, repo string, number int) ([]port.Comment, error) {
	if _, _, err := repository(repo); err != nil {
		return nil, err
	}
	what := "the comments of " + pullName(repo, number)
	all, err := f.notes(ctx, repo, number)
	if err != nil {
		return nil, asking(GitLab, what, err)
	}
	var out []port.Comment
	for _, n := range all {
		if n.System || n.Position != nil || n.Type == gitlab.DiffNote {
			continue
		}
		c := port.Comment{ID: strconv.FormatInt(n.ID, 10), Author: n.Author.Username, Body: n.Body, CreatedAt: when(n.CreatedAt), Edited: !when(n.UpdatedAt).Equal(when(n.CreatedAt))}
		out = append(out, c)
	}
	return conversation(GitLab, what, out)
}

func (f *lab) Comment(ctx context.Context, repo string, number int, body string) (string, error) {
	if _, _, err := repository(repo); err != nil {
		return "", err
	}
	n, _, err := f.Notes.CreateMergeRequestNote(repo, int64(number), &gitlab.CreateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	if err != nil {
		return "", asking(GitLab, "a comment on "+pullName(repo, number), err)
	}
	return strconv.FormatInt(n.ID, 10), nil
}

func (f *lab) EditComment(ctx context.Context, repo string, number int, id, body string) error {
	if _, _, err := repository(repo); err != nil {
		return err
	}
	n, err := commentNumber(id)
	if err == nil {
		_, _, err = f.Notes.UpdateMergeRequestNote(repo, int64(number), n, &gitlab.UpdateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	}
	return asking(GitLab, "comment "+id+" on "+pullName(repo, number), err)
}

// SetStatus takes the refusal of a state that stands already for what it says.
// https://docs.gitlab.com/api/commits/#set-commit-pipeline-status
func (f *lab) SetStatus(ctx context.Context, repo, commit string, s port.CommitStatus) error {
	if _, _, err := repository(repo); err != nil {
		return err
	}
	state := map[port.CommitState]gitlab.BuildStateValue{port.CommitPending: gitlab.Pending, port.CommitSuccess: gitlab.Success, port.CommitFailure: gitlab.Failed, port.CommitError: gitlab.Canceled}[s.State]
	text := clip(s.Text, 140)
	set := gitlab.SetCommitStatusOptions{State: state, Name: &s.Name, Description: &text}
	if s.URL != "" {
		set.TargetURL = &s.URL
	}
	_, _, err := f.Commits.SetCommitStatus(repo, commit, &set, gitlab.WithContext(ctx))
	if status(err) == http.StatusBadRequest {
		if stands, e := f.stands(ctx, repo, commit, s.Name); e == nil && stands == string(state) {
			return nil
		}
	}
	return asking(GitLab, "the status of commit "+commit+" of "+repo, err)
}

// stands is a commit's state under a name; GitLab lists the newest of each name.
func (f *lab) stands(ctx context.Context, repo, commit, name string) (string, error) {
	all, err := every(ctx, labPages(50, func(o gitlab.ListOptions) ([]*gitlab.CommitStatus, *gitlab.Response, error) {
		return f.Commits.GetCommitStatuses(repo, commit, &gitlab.GetCommitStatusesOptions{ListOptions: o, Name: &name}, gitlab.WithContext(ctx))
	}))
	for _, s := range all {
		if s.Name == name {
			return s.Status, err
		}
	}
	return "", err
}

// Rights are those of a member, of the project or of a group above it. Maintainers
// administer a project.
// https://docs.gitlab.com/user/permissions/
func (f *lab) Rights(ctx context.Context, repo, user string) (port.Rights, error) {
	if _, _, err := repository(repo); err != nil {
		return port.NoRights, err
	}
	what := "what " + user + " may do to " + repo
	if _, _, err := f.Projects.GetProject(repo, nil, gitlab.WithContext(ctx)); err != nil {
		return port.NoRights, asking(GitLab, what, err)
	}
	accounts, _, err := f.Users.ListUsers(&gitlab.ListUsersOptions{Username: &user}, gitlab.WithContext(ctx))
	if err != nil {
		return port.NoRights, asking(GitLab, what, err)
	}
	if len(accounts) != 1 || !strings.EqualFold(accounts[0].Username, user) {
		return port.NoRights, nil
	}
	m, _, err := f.ProjectMembers.GetInheritedProjectMember(repo, accounts[0].ID, gitlab.WithContext(ctx))
	switch {
	case errors.Is(err, port.ErrNotFound): // the project is there, so it is the member who is not
		return port.NoRights, nil
	case err != nil:
		return port.NoRights, asking(GitLab, what, err)
	case m.State != "active":
		return port.NoRights, nil
	case m.AccessLevel >= gitlab.MaintainerPermissions:
		return port.AdminRights, nil
	case m.AccessLevel >= gitlab.DeveloperPermissions:
		return port.WriteRights, nil
	case m.AccessLevel >= gitlab.ReporterPermissions:
		return port.ReadRights, nil
	}
	return port.NoRights, nil
}

// MaxComment is GitLab's limit in characters, taken as bytes, and less than that: a
// page that nobody can read tells nothing.
func (f *lab) MaxComment() int { return 500_000 }

func labPages[T any](size int64, get func(gitlab.ListOptions) ([]T, *gitlab.Response, error)) func(string) ([]T, string, int64, error) {
	return numbered(func(page int) ([]T, int, int64, error) {
		all, res, err := get(gitlab.ListOptions{Page: int64(page), PerPage: size})
		if err != nil {
			return nil, 0, 0, err
		}
		return all, after(page, all, int(size), int(res.NextPage)), res.ContentLength, nil
	})
}
