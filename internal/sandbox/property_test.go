package sandbox

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"domctl.dev/internal/port"
)

// tree is the model of a document: nested maps, leaves as canonical text.
type tree map[string]any

// put sets a path; false when a leaf stands in the way.
func (d tree) put(path []string, leaf string) bool {
	if len(path) == 1 {
		d[path[0]] = leaf
		if leaf == "{}" {
			d[path[0]] = tree{}
		}
		return true
	}
	below, ok := d[path[0]].(tree)
	if _, taken := d[path[0]]; taken && !ok {
		return false
	}
	if !ok {
		below = tree{}
	}
	if !below.put(path[1:], leaf) {
		return false
	}
	d[path[0]] = below
	return true
}

func (d tree) drop(path []string) {
	if len(path) == 1 {
		delete(d, path[0])
	} else if below, ok := d[path[0]].(tree); ok {
		below.drop(path[1:])
	}
}

func (d tree) copy() tree {
	n := tree{}
	for k, v := range d {
		if below, ok := v.(tree); ok {
			v = below.copy()
		}
		n[k] = v
	}
	return n
}

func (d tree) leaves(prefix string, out port.Document) port.Document {
	if len(d) == 0 && prefix != "" {
		out[prefix] = "{}"
	}
	for k, v := range d {
		path := strings.TrimPrefix(prefix+"."+k, ".")
		switch v := v.(type) {
		case string:
			out[path] = v
		case tree:
			v.leaves(path, out)
		}
	}
	return out
}

var (
	drawID   = rapid.SampledFrom([]string{number("1"), number("2"), `"one"`, `{"$oid":"0123456789abcdef01234567"}`})
	drawPath = rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "with-dash"}), 1, 3), func(s []string) string { return strings.Join(s, ".") })
	drawLeaf = rapid.SampledFrom([]string{number("1"), number("2"), `{"$numberLong":"1"}`, `{"$numberDouble":"1.5"}`, `"x"`, `null`, `true`, `{}`, `[]`, `["x",{"b":null}]`})
)

func number(s string) string { return `{"$numberInt":"` + s + `"}` }

// machine runs the same operations on the sandbox and on the model.
type machine struct {
	w     *World
	model map[string]tree
}

func (m *machine) Insert(t *rapid.T) {
	d, want := port.Document{"_id": drawID.Draw(t, "id")}, tree{}
	want["_id"] = d["_id"]
	for path, leaf := range rapid.MapOfN(drawPath, drawLeaf, 0, 4).Draw(t, "document") {
		if n := want.copy(); !slices.ContainsFunc(slices.Collect(maps.Keys(d)), func(p string) bool { return within(p, path) }) && n.put(strings.Split(path, "."), leaf) {
			want, d[path] = n, leaf
		}
	}
	err := m.w.InsertOne(context.Background(), "c", d)
	if _, taken := m.model[d["_id"]]; taken != errors.Is(err, port.ErrDuplicate) || !taken && err != nil {
		t.Fatalf("insert of %v: %v", d, err)
	} else if !taken {
		m.model[d["_id"]] = want
	}
}

func within(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}

func (m *machine) Update(t *rapid.T) {
	where := m.where(t)
	set := port.Document(rapid.MapOfN(drawPath, drawLeaf, 0, 3).Draw(t, "set"))
	unset := rapid.SliceOfNDistinct(drawPath, 0, 2, rapid.ID).Draw(t, "unset")
	matched, err := m.w.UpdateOne(context.Background(), "c", where, set, unset)
	all := append(slices.Collect(maps.Keys(set)), unset...)
	for i, a := range all {
		for _, b := range all[i+1:] {
			if within(a, b) {
				m.refused(t, matched, err)
				return
			}
		}
	}
	if len(all) == 0 {
		m.refused(t, matched, err)
		return
	}
	if want := m.matches(where); !want {
		if matched || err != nil {
			t.Fatalf("where %v: matched %v, %v", where, matched, err)
		}
		return
	}
	d := m.model[where["_id"]].copy()
	for path, leaf := range set {
		if !d.put(strings.Split(path, "."), leaf) {
			m.refused(t, matched, err)
			return
		}
	}
	for _, path := range unset {
		d.drop(strings.Split(path, "."))
	}
	if !matched || err != nil {
		t.Fatalf("where %v set %v unset %v: matched %v, %v", where, set, unset, matched, err)
	}
	m.model[where["_id"]] = d
}

func (m *machine) refused(t *rapid.T, matched bool, err error) {
	if matched || err == nil {
		t.Fatalf("matched %v, %v; want a refusal", matched, err)
	}
}

func (m *machine) Delete(t *rapid.T) {
	where := m.where(t)
	matched, err := m.w.DeleteOne(context.Background(), "c", where)
	if err != nil || matched != m.matches(where) {
		t.Fatalf("where %v: matched %v, %v", where, matched, err)
	}
	if matched {
		delete(m.model, where["_id"])
	}
}

// where draws a condition, as often as not one that holds.
func (m *machine) where(t *rapid.T) port.Document {
	where := port.Document{"_id": drawID.Draw(t, "id")}
	path := drawPath.Draw(t, "path")
	if leaf, ok := m.model[where["_id"]].leaves("", port.Document{})[path]; ok && rapid.Bool().Draw(t, "holds") {
		where[path] = leaf
	} else if rapid.Bool().Draw(t, "more") {
		where[path] = rapid.OneOf(drawLeaf, rapid.Just("")).Draw(t, "leaf")
	}
	return where
}

func (m *machine) matches(where port.Document) bool {
	d, ok := m.model[where["_id"]]
	if !ok {
		return false
	}
	for path, want := range where {
		exists, leaf := d.look(strings.Split(path, "."))
		if exists != (want != "") || exists && leaf != want && !(leaf == number("1") && want == `{"$numberLong":"1"}` || want == number("1") && leaf == `{"$numberLong":"1"}`) {
			return false
		}
	}
	return true
}

func (d tree) look(path []string) (exists bool, leaf string) {
	v, ok := d[path[0]]
	below, isTree := v.(tree)
	switch {
	case !ok:
		return false, ""
	case len(path) > 1:
		if !isTree {
			return false, ""
		}
		return below.look(path[1:])
	case isTree && len(below) > 0:
		return true, "a document"
	case isTree:
		return true, "{}"
	}
	return true, v.(string)
}

// Check compares every document, and what the file would read as.
func (m *machine) Check(t *rapid.T) {
	again, err := NewMemory("again", m.w.backing.(memoryBacking).m.Content())
	if err != nil {
		t.Fatal(err)
	}
	other, err := again.Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []*World{m.w, other} {
		docs, err := w.Find(context.Background(), port.Query{Collection: "c"})
		if err != nil || len(docs) != len(m.model) {
			t.Fatalf("found %d documents, want %d: %v", len(docs), len(m.model), err)
		}
		for _, d := range docs {
			if want := m.model[d["_id"]].leaves("", port.Document{}); !maps.Equal(d, want) {
				t.Fatalf("found %v, want %v", d, want)
			}
		}
	}
}

func TestDocumentsBehaveAsTheirModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		memory, err := NewMemory("memory", []byte(empty))
		if err != nil {
			t.Fatal(err)
		}
		w, err := memory.Open(Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := &machine{w: w, model: map[string]tree{}}
		t.Repeat(map[string]func(*rapid.T){"insert": m.Insert, "update": m.Update, "delete": m.Delete, "": m.Check})
	})
}

// FuzzOpen: any bytes are a world or an error with a place, and a world that is
// written reads as the same world.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(small1))
	f.Add([]byte(empty))
	f.Add([]byte(`{"mongo": {"c": [{"_id": {"$numberDecimal": "-0.00E+5"}, "$x": {"$code": "f", "$scope": {}}, "b": {"$uuid": "00112233-4455-6677-8899-aabbccddeeff"}}]}}`))
	f.Add([]byte(`{"faults": [{"fault": "slow", "delay": "1s", "call": "Desc*"}], "registry": {"a:b": {"linux/amd64": "sha256:1"}}}`))
	f.Add([]byte(`{"kubernetes": {"secrets": {"n/s": {"k": "v", "l": ""}, "n/t": {}}}}`))
	f.Add([]byte(`{"aws": {"account": "", "region": "", "launchTemplates": {"lt-1": {"default": 1, "name": "n", "versions": [{"number": 1, "blocks": [ { } ]}]}}}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		first, err := decode("fuzz", string(content))
		if err != nil {
			var at *FileError
			if !errors.As(err, &at) || at.Line < 1 || at.Col < 1 {
				t.Fatalf("%q: %v", content, err)
			}
			return
		}
		written := first.formatted().encode()
		second, err := decode("fuzz", string(written))
		if err != nil {
			t.Fatalf("%q became\n%s\n%v", content, written, err)
		}
		if again := second.formatted().encode(); string(again) != string(written) {
			t.Fatalf("written\n%s\nand then\n%s", written, again)
		}
		for name, c := range first.mongo {
			for i, r := range c.docs {
				if got := second.mongo[name].docs[i].body; !maps.Equal(got.flatten(), r.body.flatten()) {
					t.Fatalf("%v became %v", r.body.flatten(), got.flatten())
				}
			}
		}
	})
}
