package port

import "context"

// Defaults is the part of Domino's REST API that keeps the deployment's default
// environment: what a project gets whose owner chose none.
type Defaults interface {
	// DefaultEnvironment is its id.
	DefaultEnvironment(ctx context.Context) (environment string, err error)
	// SetDefaultEnvironment makes another one the default. It is sent once; ErrDenied,
	// ErrThrottled, ErrNotFound and ErrMismatch say that nothing happened.
	SetDefaultEnvironment(ctx context.Context, environment string) error
}
