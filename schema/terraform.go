package schema

import (
	"slices"
	"strings"
)

// Variable is the name of the variable in which Terraform has a field of a group, by its
// path ("groups.a.size.max"), and the key there where the variable is a map: of a label, the
// pool's own among them, or a taint. "" where the files state none, or Terraform does not own
// the field.
func (o Object) Variable(path string) (name, key string) {
	s := SplitPath(path)
	if len(s) < 3 || s[0] != "groups" {
		return "", ""
	}
	what := s[2]
	switch {
	case what == "size" && len(s) == 4:
		what = s[3]
	case what == "label":
		what, key = "labels", PoolLabel
	case (what == "labels" || what == "taints") && len(s) == 4:
		key = s[3]
	}
	if o.Owner(s[2]) != "terraform" {
		return "", ""
	}
	if name = o.Fields["terraform.variables."+what].Str(); name == "" {
		key = ""
	}
	return name, key
}

// terraform looks for variables of what Terraform does not own, which nobody writes.
func (c *checker) terraform(a Address, o Object) {
	for _, p := range Sorted(o.Fields) {
		what, is := strings.CutPrefix(p, "terraform.variables.")
		if !is {
			continue
		}
		field := what
		if slices.Contains([]string{"min", "max", "desired"}, what) {
			field = "size." + what
		}
		if o.Owner(field) != "terraform" {
			c.add("DC812", Warning, a, o.Positions(p), "state owner."+Owned(field)+" as \"terraform\", or leave the variable out", "%s is a variable of what Terraform does not own here, so that nothing is written to it", p)
		}
	}
}
