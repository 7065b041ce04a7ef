package planner_test

import (
	"strings"
	"testing"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

func TestNotice(t *testing.T) {
	pool := schema.Address{Kind: "nodePools", Name: "gpu"}
	env := schema.Address{Kind: "environments", Name: "a`b"}
	window := schema.Window{Days: []string{"sat"}, From: "22:00", To: "04:00", Timezone: "UTC"}
	p := planner.Plan{Deployment: "prod\n# x", Changes: []planner.Change{
		{Address: pool, Action: planner.ActionUpdate, Fields: []planner.Diff{{Path: "groups.a.size.max", Before: schema.JSON(4), After: schema.JSON(2)}}},
		{Address: env, Action: planner.ActionArchive, Impact: &planner.Impact{Users: 2}},
		{Address: env, Action: planner.ActionUpdate, Blocked: "why"},
		{Address: schema.Address{Kind: "settings", Name: "x"}, Action: planner.ActionAdopt},
	}, Steps: []planner.Step{{Address: env}, {Address: pool, Gates: []planner.Gate{{Kind: planner.WindowGate, Window: window}, {Kind: planner.ApprovalGate, Approvals: 2}}}}}
	n := p.Notice([]planner.Person{{Login: "eve\x1b[31m\u202e", Uses: []schema.Address{env}}}, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	if n.Subject != "prod\n# x: 1 environment and 1 node pool change" || len(n.Changes) != 2 {
		t.Errorf("%+v", n)
	}
	var plain, marked strings.Builder
	if err := n.Text(&plain); err != nil {
		t.Fatal(err)
	}
	if err := n.Markdown(&marked); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Subject: prod\\u000a# x: 1 environment",
		"- nodePools.gpu changes: groups.a.size.max 4 → 2\n",
		"is archived, and can no longer be chosen; used by 0 projects, 2 users, 0 live runs\n",
		"- As soon as it is applied, but for what follows.\n",
		"- nodePools.gpu: in a window (sat 22:00 to 04:00, UTC), which opens next on Sat 2026-03-07 22:00 UTC\n",
		"- nodePools.gpu: after 2 approvals\n",
		"A node pool becomes smaller: what runs on nodes beyond its new size ends.",
		"Choose another environment in place of one that is archived",
	} {
		if !strings.Contains(plain.String(), want) {
			t.Errorf("there is no %q in\n%s", want, plain.String())
		}
	}
	for _, text := range []string{plain.String(), marked.String()} {
		if strings.ContainsAny(text, "\x1b\u202e") || strings.Contains(text, "\n# x") {
			t.Errorf("%q", text)
		}
	}
	if strings.Count(marked.String(), "`")%2 != 0 {
		t.Errorf("a code span is open:\n%s", marked.String())
	}
	if nothing := (planner.Plan{Deployment: "prod"}).Notice(nil, time.Time{}); nothing.Subject != "prod: nothing changes" || nothing.To == nil {
		t.Errorf("%+v", nothing)
	}
}

// TestNoticeOfARoll: who runs there is told when a node goes, and what a forced roll ends.
func TestNoticeOfARoll(t *testing.T) {
	a := schema.Address{Kind: "nodePools", Name: "gpu"}
	for force, want := range map[bool]string{false: "each when the last run on it has ended", true: "what runs on one 4h after it is closed for new runs ends"} {
		p := planner.Plan{Changes: []planner.Change{{Address: a, Action: planner.ActionUpdate, Fields: []planner.Diff{{Path: "groups.a.ami"}}}},
			Steps: []planner.Step{{Address: a, Args: map[string]schema.Value{"roll": schema.JSON(schema.Roll{Strategy: schema.Surge, DrainTimeout: "4h", Force: force})}}}}
		if got := strings.Join(p.Notice(nil, time.Time{}).Do, " "); !strings.Contains(got, want) {
			t.Errorf("%q", got)
		}
	}
}
