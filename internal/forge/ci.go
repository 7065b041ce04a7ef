package forge

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Job is what a CI job's environment says of where it runs. What it does not say is
// empty.
type Job struct {
	Kind      Kind
	URL, Repo string
	Pull      int
	Commit    string // of the pull request's head, not of a merge made for the job
	Page      string // where people see the job
}

// JobOf reads the environment of GitHub Actions, Gitea and Forgejo Actions, GitLab CI
// and Bitbucket Pipelines; elsewhere it answers nothing.
// https://docs.github.com/en/actions/reference/workflows-and-actions/variables
// https://docs.gitlab.com/ci/variables/predefined_variables/
// https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/
func JobOf(getenv func(string) string) (Job, error) {
	switch {
	case getenv("GITHUB_ACTIONS") == "true", getenv("GITEA_ACTIONS") == "true", getenv("FORGEJO_ACTIONS") == "true":
		return actionsJob(getenv)
	case getenv("GITLAB_CI") == "true":
		j := Job{Kind: GitLab, URL: getenv("CI_SERVER_URL"), Page: getenv("CI_JOB_URL"),
			Repo:   cmp.Or(getenv("CI_MERGE_REQUEST_PROJECT_PATH"), getenv("CI_PROJECT_PATH")),
			Commit: cmp.Or(getenv("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"), getenv("CI_COMMIT_SHA"))}
		return j, j.number("CI_MERGE_REQUEST_IID", getenv)
	case getenv("BITBUCKET_BUILD_NUMBER") != "":
		j := Job{Kind: Bitbucket, Repo: getenv("BITBUCKET_REPO_FULL_NAME"), Commit: getenv("BITBUCKET_COMMIT")}
		j.Page = "https://bitbucket.org/" + j.Repo + "/pipelines/results/" + getenv("BITBUCKET_BUILD_NUMBER")
		return j, j.number("BITBUCKET_PR_ID", getenv)
	}
	return Job{}, nil
}

// actionsJob reads what the three forges with Actions have alike. For a pull request
// GITHUB_SHA is a merge that was made for the job: the head stands in the event.
func actionsJob(getenv func(string) string) (Job, error) {
	j := Job{Kind: GitHub, URL: strings.TrimSuffix(getenv("GITHUB_SERVER_URL"), "/"), Repo: getenv("GITHUB_REPOSITORY")}
	run := getenv("GITHUB_RUN_ID")
	switch {
	case getenv("FORGEJO_ACTIONS") == "true": // its addresses count runs of a repository
		j.Kind, run = Gitea, getenv("GITHUB_RUN_NUMBER")
	case getenv("GITEA_ACTIONS") == "true":
		j.Kind = Gitea
	}
	if j.URL != "" && run != "" {
		j.Page = j.URL + "/" + j.Repo + "/actions/runs/" + run
	}
	name := getenv("GITHUB_EVENT_PATH")
	if name == "" {
		return j, nil
	}
	text, err := readSome(name)
	if err != nil {
		return j, fmt.Errorf("the job's event (GITHUB_EVENT_PATH) cannot be read: %w", err)
	}
	var event struct {
		PullRequest struct {
			Number int
			Head   struct{ SHA string }
		} `json:"pull_request"`
	}
	if err := json.Unmarshal(text, &event); err != nil {
		return j, fmt.Errorf("the job's event (GITHUB_EVENT_PATH) is no JSON: %w", err)
	}
	j.Pull, j.Commit = event.PullRequest.Number, event.PullRequest.Head.SHA
	return j, nil
}

// mostEvent is what is read of a job's event file, bytes: GitHub's largest are 25 MB.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
const mostEvent = 25 << 20

func readSome(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostEvent))
}

func (j *Job) number(name string, getenv func(string) string) error {
	text := getenv(name)
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		return fmt.Errorf("%s is no number of a pull request", name)
	}
	j.Pull = n
	return nil
}

// TokenNames are the variables that hold the token of a kind of forge, the first that
// is set counts.
func TokenNames(k Kind) []string {
	switch k {
	case GitHub:
		return []string{"GITHUB_TOKEN", "GH_TOKEN"}
	case GitLab:
		return []string{"GITLAB_TOKEN"}
	case Bitbucket:
		return []string{"BITBUCKET_TOKEN"}
	}
	return []string{"GITEA_TOKEN", "FORGEJO_TOKEN", "GITHUB_TOKEN"} // Gitea Actions name it as GitHub does
}
