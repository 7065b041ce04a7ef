package world_test

import (
	"slices"
	"strings"
	"testing"

	"domctl.dev/schema"
)

func TestATierIsJudgedByWhatEC2Says(t *testing.T) {
	types := `"instanceTypes": {"m5.large": {"vcpus": 2, "memoryMiB": 8192, "architectures": ["x86_64"]}, "big": {"vcpus": 96, "memoryMiB": 99999, "architectures": ["x86_64"]}}, `
	for name, c := range map[string]struct {
		tier, pool map[string]any
		want       []string
	}{
		"fits":             {map[string]any{"cores": 1, "memory": "4GiB"}, map[string]any{}, nil},
		"by live types":    {map[string]any{"cores": 2}, map[string]any{}, []string{"error cores"}},
		"by expected ones": {map[string]any{"cores": 2}, map[string]any{"expect.instanceTypes": []string{"big"}}, []string{"warning is"}},
		"merged with live": {map[string]any{"name": "x"}, map[string]any{}, []string{"warning memory"}},
		"unknown type":     {map[string]any{"cores": 400}, map[string]any{"expect.instanceTypes": []string{"odd"}}, []string{"warning is"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, `"hardware_tier": [{"_id": "x", "nodePool": "p", "resources": {"memory": {"value": 8, "unit": "GiB"}}}]`, types+poolAWS)
			c.tier["nodePool"], c.pool["groups"] = "@nodePools.p#label", asg("lt")
			if _, stated := c.tier["memory"]; !stated && name != "merged with live" {
				c.tier["memory"] = "1GiB"
			}
			p := b.plan(all(object("hardwareTiers", "x", c.tier), object("nodePools", "p", c.pool)))
			var got []string
			for _, f := range p.Findings {
				word, _, _ := strings.Cut(strings.TrimPrefix(f.Message, "lt starts m5.large, and the files expect "), " ")
				if f.Code == "DC211" {
					word = "is"
				}
				got = append(got, string(f.Severity)+" "+word)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v: %+v", got, c.want, p.Findings)
			}
		})
	}
}

func TestLimitsAreJudgedTogetherWithWhatLives(t *testing.T) {
	b := newBench(t, smallTier, "")
	p := b.plan(object("hardwareTiers", "small", map[string]any{"memoryLimit": "8GiB"}))
	if !slices.ContainsFunc(p.Findings, func(f schema.Finding) bool { return f.Code == "DC104" }) {
		t.Errorf("%v", p.Findings)
	}
}
