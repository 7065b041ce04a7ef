package world_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

// TestCUDAWhereItRan: what ran in the last 30 days says which drivers count, in place of
// what the files let suspect.
func TestCUDAWhereItRan(t *testing.T) {
	const weak = "2 runs in 30 days on hardwareTiers.old, whose nodes start from amis.old, which promises the NVIDIA driver 450; the base has CUDA 12.4, which needs at least 525"
	run := func(id, tier, started string) string {
		return `{"_id": ` + id + `, "environmentId": {"$oid": "` + sparkID + `"}, "hw": "` + tier + `", "started": {"$date": "` + started + `"}}`
	}
	for name, c := range map[string]struct {
		runs    []string
		unknown bool
		want    []string
	}{
		"on old drivers":     {[]string{run("1", "old", "2026-02-20T00:00:00Z"), run("2", "old", "2026-02-21T00:00:00Z"), run("3", "new", "2026-02-21T00:00:00Z")}, false, []string{"DC728 " + weak}},
		"on new ones":        {[]string{run("1", "new", "2026-02-20T00:00:00Z")}, false, nil},
		"without a GPU":      {[]string{run("1", "cpu", "2026-02-20T00:00:00Z")}, false, nil},
		"long ago":           {[]string{run("1", "old", "2025-02-20T00:00:00Z")}, false, []string{"DC717 suspected"}},
		"nowhere":            {nil, false, []string{"DC717 suspected"}},
		"nobody knows where": {[]string{run("1", "old", "2026-02-20T00:00:00Z")}, true, []string{"DC717 suspected"}},
	} {
		b := withAPI(t)
		docs := strings.Replace(spark, `"isBuilt": true}}`, `"isBuilt": true}}`, 1) + `, "runs": [` + strings.Join(c.runs, ",") + `],
			"hardware_tier": [{"_id": "old", "name": "old", "nodePool": "old"}, {"_id": "new", "nodePool": "new"}, {"_id": "cpu", "nodePool": "cpu"}]`
		m, err := sandbox.NewMemory("sandbox.json", []byte(`{"aws": {"account": "111122223333", "region": "us-west-2"}, "mongo": {`+docs+`}}`))
		if err != nil {
			t.Fatal(err)
		}
		b.memory = m
		b.open(sandbox.Options{})
		if !c.unknown {
			b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": "hw"}
		}
		e := schema.Address{Kind: "environments", Name: "Spark"}
		b.found = []schema.Finding{{Code: "DC717", Severity: schema.Warning, Address: e, Message: "suspected"}}
		objects := object("environments", "Spark", map[string]any{"base.uri": "nvidia/cuda:12.4.1-runtime", "dockerfile": "RUN true"})
		maps.Copy(objects, object("hardwareTiers", "old", map[string]any{"name": "old"}))
		for _, pool := range []string{"old", "new"} {
			driver := map[string]string{"old": "450", "new": "550"}[pool]
			objects[schema.Address{Kind: "amis", Name: pool}] = schema.Object{Fields: map[string]schema.Value{"bake": schema.JSON(map[string]any{"gpu": map[string]any{"minDriver": driver}})}}
			objects[schema.Address{Kind: "nodePools", Name: pool}] = schema.Object{Fields: map[string]schema.Value{"label": schema.JSON(pool), "groups.a.ami": schema.RefTo(schema.Address{Kind: "amis", Name: pool}, "image")}}
		}
		var got []string
		for _, f := range b.plan(objects).Findings {
			if strings.HasPrefix(f.Code, "DC717") || f.Code == "DC728" {
				got = append(got, f.Code+" "+f.Message)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
