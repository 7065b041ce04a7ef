package web

import (
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/internal/state"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// evil is a name full of marks that mean something to a browser, a terminal or an eye.
const evil = "a\u202eb\x1b[31m<script>alert(1)</script>\"'`{{.}}&lt;](javascript:alert(1))"

// furnished is a rig of which every page has something to show.
func furnished(t *testing.T) (r *rig, pages map[string]string) {
	t.Helper()
	r = newRig(t)
	planned := r.plan()
	res := r.apply()
	r.head(gitops.Head{Commit: commit, Stage: gitops.Done, Plan: res.ID, Effect: "ff3b85cca6aa6c463f56f184eb353e8d", Why: "applied"})
	r.put("gitops/drift", map[string]any{"nonce": "n", "at": time.Now().Add(-time.Hour), "commit": commit,
		"changes":  []map[string]any{{"address": "hardwareTiers.gpu-small", "action": "update", "reason": "changed outside since the last apply", "fields": []string{"cores", "memory"}}},
		"findings": []map[string]any{{"code": "DC203", "address": "hardwareTiers.gpu-small", "message": "cores is 96, a g5.2xlarge has 7.9 allocatable"}},
		"amis":     []map[string]any{{"ami": "amis.gpu", "image": "ami-0123456789abcdef0", "days": 96, "due": true, "holds": []string{"quay.io/domino/base:DED_py3.9_R4.2", "quay.io/acme/spark@sha256:4da57f857fa0e1b2c3d4e5f60718293a4b5c6d7e4da57f857fa0e1b2c3d4e5f6"}}, {"ami": "amis.nodes", "days": -1}}})
	for n, p := range map[string]gitops.PullPlan{"12": {Head: commit, Plan: "20260301-110000-k3v9w2m4q7x1", Effect: "ff3b85cca6aa6c463f56f184eb353e8d", At: time.Now()}, "13": {Head: commit, Why: "DC201: cores is 96", Refused: true}} {
		r.put("gitops/pulls/"+n, p)
	}
	if err := gitops.KeepPlan(t.Context(), r.machine.Store, gitops.PullPlanOf(12), long(planned)); err != nil {
		t.Fatal(err)
	}
	r.put("freeze", applier.Freeze{Until: time.Now().Add(48 * time.Hour), Why: "the quarter closes", Who: "grace", Nonce: "n"})
	failed := story(applier.Record{Kind: applier.KindBegin, Step: "a"}, applier.Record{Kind: applier.KindDone, Step: "a"}, applier.Record{Kind: applier.KindBegin, Step: "b", Mark: "copy"},
		applier.Record{Kind: applier.KindFailed, Failed: []string{"b"}, Why: "b: the bake failed: nvidia-smi is not there; see .domctl/logs/b.log"})
	r.put("applies/"+failed.ID+"/000000", map[string]any{"nonce": "n", "records": failed.Records})
	r.put("open/"+failed.ID, map[string]any{})
	one := "/deployments/sim-modern"
	return r, map[string]string{"overview": "/", "deployment": one, "history": one + "/history", "apply": one + "/applies/" + res.ID, "plan": one + "/applies/" + res.ID + "/plan", "missing": "/nowhere", "pull": one + "/pulls/12", "failed": one + "/applies/" + failed.ID,
		"new": "/deployments/staging"}
}

// hostile is a deployment whose every word comes from somebody who means harm.
func hostile(t *testing.T) Deployment {
	t.Helper()
	store := state.Memory()
	put(t, store, "gitops/head", gitops.Head{Commit: evil, Stage: gitops.Refused, Why: evil, Nonce: "n"})
	put(t, store, "freeze", applier.Freeze{Until: time.Now().Add(time.Hour), Why: evil, Who: evil, Nonce: "n"})
	put(t, store, "gitops/wish", gitops.Wish{Verb: gitops.Verb(evil), User: evil, Target: evil, Plan: evil, Said: evil, Nonce: "n"})
	return Deployment{Name: evil, Records: stored(store), Branch: evil, Dir: evil, Forge: Forge{Kind: "gitea", URL: "javascript:alert(1)", Repository: evil}}
}

// long gives a plan what pages are long of: text in lines, findings of each severity, a
// base to compare with.
func long(p planner.Plan) planner.Plan {
	script := "set -eu\napt-get update\napt-get install -y nvidia-driver-570\n\tnvidia-smi\n"
	p.Changes = append(p.Changes, planner.Change{Address: schema.Address{Kind: "environments", Name: "spark"}, Action: planner.ActionUpdate, Reason: "files changed", Impact: &planner.Impact{Projects: 12, Users: 40, Runs: 3},
		Positions: []schema.Position{{File: "compute.cue", Line: 12, Col: 3}, {File: "../shared.cue", Line: 4, Col: 2}, {File: "../../outside.cue", Line: 1, Col: 1}},
		Fields:    []planner.Diff{{Path: "dockerfile", Before: schema.JSON(script), After: schema.JSON(script + "echo done\n")}}})
	for _, f := range []schema.Finding{{Code: "DC201", Severity: schema.Error, Message: "cores is 96, a g5.2xlarge in node pool \"gpu\" has 7.9 allocatable", Hint: "lower cores, or move the tier to a larger pool"}, {Code: "DC230", Severity: schema.Warning, Message: "it is old"}} {
		f.Address, f.Positions = schema.Address{Kind: "hardwareTiers", Name: "gpu"}, []schema.Position{{File: "compute.cue", Line: 14, Col: 3}}
		p.Findings = append(p.Findings, f)
	}
	p.Kept = []planner.Kept{{Address: schema.Address{Kind: "nodePools", Name: "old"}, Image: "ami-0123456789abcdef0", By: schema.Address{Kind: "amis", Name: "gpu-1604"}, Reason: "CUDA 9 on Ubuntu 16.04", ReviewBy: "2027-03-31"}}
	former := p
	former.Changes = p.Changes[:2]
	return p.Against(&former, planner.Base{Ref: "origin/main", Commit: commit})
}

// hostilePlan is one whose every word does.
func hostilePlan() planner.Plan {
	at := []schema.Position{{File: "../../" + evil, Line: 1, Col: 1}, {File: evil, Line: 2, Col: 2}}
	a := schema.Address{Kind: "hardwareTiers", Name: evil}
	return planner.Plan{ID: "20260301-101500-k3v9w2m4q7x1", Deployment: evil, Effect: "0123", Source: planner.Source{Commit: commit}, Changes: []planner.Change{{Address: a, Action: planner.ActionUpdate, Reason: evil, Blocked: evil, Positions: at,
		Fields: []planner.Diff{{Path: evil, Before: schema.JSON(evil), After: schema.JSON(evil + "\n" + evil)}, {Path: "x", Before: schema.JSON(evil), After: schema.JSON(evil + evil)}}}},
		Findings: []schema.Finding{{Code: "DC1", Severity: schema.Error, Address: a, Message: evil, Hint: evil, Positions: at}}}
}

// slowly lets an apply's outside writes happen one at a time, as it is told.
func slowly(step <-chan struct{}) sim.Gate {
	return func(call string, phase sandbox.Phase) error {
		if phase == sandbox.Before && strings.HasPrefix(call, "putIfNone applies/") {
			<-step
		}
		return nil
	}
}
