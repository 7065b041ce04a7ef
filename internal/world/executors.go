package world

import (
	"cmp"
	"context"
	"maps"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Classic deployments: the AMI of a tier's executors stands on the tier's
// executor group.

// executorPaths are the documented defaults of where the fields of an executor
// group stand; deployment.mongo.mapping.executorGroups overrides any of them.
func executorPaths(m schema.Collection) (collection string, paths map[string]string) {
	paths = map[string]string{"tier": "hardwareTierId", "ami": "executorImage"}
	maps.Copy(paths, m.Fields)
	delete(paths, "runs") // where runs name their executor
	collection = m.Collection
	if collection == "" {
		collection = "executor_group_configuration"
	}
	return collection, paths
}

// findExecutors reads all executor groups; deployments without classic
// executors have none.
func (w *World) findExecutors(ctx context.Context) ([]port.Document, error) {
	if w.Deployment.Executors != "classic" {
		return nil, nil
	}
	collection, _ := executorPaths(w.Deployment.Mongo.Mapping.ExecutorGroups)
	return w.Outside.Find(ctx, port.Query{Collection: collection})
}

// lookExecutors reads the executors where some tier's are to be rolled, to say which, and asks
// those who tell what runs on them. One that cannot is noted, and holds up what rolls; an end of
// ctx alone is an error.
func (l *look) lookExecutors(ctx context.Context) error {
	if !schema.RollsExecutors(l.desired) || len(l.Deployment.Instances.Tags) == 0 {
		return nil
	}
	var all []port.Executor
	var instances, runs error
	_ = sideBySide(
		func() error { all, instances = l.LookExecutors(ctx, l.executorsAll(l.desired)); return nil },
		func() error { runs = l.runsTold(ctx); return nil })
	switch {
	case instances != nil:
		l.view.unseenExecutors = "executors: " + oneLine(instances)
		l.view.Findings = append(l.view.Findings, schema.Finding{Code: "DC848", Severity: schema.Info, Message: l.view.unseenExecutors + ": whether some are on another image than their tier starts is not known",
			Hint: "domctl doctor says what AWS and MongoDB let domctl do"})
	case runs != nil:
		l.view.unseenExecutors = "runs: " + oneLine(runs)
	}
	l.view.executors = all
	return ctx.Err()
}

// runsTold fails where one of those who tell a roll of executors which runs are live does not.
func (w *World) runsTold(ctx context.Context) error {
	return sideBySide(
		func() (err error) {
			if w.Domino != nil {
				_, err = w.Domino.ListExecutions(ctx)
			}
			return err
		},
		func() (err error) {
			if w.Deployment.Mongo.Mapping.ExecutorGroups.Fields["runs"] != "" {
				_, err = w.liveRuns(ctx)
			}
			return err
		})
}

func (l *look) decodeExecutors(docs []port.Document) {
	collection, paths := executorPaths(l.Deployment.Mongo.Mapping.ExecutorGroups)
	tiers := map[string]schema.Address{}
	for a, o := range l.view.Objects {
		if _, desired := l.desired.Objects[a]; desired || tiers[o.ID] == (schema.Address{}) {
			tiers[o.ID] = a
		}
	}
	for _, d := range docs {
		ref, raw := docRef(collection, idText(d["_id"])), rawOf(d)
		l.view.raw[ref] = raw
		a, ok := tiers[idPlain(docRef("", idText(raw.At(paths["tier"]).Text)))]
		if !ok {
			continue
		}
		if _, second := l.view.refs[executorOf(a)]; second {
			if _, stated := l.desired.Objects[a].Fields["ami"]; !stated {
				continue
			}
			l.find("DC142", schema.Error, a, "two executor groups name this tier in "+collection, "remove one, or leave ami out of the tier")
			continue
		}
		l.view.refs[executorOf(a)] = ref
		ami, err := readText(raw, paths["ami"])
		if err := cmp.Or(reachable(raw, paths["ami"]), err); err != nil {
			l.mistyped(a, ref, []error{err})
		} else if ami.Is != schema.Absent {
			l.view.Objects[a].Fields["ami"] = ami
		}
	}
}

// executorOf is the key under which a tier's executor group is remembered.
func executorOf(a schema.Address) schema.Address {
	return schema.Address{Kind: "executors", Name: a.Name}
}

// lowerTierAMI switches a classic tier's AMI on its executor group, by _id and
// only from the value the plan saw. An AMI that someone pinned, or that no
// entry of amis speaks of, is special: it is left where it is, and the tier's
// other fields go on without it.
func (v *View) lowerTierAMI(c planner.Change, out planner.Lowered) planner.Lowered {
	for _, d := range c.Fields {
		if d.Path == unevenExecutorsField {
			if why := v.rollUneven(c, d, &out); why != nil {
				return planner.Lowered{Blocked: why}
			}
		}
		if d.Path != "ami" {
			continue
		}
		ref := v.refs[executorOf(c.Address)]
		if why := v.keepTierAMI(c, d, ref); why != nil {
			out.Left = append(out.Left, planner.Left{Fields: []string{"ami"}, Why: *why})
			continue
		}
		_, paths := executorPaths(v.world.Deployment.Mongo.Mapping.ExecutorGroups)
		if s := updateStep(c.Address, ref, v.raw[ref], map[string]schema.Value{paths["ami"]: d.After}); s != nil {
			out.Steps = append(out.Steps, *s)
			if out.Waves == nil {
				out.Waves = map[string]planner.Wave{}
			}
			out.Findings = append(out.Findings, v.inWave(c, v.desired.Objects[c.Address].Fields["ami"], out.Steps[len(out.Steps)-1:], out.Waves)...)
			if why := v.proves(c, d.After, &out); why != nil {
				return planner.Lowered{Blocked: why}
			}
			if why := v.rollExecutors(c, d, ref, &out); why != nil {
				return planner.Lowered{Blocked: why}
			}
		}
	}
	return out
}

// keepTierAMI says why a tier's AMI cannot be written; nil when it can.
func (v *View) keepTierAMI(c planner.Change, d planner.Diff, ref planner.Ref) *schema.Finding {
	switch {
	case v.world.Deployment.Executors != "classic":
		return blocked("DC233", c.Address, "a tier has an AMI only in a deployment with classic executors", "state ami on the node pool", c.Positions).Blocked
	case ref == "":
		return blocked("DC234", c.Address, "no executor group names this tier, so there is nowhere to set its AMI", "create the tier's executor group in Domino first", c.Positions).Blocked
	}
	if why := v.special(d.Before, c.Address); why != "" {
		return blocked("DC232", c.Address, why, "leave ami out of this tier, or list the AMI under replaces of the entry that may take its place", c.Positions).Blocked
	}
	return v.unusable(c, d.After)
}
