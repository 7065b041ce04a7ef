package port

import (
	"context"
	"time"
)

// Forge is one forge (GitHub, GitLab, Gitea or Forgejo, Bitbucket) as one account
// sees it. A repository is named as in its address: "acme/domino", or of GitLab's
// groups "acme/data/domino". Lists are complete: all pages, or an error.
type Forge interface {
	// Me is the account whose token is used.
	Me(ctx context.Context) (user string, err error)
	// Pull reads a pull request as it is now; ErrNotFound.
	Pull(ctx context.Context, repo string, number int) (Pull, error)
	// Pulls are the open ones.
	Pulls(ctx context.Context, repo string) ([]Pull, error)
	// Carried are the pull requests by which a commit came to a branch, as far as the
	// forge knows; none for one that was pushed.
	Carried(ctx context.Context, repo, commit string) (numbers []int, err error)
	// Comments are those of a pull request's conversation, oldest first.
	Comments(ctx context.Context, repo string, number int) ([]Comment, error)
	// Comment adds one and answers its id. It knows no token: whoever repeats it
	// looks first whether it is there.
	Comment(ctx context.Context, repo string, number int, body string) (id string, err error)
	// EditComment replaces the text of one; ErrNotFound: it was deleted.
	EditComment(ctx context.Context, repo string, number int, id, body string) error
	// SetStatus sets what a commit shows under the status' name; repeating it is safe.
	SetStatus(ctx context.Context, repo, commit string, s CommitStatus) error
	// Rights are what a user may do to a repository at this moment.
	Rights(ctx context.Context, repo, user string) (Rights, error)
	// MaxComment is how long a comment may be, in bytes.
	MaxComment() int
}

// Pull is a pull request, which GitLab calls a merge request.
type Pull struct {
	Number int
	Author string
	// Pushers are the users who wrote or committed what it brings, as far as the
	// forge knows them, sorted. Filled by Pull alone.
	Pushers []string
	// Repo is where Head's commits are; another than the pull request's own is a
	// fork. Empty: it was deleted.
	Repo        string
	Head, Base  string // branches
	HeadCommit  string
	Ref         string // under which the pull request's own repository has HeadCommit; empty: it has not
	State       PullState
	MergeCommit string // of a merged one
	UpdatedAt   time.Time
}

// PullState says whether a pull request can still be merged, or was.
type PullState string

// The states of a pull request.
const (
	PullOpen   PullState = "open"
	PullMerged PullState = "merged"
	PullClosed PullState = "closed"
)

// Comment is one comment of a conversation. Edited says that its text is not the
// one that was posted.
type Comment struct {
	ID, Author, Body string
	CreatedAt        time.Time
	Edited           bool
}

// CommitStatus is what a commit shows on the forge. Name tells it from those of others,
// Text is at most 140 characters (GitHub's limit), URL may be empty.
type CommitStatus struct {
	Name, Text, URL string
	State           CommitState
}

// CommitState is how far the work for a commit has come, and how it ended.
type CommitState string

// The states of a commit.
const (
	CommitPending CommitState = "pending"
	CommitSuccess CommitState = "success"
	CommitFailure CommitState = "failure" // it was judged, and is not good
	CommitError   CommitState = "error"   // it could not be judged
)

// Rights are what a user may do to a repository, from nothing up.
type Rights int

// What a user may do.
const (
	NoRights Rights = iota
	ReadRights
	WriteRights // push and merge
	AdminRights
)
