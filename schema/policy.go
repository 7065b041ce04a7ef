package schema

import (
	"slices"
	"strings"
)

// lowerable are codes of errors that a deployment may lower or turn off: what
// they tell of does not make an apply unsafe.
func lowerable(code string) bool {
	return code == "DC105" || code == "DC201" || strings.HasPrefix(code, "DC7") && code != "DC732" // a build that fails leaves what is active
}

// Police gives findings the level that the deployment's policy states for their
// codes: "error", "warning" or "off". An error that makes an apply unsafe keeps
// its level whatever the policy says.
func Police(fs []Finding, policy map[string]string) []Finding {
	kept := fs[:0:0]
	for _, f := range fs {
		level, ok := policy[f.Code]
		if ok && (f.Severity != Error || lowerable(f.Code)) {
			if level == "off" {
				continue
			}
			f.Severity = Severity(level)
		}
		kept = append(kept, f)
	}
	return kept
}

// Local says of an error that it holds up nothing but the building of the environment
// that it is about: what is wrong with the texts of one leaves all else as safe as it was.
func (f Finding) Local() bool {
	return f.Severity == Error && strings.HasPrefix(f.Code, "DC7") && f.Address.Kind == "environments"
}

// Stops says that nothing can be planned: that there is an error, and not only local
// ones, which a plan weighs.
func Stops(fs []Finding) bool {
	return slices.ContainsFunc(fs, func(f Finding) bool { return f.Severity == Error && !f.Local() })
}
