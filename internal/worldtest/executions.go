package worldtest

import (
	"reflect"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

func executionCases() []Case {
	return []Case{{Name: "Executions/Live", Source: "Domino Data Lab API v4, GET /admin/executions", run: executionsLive}}
}

// ExecutionExample is a run with a Ray cluster, of which one worker waits for a node.
func ExecutionExample() port.Execution {
	return port.Execution{ID: "65f0000000000000000000e1", Title: "train", Kind: "Batch", Project: "ada/churn", Owner: "ada", Tier: "small", Status: "Running",
		Queued: time.Date(2026, 3, 31, 11, 0, 0, 0, time.UTC), Units: []port.ExecutionUnit{
			{ID: "run-1", Role: "run", Node: "node-a", Status: "Running"},
			{ID: "ray-1-head", Role: "ray-head", Node: "node-b", Status: "Running"},
			{ID: "ray-1-worker-0", Role: "ray-worker", Status: "Pending"},
		}}
}

func executionsLive(t *testing.T, w World) {
	w.Put.Execution(t)
	all := value(w.Domino.ListExecutions(background()))(t)
	if want := []port.Execution{ExecutionExample()}; !reflect.DeepEqual(all, want) {
		t.Errorf("%+v\nwant %+v", all, want)
	}
}
