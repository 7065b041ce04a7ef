package schema

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"strings"
)

// CUE holds the CUE package domctl.dev/schema, which users' files are
// unified with.
//
//go:embed *.cue
var CUE embed.FS

// ModulePath is the import path of that package, under cue.mod/pkg in a user's
// tree.
const ModulePath = "domctl.dev/schema"

// KindsFile is the text of kinds.cue: one line for each part of a deployment,
// tying it to its closed definition. domctl owns the file.
func KindsFile() []byte {
	var b strings.Builder
	b.WriteString("// Kept by domctl (domctl schema vendor); ties each part of a deployment to its definition.\npackage domino\n\nimport \"" + ModulePath + "\"\n\n")
	for _, root := range Roots() {
		b.WriteString(root + ": schema." + Definition(root) + "\n")
	}
	return []byte(b.String())
}

// Roots are the fields that may stand at the root of a package: the deployment
// itself, every kind, and what was resolved.
func Roots() []string {
	roots := []string{"deployment"}
	for _, k := range Kinds() {
		roots = append(roots, k.Name)
	}
	return append(roots, "resolved")
}

// Definition names the closed definition of a root field: "#HardwareTiers".
func Definition(root string) string {
	if root == "amis" {
		return "#AMIs"
	}
	return "#" + strings.ToUpper(root[:1]) + root[1:]
}

// Files are the CUE files of the package by name, with their text.
func Files() map[string][]byte {
	files := map[string][]byte{}
	entries, _ := CUE.ReadDir(".")
	for _, e := range entries {
		files[e.Name()], _ = CUE.ReadFile(e.Name())
	}
	return files
}

// Version tells one state of the schema from another: hexadecimal digits of a
// SHA-256 over the files and kinds.cue.
func Version() string {
	h := sha256.New()
	files := Files()
	for _, name := range Sorted(files) {
		h.Write([]byte(name + "\x00"))
		h.Write(files[name])
	}
	h.Write(KindsFile())
	return hex.EncodeToString(h.Sum(nil)[:16])
}
