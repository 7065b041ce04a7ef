package port

import (
	"path"
	"strings"
)

// ImageQuery narrows DescribeImages; IDs that do not exist are left out of the
// answer rather than failing it. nil IDs means all, an empty list none, and so
// for every list of names or ids in this package.
type ImageQuery struct {
	IDs     []string
	Owners  []string            // "self", "amazon", account ids
	Filters map[string][]string // EC2 filter names
}

// Image is an AMI. OwnerAlias is "amazon" or "aws-marketplace" for images of
// these, else "".
type Image struct {
	ID, Name, Owner, State, Architecture, Created string // Created: RFC 3339
	OwnerAlias                                    string
	Tags                                          map[string]string
	// RootDevice is the name of the device that the image starts from, RootGiB the
	// size that the image states for it; 0: it states none.
	RootDevice string
	RootGiB    int64
}

// Wildcard says whether the value of an EC2 filter finds a text: "*" is any
// characters, "?" any one, "\\" takes the next as it is.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
func Wildcard(pattern, text string) bool {
	escaped := strings.NewReplacer(`[`, `\[`, `/`, "\x00").Replace(pattern)
	ok, err := path.Match(escaped, strings.ReplaceAll(text, "/", "\x00"))
	return err == nil && ok
}
