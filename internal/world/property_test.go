package world_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"domctl.dev/schema"
)

// TestWhatIsWrittenIsRead holds the round trip over random worlds and random files:
// what is applied is what a read then answers, and the way back leads to where it
// began.
func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mongo, aws := randomMongo(t), randomAWS(t)
		b := newBench(t, mongo, aws)
		objects := randomDesired(t)
		p := b.settled(objects)
		for _, f := range p.Findings {
			if f.Severity == schema.Error {
				t.Fatalf("%+v", f)
			}
		}
	})
}

// number draws a number in any of the types that MongoDB has.
func number(t *rapid.T, label string) string {
	n := rapid.IntRange(0, 64).Draw(t, label)
	return rapid.SampledFrom([]string{fmt.Sprint(n), fmt.Sprintf(`{"$numberLong": "%d"}`, n), fmt.Sprintf(`{"$numberDouble": "%d.5"}`, n),
		fmt.Sprintf(`{"$numberDecimal": "%d.25"}`, n)}).Draw(t, label+" type")
}

// some draws members of a JSON object, each there or not.
func some(t *rapid.T, label string, members ...string) string {
	var out []string
	for i, m := range members {
		if rapid.Bool().Draw(t, fmt.Sprintf("%s %d", label, i)) {
			out = append(out, m)
		}
	}
	return "{" + strings.Join(out, ", ") + "}"
}

func randomTier(t *rapid.T, id string) string {
	unit := rapid.SampledFrom([]string{"unit", "units"}).Draw(t, "unit")
	bytes := func(label string) string {
		return fmt.Sprintf(`{"value": %d, %q: %q}`, rapid.IntRange(1, 99).Draw(t, label), unit, rapid.SampledFrom([]string{"GiB", "MiB", "GB", "MB"}).Draw(t, label+" unit"))
	}
	days := rapid.SampledFrom([]string{`["MONDAY"]`, `["Mon", "Sun"]`, `["friday", "friday"]`, `[]`, `null`}).Draw(t, "days")
	clock := rapid.SampledFrom([]string{`"08:00"`, `"08:00:00"`, `"08:00:30"`, `null`}).Draw(t, "time")
	body := some(t, "tier",
		`"name": "`+id+`"`, `"mine": {"$numberLong": "7"}`, `"centsPerMinute": `+number(t, "cents"), `"nodePool": "default"`,
		`"resources": `+some(t, "resources", `"cores": `+number(t, "cores"), `"memory": `+bytes("memory"), `"memoryLimit": `+bytes("limit"), `"x": null`),
		`"flags": `+some(t, "flags", `"isDefault": true`, `"isArchived": false`, `"isVisible": null`),
		`"podCustomization": `+some(t, "pods", `"additionalLabels": `+some(t, "labels", `"example.com/a": "1"`, `"b": "2"`), `"capabilities": ["B", "A"]`),
		`"overProvisioning": `+some(t, "over", `"daysOfWeek": `+days, `"fromTime": `+clock, `"instances": `+number(t, "instances")),
		`"tags": ["b", "a"]`, `"computeClusterRestrictions": {"restrictToSpark": true}`)
	return `{"_id": "` + id + `"` + strings.Replace(", "+body[1:], ", }", "}", 1)
}

func randomMongo(t *rapid.T) string {
	var tiers, settings []string
	for i := range rapid.IntRange(1, 3).Draw(t, "tiers") {
		tiers = append(tiers, randomTier(t, fmt.Sprintf("t%d", i)))
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "settings") {
		settings = append(settings, fmt.Sprintf(`{"_id": %d, "namespace": "common", "key": "k%d", "value": %q}`, i, i, rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "value")))
	}
	settings = append(settings, `{"_id": "x", "namespace": "other", "key": "k0", "value": "x"}`)
	return `"hardware_tier": [` + strings.Join(tiers, ", ") + `], "config": [` + strings.Join(settings, ", ") + `], ` + spark
}

func randomAWS(t *rapid.T) string {
	version := rapid.SampledFrom([]string{"1", "2", "3", "$Default", ""}).Draw(t, "version")
	aws := strings.Replace(poolAWS, `"template": "lt-1", "version": "2"`, fmt.Sprintf(`"template": "lt-1", "version": %q`, version), 1)
	tags := rapid.SampledFrom([]string{"", `"tags": {"` + teamLabel + `": "a", "` + poolsLabel + `": "q"}, `, `"tags": {"` + teamLabel + `": "z", "cost": "1"}, "tagsKept": ["` + teamLabel + `"], `}).Draw(t, "tags")
	return poolImages + strings.ReplaceAll(aws, `"lt": {`, `"lt": {`+tags)
}

// maybe states a field in half of the draws, as null in a few.
func maybe[T any](t *rapid.T, fields map[string]any, path string, g *rapid.Generator[T]) {
	switch rapid.IntRange(0, 9).Draw(t, path) {
	case 0:
		fields[path] = nil
	case 1, 2, 3, 4:
		fields[path] = g.Draw(t, path)
	}
}

func randomDesired(t *rapid.T) map[schema.Address]schema.Object {
	objects := gpuImage()
	for i := range rapid.IntRange(0, 4).Draw(t, "desired tiers") {
		objects = all(objects, object("hardwareTiers", fmt.Sprintf("t%d", i), randomTierFields(t)))
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "desired settings") {
		fields := map[string]any{"value": "a"}
		maybe(t, fields, "value", rapid.SampledFrom([]string{"a", "b", "c"}))
		objects = all(objects, object("settings", fmt.Sprintf("k%d", i), fields))
	}
	env := map[string]any{}
	maybe(t, env, "description", rapid.SampledFrom([]string{"new", "old", ""}))
	maybe(t, env, "archived", rapid.Bool())
	for path, g := range map[string]*rapid.Generator[any]{
		"visibility":     rapid.SampledFrom([]any{"private", "organization", "global"}),
		"activeRevision": rapid.SampledFrom([]any{1, 2}),
		"name":           rapid.SampledFrom([]any{"Spark", "Spark 2"}),
	} {
		if rapid.Bool().Draw(t, path+" stated") {
			env[path] = g.Draw(t, path)
		}
	}
	groups := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"lt", "mixed", "lc", "lc2"}), 0, 4, rapid.ID[string]).Draw(t, "groups")
	fields := map[string]any{"groups": asg(groups...)}
	if rapid.Bool().Draw(t, "ami stated") {
		fields["ami"] = rapid.SampledFrom([]string{"@amis.gpu#image", "ami-11111111"}).Draw(t, "ami")
	}
	for path, sizes := range map[string][]int{"size.min": {0, 1, 2}, "size.max": {2, 3, 5}} {
		if rapid.Bool().Draw(t, path+" stated") {
			fields[path] = rapid.SampledFrom(sizes).Draw(t, path)
		}
	}
	for path, values := range map[string][]any{"labels.team": {"a", "b"}, "labels.x": {"1"}, "taints.gpu": {"true:NoSchedule", ":PreferNoSchedule"}, "scaleDownDelay": {"20m0s", "1d"}} {
		if rapid.Bool().Draw(t, path+" stated") {
			fields[path] = rapid.SampledFrom(values).Draw(t, path)
		}
	}
	return all(objects, object("environments", "Spark", env), object("nodePools", "p", fields))
}

func randomTierFields(t *rapid.T) map[string]any {
	fields := map[string]any{}
	size := rapid.Custom(func(t *rapid.T) string {
		return schema.CanonicalBytes(int64(rapid.IntRange(1, 4096).Draw(t, "MiB")) << 20)
	})
	decimal := rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(0, 400).Draw(t, "quarters")) / 4 })
	for _, p := range []string{"cores", "coresLimit", "centsPerMinute"} {
		maybe(t, fields, p, decimal)
	}
	for _, p := range []string{"memory", "memoryLimit", "sharedMemoryLimit"} {
		maybe(t, fields, p, size)
	}
	for _, p := range []string{"isDefault", "isVisible", "archived", "allowSharedMemoryToExceedDefault", "enableSpotInstances"} {
		maybe(t, fields, p, rapid.Bool())
	}
	for _, p := range []string{"gpu.count", "maxSimultaneousExecutions", "overProvisioning.instances"} {
		maybe(t, fields, p, rapid.IntRange(0, 9))
	}
	for _, p := range []string{"name", "gpu.key", `podCustomization.additionalLabels."example.com/a"`, "podCustomization.additionalLabels.b", "podCustomization.hugepages.x"} {
		maybe(t, fields, p, rapid.SampledFrom([]string{"", "v", "t1 \"<>& é"}))
	}
	maybe(t, fields, "overProvisioning.fromTime", rapid.SampledFrom([]string{"08:00", "08:00:30", "23:59"}))
	maybe(t, fields, "overProvisioning.daysOfWeek", rapid.SampledFrom([][]string{{}, {"mon"}, {"fri", "sun"}}))
	maybe(t, fields, "tags", rapid.SampledFrom([][]string{{}, {"a"}, {"a", "b"}}))
	maybe(t, fields, "computeClusterRestrictions", rapid.SampledFrom([]map[string]bool{{}, {"restrictToSpark": true}, {"a": true, "b": false}}))
	return fields
}
