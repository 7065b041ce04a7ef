package aws

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

// TestPolicies holds the policies to the permission table, which
// TestEveryCallHasItsPermission holds to the calls that are made.
func TestPolicies(t *testing.T) {
	full := Scope{Identity: port.Identity{Account: "111122223333", Region: "us-west-2"}, Role: "arn:aws:iam::111122223333:role/d", Cluster: "acme", Bucket: "b", Prefix: "p", KMSKey: "alias/d", SecretParameters: true, ManagedSecrets: true, Bakes: true, Rolls: true, Alarms: true, Ends: true, Moves: true, Encrypts: true, ECR: true}
	for mode, s := range map[Mode]Scope{Plan: full, Apply: full} {
		var policy struct{ Statement []statement }
		if err := json.Unmarshal(Policy(mode, s), &policy); err != nil {
			t.Fatal(err)
		}
		var granted []string
		for _, st := range policy.Statement {
			granted = append(granted, st.Action...)
			for _, r := range st.Resource {
				if strings.HasSuffix(r, "/") || strings.Contains(r, "::/") || r == "" {
					t.Errorf("%v on %q", st.Action, r)
				}
			}
		}
		var needed []string
		for _, p := range Permissions(mode) {
			needed = append(needed, p.Actions...)
		}
		slices.Sort(needed)
		slices.Sort(granted)
		if needed, granted = slices.Compact(needed), slices.Compact(granted); !slices.Equal(needed, granted) {
			t.Errorf("%s: needed %v\ngranted %v", mode, needed, granted)
		}
	}
	if text := string(Policy(Apply, Scope{Cluster: "acme"})); strings.Contains(text, "Refresh") || strings.Contains(text, "TerminateInstanceIn") || strings.Contains(text, "eks:UpdateNodegroupVersion") || strings.Contains(text, "eks:DescribeUpdate") {
		t.Errorf("rolls though no pool states it:\n%s", text)
	}
	if text := string(Policy(Apply, Scope{})); strings.Contains(text, "TerminateInstances") {
		t.Errorf("ends executors though no tier states it:\n%s", text)
	}
	if text := string(Policy(Apply, Scope{Ends: true})); !strings.Contains(text, "ec2:TerminateInstances") {
		t.Errorf("ends no executor:\n%s", text)
	}
	if text := string(Policy(Apply, Scope{})); strings.Contains(text, "s3:") || strings.Contains(text, "eks:") || strings.Contains(text, "kms:GenerateDataKey") || strings.Contains(text, "secretsmanager:") {
		t.Errorf("more than the deployment has:\n%s", text)
	}
}
