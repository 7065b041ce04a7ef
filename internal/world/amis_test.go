package world_test

import (
	"slices"
	"testing"
)

func TestAMIs(t *testing.T) {
	aws := `"parameters": {"/p": "ami-22222222"}, ` + classicImages
	for name, c := range map[string]struct {
		fields   map[string]any
		findings []string
	}{
		"there":          {map[string]any{"pin.id": "ami-11111111", "pin.reason": "r"}, nil},
		"not there":      {map[string]any{"pin.id": "ami-44444444", "pin.reason": "r"}, []string{"DC236 amis.x"}},
		"pending":        {map[string]any{"pin.id": "ami-33333333", "pin.reason": "r"}, []string{"DC235 amis.x"}},
		"not resolved":   {map[string]any{"ssm": "/p"}, []string{"DC237 amis.x"}},
		"baked":          {map[string]any{"bake": map[string]any{"from": map[string]any{"ami": "y"}}}, []string{"DC230 amis.x"}},
		"up to date":     {map[string]any{"ssm": "/p", "image": "ami-22222222"}, nil},
		"upstream ahead": {map[string]any{"ssm": "/p", "image": "ami-11111111"}, []string{"DC214 amis.x"}},
	} {
		p := newBench(t, "", aws).plan(object("amis", "x", c.fields))
		if got := findings(p); !slices.Equal(got, c.findings) || len(p.Steps) > 0 {
			t.Errorf("%s: %v, want %v", name, p.Findings, c.findings)
		}
	}
}

func TestNoImageIsAskedForWhenNoneIsMeant(t *testing.T) {
	b := newBench(t, "", classicImages)
	b.plan(object("amis", "x", map[string]any{"ssm": "/p"}))
	if n := b.world.Counts().Calls["DescribeImages"]; n != 0 {
		t.Errorf("%d calls: no ids would mean all images", n)
	}
}
