package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"domctl.dev/internal/port"
)

// configDocs is the central configuration: the API shows and writes the same documents.
const configDocs = "config"

// settings of the API are those that the key may see.
func (s *state) settings() (all []port.Setting) {
	c := s.mongo[configDocs]
	if c == nil {
		return nil
	}
	for _, r := range c.docs {
		set := port.Setting{ID: idOf(r.body), Namespace: unquote(textAt(r.body, "namespace")), Key: unquote(textAt(r.body, "key"))}
		value, _ := r.body.get("value")
		if set.Value = value.text; value.kind == literal && value.text != "" && value.text[0] == '"' {
			set.Value = unquote(value.text)
		}
		if slices.Contains(s.domino.Masks, set.Key) {
			set.Value, set.Masked = "", true
		}
		if !slices.Contains(s.domino.Hides, set.Key) {
			all = append(all, set)
		}
	}
	return all
}

// ListSettings are those that the key may see.
func (w *World) ListSettings(ctx context.Context) ([]port.Setting, error) {
	return read(ctx, w, "ListSettings", func(s *state) ([]port.Setting, int, error) {
		all := s.settings()
		return all, len(all), nil
	})
}

// CreateSetting makes a document under the first free id of its name.
func (w *World) CreateSetting(ctx context.Context, namespace, key, value string) error {
	return effect(ctx, w, "CreateSetting", func(s *state) (*state, error) {
		c := s.mongo[configDocs]
		if c == nil {
			c = newCollection()
		}
		for n := 0; ; n++ {
			id := oid(hashed("setting", namespace, key, strconv.Itoa(n))[len("sha256:"):][:24])
			at, body, err := build(configDocs, port.Document{"_id": id, "namespace": quote(namespace), "key": quote(key), "value": quote(value)})
			if err != nil {
				return nil, err
			}
			if _, taken := c.index[at]; !taken {
				return s.with(configDocs, c.inserted(at, body)), nil
			}
		}
	})
}

// setting finds a document by the API's id.
func (s *state) setting(id string) (at int, set port.Setting, err error) {
	for _, set := range s.settings() {
		if set.ID != id {
			continue
		}
		for i, r := range s.mongo[configDocs].docs {
			if idOf(r.body) == id {
				return i, set, nil
			}
		}
	}
	return 0, set, fmt.Errorf("setting %s: %w", id, port.ErrNotFound)
}

// UpdateSetting writes a value over the one that is expected.
func (w *World) UpdateSetting(ctx context.Context, was port.Setting, value string) (bool, error) {
	return write(ctx, w, "UpdateSetting", func(s *state) (*state, bool, error) {
		i, stands, err := s.setting(was.ID)
		if err != nil || stands != was {
			return nil, false, err
		}
		e, err := newEdit(port.Document{"value": quote(value)}, nil)
		if err != nil {
			return nil, false, err
		}
		c := s.mongo[configDocs]
		body, changed, err := e.apply(c.docs[i].body)
		if err != nil || !changed {
			return nil, err == nil, err
		}
		return s.with(configDocs, c.replaced(i, body)), true, nil
	})
}

// DeleteSetting removes a document.
func (w *World) DeleteSetting(ctx context.Context, id string) error {
	return effect(ctx, w, "DeleteSetting", func(s *state) (*state, error) {
		i, _, err := s.setting(id)
		if err != nil {
			return nil, err
		}
		return s.with(configDocs, s.mongo[configDocs].deleted(i)), nil
	})
}
