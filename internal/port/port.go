// Package port is the leaf under world, the sandbox and the adapters: the
// narrow calls domctl makes of the outside, and their argument types. It knows
// no SDK, and every answer is complete: a call pages inside and returns all it
// was asked for, or an error. A partial answer never comes back.
package port

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// What adapters answer for the cases that decide something; anything else is
// wrapped as it came.
var (
	ErrDuplicate  = errors.New("already exists")             // unique key, image name, launch configuration name
	ErrNotFound   = errors.New("not found")                  // the one object asked for by id
	ErrDenied     = errors.New("access denied")              // credentials lack a permission
	ErrThrottled  = errors.New("throttled")                  // still throttled after the adapter's back-off
	ErrMismatch   = errors.New("token used for other input") // IdempotentParameterMismatch
	ErrInvalid    = errors.New("not valid")                  // Domino does not take it (400, 422), or would not
	ErrTerminated = errors.New("token's instance is gone")   // IdempotentInstanceTerminated
	ErrInUse      = errors.New("in use")                     // a delete of what something refers to
	ErrState      = errors.New("not in a state for this")    // IncorrectInstanceState and its like
	ErrTimeout    = errors.New("did not end in time")        // a script that was ended on its machine
	ErrLost       = errors.New("whether it ran is open")     // the answer never came
	ErrInput      = errors.New("takes no standard input")    // SSM keeps what a command is given
	ErrHostKey    = errors.New("not this machine's key")     // someone else answers at its address
	ErrNotPrimary = errors.New("not the primary")            // a MongoDB write refused by its server, undone: another is elected
	ErrUnsent     = errors.New("nothing was sent")           // a write that got no further than to find a server, or to read what it changes
	ErrUnfiltered = errors.New("the filter has no _id")      // refused before it is sent
	ErrPath       = errors.New("cannot address field")       // a field name with a dot or "$": refused before it is sent
)

// Refused says of a write's error that nothing happened; again, that it may go better soon:
// a primary is elected within seconds, a budget allows a pod's end once another is ready,
// and who made or uses a thing may not show yet.
func Refused(err error) (refused, again bool) {
	is := func(kinds ...error) bool {
		return slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) })
	}
	again = is(ErrThrottled, ErrNotPrimary, ErrDuplicate, ErrInUse, ErrBudget)
	return again || is(ErrDenied, ErrMismatch, ErrInvalid, ErrNotFound, ErrState, ErrUnfiltered, ErrUnsent), again
}

// Throttle is ErrThrottled of an outside that says after how long it may be asked again.
type Throttle struct{ After time.Duration }

func (t *Throttle) Error() string {
	return ErrThrottled.Error() + ": it limits how often it is asked; run again in " + t.After.Round(time.Second).String()
}

// Unwrap makes it ErrThrottled.
func (t *Throttle) Unwrap() error { return ErrThrottled }

// Identity is who AWS says we are.
type Identity struct{ Account, ARN, Region string }

// STS tells the account.
type STS interface {
	GetCallerIdentity(ctx context.Context) (Identity, error)
}

// LaunchTemplate without its versions.
type LaunchTemplate struct {
	ID, Name        string
	Default, Latest int64
	Tags            map[string]string
}

// LaunchTemplateVersion is what domctl reads of a version. Blocks is the
// canonical JSON of its block device mappings, as they must be restated.
// Overrides of nothing else are needed: the rest is inherited by SourceVersion.
type LaunchTemplateVersion struct {
	Template, Description       string
	Number                      int64
	Image, InstanceType, Blocks string
	// LazyPull and CopiesCache are what the user data of an EKS node configures:
	// FastImagePull, and an instance store that containerd's folder moves to. The
	// user data itself never leaves the adapter.
	LazyPull, CopiesCache bool
}

// NewLaunchTemplateVersion makes a version from Source with another image. Image
// "" inherits it. Blocks "" inherits the mappings without their snapshots, as
// EC2 does; so callers restate what Describe answered. Token "" repeats the
// effect.
type NewLaunchTemplateVersion struct {
	Template, Token, Description string
	Source                       int64
	Image, Blocks                string
}

// InstanceType is the capacity of one EC2 instance type.
type InstanceType struct {
	Name          string
	VCPUs, GPUs   int64
	MemoryMiB     int64
	StoreGB       int64 // of instance store; 0: none
	GPUName       string
	Architectures []string
}

// EC2 is the part of Amazon EC2 that domctl calls.
type EC2 interface {
	Images
	Instances
	Leftovers
	TemplatesMade
	Offerings
	// In is the same account in another region.
	In(region string) Region
	// DescribeLaunchTemplates by id; unknown ids are left out. nil means all.
	DescribeLaunchTemplates(ctx context.Context, ids []string) ([]LaunchTemplate, error)
	// DescribeLaunchTemplateVersions of one template, by number; unknown numbers
	// are left out, an unknown template is ErrNotFound. nil means all.
	DescribeLaunchTemplateVersions(ctx context.Context, template string, numbers []int64) ([]LaunchTemplateVersion, error)
	// DescribeDefaultVersions is the default and the latest version of every
	// template, each once, in one paged read.
	DescribeDefaultVersions(ctx context.Context) ([]LaunchTemplateVersion, error)
	// CreateLaunchTemplateVersion answers the first number again for a repeated
	// Token, ErrMismatch when the rest differs; numbers are never reused.
	CreateLaunchTemplateVersion(ctx context.Context, v NewLaunchTemplateVersion) (number int64, err error)
	// ModifyLaunchTemplate sets the default version; a missing one is ErrNotFound.
	ModifyLaunchTemplate(ctx context.Context, template string, def int64) error
	// DeleteLaunchTemplateVersion answers ErrNotFound for a missing version,
	// ErrInUse for the default one.
	DeleteLaunchTemplateVersion(ctx context.Context, template string, number int64) error
	// DescribeInstanceTypes by name; unknown names are left out.
	DescribeInstanceTypes(ctx context.Context, names []string) ([]InstanceType, error)
}

// AutoScalingGroup names its template (by id) or launch configuration. Version
// is as the group states it: a number, "$Default", "$Latest" or "" (AWS takes it
// as $Default). Mixed says that the template stands in a mixed instances policy,
// whose overrides InstanceTypes are; Overrides are those that launch from something
// else.
type AutoScalingGroup struct {
	Name                      string
	LaunchConfiguration       string
	Template, Version         string
	Mixed                     bool
	Min, Max, Desired         int64
	InstanceTypes             []string
	Instances                 int64
	Tags                      map[string]string
	Propagated                []string // keys of Tags that its instances get, sorted
	SuspendedProcesses, Zones []string
	Overrides                 []LaunchOverride
	Warm                      bool // it has a warm pool, whose instances are none of the group's
}

// LaunchOverride is what an override of a mixed instances policy launches from in
// place of the group's template: a template (by id, Version as a group states it),
// an image, or both, of which the image counts.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchTemplateOverrides.html
type LaunchOverride struct {
	Template string `json:"template,omitempty"`
	Version  string `json:"version,omitempty"`
	Image    string `json:"image,omitempty"`
}

// LaunchConfiguration is what domctl reads of one. UserData never leaves the
// adapter.
type LaunchConfiguration struct {
	Name, Image, InstanceType string
	// Blocks are the sizes that its volumes state, as BlockSizes has them; "" for none.
	Blocks string
}

// BlockSizes are sizes of volumes by device, GiB, as a launch template's block devices have
// them: [{"DeviceName":"/dev/xvda","Ebs":{"VolumeSize":100}}].
func BlockSizes(sizes map[string]int64) string {
	var all []string
	for _, device := range slices.Sorted(maps.Keys(sizes)) {
		all = append(all, fmt.Sprintf(`{"DeviceName":%s,"Ebs":{"VolumeSize":%d}}`, quoted(device), sizes[device]))
	}
	if all == nil {
		return ""
	}
	return "[" + strings.Join(all, ",") + "]"
}

// GroupUpdate changes the named fields of one Auto Scaling group; nil and ""
// leave a field as it is. Template, Version and Mixed go together: a Version
// alone is refused. Min or Max take Desired along unless it is stated.
type GroupUpdate struct {
	Name                string
	LaunchConfiguration string
	Template, Version   string
	Mixed               bool
	Min, Max, Desired   *int64
}

// AutoScaling is the part of Amazon EC2 Auto Scaling that domctl calls.
type AutoScaling interface {
	GroupInstances
	// DescribeAutoScalingGroups by name; unknown names are left out. nil means all.
	DescribeAutoScalingGroups(ctx context.Context, names []string) ([]AutoScalingGroup, error)
	DescribeLaunchConfigurations(ctx context.Context, names []string) ([]LaunchConfiguration, error)
	// CopyLaunchConfiguration reads from and creates name with another image, all
	// else equal; ErrNotFound for from, ErrDuplicate for name, whatever it holds.
	CopyLaunchConfiguration(ctx context.Context, from, name, image string) error
	// DeleteLaunchConfiguration answers ErrInUse while a group names it.
	DeleteLaunchConfiguration(ctx context.Context, name string) error
	// UpdateAutoScalingGroup answers ErrNotFound for a missing group, launch
	// configuration, template or version, and changes nothing then.
	UpdateAutoScalingGroup(ctx context.Context, u GroupUpdate) error
	// TagGroup gives a group tags, or those it has another value; the others stay. A missing
	// group is ErrNotFound.
	TagGroup(ctx context.Context, group string, tags []GroupTag) error
	// UntagGroup takes tags away, whatever their value; a key that is not there is no error.
	UntagGroup(ctx context.Context, group string, keys []string) error
}

// GroupTag is a tag of an Auto Scaling group.
type GroupTag struct {
	Key, Value string
	Propagates bool // the instances that the group launches get it
}

// SSM is the part of AWS Systems Manager that domctl calls.
type SSM interface {
	// GetParameters by name; unknown names are left out.
	GetParameters(ctx context.Context, names []string) (map[string]string, error)
}

// Secrets is the part of AWS Secrets Manager that domctl calls. It is asked for
// secret references alone, so it is no part of Outside.
type Secrets interface {
	// GetSecretValue is the current value of a secret, by name or ARN, in the
	// clear; ErrNotFound for an unknown one.
	GetSecretValue(ctx context.Context, id string) (string, error)
}

// Manifest is what an image consists of on one platform. Config is the digest of
// its configuration.
type Manifest struct {
	Digest, Config string
	Layers         []Layer // the base's first
}

// Layer is one layer of an image: Digest and Size are of the blob that is
// transferred, DiffID of the tar in it. Foreign ones are not distributable: their
// bytes lie elsewhere. Unpacked is the size of the tar: Exact, or at least so.
type Layer struct {
	Digest, DiffID, MediaType string
	Size, Unpacked            int64
	Exact, Foreign            bool
}

// Registry resolves an image to its digests and layers.
type Registry interface {
	// Digests of an image by platform ("linux/amd64"); empty platforms means
	// all the image has, those it lacks are left out. ErrNotFound when the tag
	// is missing.
	Digests(ctx context.Context, image string, platforms []string) (map[string]string, error)
	// Layers of an image on one platform. ErrNotFound when the tag is missing or
	// has no image for the platform.
	Layers(ctx context.Context, image, platform string) (Manifest, error)
}

// Outside is all of it in one: a port that nobody wired does not compile.
type Outside interface {
	Documents
	STS
	EC2
	AutoScaling
	EKS
	SSM
	CloudWatch
	Registry
	Shell
}

// Parts is an Outside put together of one client for each system.
type Parts struct {
	Documents
	STS
	EC2
	AutoScaling
	EKS
	SSM
	CloudWatch
	Registry
	Shell
}
