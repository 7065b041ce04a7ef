package domino

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// toolsJSON reads the YAML of Domino's form: JSON of the tools by name. Of text that JSON
// cannot hold as it is, a string of JSON, so that it goes back unchanged.
func toolsJSON(text string) string {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	tools, ok := toolsByName(text)
	if ok && len(tools) == 0 {
		return ""
	}
	if out, err := json.Marshal(tools); ok && err == nil {
		return string(out)
	}
	out, _ := json.Marshal(text)
	return string(out)
}

// mostTools is how many bytes of tools are read, and mostDeep how deep they may lie within
// each other; others go back as they came.
const (
	mostTools = 1 << 20
	mostDeep  = 100
)

// toolsByName reads one document of YAML; false for what does not read as the same in
// JSON.
func toolsByName(text string) (tools map[string]any, ok bool) {
	if len(text) > mostTools {
		return nil, false
	}
	return tried(func() (map[string]any, bool) { return oneDocument(text) })
}

// tried is false where the library panics.
func tried(read func() (map[string]any, bool)) (tools map[string]any, ok bool) {
	defer func() {
		if recover() != nil {
			tools, ok = nil, false
		}
	}()
	return read()
}

func oneDocument(text string) (tools map[string]any, ok bool) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	var root, more yaml.Node
	if err := dec.Decode(&root); err == io.EOF {
		return nil, true
	} else if err != nil || dec.Decode(&more) != io.EOF || !faithful(&root, 0) {
		return nil, false
	}
	return tools, root.Decode(&tools) == nil
}

// Numbers that JSON writes alike, and words that are text in YAML 1.2 alone.
var (
	plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,15})?$`)
	oddText     = regexp.MustCompile(`(?i)^(yes|no|on|off|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+)$`)
)

// faithful says that every scalar is the same in JSON, and takes dates for text, which
// Domino's form knows alone.
func faithful(n *yaml.Node, deep int) bool {
	ok := deep < mostDeep
	if n.Kind == yaml.ScalarNode {
		switch n.ShortTag() {
		case "!!timestamp":
			n.Tag = "!!str"
		case "!!int", "!!float":
			ok = plainNumber.MatchString(n.Value)
		case "!!str":
			ok = n.Style != 0 || !oddText.MatchString(n.Value)
		case "!!binary":
			ok = false
		}
	}
	for _, c := range n.Content {
		ok = ok && faithful(c, deep+1)
	}
	return ok
}

// toolsYAML is toolsJSON's inverse.
func toolsYAML(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	var raw string
	if json.Unmarshal([]byte(text), &raw) == nil {
		return raw, nil
	}
	var tools map[string]any
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	if err := dec.Decode(&tools); err != nil {
		return "", err
	}
	out, err := yaml.Marshal(numbered(tools))
	return string(out), err
}

// numbered has numbers as YAML takes them, with the digits they came with.
func numbered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = numbered(v[k])
		}
	case []any:
		for i := range v {
			v[i] = numbered(v[i])
		}
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}
	}
	return v
}
