package domino

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"domctl.dev/internal/port"
)

// jobsOf is how many of a project's jobs are asked for at once, the newest first, and
// mostJobPages bounds for how long.
const (
	jobsOf       = 200
	mostJobPages = 50
)

// listedJob is one of GET /v4/jobs.
type listedJob struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	StageTime struct {
		Submitted int64 `json:"submissionTime"` // milliseconds
	} `json:"stageTime"`
	Statuses *struct {
		Completed bool   `json:"isCompleted"`
		Execution string `json:"executionStatus"`
	} `json:"statuses"`
}

// ListJobs pages through GET /v4/jobs of one project until a job is older, or none comes
// any more. Only jobs of the title are read closely: others may be odd.
func (c *Client) ListJobs(ctx context.Context, project, title string, since time.Time) ([]port.Job, error) {
	if err := known(project); err != nil {
		return nil, fmt.Errorf("project %w", err)
	}
	all, seen := []port.Job{}, map[string]bool{}
	for n := 1; n <= mostJobPages; n++ {
		path := "/v4/jobs?" + url.Values{"projectId": {project}, "order_by": {"number"}, "sort_by": {"desc"}, "page_size": {strconv.Itoa(jobsOf)}, "page_no": {strconv.Itoa(n)}}.Encode()
		var answer struct {
			Jobs *[]listedJob `json:"jobs"`
		}
		if err := c.get(ctx, path, &answer); err != nil {
			return nil, err
		}
		if answer.Jobs == nil || len(*answer.Jobs) > jobsOf {
			return nil, c.failed(path, errForeign)
		}
		over, before := len(*answer.Jobs) == 0, len(seen)
		for _, j := range *answer.Jobs {
			over = over || j.StageTime.Submitted > 0 && time.UnixMilli(j.StageTime.Submitted).Before(since)
			if j.Title == title && (known(j.ID) != nil || j.Statuses == nil || j.StageTime.Submitted <= 0) {
				return nil, c.failed(path, errForeign)
			}
			if j.Title == title && !seen[j.ID] {
				all = append(all, port.Job{ID: j.ID, Title: j.Title, Status: j.Statuses.Execution, Ended: j.Statuses.Completed, Submitted: time.UnixMilli(j.StageTime.Submitted).UTC()})
			}
			seen[j.ID] = true
		}
		again := len(seen) == before // the page was there before
		if again && !over && len(*answer.Jobs) >= jobsOf {
			return nil, c.failed(path, errForeign)
		}
		if over || again {
			slices.SortStableFunc(all, func(a, b port.Job) int { return b.Submitted.Compare(a.Submitted) })
			return all, nil
		}
	}
	return nil, c.failed("/v4/jobs", fmt.Errorf("more than %d jobs were started in project %s since %s", mostJobPages*jobsOf, project, since.UTC().Format(time.RFC3339)))
}

// newJob is the body of POST /v4/jobs/start.
type newJob struct {
	Project     string `json:"projectId"`
	Command     string `json:"commandToRun"`
	Environment string `json:"environmentId"`
	Tier        string `json:"overrideHardwareTierId"`
	Title       string `json:"title"`
}

// StartJob is POST /v4/jobs/start.
func (c *Client) StartJob(ctx context.Context, j port.NewJob) (string, error) {
	if err := known(j.Project, j.Environment); err != nil {
		return "", fmt.Errorf("job: %w", err)
	}
	const path = "/v4/jobs/start"
	var answer struct {
		ID string `json:"id"`
	}
	if err := c.post(ctx, path, newJob(j), &answer); err != nil {
		return "", err
	}
	if known(answer.ID) != nil {
		return "", c.failedTo("POST", path, errForeign)
	}
	return answer.ID, nil
}

// StopJob is POST /v4/jobs/stop.
func (c *Client) StopJob(ctx context.Context, project, id string) error {
	if err := known(project, id); err != nil {
		return fmt.Errorf("job %w", err)
	}
	return c.post(ctx, "/v4/jobs/stop", map[string]any{"projectId": project, "jobId": id, "commitResults": false}, nil)
}
