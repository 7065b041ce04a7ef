package domino

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"domctl.dev/internal/port"
)

// The central configuration is the internal dialect's alone.
const configList = "/v4/admin/centralConfigSettings"

// record of the central configuration; Setting keeps what nobody knows here.
type record struct {
	ID      string         `json:"id"`
	Setting map[string]any `json:"setting"`
}

func (r record) port() (s port.Setting, ok bool) {
	s.ID = r.ID
	for name, into := range map[string]*string{"namespace": &s.Namespace, "key": &s.Key, "value": &s.Value} {
		text, is := r.Setting[name].(string)
		if !is {
			return s, false
		}
		*into = text
	}
	if s.Masked = port.Masked(s.Value); s.Masked {
		s.Value = ""
	}
	return s, s.ID != "" && s.Key != ""
}

func (c *Client) records(ctx context.Context) ([]record, []port.Setting, error) {
	var answer []record
	if err := c.get(ctx, configList, &answer); err != nil {
		return nil, nil, err
	}
	if answer == nil || len(answer) > mostListed {
		return nil, nil, c.failed(configList, errForeign)
	}
	all := make([]port.Setting, len(answer))
	for i, r := range answer {
		var ok bool
		if all[i], ok = r.port(); !ok {
			return nil, nil, c.failed(configList, errForeign)
		}
	}
	return answer, all, nil
}

// ListSettings is GET /v4/admin/centralConfigSettings.
func (c *Client) ListSettings(ctx context.Context) ([]port.Setting, error) {
	_, all, err := c.records(ctx)
	return all, err
}

// notAMask refuses to write what Domino shows in place of a value.
func notAMask(value string) error {
	if port.Masked(value) {
		return fmt.Errorf("%w: the value is a mask, which is never written", port.ErrInvalid)
	}
	return nil
}

// CreateSetting is POST /v4/admin/centralConfigSettings.
func (c *Client) CreateSetting(ctx context.Context, namespace, key, value string) error {
	if err := notAMask(value); err != nil {
		return err
	}
	return c.post(ctx, configList, map[string]any{"namespace": namespace, "key": key, "value": value}, nil)
}

// UpdateSetting reads the list, which is the one way to read a record, and is PUT
// /v4/admin/centralConfigSettings/{id}.
func (c *Client) UpdateSetting(ctx context.Context, was port.Setting, value string) (bool, error) {
	if err := notAMask(value); err != nil {
		return false, err
	}
	records, all, err := c.records(ctx)
	if err != nil {
		return false, fmt.Errorf("%w: nothing was written: %w", port.ErrUnsent, err)
	}
	for i, s := range all {
		if s.ID != was.ID {
			continue
		}
		if s != was {
			return false, nil
		}
		body := records[i].Setting
		body["value"] = value
		return true, c.ask(ctx, http.MethodPut, configList+"/"+url.PathEscape(was.ID), body, nil)
	}
	return false, fmt.Errorf("setting %s: %w", was.ID, port.ErrNotFound)
}

// DeleteSetting is DELETE /v4/admin/centralConfigSettings/{id}.
func (c *Client) DeleteSetting(ctx context.Context, id string) error {
	path, err := tierPath(configList, id)
	if err != nil {
		return err
	}
	return c.ask(ctx, http.MethodDelete, path, nil, nil)
}
