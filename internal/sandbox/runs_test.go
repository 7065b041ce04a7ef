package sandbox

import (
	"os"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

// runsRig is the example "rolling" with a clock that the test moves.
func runsRig(t *testing.T) (w *World, now *time.Time) {
	t.Helper()
	content, err := os.ReadFile("../../examples/rolling/sandbox.json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMemory("sandbox.json", content)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	return view(t, m, Options{Clock: func() time.Time { return at }}), &at
}

func (w *World) begins(t *testing.T, r Run, lasts time.Duration) Run {
	t.Helper()
	begun, err := w.StartRun(t.Context(), r, lasts)
	if err != nil {
		t.Fatal(err)
	}
	return begun
}

// TestRunsEndByThemselves: a run is a pod and an execution until its time, each of a
// cluster's nodes one, and goes where there is most room.
func TestRunsEndByThemselves(t *testing.T) {
	w, now := runsRig(t)
	one := Run{Pool: "default", User: "ada", MilliCPU: 1000, Memory: 4 << 30}
	short := w.begins(t, one, 40*time.Minute)
	spark := one
	spark.Cluster, spark.Workers = "spark", 2
	long := w.begins(t, spark, 2*time.Hour)
	if first := short.Nodes[0]; first != "ip-10-1-0-6.us-west-2.compute.internal" || len(long.Nodes) != 3 || long.Nodes[0] == first || long.Nodes[0] == long.Nodes[1] {
		t.Errorf("runs are on %v and %v", short.Nodes, long.Nodes)
	}
	live := func() (executions, pods int) {
		all, err := w.ListExecutions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if e.Owner == "ada" {
				executions++
			}
		}
		on, err := w.ListPods(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range on {
			if id := p.Labels[port.ExecutionLabel]; (id == short.ID || id == long.ID) && p.Phase == "Running" {
				pods++
			}
		}
		return executions, pods
	}
	for _, step := range []struct {
		after            time.Duration
		executions, pods int
	}{{0, 2, 4}, {40 * time.Minute, 1, 3}, {80 * time.Minute, 0, 0}} {
		*now = now.Add(step.after)
		if executions, pods := live(); executions != step.executions || pods != step.pods {
			t.Errorf("%s later there are %d executions and %d pods", step.after, executions, pods)
		}
	}
	all, err := w.Runs()
	if err != nil || len(all) != 2 || !all[0].Killed.IsZero() || !all[1].Killed.IsZero() {
		t.Errorf("%+v (%v)", all, err)
	}
}

// TestARunDiesWithItsMachine, and is told from one that had ended by then.
func TestARunDiesWithItsMachine(t *testing.T) {
	w, now := runsRig(t)
	short := w.begins(t, Run{Pool: "default-gpu"}, 10*time.Minute)
	long := w.begins(t, Run{On: short.Nodes[0]}, time.Hour)
	nodes, err := w.ListNodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	instance := ""
	for _, n := range nodes {
		if n.Name == short.Nodes[0] {
			instance = n.Instance
		}
	}
	*now = now.Add(20 * time.Minute)
	if err := w.TerminateInstanceInGroup(t.Context(), instance, false); err != nil {
		t.Fatal(err)
	}
	all, err := w.Runs()
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v (%v)", all, err)
	}
	for _, r := range all {
		if got := r.Killed.Equal(*now); got != (r.ID == long.ID) {
			t.Errorf("%s until %s was killed: %s", r.ID, r.Ends, r.Killed)
		}
	}
	live, err := w.ListExecutions(t.Context())
	if err != nil || len(live) != 1 { // the workspace that the file has
		t.Errorf("%+v (%v)", live, err)
	}
}

// TestARunOnANodeOfKarpenters lives until its time, and dies with a node that Karpenter ends
// before that.
func TestARunOnANodeOfKarpenters(t *testing.T) {
	m, err := NewMemory("sandbox.json", []byte(`{"aws": {"account": "111122223333", "region": "us-west-2"}, "database": {"name": "domino", "replicaSet": "rs0"},
		"kubernetes": {"karpenter": {"takes": "1m", "nodeClaims": {"a": {"image": "ami-1", "node": "n", "pool": "p"}},
			"nodeClasses": {"p": {"amiSelectorTerms": [{"id": "ami-1"}]}}, "nodePools": {"p": {"class": "p"}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	w := view(t, m, Options{Clock: func() time.Time { return now }})
	short, long := w.begins(t, Run{On: "n"}, 10*time.Minute), w.begins(t, Run{On: "n"}, time.Hour)
	if live, err := w.ListExecutions(t.Context()); err != nil || len(live) != 2 {
		t.Errorf("%+v (%v)", live, err)
	}
	now = now.Add(20 * time.Minute)
	claims, err := w.ListNodeClaims(t.Context())
	if err != nil || len(claims) != 1 {
		t.Fatalf("%+v (%v)", claims, err)
	}
	if err := w.DeleteNodeClaim(t.Context(), claims[0]); err != nil {
		t.Fatal(err)
	}
	went := now
	now = now.Add(time.Hour)
	all, err := w.Runs()
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v (%v)", all, err)
	}
	for _, r := range all {
		if killed := r.ID == long.ID; killed != r.Killed.Equal(went) || !killed && (r.ID != short.ID || !r.Killed.IsZero()) {
			t.Errorf("%s until %s was killed: %s", r.ID, r.Ends, r.Killed)
		}
	}
}

// TestRunsThatNoNodeTakes, and executors that are no nodes.
func TestRunsThatNoNodeTakes(t *testing.T) {
	w, _ := runsRig(t)
	for want, r := range map[string]Run{
		"no node with the label dominodatalab.com/node-pool=none takes a run": {Pool: "none"},
		"takes a run: one must be ready":                                      {Pool: "default", MilliCPU: 100_000},
		"nowhere takes no run":                                                {On: "nowhere"},
		`"flink" is no kind of cluster`:                                       {Pool: "default", Cluster: "flink"},
	} {
		if _, err := w.StartRun(t.Context(), r, time.Hour); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v does not say %s", r, err, want)
		}
	}
	if _, err := w.StartRun(t.Context(), Run{Pool: "default"}, 0); err == nil {
		t.Error("a run that lasts no time was begun")
	}
	id, err := w.RunInstance(t.Context(), port.NewInstance{Image: "ami-0ee00000000000001", Type: "m6i.2xlarge"})
	if err != nil {
		t.Fatal(err)
	}
	if r := w.begins(t, Run{On: id}, time.Hour); r.Nodes[0] != id {
		t.Errorf("it is on %v", r.Nodes)
	}
	all, err := w.ListExecutions(t.Context())
	if err != nil || !strings.Contains(all[0].Units[0].Node+all[1].Units[0].Node, id) {
		t.Errorf("%+v (%v)", all, err)
	}
}
