package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"domctl.dev/internal/forge"
	"domctl.dev/internal/gitops"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

type commentFlags struct {
	job   forge.Job
	kind  string
	user  string
	plans []string
}

func (a *app) commentVerb() *cobra.Command {
	var f commentFlags
	cmd := &cobra.Command{
		Use:   "comment",
		Short: "Show saved plans on a pull request",
		Long: `Writes what saved plans would do into the pull request that they are for: one
comment a deployment, which is updated in place, and one status of the commit.
The status is a failure when a plan holds errors, and tells the plan's effect.

In a job of GitHub Actions, GitLab CI, Gitea or Forgejo Actions, or Bitbucket
Pipelines, the flags but --plan need not be stated. The token is taken from the
environment: GITHUB_TOKEN, GITLAB_TOKEN, GITEA_TOKEN or BITBUCKET_TOKEN. It
needs the right to comment and to set statuses, and no other.

When the pull request moved on to another commit than the one that was planned,
its comment is left alone.`,
		Args: cobra.NoArgs,
		Example: `  domctl plan prod --out prod.plan; domctl comment --plan prod.plan
  domctl comment --forge gitea --url https://git.acme.example --repo acme/domino --pull 12 --commit "$(git rev-parse HEAD)" --plan prod.plan`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.comment(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.kind, "forge", "", "which `kind` of forge: github, gitlab, gitea (Forgejo, too) or bitbucket")
	flags.StringVar(&f.job.URL, "url", "", "`address` of the forge, where it is not the public one")
	flags.StringVar(&f.job.Repo, "repo", "", "the `repository` of the pull request, as in its address: acme/domino")
	flags.IntVar(&f.job.Pull, "pull", 0, "`number` of the pull request, on GitLab of the merge request")
	flags.StringVar(&f.job.Commit, "commit", "", "the `commit` that was planned: the pull request's head, in full")
	flags.StringVar(&f.job.Page, "link", "", "`address` where all of the plan can be read, for a comment that cannot hold it")
	flags.StringVar(&f.user, "user", "", "`account` of the token, where the forge does not tell")
	flags.StringArrayVar(&f.plans, "plan", nil, "a plan `file` that plan --out wrote (repeatable)")
	_ = cmd.MarkFlagRequired("plan") // the flag is there
	kinds := make([]string, 0, 4)
	for _, k := range forge.Kinds() {
		kinds = append(kinds, string(k))
	}
	_ = cmd.RegisterFlagCompletionFunc("forge", cobra.FixedCompletions(kinds, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) comment(ctx context.Context, f commentFlags) error {
	plans, err := readPlans(f.plans)
	if err != nil {
		return err
	}
	job, err := f.complete()
	if err != nil {
		return err
	}
	if _, err := forgeToken(job.Kind); err != nil {
		return err
	}
	to, err := forge.Open(forge.Config{Kind: job.Kind, URL: job.URL, User: f.user, Token: func() (string, error) { return forgeToken(job.Kind) }})
	if err != nil {
		return err
	}
	a.doing("writing to the forge", patience)
	for _, p := range plans {
		told, err := gitops.Telling{Repo: job.Repo, Pull: job.Pull, Commit: job.Commit, Plan: p, Whole: job.Page}.Tell(ctx, to)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Deployment, err)
		}
		if _, err := fmt.Fprintln(a.stdout, planner.Printable(toldLine(p, job, told))); err != nil {
			return err
		}
	}
	return nil
}

func toldLine(p planner.Plan, job forge.Job, t gitops.Told) string {
	did := "stands as it is"
	switch {
	case t.Moved != "":
		did = "left alone, as the pull request is at " + t.Moved
	case t.Comment.Created:
		did = "created"
	case t.Comment.Updated:
		did = "updated"
	}
	if t.Comment.Folded > 0 {
		did += ", " + planner.Plural(t.Comment.Folded, "double") + " folded"
	}
	return fmt.Sprintf("%s: comment on pull request %d of %s %s; status of %s: %s, %s", p.Deployment, job.Pull, job.Repo, did, job.Commit, t.Status.State, t.Status.Text)
}

// complete fills what the flags leave open from the job's environment.
func (f commentFlags) complete() (forge.Job, error) {
	here, err := forge.JobOf(os.Getenv)
	if err != nil {
		return here, err
	}
	job := f.job
	job.Kind = cmp.Or(forge.Kind(f.kind), here.Kind)
	if job.Kind == here.Kind {
		job.URL = cmp.Or(job.URL, here.URL)
	}
	job.Repo, job.Page = cmp.Or(job.Repo, here.Repo), cmp.Or(job.Page, here.Page)
	job.Pull, job.Commit = cmp.Or(job.Pull, here.Pull), cmp.Or(job.Commit, here.Commit)
	var missing []string
	for _, need := range []struct {
		flag string
		is   bool
	}{{"--forge", job.Kind != ""}, {"--repo", job.Repo != ""}, {"--pull", job.Pull > 0}, {"--commit", job.Commit != ""}} {
		if !need.is {
			missing = append(missing, need.flag)
		}
	}
	if len(missing) > 0 {
		return job, fmt.Errorf("the environment does not tell which pull request it is; state %s", schema.Listed(missing, "and"))
	}
	return job, nil
}

// readPlans refuses two plans of one deployment: the second would replace the comment
// on the first.
func readPlans(files []string) ([]planner.Plan, error) {
	plans := make([]planner.Plan, 0, len(files))
	from := map[string]string{}
	for _, file := range files {
		b, err := readPlan(file)
		if err != nil {
			return nil, fmt.Errorf("plan file %s cannot be read: %w", file, without(err))
		}
		p, err := planner.Decode(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if other := from[p.Deployment]; other != "" {
			return nil, fmt.Errorf("%s and %s are plans of one deployment, %s; name one of them", other, file, p.Deployment)
		}
		from[p.Deployment] = file
		plans = append(plans, p)
	}
	return plans, nil
}

// forgeToken is the token of a kind of forge from its usual variables.
func forgeToken(k forge.Kind) (string, error) {
	names := forge.TokenNames(k)
	for _, name := range names {
		if token := os.Getenv(name); token != "" {
			return token, nil
		}
	}
	return "", errors.New("no token is set; set " + schema.Listed(names, "or"))
}
