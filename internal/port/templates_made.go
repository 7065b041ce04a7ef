package port

import "context"

// NewLaunchTemplate is a launch template to make of a launch configuration: all of it goes
// into version 1, the default: block devices, user data, security groups, key, profile,
// metadata options, Spot price. User data never leaves the adapter.
type NewLaunchTemplate struct {
	Name, Configuration string
	Image               string // in place of the configuration's; "": that one
	// Root is the device whose snapshot is left out, as that of another image; "": none.
	Root        string
	Description string // of the version
	Token       string // ClientToken; "" repeats the effect
}

// TemplatesMade is the part of Amazon EC2 by which groups leave launch configurations.
type TemplatesMade interface {
	// DescribeTemplatesNamed by name; unknown names are left out, no names find none.
	DescribeTemplatesNamed(ctx context.Context, names []string) ([]LaunchTemplate, error)
	// CreateLaunchTemplate answers ErrNotFound for a missing configuration, ErrDuplicate
	// for a name that is taken, ErrState for one that no template can say (EC2-Classic). A
	// repeated Token answers the first id.
	CreateLaunchTemplate(ctx context.Context, n NewLaunchTemplate) (id string, err error)
	// DeleteLaunchTemplate deletes it with all its versions, also while a group names it;
	// a missing one is ErrNotFound.
	DeleteLaunchTemplate(ctx context.Context, id string) error
}
