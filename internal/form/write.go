package form

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"domctl.dev/schema"
)

// WriteTools is Tools' inverse: YAML of tools that stand as JSON, in the order of the
// form's own example.
func WriteTools(tools schema.Value) (string, error) {
	var plain map[string]any
	d := json.NewDecoder(strings.NewReader(tools.Text))
	d.UseNumber()
	if err := d.Decode(&plain); err != nil || tools.Is != schema.Known {
		return "", errors.New("no workspace tools by name")
	}
	var b strings.Builder
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(node(plain, []string{"title", "iconUrl", "start", "supportedFileExtensions", "httpProxy", "port", "internalPath", "rewrite", "requireSubdomain"})); err != nil {
		return "", err
	}
	return b.String(), e.Close()
}

// node writes maps with some keys before others.
func node(plain any, first []string) *yaml.Node {
	n := &yaml.Node{}
	switch x := plain.(type) {
	case map[string]any:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		put := func(k string) {
			key := &yaml.Node{}
			key.SetString(k)
			n.Content = append(n.Content, key, node(x[k], first))
		}
		for _, k := range first {
			if _, there := x[k]; there {
				put(k)
			}
		}
		for _, k := range schema.Sorted(x) {
			if !slices.Contains(first, k) {
				put(k)
			}
		}
	case []any:
		n.Kind, n.Tag, n.Style = yaml.SequenceNode, "!!seq", yaml.FlowStyle
		for _, e := range x {
			n.Content = append(n.Content, node(e, first))
		}
	case string:
		n.SetString(x)
		if strings.Contains(x, "\n") {
			n.Style = yaml.DoubleQuotedStyle
		}
	case json.Number:
		_ = n.Encode(x)
		n.Kind, n.Value, n.Tag, n.Style = yaml.ScalarNode, x.String(), "", 0
	default:
		_ = n.Encode(x)
	}
	return n
}
