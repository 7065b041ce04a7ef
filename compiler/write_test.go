package compiler

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"domctl.dev/internal/gen"
	"domctl.dev/schema"
)

func known(fields map[string]any) schema.Object {
	o := schema.Object{Fields: map[string]schema.Value{}}
	for p, v := range fields {
		o.Fields[p] = schema.JSON(v)
	}
	return o
}

func TestWrite(t *testing.T) {
	settings := known(map[string]any{"value": "3600"})
	tier := known(map[string]any{"id": "gpu-small", "cores": 3, "memory": "12GiB", "gpu.count": 1, "archived": false, "tags": []string{"a", "b"},
		`podCustomization.additionalLabels."example.com/x"`: "y", "name": ""})
	tier.Fields["ami"] = schema.RefTo(schema.Address{Kind: "amis", Name: "special"}, "image")
	tier.Fields["coresLimit"] = schema.Value{Is: schema.Unset}
	got, err := Write(map[schema.Address]schema.Object{
		{Kind: "hardwareTiers", Name: "gpu-small"}:           tier,
		{Kind: "settings", Name: "preparingStateTimeout"}:    settings,
		{Kind: "settings", Name: "maximumExecutionsPerUser"}: known(map[string]any{"value": "many"}),
		{Kind: "settings", Name: "com.x.y"}:                  {Fields: map[string]schema.Value{"value": {Is: schema.Secret, Text: "env:X"}}},
		{Kind: "environments", Name: "Spark 3.5"}:            known(map[string]any{"description": "two\nlines"}),
		{Kind: "amis", Name: "special"}:                      known(map[string]any{"pin.id": "ami-01234567", "pin.reason": "found"}),
		{Kind: "baseImages", Name: "x"}:                      known(nil),
	}, map[schema.Address]string{{Kind: "amis", Name: "special"}: "found on\ntwo lines"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = `package domino

// found on
// two lines
amis: special: pin: {
	id:     "ami-01234567"
	reason: "found"
}

baseImages: x: {}

environments: "Spark 3.5": description: """
	two
	lines
	"""

hardwareTiers: "gpu-small": {
	id:         "gpu-small"
	name:       ""
	cores:      3
	coresLimit: null
	memory:     "12GiB"
	gpu: count: 1
	archived: false
	podCustomization: additionalLabels: "example.com/x": "y"
	tags: ["a", "b"]
	ami: "special"
}

settings: raw: "com.x.y": secret: env: "X"

settings: raw: "com.cerebro.domino.computegrid.userExecutionsQuota.maximumExecutionsPerUser": "many"

settings: preparingStateTimeout: "1h"
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// compiled is compileFiles for a property check.
func compiled(t *rapid.T, files map[string]string) Result {
	tree := fstest.MapFS{"cue.mod/module.cue": {Data: []byte(gen.Module)}}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	en, err := compile(context.Background(), tree, Source{Root: "/", Dir: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	return en.result
}

// TestWhatIsWrittenCompilesToTheSame holds Write and Compile together over
// objects of any text.
func TestWhatIsWrittenCompilesToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~\n\t]{0,20}`), rapid.SampledFrom([]string{"null", "_", "#", `\(x)`, `"""`, "a\r\nb", "\n", "\"#", "for"}))
		tier := known(map[string]any{"name": text.Draw(t, "name"), "cores": float64(rapid.IntRange(1, 999).Draw(t, "cores")) / 8,
			"memory": schema.CanonicalBytes(rapid.Int64Range(0, 1<<40).Draw(t, "memory")), "isDefault": true})
		for k, v := range rapid.MapOfN(text, text, 0, 3).Draw(t, "labels") {
			tier.Fields[schema.JoinPath("podCustomization", "additionalLabels", k)] = schema.JSON(v)
		}
		tags := rapid.SliceOfN(rapid.StringMatching(`[a-z"\\]{0,4}`), 0, 3).Draw(t, "tags")
		slices.SortFunc(tags, func(a, b string) int { return strings.Compare(schema.JSON(a).Text, schema.JSON(b).Text) })
		tier.Fields["tags"] = schema.JSON(append([]string{}, slices.Compact(tags)...))
		objects := map[schema.Address]schema.Object{
			{Kind: "hardwareTiers", Name: rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9_.-]{0,5}`).Draw(t, "tier")}:    tier,
			{Kind: "environments", Name: text.Filter(func(s string) bool { return s != "" }).Draw(t, "environment")}: known(map[string]any{"description": text.Draw(t, "description")}),
			{Kind: "settings", Name: "preparingStateTimeout"}:                                                        known(map[string]any{"value": rapid.SampledFrom([]string{"0", "1", "60", "3600", "5400", "86400", "90061", "007", "-1", "x"}).Draw(t, "timeout")}),
			{Kind: "settings", Name: "com." + rapid.StringMatching(`[a-zA-Z."-]{1,9}`).Draw(t, "key")}:               known(map[string]any{"value": text.Draw(t, "value")}),
		}
		written, err := Write(objects, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := compiled(t, map[string]string{"prod/deployment.cue": "package domino\n\ndeployment: {name: \"x\", world: \"sandbox\"}\n", "prod/imported.cue": string(written)})
		for _, f := range got.Findings {
			if f.Severity == schema.Error && f.Code != codeName { // what is no name for people is written all the same
				t.Fatalf("%+v\n%s", f, written)
			}
		}
		for a, o := range objects {
			if have := got.Desired.Objects[a].Fields; !maps.Equal(have, o.Fields) {
				t.Fatalf("%s\ngot  %v\nwant %v\n%s", a, have, o.Fields, written)
			}
		}
	})
}
