package world_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// listing is a sandbox whose list of executions answers something else.
type listing struct {
	*sandbox.World
	all []port.Execution
	err error
}

func (l listing) ListExecutions(context.Context) ([]port.Execution, error) { return l.all, l.err }

// TestDoctorAsksForAllExecutions: what a roll cannot go without is a failure there alone.
func TestDoctorAsksForAllExecutions(t *testing.T) {
	still := schema.Desired{Objects: all(object("nodePools", "p", map[string]any{"groups": asg("a")}))}
	rolls := schema.Desired{Objects: all(object("nodePools", "p", map[string]any{"groups": asg("a"), "roll": map[string]any{"strategy": "surge"}}))}
	executors := schema.Desired{Objects: object("hardwareTiers", "t", map[string]any{"ami": "ami-1", "roll": map[string]any{"strategy": "onDemand"}})}
	denied := fmt.Errorf("domino: %w", port.ErrDenied)
	for _, c := range []struct {
		d    schema.Desired
		err  error
		want string // ✓, ? or ✗, and what it says
	}{
		{rolls, nil, "✓ answers; 2 executions now"},
		{still, nil, "✓ answers; 2 executions now"},
		{still, denied, "? nodes, runs and queue go by other sources, and say so: domino: access denied; have deployment.domino name an administrator's key"},
		{rolls, denied, "✗ domino: access denied; have deployment.domino name an administrator's key; no roll goes on"},
		{executors, denied, "✗ domino: access denied; have deployment.domino name an administrator's key; no roll goes on"},
		{rolls, errors.New("no route"), "✗ no route; check deployment.domino.url; no roll goes on"},
	} {
		b := newBench(t, `"runs": []`, "")
		w := &world.World{Outside: b.world, Domino: listing{b.world, make([]port.Execution, 2), c.err}, Deployment: b.deployment, Secret: b.secret, Now: b.clock.Now}
		got := ""
		for _, is := range w.Checks(t.Context(), c.d) {
			if is.Name != "GET /v4/admin/executions" {
				continue
			}
			mark := "✗"
			if is.Open {
				mark = "?"
			} else if is.OK {
				mark = "✓"
			}
			got += strings.TrimSuffix(mark+" "+is.Detail+"; "+is.Do, "; ")
		}
		if got == "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
