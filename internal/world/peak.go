package world

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// peakRuns is how many of the newest runs, and of the live ones, a peak is read from.
const peakRuns = 20000

// Peak is when executions of a pool needed most nodes at one time, and how many at least;
// of several such times the first with most executions.
type Peak struct {
	At         time.Time `json:"at"`
	Executions int64     `json:"executions"`
	Nodes      int64     `json:"nodes"`
}

// ranOn is one run: the zero Ended is of one that has not.
type ranOn struct {
	id, tier       string
	started, ended time.Time
}

// ranSince reads the newest runs that started since a moment, and those that have not
// ended whenever they started, in two reads side by side. since is later where there
// were more than so many.
func (w *World) ranSince(ctx context.Context, at time.Time) (runs []ranOn, since time.Time, err error) {
	tier := w.Deployment.Mongo.Mapping.HardwareTiers.Fields["runs"]
	fields := []string{"started", "completed", tier}
	var recent, live []port.Document
	err = sideBySide(
		func() (err error) {
			recent, err = w.Outside.Find(ctx, port.Query{Collection: "runs", Since: map[string]time.Time{"started": at}, Newest: "started", Limit: peakRuns, Fields: fields})
			return err
		},
		func() (err error) {
			live, err = w.Outside.Find(ctx, port.Query{Collection: "runs", Any: map[string][]string{"completed": {"null"}}, Newest: "started", Limit: peakRuns, Fields: fields})
			return err
		})
	if err != nil {
		return nil, at, fmt.Errorf("runs: %w", err)
	}
	seen := map[string]bool{}
	for _, d := range slices.Concat(recent, live) {
		started, id := dateOf(d["started"]), digits(d["_id"])
		if started.IsZero() || seen[id] {
			continue // it waits still
		}
		seen[id] = true
		runs = append(runs, ranOn{id, digits(standing(rawOf(d), tier).Text), started, dateOf(d["completed"])})
	}
	if len(recent) == peakRuns {
		at = dateOf(recent[len(recent)-1]["started"])
	}
	return runs, at, nil
}

// load is what executions of one pool take at one time. large are those of which no two
// fit on one node.
type load struct {
	executions, large int64
	takes             schema.Room
	room              schema.Room // of the largest node
}

func (l *load) add(one schema.Room, n int64) {
	l.executions += n
	l.takes.MilliCores += n * one.MilliCores
	l.takes.Memory += n * one.Memory
	for name, count := range one.Other {
		l.takes.Other[name] += n * count
	}
	if most, _, known := l.room.Fill(one); known && most == 1 {
		l.large += n
	}
}

// nodes is the least that hold the load: no resource is had more than once, and no two
// large executions share a node.
func (l *load) nodes() (n int64) {
	most := func(takes, has int64) {
		if takes > 0 && has > 0 {
			n = max(n, (takes+has-1)/has)
		}
	}
	most(l.takes.MilliCores, l.room.MilliCores)
	most(l.takes.Memory, l.room.Memory)
	for name, takes := range l.takes.Other {
		most(takes, l.room.Other[name])
	}
	return max(n, l.large)
}

// peaks goes through the runs in time. tiers are by id, rooms by label; runs of other
// tiers, or of pools whose nodes are not known, do not count.
func peaks(runs []ranOn, since time.Time, tiers map[string]tierDemand, rooms map[string]schema.Room) map[string]Peak {
	type event struct {
		at    time.Time
		n     int64 // 1: it starts
		which int
	}
	var events []event
	for i, r := range runs {
		t, known := tiers[r.tier]
		if _, has := rooms[t.label]; !known || !has || !r.ended.IsZero() && (!r.ended.After(r.started) || !r.ended.After(since)) {
			continue
		}
		began := r.started
		if began.Before(since) {
			began = since
		}
		events = append(events, event{began, 1, i})
		if !r.ended.IsZero() {
			events = append(events, event{r.ended, -1, i})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return int(a.n - b.n) // what ends makes room first
	})
	loads, out := map[string]*load{}, map[string]Peak{}
	for _, e := range events {
		t := tiers[runs[e.which].tier]
		l := loads[t.label]
		if l == nil {
			l = &load{room: rooms[t.label], takes: schema.Room{Other: map[string]int64{}}}
			loads[t.label] = l
		}
		l.add(t.takes, e.n)
		if n, most := l.nodes(), out[t.label]; n > most.Nodes || n == most.Nodes && l.executions > most.Executions {
			out[t.label] = Peak{e.at, l.executions, n}
		}
	}
	return out
}

// tierDemand is what one execution of a tier takes, and of which pool.
type tierDemand struct {
	label string
	takes schema.Room
}

// lookPeaks reads the runs of the window; why says what is not known.
func (c *CapacityView) lookPeaks(ctx context.Context, since time.Time) (err error) {
	if since.IsZero() {
		return nil
	}
	if c.noPeak = ""; c.world.Deployment.Mongo.Mapping.HardwareTiers.Fields["runs"] == "" {
		c.noPeak = "deployment.mongo.mapping.hardwareTiers.fields.runs does not say where runs name their tier"
		return nil
	}
	if c.ran, c.since, err = c.world.ranSince(ctx, since); err != nil {
		c.noPeak = oneLine(err)
	}
	return ctx.Err()
}

// peaks are those of the window by label.
func (c *CapacityView) peaks(pools []PoolCapacity, tiers []tierAt) map[string]Peak {
	rooms, demands := map[string]schema.Room{}, map[string]tierDemand{}
	fields := map[string]map[string]schema.Value{}
	for _, p := range pools {
		fields[p.Label] = c.desired.Objects[p.Address].Fields
		for i, n := range p.Nodes {
			if i == 0 {
				rooms[p.Label] = n.Room
			} else {
				rooms[p.Label] = greatest(rooms[p.Label], n.Room)
			}
		}
	}
	for _, t := range tiers {
		demands[t.id] = tierDemand{t.label, schema.DemandOf(t.fields, fields[t.label])}
	}
	return peaks(c.ran, c.since, demands, rooms)
}

// greatest is the larger of two rooms, resource by resource.
func greatest(a, b schema.Room) schema.Room {
	out := schema.Room{MilliCores: max(a.MilliCores, b.MilliCores), Memory: max(a.Memory, b.Memory), Pods: max(a.Pods, b.Pods), Other: maps.Clone(a.Other), Whole: a.Whole && b.Whole}
	for name, count := range b.Other {
		out.Other[name] = max(out.Other[name], count)
	}
	return out
}
