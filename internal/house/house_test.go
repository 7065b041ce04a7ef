package house

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "domctl.dev/"

// may lists what each package of the product may import of ours.
func may() map[string][]string {
	all := []string{"schema", "compiler", "planner", "applier", "internal/port", "internal/world"}
	return map[string][]string{
		"schema":                 {},
		"compiler":               {"schema", "internal/form", "internal/lint"},
		"planner":                {"schema"},
		"applier":                {"planner", "schema"},
		"examples":               {},
		"internal/port":          {},
		"internal/sandbox":       {"internal/port", "schema"},
		"internal/mongo":         {"internal/port", "schema"},
		"internal/aws":           {"internal/aws/whole", "internal/port", "schema"},
		"internal/aws/whole":     {},
		"internal/kube":          {"internal/port"},
		"internal/kube/kubetest": {},
		"internal/domino":        {"internal/port", "schema"},
		"internal/registry":      {"internal/port"},
		"internal/ssh":           {"internal/port"},
		"internal/state":         {"applier", "internal/port"},
		"internal/secret":        {"schema"},
		"internal/world":         {"applier", "planner", "schema", "internal/operation", "internal/port"},
		"internal/bake":          {"applier", "planner", "schema", "internal/operation", "internal/port"},
		"internal/build":         {"applier", "planner", "schema", "internal/operation", "internal/port", "internal/secret"},
		"internal/probe":         {"applier", "planner", "schema", "internal/operation", "internal/port"},
		"internal/roll":          {"applier", "planner", "schema", "internal/operation", "internal/port"},
		"internal/engine":        append(all, "internal/bake", "internal/build", "internal/form", "internal/lint", "internal/operation", "internal/probe", "internal/roll"),
		"internal/forge":         {"internal/port", "planner"},
		"internal/form":          {"schema"},
		"internal/gen":           {},
		"internal/git":           {},
		"internal/gitops":        {"applier", "compiler", "planner", "schema", "internal/engine", "internal/git", "internal/gitops/config", "internal/port"},
		"internal/gitops/config": {"compiler", "planner", "schema", "internal/port"},
		"internal/web":           {"applier", "planner", "schema", "internal/gitops", "internal/port"},
		"internal/heap":          {},
		"internal/lint":          {"schema"},
		"internal/house":         {},
		"internal/metrics":       {"internal/gitops", "internal/port"},
		"internal/notify":        {"internal/port", "planner"},
		"internal/operation":     {},
		"internal/tfvars":        {},
		"internal/traces":        {"internal/gitops", "internal/port"},
	}
}

// test support and commands may import whatever they exercise.
func free(pkg string) bool {
	return strings.HasPrefix(pkg, "cmd/") || strings.HasPrefix(pkg, "hack/") ||
		slices.Contains([]string{"internal/worldtest", "internal/wiretest", "internal/state/statetest", "internal/forge/forgetest", "internal/sim"}, pkg)
}

// owners are the only importers of an outside system's SDK.
func owners() map[string][]string {
	return map[string][]string{
		"github.com/aws/":                                {"internal/aws"},
		"go.mongodb.org/":                                {"internal/mongo"},
		"github.com/google/go-containerregistry":         {"internal/registry", "hack/image"},
		"cuelang.org/":                                   {"compiler"},
		"github.com/spf13/":                              {"cmd/domctl"},
		"filippo.io/age":                                 {"internal/state"},
		"github.com/go-git/":                             {"internal/git"},
		"mvdan.cc/sh/":                                   {"internal/lint", "internal/sandbox"},
		"github.com/moby/":                               {"internal/lint"},
		"golang.org/x/crypto/ssh":                        {"internal/ssh"},
		"gopkg.in/yaml.v3":                               {"internal/gitops/config", "internal/domino", "internal/form"},
		"k8s.io/":                                        {"internal/kube", "internal/kube/kubetest"},
		"github.com/docker/":                             {},
		"net/http":                                       {"internal/domino", "internal/gitops", "internal/web", "internal/aws", "internal/aws/whole", "internal/registry", "internal/kube", "internal/kube/kubetest", "internal/forge", "internal/forge/forgetest", "internal/metrics", "internal/notify"},
		"github.com/coreos/go-oidc/":                     {"internal/web"},
		"golang.org/x/oauth2":                            {"internal/web"},
		"sigs.k8s.io/kustomize/":                         {},
		"github.com/prometheus/":                         {"internal/metrics"},
		"go.opentelemetry.io/":                           {"internal/traces"},
		"code.gitea.io/sdk/":                             {"internal/forge"},
		"gitlab.com/gitlab-org/":                         {"internal/forge"},
		"github.com/google/go-github/":                   {"internal/forge"},
		"github.com/rhysd/actionlint":                    {},
		"os/exec":                                        {"compiler", "hack/bench", "hack/gendocs", "hack/image"},
		"go.yaml.in/yaml/":                               {},
		"github.com/johannesboyne/gofakes3":              {},
		"github.com/rogpeppe/go-internal/testscript":     {},
		"pgregory.net/rapid":                             {},
		"github.com/santhosh-tekuri/jsonschema/v6":       {},
		"github.com/rogpeppe/go-internal/cmd/testscript": {},
	}
}

func TestImports(t *testing.T) {
	packages := tree(t, "../..")
	noStrangers(t, packages)
	for pkg, imports := range packages {
		for _, i := range imports {
			for sdk, owner := range owners() {
				if strings.HasPrefix(i, sdk) && !slices.Contains(owner, pkg) && pkg != "internal/wiretest" { // which serves what the SDKs call
					t.Errorf("%s imports %s, which belongs to %s alone", pkg, i, strings.Join(owner, ", "))
				}
			}
		}
		if free(pkg) {
			continue
		}
		allowed, known := may()[pkg]
		if !known {
			t.Errorf("%s stands nowhere in the house: give it a row in may()", pkg)
		}
		for _, i := range imports {
			if ours, ok := strings.CutPrefix(i, module); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which it may not", pkg, ours)
			}
		}
	}
}

// noStrangers: a row for what is not there, or is written wrong, would guard
// nothing.
func noStrangers(t *testing.T, packages map[string][]string) {
	modules := required(t)
	known := func(pkg string) {
		if _, ok := packages[pkg]; !ok {
			t.Errorf("%s has a row and is not in the house", pkg)
		}
	}
	for pkg, allowed := range may() {
		known(pkg)
		for _, i := range allowed {
			known(i)
		}
	}
	for sdk, owners := range owners() {
		imported := false
		for _, owner := range owners {
			known(owner)
			imported = imported || slices.ContainsFunc(packages[owner], func(i string) bool { return strings.HasPrefix(i, sdk) })
		}
		if len(owners) > 0 && !imported || !there(modules, sdk) {
			t.Errorf("%s is owned, and nothing imports it", sdk)
		}
	}
}

// required are the modules of go.mod.
func required(t *testing.T) (modules []string) {
	t.Helper()
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(strings.TrimPrefix(line, "require ")); len(words) > 1 && strings.HasPrefix(words[1], "v") {
			modules = append(modules, words[0])
		}
	}
	return modules
}

// there says that what a row names is of a module: the row is one, lies in one, or is a
// prefix of several. What has no domain is Go's own.
func there(modules []string, row string) bool {
	if domain, _, _ := strings.Cut(row, "/"); !strings.Contains(domain, ".") {
		return true
	}
	return slices.ContainsFunc(modules, func(m string) bool {
		return strings.HasPrefix(row+"/", m+"/") || strings.HasPrefix(m+"/", strings.TrimSuffix(row, "/")+"/")
	})
}

func TestARowMustBeThere(t *testing.T) {
	modules := []string{"github.com/aws/smithy-go", "github.com/aws/aws-sdk-go-v2", "golang.org/x/crypto"}
	for row, want := range map[string]bool{"github.com/aws/": true, "golang.org/x/crypto/ssh": true, "golang.org/x/crypto": true, "net/http": true,
		"github.com/docker/": false, "github.com/aws": true, "golang.org/x/cry": false, "golang.org/x/term": false, "gopkg.in/yaml.v3": false} {
		if there(modules, row) != want {
			t.Errorf("%s: %v", row, !want)
		}
	}
	if len(required(t)) < 20 {
		t.Error("go.mod was not read")
	}
}

// tree answers the imports of every package, tests left out.
func tree(t *testing.T, root string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin") {
			return fs.SkipDir
		}
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), root+"/"+name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := path.Dir(name)
		if _, ok := out[pkg]; !ok {
			out[pkg] = nil
		}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			out[pkg] = append(out[pkg], p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 10 {
		t.Fatalf("only %d packages were found", len(out))
	}
	return out
}
