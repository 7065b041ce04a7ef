package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"domctl.dev/internal/aws"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/kube"
	"domctl.dev/internal/mongo"
	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (a *app) doctorVerb() *cobra.Command {
	var form *format
	var policies bool
	cmd := &cobra.Command{
		Use:   "doctor [DIR]",
		Short: "Look whether everything is as domctl needs it",
		Long: `Looks, without writing anything, whether the right account and database answer,
whether Domino's collections and fields are where domctl looks for them, which
permissions are missing, and whether registries, secrets and the state store
answer. The exit code is 1 when a check fails.

--policies prints the least IAM policies, MongoDB and Kubernetes roles instead,
for plan and for apply, and asks nobody.`,
		Args:    cobra.MaximumNArgs(1),
		Example: "  domctl doctor prod\n  domctl doctor prod --format json\n  domctl doctor prod --policies",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.compile(cmd.Context(), a.dir(args))
			if err != nil {
				return err
			}
			if schema.Stops(d.compiled.Findings) {
				return a.refuse(d.compiled.Findings)
			}
			if policies {
				return a.policies(d)
			}
			a.doing("asking AWS, MongoDB, registries and the state store", patience)
			checks := d.examine(cmd.Context())
			if err := cmd.Context().Err(); err != nil {
				return err // what was cut off is no finding
			}
			return a.examined(checks, form.json())
		},
	}
	form = formatFlag(cmd, "json")
	cmd.Flags().BoolVar(&policies, "policies", false, "print the least IAM policies, MongoDB and Kubernetes roles")
	return cmd
}

// examine makes a failed check of each thing that a world cannot be opened without.
func (d *deployment) examine(ctx context.Context) []world.Check {
	w, err := d.wire(ctx)
	if err != nil {
		errs := []error{err}
		if all, ok := err.(interface{ Unwrap() []error }); ok {
			errs = all.Unwrap()
		}
		var checks []world.Check
		for _, err := range errs {
			checks = append(checks, world.Check{Name: "deployment", Detail: err.Error(), Do: "mend it and run again; nothing outside was looked at"})
		}
		return checks
	}
	return engine.Doctor{Compiled: d.compiled, Outside: w.outside, Store: w.store, Domino: w.domino, Reach: d.reach(w), Secret: w.secrets.Resolve, Writes: w.writes}.Probe(ctx)
}

func (a *app) examined(checks []world.Check, asJSON bool) error {
	if asJSON {
		if err := a.json(checks); err != nil {
			return err
		}
	} else {
		for _, c := range checks {
			mark := "✗"
			switch {
			case c.Open:
				mark = "?"
			case c.OK:
				mark = "✓"
			}
			fmt.Fprintf(a.stdout, "%s %s: %s\n", mark, planner.Printable(c.Name), a.here(planner.Printable(c.Detail)))
			if c.Do != "" {
				fmt.Fprintf(a.stdout, "    %s\n", a.here(planner.Printable(c.Do)))
			}
		}
	}
	for _, c := range checks {
		if !c.OK {
			return exitCode(1)
		}
	}
	return nil
}

// scope is what of AWS the deployment has to do with.
func (d *deployment) scope() aws.Scope {
	dep := d.compiled.Desired.Deployment
	s := aws.Scope{Identity: port.Identity{Account: dep.AWS.Account, Region: dep.AWS.Region}, Role: dep.AWS.Role, Cluster: dep.AWS.Cluster,
		SecretParameters: len(d.secrets("ssm")) > 0, ManagedSecrets: len(d.secrets("secretsManager")) > 0, Bakes: schema.Bakes(d.compiled.Desired), Rolls: schema.Rolls(d.compiled.Desired),
		Ends: schema.RollsExecutors(d.compiled.Desired), Alarms: schema.WatchesAlarms(d.compiled.Desired), Moves: schema.Moves(d.compiled.Desired), Encrypts: schema.Encrypts(d.compiled.Desired),
		ECR: slices.ContainsFunc(d.registries(nil).Hosts, func(host string) bool { return aws.ECRRegion(host) != "" })}
	if b := dep.State.S3; b != nil {
		s.Bucket, s.Prefix, s.KMSKey = b.Bucket, b.Prefix, b.KMSKey
	}
	return s
}

// policies prints what plan needs, then what apply needs beside it.
func (a *app) policies(d *deployment) error {
	dep := d.compiled.Desired.Deployment
	scope := d.scope()
	for _, mode := range []aws.Mode{aws.Plan, aws.Apply} {
		fmt.Fprintf(a.stdout, "# IAM policy for %s\n%s\n\n", mode, aws.Policy(mode, scope))
	}
	for _, r := range []struct {
		mode aws.Mode
		name string
	}{{aws.Plan, "domctlPlan"}, {aws.Apply, "domctlApply"}} {
		role := mongo.Role(r.name, cmp.Or(dep.Mongo.Database, "domino"), world.Uses(dep, r.mode == aws.Apply))
		fmt.Fprintf(a.stdout, "# MongoDB role for %s: db.getSiblingDB(\"admin\").runCommand(…)\n%s\n\n", r.mode, role)
	}
	if refs := d.secrets("kubernetes"); len(refs) > 0 {
		fmt.Fprintf(a.stdout, "# Kubernetes roles for plan and apply: kubectl apply -f …\n%s\n\n", kube.Roles(refs))
	}
	if f := dep.Mongo.Via.PortForward; f != nil {
		fmt.Fprintf(a.stdout, "# Kubernetes role for the way to MongoDB, for plan and apply: kubectl apply -f …\n%s\n\n", kube.ForwardRole(f.Namespace))
	}
	if dep.Kubernetes.ReadsNodes() {
		karpenter := schema.OnKarpenter(d.compiled.Desired)
		fmt.Fprintf(a.stdout, "# Kubernetes role for the nodes, for plan: kubectl apply -f …\n%s\n\n", kube.NodesRole(false, karpenter))
		if schema.Rolls(d.compiled.Desired) || karpenter {
			fmt.Fprintf(a.stdout, "# Kubernetes role for the nodes, for apply: kubectl apply -f …\n%s\n\n", kube.NodesRole(true, karpenter))
		}
	}
	return nil
}

// secrets are the references of one scheme, without it.
func (d *deployment) secrets(scheme string) (found []string) {
	add := func(ref string) {
		if name, ok := strings.CutPrefix(ref, scheme+":"); ok {
			found = append(found, name)
		}
	}
	add(d.compiled.Desired.Deployment.Mongo.URI)
	add(d.compiled.Desired.Deployment.Mongo.Via.KeyRef())
	add(d.compiled.Desired.Deployment.Domino.Ref())
	for _, o := range d.compiled.Desired.Objects {
		for _, v := range o.Fields {
			if v.Is == schema.Secret {
				add(v.Text)
			}
		}
	}
	return found
}
