package world_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"domctl.dev/internal/sandbox"
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

// TestNodesAreReadOfPoolsThatRoll, in two calls more whatever their number; and of no other.
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
		p.Fields["roll"] = schema.JSON(schema.Roll{Strategy: schema.Surge})
		if got := pages(); got != want+1 {
			t.Errorf("%d groups that roll and have no instance: %d pages, want %d", g, got, want+1)
		}
		p.Fields["owner.ami"] = schema.JSON("terraform")
		if got := pages(); got != want {
			t.Errorf("%d groups of another owner: %d pages, want %d", g, got, want)
		}
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
