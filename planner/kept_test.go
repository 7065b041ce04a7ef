package planner

import (
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestKeptByPins: what stands on a pinned image is listed where others get one that is
// baked, and only there.
func TestKeptByPins(t *testing.T) {
	pin := fields{"pin.id": "ami-old", "pin.reason": "CUDA 9", "pin.reviewBy": "2027-03-31", "image": "ami-old"}
	desired := func(want string, baked fields) situation {
		return situation{desired: map[string]fields{"amis.old": pin, "amis.x": baked,
			"hardwareTiers.a": {"ami": schema.RefTo(addr("amis."+want), "image")}, "hardwareTiers.b": {"ami": schema.RefTo(addr("amis.old"), "image")}, "hardwareTiers.c": {"cores": 1}},
			live: map[string]fields{"amis.old": {"image": "ami-old"}, "hardwareTiers.a": {"ami": "ami-1"}, "hardwareTiers.b": {"ami": "ami-old"}, "hardwareTiers.c": {"ami": "ami-old"}}}
	}
	baked := fields{"bake": schema.Value{Is: schema.Known, Text: "{}"}}
	for name, c := range map[string]struct {
		situation
		want int
	}{
		"promotes": {desired("x", baked), 2},
		"found":    {desired("x", fields{"find.name": "x", "image": "ami-2"}), 0},
		"nobody":   {desired("old", baked), 0},
	} {
		p, err := planned(c.input())
		if err != nil || len(p.Kept) != c.want {
			t.Errorf("%s: %v %v", name, p.Kept, err)
		}
		var text strings.Builder
		if err := p.Text(&text, Style{}); err != nil || strings.Contains(text.String(), "  hardwareTiers.b  ami-old\n    CUDA 9\n    pinned by amis.old, review by 2027-03-31\n") != (c.want > 0) {
			t.Errorf("%s: %s %v", name, text.String(), err)
		}
	}
}
