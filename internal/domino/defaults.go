package domino

import (
	"context"
	"fmt"
)

// DefaultEnvironment is GET /v4/environments/defaultEnvironment.
func (c *Client) DefaultEnvironment(ctx context.Context) (string, error) {
	const path = "/v4/environments/defaultEnvironment"
	var answer struct {
		ID string `json:"id"`
	}
	if err := c.get(ctx, path, &answer); err != nil {
		return "", err
	}
	if known(answer.ID) != nil {
		return "", c.failed(path, errForeign)
	}
	return answer.ID, nil
}

// SetDefaultEnvironment is POST /v4/environments/setDefaultEnvironment.
func (c *Client) SetDefaultEnvironment(ctx context.Context, environment string) error {
	if err := known(environment); err != nil {
		return fmt.Errorf("environment %w", err)
	}
	body := struct {
		ID string `json:"environmentId"`
	}{environment}
	return c.post(ctx, "/v4/environments/setDefaultEnvironment", body, nil)
}
