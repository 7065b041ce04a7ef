package mongo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// maxDepth is above the 100 levels that MongoDB stores.
const maxDepth = 200

// flatten is a document by leaf path; _id is one leaf whatever its type. The
// driver's reader panics on some lengths that no server should send.
func flatten(raw bson.Raw) (d port.Document, err error) {
	defer func() {
		if recover() != nil {
			d, err = nil, plainf("a document is not BSON")
		}
	}()
	d = port.Document{}
	elements, err := raw.Elements()
	if err != nil {
		return nil, plainf("a document is not BSON")
	}
	for _, e := range elements {
		if err := leaves(d, "", e, 0); err != nil {
			return nil, plainf("document %s: %w", d["_id"], err)
		}
	}
	return d, nil
}

// leaves adds what stands at or below one element.
func leaves(d port.Document, prefix string, e bson.RawElement, depth int) error {
	name, err := e.KeyErr()
	if err != nil || !utf8.ValidString(name) {
		return plainf("a field name below %q is not UTF-8", prefix)
	}
	path := schema.JoinPath(name)
	if prefix != "" {
		path = prefix + "." + path
	}
	if below, ok := e.Value().DocumentOK(); ok && path != "_id" && depth < maxDepth {
		elements, err := below.Elements()
		if err != nil {
			return plainf("%s is not BSON", path)
		}
		for _, e := range elements {
			if err := leaves(d, path, e, depth+1); err != nil {
				return err
			}
		}
		if len(elements) > 0 {
			return nil
		}
	}
	if _, twice := d[path]; twice {
		return plainf("the field %s stands twice", path)
	}
	text, err := appendCanonical(nil, e.Value(), depth)
	if err != nil {
		return plainf("%.200s: %w", path, err)
	}
	d[path] = string(text)
	return nil
}

// canonical is a value's Extended JSON v2 in canonical form, keys sorted at
// every depth, no white space.
func canonical(v bson.RawValue) (string, error) {
	b, err := appendCanonical(nil, v, 0)
	return string(b), err
}

func appendCanonical(b []byte, v bson.RawValue, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	if err := v.Validate(); err != nil {
		return nil, fmt.Errorf("not a BSON value")
	}
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		return appendDocument(b, v.Document(), depth)
	case bson.TypeArray:
		return appendArray(b, v.Array(), depth)
	case bson.TypeString:
		return appendString(b, v.StringValue())
	case bson.TypeNull:
		return append(b, "null"...), nil
	case bson.TypeBoolean:
		return strconv.AppendBool(b, v.Boolean()), nil
	case bson.TypeInt32:
		return fmt.Appendf(b, `{"$numberInt":"%d"}`, v.Int32()), nil
	case bson.TypeInt64:
		return fmt.Appendf(b, `{"$numberLong":"%d"}`, v.Int64()), nil
	case bson.TypeDouble:
		return fmt.Appendf(b, `{"$numberDouble":"%s"}`, port.DoubleText(v.Double())), nil
	case bson.TypeDateTime:
		return fmt.Appendf(b, `{"$date":{"$numberLong":"%d"}}`, v.DateTime()), nil
	case bson.TypeObjectID:
		return fmt.Appendf(b, `{"$oid":"%s"}`, v.ObjectID().Hex()), nil
	}
	return appendRare(b, v)
}

func appendDocument(b []byte, raw bson.Raw, depth int) ([]byte, error) {
	elements, err := raw.Elements()
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(elements, func(x, y bson.RawElement) int { return strings.Compare(x.Key(), y.Key()) })
	start := len(b)
	b = append(b, '{')
	for i, e := range elements {
		if i > 0 {
			b = append(b, ',')
		}
		if i > 0 && elements[i-1].Key() == e.Key() {
			return nil, fmt.Errorf("the field %q stands twice", e.Key())
		}
		if b, err = appendString(b, e.Key()); err != nil {
			return nil, err
		}
		if b, err = appendCanonical(append(b, ':'), e.Value(), depth+1); err != nil {
			return nil, err
		}
	}
	b = append(b, '}')
	if slices.ContainsFunc(elements, func(e bson.RawElement) bool { return strings.HasPrefix(e.Key(), "$") }) {
		return b, unlikeWrapper(string(b[start:]), elements)
	}
	return b, nil
}

// unlikeWrapper refuses a document that Extended JSON reads as something else:
// {"$oid": "…"} with a field of that name is written as an ObjectId is.
func unlikeWrapper(text string, fields []bson.RawElement) error {
	sameName := func(x, y bson.RawElement) bool { return x.Key() == y.Key() }
	if v, err := parse(text); err == nil && v.Type == bson.TypeEmbeddedDocument {
		if read, err := v.Document().Elements(); err == nil && slices.EqualFunc(read, fields, sameName) {
			return nil
		}
	}
	return fmt.Errorf("a document with a field name that begins with $ cannot be told from another type")
}

func appendArray(b []byte, raw bson.RawArray, depth int) ([]byte, error) {
	values, err := raw.Values()
	if err != nil {
		return nil, err
	}
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendCanonical(b, v, depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// appendString refuses what JSON would silently replace.
func appendString(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("a string is not UTF-8")
	}
	return append(b, schema.JSON(s).Text...), nil
}

// appendRare takes the driver's text of the other types and sorts its keys.
func appendRare(b []byte, v bson.RawValue) ([]byte, error) {
	text, err := bson.MarshalExtJSON(bson.D{{Key: "v", Value: v}}, true, false)
	if err != nil {
		return nil, err
	}
	var parsed struct{ V any }
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&parsed); err != nil {
		return nil, err
	}
	return append(b, schema.JSON(parsed.V).Text...), nil
}

// parse reads a value's Extended JSON, canonical or relaxed.
func parse(text string) (bson.RawValue, error) {
	if !json.Valid([]byte(text)) || !utf8.ValidString(text) {
		return bson.RawValue{}, plainf("a value is not Extended JSON")
	}
	var raw bson.Raw
	if err := bson.UnmarshalExtJSON([]byte(`{"v":`+text+`}`), false, &raw); err != nil {
		return bson.RawValue{}, plainf("a value is not Extended JSON")
	}
	v, err := raw.LookupErr("v")
	if err != nil || raw.Validate() != nil {
		return bson.RawValue{}, plainf("a value is not Extended JSON")
	}
	return v, nil
}

// build makes a document of its leaves: _id first, the others by path.
func build(d port.Document) (bson.D, error) {
	if d["_id"] == "" {
		return nil, plainf("a document to insert needs an _id: %w", port.ErrUnfiltered)
	}
	id, err := parse(d["_id"])
	if err != nil {
		return nil, plainf("_id: %w", err)
	}
	doc := bson.D{{Key: "_id", Value: id}}
	for _, path := range schema.Sorted(d) {
		if path == "_id" {
			continue
		}
		v, err := parse(d[path])
		if err != nil {
			return nil, plainf("%s: %w", path, err)
		}
		segments := schema.SplitPath(path)
		if err := storable(path, segments); err != nil {
			return nil, err
		}
		if doc, err = put(doc, segments, v); err != nil {
			return nil, plainf("%s %w", path, err)
		}
	}
	return doc, nil
}

// put adds a leaf, making the documents on the way.
func put(doc bson.D, segments []string, v bson.RawValue) (bson.D, error) {
	i := slices.IndexFunc(doc, func(e bson.E) bool { return e.Key == segments[0] })
	if len(segments) == 1 {
		if i >= 0 {
			return nil, fmt.Errorf("stands twice in the document")
		}
		return append(doc, bson.E{Key: segments[0], Value: v}), nil
	}
	if i < 0 {
		i, doc = len(doc), append(doc, bson.E{Key: segments[0], Value: bson.D{}})
	}
	below, ok := doc[i].Value.(bson.D)
	if !ok {
		return nil, fmt.Errorf("stands below a value of the document")
	}
	below, err := put(below, segments[1:], v)
	doc[i].Value = below
	return doc, err
}

// storable refuses field names that an insert cannot hold on every server.
func storable(path string, segments []string) error {
	for _, s := range segments {
		if s == "" || s[0] == '$' || strings.ContainsRune(s, 0) {
			return plainf("%s: %w %q", path, port.ErrPath, s)
		}
	}
	if len(segments) == 0 {
		return plainf("%w: its path is empty", port.ErrPath)
	}
	return nil
}
