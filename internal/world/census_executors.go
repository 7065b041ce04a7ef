package world

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// executorCensus is the executors of a classic deployment, and the images that its executor
// groups start, by what a tier goes by: its id, and its group's.
type executorCensus struct {
	all    []port.Executor
	starts map[string]string
	tiers  map[string]string // the tier's id
}

// lookExecutorCensus reads executors where the files say which instances are some.
func (w *World) lookExecutorCensus(ctx context.Context, d schema.Desired) (e executorCensus, err error) {
	if w.Deployment.Executors != "classic" || len(w.Deployment.Instances.Tags) == 0 {
		return e, nil
	}
	collection, paths := executorPaths(w.Deployment.Mongo.Mapping.ExecutorGroups)
	e.starts, e.tiers = map[string]string{}, map[string]string{}
	var docs []port.Document
	err = sideBySide(
		func() (err error) { e.all, err = w.LookExecutors(ctx, w.executorsAll(d)); return err },
		func() (err error) { docs, err = w.findExecutors(ctx); return err })
	if err != nil {
		return executorCensus{}, err
	}
	for _, doc := range docs {
		raw := rawOf(doc)
		tier := digits(standing(raw, paths["tier"]).Text)
		for _, name := range []string{tier, idPlain(docRef(collection, idText(doc["_id"])))} {
			e.starts[name], e.tiers[name] = raw.At(paths["ami"]).Str(), tier
		}
	}
	return e, nil
}

// current says whether an executor is on the image that its tier starts; of one whose tier
// nobody tells, that no tier starts it.
func (e executorCensus) current(x port.Executor) *bool {
	image, known := e.starts[x.Tier]
	is := image == x.Image
	if !known || image == "" {
		if is = false; x.Tier != "" || slices.ContainsFunc(schema.Sorted(e.starts), func(t string) bool { return e.starts[t] == x.Image }) {
			return nil
		}
	}
	return &is
}

// rows are the executors as machines of the census; what is on them, c tells.
func (e executorCensus) rows(c *census, d schema.Desired, a schema.Applied) (rows []CensusNode) {
	for _, x := range e.all {
		tier := cmp.Or(e.tiers[x.Tier], x.Tier)
		n := CensusNode{Instance: x.ID, Tier: tier, Address: tierAddress(tier, d, a), AMI: x.Image, Type: x.Type, State: x.State, Waits: []string{}}
		n.Created, _ = time.Parse(time.RFC3339, x.Launched)
		n.Runs, n.From = c.on(n)
		if x.State != "stopped" && len(n.Runs) == 0 && len(c.lost()) > 0 {
			n.Runs = nil // one of those may be there
		}
		if x.State == "stopped" && n.Runs == nil {
			n.Runs = []string{}
		}
		n.Current = e.current(x)
		old := n.Current != nil && !*n.Current
		if x.Maintained() && x.State != "stopped" {
			n.State = "maintenance"
		}
		switch {
		case n.State == "maintenance":
			n.Waits = append(n.Waits, n.emptied(0, "its end"))
		case old && x.State == "stopped":
			n.Waits = append(n.Waits, "its end: started again it is on the old image")
		case old && e.starts[x.Tier] != "":
			n.Waits = append(n.Waits, "a roll to "+e.starts[x.Tier])
		case old:
			n.Waits = append(n.Waits, "its end: no tier starts its image")
		}
		rows = append(rows, n)
	}
	return rows
}

// lost are the live runs of which nobody tells the machine, but for those in the queue.
func (c *census) lost() (runs []string) {
	for _, r := range c.Runs {
		if r.Node == "" && !port.Nowhere(r.Status) {
			runs = append(runs, r.Run)
		}
	}
	return runs
}

// tierAddress is the tier of the files that has an id; the zero address where none has.
func tierAddress(id string, d schema.Desired, a schema.Applied) (found schema.Address) {
	for _, at := range schema.Addresses(d.Objects) {
		if at.Kind != "hardwareTiers" || id == "" {
			continue
		}
		if name := cmp.Or(d.Objects[at].Fields["id"].Str(), a.Entries[at].ID.Str(), at.Name); strings.EqualFold(name, id) {
			return at
		}
	}
	return found
}
