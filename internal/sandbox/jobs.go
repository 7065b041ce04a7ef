package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// job is an execution that was started over the API. It ends by itself after a while.
type job struct {
	Command     string `json:"command"`
	Environment string `json:"environment"`
	Fails       string `json:"fails,omitempty"` // why it ended before it had its images
	Project     string `json:"project"`
	Pull        string `json:"pull"` // how long it waits for its images
	Stopped     bool   `json:"stopped,omitempty"`
	Submitted   string `json:"submitted"` // RFC 3339
	Tier        string `json:"tier"`
	Title       string `json:"title"`
}

// A job waits so long for its images unless the file says otherwise of the image that its
// tier's executors start from, and runs so long in all.
const (
	usualPull = "2s"
	usualJob  = 10 * time.Minute
)

// since says for how long a job has been there.
func (w *World) since(j job) (time.Duration, error) {
	at, err := time.Parse(time.RFC3339, j.Submitted)
	if err != nil {
		return 0, err
	}
	return w.opts.Clock().Sub(at), nil
}

func (w *World) jobOf(id string, j job) (port.Job, error) {
	ran, err := w.since(j)
	if err != nil {
		return port.Job{}, err
	}
	at, _ := time.Parse(time.RFC3339, j.Submitted)
	out := port.Job{ID: id, Title: j.Title, Status: "Running", Submitted: at}
	switch {
	case j.Stopped:
		out.Status, out.Ended = "Stopped", true
	case j.Fails != "":
		out.Status, out.Ended = "Failed", true
	case ran >= usualJob:
		out.Status, out.Ended = "Succeeded", true
	}
	return out, nil
}

// pulled is how long a job waited for its images, once it has them.
func (w *World) pulled(j job) (took time.Duration, told bool, err error) {
	ran, err := w.since(j)
	if err != nil || j.Fails != "" {
		return 0, false, err
	}
	if took, err = time.ParseDuration(j.Pull); err != nil || ran < took {
		return 0, false, err
	}
	return took, true, nil
}

// ListJobs of a project with a title.
func (w *World) ListJobs(ctx context.Context, project, title string, _ time.Time) ([]port.Job, error) {
	return read(ctx, w, "ListJobs", func(s *state) (out []port.Job, n int, err error) {
		if _, _, there := s.document("projects", project); !there {
			return nil, 0, fmt.Errorf("project %s: %w", project, port.ErrNotFound)
		}
		for _, id := range schema.Sorted(s.domino.Jobs) {
			if s.domino.Jobs[id].Project != project || s.domino.Jobs[id].Title != title {
				continue
			}
			j, err := w.jobOf(id, s.domino.Jobs[id])
			if err != nil {
				return nil, 0, err
			}
			out = append(out, j)
		}
		slices.SortStableFunc(out, func(a, b port.Job) int { return b.Submitted.Compare(a.Submitted) })
		return out, len(out), nil
	})
}

// StartJob begins a job on a tier that is there and not archived.
func (w *World) StartJob(ctx context.Context, j port.NewJob) (string, error) {
	return making(ctx, w, "StartJob", func(s *state, fails string) (*state, string, error) {
		if _, _, there := s.document("projects", j.Project); !there {
			return nil, "", fmt.Errorf("project %s: %w", j.Project, port.ErrNotFound)
		}
		if _, _, err := s.environment(j.Environment); err != nil {
			return nil, "", err
		}
		tier, there := s.named("hardware_tier", "_id", j.Tier)
		if archived, _ := tier.at([]string{"flags", "isArchived"}); !there || archived.text == "true" {
			return nil, "", fmt.Errorf("hardware tier %s is not there, or archived: %w", j.Tier, port.ErrInvalid)
		}
		pull := usualPull
		if group, there := s.named("executor_group_configuration", "hardwareTierId", j.Tier); there {
			image, _ := group.at([]string{"executorImage"})
			ami, _ := image.str()
			pull = cmp.Or(s.domino.Pulling[ami], pull)
		}
		id := hashed("job", j.Project, strconv.Itoa(len(s.domino.Jobs)))[len("sha256:"):][:24]
		n := *s
		n.domino.Jobs = added(s.domino.Jobs, id, job{Command: j.Command, Environment: j.Environment, Fails: fails, Project: j.Project, Pull: pull,
			Submitted: w.opts.Clock().UTC().Format(time.RFC3339), Tier: j.Tier, Title: j.Title})
		return &n, id, nil
	})
}

// named is a document of a collection by a text.
func (s *state) named(collection, path, text string) (value, bool) {
	c := s.mongo[collection]
	if c == nil {
		return value{}, false
	}
	for _, d := range c.docs {
		at, _ := d.body.at(schema.SplitPath(path))
		if got, is := at.str(); is && got == text {
			return d.body, true
		}
	}
	return value{}, false
}

// StopJob ends one.
func (w *World) StopJob(ctx context.Context, project, id string) error {
	return effect(ctx, w, "StopJob", func(s *state) (*state, error) {
		j, there := s.domino.Jobs[id]
		if !there || j.Project != project {
			return nil, fmt.Errorf("job %s: %w", id, port.ErrNotFound)
		}
		if is, err := w.jobOf(id, j); err != nil || is.Ended {
			return nil, cmp.Or(err, fmt.Errorf("job %s has ended: %w", id, port.ErrState))
		}
		j.Stopped = true
		n := *s
		n.domino.Jobs = added(s.domino.Jobs, id, j)
		return &n, nil
	})
}
