package compiler

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestHiddenFiles: no embed brings in what a review should not spread.
func TestHiddenFiles(t *testing.T) {
	const canary = "url = https://canary@example.com"
	const embedding = "@extern(embed)\npackage domino\n\nenvironments: e: dockerfile: _ @embed(%s, type=text)\n"
	const globbing = "@extern(embed)\npackage domino\n\n_all: _ @embed(%s, type=text)\nenvironments: e: dockerfile: [for t in _all {t}][0]\n"
	for name, c := range map[string]struct{ text, at, dir, position string }{
		"folder of git":         {fmt.Sprintf(embedding, "file=.git/config"), ".git/config", ".", ".git:1:1"},
		"file":                  {fmt.Sprintf(embedding, "file=.env"), "prod/.env", "prod", ".env:1:1"},
		"folder below":          {fmt.Sprintf(embedding, "file=a/.ssh/id"), "prod/a/.ssh/id", "prod", "a/.ssh:1:1"},
		"domctl's own":          {fmt.Sprintf(embedding, "file=.domctl/state/key.record"), "prod/.domctl/state/key.record", "prod", ".domctl:1:1"},
		"pattern of files":      {fmt.Sprintf(globbing, `glob=".e*"`), "prod/.env", "prod", ".env:1:1"},
		"pattern without stars": {fmt.Sprintf(globbing, `glob=".git/config"`), ".git/config", ".", ".git:1:1"},
		"records elsewhere":     {"deployment: state: file: \"records\"\n" + fmt.Sprintf(embedding, "file=records/key.record"), "prod/records/key.record", "prod", "records/key.record:1:1"},
		"pattern of folders":    {fmt.Sprintf(globbing, `glob=".g*/config"`), "prod/.git/config", "prod", ""},
		"pattern of all":        {fmt.Sprintf(globbing, `glob="*/config"`), "prod/.gita/config", "prod", ""},
	} {
		t.Run(name, func(t *testing.T) {
			body, state := c.text, ""
			if i := strings.Index(c.text, "@extern"); i > 0 {
				state, body = c.text[:i], c.text[i:]
			}
			src := onDisk(t, map[string]string{c.dir + "/b.cue": body + state, c.dir + "/deployment.cue": minimal, c.at: canary})
			src.Dir = c.dir
			r := compileDisk(t, src)
			if text := fmt.Sprint(r.Desired); c.position != "records/key.record:1:1" && strings.Contains(text, "canary") || strings.Contains(list(r.Findings), "canary") {
				t.Errorf("it was read: %s\n%s", text, list(r.Findings))
			}
			i := slices.IndexFunc(r.Findings, func(f schema.Finding) bool { return f.Code == codeHidden })
			switch {
			case c.position == "" && (i >= 0 || len(r.Findings) == 0):
				t.Errorf("want an error of CUE alone, found\n%s", list(r.Findings))
			case c.position != "" && (i < 0 || r.Findings[i].Severity != schema.Error || r.Findings[i].Positions[0].String() != c.position):
				t.Errorf("want %s at %s, found\n%s", codeHidden, c.position, list(r.Findings))
			}
		})
	}
}

// TestHiddenDeployment: a deployment may lie in a hidden folder, and patterns pass
// hidden ones by.
func TestHiddenDeployment(t *testing.T) {
	src := onDisk(t, map[string]string{".team/prod/deployment.cue": minimal, ".team/shared.cue": "package domino\n\nhardwareTiers: a: cores: 2\n", ".team/prod/a/e.txt": "RUN true\n",
		".team/prod/.cache/e.txt": "canary", ".team/prod/b.cue": "@extern(embed)\npackage domino\n\n_all: _ @embed(glob=*/e.txt)\nenvironments: e: dockerfile: [for t in _all {t}][0]\n"})
	src.Dir = ".team/prod"
	r := compileDisk(t, src)
	o := r.Desired.Objects[schema.Address{Kind: "environments", Name: "e"}]
	if got := o.Fields["dockerfile"].Str(); got != "RUN true\n" || len(r.Desired.Objects) != 2 {
		t.Errorf("dockerfile is %q, found\n%s", got, list(r.Findings))
	}
}
