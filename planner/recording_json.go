package planner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"domctl.dev/schema"
)

// EncodeRecording writes a recording's JSON, indented and in a stable order, so that
// git shows what changed between two.
func EncodeRecording(r Recording) ([]byte, error) {
	body, err := json.MarshalIndent(r, "", "  ")
	return append(body, '\n'), err
}

// DecodeRecording reads what EncodeRecording wrote.
func DecodeRecording(b []byte) (r Recording, err error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, fmt.Errorf("this is no recording of a world; domctl world record makes one: %w", err)
	}
	if r.Format != RecordingFormat {
		return r, fmt.Errorf("the recording has format %d, this domctl reads format %d; record again", r.Format, RecordingFormat)
	}
	_, noTime := time.Parse(time.RFC3339, r.At)
	if dec.More() || r.Deployment == "" || noTime != nil {
		return r, errors.New("this is no recording of a world, or more than one; domctl world record makes one")
	}
	return r, r.sound()
}

// sound refuses what no look at a world gives.
func (r Recording) sound() error {
	for _, a := range schema.Addresses(r.Stated) {
		if err := sound(a, r.Stated[a].Made); err != nil {
			return err
		}
	}
	for _, a := range schema.Addresses(r.Live) {
		if r.Live[a].Fields == nil {
			return unsound(a)
		}
		if err := sound(a, r.Live[a].Fields); err != nil {
			return err
		}
	}
	for _, a := range schema.Addresses(r.Applied.Entries) {
		e := r.Applied.Entries[a]
		if err := sound(a, e.Fields, map[string]schema.Value{"": e.ID}); err != nil {
			return err
		}
	}
	return nil
}

func sound(a schema.Address, all ...map[string]schema.Value) error {
	for _, fields := range all {
		for _, v := range fields {
			switch v.Is {
			case schema.Known:
				if !json.Valid([]byte(v.Text)) {
					return unsound(a)
				}
			case schema.Absent, schema.Unset, schema.Unknown, schema.Ref, schema.Secret, schema.Digest:
			default:
				return unsound(a)
			}
		}
	}
	return nil
}

func unsound(a schema.Address) error {
	return fmt.Errorf("what the recording says of %s is no state of it; record again", a)
}
