//go:build wire

package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/wiretest"
)

// policies are what doctor --policies prints, by its headings.
type policies map[string]struct {
	Statement  []struct{ Action []string }
	Privileges []struct {
		Actions  []string
		Resource struct{ DB, Collection string }
	}
}

func printed(t *testing.T, f *faulty) policies {
	t.Helper()
	all := policies{}
	for section := range strings.SplitSeq("\n"+domctl(t, 0, "doctor", "--policies", f.dir), "\n# ") {
		heading, text, _ := strings.Cut(section, "\n")
		if strings.TrimSpace(text) == "" {
			continue
		}
		p := all[heading]
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatalf("%s: %v\n%s", heading, err, text)
		}
		heading, _, _ = strings.Cut(heading, ":")
		all[heading] = p
	}
	return all
}

// needs are the IAM actions of a call that are not named as it is.
func needs(c wiretest.Call) string {
	if c.Action == "ListObjectsV2" {
		return "s3:ListBucket"
	}
	return c.Service + ":" + c.Action
}

// missing are what the servers were asked for and the policies of a mode do not
// allow.
func (p policies) missing(mode string, calls []wiretest.Call, commands []string) (missing []string) {
	for _, c := range calls {
		allowed := false
		for _, s := range p["IAM policy for "+mode].Statement {
			allowed = allowed || slices.Contains(s.Action, needs(c))
		}
		if !allowed {
			missing = append(missing, needs(c))
		}
	}
	for _, c := range commands {
		command, collection, _ := strings.Cut(c, " ")
		action := map[string]string{"find": "find", "aggregate": "find", "insert": "insert", "update": "update", "delete": "remove", "listCollections": "listCollections"}[command]
		if slices.Contains([]string{"buildInfo", "getMore", "ping", "endSessions", "killCursors"}, command) {
			continue // everybody may
		}
		allowed := false
		for _, r := range p["MongoDB role for "+mode].Privileges {
			allowed = allowed || action != "" && slices.Contains(r.Actions, action) && (r.Resource.Collection == collection || action == "listCollections")
		}
		if !allowed {
			missing = append(missing, c)
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// TestLivePolicies compares what doctor --policies prints with what the servers
// were asked for: by reads, then by everything that an apply is.
func TestLivePolicies(t *testing.T) {
	f, set := newSet(t)
	p := printed(t, f)
	f.Account.Fail(wiretest.Fault{Service: "s3", Action: "PutObject", Error: "AccessDenied", Times: -1})
	if out := domctl(t, 0, "plan", f.dir); !strings.Contains(out, "DC513") || !strings.Contains(out, "AccessDenied") {
		t.Errorf("a plan by who may not write the store: %s", out)
	}
	f.Account.Reset()
	domctl(t, 2, "plan", f.dir, "--detailed-exitcode")
	f.Account.Reset()
	began := len(set.Asked())
	domctl(t, 2, "plan", f.dir, "--detailed-exitcode")
	domctl(t, 0, "update", f.dir)
	domctl(t, 0, "import", f.dir, "--kind", "hardwareTiers")
	calls, commands := f.Account.Calls(), set.Asked()[began:]
	if missing := p.missing("plan", calls, commands); len(missing) > 0 {
		t.Errorf("a plan asks for more than its policies allow: %v", missing)
	}
	domctl(t, 0, "apply", f.dir, "--auto-approve")
	domctl(t, 0, "rollback", f.dir, "--auto-approve")
	domctl(t, 0, "history", f.dir)
	calls, commands = f.Account.Calls(), set.Asked()[began:]
	if missing := p.missing("apply", calls, commands); len(missing) > 0 {
		t.Errorf("an apply asks for more than its policies allow: %v", missing)
	}
	if reads := p.missing("plan", calls, commands); !slices.Contains(reads, "ec2:CreateLaunchTemplateVersion") || !slices.Contains(reads, "update hardware_tier") {
		t.Errorf("the policies for a plan allow writes, or the test sees none: %v", reads)
	}
}
