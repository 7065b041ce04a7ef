package world

import (
	"strings"

	"domctl.dev/schema"
)

// Holding is what an image was baked with: images by their digest, as nodes name
// them, pulled by a container runtime.
type Holding struct {
	Runtime string
	Images  []string
}

func holdingOf(fields map[string]schema.Value) (h Holding) {
	h.Runtime, _, _ = strings.Cut(fields["content.runtime"].Str(), "/")
	for _, p := range schema.Sorted(fields) {
		if strings.HasPrefix(p, "content.images.") {
			h.Images = append(h.Images, fields[p].Str())
		}
	}
	return h
}

// Planned is what the image of an entry of amis is to hold.
func (v *View) Planned(a schema.Address) Holding { return holdingOf(v.desired.Objects[a].Fields) }

// Holds says what an image holds, which the records tell of one that domctl baked
// and that stands for an entry. Of any other nobody knows.
func (v *View) Holds(image string) (h Holding, known bool) {
	for _, a := range schema.Addresses(v.Objects) {
		if o := v.Objects[a]; a.Kind == "amis" && o.ID == image && o.Fields["content.base"].Is == schema.Known {
			return holdingOf(o.Fields), true
		}
	}
	return h, false
}

// Starts are the pools and tiers that are to start from an entry of amis, by the
// image that they start from today; one whose groups start from several stands
// under each.
func (v *View) Starts(ami schema.Address) map[string][]schema.Address {
	out := map[string][]schema.Address{}
	for _, a := range schema.Addresses(v.desired.Objects) {
		if a.Kind == "amis" {
			continue
		}
		seen := map[string]bool{}
		for _, p := range schema.Sorted(v.desired.Objects[a].Fields) {
			if t, _, ok := v.desired.Objects[a].Fields[p].Target(); !ok || t != ami || p != "ami" && !strings.HasSuffix(p, ".ami") {
				continue
			}
			if today := v.Objects[a].Fields[p].Str(); !seen[today] {
				seen[today] = true
				out[today] = append(out[today], a)
			}
		}
	}
	return out
}
