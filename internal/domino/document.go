package domino

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// document flattens an object of the API as port.Document has it. What is null is left
// out.
func document(object map[string]any) port.Document {
	d := port.Document{}
	leaves(object, nil, d)
	return d
}

func leaves(v any, path []string, d port.Document) {
	members, is := v.(map[string]any)
	switch {
	case v == nil:
	case !is || len(members) == 0 && len(path) > 0:
		d[schema.JoinPath(path...)] = schema.JSON(extended(v)).Text
	default:
		for k, m := range members {
			leaves(m, append(path[:len(path):len(path)], k), d)
		}
	}
}

// extended writes numbers as canonical Extended JSON.
func extended(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			if i == int64(int32(i)) {
				return map[string]string{"$numberInt": v.String()}
			}
			return map[string]string{"$numberLong": v.String()}
		}
		f, err := v.Float64()
		if err != nil {
			return v.String() // more than a double holds
		}
		return map[string]string{"$numberDouble": port.DoubleText(f)}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = extended(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = extended(v[k])
		}
		return out
	}
	return v
}

// plain is extended's inverse.
func plain(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k, inner := range v {
			if text, is := inner.(string); is && len(v) == 1 && strings.HasPrefix(k, "$number") {
				return json.Number(text)
			}
		}
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

// edit sets and unsets paths of an object; parents that are not there are made. What
// stands elsewhere is not touched, and no map of the object is changed in place.
func edit(object map[string]any, set port.Document, unset []string) error {
	for _, p := range schema.Sorted(set) {
		dec := json.NewDecoder(strings.NewReader(set[p]))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		if err := put(object, schema.SplitPath(p), plain(v)); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	for _, p := range unset {
		if err := put(object, schema.SplitPath(p), nil); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return nil
}

func put(object map[string]any, path []string, v any) error {
	name := path[0]
	if len(path) == 1 {
		if object[name] = v; v == nil {
			delete(object, name)
		}
		return nil
	}
	inner, is := object[name].(map[string]any)
	switch {
	case !is && object[name] != nil:
		return fmt.Errorf("%s is no object", name)
	case !is && v == nil:
		return nil
	}
	inner = maps.Clone(inner)
	if inner == nil {
		inner = map[string]any{}
	}
	object[name] = inner
	return put(inner, path[1:], v)
}
