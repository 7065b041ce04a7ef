// Package gen writes deployments of any size for benchmarks and tests: of n
// objects, four fifths are environments of about 4 KB of source each and one
// fifth are hardware tiers, twenty objects a file. The same n gives the same
// bytes. Benchmarks and tests call it; no command does.
package gen

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// perFile is how many objects stand in one file.
const perFile = 20

// Module is the cue.mod/module.cue of a generated tree.
const Module = "module: \"acme.example\"\nlanguage: version: \"v0.17.0\"\n"

// Tree is a CUE module with one deployment of n objects in folder prod, beside
// the few that they refer to: path → text.
func Tree(n int) map[string]string {
	files := map[string]string{"cue.mod/module.cue": Module}
	maps.Copy(files, Deployment("prod", n))
	return files
}

// Deployment is one deployment's folder.
func Deployment(name string, n int) map[string]string {
	files := map[string]string{name + "/deployment.cue": deployment(name)}
	tiers := n / 5
	for first := 0; first < n; first += perFile {
		var b strings.Builder
		b.WriteString("package domino\n")
		for i := first; i < min(first+perFile, n); i++ {
			if i%5 == 4 {
				tier(&b, i/5, tiers)
			} else {
				environment(&b, i)
			}
		}
		files[fmt.Sprintf("%s/objects_%04d.cue", name, first/perFile)] = b.String()
	}
	return files
}

func deployment(name string) string {
	return fmt.Sprintf(`package domino

deployment: {
	name:  "acme-%s"
	world: "sandbox"
	state: file: ".domctl/state"
}
baseImages: standard: image: "quay.io/acme/standard:5.9"
amis: node: pin: {id: "ami-0123456789abcdef0", reason: "the one that was tested"}
nodePools: default: {
	groups: [{asg: "acme-default-a"}, {asg: "acme-default-b"}]
	ami: "node"
	size: {min: 1, max: 8}
	expect: instanceTypes: ["m6i.4xlarge"]
}
resolved: baseImages: standard: {
	image: "quay.io/acme/standard:5.9"
	digests: "linux/amd64": "sha256:%064d"
}
`, name, 7)
}

func tier(b *strings.Builder, i, of int) {
	fmt.Fprintf(b, `
hardwareTiers: "tier-%04d": {
	name:        "Tier %d"
	nodePool:    "default"
	cores:       %d
	coresLimit:  %d
	memory:      "%dGiB"
	memoryLimit: "%dGiB"
	centsPerMinute:            %d.5
	isDefault:                 %t
	isVisible:                 true
	isGlobal:                  true
	maxSimultaneousExecutions: %d
	tags: ["generated", "batch-%d"]
}
`, i, i, 1+i%8, 1+i%8, 2+i%16, 2+i%16, i%9, i == of-1, 5+i%20, i%7)
}

// instructions make up most of an environment's source.
const instructions = 30

func environment(b *strings.Builder, i int) {
	fmt.Fprintf(b, `
environments: "env-%05d": {
	name:        "Environment %d"
	owner:       "team-%d"
	description: "Packages of team %d, built on the standard image"
	visibility:  "organization"
	base: image: "standard"
	variables: {
		TEAM_HOME: "/opt/team-%d"
		PYTHONUNBUFFERED: "1"
	}
	dockerfile: #"""
`, i, i, i%40, i%40, i%40)
	for line := range instructions {
		fmt.Fprintf(b, "\t\tRUN tar -xzf \"/build/package-%03d-%05d-1.%d.%d.tgz\" -C /opt --no-same-owner && rm -rf /tmp/build-%d\n", line, i, line, i%13, line)
	}
	fmt.Fprintf(b, `		"""#
	scripts: preRun: #"""
		mkdir -p "$TEAM_HOME" && chown domino "$TEAM_HOME"
		echo "environment %d is ready"
		"""#
	tags: ["generated", "team-%d"]
	supportedClusters: ["spark"]
	summary: "generation %d"
}
`, i, i%40, i%3)
}

// Write puts a tree on disk below dir.
func Write(dir string, files map[string]string) error {
	for name, text := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
