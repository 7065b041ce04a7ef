package compiler

import (
	"slices"
	"testing"
	"testing/fstest"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"

	"domctl.dev/internal/gen"
	"domctl.dev/schema"
)

// definitions loads the CUE schema on its own.
func definitions(t *testing.T) cue.Value {
	t.Helper()
	tree := fstest.MapFS{"cue.mod/module.cue": {Data: []byte(gen.Module)}}
	for name, text := range schema.Files() {
		tree[name] = &fstest.MapFile{Data: text}
	}
	inst := load.Instances([]string{"."}, &load.Config{FS: tree, Dir: "/"})[0]
	v := cuecontext.New().BuildInstance(inst)
	if v.Err() != nil {
		t.Fatal(v.Err())
	}
	return v
}

// TestSchemaAgrees holds the kind table and the CUE definitions together: the
// same paths, no more on either side.
func TestSchemaAgrees(t *testing.T) {
	all := definitions(t)
	for _, k := range schema.Kinds() {
		if k.Flat {
			continue
		}
		want := map[string]bool{}
		for _, f := range k.Fields {
			if !f.Computed {
				want[f.Path] = true
			}
		}
		got := map[string]bool{}
		object := all.LookupPath(cue.MakePath(cue.Def(schema.Definition(k.Name)), cue.AnyString))
		listPaths(object, want, nil, got)
		if w, g := schema.Sorted(want), schema.Sorted(got); !slices.Equal(w, g) {
			t.Errorf("%s: the table has\n%v\nCUE has\n%v", k.Name, w, g)
		}
	}
}

// listPaths adds the paths below v, ending where the table has a field.
func listPaths(v cue.Value, stop map[string]bool, path []string, into map[string]bool) {
	if p := schema.JoinPath(path...); stop[p] {
		into[p] = true
		return
	}
	found := false
	for iter, err := v.Fields(cue.Optional(true)); err == nil && iter.Next(); found = true {
		listPaths(iter.Value(), stop, append(path[:len(path):len(path)], iter.Selector().Unquoted()), into)
	}
	if !found && v.IncompleteKind() == cue.StructKind {
		listPaths(v.LookupPath(cue.MakePath(cue.AnyString)), stop, append(path[:len(path):len(path)], "*"), into)
		found = true
	}
	if !found {
		into[schema.JoinPath(path...)] = true
	}
}

// TestSchemaIsRules holds the schema to the part of CUE that rules are read from.
func TestSchemaIsRules(t *testing.T) {
	if err := schemaRules().err; err != nil {
		t.Error(err)
	}
	for _, root := range schema.Roots() {
		if schemaRules().of(root).object() == nil {
			t.Errorf("%s has no rule", root)
		}
	}
}

// TestSettingsAgree holds the table of documented settings and #Settings together.
func TestSettingsAgree(t *testing.T) {
	got := map[string]bool{}
	listPaths(definitions(t).LookupPath(cue.ParsePath("#Settings")), nil, nil, got)
	want := map[string]bool{"raw.*": true}
	for _, s := range schema.Settings() {
		want[s.Name] = true
	}
	if w, g := schema.Sorted(want), schema.Sorted(got); !slices.Equal(w, g) {
		t.Errorf("the table has\n%v\nCUE has\n%v", w, g)
	}
}
