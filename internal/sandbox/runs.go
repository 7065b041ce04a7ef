package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// Run is an execution that is put on nodes of the sandbox, as Domino would at a user's
// request, and ends by itself.
type Run struct {
	ID         string
	Tier, User string
	Pool       string   // the label of its nodes; "" with On
	On         string   // a node, or an EC2 instance
	Cluster    string   // "spark", "ray" or "dask": a master, and Workers
	Workers    int      // nodes of the cluster beside the master
	MilliCPU   int64    // that each of its pods asks for
	Memory     int64    // bytes
	Nodes      []string // where it is; nodes, or instances that are none
	Started    time.Time
	Ends       time.Time
	Killed     time.Time // a machine of it went before it had ended; zero: none did
}

// StartRun puts one on nodes that are ready and have room: with Pool on those that have
// most of it. It refuses what no node takes.
func (w *World) StartRun(ctx context.Context, r Run, lasts time.Duration) (Run, error) {
	if r.Cluster != "" && !slices.Contains([]string{"spark", "ray", "dask"}, r.Cluster) {
		return r, fmt.Errorf("%q is no kind of cluster; it is spark, ray or dask", r.Cluster)
	}
	if lasts <= 0 || lasts%time.Second != 0 {
		return r, fmt.Errorf("a run lasts whole seconds, not %s", lasts)
	}
	err := w.backing.update(ctx, func(s *state) (*state, error) {
		s = w.built(s)
		g, err := w.grid(s)
		if err != nil {
			return nil, err
		}
		r.Started = w.opts.Clock().UTC().Truncate(time.Second)
		r.Ends = r.Started.Add(lasts)
		r.ID = s.freeRun()
		e := execution{Ends: r.Ends.Format(time.RFC3339), Kind: r.kind(), Owner: r.User, Started: r.Started.Format(time.RFC3339), Tier: r.Tier}
		next := *s
		next.cluster.Pods = maps.Clone(g.pods)
		for _, role := range r.roles() {
			u, err := s.place(w, g, r)
			if err != nil {
				return nil, err
			}
			u.Role = role
			if _, is := g.nodes[u.Node]; is {
				if u.ID = "run-" + r.ID; role != "run" {
					u.ID = role + "-" + r.ID + "-" + strconv.Itoa(len(e.Units))
				}
				p := r.pod(u)
				next.cluster.Pods["domino-compute/"+u.ID], g.pods["domino-compute/"+u.ID] = p, p
			}
			e.Units, r.Nodes = append(e.Units, u), append(r.Nodes, u.Node)
		}
		next.domino.Executions = added(s.domino.Executions, r.ID, e)
		return &next, nil
	})
	if err != nil {
		return r, fmt.Errorf("sandbox: %w", err)
	}
	return r, nil
}

// freeRun is an id that no execution has.
func (s *state) freeRun() string {
	for n := len(s.domino.Executions); ; n++ {
		id := hashed("run", strconv.Itoa(n))[len("sha256:"):][:24]
		if _, taken := s.domino.Executions[id]; !taken {
			return id
		}
	}
}

func (r Run) kind() string { return map[bool]string{true: "Batch", false: "Cluster"}[r.Cluster == ""] }

func (r Run) roles() []string {
	if r.Cluster == "" {
		return []string{"run"}
	}
	return append([]string{r.Cluster + "-master"}, slices.Repeat([]string{r.Cluster + "-worker"}, r.Workers)...)
}

func (r Run) pod(u unit) pod {
	return pod{Created: r.Started.Format(time.RFC3339), Finishes: r.Ends.Format(time.RFC3339), Node: u.Node, Phase: "Running", Requests: amount{Memory: r.Memory, MilliCPU: r.MilliCPU},
		Labels: map[string]string{port.ExecutionLabel: r.ID, port.WorkloadLabel: r.kind()}}
}

// place finds where one more part of a run goes: of the nodes that may take it, the one
// with the most room.
func (s *state) place(w *World, g grid, r Run) (unit, error) {
	best, most, none := "", int64(0), true
	for _, name := range schema.Sorted(g.nodes) {
		n := g.nodes[name]
		if !r.may(name, n) {
			continue
		}
		none = false
		free := g.room(name)
		if n.isReady && !n.Cordoned && fits(free, amount{Memory: r.Memory, MilliCPU: r.MilliCPU}) && (best == "" || free.MilliCPU > most) {
			best, most = name, free.MilliCPU
		}
	}
	i, err := w.instance(s, r.On)
	switch {
	case best != "":
		return unit{Instance: g.nodes[best].Instance, Node: best}, nil
	case none && err == nil && i.State == "running": // an executor that is no node
		return unit{Instance: r.On, Node: r.On}, nil
	case r.On != "":
		return unit{}, fmt.Errorf("%s takes no run: it must be a node or an instance that is ready, not cordoned, and has room; domctl nodes lists them", r.On)
	}
	return unit{}, fmt.Errorf("no node with the label %s=%s takes a run: one must be ready, not cordoned, and have room; domctl nodes lists them", schema.PoolLabel, r.Pool)
}

// may says that a node is one that was asked for.
func (r Run) may(name string, n node) bool {
	if r.On != "" {
		return r.On == name || r.On == n.Instance
	}
	return n.Labels[schema.PoolLabel] == r.Pool
}

// room is what a node has for one more pod.
func (g grid) room(node string) port.Resources {
	free := g.nodes[node].Allocatable.port()
	for _, p := range g.pods {
		if p.Node == node && p.Phase == "Running" {
			free = less(free, p.Requests)
		}
	}
	return free
}

// killed is when a machine that an execution is on went before it had ended, or the zero
// time.
func (w *World) killed(s *state, e execution) (at time.Time) {
	ends := moment(e.Ends)
	if ends.IsZero() {
		return at
	}
	at = moment(e.Lost)
	for _, u := range e.Units {
		if u.Instance == "" {
			continue
		}
		i, is := s.aws.Instances[u.Instance]
		went := moment(i.Settles)
		switch {
		case !is && s.cluster.Karpenter != nil:
			continue // a node of Karpenter's: Lost says when it went
		case !is:
			went = moment(e.Started)
		case !slices.Contains([]string{"shutting-down", "terminated"}, i.State):
			continue
		default:
			took := w.opts.Settle
			if d, err := time.ParseDuration(s.aws.AutoScalingGroups[i.Tags[port.GroupNameTag]].Takes); err == nil {
				took = d
			}
			went = went.Add(-took)
		}
		if went.Before(ends) && (at.IsZero() || went.Before(at)) {
			at = went
		}
	}
	return at
}

// Runs are those that StartRun began, by when they did, also those that ended.
func (w *World) Runs() (all []Run, err error) {
	s, err := w.backing.load()
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s = w.built(s)
	for _, id := range schema.Sorted(s.domino.Executions) {
		e := s.domino.Executions[id]
		if e.Ends == "" {
			continue
		}
		r := Run{ID: id, Tier: e.Tier, User: e.Owner, Started: moment(e.Started), Ends: moment(e.Ends), Killed: w.killed(s, e)}
		for _, u := range e.Units {
			r.Nodes = append(r.Nodes, u.Node)
		}
		all = append(all, r)
	}
	slices.SortStableFunc(all, func(a, b Run) int { return cmp.Compare(a.Started.Unix(), b.Started.Unix()) })
	return all, nil
}
