package port

import "context"

// LogLine is one line of a build's log. At is its time in nanoseconds since 1970, by
// which Domino tells lines apart; the text is as the build wrote it.
type LogLine struct {
	At   int64
	Text string
}

// BuildLogs is what the builds of revisions write.
type BuildLogs interface {
	// GetBuildLog answers the lines of a revision's build that are later than a moment,
	// oldest first: since 0, all of them. There are none as long as the build has not
	// begun. ErrNotFound for an environment or revision that is not there, whatever the
	// id.
	GetBuildLog(ctx context.Context, environment, revision string, since int64) ([]LogLine, error)
}
