package sandbox

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"domctl.dev/schema"
)

// state is the whole world at one moment. It is never changed once made: a
// write makes another that shares what it did not touch.
type state struct {
	database database
	mongo    map[string]*collection
	aws      cloud
	registry map[string]map[string]string // image → platform → digest
	cluster  cluster
	layers   map[string][]layer // image → its layers, the base's first
	domino   api
	clock    *course // nil: the wall's
	faults   []Fault
	kept     map[string]string // other top-level members, as they stand
}

// database is what the sandbox's MongoDB says of itself.
type database struct {
	Name       string `json:"name"`
	ReplicaSet string `json:"replicaSet"`
	Version    string `json:"version"`
}

// collection holds documents in their natural order, and where each _id stands.
type collection struct {
	docs  []*record
	index map[string]int
}

// record is a document; raw is its text in the file as long as it is unchanged.
type record struct {
	body value
	raw  string
}

func decode(file, src string) (*state, error) {
	p := &parser{file: file, src: src}
	s := &state{
		database: database{Name: "domino", ReplicaSet: "rs0", Version: "6.0.14"},
		mongo:    map[string]*collection{},
		registry: map[string]map[string]string{},
		kept:     map[string]string{},
	}
	seen := map[string]bool{}
	err := p.object(func(key string, at int) error {
		if seen[key] {
			return p.fail(at, "%q stands twice", key)
		}
		seen[key] = true
		return s.section(p, key)
	})
	if err == nil {
		err = p.end()
	}
	return s, err
}

func (s *state) section(p *parser, key string) (err error) {
	switch key {
	case "mongo":
		return p.object(func(name string, at int) error {
			if s.mongo[name] != nil {
				return p.fail(at, "the collection %q stands twice", name)
			}
			s.mongo[name], err = p.collection()
			return err
		})
	case "aws":
		start := p.i
		if err = p.strict(&s.aws, "aws"); err != nil {
			return err
		}
		if err = s.aws.checkGroups(); err != nil {
			return p.fail(start, "%v", err)
		}
		return nil
	case "database":
		return p.strict(&s.database, "database")
	case "registry":
		return p.strict(&s.registry, "registry")
	case "kubernetes":
		return p.strict(&s.cluster, "kubernetes")
	case "layers":
		return p.layers(&s.layers)
	case "domino":
		return p.api(&s.domino)
	case "faults":
		return p.faults(&s.faults)
	case "clock":
		start := p.i
		if err = p.strict(&s.clock, "clock"); err != nil || s.clock == nil {
			return err
		}
		if err = s.clock.check(); err != nil {
			return p.fail(start, "%v", err)
		}
		return nil
	}
	s.kept[key], err = p.skip(1)
	return err
}

func (p *parser) collection() (*collection, error) {
	c := &collection{index: map[string]int{}}
	return c, p.array(func() error {
		start := p.i
		v, err := p.value(0)
		if err != nil {
			return err
		}
		id, ok := v.get("_id")
		if !ok {
			return p.fail(start, "a document needs an _id")
		}
		if _, taken := c.index[id.key()]; taken {
			return p.fail(start, "the _id %s stands twice in this collection", id.canonical())
		}
		c.index[id.key()] = len(c.docs)
		c.docs = append(c.docs, &record{v, p.src[start:p.i]})
		return nil
	})
}

// strict decodes the value at the cursor and refuses fields that the sandbox
// does not know: a mistyped one would be no drift at all.
func (p *parser) strict(into any, where string) error {
	start := p.i
	raw, err := p.skip(1)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.DisallowUnknownFields()
	err = dec.Decode(into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return p.fail(start+int(wrong.Offset)-1, "%s.%s takes a %s, not a %s", where, wrong.Field, typeName(wrong.Type), wrong.Value)
	}
	if err == nil {
		return nil
	}
	if name, ok := strings.CutPrefix(err.Error(), `json: unknown field "`); ok {
		name = strings.TrimSuffix(name, `"`)
		return p.fail(start+keyOffset(raw, name), "%s has no field %q", where, name)
	}
	return p.fail(start, "%s: %v", where, err)
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.Slice:
		return "list"
	case reflect.Int, reflect.Int64:
		return "whole number"
	}
	return t.Kind().String()
}

func keyOffset(raw, name string) int {
	at := regexp.MustCompile(regexp.QuoteMeta(quote(name)) + `\s*:`).FindStringIndex(raw)
	if at == nil {
		return 0
	}
	return at[0]
}

// encode writes the file: members and collections sorted, documents in their
// order, unchanged ones as they stood.
func (s *state) encode() []byte {
	parts := maps.Clone(s.kept)
	parts["database"] = layout(compact(s.database), 1)
	parts["aws"] = layout(compact(s.aws), 1)
	parts["registry"] = layout(compact(s.registry), 1)
	if !s.cluster.empty() {
		parts["kubernetes"] = layout(compact(s.cluster), 1)
	}
	if len(s.layers) > 0 {
		parts["layers"] = layout(compact(s.layers), 1)
	}
	if !s.domino.empty() {
		parts["domino"] = layout(compact(s.domino), 1)
	}
	if s.clock != nil {
		parts["clock"] = layout(compact(s.clock), 1)
	}
	if len(s.faults) > 0 {
		parts["faults"] = layout(compact(s.faults), 1)
	}
	var mongo []string
	for _, name := range schema.Sorted(s.mongo) {
		mongo = append(mongo, "    "+quote(name)+": "+s.mongo[name].encode())
	}
	parts["mongo"] = brace("{", mongo, "  }")
	var members []string
	for _, key := range schema.Sorted(parts) {
		members = append(members, "  "+quote(key)+": "+parts[key])
	}
	return []byte(brace("{", members, "}\n"))
}

func (c *collection) encode() string {
	docs := make([]string, len(c.docs))
	for i, r := range c.docs {
		docs[i] = "      " + r.text()
	}
	return brace("[", docs, "    ]")
}

func (r *record) text() string {
	if r.raw != "" {
		return r.raw
	}
	return layout(r.body.appendPlain(nil), 3)
}

func brace(open string, lines []string, end string) string {
	if len(lines) == 0 {
		return open + strings.TrimLeft(end, " ")
	}
	return open + "\n" + strings.Join(lines, ",\n") + "\n" + end
}

func compact(v any) []byte { return []byte(schema.JSON(v).Text) }

// replaced is the collection with another document at place i, of the same _id.
func (c *collection) replaced(i int, body value) *collection {
	docs := slices.Clone(c.docs)
	docs[i] = &record{body: body}
	return &collection{docs, c.index}
}

func (c *collection) inserted(id string, body value) *collection {
	n := &collection{append(slices.Clone(c.docs), &record{body: body}), maps.Clone(c.index)}
	n.index[id] = len(c.docs)
	return n
}

func (c *collection) deleted(i int) *collection {
	n := &collection{slices.Delete(slices.Clone(c.docs), i, i+1), make(map[string]int, len(c.docs))}
	for at, r := range n.docs {
		id, _ := r.body.get("_id")
		n.index[id.key()] = at
	}
	return n
}

// with is the state with another collection.
func (s *state) with(name string, c *collection) *state {
	n := *s
	n.mongo = maps.Clone(s.mongo)
	n.mongo[name] = c
	return &n
}
