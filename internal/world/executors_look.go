package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Classic reads the executors of a classic deployment, and what runs on them, for who ends
// them: what is not whole is an error. Census nil: Domino's API is not asked.
type Classic struct {
	*World
	Census port.Executions
}

// living are the states of instances that have not ended.
func living() []string { return []string{"pending", "running", "stopping", "stopped", "shutting-down"} }

// LookExecutors are the instances that have the tags of executors and have not ended, those
// of all tiers.
func (w *World) LookExecutors(ctx context.Context, e schema.Executors) ([]port.Executor, error) {
	if len(e.Tags) == 0 {
		return nil, errors.New("deployment.executorInstances.tags do not say which instances are executors")
	}
	filters := map[string][]string{"instance-state-name": living()}
	for key, value := range e.Tags {
		filters["tag:"+key] = []string{value}
	}
	var instances []port.Instance
	var docs []port.Document
	err := sideBySide(
		func() (err error) {
			instances, err = w.Outside.DescribeInstances(ctx, port.Select{Filters: filters})
			return err
		},
		func() (err error) {
			if e.Known.Collection != "" {
				docs, err = w.Outside.Find(ctx, port.Query{Collection: e.Known.Collection})
			}
			return err
		})
	if err != nil {
		return nil, err
	}
	byInstance := map[string][]port.Document{}
	for _, d := range docs {
		if id := rawOf(d).At(e.Known.Fields["instance"]).Str(); id != "" {
			byInstance[id] = append(byInstance[id], d)
		}
	}
	out := make([]port.Executor, 0, len(instances))
	for _, i := range instances {
		if kept(i, e.Kept) {
			continue
		}
		x := port.Executor{Instance: i, Tier: i.Tags[e.TierTag]}
		known(&x, e.Known, byInstance[i.ID])
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b port.Executor) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// kept says of an instance that it is no executor, whatever its tags: domctl's own, one that
// images are made of, and one that something would start again.
func kept(i port.Instance, names []string) bool {
	return i.Tags[schema.TagDeployment] != "" || i.Tags[schema.TagBorrowed] != "" || i.Tags[schema.TagKept] != "" || i.Keeper() != "" ||
		slices.ContainsFunc(names, func(name string) bool { return name == i.ID || port.Wildcard(name, i.Tags["Name"]) })
}

// known takes what Domino's database says of an executor.
func known(x *port.Executor, at schema.Collection, docs []port.Document) {
	if len(docs) == 0 {
		return
	}
	raw := rawOf(docs[0])
	x.Document = docs[0]["_id"]
	if path := at.Fields["tier"]; path != "" && x.Tier == "" { // "" is the document itself
		x.Tier = digits(standing(raw, path).Text)
	}
	if path := at.Fields["maintenance"]; path != "" {
		x.Flag = raw.At(path).Text
	}
	switch {
	case len(docs) > 1:
		x.Odd = fmt.Sprintf("%d documents of %s name it", len(docs), at.Collection)
	case at.Fields["maintenance"] == "":
	case reachable(raw, at.Fields["maintenance"]) != nil:
		x.Odd = reachable(raw, at.Fields["maintenance"]).Error()
	case !slices.Contains([]string{"", "null", "true", "false"}, x.Flag):
		x.Odd = fmt.Sprintf("%s of %s holds neither true nor false", at.Fields["maintenance"], at.Collection)
	}
}

// GroupImage is the image that an executor group starts; there is false where it has gone.
func (w *World) GroupImage(ctx context.Context, group planner.Ref, path string) (image string, there bool, err error) {
	found, err := w.readDocuments(ctx, collectionOf(group), []string{group.ID()})
	if err != nil {
		return "", false, err
	}
	raw := found[group]
	return raw.At(path).Str(), raw != nil, nil
}

// ListExecutions are the live runs with the machines they are on, by all that the files
// state: one that says where a run is, is enough; one that does not answer is an error. A
// unit without a node could be anywhere.
func (c Classic) ListExecutions(ctx context.Context) ([]port.Execution, error) {
	path := c.Deployment.Mongo.Mapping.ExecutorGroups.Fields["runs"]
	if c.Census == nil && path == "" {
		return nil, errors.New("DC865: neither Domino's API nor its database is asked what runs where")
	}
	var all []port.Execution
	var docs []port.Document
	err := sideBySide(
		func() (err error) {
			if c.Census != nil {
				if all, err = c.Census.ListExecutions(ctx); err == nil {
					err = locateRuns(ctx, c.Census, all)
				}
			}
			return err
		},
		func() (err error) {
			if path != "" {
				docs, err = c.liveRuns(ctx)
			}
			return err
		})
	if err == nil && len(docs) == mostLive {
		err = fmt.Errorf("more than %d runs of Domino's database have not ended", mostLive)
	}
	if err != nil {
		return nil, err
	}
	for _, doc := range docs {
		raw := rawOf(doc)
		run, node, status := digits(doc["_id"]), standing(raw, path).Str(), standing(raw, "status").Str()
		if overStatus(status) || node == "" && (c.Census != nil || port.Nowhere(status)) {
			continue // the API tells of all, or it is nowhere yet
		}
		all = append(all, port.Execution{ID: run, Status: status, Units: []port.ExecutionUnit{{Role: "run", Node: node, Status: status}}})
	}
	return all, nil
}

// locateRuns asks for the executor of each job of which the list names no machine, but for those
// that wait in the queue: a call each, of those alone.
func locateRuns(ctx context.Context, from port.Executions, all []port.Execution) error {
	lost := map[string]*port.Execution{}
	for i, e := range all {
		placed := slices.ContainsFunc(e.Units, func(u port.ExecutionUnit) bool { return u.Node != "" })
		if !placed && !port.Nowhere(e.Status) {
			lost[e.ID] = &all[i]
		}
	}
	_, err := each(schema.Sorted(lost), func(id string) (struct{}, error) {
		instance, err := from.GetExecutor(ctx, id)
		if err != nil || instance == "" {
			if errors.Is(err, port.ErrNotFound) { // no job
				err = nil
			}
			return struct{}{}, err
		}
		e := lost[id]
		if e.Units = slices.Clone(e.Units); len(e.Units) == 0 {
			e.Units = []port.ExecutionUnit{{Role: "run", Status: e.Status}}
		}
		e.Units[0].Node = instance
		return struct{}{}, nil
	})
	return err
}
