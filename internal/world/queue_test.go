package world_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// explained is Domino's list of executions.
type explained struct {
	all []port.Execution
	err error
}

func (explained) GetExecutor(context.Context, string) (string, error) { return "", nil }

func (e explained) ListExecutions(context.Context) ([]port.Execution, error) { return e.all, e.err }

func TestQueue(t *testing.T) {
	const run, user = "65f0000000000000000000a1", "680000000000000000000001"
	mongo := func(under int, more string) string {
		var runs []string
		for i := range under {
			runs = append(runs, fmt.Sprintf(`{"_id": %d, "hw": "x", "startingUserId": {"$oid": %q}, "status": "Running", "started": {"$date": "2026-02-20T08:00:00Z"}}`, i, user))
		}
		runs = append(runs, fmt.Sprintf(`{"_id": {"$oid": %q}, "hw": "x", "startingUserId": {"$oid": %q}, "status": "Queued"}`, run, user),
			`{"_id": 100, "status": "Failed"}`, `{"_id": 101, "completed": {"$date": "2026-02-20T08:00:00Z"}, "status": "Queued"}`)
		return `"hardware_tier": [{"_id": "x", "nodePool": "p"` + more + `}], "users": [{"_id": {"$oid": "680000000000000000000001"}, "loginId": {"id": "ada"}}], "runs": [` + strings.Join(runs, ", ") + `]`
	}
	pod := port.Pod{Namespace: "compute", Name: "run-" + run + "-x7", Phase: "Pending", Unscheduled: "0/3 nodes are available"}
	stray := port.Pod{Namespace: "compute", Name: "model-1", Phase: "Pending", Unscheduled: "too many pods"}
	roomy := cluster{nodes: []port.Node{node("a", "p", "m5.large", 1900, 7, 0)}}
	for name, c := range map[string]struct {
		mongo      string
		aws        string // of the group
		tier       map[string]any
		nodes      world.LiveNodes
		executions port.Executions
		want       []string // kinds of the run's reasons, then of pods beside it
		unread     []string
	}{
		"nobody tells":      {mongo(0, ""), "", map[string]any{"cores": 1}, roomy, nil, []string{""}, nil},
		"the quota":         {mongo(25, ""), "", map[string]any{"cores": 1}, roomy, nil, []string{"quota"}, nil},
		"one below":         {mongo(24, ""), "", map[string]any{"cores": 1}, roomy, nil, []string{""}, nil},
		"the tier's limit":  {mongo(2, `, "maxSimultaneousExecutions": 2`), "", map[string]any{"cores": 1}, roomy, nil, []string{"tier"}, nil},
		"the pool":          {mongo(0, ""), `"desired": 4, "max": 4`, map[string]any{"cores": 1}, roomy, nil, []string{"pool"}, nil},
		"no launch":         {mongo(0, ""), `"instances": 1, "failures": [{"at": "2026-03-01T11:58:00Z", "code": "VcpuLimitExceeded"}], "desired": 3, "max": 4`, map[string]any{"cores": 1}, roomy, nil, []string{"launch"}, nil},
		"long ago":          {mongo(0, ""), `"instances": 1, "failures": [{"at": "2026-03-01T10:58:00Z", "code": "VcpuLimitExceeded"}], "desired": 3, "max": 4`, map[string]any{"cores": 1}, roomy, nil, []string{""}, nil},
		"launched since":    {mongo(0, ""), `"instances": 3, "failures": [{"at": "2026-03-01T11:58:00Z", "code": "VcpuLimitExceeded"}], "desired": 3, "max": 4`, map[string]any{"cores": 1}, roomy, nil, []string{""}, nil},
		"no node holds it":  {mongo(0, ""), "", map[string]any{"cores": 7}, roomy, nil, []string{"fit"}, nil},
		"the scheduler":     {mongo(0, ""), "", map[string]any{"cores": 1}, cluster{nodes: roomy.nodes, pods: []port.Pod{pod, stray}}, nil, []string{"scheduler", "scheduler"}, nil},
		"Domino":            {mongo(0, ""), "", map[string]any{"cores": 1}, roomy, explained{all: []port.Execution{{ID: run, Why: "waiting for a node"}, {ID: "other", Why: "x"}}}, []string{"domino"}, nil},
		"a source is mute":  {mongo(25, ""), "", map[string]any{"cores": 1}, cluster{err: errors.New("refused")}, explained{err: port.ErrDenied}, []string{"quota"}, []string{"Domino's API", "Kubernetes"}},
		"no cluster at all": {mongo(0, ""), "", map[string]any{"cores": 1}, nil, nil, []string{""}, []string{"Kubernetes"}},
	} {
		t.Run(name, func(t *testing.T) {
			aws := poolAWS
			if c.aws != "" {
				aws = strings.Replace(aws, `"lt": {"min": 0, "max": 4, "desired": 1`, `"lt": {"min": 0, `+c.aws, 1)
				if aws == poolAWS {
					t.Fatal("the group is written otherwise")
				}
			}
			b := newBench(t, c.mongo, capacityTypes+aws)
			b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": "hw"}
			c.tier["nodePool"] = "@nodePools.p#label"
			desired := schema.Desired{Objects: all(object("hardwareTiers", "x", c.tier), object("nodePools", "p", map[string]any{"groups": asg("lt")}))}
			w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now, Nodes: c.nodes}
			got, err := w.LookQueue(t.Context(), desired, schema.Applied{}, c.executions)
			if err != nil {
				t.Fatal(err)
			}
			var kinds, unread []string
			for _, r := range got.Waiting {
				var why []string
				for _, reason := range r.Why {
					why = append(why, reason.Kind)
				}
				if r.Run != "" && (r.Run != run || r.User != "ada" || r.Pool != "p" || r.Since.Year() != 2024) {
					t.Errorf("%+v", r)
				}
				kinds = append(kinds, strings.Join(why, " "))
			}
			for _, u := range got.Unread {
				unread = append(unread, u.Source)
			}
			slices.Sort(unread)
			if !slices.Equal(kinds, c.want) || !slices.Equal(unread, c.unread) {
				t.Errorf("%v, unread %v; want %v and %v: %+v", kinds, unread, c.want, c.unread, got)
			}
		})
	}
}

// TestQueueWithoutActivities: a source that does not answer is named, and the rest is told.
func TestQueueWithoutActivities(t *testing.T) {
	b := newBench(t, "", capacityTypes+strings.Replace(poolAWS, `"lt": {"min": 0, "max": 4, "desired": 1`, `"lt": {"min": 0, "max": 4, "instances": 0, "desired": 1`, 1))
	b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "FailedActivities", Fault: "denied"}}})
	w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now}
	got, err := w.LookQueue(t.Context(), schema.Desired{Objects: object("nodePools", "p", map[string]any{"groups": asg("lt")})}, schema.Applied{}, nil)
	if err != nil || len(got.Lacking) != 0 || len(got.Unread) != 2 || got.Unread[1].Source != "Auto Scaling" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestQueueAtLimits: a NodePool of Karpenter starts no node that its limits have no room
// for, by what its own nodes have; where those are not known nothing is said.
func TestQueueAtLimits(t *testing.T) {
	const mongo = `"hardware_tier": [{"_id": "x", "nodePool": "gpu"}], "runs": [{"_id": {"$oid": "65f0000000000000000000a1"}, "hw": "x", "status": "Queued"}]`
	nodes := func(n int, pool string) (c cluster) {
		for i := range n { // each an m5.large
			c.nodes = append(c.nodes, port.Node{Name: fmt.Sprint(i), Labels: map[string]string{port.NodePoolLabel: pool}, Capacity: port.Resources{MilliCPU: 2000, Memory: 8 << 30}})
		}
		return c
	}
	for name, c := range map[string]struct {
		change string // of the grid, whose limits are 10 cores and 32GiB
		nodes  cluster
		want   string
	}{
		"room":            {"", nodes(3, "plain"), ""},
		"memory":          {"", nodes(4, "plain"), "NodePool plain is at its limits: its nodes have 32GiB of the 32GiB that they may have together"},
		"another's nodes": {"", nodes(9, "held"), ""},
		"not known":       {"", cluster{err: errors.New("refused")}, ""},
		"cores alone":     {`, "memory": "32Gi" -> `, nodes(4, "plain"), ""},
		"cores":           {`, "memory": "32Gi" -> `, nodes(5, "plain"), "NodePool plain is at its limits: its nodes have 10 cores of the 10 cores that they may have together"},
		"too little left": {`"cpu": "10" -> "cpu": "9"`, nodes(4, "plain"), "NodePool plain starts no further node: its nodes have 8 cores of the 9 cores that they may have together"},
		"no limits":       {`"limits": {"cpu": "10", "memory": "32Gi"} -> "limits": {}`, nodes(40, "plain"), ""},
		"any type, room":  {`"instanceTypes": ["m5.large"], -> `, nodes(3, "plain"), ""},
		"any type":        {`"instanceTypes": ["m5.large"], -> `, nodes(4, "plain"), "NodePool plain is at its limits: its nodes have 32GiB of the 32GiB that they may have together"},
	} {
		t.Run(name, func(t *testing.T) {
			grid := fmt.Sprintf(karpenterGrid, "")
			if was, is, _ := strings.Cut(c.change, " -> "); c.change != "" {
				if !strings.Contains(grid, was) {
					t.Fatalf("%q is not in the grid", was)
				}
				grid = strings.ReplaceAll(grid, was, is)
			}
			b := newBench(t, mongo, strings.Replace(grid, `"images": {`, capacityTypes+`"images": {`, 1))
			b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": "hw"}
			desired := schema.Desired{Objects: all(object("hardwareTiers", "x", map[string]any{"cores": 1, "nodePool": "@nodePools.gpu#label"}), pool(nodePools("plain"), map[string]any{}))}
			w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now, Nodes: c.nodes, Karpenter: b.world}
			got, err := w.LookQueue(t.Context(), desired, schema.Applied{}, nil)
			if err != nil || len(got.Waiting) != 1 {
				t.Fatal(got, err)
			}
			said := ""
			for _, r := range got.Waiting[0].Why {
				if r.Kind == "pool" {
					said += r.Text
				}
			}
			if said != c.want {
				t.Errorf("%q, want %q: %+v", said, c.want, got)
			}
		})
	}
}
