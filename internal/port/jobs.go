package port

import (
	"context"
	"time"
)

// NewJob is a job to start: a command of a project, in the active revision of an
// environment, on a hardware tier. All are ids but Command and Title.
type NewJob struct{ Project, Command, Environment, Tier, Title string }

// Job is an execution that somebody started as a job, whether it has ended or not. It is no
// Execution: the machines of a job are not told, and must not look like none.
type Job struct {
	ID, Title string
	Status    string // "Running", "Succeeded": Domino's word
	Ended     bool
	Submitted time.Time
}

// Jobs is the part of Domino's REST API that starts jobs and stops them. A write is sent
// once; ErrDenied, ErrThrottled, ErrNotFound, ErrState and ErrInvalid say that nothing
// happened, any other error decides nothing.
type Jobs interface {
	// ListJobs answers the jobs of a project with a title that were submitted since a
	// moment, newest first; older ones may be among them. An error where the list cannot
	// be read back to that moment.
	ListJobs(ctx context.Context, project, title string, since time.Time) ([]Job, error)
	// StartJob starts one. Domino takes no token: a call that is repeated starts another.
	StartJob(ctx context.Context, j NewJob) (id string, err error)
	// StopJob ends a job of a project, and commits none of its results. ErrState or
	// nothing where it has ended.
	StopJob(ctx context.Context, project, id string) error
}
