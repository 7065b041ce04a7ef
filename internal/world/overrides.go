package world

import (
	"encoding/json"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// overridesOf are the overrides of a group's mixed instances policy that launch from
// something else than the group.
func overridesOf(group planner.Raw) (all []port.LaunchOverride) {
	if text := group["overrides"].Text; text != "" {
		_ = json.Unmarshal([]byte(text), &all) // groupRaw wrote it
	}
	return all
}

// tellOverrides names what a group goes on starting nodes from beside its template,
// whose version is switched.
func (p *poolLowering) tellOverrides(ref planner.Ref, group planner.Raw, follows bool) {
	var stay []string
	for _, o := range overridesOf(group) {
		switch along := follows && o.Template == group["template"].Str() && (o.Version == "" || o.Version == "$Default"); {
		case o.Image != "":
			stay = append(stay, o.Image)
		case !along:
			stay = append(stay, strings.TrimSpace("launch template "+o.Template+" "+o.Version))
		}
	}
	if len(stay) == 0 {
		return
	}
	slices.Sort(stay)
	p.findings = append(p.findings, schema.Finding{Code: "DC255", Severity: schema.Warning, Address: p.change.Address, Positions: p.change.Positions,
		Message: "overrides in the mixed instances policy of " + ref.ID() + " go on starting nodes from " + strings.Join(slices.Compact(stay), ", ") + ", which domctl does not switch",
		Hint:    "change them by hand, or leave the template out of the overrides, so that they launch from the group's"})
}
