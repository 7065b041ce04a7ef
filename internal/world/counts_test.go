package world_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// many is a world of n tiers and g groups, half of them managed, each with a
// launch template of its own.
func many(t *testing.T, n, g int) (*bench, map[schema.Address]schema.Object) {
	t.Helper()
	var tiers, groups, templates, managed []string
	var pools []schema.Group
	objects := map[schema.Address]schema.Object{}
	for i := range n {
		tiers = append(tiers, fmt.Sprintf(`{"_id": "t%d", "name": "t%d"}`, i, i))
		for a, o := range object("hardwareTiers", fmt.Sprintf("t%d", i), map[string]any{"cores": 1}) {
			objects[a] = o
		}
	}
	for i := range g {
		templates = append(templates, fmt.Sprintf(`"lt-%d": {"name": "n%d", "default": 1, "versions": [{"number": 1, "image": "ami-1"}]}`, i, i))
		if i%2 == 0 {
			groups = append(groups, fmt.Sprintf(`"g%d": {"min": 0, "max": 1, "desired": 0, "template": "lt-%d"}`, i, i))
			pools = append(pools, schema.Group{ASG: fmt.Sprintf("g%d", i)})
		} else {
			managed = append(managed, fmt.Sprintf(`"m%d": {"min": 0, "max": 1, "desired": 0, "template": "lt-%d", "version": 1}`, i, i))
			pools = append(pools, schema.Group{NodeGroup: fmt.Sprintf("m%d", i)})
		}
	}
	b := newBench(t, `"hardware_tier": [`+strings.Join(tiers, ",")+`]`,
		`"autoScalingGroups": {`+strings.Join(groups, ",")+`}, "launchTemplates": {`+strings.Join(templates, ",")+`}, "nodeGroups": {"acme": {`+strings.Join(managed, ",")+`}}`)
	return b, all(objects, object("nodePools", "p", map[string]any{"groups": pools}))
}

// TestCallsGrowWithPages counts the pages of one read: the only calls that grow
// with objects are those that EKS answers one node group each.
func TestCallsGrowWithPages(t *testing.T) {
	pages := func(n, g int) (total, nodeGroups int) {
		b, objects := many(t, n, g)
		if _, err := b.look(objects, schema.Applied{}); err != nil {
			t.Fatal(err)
		}
		c := b.world.Counts()
		return c.Total() - c.Pages["DescribeNodegroup"], c.Pages["DescribeNodegroup"]
	}
	few, one := pages(10, 2)
	more, hundred := pages(1000, 200)
	if one != 1 || hundred != 100 {
		t.Errorf("node groups: %d and %d calls, want 1 and 100", one, hundred)
	}
	if few != 4 || more != 4 {
		t.Errorf("%d pages for 10 tiers and 2 groups, %d for 1,000 and 200, want 4: tiers, groups, templates, versions", few, more)
	}
}

// TestNodesAreReadOfPoolsThatRoll, in two calls more whatever their number, and one for
// alarms; of no other, and for plans alone.
func TestNodesAreReadOfPoolsThatRoll(t *testing.T) {
	for g, want := range map[int]int{2: 4, 40: 4} {
		b, objects := many(t, 1, g)
		pages := func() int {
			before := b.world.Counts()
			if _, err := b.look(objects, schema.Applied{}); err != nil {
				t.Fatal(err)
			}
			c := b.world.Counts()
			return c.Total() - before.Total() - c.Pages["DescribeNodegroup"] + before.Pages["DescribeNodegroup"]
		}
		if got := pages(); got != want {
			t.Errorf("%d groups: %d pages, want %d", g, got, want)
		}
		p := objects[schema.Address{Kind: "nodePools", Name: "p"}]
		p.Fields["roll"] = schema.JSON(schema.Roll{Strategy: schema.Surge, Alarms: []string{"errors"}})
		if got := pages(); got != want+2 {
			t.Errorf("%d groups that roll and have no instance: %d pages, want %d", g, got, want+2)
		}
		before := b.world.Counts().Pages
		w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now}
		if _, err := w.LookCapacity(t.Context(), schema.Desired{Deployment: b.deployment, Objects: objects}, schema.Applied{}, time.Time{}); err != nil {
			t.Fatal(err)
		}
		for _, call := range []string{"DescribeAlarms", "DescribeAutoScalingInstances"} {
			if after := b.world.Counts().Pages; after[call] != before[call] {
				t.Errorf("capacity asks for what plans alone go by: %s", call)
			}
		}
		p.Fields["owner.ami"] = schema.JSON("terraform")
		if got := pages(); got != want {
			t.Errorf("%d groups of another owner: %d pages, want %d", g, got, want)
		}
	}
}

// TestAPlanReadsNoRuns: it counts them, in as many calls for 5,000 of them as for one.
func TestAPlanReadsNoRuns(t *testing.T) {
	pages := func(n int) map[string]int {
		var runs []string
		for i := range n {
			runs = append(runs, fmt.Sprintf(`{"_id": %d, "tier": "t", "startingUserId": 1, "started": {"$date": "2026-03-01T00:00:00Z"}, "completed": {"$date": "2026-03-01T01:00:00Z"}}`, i))
		}
		b := newBench(t, `"runs": [`+strings.Join(runs, ",")+`], "hardware_tier": [{"_id": "t", "nodePool": "p", "cores": 1}]`, poolAWS)
		b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": "tier"}
		before := b.world.Counts().Pages
		p := b.plan(all(object("hardwareTiers", "t", map[string]any{"nodePool": "@nodePools.p#label", "cores": 2}), object("nodePools", "p", map[string]any{"groups": asg("lt"), "size.max": 1})))
		if len(p.Changes) == 0 || schema.Failed(p.Findings) {
			t.Fatalf("%+v", p)
		}
		out := b.world.Counts().Pages
		for call, n := range before {
			out[call] -= n
		}
		return out
	}
	if one, many := pages(1), pages(5000); !maps.Equal(one, many) {
		t.Errorf("%v for one run, %v for 5,000", one, many)
	}
}

// TestCensusCallsGrowWithPages: of 10 runs and nodes and of 500 the same lists are read, and
// the runs that ended once.
func TestCensusCallsGrowWithPages(t *testing.T) {
	pages := func(n int) map[string]int {
		var runs, nodes, pods, executions []string
		for i := range n {
			runs = append(runs, fmt.Sprintf(`{"_id": %d, "tier": "small", "projectId": 1, "startingUserId": {"$oid": "65b000000000000000000002"}, "started": {"$date": "2026-03-01T00:00:00Z"}}, {"_id": %d, "tier": "small", "projectId": 1, "started": {"$date": "2026-03-01T00:00:00Z"}, "completed": {"$date": "2026-03-01T01:00:00Z"}}`, i, n+i))
			nodes = append(nodes, fmt.Sprintf(`"n%d": {"cordoned": true}`, i))
			pods = append(pods, fmt.Sprintf(`"compute/p%d": {"node": "n%d", "labels": {"dominodatalab.com/execution-id": "%d"}}`, i, i, i))
			executions = append(executions, fmt.Sprintf(`"%024x": {"units": [{"id": "p%d"}]}`, i, i))
		}
		b := newBench(t, "", "")
		var err error
		b.memory, err = sandbox.NewMemory("sandbox.json", []byte(`{"aws": {"account": "111122223333", "region": "us-west-2"}, "domino": {"executions": {`+strings.Join(executions, ",")+`}},
			"kubernetes": {"nodes": {`+strings.Join(nodes, ",")+`}, "pods": {`+strings.Join(pods, ",")+`}}, "mongo": {"runs": [`+strings.Join(runs, ",")+`]}}`))
		if err != nil {
			t.Fatal(err)
		}
		b.open(sandbox.Options{})
		b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": "tier"}
		w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now, Nodes: b.world}
		got, err := w.LookNodes(t.Context(), schema.Desired{}, schema.Applied{}, b.world, w.LookEnded)
		if err != nil || len(got.Nodes) != n || len(got.Nodes[0].Runs) != 1 {
			t.Fatal(err, len(got.Nodes))
		}
		return b.world.Counts().Pages
	}
	few, many := pages(10), pages(500)
	// Live runs, those that ended, and users; the lists of nodes and pods have 200 a page.
	if want := map[string]int{"ListExecutions": 1, "ListNodes": 1, "ListPods": 1, "Find": 3}; !maps.Equal(few, want) {
		t.Errorf("%v, want %v", few, want)
	}
	if want := map[string]int{"ListExecutions": 1, "ListNodes": 3, "ListPods": 3, "Find": 3}; !maps.Equal(many, want) {
		t.Errorf("%v, want %v", many, want)
	}
}

// TestReadsRunSideBySide holds every first read back until all of them have
// begun: if one waited for another, the test would not end.
func TestReadsRunSideBySide(t *testing.T) {
	mongo, aws, objects := everything()
	b := newBench(t, mongo, aws)
	var begun sync.WaitGroup
	var n atomic.Int32
	const first = 6 // tiers, environments, settings, images, groups, a node group
	begun.Add(first)
	b.open(sandbox.Options{Hook: func(_ string, phase sandbox.Phase) error {
		if phase == sandbox.Before && n.Add(1) <= first {
			begun.Done()
			begun.Wait()
		}
		return nil
	}})
	if _, err := b.look(objects, schema.Applied{}); err != nil {
		t.Fatal(err)
	}
}
