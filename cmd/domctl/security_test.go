package main

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestSecurity: every claim of docs/security.md names tests that are there, in the file
// that it links to, and that a suite of the Makefile runs.
func TestSecurity(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	suites, err := readSuites("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	claims, wrong := readClaims(string(text))
	for _, c := range claims {
		for _, p := range c.proofs {
			if err := p.holds("../../docs", suites); err != nil {
				wrong = append(wrong, fmt.Sprintf("%s: %v", c.words(), err))
			}
		}
	}
	for _, w := range wrong {
		t.Errorf("docs/security.md: %s", w)
	}
	if len(claims) < 80 {
		t.Errorf("only %d claims were found", len(claims))
	}
}

// TestSecurityRots: what a page must not hold is found.
func TestSecurityRots(t *testing.T) {
	suites, err := readSuites("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	const actor, end = "## Somebody\n\n", "\n- **Not held:** the rest.\n"
	for page, want := range map[string]string{
		actor + "- **Cannot** fly: it has no wings.\n  [TestDocs](../cmd/domctl/docs_test.go)" + end:                         "",
		actor + "- **Can** run a script. [TestScripts/freeze](../cmd/domctl/testdata/script/freeze.txtar)" + end:             "",
		actor + "- **Can** be found among many. [TestMistakes/branch: main](../internal/gitops/config/config_test.go)" + end: "has no text",
		actor + "- **Can** be named. [TestNotApproved/in a quote](../internal/gitops/approval_test.go)" + end:                "",
		actor + "- **Can** be signed in. [TestForgePage](../cmd/domctl/page_wire_test.go) (test-forge)" + end:                "",
		actor + "- **Can** be signed in. [TestForgePage](../cmd/domctl/page_wire_test.go)" + end:                             "say which",
		actor + "- **Can** be signed in. [TestForgePage](../cmd/domctl/page_wire_test.go) (test-k8s)" + end:                  "make test-k8s does not run",
		actor + "- **Can** be signed in. [TestForgePage](../cmd/domctl/page_wire_test.go) (test-live)" + end:                 "make test-live does not run",
		actor + "- **Can** be shown. [TestDocs](../cmd/domctl/docs_test.go) (test-forge)" + end:                              "make test runs it",
		actor + "- **Cannot** fly." + end:                                                                                   "no test",
		actor + "- **Cannot** fly. [TestFlying](../cmd/domctl/docs_test.go)" + end:                                          "no test TestFlying",
		actor + "- **Cannot** fly. [TestDocs](../cmd/domctl/main.go)" + end:                                                 "is no file of tests",
		actor + "- **Cannot** fly. [TestDocs](../cmd/domctl/none_test.go)" + end:                                            "no such file",
		actor + "- **Cannot** fly. [TestScripts/none](../cmd/domctl/testdata/script/none.txtar)" + end:                      "no such file",
		actor + "- **Cannot** fly. [TestScripts/freeze](../cmd/domctl/testdata/script/live.txtar)" + end:                    "leads to another script",
		actor + "- **Might** fly. [TestDocs](../cmd/domctl/docs_test.go)" + end:                                             "neither",
		actor + "- fly. [TestDocs](../cmd/domctl/docs_test.go)" + end:                                                       "neither",
		actor + "- **Cannot** fly. [TestDocs](../cmd/domctl/docs_test.go)\n":                                                "says nothing of what is not held",
		actor + "- **Cannot** look like a helper. [runPage](../cmd/domctl/docs_test.go)" + end:                              "no test",
		actor + "- **Cannot** fly. [readPages](../cmd/domctl/docs_test.go), [TestMainly](../cmd/domctl/docs_test.go)" + end: "no test TestMainly",
		actor + "- **Cannot** be checked by a main. [TestMain](../cmd/domctl/script_test.go)" + end:                         "no test TestMain",
		actor + "- **Cannot** be fuzzed. [FuzzParse](../internal/gitops/config/config_test.go)" + end:                       "",
		"- **Cannot** be nobody's. [TestDocs](../cmd/domctl/docs_test.go)" + end:                                            "is nobody's",
	} {
		claims, wrong := readClaims(page)
		for _, c := range claims {
			for _, p := range c.proofs {
				if err := p.holds("../../docs", suites); err != nil {
					wrong = append(wrong, err.Error())
				}
			}
		}
		if got := strings.Join(wrong, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", page, got, want)
		}
	}
}

// claim is an item of the page: what somebody can or cannot do.
type claim struct {
	text   string
	proofs []proof
}

func (c claim) words() string { return strings.TrimPrefix(c.text[:min(len(c.text), 70)], "- ") }

// proof is a test that a claim names: its function, what of it, where, and which suite of
// the Makefile runs it; "" is make test.
type proof struct{ name, part, file, suite string }

var (
	claimForm = regexp.MustCompile(`^- \*\*Can(not)?\*\*[ ,]`)
	proofForm = regexp.MustCompile(`\[((?:Test|Fuzz)[A-Za-z0-9]*)(?:/([^\]]+))?\]\(([^)#]+)\)(?: \((test-[a-z0-9]+)\))?`)
)

// readClaims finds what the page claims below the headings of actors, and what is wrong
// with how it does.
func readClaims(page string) (all []claim, wrong []string) {
	for i, section := range regexp.MustCompile(`(?m)^## `).Split(page, -1) {
		actor, text, _ := strings.Cut(section, "\n")
		if i == 0 {
			actor, text = "", section
		}
		open := 0
		for _, item := range items(text) {
			c := claim{text: item}
			for _, m := range proofForm.FindAllStringSubmatch(item, -1) {
				c.proofs = append(c.proofs, proof{m[1], m[2], m[3], m[4]})
			}
			switch {
			case i == 0:
				wrong = append(wrong, c.words()+" is nobody's: it stands above the first actor")
			case strings.HasPrefix(item, "- **Not held:** "):
				open++
			case !claimForm.MatchString(item):
				wrong = append(wrong, c.words()+" says neither what somebody can, cannot, nor what is not held")
			case len(c.proofs) == 0:
				wrong = append(wrong, c.words()+" names no test")
			}
			all = append(all, c)
		}
		if i > 0 && open == 0 {
			wrong = append(wrong, actor+" says nothing of what is not held")
		}
	}
	return all, wrong
}

// items are the list's of a text, each in one line.
func items(text string) (all []string) {
	at := false
	for line := range strings.Lines(text) {
		switch line = strings.TrimRight(line, "\n"); {
		case strings.HasPrefix(line, "- "):
			all, at = append(all, line), true
		case at && strings.HasPrefix(line, "  "):
			all[len(all)-1] += " " + strings.TrimSpace(line)
		default:
			at = false
		}
	}
	return all
}

// holds says what is wrong with a proof: the test is not there, or nothing runs it.
func (p proof) holds(from string, suites map[string][]suite) error {
	at := filepath.Join(from, filepath.FromSlash(p.file))
	if strings.HasSuffix(p.file, ".txtar") {
		if p.name != "TestScripts" || p.part+".txtar" != filepath.Base(p.file) {
			return fmt.Errorf("%s/%s leads to another script, %s", p.name, p.part, p.file)
		}
		_, err := os.Stat(at)
		return err
	}
	if !strings.HasSuffix(p.file, "_test.go") {
		return fmt.Errorf("%s is no file of tests", p.file)
	}
	file, err := parser.ParseFile(token.NewFileSet(), at, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	fn := testIn(file, p.name)
	if fn == nil {
		return fmt.Errorf("%s has no test %s", p.file, p.name)
	}
	if p.part != "" && !speaks(fn, p.part) {
		return fmt.Errorf("%s in %s has no text %q", p.name, p.file, p.part)
	}
	return p.runs(file, suites)
}

// runs says whether the suite that is named runs the test.
func (p proof) runs(file *ast.File, suites map[string][]suite) error {
	name := p.suite
	if name == "" {
		name = "test"
	}
	dir := "./" + strings.TrimPrefix(filepath.ToSlash(filepath.Dir(p.file)), "../")
	run := func(of string) bool {
		return slices.ContainsFunc(suites[of], func(s suite) bool { return s.runs(file, dir, p.name) })
	}
	switch {
	case p.suite != "" && run("test"):
		return fmt.Errorf("%s: make test runs it, so that no other suite is to be named", p.name)
	case run(name):
		return nil
	case p.suite == "":
		return fmt.Errorf("make test does not run %s: say which suite does, as (test-live)", p.name)
	}
	return fmt.Errorf("make %s does not run %s in %s", p.suite, p.name, dir)
}

// testIn finds a test or a fuzz test that go test runs.
func testIn(file *ast.File, name string) *ast.FuncDecl {
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || fn.Name.Name != name || len(fn.Type.Params.List) != 1 {
			continue
		}
		if star, ok := fn.Type.Params.List[0].Type.(*ast.StarExpr); ok {
			if of, ok := star.X.(*ast.SelectorExpr); ok && (of.Sel.Name == "T" || of.Sel.Name == "F") {
				return fn
			}
		}
	}
	return nil
}

// speaks says whether a text stands in a test as the name of one of its cases may.
func speaks(fn *ast.FuncDecl, text string) (there bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			said, err := strconv.Unquote(lit.Value)
			there = there || err == nil && said == text
		}
		return true
	})
	return there
}

// suite is one call of go test in the Makefile.
type suite struct {
	tags      []string
	run, skip *regexp.Regexp
	packages  []string // as the command line has them
}

// readSuites reads the Makefile's calls of go test, by target.
func readSuites(makefile string) (map[string][]suite, error) {
	text, err := os.ReadFile(makefile)
	if err != nil {
		return nil, err
	}
	all, target := map[string][]suite{}, ""
	for line := range strings.Lines(string(text)) {
		if name, _, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "\t") {
			target = name
		}
		_, call, ok := strings.Cut(line, "$(GO) test ")
		if !ok {
			continue
		}
		s := suite{run: regexp.MustCompile(""), skip: regexp.MustCompile(`^\b$`)}
		words := strings.Fields(call)
		for i, w := range words {
			if strings.HasPrefix(w, "./") {
				s.packages = append(s.packages, w)
			}
			if i == 0 {
				continue
			}
			switch value := strings.Trim(w, `"`); words[i-1] {
			case "-tags":
				s.tags = strings.Split(value, ",")
			case "-run":
				s.run = regexp.MustCompile(value)
			case "-skip":
				s.skip = regexp.MustCompile(value)
			}
		}
		all[target] = append(all[target], s)
	}
	return all, nil
}

func (s suite) runs(file *ast.File, dir, name string) bool {
	under := slices.ContainsFunc(s.packages, func(p string) bool {
		below, all := strings.CutSuffix(p, "/...")
		return p == dir || all && (below == "." || below == dir || strings.HasPrefix(dir, below+"/"))
	})
	return under && s.run.MatchString(name) && !s.skip.MatchString(name) && built(file, s.tags)
}

// built says whether a file is part of the package under tags.
func built(file *ast.File, tags []string) bool {
	for _, group := range file.Comments {
		for _, c := range group.List {
			if !constraint.IsGoBuild(c.Text) || c.Pos() > file.Package {
				continue
			}
			e, err := constraint.Parse(c.Text)
			if err != nil || !e.Eval(func(tag string) bool { return slices.Contains(tags, tag) || tag == runtime.GOOS || tag == "unix" }) {
				return false
			}
		}
	}
	return true
}
