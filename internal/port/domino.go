package port

import (
	"context"
	"errors"
	"time"
)

// ErrUnstated is of what Domino is needed for, where the deployment does not state it.
var ErrUnstated = errors.New("DC291: the files state no deployment.domino, so that Domino cannot be asked; state it again, and resume")

// Domino is the part of Domino's REST API that domctl asks. It is asked where the
// deployment states it alone, so it is no part of Outside. ErrDenied: the key was
// refused, or may not see this; ErrThrottled: asked too often.
type Domino interface {
	// DominoUser is the name of whose key it is.
	DominoUser(ctx context.Context) (string, error)
	// PullTime is how long an execution waited until its images were there. told is
	// false where Domino says nothing of it: it is not that far, or never came to it.
	// ErrNotFound for an execution that its jobs do not hold, whatever the id.
	PullTime(ctx context.Context, execution string) (took time.Duration, told bool, err error)

	Environments
	Tiers
	CentralConfig
	BuildLogs
	Routes
	Jobs
	Executions
}
