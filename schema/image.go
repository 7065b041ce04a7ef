package schema

import (
	"regexp"
	"strings"
)

// imageReference is the grammar of github.com/distribution/reference.
var imageReference = regexp.MustCompile(`^(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[A-Fa-f0-9:]+\])(?::[0-9]+)?/)?` +
	`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*` +
	`(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`)

// imageFault says why no registry could have the image.
func imageFault(v Value) string {
	if v.Is != Known || imageReference.MatchString(v.Str()) {
		return ""
	}
	return "is no image reference"
}

// image refuses what no registry could have.
func (c *checker) image(a Address, o Object, path string) {
	v := o.Fields[path]
	why := imageFault(v)
	if why == "" {
		return
	}
	hint := "write REGISTRY/REPOSITORY:TAG, as quay.io/domino/base:DED_py3.9_R4.2"
	if strings.ToLower(v.Str()) != v.Str() && imageFault(JSON(strings.ToLower(v.Str()))) == "" {
		hint = "a repository's name has no capitals"
	}
	c.add("DC003", Error, a, o.Nearest(path), hint, "%s is %q, which %s", path, clipped(v.Str()), why)
}
