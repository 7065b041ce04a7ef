//go:build wire

package engine_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"domctl.dev/internal/aws"
	"domctl.dev/internal/kube"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/internal/state"
	"domctl.dev/internal/wiretest"
)

// fleet is a pool whose instances moto starts and whose nodes a real API server has. It is
// the kubelet of each: a node comes once its instance does, and goes with it.
type fleet struct {
	*wired
	cluster *wiretest.Cluster
	nodes   *kube.Client
	aws     *aws.Client
	on      map[string]bool // instances that have a node
	ends    time.Time       // of the one run; zero: it has ended
	killed  []string        // what went with an instance before it ended
}

// rolledPool is a pool of two nodes, on the first of which a run is for three minutes.
func rolledPool(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{wired: newWired(t), cluster: wiretest.KubeControllers(t), on: map[string]bool{}}
	files := f.Files()
	before, _, _ := strings.Cut(files["acme/acme.cue"], "settings:")
	files["acme/acme.cue"] = before + fmt.Sprintf(`deployment: kubernetes: {context: "wire", nodes: true}
amis: new: {pin: {id: %q, reason: "tested"}, replaces: [%q]}
nodePools: main: {label: "default", groups: [{asg: "acme-a"}], ami: "new", roll: strategy: "surge"}
`, f.New, f.Old)
	f.states(files)
	t.Setenv("KUBECONFIG", f.cluster.Kubeconfig(t, f.cluster.Addr, wiretest.KubeAdmin))
	f.aws, f.nodes = f.cloud(), kube.Open(kube.Config{Context: "wire"})
	f.grid = func(k *sim.Kill) port.Grid { return gatedGrid{f.nodes, k, f.tend} }
	_, err := f.AutoScaling.UpdateAutoScalingGroup(t.Context(), &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: awssdk.String("acme-a"),
		DesiredCapacity: awssdk.Int32(2), MaxSize: awssdk.Int32(4)})
	f.must(err)
	return f
}

// instances are those of the pool that AWS has.
func (f *fleet) instances() (ids []string) {
	f.t.Helper()
	listed, err := f.aws.DescribeAutoScalingInstances(f.t.Context(), []string{"acme-a"})
	f.must(err)
	for _, i := range listed {
		ids = append(ids, i.ID)
	}
	slices.Sort(ids)
	return ids
}

// tend has nodes come and go as instances did, and the run end when its time is over.
func (f *fleet) tend() {
	f.t.Helper()
	is := f.instances()
	for _, id := range is {
		if !f.on[id] {
			f.joins(id)
		}
	}
	for id := range maps.Clone(f.on) {
		if !slices.Contains(is, id) {
			f.goes(id)
		}
	}
	if !f.ends.IsZero() && f.clock.Now().After(f.ends) {
		f.ends = time.Time{}
		f.cluster.Do(f.t, http.MethodDelete, "/api/v1/namespaces/default/pods/run", `{"gracePeriodSeconds": 0}`)
	}
}

func (f *fleet) joins(id string) {
	f.t.Helper()
	f.on[id] = true
	f.cluster.Do(f.t, http.MethodPost, "/api/v1/nodes", fmt.Sprintf(`{"metadata": {"name": %q, "labels": {"dominodatalab.com/node-pool": "default"}},
		"spec": {"providerID": "aws:///%sa/%s"}, "status": {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "50"}, "capacity": {"cpu": "8", "memory": "32Gi", "pods": "50"}}}`,
		id, f.Account.Region, id))
}

// goes takes a node away, as the cloud's controller does, and tells whether a run was on it.
func (f *fleet) goes(id string) {
	f.t.Helper()
	delete(f.on, id)
	pods, err := f.nodes.ListPods(f.t.Context(), id)
	f.must(err)
	for _, p := range pods {
		f.killed = append(f.killed, p.Name+" on "+id)
	}
	f.cluster.Do(f.t, http.MethodDelete, "/api/v1/nodes/"+id, "")
}

// runs puts the run on one of the nodes.
func (f *fleet) runs() {
	f.t.Helper()
	f.tend()
	id := slices.Sorted(maps.Keys(f.on))[0]
	f.ends = f.clock.Now().Add(3 * time.Minute)
	f.cluster.Do(f.t, http.MethodPost, "/api/v1/namespaces/default/pods", fmt.Sprintf(`{"metadata": {"name": "run", "labels": {%q: "run-1"}},
		"spec": {"nodeName": %q, "automountServiceAccountToken": false, "containers": [{"name": "c", "image": "i"}]}}`, port.ExecutionLabel, id))
}

// stands is what there is: images of instances, and cordons of nodes.
func (f *fleet) stands() string {
	f.t.Helper()
	f.tend()
	var all []string
	found, err := f.aws.DescribeInstances(f.t.Context(), port.Select{IDs: f.instances()})
	f.must(err)
	for _, i := range found {
		all = append(all, map[string]string{f.Old: "old", f.New: "new"}[i.Image])
	}
	slices.Sort(all)
	nodes, err := f.nodes.ListNodes(f.t.Context())
	f.must(err)
	for _, n := range nodes {
		if n.Cordoned {
			all = append(all, n.Name+" is cordoned by "+n.CordonedBy)
		}
	}
	return fmt.Sprintf("%s; ended %v", strings.Join(all, " "), f.killed)
}

// gatedGrid is the API server to a process that may be dead.
type gatedGrid struct {
	port.Grid
	kill *sim.Kill
	tend func()
}

func gated[T any](g gatedGrid, call string, f func() (T, error)) (answer T, err error) {
	if err := g.kill.Gate(call, sandbox.Before); err != nil {
		return answer, err
	}
	got, err := f()
	if lost := g.kill.Gate(call, sandbox.After); lost != nil {
		return answer, lost
	}
	return got, err
}

func (g gatedGrid) ListNodes(ctx context.Context) ([]port.Node, error) {
	g.tend()
	return gated(g, "ListNodes", func() ([]port.Node, error) { return g.Grid.ListNodes(ctx) })
}

func (g gatedGrid) ListPods(ctx context.Context, node string) ([]port.Pod, error) {
	return gated(g, "ListPods", func() ([]port.Pod, error) { return g.Grid.ListPods(ctx, node) })
}

func (g gatedGrid) SetCordoned(ctx context.Context, node port.Node, cordoned bool, by string) error {
	_, err := gated(g, "SetCordoned", func() (any, error) { return nil, g.Grid.SetCordoned(ctx, node, cordoned, by) })
	return err
}

func (g gatedGrid) EvictPod(ctx context.Context, pod port.Pod) error {
	_, err := gated(g, "EvictPod", func() (any, error) { return nil, g.Grid.EvictPod(ctx, pod) })
	return err
}

// TestKubeRollKilled rolls a pool there and back again on moto and a real API server, in
// processes that die at each write, and at some of the reads: every node is replaced, and
// the run that is on one of them ends by itself.
func TestKubeRollKilled(t *testing.T) {
	f := rolledPool(t)
	round := func(there, back *sim.Kill) {
		f.t.Helper()
		f.store, f.killed = state.Memory(), nil
		f.Account.Reset()
		f.runs()
		p := f.plan()
		f.applied(p, there)
		if got := f.stands(); got != "new new; ended []" {
			f.t.Errorf("after the apply: %s", got)
		}
		f.settled(p)
		f.runs()
		f.wentBack(p.ID, back)
		if got := f.stands(); got != "old old; ended []" {
			f.t.Errorf("after the rollback: %s", got)
		}
	}
	there, back := sim.KillAfter(-1), sim.KillAfter(-1)
	round(there, back)
	at := writing(there.Sides(), 101)
	t.Logf("%d sides there, %d back; killed at %d", len(there.Sides()), len(back.Sides()), len(at))
	for _, k := range at {
		ok := t.Run(fmt.Sprint(k), func(t *testing.T) {
			f.t = t
			round(sim.KillAfter(k), sim.KillAfter(min(k, len(back.Sides())-1)))
		})
		if !ok {
			return
		}
	}
}

// writing are the sides of the writes to the outside, and each so many-th beside: a death
// between two reads is as one before both.
func writing(sides []string, stride int) (at []int) {
	for k, side := range sides {
		_, call, _ := strings.Cut(side, " ")
		reads := readOnly(call) || slices.Contains([]string{"Find", "Count", "Database"}, call) || unicode.IsLower(rune(call[0])) // those of the records
		if !reads || k%stride == 0 {
			at = append(at, k)
		}
	}
	return at
}
