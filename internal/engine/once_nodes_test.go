package engine

import (
	"context"
	"testing"

	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
)

// passing has another node each time that it is asked.
type passing struct{ asked int }

func (p *passing) ListNodes(context.Context) ([]port.Node, error) {
	p.asked++
	return []port.Node{{Name: string(rune('a' + p.asked))}}, nil
}

func (p *passing) ListPods(_ context.Context, node string) ([]port.Pod, error) {
	p.asked++
	return []port.Pod{{Name: node + string(rune('a'+p.asked))}}, nil
}

// TestNodesAreLookedAtOnce, so that two plans rest on the same.
func TestNodesAreLookedAtOnce(t *testing.T) {
	live := &passing{}
	e := (&Engine{world: &world.World{Nodes: live}}).lookOnce()
	for range 2 {
		nodes, err := e.world.Nodes.ListNodes(t.Context())
		if err != nil || len(nodes) != 1 || nodes[0].Name != "b" {
			t.Errorf("%v, %v", nodes, err)
		}
		for pod, node := range map[string]string{"c": "", "n": "n"} {
			if pods, err := e.world.Nodes.ListPods(t.Context(), node); err != nil || len(pods) != 1 || pods[0].Name[:1] != pod && node != "" {
				t.Errorf("%v, %v", pods, err)
			}
		}
	}
	if live.asked != 3 {
		t.Errorf("asked %d times", live.asked)
	}
}

// changing has another NodePool each time that it is asked.
type changing struct {
	port.Karpenter
	asked int
}

func (c *changing) ListNodePools(context.Context) ([]port.NodePool, error) {
	c.asked++
	return []port.NodePool{{Name: string(rune('a' + c.asked))}}, nil
}

func (c *changing) ListNodeClasses(context.Context) ([]port.NodeClass, error) {
	c.asked++
	return []port.NodeClass{{Name: string(rune('a' + c.asked))}}, nil
}

func (c *changing) ListNodeClaims(context.Context) ([]port.NodeClaim, error) {
	c.asked++
	return []port.NodeClaim{{Name: string(rune('a' + c.asked))}}, nil
}

// TestKarpenterIsLookedAtOnce as nodes are.
func TestKarpenterIsLookedAtOnce(t *testing.T) {
	live := &changing{}
	k := (&Engine{world: &world.World{Karpenter: live}}).lookOnce().world.Karpenter
	for range 2 {
		pools, err := k.ListNodePools(t.Context())
		classes, err2 := k.ListNodeClasses(t.Context())
		claims, err3 := k.ListNodeClaims(t.Context())
		if err != nil || err2 != nil || err3 != nil || pools[0].Name != "b" || classes[0].Name != "c" || claims[0].Name != "d" {
			t.Error(pools, classes, claims, err, err2, err3)
		}
	}
}
