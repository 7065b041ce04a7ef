package world

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// codec maps one field onto a document. read answers Absent for what is not
// there or null, and an error for a type it does not know; write puts the
// document's paths into out, in the form that raw has (of a new object: that
// its kin have).
type codec struct {
	read  func(raw planner.Raw, doc string) (schema.Value, error)
	write func(raw planner.Raw, doc string, v schema.Value, out map[string]schema.Value) error
}

// codecFor chooses by the field's type in the schema.
func codecFor(f schema.Field) codec {
	if f.Path == "overProvisioning.daysOfWeek" {
		return codec{readDays, writeDays}
	}
	switch f.Type {
	case schema.Int, schema.Number:
		return codec{readNumber, writeNumber}
	case schema.Bool:
		return codec{readBool, writePlain}
	case schema.Bytes:
		return codec{readBytes, writeBytes}
	case schema.Set:
		return codec{readSet, writeAny}
	case schema.Any, schema.List:
		return codec{readAny, writeAny}
	case schema.Time:
		return codec{readTime, writeTime}
	}
	return codec{readText, writeText}
}

// standing is the value at a path; null counts as absent.
func standing(raw planner.Raw, doc string) schema.Value {
	v := raw.At(doc)
	if v.Is == schema.Known && v.Text == "null" {
		return schema.Value{}
	}
	return v
}

// reachable refuses a path that leads through something other than a document:
// MongoDB would refuse to write there, after other steps were done.
func reachable(raw planner.Raw, doc string) error {
	for i, c := range doc {
		if c != '.' {
			continue
		}
		above := doc[:i] // within a quoted segment it is no path, and nothing stands there
		v, leaf := raw[above]
		if !leaf {
			continue
		}
		if got := jsonType(plainJSON(v.Text)); got != "document" && got != "null" {
			return fmt.Errorf("%s holds a %s where a document is expected", above, got)
		}
	}
	return nil
}

// readAs reads a value of one JSON type.
func readAs(raw planner.Raw, doc, want string) (schema.Value, error) {
	v := standing(raw, doc)
	if v.Is != schema.Known {
		return v, nil
	}
	v.Text = plainJSON(v.Text)
	if got := jsonType(v.Text); got != want {
		return schema.Value{}, fmt.Errorf("%s holds a %s where a %s is expected", doc, got, want)
	}
	return v, nil
}

func jsonType(text string) string {
	switch text[0] {
	case '"':
		return "string"
	case '{':
		if wrapped, ok := strings.CutPrefix(text, `{"`); ok && strings.HasPrefix(wrapped, "$") {
			name, _, _ := strings.Cut(wrapped, `"`)
			return name // of another BSON type, as Extended JSON has it
		}
		return "document"
	case '[':
		return "list"
	case 't', 'f':
		return "truth value"
	case 'n':
		return "null"
	}
	return "number"
}

func readText(raw planner.Raw, doc string) (schema.Value, error)   { return readAs(raw, doc, "string") }
func readNumber(raw planner.Raw, doc string) (schema.Value, error) { return readAs(raw, doc, "number") }
func readBool(raw planner.Raw, doc string) (schema.Value, error) {
	return readAs(raw, doc, "truth value")
}

func readAny(raw planner.Raw, doc string) (schema.Value, error) {
	v := standing(raw, doc)
	if v.Is == schema.Known {
		v.Text = plainJSON(v.Text)
	}
	return v, nil
}

func writePlain(_ planner.Raw, doc string, v schema.Value, out map[string]schema.Value) error {
	out[doc] = v
	return nil
}

// writeText keeps an ObjectId an ObjectId.
func writeText(raw planner.Raw, doc string, v schema.Value, out map[string]schema.Value) error {
	if v.Is == schema.Known && strings.HasPrefix(raw.At(doc).Text, `{"$oid"`) {
		v.Text = `{"$oid":` + v.Text + `}`
	}
	out[doc] = v
	return nil
}

// writeNumber keeps the number type that stands there; a new one is an int32
// where it is whole and fits, else a double.
func writeNumber(raw planner.Raw, doc string, v schema.Value, out map[string]schema.Value) error {
	if v.Is == schema.Known {
		v.Text = extendedNumber(v.Text, raw.At(doc).Text)
	}
	out[doc] = v
	return nil
}

func writeAny(_ planner.Raw, doc string, v schema.Value, out map[string]schema.Value) error {
	if v.Is == schema.Known {
		v.Text = extendedJSON(v.Text)
	}
	out[doc] = v
	return nil
}

// readSet sorts as the compiler does, repeats dropped.
func readSet(raw planner.Raw, doc string) (schema.Value, error) {
	v, err := readAs(raw, doc, "list")
	if v.Is != schema.Known || err != nil {
		return v, err
	}
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(v.Text), &list); err != nil {
		return v, err
	}
	text := make([]string, len(list))
	for i := range list {
		text[i] = string(list[i])
	}
	slices.Sort(text)
	v.Text = "[" + strings.Join(slices.Compact(text), ",") + "]"
	return v, nil
}

// readBytes reads {value, unit} or {value, units}.
func readBytes(raw planner.Raw, doc string) (schema.Value, error) {
	if _, leaf := raw[doc+".value"]; !leaf {
		if v := standing(raw, doc); v.Is != schema.Known || v.Text == "{}" {
			return schema.Value{}, nil
		}
	}
	value, err := readNumber(raw, doc+".value")
	if err != nil || value.Is != schema.Known {
		return schema.Value{}, fmt.Errorf("%s holds a %s where {value, unit} is expected", doc, jsonType(plainJSON(raw.At(doc).Text)))
	}
	n, err := schema.ParseBytes(value.Text + raw.At(unitPath(raw, doc)).Str())
	if err != nil {
		return schema.Value{}, fmt.Errorf("%s: %w", doc, err)
	}
	return schema.JSON(schema.CanonicalBytes(n)), nil
}

// unitPath is where a quantity's unit stands: Domino writes unit or units. A
// quantity that has neither follows the others of its document.
func unitPath(raw planner.Raw, doc string) string {
	for _, p := range []string{doc + ".units", doc + ".unit"} {
		if _, there := raw[p]; there {
			return p
		}
	}
	for p := range raw {
		if strings.HasSuffix(p, ".units") {
			return doc + ".units"
		}
	}
	return doc + ".unit"
}

// writeBytes writes the units that Domino knows.
func writeBytes(raw planner.Raw, doc string, v schema.Value, out map[string]schema.Value) error {
	if v.Is != schema.Known {
		out[doc] = v
		return nil
	}
	s := v.Str()
	unit := strings.TrimLeft(s, "0123456789.")
	if unit == "B" {
		return fmt.Errorf("%s is no whole number of MiB or MB, and Domino holds nothing finer", s)
	}
	out[doc+".value"] = schema.Value{Is: schema.Known, Text: extendedNumber(strings.TrimSuffix(s, unit), raw.At(doc+".value").Text)}
	out[unitPath(raw, doc)] = schema.JSON(unit)
	return nil
}

func readTime(raw planner.Raw, doc string) (schema.Value, error) {
	v, err := readText(raw, doc)
	if v.Is == schema.Known {
		v = schema.JSON(schema.CanonicalTime(v.Str()))
	}
	return v, err
}

// writeTime writes seconds unless the time that stands there has none.
func writeTime(raw planner.Raw, doc string, v schema.Value, out map[string]schema.Value) error {
	s, was := v.Str(), standing(raw, doc).Str()
	if len(s) == len("08:00") && len(was) != len("08:00") {
		v = schema.JSON(s + ":00")
	}
	out[doc] = v
	return nil
}

func weekdays() []string {
	return []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
}

// readDays reads weekdays in any case, whole or as three letters.
func readDays(raw planner.Raw, doc string) (schema.Value, error) {
	v, err := readSet(raw, doc)
	if err != nil || v.Is != schema.Known {
		return v, err
	}
	var days []string
	for _, d := range v.Strings() {
		day := strings.ToLower(d)
		if !slices.ContainsFunc(weekdays(), func(w string) bool { return day == w || day == w[:3] }) {
			return schema.Value{}, fmt.Errorf("%s holds %q, which is no weekday", doc, d)
		}
		days = append(days, day[:3])
	}
	slices.Sort(days)
	return schema.JSON(slices.Compact(append([]string{}, days...))), nil
}

// writeDays writes weekdays as those that stand there are, else as MONDAY.
func writeDays(raw planner.Raw, doc string, v schema.Value, out map[string]schema.Value) error {
	like := "MONDAY"
	if stand := standing(raw, doc).Strings(); len(stand) > 0 {
		like = stand[0]
	}
	if v.Is == schema.Known {
		days := make([]string, len(v.Strings()))
		for i, d := range v.Strings() {
			days[i] = dayLike(d, like)
		}
		v = schema.JSON(days)
	}
	out[doc] = v
	return nil
}

func dayLike(day, like string) string {
	if len(like) > len("mon") {
		day = weekdays()[slices.IndexFunc(weekdays(), func(w string) bool { return w[:3] == day })]
	}
	switch like {
	case strings.ToUpper(like):
		return strings.ToUpper(day)
	case strings.ToLower(like):
		return day
	}
	return strings.ToUpper(day[:1]) + day[1:]
}

// readMap answers one field a key of the document's map.
func readMap(raw planner.Raw, doc, path string, out map[string]schema.Value) error {
	v, err := readAs(raw, doc, "document")
	if err != nil || v.Is != schema.Known {
		return err
	}
	members := map[string]any{}
	if err := json.Unmarshal([]byte(v.Text), &members); err != nil {
		return err
	}
	for k, m := range members {
		out[path+"."+schema.JoinPath(k)] = schema.JSON(m)
	}
	return nil
}

// writeMap writes a map whole, because its keys can hold dots, which no path
// can. Members that do not change keep their type.
func writeMap(raw planner.Raw, doc string, keys map[string]schema.Value, out map[string]schema.Value) {
	members := map[string]json.RawMessage{}
	_ = json.Unmarshal([]byte(standing(raw, doc).Text), &members)
	for k, v := range keys {
		delete(members, k)
		if v.Is == schema.Known {
			members[k] = json.RawMessage(extendedJSON(v.Text))
		}
	}
	if len(members) == 0 {
		out[doc] = schema.Value{}
		return
	}
	out[doc] = schema.JSON(members)
}
