package world

import (
	"fmt"
	"strings"

	"domctl.dev/internal/operation"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// executorsOf says how the executors of a tier are told from others.
func (v *View) executorsOf(a schema.Address, group planner.Ref) schema.Executors {
	e := v.world.executorsAll(v.desired)
	e.Named, e.Alone = []string{v.Objects[a].ID, idPlain(group)}, true
	from := v.raw[group].At(e.Image)
	for ref, raw := range v.raw {
		if ref.Type() == group.Type() && ref != group && raw.At(e.Image) == from {
			e.Alone = false
		}
	}
	return e
}

// executorsAll says the same of those of all tiers.
func (w *World) executorsAll(d schema.Desired) schema.Executors {
	_, paths := executorPaths(w.Deployment.Mongo.Mapping.ExecutorGroups)
	e := schema.Executors{Tags: w.Deployment.Instances.Tags, TierTag: w.Deployment.Instances.Tier, Image: paths["ami"], Known: w.Deployment.Mongo.Mapping.Executors}
	for _, a := range schema.Addresses(d.Objects) {
		if b, bakes := d.Objects[a].Bake(); a.Kind == "amis" && bakes && b.From.Instance != "" {
			e.Kept = append(e.Kept, b.From.Instance)
		}
	}
	return e
}

// rollExecutors adds the step that replaces a tier's executors once its image was switched,
// unless nobody tells which they are; an answer means that the tier is blocked.
func (v *View) rollExecutors(c planner.Change, d planner.Diff, ref planner.Ref, out *planner.Lowered) *schema.Finding {
	r, stated := v.desired.Objects[c.Address].Roll()
	if !stated {
		return nil
	}
	return v.executorsStep(c, d, ref, r, v.executorsOf(c.Address, ref), out)
}

// executorsStep adds the step that replaces the executors of a tier that e tells of.
func (v *View) executorsStep(c planner.Change, d planner.Diff, ref planner.Ref, r schema.Roll, e schema.Executors, out *planner.Lowered) *schema.Finding {
	o := v.desired.Objects[c.Address]
	told := e.TierTag != "" || e.Known.Fields["tier"] != ""
	find := func(code string, severity schema.Severity, hint, format string, args ...any) {
		out.Findings = append(out.Findings, schema.Finding{Code: code, Severity: severity, Address: c.Address, Positions: o.Nearest("roll"), Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	if !e.Alone && !told {
		find("DC862", schema.Warning, "state deployment.executorInstances.tier, or deployment.mongo.mapping.executors.fields.tier",
			"its executors are not rolled: other tiers start %s too, and nobody tells which executors are of this one", v.raw[ref].At(e.Image).Str())
		return nil
	}
	if v.unseenExecutors != "" {
		return blocked("DC848", c.Address, "its roll ends executors that no run is on, and which those are is not known: "+v.unseenExecutors,
			"domctl doctor says what AWS, MongoDB and Domino let domctl do; when that is mended, plan again", o.Nearest("roll")).Blocked
	}
	if why := v.alarmed(c, r); why != nil {
		return why
	}
	s := v.rollStep(c.Address, operation.RollExecutors, ref, v.raw[ref].At(e.Image), d.After, r)
	s.Args["executors"] = schema.JSON(e)
	back, switched := v.switchedBack(ref, e.Image, out.Steps)
	if switched {
		s.Args["switch"] = schema.JSON(back)
	}
	for _, before := range out.Steps {
		s.After = append(s.After, before.ID)
	}
	out.Steps = append(out.Steps, v.gated(s, c, o.Fields["ami"], r, out.Waves))
	out.Note = executorsNote(r, e.Known.Maintained(), switched)
	v.tellExecutors(e, d, r, find)
	return nil
}

// tellExecutors says which executors a roll ends, as far as they are there when the plan is
// made.
func (v *View) tellExecutors(e schema.Executors, d planner.Diff, r schema.Roll, find func(code string, severity schema.Severity, hint, format string, args ...any)) {
	var run, stopped []string
	for _, x := range v.executors {
		switch {
		case x.Going() || !e.Has(x.Tier, x.Image, d.Before.Str()) || x.Image == d.After.Str():
		case x.State == "stopped":
			stopped = append(stopped, x.ID)
		default:
			run = append(run, x.ID)
		}
	}
	severity, hint := schema.Info, "leave roll out, and they stay"
	if r.Force {
		severity, hint = schema.Warning, "leave force out, and an executor goes when its last run has ended"
	}
	message := "ends executors on the old image; none is there now"
	if len(run)+len(stopped) > 0 {
		message = fmt.Sprintf("ends executors on the old image: %d running%s; %d stopped%s", len(run), naming(run), len(stopped), naming(stopped))
	}
	if r.Force {
		message += fmt.Sprintf("; a live run that is on one %s after it came into maintenance is ended", r.DrainTimeout)
	}
	find("DC863", severity, hint, "%s", message)
	if !e.Known.Maintained() && len(run) > 0 {
		find("DC861", schema.Warning, "state deployment.mongo.mapping.executors with fields instance and maintenance, where you know them",
			"nothing says where an executor's maintenance stands, so that a person puts each that runs into Maintenance Mode in Domino, and ends it; the apply waits until they are gone")
	}
}

// naming is some ids in brackets, "" for none.
func naming(ids []string) string {
	const most = 5
	switch {
	case len(ids) == 0:
		return ""
	case len(ids) > most:
		return fmt.Sprintf(" (%s and %d more)", strings.Join(ids[:most], ", "), len(ids)-most)
	}
	return " (" + strings.Join(ids, ", ") + ")"
}

// switchedBack is the write that has an executor group start the image before again, where one
// of the steps switches it: the one that a rollback makes. What it expects the roll fills in.
func (v *View) switchedBack(group planner.Ref, path string, steps []planner.Step) (back planner.Step, is bool) {
	for _, s := range steps {
		if _, writes := s.Writes[path]; writes && s.Object == group && v.raw[group].At(path).Str() != "" {
			back = planner.Unwrite(planner.Done{Step: s, Pre: v.raw[group]})
			back.Expects = nil
			return back, true
		}
	}
	return back, false
}

// executorsNote is what a tier's roll comes to, in words; switched says that the plan switches
// the image too.
func executorsNote(r schema.Roll, mapped, switched bool) string {
	note := "then ends its executors that are on another image, at most " + planner.Plural(r.Unavailable(), "executor") + " at once; stopped ones too, which would come back on it"
	if mapped {
		note += eachGoes(r, "came into maintenance")
	} else {
		note += "; each goes when a person ended it, since nothing says where its maintenance stands"
	}
	if r.Window != "" {
		note += "; in window " + r.Window
	}
	if len(r.Alarms) > 0 {
		stops := "turned back"
		if !switched {
			stops = "stopped"
		}
		note += "; " + stops + " where " + oneRings(r)
	}
	return note
}
