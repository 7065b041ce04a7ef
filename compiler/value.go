package compiler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cuelang.org/go/cue"

	"domctl.dev/schema"
)

var errNoValue = errors.New("no value")

// valueOf makes a schema.Value of a field's stated value.
func valueOf(f schema.Field, v cue.Value) (schema.Value, error) {
	v, _ = v.Default()
	switch v.Kind() {
	case cue.BottomKind:
		return schema.Value{}, errNoValue
	case cue.NullKind:
		return schema.Value{Is: schema.Unset}, nil
	case cue.StructKind:
		if f.Type == schema.String {
			return secretOf(v)
		}
	case cue.StringKind:
		s, err := v.String()
		if err != nil {
			return schema.Value{}, err
		}
		return stringOf(f, s)
	}
	return jsonOf(f, v)
}

// stringOf takes text: a quantity in canonical form, the name of an object as a
// reference, anything else as it is.
func stringOf(f schema.Field, s string) (schema.Value, error) {
	switch f.Type {
	case schema.Bytes:
		n, err := schema.ParseBytes(s)
		return schema.JSON(schema.CanonicalBytes(n)), err
	case schema.Duration:
		d, err := schema.ParseDuration(s)
		return schema.JSON(schema.CanonicalDuration(d)), err
	case schema.Time:
		return schema.JSON(schema.CanonicalTime(s)), nil
	}
	if name, field, ok := strings.Cut(f.To, "#"); ok {
		if kind, _ := schema.KindOf(name); kind.Literal == nil || !kind.Literal(s) {
			return schema.RefTo(schema.Address{Kind: name, Name: s}, field), nil
		}
	}
	return schema.JSON(s), nil
}

// jsonOf takes a value whole, in canonical form.
func jsonOf(f schema.Field, v cue.Value) (schema.Value, error) {
	text, err := v.MarshalJSON()
	if err != nil {
		return schema.Value{}, errNoValue
	}
	var plain any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&plain); err != nil {
		return schema.Value{}, err
	}
	if plain, err = numbersIn(plain); err != nil {
		return schema.Value{}, err
	}
	return wholeOf(f, plain), nil
}

// numbersIn keeps whole numbers to the last digit, where a float would not, and
// refuses those that 64 bits do not hold.
func numbersIn(plain any) (any, error) {
	var err error
	switch x := plain.(type) {
	case json.Number:
		if n, whole := strconv.ParseInt(x.String(), 10, 64); whole == nil {
			return n, nil
		}
		f, err := x.Float64()
		if err != nil || strings.Trim(x.String(), "-0123456789") == "" {
			return nil, fmt.Errorf("%s is more than 64 bits hold", clip(x.String()))
		}
		return f, nil
	case []any:
		for i := range x {
			if x[i], err = numbersIn(x[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for _, k := range schema.Sorted(x) {
			if x[k], err = numbersIn(x[k]); err != nil {
				return nil, err
			}
		}
	}
	return plain, nil
}

func wholeOf(f schema.Field, plain any) schema.Value {
	if list, ok := plain.([]any); ok && f.Type == schema.Set {
		plain = sorted(list)
	}
	return schema.JSON(plain)
}

// sorted orders a set by the text of its elements and drops repeats.
func sorted(list []any) []any {
	text := map[string]any{}
	for _, e := range list {
		text[schema.JSON(e).Text] = e
	}
	set := make([]any, 0, len(text))
	for _, k := range schema.Sorted(text) {
		set = append(set, text[k])
	}
	return slices.Clip(set)
}

// secretOf reads {secret: {env: "NAME"}} as "env:NAME".
func secretOf(v cue.Value) (schema.Value, error) {
	places := map[string]string{}
	for source, where := range fields(v.LookupPath(cue.ParsePath("secret"))) {
		s, err := where.String()
		if err != nil {
			return schema.Value{}, errNoValue
		}
		places[source] = s
	}
	return secretAt(places)
}

// secretAt makes a reference to a secret of the one place that is stated.
func secretAt(places map[string]string) (value schema.Value, err error) {
	if len(places) != 1 {
		return value, fmt.Errorf("a secret is kept in exactly one place, here are %d", len(places))
	}
	for source, where := range places {
		value = schema.Value{Is: schema.Secret, Text: source + ":" + where}
	}
	return value, nil
}

// settingOf writes a setting as the outside keeps it, as text: a duration in
// seconds, a number in digits.
func settingOf(path []string, v cue.Value) (schema.Value, error) {
	v, _ = v.Default()
	switch v.Kind() {
	case cue.BottomKind:
		return schema.Value{}, errNoValue
	case cue.NullKind:
		return schema.Value{Is: schema.Unset}, nil
	case cue.StructKind:
		return secretOf(v)
	case cue.StringKind:
		s, err := v.String()
		if err != nil {
			return schema.Value{}, err
		}
		return settingText(path, s)
	}
	whole, err := jsonOf(schema.Field{Type: schema.Any}, v)
	return schema.JSON(whole.Text), err
}

func settingText(path []string, s string) (schema.Value, error) {
	if known, typed := schema.SettingByName(path[0]); typed && known.Type == schema.Duration {
		d, err := schema.ParseDuration(s)
		if err == nil && d%time.Second != 0 {
			err = fmt.Errorf("%q is no whole number of seconds, which Domino counts in", s)
		}
		return schema.JSON(strconv.FormatInt(int64(d/time.Second), 10)), err
	}
	return schema.JSON(s), nil
}
