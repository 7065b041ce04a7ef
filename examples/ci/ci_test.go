// Package ci proves the workflows beside it.
package ci

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// workflow is as much of one of Actions as the rules below are about.
type workflow struct {
	On          map[string]any
	Permissions map[string]string
	Defaults    struct{ Run struct{ Shell string } }
	Env         map[string]string
	Jobs        map[string]struct {
		If          string
		Environment string
		Permissions map[string]string
		Env         map[string]string
		Steps       []struct {
			Name, Uses, Run, If string
			Env, With           map[string]string
		}
	}
}

func actions(t *testing.T) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("git[eh]*/*.yml")
	if err != nil || len(names) != 6 {
		t.Fatalf("%q, %v", names, err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		if files[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestActionlint lints the workflows of GitHub, Gitea and Forgejo Actions; the last two
// have GitHub's syntax. Its table of untrusted inputs finds text of a pull request that
// a shell would run.
func TestActionlint(t *testing.T) {
	lint := func(name string, text []byte) (all []string) {
		l, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		errs, err := l.Lint(name, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range errs {
			all = append(all, e.Error())
		}
		return all
	}
	for name, text := range actions(t) {
		if all := lint(name, text); len(all) > 0 {
			t.Errorf("%s:\n%s", name, strings.Join(all, "\n"))
		}
		bad := bytes.Replace(text, []byte("run: |"), []byte("run: |\n          echo \"${{ github.event.pull_request.title }}\""), 1)
		if all := lint(name, bad); len(all) == 0 {
			t.Errorf("%s: a title in a script is not found", name)
		}
	}
}

// TestCredentials: what the comments in the workflows claim.
func TestCredentials(t *testing.T) {
	pinned := regexp.MustCompile(`(?m)^\s*uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	own := "github.event.pull_request.head.repo.full_name == github.repository"
	for name, text := range actions(t) {
		var w workflow
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatal(err)
		}
		if w.Permissions == nil || len(w.Permissions) > 0 || w.Defaults.Run.Shell != "bash" {
			t.Errorf("%s: rights are not given job by job, or the shell is not bash", name)
		}
		if n := len(regexp.MustCompile(`(?m)^[\s-]*uses:`).FindAll(text, -1)); n != len(pinned.FindAll(text, -1)) {
			t.Errorf("%s: of %d actions not all are pinned by a digest, with their version", name, n)
		}
		for _, on := range []string{"pull_request", "workflow_run", "issue_comment"} {
			if _, there := w.On[on]; there {
				t.Errorf("%s runs on %s", name, on)
			}
		}
		for id, j := range w.Jobs {
			_, pull := w.On["pull_request_target"]
			secret := len(j.Permissions) > 1 || len(j.Env) > 0
			for _, s := range j.Steps {
				secret = secret || strings.Contains(strings.Join(values(s.Env), " "), "secrets.")
				if s.Uses != "" && s.With["persist-credentials"] != "false" {
					t.Errorf("%s, %s: %q leaves its credentials behind", name, id, s.Name)
				}
				if strings.Contains(s.Run, "${{") {
					t.Errorf("%s, %s: %q has an expression in a script", name, id, s.Name)
				}
				domctl := regexp.MustCompile(`(?m)^.*(domctl (plan|check) "head/|domctl changed --base)`).FindAllString(s.Run, -1)
				if pull && len(domctl) > 0 && (!strings.Contains(s.Run, "env -i PATH=") || strings.Contains(strings.Join(values(s.Env), " "), "github.token")) {
					t.Errorf("%s, %s: in %q head's files see more than they need", name, id, s.Name)
				}
				for _, word := range []string{"make ", "go build", "go run", "./head", "source ", "npm "} {
					if strings.Contains(s.Run, word) {
						t.Errorf("%s, %s: %q runs something of head's: %s", name, id, s.Name, word)
					}
				}
				script(t, name+", "+s.Name, s.Run)
			}
			if pull && secret && j.If != own {
				t.Errorf("%s, %s has rights or secrets, and runs for forks", name, id)
			}
		}
	}
}

func values(m map[string]string) (out []string) {
	for _, v := range m {
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

// script is one that a shell can read.
func script(t *testing.T, name, text string) {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the scripts are for bash: go test ./examples/ci where bash is on the path")
	}
	cmd := exec.Command(bash, "-n")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}

// gitlabSchema is GitLab's own, see testdata/README.md.
func gitlabSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile("testdata/gitlab-ci.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func generic(t *testing.T, text []byte) any {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestGitLab holds the configuration to GitLab's schema, and to what its comments claim.
func TestGitLab(t *testing.T) {
	text, err := os.ReadFile("gitlab/.gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	schema := gitlabSchema(t)
	if err := schema.Validate(generic(t, text)); err != nil {
		t.Error(err)
	}
	if err := schema.Validate(generic(t, bytes.Replace(text, []byte("stage: plan"), []byte("stages: plan"), 1))); err == nil {
		t.Error("a mistyped keyword is not found")
	}
	var jobs map[string]yaml.Node
	if err := yaml.Unmarshal(text, &jobs); err != nil {
		t.Fatal(err)
	}
	for name, node := range jobs {
		var job struct {
			Rules       []struct{ If string }
			Environment struct{ Name string }
			Tokens      map[string]any `yaml:"id_tokens"`
			Script      []string
			Include     any
		}
		if node.Kind != yaml.MappingNode || node.Decode(&job) != nil || len(job.Script) == 0 {
			continue
		}
		for _, r := range job.Rules {
			if strings.Contains(r.If, "merge_request_event") && (job.Environment.Name != "" || len(job.Tokens) > 0) {
				t.Errorf("%s runs with credentials what a merge request brings", name)
			}
		}
		if len(job.Rules) != 1 {
			t.Errorf("%s has %d rules", name, len(job.Rules))
		}
		all := strings.Join(job.Script, "\n")
		if strings.Contains(all, `domctl plan "head/`) != strings.Contains(all, "env -i PATH=") && name != "check" {
			t.Errorf("%s: head's files see more than they need", name)
		}
		script(t, name, all)
	}
}
