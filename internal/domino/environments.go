package domino

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/port"
)

// pageOf is how many revisions are asked for at once, and mostPages bounds what a
// server that counts wrong can make of it: no list has more than mostListed entries.
const (
	pageOf     = 100
	mostPages  = 100
	mostListed = mostPages * pageOf
)

// known refuses ids that would lead elsewhere in a path.
func known(ids ...string) error {
	for _, id := range ids {
		if !idForm.MatchString(id) {
			return fmt.Errorf("%q: %w", id, port.ErrNotFound)
		}
	}
	return nil
}

// ListRevisions pages through GET
// /v4/environments/{id}/page/{page}/pageSize/{pageSize}/revisions. A list that changes
// between two pages may show one twice, and is read as one; one that is shorter than it
// said is an error.
func (c *Client) ListRevisions(ctx context.Context, environment string) ([]port.Revision, error) {
	if err := known(environment); err != nil {
		return nil, fmt.Errorf("environment %w", err)
	}
	var all []port.Revision
	for page := 0; page < mostPages; page++ {
		var answer struct {
			Revisions []struct {
				ID      string `json:"id"`
				Number  int64  `json:"number"`
				Created int64  `json:"created"` // milliseconds
			} `json:"revisions"`
			PageInfo *struct {
				TotalPages *int `json:"totalPages"`
				PageSize   int  `json:"pageSize"` // which may be less than was asked for
			} `json:"pageInfo"`
		}
		path := fmt.Sprintf("/v4/environments/%s/page/%d/pageSize/%d/revisions", environment, page, pageOf)
		if err := c.get(ctx, path, &answer); err != nil {
			return nil, err
		}
		if answer.PageInfo == nil || answer.PageInfo.TotalPages == nil {
			return nil, c.failed(path, errForeign)
		}
		shown, total := len(answer.Revisions), *answer.PageInfo.TotalPages
		if shown > pageOf || shown == 0 && page > 0 || shown > 0 && total < 1 || page+1 < total && shown < answer.PageInfo.PageSize {
			return nil, c.failed(path, errForeign)
		}
		for _, r := range answer.Revisions {
			if known(r.ID) != nil || r.Number < 1 || r.Created <= 0 {
				return nil, c.failed(path, errForeign)
			}
			all = append(all, port.Revision{ID: r.ID, Number: r.Number, Created: time.UnixMilli(r.Created).UTC()})
		}
		if page+1 >= total {
			slices.SortStableFunc(all, func(a, b port.Revision) int { return int(b.Number - a.Number) })
			return slices.CompactFunc(all, func(a, b port.Revision) bool { return a.ID == b.ID }), nil
		}
	}
	return nil, c.failed("/v4/environments/"+environment, errors.New("it has more than 10,000 revisions"))
}

// GetBuild is GET /v4/environments/{id}/environmentRevision/{revision}.
func (c *Client) GetBuild(ctx context.Context, environment, revision string) (port.Build, error) {
	if err := known(environment, revision); err != nil {
		return port.Build{}, fmt.Errorf("revision %w", err)
	}
	path := "/v4/environments/" + environment + "/environmentRevision/" + revision
	var answer struct {
		ID     string   `json:"id"`
		Status string   `json:"status"`
		Tags   []string `json:"tags"`
	}
	if err := c.get(ctx, path, &answer); err != nil {
		return port.Build{}, err
	}
	if answer.ID != revision {
		return port.Build{}, c.failed(path, errForeign)
	}
	return port.Build{Status: strings.ToLower(answer.Status), Tags: answer.Tags}, nil
}

// ListFollowers pages through GET /v4/environments/{id}/childrenFollowingActive. A list
// that is shorter than it said, or has no end, is an error.
func (c *Client) ListFollowers(ctx context.Context, environment string) ([]port.Follower, error) {
	if err := known(environment); err != nil {
		return nil, fmt.Errorf("environment %w", err)
	}
	found := map[string]string{}
	for offset := 0; offset < mostListed; offset += pageOf {
		var answer struct {
			Items []struct {
				ID   string `json:"id"`
				Name string `json:"name"`
			} `json:"items"`
			TotalItems *int `json:"totalItems"`
		}
		path := fmt.Sprintf("/v4/environments/%s/childrenFollowingActive?offset=%d&limit=%d", environment, offset, pageOf)
		if err := c.get(ctx, path, &answer); err != nil {
			return nil, err
		}
		if answer.TotalItems == nil || len(answer.Items) > pageOf {
			return nil, c.failed(path, errForeign)
		}
		for _, i := range answer.Items {
			if known(i.ID) != nil {
				return nil, c.failed(path, errForeign)
			}
			found[i.ID] = i.Name
		}
		if offset+pageOf < *answer.TotalItems {
			continue
		}
		if len(found) < *answer.TotalItems {
			return nil, c.failed(path, errForeign)
		}
		var all []port.Follower
		for id, name := range found {
			all = append(all, port.Follower{ID: id, Name: name})
		}
		slices.SortFunc(all, func(a, b port.Follower) int { return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID) })
		return all, nil
	}
	return nil, c.failed("/v4/environments/"+environment, errors.New("more than 10,000 environments follow it"))
}

// definition is a revision as GET /v4/environments/environmentRevision/{id} shows it.
type definition struct {
	ID                        string               `json:"id"`
	EnvironmentID             string               `json:"environmentId"`
	Number                    int64                `json:"number"`
	ImageType                 string               `json:"imageType"`
	DockerImage               string               `json:"dockerImage"`
	DockerfileInstructions    string               `json:"dockerfileInstructions"`
	PreSetupScript            string               `json:"preSetupScript"`
	PostSetupScript           string               `json:"postSetupScript"`
	PreRunScript              string               `json:"preRunScript"`
	PostRunScript             string               `json:"postRunScript"`
	Summary                   string               `json:"summary"`
	DockerArguments           []string             `json:"dockerArguments"`
	ClusterTypes              []string             `json:"clusterTypes"`
	BuildEnvironmentVariables []map[string]*string `json:"buildEnvironmentVariables"`
	ShouldUseVPN              bool                 `json:"shouldUseVPN"`
	IsRestricted              bool                 `json:"isRestricted"`
	WorkspacesProperties      *struct {
		Raw string `json:"raw"`
	} `json:"workspacesProperties"`
}

// GetDefinition asks for the revision and its base.
func (c *Client) GetDefinition(ctx context.Context, revision string) (port.Definition, error) {
	if err := known(revision); err != nil {
		return port.Definition{}, fmt.Errorf("revision %w", err)
	}
	path := "/v4/environments/environmentRevision/" + revision
	var answer struct {
		Revision    *definition `json:"environmentRevision"`
		Base        *definition `json:"base"`
		Environment struct {
			RebuildOnBaseChanges string `json:"rebuildOnBaseChanges"`
		} `json:"environment"`
	}
	if err := c.get(ctx, path, &answer); err != nil {
		return port.Definition{}, err
	}
	if answer.Revision == nil || answer.Revision.ID != revision {
		return port.Definition{}, c.failed(path, errForeign)
	}
	d, err := answer.Revision.port()
	if err != nil {
		return d, c.failed(path, err)
	}
	switch r := answer.Revision; r.ImageType {
	case "DefaultImage":
	case "CustomImage":
		d.Image = r.DockerImage
	case "Environment":
		if answer.Base == nil || known(answer.Base.ID, answer.Base.EnvironmentID) != nil {
			return d, c.failed(path, errForeign)
		}
		d.Base, d.BaseOf, d.BaseNumber = answer.Base.ID, answer.Base.EnvironmentID, answer.Base.Number
		if answer.Environment.RebuildOnBaseChanges == "FollowActive" {
			d.Follow = d.BaseOf
		}
	default:
		return d, c.failed(path, errForeign)
	}
	return d, nil
}

func (d definition) port() (out port.Definition, err error) {
	out = port.Definition{Dockerfile: d.DockerfileInstructions, PreSetup: d.PreSetupScript, PostSetup: d.PostSetupScript, PreRun: d.PreRunScript, PostRun: d.PostRunScript,
		Summary: d.Summary, DockerArguments: d.DockerArguments, VPN: d.ShouldUseVPN, Restricted: d.IsRestricted}
	for _, t := range d.ClusterTypes {
		if lower := strings.ToLower(t); clusterWords()[lower] != "" {
			t = lower
		}
		out.Clusters = append(out.Clusters, t)
	}
	slices.Sort(out.Clusters)
	if d.WorkspacesProperties != nil {
		out.Tools = toolsJSON(d.WorkspacesProperties.Raw)
	}
	out.Variables, err = variables(d.BuildEnvironmentVariables)
	return out, err
}

// variables are told as pairs of a name and a value, or by their names; a value of null
// is one that is not told. Any other shape is refused: what is taken for a variable by
// mistake would go back as one.
func variables(shown []map[string]*string) (map[string]string, error) {
	if len(shown) == 0 {
		return nil, nil
	}
	out := map[string]string{}
	for _, pair := range shown {
		name, named := pair["name"]
		value, valued := pair["value"]
		_, keyed := pair["key"]
		switch {
		case named && valued && len(pair) == 2 && name != nil && *name != "":
			pair = map[string]*string{*name: value}
		case named, valued, keyed:
			return nil, errForeign
		}
		for k, v := range pair {
			if out[k] = port.Mask; v != nil {
				out[k] = *v
			}
		}
	}
	return out, nil
}

// newBase is the base of a new revision.
type newBase struct {
	Image    string `json:"image,omitempty"`
	Revision string `json:"baseRevisionId,omitempty"`
	Follow   string `json:"followActiveRevisionOf,omitempty"`
}

// newRevision is the body of POST /v4/environments/{id}/environmentRevision.
type newRevision struct {
	Base                   newBase           `json:"baseRevision"`
	DockerfileInstructions string            `json:"dockerfileInstructions,omitempty"`
	PreSetupScript         string            `json:"preSetupScript,omitempty"`
	PostSetupScript        string            `json:"postSetupScript,omitempty"`
	PreRunScript           string            `json:"preRunScript,omitempty"`
	PostRunScript          string            `json:"postRunScript,omitempty"`
	WorkspaceTools         string            `json:"workspaceTools,omitempty"`
	Summary                string            `json:"summary,omitempty"`
	EnvironmentVariables   map[string]string `json:"environmentVariables"`
	DockerArguments        []string          `json:"dockerArguments"`
	SupportedClusters      []string          `json:"supportedClusters"`
	Tags                   []string          `json:"tags"`
	ShouldUseVPN           bool              `json:"shouldUseVpn"`
	SkipCache              bool              `json:"skipCache"`
	IsRestricted           bool              `json:"isRestricted"`
}

// clusterWords are Domino's words for the clusters that domctl knows.
func clusterWords() map[string]string {
	return map[string]string{"spark": "Spark", "ray": "Ray", "dask": "Dask", "mpi": "MPI"}
}

// clusterNames are Domino's words for clusters; one that domctl does not know goes back
// as it came.
func clusterNames(clusters []string) []string {
	out := []string{}
	for _, c := range clusters {
		out = append(out, cmp.Or(clusterWords()[c], c))
	}
	return out
}

// newRevisionOf is a definition as Domino takes it.
func newRevisionOf(d port.Definition) (newRevision, error) {
	tools, err := toolsYAML(d.Tools)
	if err != nil {
		return newRevision{}, fmt.Errorf("%w: workspace tools: %w", port.ErrInvalid, err)
	}
	out := newRevision{Base: newBase{d.Image, d.Base, d.Follow}, DockerfileInstructions: d.Dockerfile, PreSetupScript: d.PreSetup, PostSetupScript: d.PostSetup,
		PreRunScript: d.PreRun, PostRunScript: d.PostRun, WorkspaceTools: tools, Summary: d.Summary, EnvironmentVariables: d.Variables,
		DockerArguments: append([]string{}, d.DockerArguments...), SupportedClusters: clusterNames(d.Clusters), Tags: append([]string{}, d.Tags...),
		ShouldUseVPN: d.VPN, SkipCache: d.SkipCache, IsRestricted: d.Restricted}
	if out.EnvironmentVariables == nil {
		out.EnvironmentVariables = map[string]string{}
	}
	return out, nil
}

// CreateRevision is POST /v4/environments/{id}/environmentRevision.
func (c *Client) CreateRevision(ctx context.Context, environment string, d port.Definition) (string, error) {
	if err := known(environment); err != nil {
		return "", fmt.Errorf("environment %w", err)
	}
	body, err := newRevisionOf(d)
	if err != nil {
		return "", err
	}
	var answer struct {
		Revision definition `json:"environmentRevision"`
	}
	path := "/v4/environments/" + environment + "/environmentRevision"
	if err := c.post(ctx, path, body, &answer); err != nil {
		return "", err
	}
	if known(answer.Revision.ID) != nil {
		return "", c.failedTo("POST", path, errForeign)
	}
	return answer.Revision.ID, nil
}

// SetActiveRevision is POST /v4/environments/{id}/setactive.
func (c *Client) SetActiveRevision(ctx context.Context, environment, revision string) error {
	if err := known(environment, revision); err != nil {
		return fmt.Errorf("revision %w", err)
	}
	return c.post(ctx, "/v4/environments/"+environment+"/setactive?"+url.Values{"revisionId": {revision}}.Encode(), nil, nil)
}

// CancelBuild is POST /v4/environments/{id}/environmentRevision/{revision}/cancel.
func (c *Client) CancelBuild(ctx context.Context, environment, revision string) error {
	if err := known(environment, revision); err != nil {
		return fmt.Errorf("revision %w", err)
	}
	return c.post(ctx, "/v4/environments/"+environment+"/environmentRevision/"+revision+"/cancel", nil, nil)
}
