package domino

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"domctl.dev/internal/port"
)

// newEnvironment is the body of POST /v4/environments.
type newEnvironment struct {
	Environment struct {
		Name                 string `json:"name"`
		Description          string `json:"description"`
		Visibility           string `json:"visibility"`
		OwnerID              string `json:"ownerId,omitempty"`
		RebuildOnBaseChanges string `json:"rebuildOnBaseChanges"`
		AddBaseDependencies  bool   `json:"addBaseDependencies"`
		IsCurated            bool   `json:"isCurated"`
		SkipFirstBuild       bool   `json:"skipFirstBuild"`
	} `json:"newEnvironment"`
	Revision newRevision `json:"newEnvironmentRevision"`
}

// CreateEnvironment is POST /v4/environments.
func (c *Client) CreateEnvironment(ctx context.Context, e port.NewEnvironment) (string, error) {
	var body newEnvironment
	var err error
	if body.Revision, err = newRevisionOf(e.First); err != nil {
		return "", err
	}
	n := &body.Environment
	n.Name, n.Description, n.Visibility, n.OwnerID, n.RebuildOnBaseChanges = e.Name, e.Description, e.Visibility, e.Owner, "Never"
	if e.First.Follow != "" {
		n.RebuildOnBaseChanges = "FollowActive"
	}
	var answer struct {
		ID string `json:"id"`
	}
	const path = "/v4/environments"
	if err := c.post(ctx, path, body, &answer); err != nil {
		return "", err
	}
	if known(answer.ID) != nil {
		return "", c.failedTo(http.MethodPost, path, errForeign)
	}
	return answer.ID, nil
}

// ArchiveEnvironment is DELETE /v4/environments/{id}. It takes the environment as GET
// shows it, which is sent back as it came.
func (c *Client) ArchiveEnvironment(ctx context.Context, environment string) error {
	if err := known(environment); err != nil {
		return fmt.Errorf("environment %w", err)
	}
	path := "/v4/environments/" + environment
	var shown json.RawMessage
	if err := c.get(ctx, path, &shown); err != nil {
		return err
	}
	var is struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(shown, &is) != nil || is.ID != environment {
		return c.failed(path, errForeign)
	}
	return c.ask(ctx, http.MethodDelete, path, shown, nil)
}

// ShareEnvironment is POST /v4/environments/{id}/visibility.
func (c *Client) ShareEnvironment(ctx context.Context, environment, visibility, owner string) error {
	if err := known(environment); err != nil {
		return fmt.Errorf("environment %w", err)
	}
	body := struct {
		Visibility string `json:"visibility"`
		OwnerID    string `json:"ownerId,omitempty"`
	}{visibility, owner}
	return c.post(ctx, "/v4/environments/"+environment+"/visibility", body, nil)
}
