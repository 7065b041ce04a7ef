package sandbox

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

var errNoCollection = errors.New("no collection is named")

// address takes apart a path that a query or an update names. MongoDB reads
// dots as steps and "$" as an operator, so that such a field name cannot be
// addressed ("Field Names with Periods and Dollar Signs").
func address(path string) ([]string, error) {
	segments := schema.SplitPath(path)
	for _, s := range segments {
		if s == "" || strings.ContainsAny(s, ".\x00") || s[0] == '$' {
			return nil, fmt.Errorf("%s: %w %q; name the document that holds it, as a whole", path, port.ErrPath, s)
		}
	}
	if len(segments) == 0 {
		return nil, fmt.Errorf("%w: it is empty", port.ErrPath)
	}
	return segments, nil
}

func paths(list []string) (out [][]string, err error) {
	for _, p := range list {
		segments, err := address(p)
		if err != nil {
			return nil, err
		}
		out = append(out, segments)
	}
	return out, nil
}

// filter is a query's Any: for each path the values that match, by key.
type filter struct {
	wanted []wanted
	ids    map[string]bool // of _id, when it is asked for
}

// wanted is what a path must hold: one of the keys, or a date from a moment on,
// milliseconds since 1970.
type wanted struct {
	path []string
	keys map[string]bool
	from *int64
}

func (w wanted) is(v value) bool {
	if w.from == nil {
		return w.keys[v.key()]
	}
	ms, err := strconv.ParseInt(v.text, 10, 64)
	return v.kind == date && err == nil && ms >= *w.from
}

func newFilter(collection string, anyOf map[string][]string) (f filter, err error) {
	if collection == "" {
		return f, errNoCollection
	}
	for _, p := range schema.Sorted(anyOf) {
		path, err := address(p)
		if err != nil {
			return f, err
		}
		keys, reader := make(map[string]bool, len(anyOf[p])), &parser{}
		for _, text := range anyOf[p] {
			if isKey(text) {
				keys[text] = true
				continue
			}
			v, err := reader.whole(text)
			if err != nil {
				return f, fmt.Errorf("%s: %w", p, err)
			}
			if err := v.searchable(); err != nil {
				return f, fmt.Errorf("%s: %w", p, err)
			}
			keys[v.key()] = true
		}
		if p == "_id" {
			f.ids = keys
		} else {
			f.wanted = append(f.wanted, wanted{path: path, keys: keys})
		}
	}
	return f, nil
}

// isKey says that a text is its value's key: a plain string, or an ObjectId.
func isKey(text string) bool {
	if digits, ok := strings.CutPrefix(text, `{"$oid":"`); ok {
		return len(digits) == 26 && digits[24:] == `"}` && strings.Trim(digits[:24], "0123456789abcdef") == ""
	}
	inner := len(text) - 2
	if inner < 0 || text[0] != '"' || text[inner+1] != '"' {
		return false
	}
	for i := 1; i <= inner; i++ {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// since narrows a filter to dates that are not before those given.
func (f *filter) since(dates map[string]time.Time) error {
	for _, p := range schema.Sorted(dates) {
		path, err := address(p)
		if err != nil {
			return err
		}
		ms := dates[p].UnixMilli()
		f.wanted = append(f.wanted, wanted{path: path, from: &ms})
	}
	return nil
}

// searchable refuses what MongoDB would not compare as a port's text does.
func (v value) searchable() error {
	if v.ordered() {
		return errors.New("a document of several fields cannot be searched for: MongoDB compares their order")
	}
	if v.kind == other && strings.HasPrefix(v.text, `{"$regularExpression"`) {
		return errors.New("a regular expression cannot be searched for: $in takes it for a pattern")
	}
	return nil
}

// ordered says whether MongoDB's comparison depends on the order of a
// document's fields, which canonical text does not keep.
func (v value) ordered() bool {
	return v.kind == document && len(v.kids) > 1 || slices.ContainsFunc(v.kids, func(f field) bool { return f.value.ordered() })
}

// match goes through the documents that the filter holds for.
func (f filter) match(c *collection) iter.Seq[*record] {
	return func(yield func(*record) bool) {
		if c == nil {
			return
		}
		for _, r := range c.docs {
			if f.holds(r.body) && !yield(r) {
				return
			}
		}
	}
}

func (f filter) holds(v value) bool {
	if f.ids != nil {
		if id, _ := v.get("_id"); !f.ids[id.key()] {
			return false
		}
	}
	for _, w := range f.wanted {
		if !w.holds(v, w.path) {
			return false
		}
	}
	return true
}

// holds follows MongoDB's $in: an array matches by itself and by its elements,
// a path goes through arrays, and null finds what is missing.
func (w wanted) holds(v value, path []string) bool {
	if len(path) == 0 {
		return w.is(v) || v.kind == array && w.any(v, path)
	}
	if v.kind == array {
		return w.element(v, path) || w.any(v, path)
	}
	next, ok := v.get(path[0])
	if !ok {
		return w.keys["null"]
	}
	return w.holds(next, path[1:])
}

// any tries the elements; below an array only documents have fields.
func (w wanted) any(v value, path []string) bool {
	for _, k := range v.kids {
		if len(path) == 0 && w.is(k.value) || len(path) > 0 && k.value.kind == document && w.holds(k.value, path) {
			return true
		}
	}
	return false
}

func (w wanted) element(v value, path []string) bool {
	i, err := strconv.Atoi(path[0])
	return err == nil && i >= 0 && i < len(v.kids) && w.holds(v.kids[i].value, path[1:])
}

// condition is the filter of a write: one document by _id, and what else must
// hold of it. Unlike a query it compares whole leaves.
type condition struct {
	id     string
	paths  [][]string
	values []*value // nil: the path must not exist
}

func newCondition(collection string, where port.Document) (c condition, err error) {
	if collection == "" {
		return c, errNoCollection
	}
	if where["_id"] == "" {
		return c, port.ErrUnfiltered
	}
	for _, p := range schema.Sorted(where) {
		path, err := address(p)
		if err != nil {
			return c, err
		}
		var v *value
		if text := where[p]; text != "" {
			parsed, err := parseValue(text)
			if err != nil {
				return c, fmt.Errorf("%s: %w", p, err)
			}
			v = &parsed
		}
		if p == "_id" {
			if c.id = v.key(); v.ordered() {
				return c, errors.New("an _id that is a document of several fields cannot be written by domctl")
			}
			continue
		}
		c.paths, c.values = append(c.paths, path), append(c.values, v)
	}
	return c, nil
}

// find gives the place of the document that meets the condition.
func (c condition) find(in *collection) (int, bool) {
	if in == nil {
		return 0, false
	}
	i, ok := in.index[c.id]
	if !ok {
		return 0, false
	}
	for n, path := range c.paths {
		v, exists := in.docs[i].body.at(path)
		want := c.values[n]
		if exists != (want != nil) || exists && !v.equal(*want) {
			return 0, false
		}
	}
	return i, true
}
