package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"domctl.dev/internal/port"
)

// End is when something is expected to be over: a guess, by Of runs like it, or a time at
// which somebody ends it.
type End struct {
	// At is when half of the runs like it had ended, of those that lasted longer than it
	// has so far, and Late when nine of ten had; of several runs the latest. Of no guess, it
	// is over At the latest.
	At    time.Time `json:"at"`
	Late  time.Time `json:"late,omitzero"`
	Guess bool      `json:"guess"`
	Of    int       `json:"of,omitempty"` // the fewest that one of its runs is judged by
	From  string    `json:"from"`
}

// A guess is made by so many runs that lasted longer, at least, of the newest so many that
// began within so long.
const (
	fewestLike = 5
	mostEnded  = 5000
	endedSince = 30 * 24 * time.Hour
)

// likeness is what runs that are like each other share: the ids of a tier and a project.
type likeness struct{ tier, project string }

// Ended are how long runs that ended had lasted, by what they share, shortest first.
type Ended map[likeness][]time.Duration

// runProject is where a run names its project.
const runProject = "projectId"

// LookEnded reads the runs that ended lately, in one paged read.
func (w *World) LookEnded(ctx context.Context) (Ended, error) {
	tier := w.Deployment.Mongo.Mapping.HardwareTiers.Fields["runs"]
	if tier == "" {
		return nil, unstated("deployment.mongo.mapping.hardwareTiers.fields.runs does not say where runs name their tier")
	}
	docs, err := w.Outside.Find(ctx, port.Query{Collection: "runs", Since: map[string]time.Time{"started": w.Now().Add(-endedSince)}, Newest: "started", Limit: mostEnded,
		Fields: []string{"started", "completed", tier, runProject}})
	if err != nil {
		return nil, fmt.Errorf("runs that ended: %w", err)
	}
	all := Ended{}
	for _, doc := range docs {
		raw := rawOf(doc)
		like := likeness{digits(standing(raw, tier).Text), digits(standing(raw, runProject).Text)}
		lasted := dateOf(doc["completed"]).Sub(dateOf(doc["started"]))
		if like.whole() && doc["completed"] != "" && doc["started"] != "" && lasted > 0 {
			all[like] = append(all[like], lasted)
		}
	}
	for _, lasted := range all {
		slices.Sort(lasted)
	}
	return all, nil
}

// whole says that a run names both.
func (l likeness) whole() bool { return l.tier != "" && l.project != "" }

// end is when a run that started then is expected to end; nil where too few like it lasted
// as long.
func (e Ended) end(like likeness, started, now time.Time) *End {
	all := e[like]
	if !like.whole() || started.IsZero() {
		return nil
	}
	longer, _ := slices.BinarySearch(all, now.Sub(started)+1)
	if all = all[longer:]; len(all) < fewestLike {
		return nil
	}
	return &End{At: started.Add(all[(len(all)-1)/2]), Late: started.Add(all[(9*len(all)+9)/10-1]), Guess: true, Of: len(all), From: fromDatabase}
}

// foretell says of each unit of a run when that is expected to end.
func (c *census) foretell(ended Ended, untold error, now time.Time) {
	var not unstated
	if untold != nil && !errors.As(untold, &not) {
		c.Unread = append(c.Unread, Unread{fromDatabase, true, oneLine(untold)})
	}
	for i, r := range c.Runs {
		c.Runs[i].End = ended.end(likeness{r.tier, r.project}, r.started, now)
	}
}

// latest is when the last of what is on a machine is expected to end; nil where one of
// them is not foretold.
func (c *census) latest(n CensusNode) (last *End) {
	if len(n.Runs) == 0 {
		return nil
	}
	for _, r := range c.Runs {
		switch {
		case !r.isOn(n):
		case r.End == nil:
			return nil
		case last == nil:
			end := *r.End
			last = &end
		default:
			last.Of = min(last.Of, r.End.Of)
			if r.End.At.After(last.At) {
				last.At = r.End.At
			}
			if r.End.Late.After(last.Late) {
				last.Late = r.End.Late
			}
		}
	}
	return last
}
