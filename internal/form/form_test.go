package form

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"domctl.dev/schema"
)

const jupyter = `jupyter:
  title: "Jupyter (Python, R, Julia)"
  iconUrl: /assets/images/workspace-logos/Jupyter.svg
  start: [ "/opt/domino/workspaces/jupyter/start" ]
  supportedFileExtensions: [ ".ipynb" ]
  httpProxy:
    port: 8888
    rewrite: false
    internalPath: "/{{ownerUsername}}/{{projectName}}/{{sessionPathComponent}}/{{runId}}/{{#if pathToOpen}}tree/{{pathToOpen}}{{/if}}"
    requireSubdomain: false
`

// told are faults with their places.
func told(text string, faults []Fault) (out []string) {
	for _, f := range faults {
		line, col := Place(text, f.Offset)
		out = append(out, fmt.Sprintf("%d:%d: %s", line, col, f.Why))
	}
	return out
}

func TestTools(t *testing.T) {
	tools, at, faults := Tools(jupyter)
	if len(faults) > 0 || schema.JSON(tools).Text != `{"jupyter":{"httpProxy":{"internalPath":"/{{ownerUsername}}/{{projectName}}/{{sessionPathComponent}}/{{runId}}/{{#if pathToOpen}}tree/{{pathToOpen}}{{/if}}","port":8888,"requireSubdomain":false,"rewrite":false},"iconUrl":"/assets/images/workspace-logos/Jupyter.svg","start":["/opt/domino/workspaces/jupyter/start"],"supportedFileExtensions":[".ipynb"],"title":"Jupyter (Python, R, Julia)"}}` {
		t.Errorf("%v %v", schema.JSON(tools).Text, told(jupyter, faults))
	}
	for path, want := range map[string]string{"jupyter": "1:1", "jupyter.httpProxy.port": "7:5", "jupyter.start.0": "4:12"} {
		if line, col := Place(jupyter, at[path]); fmt.Sprintf("%d:%d", line, col) != want {
			t.Errorf("%s at %d:%d, want %s", path, line, col, want)
		}
	}
	back, err := WriteTools(schema.JSON(tools))
	if err != nil {
		t.Fatal(err)
	}
	again, _, faults := Tools(back)
	if !reflect.DeepEqual(again, tools) || len(faults) > 0 {
		t.Errorf("%s\n%v", back, faults)
	}
	if tools, _, faults := Tools(" \n# none\n"); len(tools) != 0 || tools == nil || faults != nil {
		t.Errorf("%v %v", tools, faults)
	}
}

func TestToolFaults(t *testing.T) {
	for text, want := range map[string]string{
		"jupyter:\n  tittle: x":                `2:3: jupyter.tittle is no field of a workspace tool; did you mean "title"?`,
		"a: {colour: x}":                       "1:5: a.colour is no field of a workspace tool; declared: httpProxy, iconUrl, start, supportedFileExtensions and title",
		"é: x\nb: {httpProxy: {port: '8888'}}": "1:1: \"é\" has no fields|2:17: b.httpProxy.port is no port: 1 to 65535",
		"a: {start: /x}":                       "1:5: a.start is no list of texts",
		"a: {start: [1]}":                      "1:5: a.start is no list of texts",
		"a: {httpProxy: {rewrite: yes}}":       "1:17: a.httpProxy.rewrite is neither true nor false",
		"- a":                                  "1:1: are no tools by name",
		"a: {title: x}\na: {title: y}":         "2:1: the key a stands twice",
		"a: &x {title: b}\nc: *x":              "1:4: is an anchor, or refers to one; write out what is meant|2:4: is an anchor, or refers to one; write out what is meant",
		"a: {}\n---\nb: {}":                    "2:1: is a second document; one file holds one",
		"a:\n\tb: c":                           "2:1: is no YAML: found character that cannot start any token",
		"a: {title: !x y}":                     "1:12: has the tag !x, which nothing here takes",
		"\"\": {}":                             `1:1: "" is empty`,
		"a: {title: 'y', httpProxy: {port: 99999999999999999999}}": "1:29: a.httpProxy.port is no port: 1 to 65535",
		strings.Repeat("[", 30) + strings.Repeat("]", 30):          "1:22: lies deeper than 20 values within each other",
		"\xff": "1:1: is no text in UTF-8",
	} {
		tools, _, faults := Tools(text)
		if got := strings.Join(told(text, faults), "|"); got != want || tools != nil {
			t.Errorf("%q\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func FuzzTools(f *testing.F) {
	for _, s := range []string{jupyter, "a: {start: [x]}", "? [a]\n: b", "a: |\n  x\n", "\ufeffa: {}", "a: {title: 1e999}", "a\u0085b: c", "a: 0x1F\r\nb: ~"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tools, at, faults := Tools(text)
		for _, fault := range faults {
			if fault.Offset < 0 || fault.Offset > len(text) || fault.Why == "" {
				t.Errorf("%+v", fault)
			}
		}
		if len(faults) > 0 {
			return
		}
		for p, o := range at {
			if o < 0 || o > len(text) {
				t.Errorf("%s at %d of %d", p, o, len(text))
			}
		}
		want := schema.JSON(tools)
		back, err := WriteTools(want)
		if err != nil {
			t.Fatalf("%v: %s", err, want.Text)
		}
		again, _, faults := Tools(back)
		if len(faults) > 0 || schema.JSON(again) != want {
			t.Errorf("%v\n%s\n%s\n%s", faults, want.Text, schema.JSON(again).Text, back)
		}
	})
}
