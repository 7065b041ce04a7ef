package compiler

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/literal"

	"domctl.dev/schema"
)

// Beside names the files that hold texts of objects, by address and path of the field,
// relative to the file that is written.
type Beside map[schema.Address]map[string]string

// Write states objects as a CUE file of package domino: what Compile reads back
// as the same objects. Objects are as Compile has them, before Spread: a pool's
// size stands on the pool. Comments, by address, come before their object. What stands
// beside is embedded from there. The function is pure; domctl import calls it.
func Write(objects map[schema.Address]schema.Object, comments map[schema.Address]string, beside Beside) ([]byte, error) {
	var b strings.Builder
	if len(beside) > 0 {
		b.WriteString("@extern(embed)\n\n")
	}
	b.WriteString("package domino\n")
	for _, a := range schema.Addresses(objects) {
		kind, ok := schema.KindOf(a.Kind)
		if !ok {
			return nil, fmt.Errorf("%s: there is no such kind", a)
		}
		text, err := objectText(kind, a.Name, objects[a], beside[a])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a, err)
		}
		b.WriteByte('\n')
		if c := comments[a]; c != "" {
			b.WriteString("// " + strings.ReplaceAll(c, "\n", "\n// ") + "\n")
		}
		b.WriteString(a.Kind + ": " + text + "\n")
	}
	return format.Source([]byte(b.String()))
}

// objectText is what stands after the kind: the name and the value.
func objectText(kind schema.Kind, name string, o schema.Object, beside map[string]string) (string, error) {
	if kind.Flat {
		return settingMember(name, o.Fields["value"])
	}
	root := &node{}
	for _, path := range order(kind, o) {
		f, ok := kind.Field(path)
		if !ok || f.Computed {
			return "", fmt.Errorf("the field %s cannot be stated", path)
		}
		text, err := fieldText(f, o.Fields[path])
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		if file := beside[path]; file != "" {
			text = "_ @embed(file=" + literal.String.Quote(file) + ",type=text)"
		}
		root.put(schema.SplitPath(path), text)
	}
	if len(root.below) == 0 {
		return label(name) + ": {}", nil
	}
	return label(name) + ": " + root.value(), nil
}

// order lists an object's fields as the kind's table does, identity first.
func order(kind schema.Kind, o schema.Object) []string {
	rank := func(path string) int {
		return slices.IndexFunc(kind.Fields, func(f schema.Field) bool {
			found, _ := kind.Field(path)
			return path != "id" && f.Path == found.Path
		})
	}
	paths := schema.Sorted(o.Fields)
	slices.SortStableFunc(paths, func(a, b string) int { return rank(a) - rank(b) })
	return paths
}

// node is a struct under construction; order is that of the first mention.
type node struct {
	text  string
	names []string
	below map[string]*node
}

func (n *node) put(path []string, text string) {
	if len(path) == 0 {
		n.text = text
		return
	}
	if n.below == nil {
		n.below = map[string]*node{}
	}
	next, ok := n.below[path[0]]
	if !ok {
		next = &node{}
		n.below[path[0]], n.names = next, append(n.names, path[0])
	}
	next.put(path[1:], text)
}

func (n *node) members() string {
	var b strings.Builder
	for _, name := range n.names {
		b.WriteString(label(name) + ": " + n.below[name].value() + "\n")
	}
	return b.String()
}

// value writes a struct of one member on one line, as people do.
func (n *node) value() string {
	switch len(n.names) {
	case 0:
		return n.text
	case 1:
		return label(n.names[0]) + ": " + n.below[n.names[0]].value()
	}
	return "{\n" + n.members() + "}"
}

func fieldText(f schema.Field, v schema.Value) (string, error) {
	switch v.Is {
	case schema.Unset:
		return "null", nil
	case schema.Ref:
		a, _, ok := v.Target()
		if !ok {
			return "", fmt.Errorf("%q is no reference", v.Text)
		}
		return quote(a.Name), nil
	case schema.Secret:
		return secretText(v), nil
	case schema.Known:
		if f.Type != schema.Any && f.Type != schema.List && f.Type != schema.Set {
			if s := v.Str(); s != "" {
				return quote(s), nil
			}
		}
		return v.Text, nil // JSON is CUE
	}
	return "", fmt.Errorf("a value that is %q cannot be written", v.Is)
}

// secretText writes "env:NAME" as {secret: {env: "NAME"}}.
func secretText(v schema.Value) string {
	source, where, _ := strings.Cut(v.Text, ":")
	return "secret: " + source + ": " + quote(where)
}

// settingMember writes a documented setting in its own type; any other, or one
// that holds what nobody documents, as the text it is.
func settingMember(name string, v schema.Value) (string, error) {
	s, documented := schema.SettingByName(name)
	n, err := strconv.ParseInt(v.Str(), 10, 64)
	switch {
	case documented && (v.Is == schema.Unset || v.Is == schema.Known && strconv.FormatInt(n, 10) == v.Str() && err == nil && n >= 0):
		return name + ": " + documentedText(s, v, n), nil
	case documented:
		name = s.Key
	}
	text, err := fieldText(schema.Field{Type: schema.String}, v)
	return "raw: " + quote(name) + ": " + text, err
}

func documentedText(s schema.Setting, v schema.Value, n int64) string {
	switch {
	case v.Is == schema.Unset:
		return "null"
	case s.Type == schema.Duration:
		return quote(shortDuration(time.Duration(n) * time.Second))
	}
	return strconv.FormatInt(n, 10)
}

// shortDuration leaves out the units that Go writes a zero of.
func shortDuration(d time.Duration) string {
	text := schema.CanonicalDuration(d)
	if rest, ok := strings.CutSuffix(text, "m0s"); ok {
		text = rest + "m"
	}
	if rest, ok := strings.CutSuffix(text, "h0m"); ok {
		text = rest + "h"
	}
	return text
}

// label writes a field's name, quoted unless CUE takes it as it is.
func label(name string) string {
	plain := strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
	if plain && name != "" && ast.IsValidIdent(name) && name[0] != '_' && !slices.Contains([]string{"true", "false", "null", "for", "if", "let", "in", "import", "package"}, name) {
		return name
	}
	return quote(name)
}

// quote writes text; one of several lines keeps them.
func quote(s string) string {
	if strings.Contains(s, "\n") {
		return literal.String.WithOptionalTabIndent(1).Quote(s)
	}
	return literal.String.Quote(s)
}
