package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"domctl.dev/schema"
)

func TestTell(t *testing.T) {
	for _, c := range []struct{ folder, said, want string }{
		{"acme/prod", "locked", "domctl: error: locked\n"},
		{"acme/prod", "DC310: the deployment is locked; see domctl lock show", "domctl: error DC310: the deployment is locked; see domctl lock show acme/prod\n"},
		{"acme/prod", "settings.x: mongo.update: DC313: taken over", "domctl: error DC313: settings.x: mongo.update: taken over\n"},
		{"acme/prod", "a: DC310: locked\nhint: domctl apply --resume X goes on\nDC314: b", "domctl: error DC310: a: locked\ndomctl: hint: domctl apply acme/prod --resume X goes on\ndomctl: error DC314: b\n"},
		{".", "see domctl history", "domctl: error: see domctl history\n"},
		{"", "see domctl history", "domctl: error: see domctl history\n"},
		{"my prod", "domctl history shows it", "domctl: error: domctl history 'my prod' shows it\n"},
		{"it's", "domctl history shows it", "domctl: error: domctl history 'it'\\''s' shows it\n"},
		{"prod", "domctl history show X lists, domctl snapshots show X too", "domctl: error: domctl history show X prod lists, domctl snapshots show X prod too\n"},
		{"prod", "domctl rollback --to X; domctl rollback --exclude settings.x", "domctl: error: domctl rollback prod --to X; domctl rollback prod --exclude settings.x\n"},
		{"prod", `domctl environments show 'it'\''s 3.5' lists; domctl environments show spark does`, "domctl: error: domctl environments show 'it'\\''s 3.5' prod lists; domctl environments show spark prod does\n"},
		{"prod", "domctl update ded; domctl images suggest chooses", "domctl: error: domctl update prod ded; domctl images suggest prod chooses\n"},
		{"prod", "domctl init prod makes one, domctl init does", "domctl: error: domctl init prod makes one, domctl init prod does\n"},
		{"prod", "name the other folder: domctl apply DIR --plan FILE", "domctl: error: name the other folder: domctl apply DIR --plan FILE\n"},
		{"prod", "this domctl applies nothing; domctl explain DC304, domctl plans", "domctl: error: this domctl applies nothing; domctl explain DC304, domctl plans\n"},
		{"prod", "\x1b[1m", "domctl: error: \\u001b[1m\n"},
	} {
		var out bytes.Buffer
		a := newApp(strings.NewReader(""), &out, &out)
		a.root()
		a.at(c.folder)
		a.tell("error", c.said)
		if out.String() != c.want {
			t.Errorf("%q in %q is told as\n%s, want\n%s", c.said, c.folder, out.String(), c.want)
		}
	}
}

// TestFindingsStay: what is told of a finding knows the folder, the finding does
// not.
func TestFindingsStay(t *testing.T) {
	var out bytes.Buffer
	a := newApp(strings.NewReader(""), &out, &out)
	a.root()
	a.at("prod")
	found := []schema.Finding{{Code: "DC240", Severity: schema.Info, Message: "m", Hint: "domctl apply --restarted"}}
	if err := a.tellFindings(found); err != nil {
		t.Fatal(err)
	}
	if want := "domctl: info DC240: m\ndomctl: hint: domctl apply prod --restarted\n"; out.String() != want || found[0].Hint != "domctl apply --restarted" {
		t.Errorf("%q is told, of %v", out.String(), found)
	}
}

// TestOneVoice: nothing is said on standard error past tell, so that a code always stands first; no golden and no page shows
// another.
func TestOneVoice(t *testing.T) {
	late := regexp.MustCompile(`^domctl: [a-z]+: .*\bDC\d{3}: `)
	eachLine(t, "testdata/script/*.txtar", late.MatchString)
	eachLine(t, "../../docs/*.md", late.MatchString)
	past := regexp.MustCompile(`Fprint\w*\(a\.stderr|WriteFindings\(`)
	eachLine(t, "*.go", func(line string) bool { return past.MatchString(line) })
}

// eachLine complains of lines in files, tell's own and tests left out.
func eachLine(t *testing.T, pattern string, wrong func(line string) bool) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s finds nothing (%v)", pattern, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || name == "tell.go" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if wrong(line) {
				t.Errorf("%s:%d: %s", name, i+1, strings.TrimSpace(line))
			}
		}
	}
}
