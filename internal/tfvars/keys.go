package tfvars

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// isMap says that a value is a map of which keys are set.
func (v Value) isMap() bool { return strings.HasPrefix(string(v), "{") }

// form is how a file writes values, what stands between a key and its value, and whether
// texts can be templates.
type form struct {
	write     func(Value) []byte
	is        string
	templates bool
}

func (f form) entry(key string, v Value) string {
	name, _ := json.Marshal(key)
	return string(f.write(Value(name))) + f.is + string(f.write(v))
}

// keys are a map's texts by key, and those that are to go.
func (v Value) keys() (set map[string]Value, gone []string) {
	var raw map[string]json.RawMessage
	_ = json.Unmarshal([]byte(v), &raw)
	set = map[string]Value{}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		if set[key] = Value(raw[key]); set[key] == "null" {
			delete(set, key)
			gone = append(gone, key)
		}
	}
	return set, gone
}

// all is a map that is written for the first time.
func (f form) all(v Value) []byte {
	set, _ := v.keys()
	var entries []string
	for _, key := range slices.Sorted(maps.Keys(set)) {
		entries = append(entries, f.entry(key, set[key]))
	}
	if len(entries) == 0 {
		return []byte("{}")
	}
	return []byte("{ " + strings.Join(entries, ", ") + " }")
}

// change is the text of a map with other values of keys. New ones come first, so that no
// entry's comma moves. above is how many lines stand above it in the file.
func (f form) change(name string, text []byte, v Value, above int) ([]byte, error) {
	found, err := readKeys(text, f.templates, above)
	if err != nil {
		return nil, fmt.Errorf("variable %s holds no plain map: %w", name, err)
	}
	set, gone := v.keys()
	var out []byte
	last := 1
	for _, s := range found {
		if slices.Contains(gone, s.name) {
			return nil, fmt.Errorf("line %d: variable %s holds the key %q, which is to go; take it out by hand", 1+above+bytes.Count(text[:s.from], []byte("\n")), name, s.name)
		}
		to, is := set[s.name]
		if !is {
			continue
		}
		delete(set, s.name)
		out = append(append(out, text[last:s.from]...), f.write(to)...)
		last = s.to
	}
	out = append(out, text[last:]...)
	before := " "
	if i := bytes.IndexAny(text[1:], "\n\"}"); len(found) > 0 && text[1+i] == '\n' {
		before = indent(text)
	}
	head := []byte("{")
	for i, key := range slices.Sorted(maps.Keys(set)) {
		head = append(head, before+f.entry(key, set[key])...)
		if len(found) > 0 || i < len(set)-1 {
			head = append(head, ',')
		}
	}
	if len(found) == 0 && len(set) > 0 {
		return append(head, " }"...), nil
	}
	return append(head, out...), nil
}

// indent is the line end and the spaces before the first entry of a map that begins on a line
// of its own.
func indent(text []byte) string {
	end := "\n"
	if bytes.Contains(text, []byte("\r\n")) {
		end = "\r\n"
	}
	for line := range bytes.Lines(text[bytes.IndexByte(text, '\n')+1:]) {
		if rest := bytes.TrimLeft(line, " \t"); len(bytes.TrimSpace(rest)) > 0 {
			return end + string(line[:len(line)-len(rest)])
		}
	}
	return end
}

var literal = regexp.MustCompile(`^(?:"(?:[^"\\\n]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?|null|true|false)`)

// readKeys reads the entries of a map of plain values.
func readKeys(text []byte, templates bool, above int) (all []span, err error) {
	s := &scanner{text: text, above: above}
	if !s.has("{") {
		return nil, s.fail("no { begins it")
	}
	seen := map[string]bool{}
	for s.at++; ; {
		if err := s.space(true); err != nil {
			return nil, err
		}
		if s.has("}") && s.at == len(text)-1 {
			return all, nil
		}
		var e span
		if e, err = s.key(templates); err != nil {
			return nil, err
		}
		if seen[e.name] {
			return nil, s.fail("key %q stands twice", e.name)
		}
		seen[e.name], all = true, append(all, e)
		if err := s.space(false); err != nil {
			return nil, err
		}
		if s.has(",") {
			s.at++
		} else if !s.has("\n") && !s.has("}") && !s.has("#") && !s.has("//") {
			return nil, s.fail("more than plain text stands at key %q", e.name)
		}
	}
}

// key goes over one entry: its name, = or :, and a plain value.
func (s *scanner) key(templates bool) (e span, err error) {
	from := s.at
	if s.has(`"`) {
		text := literal.Find(s.text[s.at:])
		if json.Unmarshal(text, &e.name) != nil || templates && templated(string(text)) {
			return e, s.fail("a key is no plain text")
		}
		s.at += len(text)
	} else {
		for !s.end() && IsName(string(s.text[from:s.at+1])) {
			s.at++
		}
		if e.name = string(s.text[from:s.at]); e.name == "" {
			return e, s.fail("no key stands here")
		}
	}
	if err := s.space(false); err != nil {
		return e, err
	}
	if s.has("==") || !s.has("=") && !s.has(":") {
		return e, s.fail("no = follows key %q", e.name)
	}
	s.at++
	if err := s.space(false); err != nil {
		return e, err
	}
	value := literal.Find(s.text[s.at:])
	if value == nil || templates && templated(string(value)) {
		return e, s.fail("key %q holds no plain text", e.name)
	}
	e.from, e.to = s.at, s.at+len(value)
	s.at = e.to
	return e, nil
}
