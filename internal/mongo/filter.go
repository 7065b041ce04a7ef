package mongo

import (
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// dotted is a port path as MongoDB addresses it: dots are steps and "$" is an
// operator, so that a field name with either cannot be addressed. Source:
// https://www.mongodb.com/docs/manual/core/dot-dollar-considerations/
func dotted(path string) (string, error) {
	segments := schema.SplitPath(path)
	for _, s := range segments {
		if s == "" || strings.ContainsAny(s, ".\x00") || s[0] == '$' {
			return "", plainf("%s: %w %q; name the document that holds it, as a whole", path, port.ErrPath, s)
		}
	}
	if len(segments) == 0 {
		return "", plainf("%w: its path is empty", port.ErrPath)
	}
	return strings.Join(segments, "."), nil
}

// anyFilter finds what holds one of the values at each path.
func anyFilter(anyOf map[string][]string) (bson.D, error) {
	filter := bson.D{}
	for _, path := range schema.Sorted(anyOf) {
		name, err := dotted(path)
		if err != nil {
			return nil, err
		}
		values := bson.A{}
		for _, text := range anyOf[path] {
			v, err := parse(text)
			if err != nil {
				return nil, plainf("%s: %w", path, err)
			}
			if ordered(v) {
				return nil, plainf("%s: a document of several fields cannot be searched for: MongoDB compares their order", path)
			}
			if v.Type == bson.TypeRegex {
				return nil, plainf("%s: a regular expression cannot be searched for: $in takes it for a pattern", path)
			}
			values = append(values, v)
		}
		filter = append(filter, bson.E{Key: name, Value: bson.D{{Key: "$in", Value: values}}})
	}
	return filter, nil
}

// since narrows a filter to dates that are not before those given.
func since(filter bson.D, dates map[string]time.Time) (bson.D, error) {
	all := bson.A{filter}
	for _, path := range schema.Sorted(dates) {
		name, err := dotted(path)
		if err != nil {
			return nil, err
		}
		all = append(all, bson.D{{Key: name, Value: bson.D{{Key: "$gte", Value: bson.NewDateTimeFromTime(dates[path])}}}})
	}
	if len(all) == 1 {
		return filter, nil
	}
	return bson.D{{Key: "$and", Value: all}}, nil
}

// projection asks for the fields and _id; one that lies within another is left
// out, as MongoDB refuses both together.
func projection(fields []string) (bson.D, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	names := []string{"_id"}
	for _, path := range fields {
		name, err := dotted(path)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	slices.Sort(names)
	var doc bson.D
	for _, n := range names {
		within := func(e bson.E) bool { return n == e.Key || strings.HasPrefix(n, e.Key+".") }
		if !slices.ContainsFunc(doc, within) {
			doc = append(doc, bson.E{Key: n, Value: 1})
		}
	}
	return doc, nil
}

// keep drops what a projection brings along: a document left empty, or one
// within an array that the path went through.
func keep(d port.Document, fields []string) {
	if len(fields) == 0 {
		return
	}
	for path := range d {
		asked := func(f string) bool { return path == f || strings.HasPrefix(path, f+".") }
		if path != "_id" && !slices.ContainsFunc(fields, asked) {
			delete(d, path)
		}
	}
}

// condition is one leaf of a write's filter.
type condition struct {
	path, name string
	absent     bool
	value      bson.RawValue
}

// conditions takes where apart, _id first.
func conditions(where port.Document) ([]condition, error) {
	if where["_id"] == "" {
		return nil, plain{port.ErrUnfiltered}
	}
	all := []condition{}
	for _, path := range schema.Sorted(where) {
		c := condition{path: path, absent: where[path] == ""}
		var err error
		if c.name, err = dotted(path); err != nil {
			return nil, err
		}
		if !c.absent {
			if c.value, err = parse(where[path]); err != nil {
				return nil, plainf("%s: %w", path, err)
			}
		}
		if path == "_id" {
			all = slices.Insert(all, 0, c)
		} else {
			all = append(all, c)
		}
	}
	if ordered(all[0].value) {
		return nil, plainf("an _id that is a document of several fields cannot be written by domctl")
	}
	return all, nil
}

// filter compares whole leaves: without more, MongoDB finds a value also within
// an array, and null also where nothing stands.
func filter(all []condition) bson.D {
	doc := bson.D{}
	for _, c := range all {
		doc = append(doc, bson.E{Key: c.name, Value: c.operators()})
	}
	return doc
}

func (c condition) operators() bson.D {
	notArray := bson.E{Key: "$not", Value: bson.D{{Key: "$type", Value: "array"}}}
	switch {
	case c.absent:
		return bson.D{{Key: "$exists", Value: false}}
	case c.name == "_id" || c.value.Type == bson.TypeArray:
		return bson.D{{Key: "$eq", Value: c.value}}
	case c.value.Type == bson.TypeNull:
		return bson.D{{Key: "$type", Value: "null"}, notArray}
	}
	return bson.D{{Key: "$eq", Value: c.value}, notArray}
}

// ordered says whether MongoDB's comparison of v depends on the order of a
// document's fields, which canonical text does not keep.
func ordered(v bson.RawValue) bool {
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		elements, _ := v.Document().Elements()
		return len(elements) > 1 || slices.ContainsFunc(elements, func(e bson.RawElement) bool { return ordered(e.Value()) })
	case bson.TypeArray:
		values, _ := v.Array().Values()
		return slices.ContainsFunc(values, ordered)
	}
	return false
}

// update is $set and $unset of the given paths alone.
func update(set port.Document, unset []string) (bson.D, error) {
	var sets, unsets bson.D
	for _, path := range schema.Sorted(set) {
		name, err := dotted(path)
		if err != nil {
			return nil, err
		}
		v, err := parse(set[path])
		if err != nil {
			return nil, plainf("%s: %w", path, err)
		}
		sets = append(sets, bson.E{Key: name, Value: v})
	}
	for _, path := range unset {
		name, err := dotted(path)
		if err != nil {
			return nil, err
		}
		unsets = append(unsets, bson.E{Key: name, Value: ""})
	}
	doc := bson.D{}
	if len(sets) > 0 {
		doc = append(doc, bson.E{Key: "$set", Value: sets})
	}
	if len(unsets) > 0 {
		doc = append(doc, bson.E{Key: "$unset", Value: unsets})
	}
	if len(doc) == 0 {
		return nil, plainf("the update changes nothing")
	}
	return doc, nil
}
