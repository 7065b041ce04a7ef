package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// passes applies EC2 filters: values of one filter are alternatives, filters
// narrow together, "*" and "?" are wildcards (EC2 API Reference, Filter). has
// gives what a filter other than one of tags compares.
func passes(filters map[string][]string, tags map[string]string, has func(name string) []string) bool {
	for name, values := range filters {
		found := tagged(name, tags)
		if found == nil {
			found = has(name)
		}
		if !slices.ContainsFunc(values, func(v string) bool {
			return slices.ContainsFunc(found, func(h string) bool { return port.Wildcard(v, h) })
		}) {
			return false
		}
	}
	return true
}

// tagged is what filters of tags compare.
func tagged(name string, tags map[string]string) []string {
	if name == "tag-key" {
		return schema.Sorted(tags)
	}
	key, ok := strings.CutPrefix(name, "tag:")
	if v, has := tags[key]; ok && has {
		return []string{v}
	}
	return nil
}

// checkFilters refuses what the sandbox could only ignore.
func checkFilters(call string, filters map[string][]string, known ...string) error {
	known = append(known, "tag-key")
	slices.Sort(known)
	for _, name := range schema.Sorted(filters) {
		if !slices.Contains(known, name) && !strings.HasPrefix(name, "tag:") {
			return fmt.Errorf("sandbox %s: the sandbox knows no filter %q; it knows tag:<key>, %s", call, name, strings.Join(known, ", "))
		}
	}
	return nil
}
