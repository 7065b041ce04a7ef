package compiler

import (
	"fmt"
	"slices"
	"strings"
)

// shown is a value in a message, but not where a secret may stand: a person who
// mistypes a reference can have written the secret itself.
func shown(path []string, value any) string {
	if secretive(path) {
		return "(not shown)"
	}
	return clip(fmt.Sprint(value))
}

// namesOnly cuts what stands behind the name in a field that is written as
// NAME=value.
func namesOnly(path []string) []string {
	names := slices.Clone(path)
	for i, s := range path {
		if name, _, ok := strings.Cut(s, "="); ok {
			names[i] = name + "=(not shown)"
		}
	}
	return names
}

// secretive says whether a secret may stand at a path, above it or below it.
// Outside of the schema one may stand anywhere.
func secretive(path []string) bool {
	for i := range path {
		r := ruleAt(path[:i+1])
		if r == nil || slices.ContainsFunc(r.alternatives(), (*rule).isSecret) {
			return true
		}
	}
	return ruleAt(path).holdsSecret()
}

func (r *rule) isSecret() bool { return r.def == "#SecretRef" }

// holdsSecret says whether a reference to a secret may stand here or below.
func (r *rule) holdsSecret() bool {
	if r == nil {
		return false
	}
	return slices.ContainsFunc(r.alternatives(), func(arm *rule) bool {
		if arm.isSecret() || arm.list.holdsSecret() {
			return true
		}
		return arm.open != nil && slices.ContainsFunc(slices.Concat(arm.open.members, arm.open.patterns),
			func(m *member) bool { return m.rule.holdsSecret() })
	})
}
