package planner

import "domctl.dev/schema"

// Collect makes the plan that removes what applies left behind. Nothing becomes applied
// of it, so it reserves no address; nothing takes it back.
func Collect(in Input, steps []Step) (Plan, error) {
	p := Plan{Format: Format, Deployment: in.Desired.Deployment.Name, Lineage: in.Lineage, World: in.World, Source: in.Source,
		Changes: []Change{}, Drift: []Change{}, Steps: steps, Findings: append([]schema.Finding{}, in.Findings...),
		Settle: map[schema.Address]*schema.Entry{}, Content: map[schema.Address]string{}, Latch: map[schema.Address]string{}}
	if steps == nil {
		p.Steps = []Step{}
	}
	changes := map[schema.Address]*Change{}
	for _, s := range steps {
		c := changes[s.Address]
		if c == nil {
			c = &Change{Address: s.Address, Action: ActionUpdate, Reason: "left behind, and nothing refers to it"}
			changes[s.Address] = c
		}
		c.Fields = append(c.Fields, Diff{Path: string(s.Object), Before: Exists()})
	}
	for _, a := range schema.Addresses(changes) {
		p.Changes = append(p.Changes, *changes[a])
	}
	if _, err := link(p.Steps, nil); err != nil {
		return Plan{}, err
	}
	p.finish(in.ID, in.Applied)
	return p, nil
}

// Collects says that the plan is one of Collect.
func (p Plan) Collects() bool {
	return len(p.Steps) > 0 && len(p.Settle) == 0 && len(p.Latch) == 0 && p.Restores == ""
}
