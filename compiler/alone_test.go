package compiler

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"domctl.dev/schema"
)

// TestAlone: whose records they are is told by the files that state the deployment,
// whatever else lies beside them; where those do not say, nothing is.
func TestAlone(t *testing.T) {
	const stated = "package domino\ndeployment: {name: \"acme\", state: file: \"records\"}"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a word that is not defined":  {map[string]string{"prod/a.cue": "package domino\nhardwareTiers: a: isDefault: yes"}, "acme"},
		"no CUE at all":               {map[string]string{"prod/a.cue": "<<<<<<< HEAD"}, "acme"},
		"an import that is not there": {map[string]string{"prod/a.cue": "package domino\nimport \"example.com/none\"\nx: none.x"}, "acme"},
		"another name":                {map[string]string{"prod/a.cue": "package domino\ndeployment: name: \"other\""}, ""},
		"a name from elsewhere":       {map[string]string{"prod/deployment.cue": "package domino\ndeployment: name: _name", "prod/a.cue": "package domino\n_name: \"acme\"\nx: y"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"prod/deployment.cue": stated}
			for at, text := range c.files {
				files[at] = text
			}
			src := onDisk(t, files)
			if err := syscall.Mkfifo(filepath.Join(src.Root, "prod", "pipe.cue"), 0o600); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			d, findings, err := Alone(t.Context(), src)
			if err != nil || time.Since(began) > 10*time.Second {
				t.Fatal(err, time.Since(began))
			}
			if told := d.Name != "" && !schema.Failed(findings); told != (c.want != "") || told && (d.Name != c.want || d.State.File != "records") {
				t.Errorf("%+v, %+v", d, findings)
			}
		})
	}
}
