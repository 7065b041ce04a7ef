//go:build wire

package main

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"domctl.dev/internal/wiretest"
)

// reconfigure replaces text in the controller's configuration.
func (w *served) reconfigure(old, text string) {
	w.t.Helper()
	w.editFile(w.config, old, text)
}

// signed are the calls that were signed for a role; "": by the environment's own key.
func signed(calls []wiretest.Call, role string) (by []wiretest.Call) {
	for _, c := range calls {
		if c.Role == role {
			by = append(by, c)
		}
	}
	return by
}

// TestLiveServeRoles: what is planned is asked as who may read alone, and with no more
// than doctor prints for a plan; what is written is written as who applies.
func TestLiveServeRoles(t *testing.T) {
	w := newServed(t)
	reader := wiretest.NewMongoSet(t)
	t.Setenv("DOMCTL_MONGO_PLAN_URI", reader.URI)
	arn := "arn:aws:iam::" + w.Account.ID + ":role/domctl"
	w.reconfigure("cluster: acme}", `cluster: acme, role: "`+arn+`", planRole: "`+arn+`-plan"}`)
	w.reconfigure(`uri: "env:DOMCTL_MONGO_URI"`, `uri: "env:DOMCTL_MONGO_URI", planURI: "env:DOMCTL_MONGO_PLAN_URI"`)
	p := printed(t, w.faulty)
	c := w.serve(w.config)
	c.shows(w.git("rev-parse", "HEAD"), "success", "applied")

	calls := w.Account.Calls()
	if missing := p.missing("plan", signed(calls, arn+"-plan"), reader.Asked()); len(missing) > 0 {
		t.Errorf("a plan asks for more than its policies allow: %v", missing)
	}
	if missing := p.missing("apply", signed(calls, arn), w.set.Asked()); len(missing) > 0 {
		t.Errorf("an apply asks for more than its policies allow: %v", missing)
	}
	if reads := actions(signed(calls, arn+"-plan")); !slices.Contains(reads, "ec2 DescribeLaunchTemplateVersions") || !slices.Contains(reads, "autoscaling DescribeAutoScalingGroups") {
		t.Errorf("the role for plans made %v", reads)
	}
	if own := actions(signed(calls, "")); !slices.Equal(own, []string{"sts AssumeRole"}) {
		t.Errorf("the controller's own key made %v", own)
	}
	if len(reader.Took()) > 0 || len(w.set.Took()) == 0 {
		t.Errorf("by the URI for plans: %v, by the one for applies: %v", reader.Took(), w.set.Took())
	}

	// A commit that changes nothing is looked at as who plans, and nobody else.
	w.Account.Reset()
	asked := len(w.set.Asked())
	w.edit("package domino", "package domino // x")
	c.shows(c.push(), "success", "nothing to do")
	for _, call := range actions(signed(w.Account.Calls(), arn)) {
		if !strings.HasPrefix(call, "s3 ") && !strings.HasPrefix(call, "kms ") {
			t.Errorf("the role for applies, of which nothing was to do: %s", call)
		}
	}
	if len(w.set.Asked()) != asked {
		t.Errorf("by the URI for applies: %v", w.set.Asked()[asked:])
	}
	c.end(syscall.SIGTERM)
}

// actions are what was called, each once.
func actions(calls []wiretest.Call) (all []string) {
	for _, c := range calls {
		all = append(all, c.Service+" "+c.Action)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
