package compiler

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"cuelang.org/go/cue"

	"domctl.dev/schema"
)

// valueOf makes a schema.Value of a field's stated value; ok is false where the
// files hold no such value, which is a finding of its own.
func valueOf(f schema.Field, v cue.Value) (value schema.Value, ok bool) {
	v, _ = v.Default()
	switch v.Kind() {
	case cue.BottomKind:
		return value, false
	case cue.NullKind:
		return schema.Value{Is: schema.Unset}, true
	case cue.StructKind:
		if f.Type == schema.String {
			return secretOf(v)
		}
	case cue.StringKind:
		s, err := v.String()
		return stringOf(f, s), err == nil
	}
	return jsonOf(f, v)
}

func stringOf(f schema.Field, s string) schema.Value {
	switch f.Type {
	case schema.Bytes:
		if n, err := schema.ParseBytes(s); err == nil {
			return schema.JSON(schema.CanonicalBytes(n))
		}
	case schema.Duration:
		if d, err := schema.ParseDuration(s); err == nil {
			return schema.JSON(schema.CanonicalDuration(d))
		}
	case schema.Time:
		return schema.JSON(schema.CanonicalTime(s))
	}
	if kind, field, ok := strings.Cut(f.To, "#"); ok && !(kind == "amis" && strings.HasPrefix(s, "ami-")) {
		return schema.RefTo(schema.Address{Kind: kind, Name: s}, field)
	}
	return schema.JSON(s)
}

// jsonOf takes a value whole, in canonical form.
func jsonOf(f schema.Field, v cue.Value) (value schema.Value, ok bool) {
	text, err := v.MarshalJSON()
	if err != nil {
		return value, false
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		return value, false
	}
	if list, ok := plain.([]any); ok && f.Type == schema.Set {
		plain = sorted(list)
	}
	return schema.JSON(plain), true
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

// isSecret says whether a struct is a reference to a secret.
func isSecret(v cue.Value) bool {
	return v.IncompleteKind() == cue.StructKind && v.LookupPath(cue.ParsePath("secret")).Exists()
}

// secretOf reads {secret: {env: "NAME"}} as "env:NAME".
func secretOf(v cue.Value) (value schema.Value, ok bool) {
	for source, where := range fields(v.LookupPath(cue.ParsePath("secret"))) {
		if s, err := where.String(); err == nil {
			return schema.Value{Is: schema.Secret, Text: source + ":" + s}, true
		}
	}
	return value, false
}

// settingOf writes a setting as the outside keeps it, as text: a duration in
// seconds, a number in digits.
func settingOf(path []string, v cue.Value) (value schema.Value, ok bool) {
	v, _ = v.Default()
	switch v.Kind() {
	case cue.NullKind:
		return schema.Value{Is: schema.Unset}, true
	case cue.StructKind:
		return secretOf(v)
	case cue.StringKind:
		s, err := v.String()
		if known, typed := schema.SettingByName(path[0]); typed && known.Type == schema.Duration {
			d, err := schema.ParseDuration(s)
			return schema.JSON(strconv.FormatInt(int64(d/time.Second), 10)), err == nil
		}
		return schema.JSON(s), err == nil
	}
	whole, ok := jsonOf(schema.Field{Type: schema.Any}, v)
	return schema.JSON(whole.Text), ok
}
