package schema

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// copiedBefore is the map by which *applied* remembers the copies that an entry had
// made of its images: a Copied each, by content and region.
const copiedBefore = "copiedBefore."

// Copied is a copy of a baked image in another region.
type Copied struct {
	Region string `json:"region"`
	Image  string `json:"image"`
	Of     string `json:"of"` // the image it is a copy of
}

// CopiedBefore is where an applied entry holds the copy of an image of this content.
func CopiedBefore(key, region string) string {
	return copiedBefore + JoinPath(key[:min(len(key), 8)]+"-"+region)
}

// Copied are the copies that an applied entry of amis had made, those of former
// images included.
func (e Entry) Copied() (all []Copied) {
	for _, p := range Sorted(e.Fields) {
		var c Copied
		if strings.HasPrefix(p, copiedBefore) && json.Unmarshal([]byte(e.Fields[p].Text), &c) == nil {
			all = append(all, c)
		}
	}
	return all
}

// IsCopiedBefore says of a field of an applied entry that it is one of CopiedBefore.
func IsCopiedBefore(path string) bool { return strings.HasPrefix(path, copiedBefore) }

const copies = "copies."

// CopyTo is where an object of amis states its copy to a region.
func CopyTo(region string) string { return copies + JoinPath(region) }

// CopyRegion is the region that a field of amis states a copy to; ok is false for
// any other field.
func CopyRegion(path string) (region string, ok bool) {
	if !strings.HasPrefix(path, copies) {
		return "", false
	}
	return SplitPath(path)[1], true
}

// CopyKey is the KMS key that a stated copy is encrypted with, "" for none.
func CopyKey(v Value) string {
	var c struct {
		KMSKey string `json:"kmsKey"`
	}
	_ = json.Unmarshal([]byte(v.Text), &c)
	return c.KMSKey
}

// Encrypts says whether some copy is to be encrypted with a key of its own.
func Encrypts(d Desired) bool {
	for a, o := range d.Objects {
		for p, v := range o.Fields {
			if _, is := CopyRegion(p); is && a.Kind == "amis" && CopyKey(v) != "" {
				return true
			}
		}
	}
	return false
}

// spread looks at where an image goes. domctl makes no image public, whoever asks.
func (c *checker) spread(a Address, o Object) {
	region, account := regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`), regexp.MustCompile(`^[0-9]{12}$`)
	for _, p := range Sorted(o.Fields) {
		to, copies := CopyRegion(p)
		switch at := o.Positions(p); {
		case !copies && p != "share" || o.Fields[p].Is != Known:
		case o.Fields["bake"].Is != Known:
			c.add("DC130", Error, a, at, "state it where the image is baked", "%s is of images that this deployment bakes", SplitPath(p)[0])
		case copies && !region.MatchString(to):
			c.add("DC130", Error, a, at, `name it as AWS does: "us-east-1"`, "%s is no region", quoted(to))
		case copies && Nearest(to, regions) != "" && !slices.Contains(regions, to):
			c.add("DC130", Warning, a, at, DidYouMean(to, regions), "%s is no region that is known here", quoted(to)) // AWS adds regions
		case copies && to == c.Deployment.AWS.Region:
			c.add("DC130", Error, a, at, "leave it out", "the image is in %s anyway", to)
		case copies && c.Deployment.AWS.Region == "":
			c.add("DC130", Error, a, at, "state deployment: aws: region", "a copy needs to know the region it is copied from")
		}
	}
	for _, to := range o.Fields["share"].Strings() {
		if !account.MatchString(to) {
			c.add("DC131", Error, a, o.Positions("share"), "name each account by its twelve digits", "%s is no account; domctl makes no image public", quoted(to))
		}
	}
}
