package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"domctl.dev/schema"
)

// reading fills a value from YAML, and notes everything that is wrong with the text
// instead of the first of it: unknown and repeated fields, what is of another type,
// and aliases, which nothing here needs and which can make much of little.
type reading struct {
	file  string
	found []schema.Finding
	// at is where each field stands, by its path: "deployments.prod.aws.account".
	at map[string]schema.Position
	// bad are the paths of which no value could be read.
	bad map[string]bool
	// leads are the references, and the files that are named, in the file's order.
	leads []lead
}

// where says where a path stands, or the nearest above it that is there.
func (r *reading) where(path string) []schema.Position {
	for {
		if at, ok := r.at[path]; ok {
			return []schema.Position{at}
		}
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			return []schema.Position{{File: r.file, Line: 1, Col: 1}}
		}
		path = path[:i]
	}
}

func (r *reading) wrong(at []schema.Position, hint, format string, args ...any) {
	r.found = append(r.found, schema.Finding{Code: "DC520", Severity: schema.Error, Message: fmt.Sprintf(format, args...), Hint: hint, Positions: at})
}

func (r *reading) node(n *yaml.Node, hint, format string, args ...any) {
	r.wrong([]schema.Position{r.position(n)}, hint, format, args...)
}

func (r *reading) position(n *yaml.Node) schema.Position {
	return schema.Position{File: r.file, Line: n.Line, Col: n.Column}
}

// read fills into, a pointer to a struct, from the one document of a text.
func (r *reading) read(text []byte, into any) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		r.wrong(r.where(""), "see docs/gitops.md for one to start from", "the file is empty")
		return
	case err != nil:
		r.syntax(err)
		return
	}
	r.value(doc.Content[0], "", reflect.ValueOf(into).Elem())
	if err := d.Decode(&more); err == nil {
		r.node(&more, "keep one document in the file", "the file holds a second document")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	}
}

// syntax keeps the line that yaml names; it names no column.
func (r *reading) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	at := schema.Position{File: r.file, Line: 1, Col: 1}
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		number, what, _ := strings.Cut(rest, ": ")
		if line, err := strconv.Atoi(number); err == nil {
			at.Line, text = line, what
		}
	}
	r.wrong([]schema.Position{at}, "", "the file is no YAML: %s", text)
}

func (r *reading) value(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		r.bad[path] = true
		r.node(n, "write it out", "%s is an anchor or an alias, which are not read here", named(path))
		return
	}
	if _, ok := r.at[path]; !ok {
		r.at[path] = r.position(n)
	}
	if n.Tag == "!!null" {
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		r.duration(n, path, v)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.value(n, path, v.Elem())
	case v.Kind() == reflect.Struct:
		r.fields(n, path, v)
	case v.Kind() == reflect.Map:
		r.members(n, path, v)
	case v.Kind() == reflect.Slice:
		r.items(n, path, v)
	default:
		r.scalar(n, path, v)
	}
}

func named(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func (r *reading) kind(n *yaml.Node, want yaml.Kind, path, what string) bool {
	if n.Kind != want {
		r.bad[path] = true
		r.node(n, "", "%s is %s, not %s", named(path), kindName(n), what)
	}
	return n.Kind == want
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Tag == "!!str" {
		return "a text"
	}
	return strings.TrimPrefix(n.Tag, "!!")
}

// pairs are a mapping's members, each name once.
func (r *reading) pairs(n *yaml.Node, path string, each func(key, value *yaml.Node, path string)) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := strings.TrimPrefix(path+"."+schema.JoinPath(key.Value), ".")
		switch {
		case key.Kind != yaml.ScalarNode || key.Anchor != "":
			r.node(key, "", "a name in %s is %s, not a text", named(path), kindName(key))
		case seen[key.Value]:
			r.node(key, "keep one of them", "%s is stated twice", at)
		default:
			seen[key.Value] = true
			r.at[at] = r.position(key)
			each(key, value, at)
		}
	}
}

func (r *reading) fields(n *yaml.Node, path string, v reflect.Value) {
	if !r.kind(n, yaml.MappingNode, path, "a mapping") {
		return
	}
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "" {
			fields[name] = v.Field(i)
		}
	}
	r.pairs(n, path, func(key, value *yaml.Node, at string) {
		field, ok := fields[key.Value]
		if !ok {
			r.node(key, schema.DidYouMean(key.Value, schema.Sorted(fields)), "%s is not known", at)
			return
		}
		r.value(value, at, field)
	})
}

// memberName is #Name of the schema: what names a deployment in its files does so here.
var memberName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

func (r *reading) members(n *yaml.Node, path string, v reflect.Value) {
	if !r.kind(n, yaml.MappingNode, path, "a mapping of names") {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	r.pairs(n, path, func(key, value *yaml.Node, at string) {
		if !memberName.MatchString(key.Value) || key.Tag != "!!str" {
			r.node(key, "begin it with a letter or a digit, and use letters, digits, ., - and _", "%q is no name", key.Value)
			return
		}
		one := reflect.New(v.Type().Elem()).Elem()
		r.value(value, at, one)
		v.SetMapIndex(reflect.ValueOf(key.Value), one)
	})
}

func (r *reading) items(n *yaml.Node, path string, v reflect.Value) {
	if !r.kind(n, yaml.SequenceNode, path, "a list") {
		return
	}
	for i, item := range n.Content {
		one := reflect.New(v.Type().Elem()).Elem()
		r.value(item, fmt.Sprintf("%s.%d", path, i), one)
		v.Set(reflect.Append(v, one))
	}
}

// scalar takes texts only where they are written as such: 012345678901 is a number to
// YAML, and another one than people see.
func (r *reading) scalar(n *yaml.Node, path string, v reflect.Value) {
	if !r.kind(n, yaml.ScalarNode, path, "one value") {
		return
	}
	want := map[reflect.Kind][]string{reflect.String: {"!!str", "a text; write it in quotes"}, reflect.Int: {"!!int", "a whole number"}, reflect.Bool: {"!!bool", "true or false"}}[v.Kind()]
	if n.Tag != want[0] || n.Decode(v.Addr().Interface()) != nil {
		r.bad[path] = true
		r.node(n, "", "%s is %s, not %s", path, kindName(n), want[1])
	}
}

func (r *reading) duration(n *yaml.Node, path string, v reflect.Value) {
	d, err := schema.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		r.bad[path] = true
		r.node(n, "", "%s is no duration; write it as 30s, 5m, 2h or 7d", path)
		return
	}
	v.SetInt(int64(d))
}

// sorted findings stand in the order of the file.
func (r *reading) sorted() []schema.Finding {
	slices.SortStableFunc(r.found, func(a, b schema.Finding) int { return a.Positions[0].Compare(b.Positions[0]) })
	return r.found
}
