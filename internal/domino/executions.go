package domino

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/internal/port"
)

const executionList = "/v4/admin/executions"

// executionsOf is how many executions are asked for at once.
const executionsOf = 500

// overview is one of GET /v4/admin/executions.
type overview struct {
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	Kind    string    `json:"workloadType"`
	Status  string    `json:"status"`
	Created time.Time `json:"created"`
	User    string    `json:"startingUsername"`
	Project struct {
		Owner string `json:"ownerUsername"`
		Name  string `json:"projectName"`
	} `json:"projectIdentifier"`
	Tier struct {
		ID string `json:"id"`
	} `json:"hardwareTier"`
	Units    *[]deployed `json:"executionUnits"`
	Spark    []deployed  `json:"onDemandSparkExecutionUnits"`
	Clusters []struct {
		Type string     `json:"clusterType"`
		Pods []deployed `json:"podOverviews"`
	} `json:"computeClusterOverviews"`
}

// deployed is one machine's part of an execution.
type deployed struct {
	ID     string `json:"deployableObjectId"`
	Node   string `json:"computeNodeId"`
	Status string `json:"status"`
	Role   string `json:"role"`
}

// port names a unit that several lists hold once, by the list that tells most of it.
func (o overview) port() port.Execution {
	e := port.Execution{ID: o.ID, Title: o.Title, Kind: o.Kind, Owner: o.User, Project: o.Project.Owner + "/" + o.Project.Name, Tier: o.Tier.ID, Status: o.Status, Queued: o.Created.UTC()}
	var cluster []port.ExecutionUnit
	seen := map[string]bool{}
	add := func(into *[]port.ExecutionUnit, kind string, units []deployed) {
		for _, u := range units {
			if u.ID == "" || !seen[u.ID] {
				*into = append(*into, port.ExecutionUnit{ID: u.ID, Role: role(kind, u.Role), Node: u.Node, Status: u.Status})
			}
			seen[u.ID] = true
		}
	}
	for _, c := range o.Clusters {
		add(&cluster, c.Type, c.Pods)
	}
	add(&cluster, "spark", o.Spark)
	add(&e.Units, "", *o.Units)
	e.Units = append(e.Units, cluster...)
	return e
}

// role is "run", or a cluster's kind and what a node is of it: "spark-master".
func role(kind, of string) string {
	kind, of = strings.ToLower(kind), strings.ToLower(of)
	switch {
	case kind == "":
		return "run"
	case of == "" || of == kind || strings.HasPrefix(of, kind+"-"):
		return cmp.Or(of, kind)
	}
	return kind + "-" + of
}

// ListExecutions reads the list by id, again where it changes meanwhile.
func (c *Client) ListExecutions(ctx context.Context) ([]port.Execution, error) {
	for range attempts {
		if found, whole, err := c.executions(ctx); whole || err != nil {
			return found, err
		}
	}
	return nil, c.failed(executionList, errors.New("it changes each time it is read; run again"))
}

// executions reads the list once, each page from the last one of the page before. It is
// not whole where another stands there: one that ended drew the rest up.
func (c *Client) executions(ctx context.Context) (all []port.Execution, whole bool, err error) {
	all = []port.Execution{}
	seen := map[string]bool{}
	for range mostPages {
		page, total, err := c.executionsFrom(ctx, max(len(all)-1, 0))
		if err != nil {
			return nil, false, err
		}
		if len(all) > 0 {
			if len(page) == 0 || page[0].ID != all[len(all)-1].ID {
				return nil, false, nil
			}
			page = page[1:]
		}
		for _, o := range page {
			if seen[o.ID] {
				return nil, false, nil
			}
			seen[o.ID] = true
			all = append(all, o.port())
		}
		switch {
		case len(all) > mostListed:
			return nil, false, c.failed(executionList, errForeign)
		case len(all) == total:
			return all, true, nil
		case len(page) == 0 || len(all) > total:
			return nil, false, nil
		}
	}
	return nil, false, c.failed(executionList, errors.New("it has no end"))
}

// executionsFrom is one page; an entry that is none is no list.
func (c *Client) executionsFrom(ctx context.Context, offset int) (page []overview, total int, err error) {
	path := executionList + "?" + url.Values{"offset": {strconv.Itoa(offset)}, "pageSize": {strconv.Itoa(executionsOf)}, "sortBy": {"executionId"}, "sortOrder": {"asc"}}.Encode()
	var answer struct {
		Overviews *[]overview `json:"overviews"`
		Total     *int        `json:"totalCount"`
	}
	if err := c.get(ctx, path, &answer); err != nil {
		return nil, 0, err
	}
	if answer.Overviews == nil || answer.Total == nil || *answer.Total < 0 || len(*answer.Overviews) > executionsOf ||
		slices.ContainsFunc(*answer.Overviews, func(o overview) bool { return known(o.ID) != nil || o.Units == nil }) {
		return nil, 0, c.failed(path, errForeign)
	}
	return *answer.Overviews, *answer.Total, nil
}

// GetExecutor is executorInfo of GET /v4/jobs/{id}/runtimeExecutionDetails.
func (c *Client) GetExecutor(ctx context.Context, execution string) (string, error) {
	if !idForm.MatchString(execution) {
		return "", fmt.Errorf("job %q: %w", execution, port.ErrNotFound)
	}
	path := "/v4/jobs/" + execution + "/runtimeExecutionDetails"
	var answer *struct {
		Executor *struct {
			Instance string `json:"executorInstanceId"`
		} `json:"executorInfo"`
	}
	if err := c.get(ctx, path, &answer); err != nil {
		return "", err
	}
	switch {
	case answer == nil:
		return "", c.failed(path, errForeign)
	case answer.Executor == nil:
		return "", nil
	}
	return answer.Executor.Instance, nil
}
