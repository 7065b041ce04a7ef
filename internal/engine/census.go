package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/roll"
	"domctl.dev/internal/world"
)

// CensusOfNodes says which machines there are, and what is on them.
func (e *Engine) CensusOfNodes(ctx context.Context) (world.NodeCensus, error) {
	if _, err := e.world.Identity(ctx); err != nil {
		return world.NodeCensus{}, err
	}
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return world.NodeCensus{}, err
	}
	found, err := e.world.LookNodes(ctx, e.Compiled.Desired, applied, e.Executions, e.endedRuns)
	if err != nil {
		return found, err
	}
	return found, e.deadlines(ctx, found.Nodes)
}

// Node says all there is to know of one machine, by the name of its node or its EC2 id.
func (e *Engine) Node(ctx context.Context, name string) (world.Node, error) {
	if _, err := e.world.Identity(ctx); err != nil {
		return world.Node{}, err
	}
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return world.Node{}, err
	}
	found, err := e.world.LookNode(ctx, e.Compiled.Desired, applied, e.Executions, e.endedRuns, name)
	if err != nil {
		return found, err
	}
	one := []world.CensusNode{found.CensusNode}
	err = e.deadlines(ctx, one)
	found.CensusNode = one[0]
	return found, err
}

// CensusOfRuns says which runs are live, and where.
func (e *Engine) CensusOfRuns(ctx context.Context) (world.RunCensus, error) {
	if _, err := e.world.Identity(ctx); err != nil {
		return world.RunCensus{}, err
	}
	return e.world.LookRuns(ctx, e.Executions, e.endedRuns)
}

// deadlines notes on nodes that a roll cordoned which apply that is of, whether it goes on,
// and when it waits no longer, by the plans of the applies that have not ended.
func (e *Engine) deadlines(ctx context.Context, nodes []world.CensusNode) error {
	if !slices.ContainsFunc(nodes, func(n world.CensusNode) bool { return roll.Cordoned(n.By) }) {
		return nil
	}
	open, err := e.Applier.OpenApplies(ctx)
	if err != nil {
		return err
	}
	for _, id := range open {
		s, err := e.Applier.Summary(ctx, id)
		if err != nil {
			return err
		}
		if s.Plan == nil {
			continue
		}
		begun := map[string]map[string]bool{}
		for _, rec := range s.Records {
			if rec.Kind != applier.KindBegin {
				continue
			}
			if begun[rec.Step] == nil {
				begun[rec.Step] = map[string]bool{}
			}
			begun[rec.Step][rec.Mark] = true
		}
		for _, step := range s.Plan.Steps {
			a := applier.Attempt{Step: step, Token: s.Token(step.ID), Begun: begun[step.ID]}
			for i, n := range nodes {
				at, force, own := roll.Deadline(a, n.By)
				if !own {
					continue
				}
				nodes[i].Apply = id
				if !at.IsZero() {
					nodes[i].Deadline = &world.Deadline{At: at, Force: force, Apply: id}
				}
				if stands := e.Standing(s); !strings.HasPrefix(stands, running) && !strings.HasPrefix(stands, waiting) {
					nodes[i].Waits = append(nodes[i].Waits, fmt.Sprintf("somebody to go on with apply %s (%s)", id, stands))
				}
			}
		}
	}
	return nil
}

// pastRuns are kept for a while: who watches must not have them read each time.
type pastRuns struct {
	mu   sync.Mutex
	read time.Time
	runs world.Ended
}

const pastFor = 10 * time.Minute

// endedRuns is a world.Past.
func (e *Engine) endedRuns(ctx context.Context) (world.Ended, error) {
	e.ended.mu.Lock()
	defer e.ended.mu.Unlock()
	now := e.Clock.Now()
	if !e.ended.read.IsZero() && now.Sub(e.ended.read) < pastFor {
		return e.ended.runs, nil
	}
	runs, err := e.world.LookEnded(ctx)
	if err == nil {
		e.ended.read, e.ended.runs = now, runs
	}
	return runs, err
}
