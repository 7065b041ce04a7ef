package world_test

import (
	"fmt"
	"strings"
	"testing"

	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

// TestAPartIsTheSameBesideALargerOne: what is read for rolls stands in a plan whichever kind
// has the most objects.
func TestAPartIsTheSameBesideALargerOne(t *testing.T) {
	tiers := []string{}
	for i := range 60 {
		tiers = append(tiers, fmt.Sprintf(`{"_id": "t%d", "name": "t%d"}`, i, i))
	}
	tier := object("hardwareTiers", "t1", map[string]any{"description": "one"})
	rolls := pool(asg("lt"), map[string]any{"ami": "@amis.gpu#image", "roll": schema.Roll{Strategy: schema.Surge, Alarms: []string{"errors"}}})
	b := newBench(t, `"hardware_tier": [`+strings.Join(tiers, ", ")+`]`, `"alarms": {"errors": {}}, `+poolImages+strings.Replace(poolAWS, `"lt": {`, `"lt": {"launches": true, `, 1))
	if got := findings(b.plan(all(rolls, tier))); strings.Contains(strings.Join(got, " "), "DC839") {
		t.Errorf("an alarm that is there is not: %v", got)
	}
	b.apply(pool(asg("lt"), map[string]any{"ami": "@amis.gpu#image"}))
	for _, files := range []map[schema.Address]schema.Object{rolls, all(rolls, tier)} {
		if got := steps(b.plan(files)); !strings.Contains(got, "roll.group asg/group#lt") {
			t.Errorf("nodes of another image are no difference beside %d objects: %s", len(files), got)
		}
	}
}

// TestExecutorsAreToldBesideALargerPart: a plan says which a roll ends.
func TestExecutorsAreToldBesideALargerPart(t *testing.T) {
	b, _ := yardBench(t, "")
	mongo := strings.Replace(yardMongo, `"ami-1"`, `"ami-11111111"`, 1) + `, "hardware_tier": [{"_id": "small", "name": "small"}]`
	b.memory = newBench(t, mongo, strings.Replace(yardAWS, `"ami-1"`, `"ami-11111111"`, 1)+", "+poolImages+poolAWS).memory
	b.open(sandbox.Options{})
	tier := object("hardwareTiers", "small", map[string]any{"ami": "ami-22222222", "roll": schema.Roll{Strategy: schema.OnDemand}})
	files := all(gpuImage(), tier, object("nodePools", "gpu", map[string]any{"groups": asg("lt", "follows", "latest", "mixed", "lc")}))
	var told []string
	for _, f := range b.plan(files).Findings {
		if f.Code == "DC863" {
			told = append(told, f.Message)
		}
	}
	if len(told) != 1 || !strings.Contains(told[0], "1 running (i-1)") {
		t.Errorf("told %q", told)
	}
}
