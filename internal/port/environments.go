package port

import (
	"context"
	"time"
)

// Revision is one of an environment's, as a list of them says.
type Revision struct {
	ID      string
	Number  int64 // from 1 on
	Created time.Time
}

// Build is how far the build of a revision is, and the tags that it was made with.
type Build struct {
	Status string // one of the Build constants; "" where Domino tells none
	Tags   []string
}

// The states of a build, in their order; the last three are ends.
const (
	BuildQueued    = "queued"
	BuildStarting  = "starting"
	BuildPulling   = "pulling"
	BuildBuilding  = "building"
	BuildPushing   = "pushing"
	BuildSucceeded = "succeeded"
	BuildFailed    = "failed"
	BuildKilled    = "killed"
)

// Follower is an environment that follows another one's active revision.
type Follower struct{ ID, Name string }

// Definition is what a revision is built from. Of Image, Base and Follow one is
// stated at most; none: the deployment's default image.
type Definition struct {
	Image  string // an image by its URI
	Base   string // the id of a revision of another environment
	Follow string // the id of an environment whose active revision it follows
	// BaseOf and BaseNumber tell whose revision Base is; Domino answers them, and
	// CreateRevision takes none.
	BaseOf     string
	BaseNumber int64

	Dockerfile                           string // without FROM
	PreSetup, PostSetup, PreRun, PostRun string
	Tools                                string // JSON of the workspace tools by name; a string of what no JSON of tools can hold; "" for none
	Summary                              string
	Variables                            map[string]string
	DockerArguments, Clusters, Tags      []string // Clusters: "spark", "ray", "dask", "mpi"
	VPN, SkipCache, Restricted           bool
}

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

// Environments is the part of Domino's REST API that makes compute environments and their
// revisions, builds, shares and archives them. It has no call that renames an environment,
// brings an archived one back, or deletes one. An environment or revision that is not there
// is ErrNotFound, whatever the id. A write is sent once; ErrDenied, ErrThrottled,
// ErrNotFound, ErrState and ErrInvalid say that nothing happened, any other error
// decides nothing.
type Environments interface {
	// ListRevisions answers all revisions of an environment, newest first.
	ListRevisions(ctx context.Context, environment string) ([]Revision, error)
	// GetBuild tells how far a revision's build is.
	GetBuild(ctx context.Context, environment, revision string) (Build, error)
	// GetDefinition reads what a revision was built from, tags aside. What Domino
	// does not show reads as the zero value; a variable may be masked, see Masked.
	GetDefinition(ctx context.Context, revision string) (Definition, error)
	// ListFollowers answers the environments whose base is this one, and that Domino
	// builds again whenever another revision of it becomes active, by name.
	ListFollowers(ctx context.Context, environment string) ([]Follower, error)
	// CreateRevision makes a revision and begins its build. ErrInvalid: Domino does
	// not take the definition.
	CreateRevision(ctx context.Context, environment string, d Definition) (revision string, err error)
	// SetActiveRevision makes a built revision active; ErrState for one that is not
	// built.
	SetActiveRevision(ctx context.Context, environment, revision string) error
	// CancelBuild ends a build that is under way; ErrState where none is.
	CancelBuild(ctx context.Context, environment, revision string) error
	// CreateEnvironment makes an environment and begins the build of its first revision.
	// A call that is repeated makes another one. ErrInvalid: Domino does not take it.
	CreateEnvironment(ctx context.Context, e NewEnvironment) (environment string, err error)
	// ArchiveEnvironment hides an environment from who does not use it.
	ArchiveEnvironment(ctx context.Context, environment string) error
	// ShareEnvironment says who may use an environment, and hands it to an owner; ""
	// leaves it to the one that it has.
	ShareEnvironment(ctx context.Context, environment, visibility, owner string) error
	// DefaultEnvironment is the id of the deployment's default environment: what a project
	// gets whose owner chose none.
	DefaultEnvironment(ctx context.Context) (environment string, err error)
	// SetDefaultEnvironment makes another one the default.
	SetDefaultEnvironment(ctx context.Context, environment string) error
}
