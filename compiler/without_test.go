package compiler

import (
	"testing"

	"domctl.dev/schema"
)

func TestWithout(t *testing.T) {
	bases, spark := []string{"amis", "big", "bake", "cache", "baseImages"}, []string{"amis", "big", "bake", "cache", "environments", "spark"}
	for _, c := range []struct {
		text    string
		path    []string
		element schema.Value
		want    string // "": nothing is done
	}{
		{`amis: big: bake: cache: baseImages: ["a", "b", "c"] // why`, bases, schema.JSON("a"), `amis: big: bake: cache: baseImages: ["b", "c"] // why`},
		{`amis: big: bake: cache: baseImages: ["a", "b", "c"]`, bases, schema.JSON("b"), `amis: big: bake: cache: baseImages: ["a", "c"]`},
		{`amis: big: bake: cache: baseImages: ["a", "b", "c",]`, bases, schema.JSON("c"), `amis: big: bake: cache: baseImages: ["a", "b",]`},
		{`amis: "big": bake: {cache: {baseImages: ["a"]}}`, bases, schema.JSON("a"), `amis: "big": bake: {cache: {baseImages: []}}`},
		{"amis: big: bake: cache: environments: spark: [\n\t\"active\",\n\t7,\n]", spark, schema.JSON(7), "amis: big: bake: cache: environments: spark: [\n\t\"active\",\n]"},
		{`amis: big: bake: cache: environments: spark: ["active", 7]`, spark, schema.JSON("active"), `amis: big: bake: cache: environments: spark: [7]`},
		{`amis: big: bake: cache: baseImages: ["a", "a"]`, bases, schema.JSON("a"), ""},
		{`amis: [string]: bake: cache: baseImages: ["a"]`, bases, schema.JSON("a"), ""},
		{`amis: other: bake: cache: baseImages: ["a"]`, bases, schema.JSON("a"), ""},
		{`amis: big: bake: cache: baseImages: [for x in ["a"] {x}]`, bases, schema.JSON("a"), ""},
		{`amis: big: bake: cache: baseImages: "a"`, bases, schema.JSON("a"), ""},
	} {
		got, ok, err := Without("f.cue", []byte("package domino\n\n"+c.text+"\n"), c.path, c.element)
		if err != nil || ok != (c.want != "") || ok && string(got) != "package domino\n\n"+c.want+"\n" {
			t.Errorf("%s without %s: %v %v\n%s", c.text, c.element.Text, ok, err, got)
		}
	}
	if _, ok, err := Without("f.cue", []byte("package"), bases, schema.JSON("a")); ok || err == nil {
		t.Error("a file that cannot be read was cut")
	}
}
