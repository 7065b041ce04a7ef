package port

import "context"

// Tracker is a forge that keeps issues. A forge without them, as Bitbucket is, is none.
type Tracker interface {
	// OpenIssues are those that the account itself wrote, all of them.
	OpenIssues(ctx context.Context, repo string) ([]Issue, error)
	// NewIssue opens one and answers its id. It knows no token: whoever repeats it looks
	// first whether it is there.
	NewIssue(ctx context.Context, repo, title, body string) (id string, err error)
	// EditIssue replaces title and text of one, which is open or closed then;
	// ErrNotFound: it is gone.
	EditIssue(ctx context.Context, repo string, i Issue, open bool) error
}

// Issue is one, by its number in the repository.
type Issue struct{ ID, Title, Body string }
