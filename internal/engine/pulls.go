package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// What a review asks Domino's API at most, which tells of one run at a time.
const (
	pullsNewest   = 5000 // runs of the window that it chooses from
	pullsOfEach   = 10   // newest runs of a revision on a tier
	pullsInAll    = 300
	pullsBeside   = 8 // side by side
	pullsPatience = time.Minute
)

// Pulls says how long runs waited for their images. Of the newest runs of the
// window, the newest of each revision and tier were asked for.
type Pulls struct {
	// Off says why nobody was asked; "": Domino's API was.
	Off string `json:"off,omitempty"`
	// Longer than this is slow.
	Longer  int64  `json:"longerThanMillis"`
	Looked  int    `json:"looked"`  // runs that were chosen from
	Asked   int    `json:"asked"`   // runs that were asked for
	Timed   int    `json:"timed"`   // of these, Domino told how long they pulled
	Untold  int    `json:"untold"`  // it tells nothing of their pull
	Unknown int    `json:"unknown"` // it does not know them as jobs
	Unread  int    `json:"unread"`  // it could not be asked
	Slow    []Slow `json:"slow"`
}

// Slow are runs of one revision on one tier of which some pulled longer than the
// limit. Times are in milliseconds. Earlier are those slow ones that started before
// what the pool's nodes start from today was made; Today and Declared are the bytes
// that a new node pulls for the image, now and as the files have it: nil where
// nobody knows.
type Slow struct {
	Name     string         `json:"name"`
	Address  string         `json:"address,omitempty"`
	Revision int64          `json:"revision,omitempty"`
	Tier     string         `json:"tier,omitempty"`
	Label    string         `json:"pool,omitempty"` // as tiers name the pool
	Pool     schema.Address `json:"nodePool,omitzero"`
	AMI      string         `json:"image,omitempty"` // that its nodes start from
	Runs     int            `json:"runs"`            // timed
	Slow     int            `json:"slow"`
	Earlier  int            `json:"earlier"`
	Median   int64          `json:"medianMillis"`
	Worst    int64          `json:"worstMillis"`
	WorstRun string         `json:"worstRun"`
	Today    *int64         `json:"todayBytes"`
	Declared *int64         `json:"declaredBytes"`
}

// Due says that somebody should look: not where all of it is from before the pool's
// nodes had the image.
func (s Slow) Due() bool { return s.Today == nil || *s.Today > 0 || s.Slow > s.Earlier }

// timed is a run whose pull Domino told.
type timed struct {
	world.Run
	took time.Duration
}

// pulls asks for the newest runs of each revision and tier how long they pulled.
// What could not be read is counted, and the error says the first reason; the rest
// is right.
func (e *Engine) pulls(ctx context.Context, since time.Time, longer time.Duration) (p Pulls, read []timed, err error) {
	p = Pulls{Longer: longer.Milliseconds(), Slow: []Slow{}}
	if e.Domino == nil {
		p.Off = "deployment.domino does not say where its API is"
		return p, nil, nil
	}
	runs, err := e.world.Runs(ctx, since, pullsNewest)
	if err != nil {
		p.Off = "what ran could not be read"
		return p, nil, err
	}
	asked := choose(runs, pullsOfEach, pullsInAll)
	p.Looked, p.Asked = len(runs), len(asked)
	within, cancel := context.WithTimeout(ctx, pullsPatience)
	defer cancel()
	if p.Asked > 0 { // elsewhere than at Domino, every run would be one that is not known
		if _, err := e.Domino.DominoUser(within); err != nil {
			p.Unread = p.Asked
			return p, nil, err
		}
	}
	q := asking{domino: e.Domino, Pulls: &p, stop: cancel}
	next := make(chan world.Run)
	var wait sync.WaitGroup
	for range pullsBeside {
		wait.Go(func() {
			for run := range next {
				q.one(within, run)
			}
		})
	}
	for _, run := range asked {
		next <- run
	}
	close(next)
	wait.Wait()
	if p.Unread > 0 {
		if p.Timed > 0 && within.Err() != nil && errors.Is(q.first, context.DeadlineExceeded) {
			q.first = fmt.Errorf("all of them took longer than %s", pullsPatience)
		}
		err = fmt.Errorf("%d of %s could not be read: %w", p.Unread, planner.Plural(p.Asked, "run"), q.first)
	}
	return p, q.read, err
}

// asking gathers answers.
type asking struct {
	domino port.Domino
	*Pulls
	stop context.CancelFunc

	mu    sync.Mutex
	read  []timed
	first error
}

// one asks for one run. A key that is refused once may serve for another project;
// one that never was taken is not shown on and on, and who asks for less is heard.
func (q *asking) one(ctx context.Context, run world.Run) {
	took, told, err := time.Duration(0), false, ctx.Err()
	if err == nil {
		took, told, err = q.domino.PullTime(ctx, run.ID)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case errors.Is(err, port.ErrNotFound):
		q.Unknown++
	case err != nil:
		q.first = cmp.Or(q.first, err)
		q.Unread++
		if errors.Is(err, port.ErrThrottled) || q.Unread >= pullsBeside && q.Timed+q.Untold+q.Unknown == 0 {
			q.stop()
		}
	case !told:
		q.Untold++
	default:
		q.Timed++
		q.read = append(q.read, timed{run, took})
	}
}

// of is whose pulls are told together.
type of struct{ environment, revision, tier string }

func whose(r world.Run) of { return of{r.Environment, r.Revision, r.Tier} }

// choose takes the newest of each revision and tier in turn, each times at most,
// until there are all. The runs are newest first.
func choose(runs []world.Run, each, all int) []world.Run {
	turns, seen := make([][]world.Run, each), map[of]int{}
	for _, r := range runs {
		if n := seen[whose(r)]; n < each {
			turns[n] = append(turns[n], r)
			seen[whose(r)]++
		}
	}
	chosen := slices.Concat(turns...)
	return chosen[:min(len(chosen), all)]
}

// slow tells those apart that pulled longer than the limit, the most often slow
// first.
func (f Forecast) slow(read []timed, longer time.Duration, view *world.View) []Slow {
	groups := map[of][]timed{}
	for _, t := range read {
		groups[whose(t.Run)] = append(groups[whose(t.Run)], t)
	}
	out := []Slow{}
	for _, runs := range groups {
		slices.SortFunc(runs, func(a, b timed) int { return cmp.Or(cmp.Compare(a.took, b.took), cmp.Compare(a.ID, b.ID)) })
		if worst := runs[len(runs)-1]; worst.took > longer {
			out = append(out, f.describe(runs, longer, view))
		}
	}
	slices.SortFunc(out, func(a, b Slow) int {
		return cmp.Or(cmp.Compare(b.Slow, a.Slow), cmp.Compare(b.Worst, a.Worst), cmp.Compare(a.WorstRun, b.WorstRun))
	})
	return out
}

// describe says of runs of one revision on one tier, the slowest last, how slow they
// were, and what their pool has of the image.
func (f Forecast) describe(runs []timed, longer time.Duration, view *world.View) Slow {
	worst := runs[len(runs)-1]
	s := Slow{Name: cmp.Or(worst.Revision, worst.Environment), Tier: worst.Tier, Label: worst.Pool, Runs: len(runs),
		Median: (runs[(len(runs)-1)/2].took + runs[len(runs)/2].took).Milliseconds() / 2, Worst: worst.took.Milliseconds(), WorstRun: worst.ID}
	made := time.Time{}
	if s.Label != "" {
		s.Pool, s.AMI, made = view.PoolStart(s.Label)
	}
	for _, r := range runs {
		if r.took > longer {
			s.Slow++
			if r.Started.Before(made) {
				s.Earlier++
			}
		}
	}
	for _, i := range f.Images {
		u := i.used
		if u.ID == "" || u.ID != worst.Revision {
			continue
		}
		s.Name, s.Address, s.Revision = i.Name, i.Address, i.Revision
		for _, p := range i.Pools {
			if p.Pool == s.Label {
				s.Today, s.Declared = p.Today, p.Declared
			}
		}
	}
	return s
}
