package gitops

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// recording is what a fork is planned from.
type recording struct {
	planner.Recording
	sum   string    // of its bytes
	until time.Time // when it is too old
	age   string
}

const (
	// mostRecording is how large a recording may be, bytes.
	mostRecording = 8 << 20
	// mostAhead is how far a recording's clock may be ahead.
	mostAhead = 5 * time.Minute
)

// digest is empty where there is no recording.
func (r *recording) digest() string {
	if r == nil {
		return ""
	}
	return r.sum
}

// sees says that what the pull request shows was planned from what there is to plan from.
func (t *proposal) sees() bool {
	return t.rec.Applied == t.version && t.rec.Recording == t.world.digest()
}

// recorded reads the recording of the branch's own commit, also where the pull request
// parted from it long ago: who proposes does not choose which one counts. lacks says what
// is wrong with it.
func (t *proposal) recorded(ctx context.Context) (r *recording, lacks *schema.Finding, err error) {
	name := planner.Printable(t.desk.Bound.Recording.File)
	wrong := func(format string, args ...any) *schema.Finding {
		return &schema.Finding{Code: "DC532", Severity: schema.Error, Message: fmt.Sprintf("recording %s of branch %s ", name, planner.Printable(t.pull.Base)) + fmt.Sprintf(format, args...),
			Hint: "somebody with credentials records the world and commits that to the branch: domctl world record " + planner.Printable(t.desk.Bound.Folder()) + " --out " + name}
	}
	body, err := t.content(ctx, t.desk.Bound.Recording.File, mostRecording)
	switch {
	case errors.Is(err, git.ErrNotFound):
		return nil, wrong("is not there"), nil
	case errors.Is(err, git.ErrLarge):
		return nil, wrong("holds more than %d MiB", mostRecording>>20), nil
	case err != nil:
		return nil, nil, fmt.Errorf("recording %s: %w", name, err)
	}
	sum := sha256.Sum256(body)
	r = &recording{sum: hex.EncodeToString(sum[:])}
	if r.Recording, err = planner.DecodeRecording(body); err != nil {
		return nil, wrong("cannot be read: %s", planner.Printable(err.Error())), nil
	}
	at, _ := time.Parse(time.RFC3339, r.At) // it was decoded
	now := t.desk.Now()
	r.until, r.age = at.Add(t.desk.Bound.Recording.Term()), span(now.Sub(at))
	switch other := other(t.desk.Bound, t.desk.Name, r.Recording); {
	case other != "":
		return nil, wrong("is of another outside: %s", other), nil
	case at.After(now.Add(mostAhead)):
		return nil, wrong("says that it was made at %s, which is to come", r.At), nil
	case !now.Before(r.until):
		return nil, wrong("is too old: it was made at %s, and counts for %s", r.At, span(t.desk.Bound.Recording.Term())), nil
	}
	return r, nil, nil
}

// other says what of a recording is not what the deployment is bound to.
func other(d config.Deployment, name string, r planner.Recording) string {
	for _, one := range []struct{ what, has, bound string }{{"deployment", r.Deployment, name}, {"world", r.World.Kind, d.World},
		{"account", r.World.Account, d.AWS.Account}, {"region", r.World.Region, d.AWS.Region}, {"database", r.World.Database, d.Mongo.Database}} {
		if one.has != one.bound && (one.bound != "" || d.World == "live") {
			return one.what + " " + schema.JSON(planner.Printable(one.has)).Text
		}
	}
	return ""
}

// span is a time in words, rounded down.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Hour:
		return planner.Plural(max(int64(d/time.Minute), 0), "minute")
	case d < 48*time.Hour:
		return planner.Plural(int64(d/time.Hour), "hour")
	}
	return planner.Plural(int64(d/(24*time.Hour)), "day")
}

// plan plans a fork's files. What is wrong with a recording beyond its form must end
// nothing else.
func (r *recording) plan(commit string, files Compiled, o engine.PlanOptions, f engine.Former) (p planner.Plan, err error) {
	err = guarded(func() error {
		p, err = engine.Replay{Compiled: files.Result, Source: planner.Source{Commit: commit}, Former: &f}.Plan(r.Recording, o)
		return err
	})
	if err == nil && (p.Effect != "" || len(p.Steps) > 0) {
		return planner.Plan{}, errors.New("a plan from a recording could be applied")
	}
	return p, err
}
