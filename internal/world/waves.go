package world

import (
	"fmt"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// rollout is the waves of an AMI, and which of them names a tier or a pool.
type rollout struct {
	waves  []schema.Wave
	number map[schema.Address]int
}

func (v *View) readRollouts() map[schema.Address]rollout {
	out := map[schema.Address]rollout{}
	for a, o := range v.desired.Objects {
		r := rollout{waves: o.Rollout(), number: map[schema.Address]int{}}
		if a.Kind != "amis" || len(r.waves) == 0 {
			continue
		}
		for n, w := range r.waves {
			for _, m := range w.Members() {
				r.number[m] = n
			}
		}
		out[a] = r
	}
	return out
}

// waveOf is where a tier or a pool stands in the rollout of the AMI that a field of
// it names, and the gates before it; ok is false when that AMI has no rollout. What
// no wave names comes last.
func (v *View) waveOf(a schema.Address, ami schema.Value) (w planner.Wave, gates []planner.Gate, ok bool) {
	of, _, refers := ami.Target()
	if !refers {
		return w, nil, false
	}
	r, rolls := v.rollouts()[of]
	if !rolls {
		return w, nil, false
	}
	n, named := r.number[a]
	if !named {
		return planner.Wave{Of: of, N: place(len(r.waves))}, nil, true
	}
	if name := r.waves[n].Window; name != "" {
		gates = append(gates, planner.Gate{Kind: planner.WindowGate, Arg: name, Window: v.world.Deployment.Windows[name]})
	}
	if people := r.waves[n].Approvals; people > 0 {
		gates = append(gates, planner.Gate{Kind: planner.ApprovalGate, Arg: fmt.Sprintf("%s rollout %d", of, n+1), Approvals: people})
	}
	return planner.Wave{Of: of, N: place(n)}, gates, true
}

// place of a wave among those of its rollout: each has room for its probe before it.
func place(n int) int { return 2*n + 1 }

// inWave puts steps that switch an AMI into their wave, and says which that is.
func (v *View) inWave(c planner.Change, ami schema.Value, steps []planner.Step, waves map[string]planner.Wave) []schema.Finding {
	w, gates, ok := v.waveOf(c.Address, ami)
	if !ok || len(steps) == 0 {
		return nil
	}
	for i := range steps {
		steps[i].Gates, waves[steps[i].ID] = gates, w
	}
	var behind []string
	for _, g := range gates {
		if g.Kind == planner.WindowGate {
			behind = append(behind, "in window "+g.Arg)
		} else {
			behind = append(behind, "after "+planner.Plural(g.Approvals, "approval"))
		}
	}
	return []schema.Finding{{Code: "DC265", Severity: schema.Info, Address: c.Address, Positions: c.Positions,
		Message: strings.TrimSpace(fmt.Sprintf("gets its image in wave %d of the rollout of %s %s", w.N/2+1, w.Of, strings.Join(behind, ", ")))}}
}
