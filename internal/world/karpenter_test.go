package world_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// karpenterGrid is what stands in the cluster, by Karpenter: a pool and a class of one name
// each, but for those that share a class.
const karpenterGrid = `"images": {"ami-11111111": {"name": "a", "architecture": "x86_64"}, "ami-22222222": {"name": "b", "architecture": "x86_64"}}}, "kubernetes": {"karpenter": {
	"at": "2026-03-01T12:00:00Z",
	"nodeClasses": {"plain": {"amiFamily": "AL2023", "amiSelectorTerms": [{"id": "ami-11111111"}]}, "shared": {"amiFamily": "AL2023", "amiSelectorTerms": [{"id": "ami-11111111"}]},
		"alias": {"amiSelectorTerms": [{"alias": "al2023@latest"}], "images": ["ami-11111111"]}, "tags": {"amiSelectorTerms": [{"tags": {"a": "b"}}], "images": ["ami-11111111"]}},
	"nodePools": {
		"plain": {"class": "plain", "consolidationPolicy": "WhenEmpty", "expireAfter": "Never", "instanceTypes": ["m5.large"], "labels": {"dominodatalab.com/node-pool": "gpu", "team": "ml"}, "limits": {"cpu": "10", "memory": "32Gi"},
			"taints": [{"key": "gpu", "value": "true", "effect": "NoSchedule"}]},
		"held": {"budgets": [{"nodes": "0"}], "class": "plain", "consolidationPolicy": "WhenEmpty", "expireAfter": "Never"},
		"one": {"class": "shared", "consolidationPolicy": "WhenEmpty", "expireAfter": "Never"}, "two": {"class": "shared", "consolidationPolicy": "WhenEmpty", "expireAfter": "Never"},
		"alias": {"class": "alias", "consolidationPolicy": "WhenEmpty", "expireAfter": "Never"}, "tags": {"class": "tags", "consolidationPolicy": "WhenEmpty", "expireAfter": "Never"},
		"lost": {"class": "none", "consolidationPolicy": "WhenEmpty", "expireAfter": "Never"}, "fixed": {"class": "alias", "consolidationPolicy": "WhenEmpty", "expireAfter": "Never", "fixed": true},
		"ends": {"budgets": [{"nodes": "0", "reasons": ["Drifted"]}], "class": "shared", "heldBy": "domctl 0123 2026-03-01T12:00:00Z"}}%s}`

func nodePools(names ...string) (groups []schema.Group) {
	for _, n := range names {
		groups = append(groups, schema.Group{Karpenter: n})
	}
	return groups
}

func karpenterBench(t *testing.T, more, change string) *bench {
	t.Helper()
	grid := fmt.Sprintf(karpenterGrid, more)
	if was, is, _ := strings.Cut(change, " -> "); change != "" {
		if !strings.Contains(grid, was) {
			t.Fatalf("%q is not in the grid", was)
		}
		grid = strings.ReplaceAll(grid, was, is)
	}
	b := newBench(t, "", grid)
	b.grid = true
	return b
}

// lives is what Karpenter has, without its counters.
func (b *bench) lives() string {
	pools, err := b.world.ListNodePools(context.Background())
	classes, err2 := b.world.ListNodeClasses(context.Background())
	if err != nil || err2 != nil {
		b.t.Fatalf("%v, %v", err, err2)
	}
	for i := range pools {
		pools[i].Version = ""
	}
	for i := range classes {
		classes[i].Version = ""
	}
	return fmt.Sprint(pools, classes)
}

func TestKarpenterPools(t *testing.T) {
	roll := map[string]any{"strategy": "onDemand"}
	for name, c := range map[string]struct {
		groups   []schema.Group
		fields   map[string]any
		change   string
		steps    []string
		findings []string
	}{
		"as it is":               {nodePools("plain", "held"), map[string]any{"labels.team": "ml", "taints.gpu": "true:NoSchedule"}, "", nil, []string{"DC877 nodePools.gpu"}},
		"two effects of a taint": {nodePools("plain"), map[string]any{"taints.gpu": "true:NoSchedule"}, `"effect": "NoSchedule"}] -> "effect": "NoSchedule"}, {"key": "gpu", "value": "true", "effect": "NoExecute"}]`, nil, []string{"DC877 nodePools.gpu"}},
		"its labels":             {nodePools("plain"), map[string]any{"labels.team": "ml", "taints.gpu": "true:NoSchedule"}, "", nil, nil},
		"limits":                 {nodePools("plain"), map[string]any{"limits.cores": 20, "limits.memory": "64GiB"}, "", []string{`karpenter.SetLimits karpenter/nodepool#plain limits.cpu="20" limits.memory="64Gi"`}, nil},
		"a limit taken away":     {nodePools("plain"), map[string]any{"limits.cores": nil}, "", []string{`karpenter.SetLimits karpenter/nodepool#plain limits.cpu=absent`}, nil},
		"limits as they are":     {nodePools("plain"), map[string]any{"limits.cores": 10, "limits.memory": "32GiB"}, "", nil, nil},
		"limits of Terraform":    {nodePools("plain"), map[string]any{"limits.cores": 20, "owner.size": "terraform"}, "", nil, []string{"DC239 nodePools.gpu"}},
		"an image of Terraform":  {nodePools("plain", "held"), map[string]any{"ami": "@amis.gpu#image", "owner.ami": "terraform"}, "", nil, []string{"DC239 nodePools.gpu", "DC870 nodePools.gpu"}},
		"limits of a fixed one":  {nodePools("fixed"), map[string]any{"limits.cores": 20}, "", nil, []string{"DC873 nodePools.gpu"}},
		"an image":               {nodePools("plain", "held"), map[string]any{"ami": "@amis.gpu#image", "roll": roll}, "", []string{`roll.nodeclass karpenter/class#plain image="ami-22222222"`}, nil},
		"after limits":           {nodePools("plain", "held"), map[string]any{"ami": "@amis.gpu#image", "roll": roll, "limits.cores": 20}, "", []string{`karpenter.SetLimits karpenter/nodepool#held limits.cpu="20"`, `karpenter.SetLimits karpenter/nodepool#plain limits.cpu="20"`, `roll.nodeclass karpenter/class#plain image="ami-22222222"`}, nil},
		"a volume too small":     {nodePools("plain", "held"), map[string]any{"ami": "@amis.gpu#image", "roll": roll}, `"name": "b", -> "name": "b", "rootGiB": 30,`, []string{`roll.nodeclass karpenter/class#plain image="ami-22222222"`}, []string{"DC254 nodePools.gpu"}},
		"large enough":           {nodePools("plain", "held"), map[string]any{"ami": "@amis.gpu#image", "roll": roll}, `"plain": {"amiFamily": -> "plain": {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": "30Gi"}}], "amiFamily":`, []string{`roll.nodeclass karpenter/class#plain image="ami-22222222"`}, nil},
		"not rolled":             {nodePools("plain", "held"), map[string]any{"ami": "@amis.gpu#image"}, "", nil, []string{"DC870 nodePools.gpu"}},
		"not rolled, held":       {nodePools("plain", "held"), map[string]any{"ami": "@amis.gpu#image"}, `"class": "plain", "consolidationPolicy": "WhenEmpty", "expireAfter": "Never", "instanceTypes" -> "budgets": [{"nodes": "0%", "reasons": ["Drifted", "Empty"]}], "class": "plain", "consolidationPolicy": "WhenEmpty", "expireAfter": "Never", "instanceTypes"`, []string{`karpenter.SetImageTerms karpenter/class#plain image="ami-22222222"`}, nil},
		"held on some days":      {nodePools("plain", "held"), map[string]any{"ami": "@amis.gpu#image"}, `"class": "plain", "consolidationPolicy": "WhenEmpty", "expireAfter": "Never", "instanceTypes" -> "budgets": [{"nodes": "0", "schedule": "@daily", "duration": "8h"}], "class": "plain", "consolidationPolicy": "WhenEmpty", "expireAfter": "Never", "instanceTypes"`, nil, []string{"DC870 nodePools.gpu"}},
		"a class of others too":  {nodePools("plain"), map[string]any{"ami": "@amis.gpu#image", "roll": roll}, "", nil, []string{"DC871 nodePools.gpu"}},
		"an alias":               {nodePools("alias", "fixed"), map[string]any{"ami": "@amis.gpu#image", "roll": roll}, "", []string{`roll.nodeclass karpenter/class#alias family="AL2023" terms=[{"id":"ami-22222222"}]`}, nil},
		"tags without a family":  {nodePools("tags"), map[string]any{"ami": "@amis.gpu#image", "roll": roll}, "", nil, []string{"DC872 nodePools.gpu"}},
		"no class":               {nodePools("lost"), map[string]any{"ami": "@amis.gpu#image", "roll": roll}, "", nil, []string{"DC872 nodePools.gpu"}},
		"no pool":                {nodePools("nobody"), map[string]any{"limits.cores": 20}, "", nil, []string{"DC143 nodePools.gpu"}},
		"another version":        {nodePools("plain"), map[string]any{"limits.cores": 20}, `"at": -> "serves": "v1beta1", "at":`, nil, []string{"DC872 nodePools.gpu"}},
		"special":                {nodePools("plain", "held"), map[string]any{"ami": "ami-22222222", "roll": roll}, `"ami-11111111"}]}, "shared" -> "ami-22222222"}]}, "shared"`, nil, nil},
		"ended by Karpenter":     {nodePools("ends"), map[string]any{}, "", nil, []string{"DC874 nodePools.gpu", "DC875 nodePools.gpu"}},
		"in window and at force": {nodePools("plain", "held"), map[string]any{"ami": "@amis.gpu#image", "roll": map[string]any{"strategy": "onDemand", "drainTimeout": "1h", "force": true}}, "", []string{`roll.nodeclass karpenter/class#plain image="ami-22222222"`}, []string{"DC841 nodePools.gpu"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := karpenterBench(t, "", c.change)
			objects := pool(c.groups, c.fields)
			p := b.plan(objects)
			if got, want := steps(p), strings.Join(c.steps, "\n"); got != want {
				t.Errorf("steps\n%s\nwant\n%s", got, want)
			}
			if got := findings(p); !slices.Equal(got, c.findings) {
				t.Errorf("findings %v, want %v", p.Findings, c.findings)
			}
			if len(c.steps) == 0 || schema.Failed(p.Findings) {
				return
			}
			was := b.lives()
			b.settled(objects)
			if is := b.lives(); is != was {
				t.Errorf("the way back leads elsewhere:\n%s\nwant\n%s", is, was)
			}
		})
	}
}

// TestKarpenterIsNotThere, or nobody asks the cluster: neither is a pool without nodes.
func TestKarpenterIsNotThere(t *testing.T) {
	objects := pool(nodePools("plain"), map[string]any{"limits.cores": 20})
	b := newBench(t, "", poolImages+poolAWS)
	for asked, want := range map[bool]string{true: "is Karpenter installed", false: "deployment.kubernetes.nodes is not stated"} {
		b.grid = asked
		p := b.plan(objects)
		if len(p.Findings) != 1 || p.Findings[0].Code != "DC872" || p.Findings[0].Severity != schema.Error || strings.Count(p.Findings[0].Message, want) != 1 || len(p.Steps) > 0 {
			t.Errorf("%v", p.Findings)
		}
	}
}

// TestTwoPoolsByOneClass: a class gets one image, whoever wants it.
func TestTwoPoolsByOneClass(t *testing.T) {
	b := karpenterBench(t, "", `"ends" -> "over"`)
	objects := all(pool(nodePools("one"), map[string]any{"ami": "@amis.gpu#image", "roll": map[string]any{"strategy": "onDemand"}}),
		object("nodePools", "q", map[string]any{"groups": nodePools("two"), "ami": "ami-11111111"}))
	p := b.plan(objects)
	if got := findings(p); !slices.Contains(got, "DC145 nodePools.q") || !slices.Contains(got, "DC871 nodePools.gpu") || len(p.Steps) > 0 {
		t.Errorf("%v\n%s", p.Findings, steps(p))
	}
}

// TestCapacityOfKarpenter: limits are a number of nodes, by what its instance types have.
func TestCapacityOfKarpenter(t *testing.T) {
	b := karpenterBench(t, `, "nodeClaims": {"a": {"image": "ami-11111111", "pool": "plain"}}`, `"images": {"ami-11111111": {"name" -> `+capacityTypes+`"images": {"ami-11111111": {"name"`)
	w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now, Nodes: b.world, Karpenter: b.world}
	desired := schema.Desired{Deployment: b.deployment, Objects: pool(nodePools("plain"), map[string]any{"limits.cores": 9})}
	c, err := w.LookCapacity(t.Context(), desired, schema.Applied{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	pools := c.Reckon().Pools
	i := slices.IndexFunc(pools, func(p world.PoolCapacity) bool { return p.Address.Name == "gpu" })
	if p := pools[i]; p.Limits == nil || p.Limits.Cores != 9 || p.Limits.Memory != 32<<30 || p.Min == nil || *p.Min != 0 || p.Max == nil || *p.Max != 4 {
		t.Errorf("%+v, %+v", p, p.Limits)
	}
	got, err := w.LookNodes(t.Context(), desired, schema.Applied{}, nil, w.LookEnded)
	if err != nil || len(got.Nodes) != 1 {
		t.Fatal(err, got)
	}
	if n := got.Nodes[0]; n.Node != "ip-a" || n.AMI != "ami-11111111" || n.Current == nil || !*n.Current || n.Pool != "gpu" || n.State != "ready" {
		t.Errorf("%+v", n)
	}
}

// TestKarpenterByHand: a script compares what the plan saw, and writes that very version.
func TestKarpenterByHand(t *testing.T) {
	b := karpenterBench(t, "", "")
	p := b.plan(pool(nodePools("plain", "held"), map[string]any{"limits.cores": 20}))
	w := &world.World{Outside: b.world, Deployment: b.deployment, Karpenter: b.world}
	w.Deployment.Kubernetes.Context = "acme"
	var steps []applier.Manual
	for _, s := range p.Steps {
		steps = append(steps, applier.Manual{Step: s})
	}
	text, n, ok := w.Script("kubectl", planner.World{}, steps)
	for _, want := range []string{"kubectl --context 'acme' get", "look nodepools.karpenter.sh 'plain'", `is "$(has '.spec.limits["cpu"]')" '"10"'`, `change nodepools.karpenter.sh 'plain' '{"limits":{"cpu":"20"}}'`, "resourceVersion: .metadata.resourceVersion"} {
		if !ok || n != 2 || !strings.Contains(text, want) {
			t.Errorf("%d steps, %v: no %s in\n%s", n, ok, want, text)
		}
	}
}

// TestKarpenterIsImported as pools that a plan adopts without a change.
func TestKarpenterIsImported(t *testing.T) {
	b := karpenterBench(t, "", "")
	found, err := b.engine(nil).Import(t.Context(), engine.ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"karpenter": "plain"`, "cores:", `"32GiB"`, "gpu", `taints: gpu:  "true:NoSchedule"`} {
		if !strings.Contains(string(found.Text), want) {
			t.Errorf("no %s in\n%s", want, found.Text)
		}
	}
}

// TestWhatIsReadOfKarpenterIsOneList a kind, and one that is not asked for is not read.
func TestWhatIsReadOfKarpenterIsOneList(t *testing.T) {
	b := karpenterBench(t, "", "")
	w := &world.World{Outside: b.world, Karpenter: b.world, Deployment: b.deployment, Secret: b.secret, Now: b.clock.Now}
	lists := func(refs ...planner.Ref) int {
		before := b.world.Counts().Calls
		if raw, err := w.Read(t.Context(), refs); err != nil || raw[refs[0]] == nil || raw["karpenter/class#gone"] != nil {
			t.Errorf("%v: %v, %v", refs, raw, err)
		}
		after := b.world.Counts().Calls
		return after["ListNodePools"] + after["ListNodeClasses"] - before["ListNodePools"] - before["ListNodeClasses"]
	}
	if one, both := lists("karpenter/nodepool#plain"), lists("karpenter/class#plain", "karpenter/class#gone", "karpenter/nodepool#plain"); one != 1 || both != 2 {
		t.Errorf("%d and %d lists, want 1 and 2", one, both)
	}
}

// TestKarpenterIsReadInTwoCalls, however many pools there are, and by who states none in none.
func TestKarpenterIsReadInTwoCalls(t *testing.T) {
	for groups, want := range map[*[]schema.Group]int{{}: 0, {{Karpenter: "plain"}}: 2, {{Karpenter: "plain"}, {Karpenter: "held"}, {Karpenter: "alias"}}: 2} {
		b := karpenterBench(t, "", "")
		b.plan(object("nodePools", "gpu", map[string]any{"groups": *groups, "label": "gpu"}))
		c := b.world.Counts().Calls
		if got := c["ListNodePools"] + c["ListNodeClasses"] + c["ListNodeClaims"]; got != want {
			t.Errorf("%d groups: %d calls, want %d", len(*groups), got, want)
		}
	}
}
