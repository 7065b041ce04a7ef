package schema

import "strings"

// Owned is what of a pool a field of its groups is owned as, by its path in a group
// ("size.max"): "ami", "size" or "labels", as owner has them.
func Owned(field string) string {
	switch what, _, _ := strings.Cut(field, "."); what {
	case "launch":
		return "ami"
	case "limits":
		return "size"
	case "label", "taints", "scaleDownDelay":
		return "labels"
	default:
		return what
	}
}

// Owner says who writes a field of a pool's groups, by its path in a group: "terraform" or
// "observe", and "domctl" where the pool states nobody.
func (o Object) Owner(field string) string {
	if owner := o.Fields["owner."+Owned(field)].Str(); owner != "" {
		return owner
	}
	return "domctl"
}
