package worldtest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

func executionCases() []Case {
	const details = "Domino Data Lab API v4, GET /jobs/{jobId}/runtimeExecutionDetails"
	return []Case{
		{Name: "Executions/Live", Source: "Domino Data Lab API v4, GET /admin/executions", run: executionsLive},
		{Name: "GetExecutor/Told", Source: details + ", executorInfo", run: executorTold},
		{Name: "GetExecutor/Untold", Source: details + ", executorInfo", run: executorUntold},
		{Name: "GetExecutor/Unknown", Source: details + ", 404", run: executorUnknown},
	}
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

func executorTold(t *testing.T, w World) {
	if id := value(w.Domino.GetExecutor(background(), w.Put.Executor(t, "i-0000000000000000e")))(t); id != "i-0000000000000000e" {
		t.Errorf("it is on %q", id)
	}
}

func executorUntold(t *testing.T, w World) {
	if id := value(w.Domino.GetExecutor(background(), w.Put.Executor(t, "")))(t); id != "" {
		t.Errorf("it is on %q", id)
	}
}

func executorUnknown(t *testing.T, w World) {
	for _, id := range []string{"65f00000000000000000dead", "", "../../users/self"} {
		if _, err := w.Domino.GetExecutor(background(), id); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%q: %v, want ErrNotFound", id, err)
		}
	}
}
