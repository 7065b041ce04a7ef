package world_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// TestRunCensus: what sources tell of one run is joined, and none hides another's.
func TestRunCensus(t *testing.T) {
	const run, other = "65f0000000000000000000a1", "65f0000000000000000000a2"
	const docs = `"runs": [{"_id": {"$oid": "65f0000000000000000000a1"}, "on": "i-1", "status": "Running", "started": {"$date": "2026-02-20T08:00:00Z"}},
		{"_id": 1, "status": "Queued"}, {"_id": 2, "status": "Failed", "started": {"$date": "2026-02-20T08:00:00Z"}}]`
	pod := func(name, node, run, phase string) port.Pod {
		return port.Pod{Namespace: "compute", Name: name, Node: node, Phase: phase, Labels: map[string]string{"dominodatalab.com/execution-id": run}}
	}
	api := func(units ...port.ExecutionUnit) port.Executions {
		return explained{all: []port.Execution{{ID: run, Status: "Running", Units: units}}}
	}
	for name, c := range map[string]struct {
		executions port.Executions
		nodes      world.LiveNodes
		mapped     string
		want       []string // run, role, node and the sources' first words
		unread     int
	}{
		"the database alone":      {nil, nil, "", []string{"a1 run  D"}, 2},
		"mapped":                  {nil, nil, "on", []string{"a1 run i-1 D"}, 2},
		"three say the same":      {api(port.ExecutionUnit{ID: "p", Role: "run", Node: "i-1"}), cluster{pods: []port.Pod{pod("p", "i-1", run, "Running")}}, "on", []string{"a1 run i-1 AKD"}, 0},
		"the pod knows better":    {api(port.ExecutionUnit{ID: "p", Role: "run", Node: "gone"}), cluster{pods: []port.Pod{pod("p", "n", run, "Running")}}, "", []string{"a1 run n AK"}, 0},
		"joined by machine":       {api(port.ExecutionUnit{ID: "x", Role: "run", Node: "n"}), cluster{pods: []port.Pod{pod("p", "n", run, "Running")}}, "", []string{"a1 run n AK"}, 0},
		"two workers on one node": {api(port.ExecutionUnit{Role: "ray-worker", Node: "n"}, port.ExecutionUnit{Role: "ray-worker", Node: "n"}, port.ExecutionUnit{Role: "run"}), nil, "", []string{"a1 run  AD", "a1 ray-worker n A", "a1 ray-worker n A"}, 1},
		"a pod of another":        {api(), cluster{pods: []port.Pod{pod("p", "n", other, "Pending"), pod("q", "n", other, "Succeeded")}}, "", []string{"a1 run  AD", "a2 run n K"}, 0},
		"Domino refuses":          {explained{err: port.ErrDenied}, cluster{pods: []port.Pod{pod("p", "n", run, "Running")}}, "", []string{"a1 run n K"}, 1},
		"the cluster is mute":     {api(port.ExecutionUnit{ID: "p", Role: "run", Node: "n"}), cluster{err: errors.New("refused")}, "", []string{"a1 run n A"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, docs, "")
			b.deployment.Mongo.Mapping.ExecutorGroups.Fields = map[string]string{"runs": c.mapped}
			w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now, Nodes: c.nodes}
			got, err := w.LookRuns(t.Context(), c.executions, w.LookEnded)
			if err != nil {
				t.Fatal(err)
			}
			var rows []string
			for _, r := range got.Runs {
				from := ""
				for _, f := range r.From {
					from += map[string]string{"Domino's database": "D", "Kubernetes": "K", "Domino's API": "A"}[f]
				}
				rows = append(rows, fmt.Sprintf("%s %s %s %s", r.Run[22:], r.Role, r.Node, from))
			}
			if !slices.Equal(rows, c.want) || len(got.Unread) != c.unread {
				t.Errorf("%q, want %q; unread %v", rows, c.want, got.Unread)
			}
		})
	}
}

// TestNodeCensus: an instance that is no node stands by itself, on which image a pool
// starts nodes is told, and a machine that nobody tells of is not idle.
func TestNodeCensus(t *testing.T) {
	b := newBench(t, `"runs": []`, capacityTypes+strings.Replace(poolAWS, `"autoScalingGroups"`, `"instances": {"i-1": {"image": "ami-9", "launched": "2026-01-01T00:00:00Z", "state": "stopped", "tags": {"aws:autoscaling:groupName": "lt"}, "type": "m5.large"}}, "autoScalingGroups"`, 1))
	desired := schema.Desired{Objects: all(object("nodePools", "p", map[string]any{"groups": asg("lt")}))}
	w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now}
	got, err := w.LookNodes(t.Context(), desired, schema.Applied{}, nil, w.LookEnded)
	if err != nil || len(got.Nodes) != 1 {
		t.Fatal(err, got)
	}
	if n := got.Nodes[0]; n.Instance != "i-1" || n.Node != "" || n.State != "stopped" || n.Address.String() != "nodePools.p" || n.Current == nil || *n.Current || n.Runs != nil || !strings.HasPrefix(strings.Join(n.Waits, ""), "a roll to ami-") {
		t.Errorf("%+v", n)
	}
	if got, err = w.LookNodes(t.Context(), desired, schema.Applied{}, explained{}, w.LookEnded); err != nil || len(got.Nodes) != 1 || got.Nodes[0].Runs == nil {
		t.Errorf("%+v, %v", got, err)
	}
	// Of a cordoned node those pods count that would not go with it.
	pod := func(kind, phase string) port.Pod {
		return port.Pod{Namespace: "x", Name: kind + phase, Node: "n", OwnerKind: kind, Phase: phase}
	}
	w.Nodes = cluster{nodes: []port.Node{{Name: "n", Instance: "i-1", Cordoned: true, CordonedBy: "domctl x"}}, pods: []port.Pod{pod("DaemonSet", "Running"), pod("Job", "Succeeded"), pod("ReplicaSet", "Running"), pod("", "Running")}}
	if got, err = w.LookNodes(t.Context(), desired, schema.Applied{}, explained{}, w.LookEnded); err != nil || len(got.Nodes) != 1 || !slices.Contains(got.Nodes[0].Waits, "the end of 2 pods") {
		t.Errorf("%+v, %v", got, err)
	}
	// A node whose instance is shut down waits for no roll, whatever it reports yet.
	gone := newBench(t, `"runs": []`, capacityTypes+strings.Replace(poolAWS, `"autoScalingGroups"`, `"instances": {"i-1": {"image": "ami-9", "state": "shutting-down", "settles": "2099-01-01T00:00:00Z", "tags": {"aws:autoscaling:groupName": "lt"}}}, "autoScalingGroups"`, 1))
	w.Outside, w.Nodes = gone.world, cluster{nodes: []port.Node{{Name: "n", Instance: "i-1", Ready: true}}}
	if got, err = w.LookNodes(t.Context(), desired, schema.Applied{}, explained{}, w.LookEnded); err != nil || len(got.Nodes) != 1 || got.Nodes[0].State != "shutting-down" || !slices.Equal(got.Nodes[0].Waits, []string{"its end"}) {
		t.Errorf("%+v, %v", got, err)
	}
	w.Outside = b.world
	// A node that names no instance could be this one, unless it is Fargate's.
	for kind, known := range map[string]bool{"": false, "fargate": true} {
		w.Nodes = cluster{nodes: []port.Node{{Name: "n", Labels: map[string]string{"eks.amazonaws.com/compute-type": kind}}}}
		if got, err = w.LookNodes(t.Context(), desired, schema.Applied{}, explained{}, w.LookEnded); err != nil || len(got.Nodes) != 2 {
			t.Fatal(err, got)
		}
		for _, n := range got.Nodes {
			if n.Instance == "i-1" && (n.Runs != nil) != known {
				t.Errorf("%q: %+v", kind, n)
			}
		}
	}
	// So could a node that nobody lists, where a run is on one; an EC2 id names another machine.
	for on, known := range map[string]bool{"n": false, "i-2": true} {
		for name, nodes := range map[string]world.LiveNodes{"not asked": nil, "away": cluster{err: errors.New("refused")}, "without it": cluster{}} {
			w.Nodes = nodes
			got, err = w.LookNodes(t.Context(), desired, schema.Applied{}, explained{all: []port.Execution{{ID: "a1", Status: "Running", Units: []port.ExecutionUnit{{ID: "p", Role: "run", Node: on}}}}}, w.LookEnded)
			if err != nil || len(got.Nodes) != 1 || (got.Nodes[0].Runs != nil) != known {
				t.Errorf("a run on %q, the cluster %s: %+v, %v", on, name, got.Nodes, err)
			}
		}
	}
}
