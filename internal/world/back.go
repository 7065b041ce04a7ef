package world

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// LookBack is the one read that planner.Restore judges by: what stands of all
// that the apply wrote, and who uses what it made.
func (w *World) LookBack(ctx context.Context, s planner.Snapshot) (*View, error) {
	v := w.newView(schema.Desired{}, schema.Applied{})
	var refs, made []planner.Ref
	table := w.Operations()
	for _, d := range s.Done {
		refs = append(refs, d.Step.Object)
		if u := table[d.Step.Op].Undo; u != nil {
			for _, back := range u(d) {
				refs = append(refs, back.Object)
				if whole, is := back.Writes[""]; is && whole.Is == schema.Absent {
					made = append(made, back.Object)
				}
			}
		}
	}
	err := sideBySide(
		func() (err error) { v.raw, err = w.Read(ctx, refs); return err },
		func() (err error) { v.uses, err = w.usesOfMade(ctx, made); return err },
		func() (err error) { v.Findings, err = w.goneBack(ctx, s.Done); return err })
	return v, err
}

// goneBack finds images that an apply switched away from and that are not there any
// more, so that nothing could be started from them.
func (w *World) goneBack(ctx context.Context, done []planner.Done) (found []schema.Finding, err error) {
	_, paths := executorPaths(w.Deployment.Mongo.Mapping.ExecutorGroups)
	images := map[schema.Address]map[string]bool{}
	all := map[string]bool{}
	for _, d := range done {
		for _, e := range d.Step.Expects {
			_, writes := d.Step.Writes[e.Path]
			switch from := e.Ref.Type(); {
			case !schema.IsAMI(e.Value.Str()):
			case e.Path == "image" && (from == "ec2/version" || from == "asg/config" || from == "karpenter/class"), e.Path == paths["ami"] && writes:
				if images[d.Step.Address] == nil {
					images[d.Step.Address] = map[string]bool{}
				}
				images[d.Step.Address][e.Value.Str()], all[e.Value.Str()] = true, true
			}
		}
	}
	there, err := w.readImages(ctx, schema.Sorted(all))
	for _, a := range schema.Addresses(images) {
		for _, id := range schema.Sorted(images[a]) {
			if there[imageRef(id)] == nil {
				found = append(found, schema.Finding{Code: "DC426", Severity: schema.Error, Address: a, Message: "started from " + id + " before the apply, which is not there any more",
					Hint: "leave this address out: domctl rollback --exclude " + a.String() + "; and apply files that name another image"})
			}
		}
	}
	return found, err
}

// Raw is what the read found of a ref.
func (v *View) Raw(r planner.Ref) planner.Raw { return v.raw[r] }

// Undo takes back a step that made or deleted an object.
func (v *View) Undo(d planner.Done) ([]planner.Step, error) {
	if u := v.world.Operations()[d.Step.Op].Undo; u != nil && d.Step.Irreversible == "" {
		return v.unmasked(u(d)), nil
	}
	return nil, fmt.Errorf("DC421: %s cannot be taken back: %s; leave the address out with --exclude", d.Step.ID, d.Step.Irreversible)
}

// Again is what an operation does once more, see applier.Operation.
func (v *View) Again(s planner.Step, done bool) []planner.Step {
	if again := v.world.Operations()[s.Op].Again; again != nil {
		return again(s, done)
	}
	return nil
}

// Loose is the number of nodes that a group wants: an autoscaler sets it, and so do rolls.
// One beyond the bounds that the step puts back is no longer to be had.
func (v *View) Loose(back planner.Step, at planner.Raw) []string {
	if t := back.Object.Type(); t != "asg/group" && t != "eks/nodegroup" {
		return nil
	}
	after := at.With(back.Writes)
	lo, _ := after["min"].Float()
	hi, _ := after["max"].Float()
	if n, is := at["desired"].Float(); !is || n < lo || n > hi {
		return nil
	}
	return []string{"desired"}
}

// Uses are the references to an object that the apply made. That a version is
// its template's default shows in the template itself, which is read anyway.
func (v *View) Uses(made planner.Ref) []planner.Use {
	uses := v.uses[made]
	if t, n := cutID(made.ID()); made.Type() == "ec2/version" && v.raw[templateRef(t)]["default"].Str() == n {
		uses = append(slices.Clone(uses), planner.Use{Object: templateRef(t), Path: "default", Value: schema.JSON(n), Says: "it is the template's default version"})
	}
	return uses
}

// Keep archives a hardware tier that is in use, and deprecates an image; all else stays
// as it is.
func (v *View) Keep(d planner.Done) (steps []planner.Step, instead string) {
	if back, err := v.Undo(d); err == nil && len(back) == 1 && back[0].Op == operation.DeregisterImage {
		return v.keepImage(back[0]), "it is deprecated"
	}
	collection, paths := v.world.tiersAt()
	if collectionOf(d.Step.Object) != collection {
		return nil, "it stays"
	}
	if s := updateStep(d.Step.Address, d.Step.Object, v.raw[d.Step.Object], map[string]schema.Value{paths["archived"]: schema.JSON(true)}); s != nil {
		s.ID = "undo/" + d.Step.ID
		steps = append(steps, *s)
	}
	return steps, "it is archived"
}

// usesOfMade finds who refers to what an apply made. It asks by type, whatever
// number of objects there is, and nothing for what was not made.
func (w *World) usesOfMade(ctx context.Context, made []planner.Ref) (map[planner.Ref][]planner.Use, error) {
	byType := map[string]map[planner.Ref]bool{}
	for _, r := range made {
		if byType[r.Type()] == nil {
			byType[r.Type()] = map[planner.Ref]bool{}
		}
		byType[r.Type()][r] = true
	}
	collection, _ := w.tiersAt()
	versions, tiers := byType["ec2/version"], byType[docRef(collection, "").Type()]
	var starts, templates, executors, runs, images, copies, held map[planner.Ref][]planner.Use
	err := sideBySide(
		func() (err error) {
			starts, _, err = w.usesOfStarts(ctx, len(versions) > 0, len(byType["asg/config"]) > 0)
			return err
		},
		func() (err error) { templates, err = w.usesOfTemplates(ctx, byType["ec2/template"]); return err },
		func() (err error) { executors, err = w.executorsOf(ctx, tiers); return err },
		func() (err error) { runs, err = w.runsOf(ctx, tiers); return err },
		func() (err error) { images, err = w.startsOfImages(ctx, byType["ec2/image"]); return err },
		func() (err error) { copies, err = w.startsOfCopies(ctx, byType["ec2/copy"]); return err },
		func() (err error) {
			held, err = w.holdersOf(ctx, "", slices.Concat(schema.Sorted(byType["ec2/image"]), schema.Sorted(byType["ec2/copy"])))
			return err
		})
	out := map[planner.Ref][]planner.Use{}
	for _, found := range []map[planner.Ref][]planner.Use{starts, templates, executors, runs, images, copies, held} {
		for r, uses := range found {
			out[r] = append(out[r], uses...)
		}
	}
	return out, err
}

// usesOfStarts are the groups that name a launch template version, or a launch
// configuration, and by image those whose mixed instances policy names one itself.
// What an override names no step lets go of.
func (w *World) usesOfStarts(ctx context.Context, versions, configs bool) (starts map[planner.Ref][]planner.Use, images map[string][]planner.Use, err error) {
	if !versions && !configs {
		return nil, nil, nil
	}
	var groups []port.AutoScalingGroup
	var managed []port.NodeGroup
	err = sideBySide(
		func() (err error) { groups, err = w.Outside.DescribeAutoScalingGroups(ctx, nil); return err },
		func() (err error) {
			if versions {
				managed, err = w.nodeGroups(ctx)
			}
			return err
		})
	starts, images = map[planner.Ref][]planner.Use{}, map[string][]planner.Use{}
	for _, g := range groups {
		says := "Auto Scaling group " + g.Name + " names it"
		if g.LaunchConfiguration != "" {
			made := configRef(g.LaunchConfiguration)
			starts[made] = append(starts[made], planner.Use{Object: groupRef(g.Name), Path: "launchConfiguration", Value: schema.JSON(g.LaunchConfiguration), Says: says})
		} else if g.Template != "" {
			made := versionRef(g.Template, g.Version)
			starts[made] = append(starts[made], planner.Use{Object: groupRef(g.Name), Path: "version", Value: schema.JSON(g.Version), Says: says})
		}
		says = "an override of Auto Scaling group " + g.Name + " names it"
		for _, o := range g.Overrides {
			if o.Template != "" {
				named := versionRef(o.Template, o.Version)
				starts[named] = append(starts[named], planner.Use{Says: says})
			}
			if o.Image != "" {
				images[o.Image] = append(images[o.Image], planner.Use{Says: says})
			}
		}
	}
	for _, g := range managed {
		n := versionText(g.Version)
		made := versionRef(g.Template, n.Str())
		starts[made] = append(starts[made], planner.Use{Object: nodeGroupRef(g.Cluster, g.Name), Path: "version", Value: n, Says: "managed node group " + g.Name + " names it"})
	}
	return starts, images, err
}

// executorsOf are the executor groups of classic deployments that name a tier.
func (w *World) executorsOf(ctx context.Context, tiers map[planner.Ref]bool) (map[planner.Ref][]planner.Use, error) {
	if len(tiers) == 0 {
		return nil, nil
	}
	docs, err := w.findExecutors(ctx)
	collection, paths := executorPaths(w.Deployment.Mongo.Mapping.ExecutorGroups)
	byID, out := byID(tiers), map[planner.Ref][]planner.Use{}
	for _, d := range docs {
		ref, names := docRef(collection, idText(d["_id"])), rawOf(d).At(paths["tier"])
		made := byID[names.Text]
		out[made] = append(out[made], planner.Use{Object: ref, Path: paths["tier"], Value: names, Says: "executor group " + idPlain(ref) + " names it"})
	}
	return out, err
}

// runsOf counts the runs of tiers, the ended ones too: Domino shows them with
// their tier. Where a run's tier stands is not public, see usesOf.
func (w *World) runsOf(ctx context.Context, tiers map[planner.Ref]bool) (map[planner.Ref][]planner.Use, error) {
	path := w.Deployment.Mongo.Mapping.HardwareTiers.Fields["runs"]
	if len(tiers) == 0 || path == "" {
		return nil, nil
	}
	byID, out := byID(tiers), map[planner.Ref][]planner.Use{}
	counts, err := w.Outside.Count(ctx, use{collection: "runs", path: path}.group(schema.Sorted(byID)))
	for _, c := range counts {
		r := byID[c.Key[0]]
		out[r] = append(out[r], planner.Use{Says: strconv.FormatInt(c.N, 10) + " runs name it"})
	}
	return out, err
}

// byID finds documents by what others name them with: the id, or an ObjectId's
// digits.
func byID(docs map[planner.Ref]bool) map[string]planner.Ref {
	out := map[string]planner.Ref{}
	for r := range docs {
		out[idJSON(r.ID())], out[schema.JSON(idPlain(r)).Text] = r, r
	}
	return out
}
