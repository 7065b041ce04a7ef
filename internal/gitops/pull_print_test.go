package gitops

import (
	"os"
	"path/filepath"
	"testing"

	"domctl.dev/compiler"
	"domctl.dev/schema"
)

// TestFootprint: what may change a deployment's result is never taken for what cannot.
func TestFootprint(t *testing.T) {
	tree := Tree{Dir: t.TempDir(), Commit: "c"}
	write := func(name, text string) {
		t.Helper()
		at := filepath.Join(tree.Dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"acme/cue.mod/module.cue", "acme/shared.cue", "acme/prod/a.cue", "acme/prod/start.sh", "acme/lib/l.cue", "acme/texts/t.txt"} {
		write(name, "x")
	}
	c := Compiled{Result: compiler.Result{Files: []string{"../cue.mod/module.cue", "../shared.cue", "a.cue", "start.sh", "../lib/l.cue", "../texts/t.txt"}}}
	f := printOf(tree, "acme/prod/", c)
	for name, want := range map[string]bool{
		"acme/prod/a.cue": true, "acme/prod/new.txt": true, "acme/prod/deep/new.cue": true, "acme/shared.cue": true, "acme/new.cue": true,
		"acme/lib/new.cue": true, "acme/lib/l.cue": true, "acme/texts/t.txt": true, "acme/cue.mod/module.cue": true, "acme/cue.mod/gen/x/y.cue": true,
		"acme/prod/cue.mod/module.cue": true, "new.cue": true,
		"acme/README.md": false, "acme/lib/new.txt": false, "acme/texts/new.txt": false, "acme/production/a.cue": false, "acme/test/a.cue": false, "other/a.cue": false,
	} {
		if got := f.reads([]string{"zzz.txt", name}); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if f.reads(nil) || f.wide {
		t.Error("nothing is read")
	}
	if top := printOf(tree, "", Compiled{}); !top.reads([]string{"any/where.txt"}) {
		t.Error("a deployment at the top")
	}
	write("acme/prod/a.cue", `texts: _ @embed(glob = "../texts/*.txt")`)
	if !printOf(tree, "acme/prod", c).reads([]string{"acme/texts/new.txt"}) {
		t.Error("a pattern finds what was not there")
	}
	c.Findings = []schema.Finding{{Severity: schema.Error}}
	write("acme/prod/a.cue", "x")
	if !printOf(tree, "acme/prod", c).reads([]string{"far/away"}) {
		t.Error("of files that are wrong not all may have been read")
	}
}
