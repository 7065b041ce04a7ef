package world_test

import (
	"slices"
	"strings"
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

// TestResolvedImagesAreWhatTheFilterFinds: resolved.cue is a file that people and
// merges can change.
func TestResolvedImagesAreWhatTheFilterFinds(t *testing.T) {
	const aws = `"images": {"ami-11111111": {"name": "acme/executor-20260101", "architecture": "x86_64"},
		"ami-22222222": {"name": "amazon-eks-node-1.31", "architecture": "arm64", "owner": "602401143452", "ownerAlias": "amazon"}}`
	for name, c := range map[string]struct {
		fields map[string]any
		says   string // "" for nothing
	}{
		"mine":              {map[string]any{"find.name": "acme/executor-*", "image": "ami-11111111"}, ""},
		"mine by account":   {map[string]any{"find.owners": []string{"111122223333"}, "image": "ami-11111111"}, ""},
		"amazon's":          {map[string]any{"find.owners": []string{"amazon"}, "find.name": "amazon-eks-node-1.3?", "image": "ami-22222222"}, ""},
		"filters":           {map[string]any{"find.owners": []string{"amazon", "self"}, "find.filters.name": []string{"x", "amazon-*"}, "find.filters.architecture": "arm64", `find.filters."tag:role"`: "gone", "image": "ami-22222222"}, ""},
		"by a parameter":    {map[string]any{"ssm": "/p", "image": "ami-22222222"}, ""},
		"pinned":            {map[string]any{"pin.id": "ami-22222222", "pin.reason": "r", "image": "ami-22222222"}, ""},
		"a stranger's":      {map[string]any{"find.name": "amazon-*", "image": "ami-22222222"}, `whose owner is "602401143452"; the files look for self`},
		"another name":      {map[string]any{"find.name": "acme/gpu-*", "image": "ami-11111111"}, `whose name is "acme/executor-20260101"; the files look for acme/gpu-*`},
		"another filter":    {map[string]any{"find.filters.architecture": []string{"arm64"}, "image": "ami-11111111"}, `whose architecture is "x86_64"; the files look for arm64`},
		"another owner-id":  {map[string]any{"find.owners": []string{"amazon"}, `find.filters."owner-id"`: "1", "image": "ami-22222222"}, `whose owner-id is "602401143452"`},
		"another's account": {map[string]any{"find.owners": []string{"999999999999"}, "image": "ami-11111111"}, `the files look for 999999999999`},
	} {
		p := newBench(t, "", aws).plan(object("amis", "x", c.fields))
		if got := message(p, "DC215"); (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q, want %q", name, got, c.says)
		}
	}
}
