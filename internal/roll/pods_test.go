package roll

import (
	"testing"

	"domctl.dev/internal/port"
)

// TestPodsAsKubectlTellsThem: what `kubectl drain` makes of each pod of a node, by its filters
// (https://github.com/kubernetes/kubectl/blob/master/pkg/drain/filters.go), and what a roll
// does. Where they differ the row says why.
func TestPodsAsKubectlTellsThem(t *testing.T) {
	run := map[string]string{port.ExecutionLabel: "e1"}
	for _, c := range []struct {
		name, kubectl string
		pod           port.Pod
		ours          string // "run", "held", "evicted", "nothing"
	}{
		{"of a controller", "evicted", port.Pod{OwnerKind: "ReplicaSet", Phase: "Running"}, "evicted"},
		{"of a controller, pending", "evicted", port.Pod{OwnerKind: "StatefulSet", Phase: "Pending"}, "evicted"},
		{"mirror of a static pod", "skipped: mirrorPodFilter", port.Pod{Mirror: true, Phase: "Running"}, "nothing"},
		{"of a DaemonSet", "stops without --ignore-daemonsets, which everybody states: daemonSetFilter", port.Pod{OwnerKind: "DaemonSet", Phase: "Running"}, "nothing"},
		{"has ended", "evicted, whatever owns it; on a node that goes it goes too", port.Pod{Phase: "Succeeded"}, "nothing"},
		{"has failed", "evicted, as one that has ended", port.Pod{OwnerKind: "Job", Phase: "Failed"}, "nothing"},
		{"without a controller", "stops without --force: unreplicatedFilter; here it is waited for, since it may be anybody's work", port.Pod{Phase: "Running"}, "held"},
		{"with an emptyDir", "stops without --delete-emptydir-data: localStorageFilter; evicted here, see decision 358", port.Pod{OwnerKind: "ReplicaSet", Phase: "Running", LocalData: true}, "evicted"},
		{"with an emptyDir, has ended", "evicted", port.Pod{OwnerKind: "Job", Phase: "Succeeded", LocalData: true}, "nothing"},
		{"with an emptyDir, without a controller", "stops", port.Pod{Phase: "Running", LocalData: true}, "held"},
		{"is ending", "evicted, and waited for until it has gone: skipDeletedFilter", port.Pod{OwnerKind: "ReplicaSet", Phase: "Running", Ending: true}, "held"},
		{"a run of Domino", "evicted, whatever it computes", port.Pod{OwnerKind: "Job", Phase: "Running", Labels: run, LocalData: true}, "run"},
		{"a run of Domino that has ended", "evicted", port.Pod{Phase: "Succeeded", Labels: run}, "nothing"},
		{"a workload of Domino", "evicted", port.Pod{OwnerKind: "StatefulSet", Phase: "Running", Labels: map[string]string{port.WorkloadLabel: "Workspace"}}, "run"},
	} {
		runs, held, movable := sort([]port.Pod{c.pod})
		got := "nothing"
		switch {
		case len(runs) > 0:
			got = "run"
		case len(held) > 0:
			got = "held"
		case len(movable) > 0:
			got = "evicted"
		}
		if got != c.ours {
			t.Errorf("%s: %s, want %s; kubectl: %s", c.name, got, c.ours, c.kubectl)
		}
	}
}
