package planner

import (
	"bytes"
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestRows: what differs within a value is seen, however long the value is.
func TestRows(t *testing.T) {
	tool := func(port int) map[string]any {
		return map[string]any{"title": strings.Repeat("a long title ", 20), "httpProxy": map[string]any{"port": port}}
	}
	long := strings.Repeat("é", 300)
	many := map[string]any{}
	for _, r := range "abcdefghijklmnopqrstuvwxyz" {
		many[string(r)] = 1
	}
	for name, c := range map[string]struct {
		before, after any
		want          string
	}{
		"a leaf":         {map[string]any{"jupyter": tool(1), "rstudio": tool(8889)}, map[string]any{"jupyter": tool(1), "rstudio": tool(8890)}, "    tools.rstudio.httpProxy.port  8889 → 8890\n"},
		"one that goes":  {map[string]any{"a": 1, "b.c": 2}, map[string]any{"a": 1}, "    tools.\"b.c\"  2 → (not set)\n"},
		"another sort":   {map[string]any{"a": 1}, map[string]any{"a": map[string]any{"b": 2}}, "    tools.a  1 → {\"b\":2}\n"},
		"a scalar":       {map[string]any{"$oid": "0a"}, map[string]any{"$oid": "0b"}, "    tools  0a → 0b\n"},
		"alike for long": {long + "1", long + "2", "    tools  …" + strings.Repeat("é", 12) + "1 → …" + strings.Repeat("é", 12) + "2\n"},
		"hidden":         {schema.Value{Is: schema.Digest, Text: "x"}, schema.Value{Is: schema.Digest, Text: "y"}, "    tools  (secret) → (secret)\n"},
		"too many":       {many, map[string]any{"z": 1, "é": 2}, "    tools  {\"a\":1,"},
	} {
		value := func(v any) schema.Value {
			if v, is := v.(schema.Value); is {
				return v
			}
			return schema.JSON(v)
		}
		var b bytes.Buffer
		writeChange(&b, Change{Address: schema.EnvironmentAddress("e"), Action: ActionUpdate, Fields: []Diff{{Path: "tools", Before: value(c.before), After: value(c.after)}}}, Style{})
		if !strings.Contains(b.String(), c.want) {
			t.Errorf("%s: %s\nwant %s", name, b.String(), c.want)
		}
	}
}
