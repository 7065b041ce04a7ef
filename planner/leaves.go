package planner

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"domctl.dev/schema"
)

// mostLeaves is how many rows one field is shown in.
const mostLeaves = 24

// Rows are the fields of a change as people read them: of an object that stays one,
// what differs within it, each with its path.
func (c Change) Rows() (rows []Diff) {
	for _, d := range c.Fields {
		leaves := d.leaves()
		if len(leaves) == 0 || len(leaves) > mostLeaves {
			leaves = []Diff{d}
		}
		rows = append(rows, leaves...)
	}
	return rows
}

// leaves are the differences within two objects; nil where either side is none.
func (d Diff) leaves() (out []Diff) {
	before, ok := members(d.Before)
	after, too := members(d.After)
	if !ok || !too || d.BeforeName+d.AfterName != "" {
		return nil
	}
	names := map[string]bool{}
	for _, side := range []map[string]json.RawMessage{before, after} {
		for name := range side {
			names[name] = true
		}
	}
	for _, name := range schema.Sorted(names) {
		leaf := Diff{Path: d.Path + "." + schema.JoinPath(name), Before: member(before, name), After: member(after, name)}
		if leaf.Before == leaf.After {
			continue
		}
		if within := leaf.leaves(); len(within) > 0 {
			out = append(out, within...)
			continue
		}
		out = append(out, leaf)
	}
	return out
}

// members are those of a known JSON object; a scalar of Extended JSON is none.
func members(v schema.Value) (all map[string]json.RawMessage, ok bool) {
	if v.Is != schema.Known || !strings.HasPrefix(v.Text, "{") || strings.HasPrefix(v.Text, `{"$`) {
		return nil, false
	}
	return all, json.Unmarshal([]byte(v.Text), &all) == nil
}

func member(of map[string]json.RawMessage, name string) schema.Value {
	if raw, there := of[name]; there {
		return schema.Value{Is: schema.Known, Text: string(raw)}
	}
	return schema.Value{}
}

// oneLines are two values in one line each, cut so that it shows where they differ.
func (s Style) oneLines(before, after schema.Value) (string, string) {
	a, b := s.oneLine(before), s.oneLine(after)
	if a != b || before == after {
		return a, b
	}
	const lead = 24 // bytes that stand before what differs
	x, y := before.Display(), after.Display()
	same := 0
	for same < min(len(x), len(y)) && x[same] == y[same] {
		same++
	}
	if same -= lead; same <= 0 {
		return a, b
	}
	for same > 0 && !utf8.RuneStart(x[same]) {
		same--
	}
	return "…" + s.clip(x[same:]), "…" + s.clip(y[same:])
}
