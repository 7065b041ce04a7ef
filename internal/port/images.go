package port

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// ImageQuery narrows DescribeImages; IDs that do not exist are left out of the
// answer rather than failing it. nil IDs means all, an empty list none, and so
// for every list of names or ids in this package. Images that are asked for by id
// are found deprecated and disabled too; Disabled adds the latter to the rest.
// Deprecated ones of this account are always found.
type ImageQuery struct {
	IDs      []string
	Owners   []string            // "self", "amazon", account ids
	Filters  map[string][]string // EC2 filter names
	Disabled bool
}

// Image is an AMI. State is EC2's: pending, available, failed, invalid, error,
// transient, deregistered, disabled.
type Image struct {
	ID, Name, Owner, State, Architecture, Created string // Created: RFC 3339
	// OwnerAlias is "amazon" or "aws-marketplace" for images of these, else "".
	OwnerAlias  string
	Reason      string // why it came to this state, where EC2 says so
	Description string
	Tags        map[string]string
	// Instance is the one it was made from, Source the image that it was copied
	// from, in SourceRegion; "" where EC2 does not say.
	Instance, Source, SourceRegion string
	// Deprecated is when it is, or will be: RFC 3339, "" for never.
	Deprecated string
	Public     bool
	// RootDevice is the name of the device that the image starts from, RootGiB the
	// size that the image states for it; 0: it states none.
	RootDevice string
	RootGiB    int64
	Volumes    []ImageVolume
}

// ImageVolume is a volume that each instance of an image gets. Deleted says that
// it goes when the instance is terminated.
type ImageVolume struct {
	Device, Snapshot string
	GiB              int64
	Deleted          bool
}

// NewImage is an image to make of an instance, which EC2 stops for it unless it
// is stopped. Each volume of the image goes when an instance of it is terminated.
type NewImage struct {
	Instance string
	// Name is unique among the images of an account and region, so it is what
	// keeps a second call from making a second image: 3 to 128 letters, digits and
	// ()[] ./-'@_.
	Name, Description string
	// Tags stand on the image and its snapshots from their creation.
	Tags map[string]string
}

// ImageCopy is a copy of an image of another region, or the same one.
type ImageCopy struct {
	Token                string // ClientToken; "" repeats the effect
	Source, SourceRegion string
	Name, Description    string
	// Key is the KMS key of the copy's region that encrypts its snapshots: id, alias
	// or ARN. "" leaves them as the source's are. A key that cannot be used lets the
	// copy fail later.
	Key string
	// Tags stand on the copy and its snapshots from their creation; the source's
	// are not copied.
	Tags map[string]string
}

// LaunchPermission says who beside the owner may launch an image.
type LaunchPermission struct {
	Accounts []string
	Public   bool
	Others   int // organizations and their units
}

// Images is the part of Amazon EC2 that makes, shares and retires AMIs, in one
// region.
type Images interface {
	DescribeImages(ctx context.Context, q ImageQuery) ([]Image, error)
	// CreateImage answers ErrDuplicate for a name that is taken, ErrNotFound for a
	// missing instance, ErrState for one that is neither running nor stopped. The
	// image is pending, then available or failed.
	CreateImage(ctx context.Context, n NewImage) (id string, err error)
	// CopyImage makes a copy in this region. A repeated Token answers the first
	// id again, ErrMismatch when the rest differs. A missing source is ErrNotFound.
	CopyImage(ctx context.Context, c ImageCopy) (id string, err error)
	// DescribeLaunchPermission, and all that follow, are for images of this
	// account: another's is ErrDenied, a missing one ErrNotFound.
	DescribeLaunchPermission(ctx context.Context, image string) (LaunchPermission, error)
	// ModifyLaunchPermission shares an image with accounts, or no more; who has it
	// already, or has it not, stays so. Anything but an account's twelve digits is
	// refused, so that no image becomes public.
	ModifyLaunchPermission(ctx context.Context, image string, add, remove []string) error
	// CreateTags sets tags on images, snapshots, instances and volumes; a missing
	// one is ErrNotFound, and none is tagged then. DeleteTags removes keys.
	CreateTags(ctx context.Context, ids []string, tags map[string]string) error
	DeleteTags(ctx context.Context, ids []string, keys []string) error
	// EnableImageDeprecation sets the minute from which an image is deprecated,
	// which is not in the past; DisableImageDeprecation takes it away.
	EnableImageDeprecation(ctx context.Context, image string, at time.Time) error
	DisableImageDeprecation(ctx context.Context, image string) error
	// DeregisterImage deletes the image and its snapshots, and answers those that
	// stay, as one that another image has too does. A missing image is ErrNotFound.
	DeregisterImage(ctx context.Context, image string) (left []string, err error)
	DescribeSnapshots(ctx context.Context, q Select) ([]Snapshot, error)
	// DeleteSnapshot answers ErrNotFound for a missing one, ErrInUse while an
	// image has it.
	DeleteSnapshot(ctx context.Context, id string) error
}

// Region is another region of the account: its images are made, shared and retired, and
// what names them there is read, as EC2, AutoScaling and SSM say.
type Region interface {
	Images
	DescribeInstances(ctx context.Context, q Select) ([]Instance, error)
	DescribeLaunchTemplates(ctx context.Context, ids []string) ([]LaunchTemplate, error)
	DescribeLaunchTemplateVersions(ctx context.Context, template string, numbers []int64) ([]LaunchTemplateVersion, error)
	DescribeDefaultVersions(ctx context.Context) ([]LaunchTemplateVersion, error)
	DescribeAutoScalingGroups(ctx context.Context, names []string) ([]AutoScalingGroup, error)
	DescribeLaunchConfigurations(ctx context.Context, names []string) ([]LaunchConfiguration, error)
	GetParameters(ctx context.Context, names []string) (map[string]string, error)
}

// Snapshot is one of a volume, of this account. State is pending, completed,
// error, recoverable or recovering.
type Snapshot struct {
	ID, State, Volume, Description string
	Key                            string // the KMS key that encrypts it, "" for none
	GiB                            int64
	Started                        string // RFC 3339
	Tags                           map[string]string
}

// CheckAccounts refuses what is not an account's id, "all" above all.
func CheckAccounts(ids ...[]string) error {
	for _, id := range slices.Concat(ids...) {
		if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
			return fmt.Errorf("%q is not an account's twelve digits; domctl makes no image public", id)
		}
	}
	return nil
}

// Wildcard says whether the value of an EC2 filter finds a text: "*" is any
// characters, "?" any one, "\\" takes the next as it is.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
func Wildcard(pattern, text string) bool {
	escaped := strings.NewReplacer(`[`, `\[`, `/`, "\x00").Replace(pattern)
	ok, err := path.Match(escaped, strings.ReplaceAll(text, "/", "\x00"))
	return err == nil && ok
}
