package domino

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// shown is the definition that an answer with this in it reads as.
func shown(t *testing.T, extra string) (port.Definition, error) {
	t.Helper()
	client, _, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"environmentRevision": {"id": "`+rev+`", "imageType": "DefaultImage", `+extra+`}}`)
	})
	return client.GetDefinition(t.Context(), rev)
}

// TestCarriedVariables: a value that is not told is a mask, and what is no pair known is
// no variable.
func TestCarriedVariables(t *testing.T) {
	for text, want := range map[string]map[string]string{
		`[{"name": "TOKEN", "value": null}, {"name": "A", "value": "1"}]`: {"TOKEN": port.Mask, "A": "1"},
		`[{"A": "1", "TOKEN": null}]`:                                     {"A": "1", "TOKEN": port.Mask},
		`[]`:                                                              nil,
		`[{"name": "A", "value": "x", "kind": "secret"}]`:                 nil,
		`[{"name": "A"}]`:                                                 nil,
		`[{"name": null, "value": "x"}]`:                                  nil,
		`[{"key": "A", "value": "x"}]`:                                    nil,
		`[{"name": "A", "value": {}}]`:                                    nil,
		`[{"name": "A", "value": 1}]`:                                     nil,
		`[{"name": "", "value": "whole"}]`:                                nil,
	} {
		d, err := shown(t, `"buildEnvironmentVariables": `+text)
		if !maps.Equal(d.Variables, want) || (err != nil) != (want == nil && text != "[]") {
			t.Errorf("%s: %v, %v", text, d.Variables, err)
		}
	}
	if !port.Masked(port.Mask) {
		t.Error("the mask is none")
	}
}

// TestCarriedClusters: one that domctl does not know goes back as it came.
func TestCarriedClusters(t *testing.T) {
	d, err := shown(t, `"clusterTypes": ["Spark", "Hadoop", "MPI"]`)
	if err != nil || fmt.Sprint(d.Clusters) != "[Hadoop mpi spark]" || fmt.Sprint(clusterNames(d.Clusters)) != "[Hadoop MPI Spark]" {
		t.Errorf("%v, %v", d.Clusters, err)
	}
}

// TestCarriedTools: numbers and dates go back as they came, and what JSON cannot hold as
// its own text.
func TestCarriedTools(t *testing.T) {
	for text, want := range map[string]struct{ tools, back string }{
		"a: {count: 1000000, m: 9007199254740993, p: 8888, f: 1.50}": {`{"a":{"count":1000000,"f":1.5,"m":9007199254740993,"p":8888}}`, "a:\n    count: 1000000\n    f: 1.5\n    m: 9007199254740993\n    p: 8888\n"},
		"a: {title: 2020-01-01}":                                     {`{"a":{"title":"2020-01-01"}}`, "a:\n    title: \"2020-01-01\"\n"},
		"a: &x {title: t}\nb: {<<: *x, s: [1]}":                      {`{"a":{"title":"t"},"b":{"s":[1],"title":"t"}}`, "a:\n    title: t\nb:\n    s:\n        - 1\n    title: t\n"},
		"# nothing\n":                                                {"", ""},
		" ":                                                          {"", ""},
		"{}":                                                         {"", ""},
		"a: {8888: x}":                                               {`"a: {8888: x}"`, "a: {8888: x}"},
		"a: .nan":                                                    {`"a: .nan"`, "a: .nan"},
		"a: {}\na: {}":                                               {`"a: {}\na: {}"`, "a: {}\na: {}"},
		"a: {}\n---\nb: {}":                                          {`"a: {}\n---\nb: {}"`, "a: {}\n---\nb: {}"},
		"- a\n b":                                                    {`"- a\n b"`, "- a\n b"},
		"a: [":                                                       {`"a: ["`, "a: ["},
		"a: {rewrite: yes}":                                          {`"a: {rewrite: yes}"`, "a: {rewrite: yes}"},
		"a: {port: 0x1F}":                                            {`"a: {port: 0x1F}"`, "a: {port: 0x1F}"},
		"a: 99999999999999999999999":                                 {`"a: 99999999999999999999999"`, "a: 99999999999999999999999"},
		"a: !!binary aGk=":                                           {`"a: !!binary aGk="`, "a: !!binary aGk="},
	} {
		d, err := shown(t, `"workspacesProperties": {"raw": `+schema.JSON(text).Text+`}`)
		if err != nil || d.Tools != want.tools {
			t.Errorf("%q: %s, %v", text, d.Tools, err)
		}
		if back, err := toolsYAML(d.Tools); err != nil || back != want.back || toolsJSON(back) != d.Tools {
			t.Errorf("%q went back as %q, %v", text, back, err)
		}
	}
}

// TestOddTools go back as they came: what is too long or too deep to be read, and what
// the library fails at.
func TestOddTools(t *testing.T) {
	for name, text := range map[string]string{
		"long":  "a: {title: x} #" + strings.Repeat("x", mostTools),
		"deep":  "a: " + strings.Repeat("[", mostDeep) + strings.Repeat("]", mostDeep),
		"below": strings.Repeat("- ", 20_000) + "a",
	} {
		tools := toolsJSON(text)
		if back, err := toolsYAML(tools); err != nil || back != text || !strings.HasPrefix(tools, `"`) {
			t.Errorf("%s: %.40s, %v", name, back, err)
		}
	}
	if tools, ok := tried(func() (map[string]any, bool) { panic("no") }); tools != nil || ok {
		t.Error(tools, ok)
	}
}
