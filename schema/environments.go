package schema

import "strings"

// environments: Domino's compute environments. The metadata is compared with
// MongoDB; the definition (what a revision is built from) is compared by the
// content a revision was built with.
func environments() Kind {
	return Kind{Name: "environments", noun: "environment", check: checkEnvironments, Gone: "archive", OnUpdate: newRevision, OnArchive: noEnvironment, Fields: common(
		Field{Path: "name", Type: String},
		Field{Path: "owner", Type: String},
		Field{Path: "description", Type: String},
		Field{Path: "visibility", Type: String, Fault: noneOf("is no visibility", "private", "organization", "global")},
		Field{Path: "archived", Type: Bool},
		Field{Path: "activeRevision", Type: Int},
		Field{Path: "base.image", Type: String, To: "baseImages#image"},
		Field{Path: "base.environment", Type: String, To: "environments#id"},
		Field{Path: "base.revision", Type: Int},
		Field{Path: "base.rebuildOnBaseChanges", Type: Bool},
		Field{Path: "base.uri", Type: String, Fault: imageFault},
		Field{Path: "base.default", Type: Bool},
		Field{Path: "dockerfile", Type: String},
		Field{Path: "tools", Type: Any, Places: true, Form: true, Fault: toolsFault},
		Field{Path: "scripts.preSetup", Type: String},
		Field{Path: "scripts.postSetup", Type: String},
		Field{Path: "scripts.preRun", Type: String},
		Field{Path: "scripts.postRun", Type: String},
		Field{Path: "variables.*", Type: String},
		Field{Path: "dockerArguments", Type: List},
		Field{Path: "username", Type: String},
		Field{Path: "vpn", Type: Bool},
		Field{Path: "supportedClusters", Type: Set},
		Field{Path: "summary", Type: String},
		Field{Path: "tags", Type: Set},
		Field{Path: "restricted", Type: Bool},
		Field{Path: "skipCache", Type: Bool},
		Field{Path: "addBaseDependencies", Type: Bool},
		Field{Path: BuiltRevision, Type: String, Declared: true, Computed: true, Kept: true, Carried: true},
	)}
}

// EnvironmentAddress is that of an environment's entry in files.
func EnvironmentAddress(name string) Address { return Address{Kind: "environments", Name: name} }

// BuiltRevision is where *applied* holds the id of the revision that domctl had built
// of what it holds beside it.
const BuiltRevision = "revision"

// DefinitionKey tells one definition from another, of fields that are resolved: 32
// hexadecimal digits. Secrets count by their reference.
func DefinitionKey(fields map[string]Value) string {
	built := map[string]Value{}
	for p, v := range fields {
		if BuildsRevision(p) && !FormAlone(p) && v.Is != Absent && v.Is != Unset {
			built[p] = v
		}
	}
	return DigestOf(built)
}

// The tags of a revision by which domctl knows what it had built.
const (
	TagContent = "domctl-content-" // and a DefinitionKey
	TagStep    = "domctl-step-"    // and the token of the step that made it
)

// BuildsRevision says whether a change of the path needs a new environment
// revision, and so a build.
func BuildsRevision(path string) bool {
	root, _, _ := strings.Cut(path, ".")
	switch root {
	case "base", "dockerfile", "tools", "scripts", "variables", "dockerArguments", "vpn",
		"supportedClusters", "summary", "tags", "restricted", "skipCache":
		return true
	}
	return FormAlone(path)
}

// FormAlone says of what a revision is built from that Domino's form alone takes it,
// and no call of its API.
func FormAlone(path string) bool { return path == "username" || path == "addBaseDependencies" }
