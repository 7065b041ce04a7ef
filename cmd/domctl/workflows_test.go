package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"domctl.dev/internal/forge/forgetest"
)

// TestWorkflows runs the scripts of examples/ci as a runner would, on the head of a
// pull request in a git repository, with the sandbox as the outside and a small forge.
func TestWorkflows(t *testing.T) {
	for _, need := range []string{"bash", "git", "jq", "domctl"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skipf("the workflows use %s: go test ./cmd/domctl -run TestWorkflows where it is on the path", need)
		}
	}
	t.Run("gitea", func(t *testing.T) { runWorkflow(t, "gitea", giteaSteps) })
	t.Run("github", func(t *testing.T) { runWorkflow(t, "github", githubSteps) })
	t.Run("gitlab", func(t *testing.T) { runWorkflow(t, "gitlab", gitlabSteps) })
}

// runner is where a job runs.
type runner struct {
	t          *testing.T
	dir        string // the job's folder
	repo       string // a bare one, with the head of pull request 3
	head, base string // commits
	forge      string
}

func runWorkflow(t *testing.T, kind string, steps func(r *runner)) {
	r := &runner{t: t, dir: t.TempDir(), repo: filepath.Join(t.TempDir(), "acme/domino")}
	work := t.TempDir()
	r.bash(work, nil, `git init -q . && domctl init prod --example classic >&2 && rm -f .gitignore prod/.gitignore && git config user.name ann && git config user.email ann@acme.example &&
domctl world record prod --out prod/world.json && cp -r prod other && sed -i 's/acme-classic/acme-other/' other/*.cue && git add -f . && git commit -qm base && git branch -m main &&
sed -i 's/cores: 14/cores: 13/' prod/compute.cue && git commit -qam change`)
	r.head, r.base = strings.TrimSpace(r.bash(work, nil, "git rev-parse HEAD")), strings.TrimSpace(r.bash(work, nil, "git rev-parse HEAD^"))
	r.bash(work, nil, fmt.Sprintf("git init -q --bare %[1]q && git push -q %[1]q HEAD^:refs/heads/main HEAD:refs/heads/change HEAD:refs/pull/3/head HEAD:refs/merge-requests/3/head && ln -s %[1]q %[1]q.git", r.repo))
	tea := forgetest.NewTea("acme/domino")
	tea.Push(3, r.head)
	handler := map[string]*httptest.Server{"gitea": httptest.NewServer(tea), "github": httptest.NewServer(forgetest.Hub{Tea: tea}), "gitlab": httptest.NewServer(forgetest.Lab{Tea: tea})}
	for _, s := range handler {
		defer s.Close()
	}
	r.forge = handler[kind].URL
	steps(r)
	comments, statuses := tea.Comments(3), tea.Statuses()
	if len(comments) != 1 || comments[0].Author != "domctl-bot" || !strings.Contains(comments[0].Body, "~ hardwareTiers.large  update: files changed") || !strings.Contains(comments[0].Body, "commit `"+r.head+"`") {
		t.Errorf("comments are %+v", comments)
	}
	if len(statuses) != 1 || statuses[0].Commit != r.head || statuses[0].State != "success" || !strings.Contains(statuses[0].Target, "77") {
		t.Errorf("statuses are %+v", statuses)
	}
}

// bash runs a script as Actions do, with nothing of this process' environment but
// where programs are.
func (r *runner) bash(dir string, env map[string]string, script string) string {
	r.t.Helper()
	cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.t.TempDir(), "GIT_CONFIG_NOSYSTEM=1"}
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("%v\n%s\n%s%s", err, script, out, stderr.String())
	}
	return string(out)
}

// actionsSteps runs the named steps of a job, and answers what they print.
func (r *runner) actionsSteps(file, job string, env map[string]string, own map[string]map[string]string, names ...string) (printed string) {
	var w struct {
		Env  map[string]string
		Jobs map[string]struct{ Steps []struct{ Name, Run string } }
	}
	readYAML(r.t, file, &w)
	temp := r.t.TempDir()
	event := filepath.Join(temp, "event.json")
	if err := os.WriteFile(event, fmt.Appendf(nil, `{"pull_request": {"number": 3, "head": {"sha": %q}}}`, r.head), 0o600); err != nil {
		r.t.Fatal(err)
	}
	ran := 0
	for _, s := range w.Jobs[job].Steps {
		for _, name := range names {
			if s.Name != name {
				continue
			}
			all := map[string]string{"RUNNER_TEMP": temp, "GITHUB_EVENT_PATH": event, "GITHUB_REPOSITORY": "acme/domino", "GITHUB_RUN_ID": "77", "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": r.forge, "GITHUB_STEP_SUMMARY": "/dev/stdout"}
			for _, more := range []map[string]string{w.Env, env, own[name]} {
				for k, v := range more {
					all[k] = v
				}
			}
			printed += r.bash(r.dir, all, s.Run)
			ran++
		}
	}
	if ran != len(names) {
		r.t.Fatalf("%s has %d of the steps %q", file, ran, names)
	}
	return printed
}

// forks holds what the job for forks prints: the change of this pull request, planned
// without a world, and no other deployment.
func (r *runner) forks(printed string) {
	r.t.Helper()
	for _, want := range []string{"~ hardwareTiers.large  update: files changed", "no apply goes by that"} {
		if !strings.Contains(printed, want) || strings.Contains(printed, "acme-other") {
			r.t.Errorf("the job for forks prints no %q:\n%s", want, printed)
		}
	}
}

func giteaSteps(r *runner) {
	head := map[string]string{"TOKEN": "x", "NUMBER": "3", "HEAD": r.head, "BASE": r.base, "GITHUB_SERVER_URL": r.server()}
	own := map[string]map[string]string{"Head's files": head, "Comment": {"GITEA_TOKEN": "bot-token"}}
	r.actionsSteps("../../examples/ci/gitea/domctl-plan.yml", "plan", map[string]string{"GITEA_ACTIONS": "true"}, own, "Head's files", "Plan", "Comment", "Leave nothing behind")
	r.forks(r.actionsSteps("../../examples/ci/gitea/domctl-plan.yml", "plan-fork", nil, own, "Head's files", "Plan"))
	if left, _ := filepath.Glob(r.dir + "/*"); len(left) > 0 {
		r.t.Errorf("it leaves %q behind", left)
	}
	r.records("../../examples/ci/gitea/domctl-record.yml", "The branch", "Record", "Commit", "Leave nothing behind")
}

// records runs the job that records the world, and holds what it commits to that.
func (r *runner) records(file string, steps ...string) {
	r.t.Helper()
	env := map[string]string{"GITHUB_SERVER_URL": r.server(), "GITHUB_REF": "refs/heads/main", "TOKEN": "x", "AWS_ROLE_ARN": "x", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "DOMCTL_MONGO_URI": "x"}
	own := map[string]map[string]string{}
	for _, s := range steps {
		own[s] = env
	}
	r.actionsSteps(file, "record", nil, own, steps...)
	show := "git -C " + r.repo + " "
	if files := r.bash(r.dir, nil, show+"diff --name-only "+r.base+" main"); files != "prod/world.json\n" {
		r.t.Errorf("it commits %q", files)
	}
	if text := r.bash(r.dir, nil, show+"show main:prod/world.json"); !strings.Contains(text, `"deployment": "acme-classic"`) {
		r.t.Errorf("it records %s", text)
	}
	if left, _ := filepath.Glob(r.dir + "/branch"); len(left) > 0 {
		r.t.Errorf("it leaves %q behind", left)
	}
}

// server is where the repository is below its name.
func (r *runner) server() string { return strings.TrimSuffix(r.repo, "/acme/domino") }

func githubSteps(r *runner) {
	checkout := fmt.Sprintf("git clone -q --branch change --single-branch %q head", r.repo) // as actions/checkout does
	own := map[string]map[string]string{"Base": {"TOKEN": "x", "BASE": r.base, "GITHUB_SERVER_URL": r.server()}, "Comment": {"GITHUB_TOKEN": "bot-token"}}
	r.bash(r.dir, nil, checkout)
	r.actionsSteps("../../examples/ci/github/domctl-plan.yml", "plan", nil, own, "Base", "Plan", "Comment", "Leave nothing behind")
	r.bash(r.dir, nil, checkout)
	r.forks(r.actionsSteps("../../examples/ci/github/domctl-plan.yml", "plan-fork", nil, own, "Base", "Plan"))
	r.bash(r.dir, nil, fmt.Sprintf("git clone -q --branch main --single-branch %q branch", r.repo))
	r.records("../../examples/ci/github/domctl-record.yml", "Record", "Commit", "Leave nothing behind")
}

func gitlabSteps(r *runner) {
	var ci map[string]yaml.Node
	readYAML(r.t, "../../examples/ci/gitlab/.gitlab-ci.yml", &ci)
	payload := filepath.Join(r.t.TempDir(), "payload.json")
	if err := os.WriteFile(payload, fmt.Appendf(nil, `{"object_attributes": {"iid": 3, "source_project_id": 7, "target_project_id": 7, "target_branch": "main", "last_commit": {"id": %q}}}`, r.head), 0o600); err != nil {
		r.t.Fatal(err)
	}
	for _, name := range []string{"plan", "comment"} {
		var job struct{ Script []string }
		node := ci[name]
		if err := node.Decode(&job); err != nil {
			r.t.Fatal(err)
		}
		r.bash(r.dir, map[string]string{"TRIGGER_PAYLOAD": payload, "CI_PROJECT_ID": "7", "CI_PROJECT_PATH": "acme/domino", "CI_PROJECT_URL": r.repo, "CI_JOB_TOKEN": "x",
			"CI_SERVER_URL": r.forge, "CI_PIPELINE_URL": "https://lab.example/77", "GITLAB_CI": "true", "GITLAB_TOKEN": "bot-token", "AWS_IDENTITY": "x", "AWS_ROLE_ARN": "x", "DOMCTL_MONGO_URI": "x"}, strings.Join(job.Script, "\n"))
	}
	var job struct{ Script []string }
	node := ci["check"]
	if err := node.Decode(&job); err != nil {
		r.t.Fatal(err)
	}
	r.bash(r.dir, nil, fmt.Sprintf("git clone -q --branch change %q merged", r.repo))
	r.forks(r.bash(filepath.Join(r.dir, "merged"), map[string]string{"CI_MERGE_REQUEST_DIFF_BASE_SHA": r.base}, strings.Join(job.Script, "\n")))
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}
