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
		Field{Path: "base.uri", Type: String},
		Field{Path: "base.default", Type: Bool},
		Field{Path: "dockerfile", Type: String},
		Field{Path: "tools", Type: Any, Places: true},
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
	)}
}

// BuildsRevision says whether a change of the path needs a new environment
// revision, and so a build.
func BuildsRevision(path string) bool {
	root, _, _ := strings.Cut(path, ".")
	switch root {
	case "base", "dockerfile", "tools", "scripts", "variables", "dockerArguments", "username", "vpn",
		"supportedClusters", "summary", "tags", "restricted", "skipCache", "addBaseDependencies":
		return true
	}
	return false
}
