package world

import (
	"slices"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// unevenExecutorsField is of a classic tier whose executors are not all of the image that it
// starts them from.
const unevenExecutorsField = "executors"

// unevenExecutors are the classic tiers of which Uneven tells. An executor counts whose tier
// is told: one that only its image could tell of has another by then.
func (v *View) unevenExecutors() map[schema.Address]planner.Redo {
	out := map[schema.Address]planner.Redo{}
	for a, o := range v.desired.Objects {
		live, there := v.Live.Objects[a]
		ref := v.refs[executorOf(a)]
		if _, stated := o.Roll(); a.Kind != "hardwareTiers" || !stated || !there || ref == "" {
			continue
		}
		e := v.executorsTold(a, ref)
		starts := v.raw[ref].At(e.Image)
		if starts.Str() == "" || v.wanted(o.Fields["ami"]) != starts {
			continue // the switch is followed by a roll
		}
		var run []string
		for _, x := range v.executors {
			if !x.Going() && e.Has(x.Tier, x.Image, "") && !slices.Contains(run, x.Image) {
				run = append(run, x.Image)
			}
		}
		if !slices.ContainsFunc(run, func(image string) bool { return image != "" && image != starts.Str() }) {
			continue
		}
		slices.Sort(run)
		live.Fields[unevenExecutorsField] = schema.JSON(strings.Join(run, ", "))
		out[a] = planner.Redo{Fields: []planner.Diff{{Path: unevenExecutorsField, After: starts}}, Why: "executors are of another image than their tier starts"}
	}
	return out
}

// executorsTold says how those executors of a tier are told from others of which something
// else than the image says that they are its.
func (v *View) executorsTold(a schema.Address, group planner.Ref) schema.Executors {
	e := v.executorsOf(a, group)
	e.Alone = false
	return e
}

// rollUneven adds the step that replaces a tier's executors that are of another image than it
// starts, in the wave and behind the gates of its image.
func (v *View) rollUneven(c planner.Change, d planner.Diff, out *planner.Lowered) *schema.Finding {
	ref := v.refs[executorOf(c.Address)]
	r, _ := v.desired.Objects[c.Address].Roll()
	if out.Waves == nil {
		out.Waves = map[string]planner.Wave{}
	}
	return v.executorsStep(c, planner.Diff{Path: "ami", Before: d.Before, After: d.After}, ref, r, v.executorsTold(c.Address, ref), out)
}
