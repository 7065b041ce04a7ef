package tfvars

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// readJSON reads the members of the one object that the text is.
func readJSON(text []byte) ([]span, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("it is no JSON object")
	}
	var all []span
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("it is no JSON: %w", err)
		}
		name := t.(string) // as the decoder has seen to
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("it is no JSON: %w", err)
		}
		if seen[name] {
			return nil, fmt.Errorf("variable %s stands twice", name)
		}
		seen[name] = true
		to := int(dec.InputOffset())
		all = append(all, span{name: name, from: to - len(value), to: to, plain: plain.Match(value)})
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return all, nil
}

func writeJSON(v Value) []byte { return []byte(v) }

// addJSON puts a member behind the last one, indented as the first is.
func addJSON(text []byte, name string, value []byte) ([]byte, error) {
	found, err := readJSON(text)
	if err != nil {
		return nil, err
	}
	key, err := json.Marshal(name)
	if err != nil {
		return nil, err
	}
	member := string(key) + ": " + string(value)
	open := bytes.IndexByte(text, '{') + 1
	if len(found) == 0 {
		return bytes.Join([][]byte{text[:open], []byte("\n  " + member + "\n"), bytes.TrimLeft(text[open:], " \t\r\n")}, nil), nil
	}
	first := text[open : open+bytes.IndexByte(text[open:], '"')]
	if len(first) == 0 {
		first = []byte(" ")
	}
	last := found[len(found)-1].to
	return bytes.Join([][]byte{text[:last], []byte(","), first, []byte(member), text[last:]}, nil), nil
}
