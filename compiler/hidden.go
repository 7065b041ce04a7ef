package compiler

import (
	"path"
	"path/filepath"
	"strings"

	"domctl.dev/schema"
)

const hiddenHint = "copy what is meant to be read into a file beside those that state the deployment"

// hidden says that a name begins with a dot, or lies below one that does; the
// deployment may.
func (t *tree) hidden(name string) bool {
	for at := name; at != "."; at = path.Dir(at) {
		if strings.HasPrefix(path.Base(at), ".") && t.dir != at && !strings.HasPrefix(t.dir, at+"/") {
			return true
		}
	}
	return false
}

// recorded finds what was embedded from the folder of the records.
func (t *tree) recorded(root, folder string) (found []schema.Finding) {
	if folder == "" {
		return nil
	}
	within := path.Join(t.dir, filepath.ToSlash(folder))
	if filepath.IsAbs(folder) {
		rel, err := filepath.Rel(root, folder)
		if err != nil {
			return nil
		}
		within = filepath.ToSlash(rel)
	}
	for name := range t.read {
		if strings.HasPrefix(name, within+"/") && path.Ext(name) != ".cue" {
			found = append(found, schema.Finding{Code: codeHidden, Severity: schema.Error, Message: "one of domctl's records, so it is not embedded", Hint: hiddenHint,
				Positions: []schema.Position{{File: t.relative(name), Line: 1, Col: 1}}})
		}
	}
	return found
}
