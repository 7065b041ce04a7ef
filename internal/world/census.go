package world

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// RunCensus is which runs are live, and where. Unread are sources that did not answer:
// what they alone know is not told.
type RunCensus struct {
	Runs   []RunUnit `json:"runs"`
	Unread []Unread  `json:"unread"`
}

// RunUnit is one machine's part of a run: of a Spark, Ray or Dask cluster, each node is
// one. From are the sources that say it is there.
type RunUnit struct {
	Run     string    `json:"run,omitempty"` // its id; "": a pod of Domino's that names none
	Role    string    `json:"role"`          // "run", "spark-master", "ray-worker" …
	Kind    string    `json:"kind,omitempty"`
	Title   string    `json:"title,omitempty"`
	User    string    `json:"user,omitempty"`
	Project string    `json:"project,omitempty"`
	Tier    string    `json:"tier,omitempty"` // its id
	Status  string    `json:"status,omitempty"`
	Node    string    `json:"node,omitempty"` // "": it waits, or nobody tells
	Pod     string    `json:"pod,omitempty"`  // namespace/name
	Since   time.Time `json:"since,omitzero"` // it started, else it was queued
	From    []string  `json:"from"`
	End     *End      `json:"expectedEnd"` // nil: nobody can tell

	user, tier, project string    // ids, as documents have them
	started             time.Time // as documents have it
}

// Past tells of runs that ended. One that nobody is to tell of has the zero Ended.
type Past func(context.Context) (Ended, error)

// LookRuns reads which runs are live, from Domino's API, from the pods of the cluster and
// from its database, side by side. executions nil: Domino is not asked. Where none
// answers, that is an error, since an empty list would look like an idle grid.
func (w *World) LookRuns(ctx context.Context, executions port.Executions, past Past) (RunCensus, error) {
	var c *census
	var ended Ended
	var untold error
	err := sideBySide(
		func() (err error) { c, err = w.census(ctx, executions); return err },
		func() error { ended, untold = past(ctx); return nil })
	if err != nil {
		return RunCensus{}, fmt.Errorf("runs: %w", err)
	}
	c.foretell(ended, untold, w.Now())
	return c.RunCensus, ctx.Err()
}

// census is all that is read of runs, and the nodes and pods beside them.
type census struct {
	RunCensus
	nodes []port.Node
	pods  []port.Pod
	noPod bool // pods are not known
	// placed says that somebody beside the pods tells where runs are.
	placed bool
}

func (w *World) census(ctx context.Context, executions port.Executions) (*census, error) {
	c := &census{RunCensus: RunCensus{Runs: []RunUnit{}, Unread: []Unread{}}}
	var listed []port.Execution
	var docs []port.Document
	var base error
	var api, pods error = unstated("deployment.domino is not stated"), errNoCluster
	_ = sideBySide(
		func() error {
			if executions != nil {
				listed, api = executions.ListExecutions(ctx)
			}
			if api == nil && w.Deployment.Executors == "classic" { // elsewhere pods tell
				api = locateRuns(ctx, executions, listed)
			}
			return nil
		},
		func() error {
			if w.Nodes == nil {
				return nil
			}
			pods = sideBySide(
				func() (err error) { c.nodes, err = w.Nodes.ListNodes(ctx); return err },
				func() (err error) { c.pods, err = w.Nodes.ListPods(ctx, ""); return err })
			return nil
		},
		func() error { docs, base = w.liveRuns(ctx); return nil })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.noPod, c.placed = pods != nil, api == nil || base == nil && w.Deployment.Mongo.Mapping.ExecutorGroups.Fields["runs"] != ""
	for _, s := range []struct {
		from string
		err  error
	}{{fromDomino, api}, {fromScheduler, pods}, {fromDatabase, base}} {
		if s.err != nil {
			c.Unread = append(c.Unread, untold(s.from, s.err))
		}
	}
	if len(c.Unread) == 3 {
		return nil, fmt.Errorf("nobody tells which are live: %w", base)
	}
	c.listed(listed)
	if pods == nil {
		c.running()
	}
	if len(docs) == mostLive {
		c.Unread = append(c.Unread, Unread{fromDatabase, true, fmt.Sprintf("more than the newest %d runs have not ended; the others are not looked at", mostLive)})
	}
	return c, w.recorded(ctx, c, docs)
}

// listed takes what Domino's API says.
func (c *census) listed(all []port.Execution) {
	for _, e := range all {
		row := RunUnit{Run: e.ID, Role: "run", Kind: e.Kind, Title: e.Title, User: e.Owner, Project: e.Project, Tier: e.Tier, Status: e.Status, Since: e.Queued, From: []string{fromDomino}}
		if !e.Started.IsZero() {
			row.Since = e.Started
		}
		if len(e.Units) == 0 {
			c.Runs = append(c.Runs, row)
		}
		for _, u := range e.Units {
			row := row
			row.Role, row.Node, row.Status, row.From = u.Role, u.Node, cmp.Or(u.Status, e.Status), []string{fromDomino}
			row.Pod = u.ID
			c.Runs = append(c.Runs, row)
		}
	}
}

// running takes the pods that name a run: beside the unit that they are of, or by
// themselves where Domino tells of none.
func (c *census) running() {
	for i, r := range c.Runs { // Domino names a pod without its namespace, if it names one
		c.Runs[i].Pod = ""
		for _, p := range c.pods {
			if p.Name == r.Pod && p.Labels[port.ExecutionLabel] == r.Run {
				c.Runs[i].Pod = p.Namespace + "/" + p.Name
				c.Runs[i].Node = cmp.Or(p.Node, r.Node)
				c.Runs[i].From = append(c.Runs[i].From, fromScheduler)
			}
		}
	}
	for _, p := range c.pods {
		run, name := p.Labels[port.ExecutionLabel], p.Namespace+"/"+p.Name
		if !p.OfRun() || p.Ended() || slices.ContainsFunc(c.Runs, func(r RunUnit) bool { return r.Pod == name }) {
			continue
		}
		i := slices.IndexFunc(c.Runs, func(r RunUnit) bool {
			return run != "" && r.Run == run && r.Pod == "" && r.Node != "" && r.Node == p.Node
		})
		if i < 0 {
			i = len(c.Runs)
			c.Runs = append(c.Runs, RunUnit{Run: run, Role: "run", Kind: p.Labels[port.WorkloadLabel], Status: p.Phase, Node: p.Node, Since: p.Created})
		}
		c.Runs[i].Pod = name
		c.Runs[i].From = append(c.Runs[i].From, fromScheduler)
	}
}

// mostLive is how many runs of the database are read, the newest.
const mostLive = 5000

// liveRuns are the runs of the database that have not ended.
func (w *World) liveRuns(ctx context.Context) ([]port.Document, error) {
	m := w.Deployment.Mongo.Mapping
	fields := []string{"status", "startingUserId", "started", runProject}
	for _, path := range []string{m.HardwareTiers.Fields["runs"], m.ExecutorGroups.Fields["runs"]} {
		if path != "" {
			fields = append(fields, path)
		}
	}
	return w.Outside.Find(ctx, port.Query{Collection: "runs", Any: map[string][]string{"completed": {"null"}}, Newest: "started", Limit: mostLive, Fields: fields})
}

// recorded takes what the database says: deployment.mongo.mapping.executorGroups.fields.runs
// is where a run names its machine, hardwareTiers.fields.runs its tier.
func (w *World) recorded(ctx context.Context, c *census, docs []port.Document) error {
	m := w.Deployment.Mongo.Mapping
	users := map[string]bool{}
	for _, doc := range docs {
		raw := rawOf(doc)
		row := RunUnit{Run: digits(doc["_id"]), Role: "run", Status: standing(raw, "status").Str(), user: standing(raw, "startingUserId").Text, Since: dateOf(doc["started"]), From: []string{fromDatabase}}
		if path := m.HardwareTiers.Fields["runs"]; path != "" {
			row.Tier = digits(standing(raw, path).Text)
		}
		row.tier, row.project, row.started = row.Tier, digits(standing(raw, runProject).Text), row.Since
		if path := m.ExecutorGroups.Fields["runs"]; path != "" {
			row.Node = standing(raw, path).Str()
		}
		if overStatus(row.Status) || row.Since.IsZero() && (Waiting{Status: row.Status}).waits() {
			continue // domctl queue tells of those that wait
		}
		known := false
		for i := range c.Runs {
			r := &c.Runs[i]
			if r.Run != row.Run {
				continue
			}
			known = true
			r.Tier, r.user, r.Since = cmp.Or(r.Tier, row.Tier), row.user, later(row.Since, r.Since)
			r.tier, r.project, r.started = row.tier, row.project, row.started
			if r.Role == "run" && (r.Node == "" || r.Node == row.Node) {
				r.Node = cmp.Or(r.Node, row.Node)
				r.From = append(r.From, fromDatabase)
			}
			users[r.user] = r.User == ""
		}
		if !known {
			c.Runs = append(c.Runs, row)
			users[row.user] = true
		}
	}
	return w.nameUsers(ctx, c, users)
}

func (w *World) nameUsers(ctx context.Context, c *census, users map[string]bool) error {
	delete(users, "")
	names, err := w.logins(ctx, users)
	if err != nil {
		c.Unread = append(c.Unread, Unread{fromDatabase, true, "names of users: " + oneLine(err)})
	}
	for i, r := range c.Runs {
		c.Runs[i].User = cmp.Or(r.User, names[r.user], digits(r.user))
	}
	slices.SortStableFunc(c.Runs, func(a, b RunUnit) int {
		return cmp.Or(strings.Compare(a.Run, b.Run), cmp.Compare(rank(a.Role), rank(b.Role)), strings.Compare(a.Role, b.Role), strings.Compare(a.Pod, b.Pod), strings.Compare(a.Node, b.Node))
	})
	return ctx.Err()
}

// later is when a run started, else when it was seen first.
func later(started, seen time.Time) time.Time {
	if started.IsZero() {
		return seen
	}
	return started
}

// rank puts a run before the nodes of its cluster, of those the workers last.
func rank(role string) int {
	switch {
	case role == "run":
		return 0
	case strings.HasSuffix(role, "worker"):
		return 2
	}
	return 1
}

// overStatus is of a run that ended, whatever else the database says.
func overStatus(status string) bool {
	return slices.Contains([]string{"stopped", "succeeded", "failed", "error", "archived", "cancelled", "canceled", "aborted", "completed", "finished"}, strings.ToLower(status))
}

// NodeCensus is which machines there are, and what is on them.
type NodeCensus struct {
	Nodes  []CensusNode `json:"nodes"`
	Unread []Unread     `json:"unread"`
	// NoPools is why the pools of the files could not be read, which Unread says too: then
	// instances that are no nodes may be missing. nil: they were.
	NoPools error `json:"-"`
}

// Deadline is when a roll waits no longer: where the plan Forces it, it ends the node with
// its runs; else it stops, and the node stays.
type Deadline struct {
	At    time.Time `json:"at"`
	Force bool      `json:"force"`
	Apply string    `json:"apply"`
}

// CensusNode is one machine. Runs are ids of runs, and pods of Domino's workloads that
// name none; nil: nobody tells. Waits is what it waits for, as far as anybody tells.
type CensusNode struct {
	Node     string         `json:"node,omitempty"`     // "": an instance that is no node
	Instance string         `json:"instance,omitempty"` // EC2 id
	Pool     string         `json:"pool,omitempty"`     // the label that tiers name
	Tier     string         `json:"tier,omitempty"`     // id of the tier that an executor is of
	Address  schema.Address `json:"address,omitzero"`   // of the pool, or the tier, in the files
	AMI      string         `json:"ami,omitempty"`
	Current  *bool          `json:"current"` // it is on the image that the pool starts nodes from; null: not known
	Type     string         `json:"instanceType,omitempty"`
	Created  time.Time      `json:"created,omitzero"`
	State    string         `json:"state"` // "ready", "not ready", "cordoned", "maintenance", of Karpenter's also "asked for" and "ending", else as EC2 says ("shutting-down")
	Runs     []string       `json:"runs"`
	Waits    []string       `json:"waitsFor"`
	From     []string       `json:"from"` // who tells of its runs
	// End is when the last of its runs is expected to end, of one that no new run gets on to:
	// one that is cordoned. nil: nobody can tell, or it is not.
	End *End `json:"expectedEnd"`
	// Deadline is when the roll that cordoned it waits no longer for its runs.
	Deadline *Deadline `json:"deadline,omitempty"`
	// By is who cordoned it, as the node notes it.
	By string `json:"cordonedBy,omitempty"`
	// Apply is the one whose roll did, of those that have not ended.
	Apply string `json:"apply,omitempty"`
}

// Of are the units of one run alone, by its id; its Unread are all.
func (c RunCensus) Of(run string) (RunCensus, error) {
	of := RunCensus{Runs: []RunUnit{}, Unread: c.Unread}
	var ids []string
	for _, r := range c.Runs {
		if r.Run != "" && r.Run == run {
			of.Runs = append(of.Runs, r)
		}
		ids = append(ids, r.Run)
	}
	if len(of.Runs) > 0 {
		return of, nil
	}
	return of, missing(run, ids, c.Unread, "is no run that is live", "domctl nodes lists what is on each machine, domctl queue those that wait")
}

// missing says that nothing is called so, what could have been meant, and who did not tell
// all.
func missing(name string, names []string, unread []Unread, text, hint string) error {
	var untold []string
	for _, u := range unread {
		untold = append(untold, u.String())
	}
	if len(untold) > 0 {
		text += ", as far as is known: " + strings.Join(untold, "; ")
	}
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(s string) bool { return s == "" })
	near := slices.DeleteFunc(slices.Clone(names), func(s string) bool { return name == "" || !strings.HasPrefix(s, name) })
	if len(near) == 0 {
		near = schema.AllNearest(name, names)
	}
	if len(near) > 0 {
		hint = "did you mean " + schema.Listed(near[:min(len(near), 5)], "or") + "?"
	}
	return fmt.Errorf("%q %s\nhint: %s", name, text, hint)
}
