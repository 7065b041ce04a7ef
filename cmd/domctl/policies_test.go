package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/examples"
	"domctl.dev/internal/aws"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

// TestPoliciesLetWhatIsCalled: the policy that doctor prints for plan lets each call of AWS
// that a plan and the verbs that only read make of a deployment.
func TestPoliciesLetWhatIsCalled(t *testing.T) {
	for _, name := range examples.Names() {
		if name == "shared" { // two deployments, of the calls that the others make
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir, ctx := filepath.Join(t.TempDir(), "prod"), t.Context()
			a := newApp(strings.NewReader(""), io.Discard, io.Discard)
			if code := a.main([]string{"init", dir, "--example", name}); code != 0 {
				t.Fatal(code)
			}
			d, err := a.compile(ctx, dir)
			if err != nil {
				t.Fatal(err)
			}
			w, err := d.wire(ctx)
			if err != nil {
				t.Fatal(err)
			}
			e, err := engine.Open(ctx, engine.Config{Compiled: d.compiled, Outside: w.outside, Domino: w.domino, Nodes: w.nodes, Executions: w.domino, Store: w.store, Secret: w.secrets.Resolve,
				Clock: w.clock, Random: rand.Text, Holder: "h", Parallelism: 1})
			if err != nil {
				t.Fatal(err)
			}
			for verb, read := range map[string]func(context.Context) error{
				"plan":     func(ctx context.Context) error { _, err := e.Plan(ctx, engine.PlanOptions{}); return err },
				"nodes":    func(ctx context.Context) error { _, err := e.CensusOfNodes(ctx); return err },
				"runs":     func(ctx context.Context) error { _, err := e.CensusOfRuns(ctx); return err },
				"queue":    func(ctx context.Context) error { _, err := e.Queue(ctx); return err },
				"capacity": func(ctx context.Context) error { _, err := e.Capacity(ctx, time.Hour); return err },
			} {
				if err := read(ctx); err != nil {
					t.Errorf("%s: %v", verb, err)
				}
			}
			lets, calls := allowedBy(t, aws.Policy(aws.Plan, d.scope())), w.outside.(*sandbox.World).Counts().Calls
			for _, call := range schema.Sorted(calls) {
				if asked := operation(call); asked != "" && !slices.Contains(lets, asked) {
					t.Errorf("%s is made of AWS by %s, and is not in the policy", asked, call)
				}
			}
			if name != "empty" && calls["GetCallerIdentity"] == 0 {
				t.Errorf("calls are not counted: %v", calls)
			}
		})
	}
}

// allowedBy are the operations that a policy lets, without their services.
func allowedBy(t *testing.T, policy []byte) (operations []string) {
	t.Helper()
	var p struct{ Statement []struct{ Action []string } }
	if err := json.Unmarshal(policy, &p); err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Statement {
		for _, action := range s.Action {
			_, of, _ := strings.Cut(action, ":")
			operations = append(operations, of)
		}
	}
	return operations
}

// operation is what AWS calls a call of the ports to it; "" for calls of others.
func operation(call string) string {
	for _, of := range []reflect.Type{reflect.TypeFor[port.STS](), reflect.TypeFor[port.EC2](), reflect.TypeFor[port.AutoScaling](), reflect.TypeFor[port.EKS](), reflect.TypeFor[port.SSM](), reflect.TypeFor[port.CloudWatch]()} {
		if _, is := of.MethodByName(call); is {
			renamed := map[string]string{"DescribeDefaultVersions": "DescribeLaunchTemplateVersions", "DescribeTemplatesNamed": "DescribeLaunchTemplates",
				"DescribeAutoScalingInstances": "DescribeAutoScalingGroups", "FailedActivities": "DescribeScalingActivities"}
			if as, is := renamed[call]; is {
				return as
			}
			return call
		}
	}
	return ""
}
