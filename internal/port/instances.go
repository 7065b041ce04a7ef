package port

import "context"

// Select narrows a Describe call of EC2: by id and by EC2's filters, which
// narrow together. Ids that do not exist are left out of the answer; nil IDs
// means all.
type Select struct {
	IDs     []string
	Filters map[string][]string
}

// NewInstance is one instance to launch. It has no user data, takes metadata
// requests of IMDSv2 alone with a hop limit of 1, and its root volume goes with
// it when it is terminated.
type NewInstance struct {
	Token  string   // ClientToken, at most 64 ASCII characters; "" repeats the effect
	Image  string   // id
	Type   string   // "m5.xlarge"
	Subnet string   // id; "": a default subnet
	Groups []string // ids of security groups; none: the VPC's default group
	// Profile is the name of an instance profile, Key that of a key pair; "": none.
	Profile, Key string
	// RootDevice is the image's, which RootGiB and RootType are for; 0 and ""
	// leave size and type as the image has them.
	RootDevice string
	RootGiB    int64
	RootType   string // "gp3"
	// Tags stand on the instance and on its volumes from their creation.
	Tags map[string]string
}

// Instance is what domctl reads of one. State is EC2's: pending, running,
// shutting-down, terminated, stopping, stopped. A terminated one is answered for
// about an hour more.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
type Instance struct {
	ID, State string
	Reason    string // why it came to this state, where EC2 says so: "Client.InternalError: …"
	Token     string // ClientToken that launched it
	// Profile is a name, without its path.
	Image, Type, Architecture, Subnet, Zone, Key, Profile string
	Groups                                                []string
	PrivateIP, PublicIP                                   string // "": none, as while it is stopped
	Launched                                              string // RFC 3339, the last start
	RootDevice                                            string
	Attached                                              []Attachment
	Tags                                                  map[string]string
}

// Going says that it is on its way out, or gone.
func (i Instance) Going() bool { return i.State == "shutting-down" || i.State == "terminated" }

// GroupNameTag stands on the instances of an Auto Scaling group.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html
const GroupNameTag = "aws:autoscaling:groupName"

// Keeper is what starts and ends an instance by itself, "" for nothing: an Auto Scaling
// group or a fleet, by the tag that it puts there and nobody else may.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
func (i Instance) Keeper() string {
	for tag, what := range map[string]string{GroupNameTag: "Auto Scaling group", "aws:ec2:fleet-id": "fleet", "aws:ec2spot:fleet-request-id": "Spot fleet"} {
		if name := i.Tags[tag]; name != "" {
			return what + " " + name
		}
	}
	return ""
}

// Attachment is a volume of an instance. Deleted says that it goes when the
// instance is terminated.
type Attachment struct {
	Device, Volume string
	Deleted        bool
}

// Instances is the part of Amazon EC2 that runs machines.
type Instances interface {
	// RunInstance launches one instance. A repeated Token answers the first id
	// again, ErrMismatch when the rest differs, ErrTerminated once that instance
	// is; an image that is not there, or not available, is ErrNotFound, as is a
	// missing group or key.
	RunInstance(ctx context.Context, n NewInstance) (id string, err error)
	DescribeInstances(ctx context.Context, q Select) ([]Instance, error)
	// StartInstance answers ErrNotFound for a missing instance, which a new one
	// may be for a while, and ErrState for one that is neither stopped nor
	// started already. So do the other two; TerminateInstance takes any state.
	StartInstance(ctx context.Context, id string) error
	StopInstance(ctx context.Context, id string) error
	TerminateInstance(ctx context.Context, id string) error
	// GetConsoleOutput is what the instance wrote to its console, "" while EC2 has
	// nothing of it; ErrNotFound for a missing instance.
	GetConsoleOutput(ctx context.Context, id string) (string, error)
}
