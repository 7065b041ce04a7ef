package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// waitingRuns is how many runs without a start are read.
const waitingRuns = 1000

// Queue is what waits to be started, and why. Unread are sources that did not answer: what
// they know is not told, and may be more.
type Queue struct {
	Waiting []Waiting `json:"waiting"`
	// Lacking are groups of pools for which EC2 has no instances.
	Lacking []Lacking `json:"lacking"`
	Unread  []Unread  `json:"unread"`
}

// Unread is a source that did not tell all, and why. One that was not Asked is not stated
// in the files.
type Unread struct {
	Source string `json:"source"`
	Asked  bool   `json:"asked"`
	Why    string `json:"why"`
}

// String is a sentence for people.
func (u Unread) String() string {
	if u.Asked {
		return u.Source + " did not tell all: " + u.Why
	}
	return u.Source + " was not asked: " + u.Why
}

// unstated is why a source is not asked.
type unstated string

func (u unstated) Error() string { return string(u) }

func untold(source string, err error) Unread {
	var not unstated
	return Unread{source, !errors.As(err, &not), oneLine(err)}
}

// Waiting is a run, or a pod of no run that is known. Why is empty where no source tells.
type Waiting struct {
	Run    string    `json:"run,omitempty"` // its id; "": a pod
	Pod    string    `json:"pod,omitempty"` // namespace/name
	User   string    `json:"user,omitempty"`
	Tier   string    `json:"tier,omitempty"`
	Pool   string    `json:"pool,omitempty"`
	Status string    `json:"status,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Why    []Reason  `json:"why"`

	user string // as documents name them
}

// Reason is why something waits: "quota", "tier" (its own limit), "pool" (at its maximum),
// "fit" (no node of the pool holds it), "launch" (the pool starts none), "scheduler", or "domino", as they say; Source is who
// says so.
type Reason struct {
	Kind   string `json:"kind"`
	Text   string `json:"text"`
	Source string `json:"source"`
}

// The sources of a queue.
const (
	fromDatabase  = "Domino's database"
	fromScheduler = "Kubernetes"
	fromDomino    = "Domino's API"
	fromCapacity  = "the pool's nodes"
)

// LookQueue reads what waits. executions is Domino's own list; nil: nobody asks it. A
// database that does not answer is an error, since nothing else knows the runs.
func (w *World) LookQueue(ctx context.Context, d schema.Desired, a schema.Applied, executions port.Executions) (Queue, error) {
	out := Queue{Waiting: []Waiting{}, Lacking: []Lacking{}, Unread: []Unread{}}
	var c *CapacityView
	var docs []port.Document
	var under []port.Count
	var listed []port.Execution
	tier := w.Deployment.Mongo.Mapping.HardwareTiers.Fields["runs"]
	fields, by := []string{"status", "startingUserId"}, []string{"startingUserId"}
	if tier != "" {
		fields, by = append(fields, tier), append(by, tier)
	}
	err := sideBySide(
		func() (err error) { c, err = w.LookCapacity(ctx, d, a, time.Time{}); return err },
		func() (err error) {
			docs, err = w.Outside.Find(ctx, port.Query{Collection: "runs", Any: map[string][]string{"started": {"null"}, "completed": {"null"}}, Newest: "started", Limit: waitingRuns, Fields: fields})
			return err
		},
		func() (err error) {
			under, err = w.Outside.Count(ctx, port.Group{Collection: "runs", Any: map[string][]string{"completed": {"null"}}, Since: map[string]time.Time{"started": time.UnixMilli(0)}, By: by})
			return err
		},
		func() error {
			if executions == nil {
				return nil
			}
			var failed error
			if listed, failed = executions.ListExecutions(ctx); failed != nil {
				out.Unread = append(out.Unread, untold(fromDomino, failed))
			}
			return ctx.Err()
		})
	if err != nil {
		return out, fmt.Errorf("queue: %w", err)
	}
	if c.why != nil {
		out.Unread = append(out.Unread, untold(fromScheduler, c.why))
	}
	for _, doc := range docs {
		if r := waiting(doc, tier); r.waits() {
			out.Waiting = append(out.Waiting, r)
		}
	}
	q := queueing{CapacityView: c, Queue: &out, under: under, byTier: tier != "", executions: listed}
	if err := q.lookLacking(ctx); err != nil {
		return out, fmt.Errorf("queue: %w", err)
	}
	if err := q.login(ctx); err != nil {
		return out, fmt.Errorf("queue: %w", err)
	}
	q.explain()
	slices.SortStableFunc(out.Waiting, func(a, b Waiting) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Run, b.Run), strings.Compare(a.Pod, b.Pod))
	})
	return out, nil
}

// oneLine says each thing once that several reads may have been told alike.
func oneLine(err error) string {
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// waiting is a run's document; an ObjectId holds the second in which it was made.
// https://www.mongodb.com/docs/manual/reference/bson-types/#objectid
func waiting(doc port.Document, tier string) Waiting {
	raw := rawOf(doc)
	r := Waiting{Run: digits(doc["_id"]), Status: standing(raw, "status").Str(), user: standing(raw, "startingUserId").Text, Why: []Reason{}}
	if tier != "" {
		r.Tier = digits(standing(raw, tier).Text)
	}
	if idDigits.MatchString(r.Run) && strings.HasPrefix(doc["_id"], `{"$oid"`) {
		if seconds, err := strconv.ParseInt(r.Run[:8], 16, 64); err == nil {
			r.Since = time.Unix(seconds, 0).UTC()
		}
	}
	return r
}

// waits is false for a run that ended before it started, or that runs and does not say
// since when.
func (r Waiting) waits() bool {
	return !overStatus(r.Status) && !slices.Contains([]string{"running", "serving", "stopping"}, strings.ToLower(r.Status))
}

// queueing says why what waits waits.
type queueing struct {
	*CapacityView
	*Queue
	under      []port.Count // what is under way, by user and, byTier, by tier
	byTier     bool
	executions []port.Execution
}

func (q queueing) login(ctx context.Context) error {
	ids := map[string]bool{}
	for _, r := range q.Waiting {
		if r.user != "" {
			ids[r.user] = true
		}
	}
	if len(ids) == 0 {
		return nil
	}
	names, err := q.world.logins(ctx, ids)
	for i, r := range q.Waiting {
		q.Waiting[i].User = cmp.Or(names[r.user], digits(r.user))
	}
	return err
}

func (q queueing) explain() {
	capacity := q.Reckon()
	byUser, byTier := map[string]int64{}, map[string]int64{}
	for _, n := range q.under {
		byUser[digits(n.Key[0])] += n.N
		if q.byTier {
			byTier[digits(n.Key[1])] += n.N
		}
	}
	tiers := map[string]tierAt{}
	for _, t := range q.tiersThere() {
		tiers[t.id] = t
	}
	for i := range q.Waiting {
		r := &q.Waiting[i]
		if n := byUser[digits(r.user)]; r.user != "" && n >= capacity.Quota {
			r.say("quota", fromDatabase, "%s has %d of %s under way (quota of %s)", r.User, n, planner.Plural(int(capacity.Quota), "execution"), capacity.QuotaFrom)
		}
		if t, known := tiers[r.Tier]; known {
			n := byTier[t.id]
			r.Tier, r.Pool = t.name, t.label
			q.explainTier(r, t, n, capacity)
			q.explainLaunches(r)
		}
	}
	q.explainPods()
	for _, e := range q.executions {
		if i := q.index(e.ID); i >= 0 && e.Why != "" {
			q.Waiting[i].say("domino", fromDomino, "%s", e.Why)
		}
	}
}

// explainTier judges a run by the limit of its tier, of which n are under way, and by what
// its pool holds.
func (q queueing) explainTier(r *Waiting, t tierAt, n int64, capacity Capacity) {
	i := slices.IndexFunc(capacity.Pools, func(p PoolCapacity) bool { return p.Label == t.label })
	if i < 0 {
		return
	}
	pool := capacity.Pools[i]
	j := slices.IndexFunc(pool.Tiers, func(c TierCapacity) bool { return c.Tier == t.name })
	if j >= 0 && pool.Tiers[j].Limit != nil && n >= *pool.Tiers[j].Limit {
		r.say("tier", fromDatabase, "%d executions of tier %s are under way, of %d that may be (maxSimultaneousExecutions)", n, t.name, *pool.Tiers[j].Limit)
	}
	if j >= 0 && len(pool.Tiers[j].On) > 0 && !slices.ContainsFunc(pool.Tiers[j].On, func(on OnNode) bool { return on.N == nil || *on.N > 0 }) {
		r.say("fit", fromCapacity, "no node of pool %s holds an execution of tier %s", t.label, t.name)
	}
	q.explainMaximum(r, pool)
}

// explainPods says of pods why the scheduler finds no node: of a run's own, which name it
// in a label or by their name, beside the run.
func (q queueing) explainPods() {
	for _, p := range q.pods {
		if p.Node != "" || p.Unscheduled == "" || p.Ending {
			continue
		}
		name := p.Namespace + "/" + p.Name
		i := slices.IndexFunc(q.Waiting, func(r Waiting) bool {
			return r.Run != "" && len(r.Run) >= 12 && (strings.Contains(p.Name, r.Run) || slices.Contains(slices.Collect(maps.Values(p.Labels)), r.Run))
		})
		if i < 0 {
			q.Queue.Waiting = append(q.Queue.Waiting, Waiting{Pod: name, Status: p.Phase, Since: p.Created, Why: []Reason{}})
			i = len(q.Waiting) - 1
		}
		q.Waiting[i].Pod = name
		q.Waiting[i].say("scheduler", fromScheduler, "%s", p.Unscheduled)
	}
}

// index is where a run stands; -1 for one that does not wait.
func (q queueing) index(run string) int {
	return slices.IndexFunc(q.Waiting, func(r Waiting) bool { return r.Run != "" && r.Run == run })
}

func (r *Waiting) say(kind, source, format string, args ...any) {
	r.Why = append(r.Why, Reason{kind, fmt.Sprintf(format, args...), source})
}
