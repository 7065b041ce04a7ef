package metrics_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/metrics"
	"domctl.dev/internal/port"
)

// busy are metrics of a controller that did everything once.
func busy() *metrics.Metrics {
	m := metrics.New(nil)
	m.Knows([]string{"prod", "test"})
	for _, k := range []gitops.WorkKind{gitops.PullsWork, gitops.ReviewWork, gitops.TalkWork, gitops.CommandWork} {
		_, end := m.Begin(context.Background(), gitops.Work{Kind: k, Repository: "domino", Name: "apply"})
		end("ok")
		_, end = m.Begin(context.Background(), gitops.Work{Kind: k, Repository: "domino", Name: "apply"})
		end("error")
	}
	m.Begin(context.Background(), gitops.Work{Kind: gitops.ActWork, Deployment: "prod"})
	for _, k := range []gitops.WorkKind{gitops.PullPlanWork, gitops.PullQueueWork, gitops.TurnWork, gitops.QueueWork, gitops.PlanWork, gitops.ApplyWork, gitops.LookWork, gitops.NoticeWork, gitops.HookWork} {
		ctx, end := m.Begin(context.Background(), gitops.Work{Kind: k, Deployment: "prod", Name: "acme"})
		left := int64(17)
		port.Heard(ctx, port.Call{System: "ec2", Took: time.Second})
		port.Heard(ctx, port.Call{System: "forge", Failed: true, Left: &left, Host: "git.acme.example"})
		port.Heard(ctx, port.Call{System: metrics.StepSystem, Operation: "done"})
		end("error")
	}
	m.Stands("prod", gitops.Turned{Head: gitops.Head{Commit: "c", Stage: gitops.Refused}}, time.Unix(5000, 0), nil)
	m.Drifted("prod", gitops.Drift{At: time.Unix(4000, 0), Changes: make([]gitops.Drifted, 3), More: 2})
	return m
}

// TestNames are as Prometheus' conventions have them.
func TestNames(t *testing.T) {
	problems, err := testutil.GatherAndLint(busy().Registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestCounts(t *testing.T) {
	w := httptest.NewRecorder()
	busy().Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	lines := strings.Split(w.Body.String(), "\n")
	for _, want := range []string{
		`domctl_turns_total{deployment="prod",outcome="error"} 1`,
		`domctl_applies_total{deployment="prod",outcome="error"} 1`,
		`domctl_apply_duration_seconds_count 1`,
		`domctl_plan_queue_seconds_count 1`,
		`domctl_outside_calls_total{result="ok",system="ec2"} 2`, // in a turn and in a look
		`domctl_outside_calls_total{result="error",system="forge"} 2`,
		`domctl_forge_rate_limit_remaining{forge="git.acme.example"} 17`,
		`domctl_steps_total{outcome="done"} 2`,
		`domctl_notifications_total{channel="acme",result="error"} 1`,
		`domctl_webhooks_total{result="error"} 1`,
		`domctl_drift_objects{deployment="prod"} 5`,
		`domctl_last_look_timestamp_seconds{deployment="prod"} 4000`,
		`domctl_last_turn_timestamp_seconds{deployment="prod"} 5000`,
		`domctl_unapplied_since_timestamp_seconds{deployment="prod"} 5000`,
		`domctl_frozen{deployment="prod"} 0`,
		`domctl_acting{deployment="prod"} 1`,
		`domctl_acting{deployment="test"} 0`,
		`domctl_pull_looks_total{outcome="ok",repository="domino"} 1`,
		`domctl_pull_reviews_total{outcome="ok",repository="domino"} 1`,
		`domctl_pull_conversations_total{outcome="ok",repository="domino"} 1`,
		`domctl_pull_plans_total{deployment="prod",outcome="error"} 1`,
		`domctl_pull_plan_queue_seconds_count 1`,
		`domctl_commands_total{outcome="ok",repository="domino",verb="apply"} 1`,
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("there is no %s", want)
		}
	}
}

// TestUnapplied is since the first commit that was not applied, whatever came on top.
func TestUnapplied(t *testing.T) {
	m := metrics.New(nil)
	for i, c := range []struct {
		head gitops.Head
		want float64
	}{
		{gitops.Head{}, -1},
		{gitops.Head{Commit: "a", Stage: gitops.Done}, 0},
		{gitops.Head{Commit: "b", Stage: gitops.Applying}, 2},
		{gitops.Head{Commit: "b", Stage: gitops.Refused}, 2},
		{gitops.Head{Commit: "c", Stage: gitops.Refused}, 2},
		{gitops.Head{Commit: "c", Stage: gitops.Done, Left: 1}, 2},
		{gitops.Head{Commit: "d", Stage: gitops.Done}, 0},
		{gitops.Head{Commit: "e", Stage: gitops.Refused}, 7},
	} {
		m.Stands("prod", gitops.Turned{Head: c.head}, time.Unix(int64(i), 0), nil)
		n, err := testutil.GatherAndCount(m.Registry, "domctl_unapplied_since_timestamp_seconds")
		if err != nil || c.want < 0 && n != 0 {
			t.Errorf("%d: %d, %v", i, n, err)
		}
		if c.want < 0 {
			continue
		}
		want := fmt.Sprintf("# HELP domctl_unapplied_since_timestamp_seconds Since when the branch stands on a commit that is not applied; 0 if it is.\n# TYPE domctl_unapplied_since_timestamp_seconds gauge\ndomctl_unapplied_since_timestamp_seconds{deployment=\"prod\"} %v\n", c.want)
		if err := testutil.GatherAndCompare(m.Registry, strings.NewReader(want), "domctl_unapplied_since_timestamp_seconds"); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// TestLabelsAreNames of the configuration and words of ours: nothing that files or
// databases say stands beside a number.
func TestLabelsAreNames(t *testing.T) {
	families, err := busy().Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	ours := []string{"deployment", "outcome", "system", "result", "forge", "repository", "verb", "channel", "version", "revision", "goversion"}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if strings.HasPrefix(f.GetName(), "domctl_") && !slices.Contains(ours, l.GetName()) {
					t.Errorf("%s has label %s=%q", f.GetName(), l.GetName(), l.GetValue())
				}
			}
		}
	}
	if len(families) < 15 {
		t.Errorf("only %d metrics are told", len(families))
	}
}

// TestLeaves: a replica that no longer acts for a deployment says nothing more of how it
// stands, which would be told as if it were so for ever.
func TestLeaves(t *testing.T) {
	m := busy()
	_, over := m.Begin(context.Background(), gitops.Work{Kind: gitops.ActWork, Deployment: "prod"})
	over("over")
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		name, _, _ := strings.Cut(line, "{")
		switch {
		case name == "domctl_acting" && !strings.HasSuffix(line, " 0\n"):
			t.Error(line)
		case slices.Contains([]string{"domctl_drift_objects", "domctl_frozen", "domctl_last_look_timestamp_seconds", "domctl_last_turn_timestamp_seconds", "domctl_unapplied_since_timestamp_seconds"}, name):
			t.Errorf("it says still %s", line)
		}
	}
}
