package world

import (
	"context"
	"errors"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// grid has one class and one NodePool of it.
type grid struct {
	port.Grid
	budgets []string
	wrote   int
}

func (g *grid) ListNodeClasses(context.Context) ([]port.NodeClass, error) {
	return []port.NodeClass{{Name: "gpu", Terms: port.TermsOf("ami-2"), Family: "AL2023"}}, nil
}

func (g *grid) ListNodePools(context.Context) ([]port.NodePool, error) {
	return []port.NodePool{{Name: "a", Class: "gpu", Budgets: g.budgets}, {Name: "b", Class: "other"}}, nil
}

func (g *grid) SetImageTerms(context.Context, port.NodeClass, string, string) error {
	g.wrote++
	return nil
}

// TestASwitchOfAClassNeedsTheHold, that of a rollback too, which expects none by its plan.
func TestASwitchOfAClassNeedsTheHold(t *testing.T) {
	done := planner.Done{Pre: planner.Raw{"image": schema.JSON("ami-1")}, Step: planner.Step{ID: "s", Op: operation.SetImageTerms, Object: nodeClassRef("gpu"), Writes: map[string]schema.Value{"image": schema.JSON("ami-2")},
		Expects: []planner.Expect{{Ref: nodePoolRef("a"), Path: "held", Value: schema.JSON(true)}}}}
	for _, c := range []struct {
		budgets []string
		wrote   int
	}{{[]string{port.DriftHold}, 1}, {[]string{`{"nodes":"10%"}`}, 0}, {nil, 0}} {
		g := &grid{budgets: c.budgets}
		err := switchClass(t.Context(), &World{Karpenter: g}, applier.Attempt{Step: planner.Unwrite(done)})
		var no *applier.Refusal
		if g.wrote != c.wrote || errors.As(err, &no) != (c.wrote == 0) {
			t.Errorf("%v: wrote %d, %v", c.budgets, g.wrote, err)
		}
	}
}
