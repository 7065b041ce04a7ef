package schema

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how many characters a name in files may have.
const maxName = 128

// NameFault says what keeps text from being a name in files, or a key within an
// object: "is empty"; "" when nothing does. Names stand in addresses, plans and
// records, so what could not be told apart there is refused. Domino's slugs and
// AWS's names may hold all else.
func NameFault(name string) string {
	switch {
	case name == "":
		return "is empty"
	case strings.TrimSpace(name) != name:
		return "begins or ends with a blank"
	case utf8.RuneCountInString(name) > maxName:
		return fmt.Sprintf("has %d characters, more than %d", utf8.RuneCountInString(name), maxName)
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("holds %U, which does not print", r)
		}
	}
	return ""
}

// labelValue is what Kubernetes takes as the value of a label.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
var labelValue = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)

// LabelFault says why a node cannot carry the value as a label; "" when it can.
func LabelFault(value string) string {
	if labelValue.MatchString(value) {
		return ""
	}
	return "is no value of a Kubernetes label: at most 63 letters, digits, dashes, underscores and dots, the first and the last a letter or digit"
}

// imageName is what EC2 takes in an image's name.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
var imageName = regexp.MustCompile(`^[A-Za-z0-9()\[\] ./\-'@_]+$`)

// BakedNameFault says why no image of that name in files can be baked for a
// deployment; "" when one can.
func BakedNameFault(deployment, name string) string {
	full := len("domino-" + deployment + "-executor-20060102-1504-" + name + "-01234567-9")
	switch {
	case !imageName.MatchString(name):
		return "holds what the name of an EC2 image cannot: letters, digits, blanks and ()[]./-'@_ are taken"
	case full > maxName:
		return fmt.Sprintf("makes the name of its EC2 image %d characters, and EC2 takes %d", full, maxName)
	}
	return ""
}
