package world

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// wave is one of a rollout as the files state it.
type wave struct {
	Tiers, Pools []string
	Window       string
	Approvals    int
}

// waveOf is where a tier or a pool stands in the rollout of the AMI that a field of
// it names, and the gates before it; ok is false when that AMI has no rollout. What
// no wave names comes last.
func (v *View) waveOf(a schema.Address, ami schema.Value) (w planner.Wave, gates []planner.Gate, ok bool) {
	of, _, refers := ami.Target()
	var rollout []wave
	stated := v.desired.Objects[of].Fields["rollout"]
	if !refers || stated.Is != schema.Known || json.Unmarshal([]byte(stated.Text), &rollout) != nil || len(rollout) == 0 {
		return w, nil, false
	}
	n := slices.IndexFunc(rollout, func(r wave) bool {
		return a.Kind == "hardwareTiers" && slices.Contains(r.Tiers, a.Name) || a.Kind == "nodePools" && slices.Contains(r.Pools, a.Name)
	})
	if n < 0 {
		return planner.Wave{Of: of, N: len(rollout)}, nil, true
	}
	if name := rollout[n].Window; name != "" {
		gates = append(gates, planner.Gate{Kind: planner.WindowGate, Arg: name, Window: v.world.Deployment.Windows[name]})
	}
	if people := rollout[n].Approvals; people > 0 {
		gates = append(gates, planner.Gate{Kind: planner.ApprovalGate, Arg: fmt.Sprintf("%s rollout %d", of, n+1), Approvals: people})
	}
	return planner.Wave{Of: of, N: n}, gates, true
}

// roll puts steps that switch an AMI into their wave, and says which that is.
func (v *View) roll(c planner.Change, ami schema.Value, steps []planner.Step, waves map[string]planner.Wave) []schema.Finding {
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
		Message: strings.TrimSpace(fmt.Sprintf("gets its image in wave %d of the rollout of %s %s", w.N+1, w.Of, strings.Join(behind, ", ")))}}
}
