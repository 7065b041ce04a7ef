package port

import "context"

// NewEnvironment is a compute environment to be made, with the definition of its first
// revision.
type NewEnvironment struct {
	Name, Description string
	Visibility        string // one of the Visibility constants
	Owner             string // the id of a user, an organization's too; "" for whose key it is
	First             Definition
}

// The visibilities, in Domino's words.
const (
	VisibilityPrivate      = "Private"
	VisibilityOrganization = "Organization"
	VisibilityGlobal       = "Global"
)

// EnvironmentLife is the part of Domino's REST API that makes compute environments,
// shares and archives them. It has no call that renames one, brings an archived one
// back, or deletes one. Errors are those of Environments.
type EnvironmentLife interface {
	// CreateEnvironment makes an environment and begins the build of its first revision.
	// A call that is repeated makes another one. ErrMismatch: Domino does not take it.
	CreateEnvironment(ctx context.Context, e NewEnvironment) (environment string, err error)
	// ArchiveEnvironment hides an environment from who does not use it.
	ArchiveEnvironment(ctx context.Context, environment string) error
	// ShareEnvironment says who may use an environment, and hands it to an owner; ""
	// leaves it to the one that it has.
	ShareEnvironment(ctx context.Context, environment, visibility, owner string) error
}
