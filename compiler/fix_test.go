package compiler

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"domctl.dev/schema"
)

// TestFix: what is put right reads as it should, in every form of literal, and what
// cannot be is left.
func TestFix(t *testing.T) {
	for name, c := range map[string]struct {
		before, after string
		codes         []string
	}{
		"a line": {"environments: e: dockerfile: \"RUNN a\\n\\tRUN conda install \\\"b=1\\\"\\n\"\n", "environments: e: dockerfile: \"RUN a\\n\\tRUN conda install -y \\\"b=1\\\"\\n\"\n", []string{"DC702", "DC719"}},
		"several lines": {"environments: e: dockerfile: #\"\"\"\n\t\tRUN apt-get update\n\t\tRUN apt-get install \\\n\t\t  a=1\n\t\tMAINTAINER me\n\t\t\"\"\"#\n",
			"environments: e: dockerfile: #\"\"\"\n\t\tRUN apt-get update && apt-get install -y \\\n\t\t  a=1\n\t\tLABEL maintainer=\"me\"\n\t\t\"\"\"#\n", []string{"DC706", "DC719", "DC725"}},
		"carriage returns":  {"environments: e: dockerfile: \"\"\"\r\n\tRUN true\r\n\tRUN apt update && apt install -y a=1\r\n\t\"\"\"\r\n", "environments: e: dockerfile: \"\"\"\r\n\tRUN true\r\n\tRUN apt-get update && apt-get install -y a=1\r\n\t\"\"\"\r\n", []string{"DC724", "DC724"}},
		"quotes in a line":  {"environments: e: dockerfile: \"MAINTAINER me\"\n", "", nil},
		"one text of two":   {"environments: e: dockerfile: _d\nenvironments: f: dockerfile: _d\n_d: \"RUNN a\"\n", "environments: e: dockerfile: _d\nenvironments: f: dockerfile: _d\n_d: \"RUN a\"\n", []string{"DC702", "DC702"}},
		"an expression":     {"_a: \"a\"\nenvironments: e: dockerfile: \"RUNN \\(_a)\"\n", "", nil},
		"turned off":        {"deployment: findings: DC702: \"off\"\nenvironments: e: dockerfile: \"RUNN a\"\n", "", nil},
		"what is not safe":  {"environments: e: dockerfile: \"FROM a\\nRUN gem install a\\nADD http://x/y z\\n\"\n", "", nil},
		"letters swapped":   {"environments: e: dockerfile: \"RNU pip install --no-cache-dir luigi==1\"\n", "environments: e: dockerfile: \"RUN pip install --no-cache-dir luigi==1\"\n", []string{"DC702"}},
		"two are as near":   {"environments: e: dockerfile: \"CDD a b\"\n", "", nil},
		"FROM mistyped":     {"environments: e: dockerfile: \"FORM a\"\n", "", nil},
		"a word far off":    {"environments: e: dockerfile: \"mkdir a\"\n", "", nil},
		"nothing to be put": {"environments: e: dockerfile: \"RUN true\"\n", "", nil},
	} {
		src := onDisk(t, map[string]string{"prod/b.cue": "package domino\n\n" + c.before, "prod/deployment.cue": minimal})
		src.Dir = "prod"
		f, err := Fix(context.Background(), src, compileDisk(t, src))
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, one := range f.Findings {
			codes = append(codes, one.Code)
		}
		slices.Sort(codes)
		want := ""
		if c.after != "" {
			want = "package domino\n\n" + c.after
		}
		if got := string(f.Files["b.cue"]); got != want || !slices.Equal(codes, c.codes) {
			t.Errorf("%s: %v\n%q\nwant\n%q", name, codes, got, want)
		}
		if want == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(src.Root, "prod/b.cue"), f.Files["b.cue"], 0o644); err != nil {
			t.Fatal(err)
		}
		again := compileDisk(t, src)
		if more, err := Fix(context.Background(), src, again); err != nil || len(more.Files) > 0 || schema.Failed(again.Findings) {
			t.Errorf("%s: a second time %v, %v\n%s", name, more.Findings, err, list(again.Findings))
		}
	}
}

// TestFixOfEmbeddedFiles: of files that have one name and one text, the one that is
// embedded is put right.
func TestFixOfEmbeddedFiles(t *testing.T) {
	for name, c := range map[string]struct{ cue, file string }{
		"the first":     {"environments: e: dockerfile: _ @embed(file=a/Dockerfile,type=text)\n", "a/Dockerfile"},
		"the second":    {"environments: e: dockerfile: _ @embed(file=b/Dockerfile,type=text)\n", "b/Dockerfile"},
		"in quotes":     {"environments: e: dockerfile: _ @embed(file=\"b/Dockerfile\",type=text)\n", "b/Dockerfile"},
		"end of a name": {"environments: e: dockerfile: _ @embed(file=b/my.Dockerfile,type=text)\n", "b/my.Dockerfile"},
	} {
		files := map[string]string{"prod/deployment.cue": minimal, "prod/b.cue": "@extern(embed)\n\npackage domino\n\n" + c.cue +
			"environments: f: dockerfile: _ @embed(file=a/Dockerfile,type=text)\nenvironments: g: dockerfile: _ @embed(file=b/Dockerfile,type=text)\ndeployment: findings: DC719: \"off\"\n"}
		for _, f := range []string{"a/Dockerfile", "b/Dockerfile", "b/my.Dockerfile"} {
			files["prod/"+f] = "RUNN a\n"
		}
		src := onDisk(t, files)
		src.Dir = "prod"
		r := compileDisk(t, src)
		o := r.Desired.Objects[schema.Address{Kind: "environments", Name: "e"}]
		read := func(name string) string { return files["prod/"+name] }
		if at, exact := newTexts(read, r.Files).At(o, "dockerfile", 0); at.File != c.file || !exact {
			t.Errorf("%s: %v, %v, of\n%s", name, at, exact, list(r.Findings))
		}
	}
}

// TestFixBehindAMark: a file that begins with the mark of UTF-8, as Windows writes it, is
// told of and put right like any other.
func TestFixBehindAMark(t *testing.T) {
	const before, after = "\ufeffMAINTAINER me\nRUN true && apt install -y a=1\n", "\ufeffLABEL maintainer=\"me\"\nRUN true && apt-get install -y a=1\n"
	src := onDisk(t, map[string]string{"prod/deployment.cue": minimal, "prod/a.Dockerfile": before,
		"prod/b.cue": "@extern(embed)\n\npackage domino\n\nenvironments: e: dockerfile: _ @embed(file=a.Dockerfile,type=text)\n"})
	src.Dir = "prod"
	r := compileDisk(t, src)
	at := map[string]schema.Position{}
	for _, f := range r.Findings {
		at[f.Code] = f.Positions[0]
	}
	if at["DC725"] != (schema.Position{File: "a.Dockerfile", Line: 1, Col: 4}) || at["DC724"] != (schema.Position{File: "a.Dockerfile", Line: 2, Col: 13}) {
		t.Errorf("%v\n%s", at, list(r.Findings))
	}
	f, err := Fix(context.Background(), src, r)
	if got := string(f.Files["a.Dockerfile"]); err != nil || got != after {
		t.Errorf("%q, %v, want %q", got, err, after)
	}
}
