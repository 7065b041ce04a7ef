package schema

import (
	"strings"
	"sync"
)

// Architectures of an EC2 instance type, as InstanceTypes knows them: "x86_64",
// "arm64", "i386"; none for a type that it does not know.
func Architectures(instanceType string) []string { return architectures()[instanceType] }

var architectures = sync.OnceValue(func() map[string][]string {
	types := map[string][]string{}
	for line := range strings.Lines(instanceTypes) {
		if columns := strings.Split(strings.TrimSpace(line), "\t"); len(columns) == 6 {
			types[columns[0]] = strings.Split(columns[5], ",")
		}
	}
	return types
})
