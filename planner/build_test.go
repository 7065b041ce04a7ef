package planner

import (
	"strings"
	"testing"
)

// stacked is an image of layers "name size".
func stacked(layers ...string) *Content {
	c := &Content{}
	for _, l := range layers {
		name, size, _ := strings.Cut(l, " ")
		c.Layers = append(c.Layers, Layer{DiffID: name, Size: int64(len(size))})
	}
	return c
}

// TestReckon: sizes are as many bytes as marks.
func TestReckon(t *testing.T) {
	for name, c := range map[string]struct {
		in     Making
		want   string
		layers int // of the new image
	}{
		"the last changes":      {Making{Former: stacked("a x", "b xx", "c xxx", "d xxxx"), Base: stacked("a x", "b xx"), SameBase: true, Before: 2, Own: 2, Kept: 1}, "2 layers of its own, 1 built again; 3 stay cached, and nodes that have the former image pull about 4 B again", 4},
		"the first changes":     {Making{Former: stacked("a x", "b xx", "c xxx", "d xxxx"), Base: stacked("a x", "b xx"), SameBase: true, Before: 2, Own: 3}, "3 layers of its own, 3 built again; 2 stay cached, and nodes that have the former image pull about 7 B again and what is new", 5},
		"one more":              {Making{Former: stacked("a x", "b xx"), Base: stacked("a x"), SameBase: true, Before: 1, Own: 2, Kept: 1}, "2 layers of its own, 1 built again; 2 stay cached, and nodes that have the former image pull what is new", 3},
		"one less":              {Making{Former: stacked("a x", "b xx", "c xxx"), Base: stacked("a x"), SameBase: true, Before: 2, Own: 1, Kept: 1}, "1 layer of its own, 0 built again; 2 stay cached, and nodes pull nothing again", 2},
		"nothing":               {Making{Former: stacked("a x", "b xx", "z xxx"), Base: stacked("a x"), SameBase: true, Before: 1, Own: 1, Kept: 1}, "1 layer of its own, 0 built again; 3 stay cached, and nodes pull nothing again", 3},
		"Domino's own":          {Making{Former: stacked("a x", "b xx", "z xxx"), Base: stacked("a x"), SameBase: true, Before: 1, Own: 1}, "1 layer of its own, 1 built again; 1 stay cached, and nodes that have the former image pull about 5 B again", 3},
		"another base":          {Making{Former: stacked("a x", "b xx", "c xxx"), Base: stacked("a x", "e xxxxx"), Before: 1, Own: 1, Kept: 1}, "1 layer of its own, 1 built again; 1 stay cached, and nodes that have the former image pull about 8 B again", 3},
		"the base moved":        {Making{Former: stacked("a x", "b xx"), Base: stacked("c x"), SameBase: true, Before: 1, Own: 1, Kept: 1}, "1 layer of its own, 1 built again; 0 stay cached, and nodes that have the former image pull about 3 B again", 2},
		"the base is not read":  {Making{Former: stacked("a x", "b xx", "c xxx"), SameBase: true, Before: 1, Own: 1}, "1 layer of its own, 1 built again; 2 stay cached, and nodes that have the former image pull about 3 B again", 3},
		"a new one is not read": {Making{Former: stacked("a x", "b xx", "c xxx"), Before: 1, Own: 1}, "1 layer of its own, 1 built again; how many stay cached is not known, and what nodes pull is not known", -1},
		"nothing is read":       {Making{SameBase: true, Before: 2, Own: 2, Kept: 1}, "2 layers of its own, 1 built again; how many stay cached is not known, and what nodes pull is not known", -1},
		"former is not read":    {Making{Base: stacked("a x", "b x"), SameBase: true, Before: 2, Own: 2, Kept: 1}, "2 layers of its own, 1 built again; 3 stay cached, and what nodes pull is not known", -1},
		"the first":             {Making{Base: stacked("a x", "b x"), First: true, Own: 3}, "3 layers of its own, on 2 of its base", 5},
		"the first on nothing":  {Making{First: true, Own: 1}, "1 layer of its own, on a base of which nobody told the layers", -1},
		"more than was":         {Making{Former: stacked("a x"), SameBase: true, Before: 3, Own: 3}, "3 layers of its own, 3 built again; how many stay cached is not known, and what nodes pull is not known", -1},
	} {
		b, image := c.in.Reckon()
		n := -1
		if image != nil {
			n = len(image.Layers)
		}
		if got := b.String(); got != c.want || n != c.layers {
			t.Errorf("%s: %s, %d layers\nwant %s, %d", name, got, n, c.want, c.layers)
		}
	}
}
