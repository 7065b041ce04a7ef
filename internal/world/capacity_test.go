package world_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/internal/worldtest"
	"domctl.dev/schema"
)

// cluster is what a Kubernetes API tells; err: nothing.
type cluster struct {
	nodes []port.Node
	pods  []port.Pod
	err   error
}

func (c cluster) ListNodes(context.Context) ([]port.Node, error)       { return c.nodes, c.err }
func (c cluster) ListPods(context.Context, string) ([]port.Pod, error) { return c.pods, c.err }

func node(name, label, kind string, milli, gib, gpus int64) port.Node {
	return port.Node{Name: name, Labels: map[string]string{"dominodatalab.com/node-pool": label, "node.kubernetes.io/instance-type": kind}, Ready: true,
		Allocatable: port.Resources{MilliCPU: milli, Memory: gib << 30, Pods: 29, Other: map[string]int64{"nvidia.com/gpu": gpus, "hugepages-2Mi": 0, "ephemeral-storage": 1 << 40}}}
}

func daemon(node string, milli, gib int64) port.Pod {
	return port.Pod{Name: "daemon", Node: node, Phase: "Running", OwnerKind: "DaemonSet", Requests: port.Resources{MilliCPU: milli, Memory: gib << 30}}
}

const capacityTypes = `"instanceTypes": {"m5.large": {"vcpus": 2, "memoryMiB": 8192, "architectures": ["x86_64"]}}, `

func TestCapacity(t *testing.T) {
	tier := map[string]any{"nodePool": "@nodePools.p#label", "cores": 1, "memory": "3GiB", "maxSimultaneousExecutions": 2, "centsPerMinute": 2}
	pool := map[string]any{"groups": asg("lt"), "size.max": 5, "overhead.execution.memory": "1GiB"}
	desired := schema.Desired{Objects: all(object("hardwareTiers", "x", tier), object("nodePools", "p", pool))}
	desired.Deployment.Prices = map[string]float64{"m5.large": 0.5}
	live := cluster{nodes: []port.Node{node("a", "p", "m5.large", 1930, 7, 0), node("b", "p", "m5.large", 1900, 7, 0), node("c", "other", "g5.xlarge", 4000, 16, 1)},
		pods: []port.Pod{daemon("a", 100, 0), daemon("b", 400, 1), {Name: "run", Node: "a", Phase: "Running", Requests: port.Resources{MilliCPU: 1000}}, {Name: "done", Node: "a", Phase: "Succeeded", OwnerKind: "DaemonSet", Requests: port.Resources{MilliCPU: 900}}}}
	for name, c := range map[string]struct {
		nodes    *cluster
		from     string
		cores, n int64
		why      string
	}{
		"by the instance type": {nil, "instance type", 1500, 1, "deployment.kubernetes.nodes is not stated"},
		"by live nodes":        {&live, "live", 1500, 1, ""},
		"a node with too few":  {&cluster{nodes: []port.Node{node("a", "p", "m5.large", 900, 7, 0)}}, "live", 900, 0, ""},
		"no node yet":          {&cluster{}, "instance type", 1500, 1, ""},
		"a cluster that is out of reach": {&cluster{err: errors.New("connection refused")}, "instance type", 1500, 1,
			"nodes of the cluster: connection refused; connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, `"hardware_tier": [{"_id": "x", "nodePool": "p"}, {"_id": "wild", "nodePool": "p", "resources": {"cores": 0.5}}, {"_id": "gone", "nodePool": "p", "flags": {"isArchived": true}}]`, capacityTypes+poolAWS)
			w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now}
			if c.nodes != nil {
				w.Nodes = *c.nodes
			}
			view, err := w.LookCapacity(t.Context(), desired, schema.Applied{}, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			got := view.Reckon()
			if !strings.Contains(c.why, got.Nodes) || (got.Nodes == "") != (c.why == "") {
				t.Errorf("live nodes: %q, want %q", got.Nodes, c.why)
			}
			if got.Quota != 25 || got.QuotaFrom != "Domino's default" || len(got.Pools) != 1 || len(got.Pools[0].Nodes) != 1 || len(got.Pools[0].Tiers) != 2 {
				t.Fatalf("%+v", got)
			}
			p := got.Pools[0]
			if n := p.Nodes[0]; n.From != c.from || n.Room.MilliCores != c.cores || *n.PerHour != 0.5 || *p.PerHour != 2.5 {
				t.Errorf("%+v, at most %v", n, *p.PerHour)
			}
			wild, x := p.Tiers[0], p.Tiers[1]
			if wild.Tier != "wild" || x.Tier != "x" || *x.On[0].N != c.n || *x.AtMaximum != 5*c.n || *x.Cluster != min(5*c.n, 2) || *x.Charged != 1.2 {
				t.Errorf("%+v", x)
			}
		})
	}
}

// TestFindingsOfCapacity: what somebody should look at, and a window whose runs tell when
// a pool was nearly full.
func TestFindingsOfCapacity(t *testing.T) {
	runs := `, "runs": [{"_id": 1, "hw": "x", "started": {"$date": "2026-02-20T08:00:00Z"}, "completed": {"$date": "2026-02-20T10:00:00Z"}},
		{"_id": 2, "hw": "x", "started": {"$date": "2026-02-20T09:00:00Z"}}, {"_id": 3, "hw": "x"},
		{"_id": 4, "hw": "x", "started": {"$date": "2026-01-01T09:00:00Z"}, "completed": {"$date": "2026-01-01T10:00:00Z"}}]`
	live := cluster{nodes: []port.Node{node("a", "p", "m5.large", 1900, 7, 0), node("b", "p", "m5.4xlarge", 15900, 60, 0), node("stray", "", "m5.large", 1900, 7, 0)}}
	live.nodes = append(live.nodes, port.Node{Name: "master", Labels: map[string]string{"node-role.kubernetes.io/control-plane": ""}})
	same := cluster{nodes: []port.Node{node("a", "p", "m5.large", 1900, 7, 0), node("b", "p", "m5a.large", 1900, 7, 0)}}
	for name, c := range map[string]struct {
		nodes  cluster
		pool   map[string]any
		policy map[string]string
		want   string
		offers string // zones of m5.large
	}{
		"unlike, without a label":     {live, map[string]any{"size.max": 50}, nil, "DC802 DC803", ""},
		"nearly full":                 {same, map[string]any{"size.max": 2}, nil, "DC804", ""},
		"not full":                    {same, map[string]any{"size.max": 3}, nil, "", ""},
		"unused":                      {same, map[string]any{"size.max": 3, "expect.maxUnused": 40}, nil, "DC800", ""},
		"little unused":               {same, map[string]any{"size.max": 3, "expect.maxUnused": 60}, nil, "", ""},
		"a policy turns it off":       {same, map[string]any{"size.max": 2}, map[string]string{"DC804": "off"}, "", ""},
		"and one that raises another": {live, map[string]any{"size.max": 2}, map[string]string{"DC802": "error", "DC803": "off"}, "DC802", ""},
		"a zone without it":           {same, map[string]any{"size.max": 3}, nil, "DC801", `, "zones": ["us-west-2b"]`},
		"a zone with it":              {same, map[string]any{"size.max": 3}, nil, "", `, "zones": ["us-west-2a"]`},
		"nobody says":                 {same, map[string]any{"size.max": 3}, nil, "DC806", "denied"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, `"hardware_tier": [{"_id": "x", "nodePool": "p"}]`+runs,
				strings.Replace(capacityTypes, `["x86_64"]`, `["x86_64"]`+strings.TrimPrefix(c.offers, "denied"), 1)+strings.Replace(poolAWS, `"lt": {`, `"lt": {"zones": ["us-west-2a"], `, 1))
			outside := port.Outside(b.world)
			if c.offers == "denied" {
				outside = worldtest.Hooked{Outside: b.world, Hook: func(call string, _ bool) error {
					if call == "DescribeInstanceTypeOfferings" {
						return port.ErrDenied
					}
					return nil
				}}
			}
			b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": "hw"}
			c.pool["groups"] = asg("lt")
			desired := schema.Desired{Objects: all(object("hardwareTiers", "x", map[string]any{"nodePool": "@nodePools.p#label", "cores": 1.5, "memory": "3GiB"}), object("nodePools", "p", c.pool))}
			desired.Deployment.Findings = c.policy
			w := &world.World{Outside: outside, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now, Nodes: c.nodes}
			view, err := w.LookCapacity(t.Context(), desired, schema.Applied{}, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
			if err != nil {
				t.Fatal(err)
			}
			got := view.Reckon()
			var codes []string
			for _, f := range got.Findings {
				codes = append(codes, f.Code)
			}
			if strings.Join(codes, " ") != c.want {
				t.Errorf("%+v, want %s", got.Findings, c.want)
			}
			if p := got.Pools[0].Peak; p == nil || p.Executions != 2 || p.At.Hour() != 9 {
				t.Errorf("the peak is %+v", p)
			}
		})
	}
}

// TestATierIsJudgedByLiveNodes: a plan asks them where it can, and says when it cannot.
func TestATierIsJudgedByLiveNodes(t *testing.T) {
	desired := schema.Desired{Objects: all(object("hardwareTiers", "x", map[string]any{"nodePool": "@nodePools.p#label", "cores": 1.4, "memory": "3GiB"}), object("nodePools", "p", map[string]any{"groups": asg("lt")}))}
	for name, c := range map[string]struct {
		nodes world.LiveNodes
		want  string
	}{
		"nobody to ask": {nil, ""},
		"too small":     {cluster{nodes: []port.Node{node("a", "p", "m5.large", 1300, 7, 0)}}, "DC105 cores is 1.4, a m5.large in node pool \"p\" has 1.3 allocatable"},
		"large enough":  {cluster{nodes: []port.Node{node("a", "p", "m5.large", 1500, 7, 0)}}, ""},
		"out of reach":  {cluster{err: errors.New("refused")}, "DC808 nodes of the cluster: refused"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, `"hardware_tier": [{"_id": "x", "nodePool": "p"}]`, capacityTypes+poolAWS)
			w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now, Nodes: c.nodes}
			view, err := w.Look(t.Context(), desired, func() (schema.Applied, error) { return schema.Applied{}, nil })
			if err != nil {
				t.Fatal(err)
			}
			if len(view.Findings) > 1 || (c.want == "") != (len(view.Findings) == 0) {
				t.Fatalf("%+v", view.Findings)
			}
			for _, f := range view.Findings {
				if !strings.HasPrefix(f.Code+" "+f.Message, c.want) {
					t.Errorf("%s %s, want %s", f.Code, f.Message, c.want)
				}
			}
		})
	}
}
