package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// api is what Domino's REST API answers: User is whose key it is, "admin" unless
// stated. Pulls are the executions that it knows as jobs, by id, each with how long
// it waited for its images ("2m10s"); "" is one that it tells no time of.
// BuildTime is how long a build of a revision takes ("2m"; at once unless stated), and
// Revisions are those that the API knows more of than the database: their definitions
// and builds, by id. Builds are how those of an environment go, by its id. Hides are the ids
// of hardware tiers, and the keys of settings, that the key may not see; Masks the keys of
// settings whose value the API shows as a mask.
// Jobs are those that were started over the API. Pulling is how long they wait for their
// images on nodes of an AMI. Executions are live runs beside them, by id.
type api struct {
	BuildTime  string               `json:"buildTime,omitempty"`
	Hides      []string             `json:"hides,omitempty"`
	Masks      []string             `json:"masks,omitempty"`
	Builds     map[string]builds    `json:"builds,omitempty"`
	Executions map[string]execution `json:"executions,omitempty"`
	Jobs       map[string]job       `json:"jobs,omitempty"`
	Pulling    map[string]string    `json:"pulling,omitempty"`
	Pulls      map[string]string    `json:"pulls,omitempty"`
	Revisions  map[string]revision  `json:"revisions,omitempty"`
	User       string               `json:"user,omitempty"`
	Default    string               `json:"default,omitempty"` // the deployment's default environment
}

func (a api) empty() bool {
	return a.Default == "" && a.User == "" && a.BuildTime == "" && len(a.Hides)+len(a.Masks)+len(a.Pulls)+len(a.Revisions)+len(a.Builds)+len(a.Jobs)+len(a.Executions)+len(a.Pulling) == 0
}

func (p *parser) api(into *api) error {
	start := p.i
	if err := p.strict(into, "domino"); err != nil {
		return err
	}
	for _, id := range schema.Sorted(into.Pulls) {
		if d, err := time.ParseDuration(cmp.Or(into.Pulls[id], "0s")); err != nil || d < 0 {
			return p.fail(start, `domino.pulls: %s: %q is not a time like "2m10s"`, id, into.Pulls[id])
		}
	}
	for _, ami := range schema.Sorted(into.Pulling) {
		if d, err := time.ParseDuration(into.Pulling[ami]); err != nil || d < 0 {
			return p.fail(start, `domino.pulling: %s: %q is not a time like "2m10s"`, ami, into.Pulling[ami])
		}
	}
	if d, err := time.ParseDuration(cmp.Or(into.BuildTime, "0s")); err != nil || d < 0 {
		return p.fail(start, `domino.buildTime: %q is not a time like "2m10s"`, into.BuildTime)
	}
	for _, id := range schema.Sorted(into.Builds) {
		if d, err := time.ParseDuration(cmp.Or(into.Builds[id].Time, "0s")); err != nil || d < 0 {
			return p.fail(start, `domino.builds: %s: %q is not a time like "2m10s"`, id, into.Builds[id].Time)
		}
	}
	return nil
}

// DominoUser is whose key it is.
func (w *World) DominoUser(ctx context.Context) (string, error) {
	return read(ctx, w, "DominoUser", func(s *state) (string, int, error) { return cmp.Or(s.domino.User, "admin"), 1, nil })
}

// PullTime of an execution that the file names under "domino", or that was started.
func (w *World) PullTime(ctx context.Context, execution string) (took time.Duration, told bool, err error) {
	took, err = read(ctx, w, "PullTime", func(s *state) (time.Duration, int, error) {
		if j, started := s.domino.Jobs[execution]; started {
			d, is, err := w.pulled(j)
			told = is
			return d, 1, err
		}
		text, known := s.domino.Pulls[execution]
		if !known {
			return 0, 0, fmt.Errorf("job %s: %w", execution, port.ErrNotFound)
		}
		if told = text != ""; !told {
			return 0, 1, nil
		}
		d, err := time.ParseDuration(text)
		return d, 1, err
	})
	return took, told && err == nil, err
}
