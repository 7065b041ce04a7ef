package engine_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/schema"
)

// FuzzDuplicate: the copy of an environment that was imported from whatever a file of
// one's own holds is CUE that compiles, states the same but for its name, and leaves the
// original and its files as they were. What is not copied leaves all files as they were.
func FuzzDuplicate(f *testing.F) {
	f.Add("spark", "spark-gpu", "Spark 3.5 GPU", "RUN pip install luigi==3.5.0\n", "x", "echo ready", "--shm-size=2g", "for Spark", byte(0))
	f.Add("a", "a-2", "b", "RUN a \\\n\n\t&& b\n\n\"\"\"\n'''\n\"\"\"#\n", "\\(x)", "#!/bin/sh\n\n\techo \"\\#(y)\"\n  \n", "\"", "// none", byte(1))
	f.Add("1.0", "null", "", "}\r\n{\r", "\u2028\u202e\x1b", "}, c: {", ",", "@embed(file=\"x\")", byte(14))
	f.Add("for", "if", "\"\"\"", strings.Repeat("RUN a\n", 20), "environments: for: {", strings.Repeat("\t#\n", 20), "`", "*/", byte(7))
	f.Fuzz(func(t *testing.T, key, to, name, dockerfile, variable, script, argument, summary string, layout byte) {
		dir := t.TempDir()
		if !imports(t, dir, layout, map[string]any{"name": key, "image": "quay.io/acme/base:1", "dockerfileInstructions": dockerfile, "preRunScript": script, "summary": summary,
			"dockerArguments": []string{argument}, "environmentVariables": []any{map[string]string{"key": "A", "value": variable}}}) {
			return
		}
		before := compiles(t, dir)
		if len(before.Desired.Objects) != 1 || schema.Failed(before.Findings) {
			return
		}
		files := contents(t, dir)
		from := schema.Addresses(before.Desired.Objects)[0]
		wrote, err := engine.Duplicate(dir, before, from.Name, to, name, rewrite)
		if err != nil {
			if !strings.Contains(err.Error(), "DC374") {
				t.Errorf("no code: %v", err)
			}
			if after := contents(t, dir); !maps.Equal(files, after) {
				t.Errorf("%v left\n%q of\n%q", err, after, files)
			}
			return
		}
		after := compiles(t, dir)
		for _, found := range after.Findings {
			if found.Severity == schema.Error && (found.Code != "DC118" || key != name) {
				t.Fatalf("%+v\n%s", found, contents(t, dir)["environments.cue"])
			}
		}
		copied, was := after.Desired.Objects[schema.EnvironmentAddress(to)].Fields, before.Desired.Objects[from].Fields
		if still := after.Desired.Objects[from].Fields; !maps.Equal(still, was) {
			t.Fatalf("the original is\n%v, and was\n%v", still, was)
		}
		want := maps.Clone(was)
		if delete(want, "id"); copied["name"].Str() == string([]rune(name)) {
			want["name"] = copied["name"]
		}
		if !maps.Equal(copied, want) {
			t.Fatalf("the copy is\n%v, want\n%v", copied, want)
		}
		if err := wrote.Undo(); err != nil {
			t.Fatal(err)
		}
		if undone := contents(t, dir); !maps.Equal(files, undone) {
			t.Errorf("taken back it is\n%q, and was\n%q", undone, files)
		}
	})
}

// imports writes a deployment with one environment as an import does, and people may have
// gone on: with texts in files or not, within braces, in blanks, with the line ends of
// Windows; ok is false where a file does not hold one.
func imports(t *testing.T, dir string, layout byte, environment map[string]any) (ok bool) {
	t.Helper()
	text, err := json.Marshal(environment)
	if err != nil {
		t.Fatal(err)
	}
	found, err := engine.ImportFiles(schema.Desired{}, []engine.EnvironmentFile{{Name: "e.json", Text: string(text)}}, []string{"", "environments"}[layout&1])
	if err != nil || len(found.Objects) != 1 {
		return false
	}
	cue := string(found.Text)
	if head, rest, cut := strings.Cut(cue, "\nenvironments: "); cut && layout&2 != 0 {
		cue = head + "\nenvironments: {\n" + strings.TrimSuffix(rest, "\n") + " // the end\n\n\tother: archived: true}\n"
	}
	if layout&4 != 0 {
		cue = strings.ReplaceAll(cue, "\t", "  ")
	}
	if layout&8 != 0 {
		cue = strings.ReplaceAll(cue, "\n", "\r\n")
	}
	files := map[string]string{"cue.mod/module.cue": "module: \"acme.example\"\nlanguage: version: \"v0.17.0\"\n", "environments.cue": cue,
		"deployment.cue": "package domino\n\ndeployment: {name: \"prod\", world: \"sandbox\", executors: \"kubernetes\"}\n"}
	for name, text := range found.Files {
		files[name] = string(text)
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return true
}

func rewrite(name string, text []byte) error { return os.WriteFile(name, text, 0o600) }

func compiles(t *testing.T, dir string) compiler.Result {
	t.Helper()
	src, err := compiler.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	res, err := compiler.Compile(context.Background(), src)
	if err != nil {
		t.Fatal(err)
	}
	delete(res.Desired.Objects, schema.EnvironmentAddress("other"))
	return res
}

// contents are the files of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
