package world

import (
	"cmp"
	"strings"

	"domctl.dev/internal/operation"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Environments are made, archived and shared by Domino's API, where the deployment states
// it; renamed, described and brought back in the database, for which it has no call.

// oidPlain is an ObjectId's digits; "" for what is none.
func oidPlain(v schema.Value) string {
	digits, is := strings.CutPrefix(v.Text, `{"$oid":"`)
	if v.Is != schema.Known || !is {
		return ""
	}
	return strings.TrimSuffix(digits, `"}`)
}

// createEnvironment is what an environment that is not there takes: it is made with its
// first revision, which is built, and made active.
func (v *View) createEnvironment(c planner.Change) planner.Lowered {
	o := v.desired.Objects[c.Address]
	if v.world.Domino == nil {
		return blocked("DC231", c.Address, "the environment is not there yet, and the files do not say how to reach Domino's API, which makes one",
			"state deployment: domino: {url: …, apiKey: …}; or create it in Domino, then domctl import", c.Positions)
	}
	if why := v.unmakeable(c.Address); why != nil {
		return planner.Lowered{Blocked: why}
	}
	out := planner.Lowered{Left: v.formAlone(c)}
	writes := v.definition(c)
	if why := v.unbuildable(c, c.Fields); why != nil {
		return planner.Lowered{Blocked: why}
	}
	builds := len(writes) > 0
	owner := v.ownerID(o.Fields["owner"])
	name := cmp.Or(o.Fields["name"].Str(), c.Address.Name)
	writes["name"], writes["description"] = schema.JSON(name), schema.JSON(o.Fields["description"].Str())
	writes["visibility"] = schema.JSON(capital(cmp.Or(o.Fields["visibility"].Str(), "private")))
	if owner != "" {
		writes["ownerId"] = schema.JSON(owner)
	}
	made := planner.Step{ID: createStep(c.Address), Address: c.Address, Op: operation.CreateEnvironment, Object: named(owner, name), Creates: "id", Guard: planner.Absolute, Window: window,
		Writes: writes, Args: map[string]schema.Value{}, Expects: []planner.Expect{{Ref: named(owner, name)}}}
	v.base(&made)
	ref := madeRef(c.Address)
	revision := planner.OutOf(made.ID, "revision")
	active := planner.Step{ID: c.Address.String() + "/" + operation.ActivateRevision, Address: c.Address, Op: operation.ActivateRevision, Object: ref, Creates: "revision", Guard: planner.Absolute, Window: window,
		Writes: map[string]schema.Value{"active": revision}, Expects: []planner.Expect{{Ref: ref, Path: "active"}, {Ref: ref, Path: "archived", Value: schema.JSON(false)}}}
	if owner != "" {
		active.Expects = append(active.Expects, planner.Expect{Ref: ref, Path: "owner", Value: schema.JSON(owner)})
	}
	v.activates.Store(c.Address, active.ID)
	out.ID = planner.OutOf(made.ID, "id")
	out.Steps, out.Outputs = []planner.Step{made, active}, map[string]schema.Value{"id": out.ID}
	if builds {
		out.Remember = map[string]schema.Value{schema.BuiltRevision: revision}
	}
	out.Findings = v.othersOf(c.Address, name)
	return out
}

func createStep(a schema.Address) string { return a.String() + "/" + operation.CreateEnvironment }

// madeRef is an environment that this plan makes.
func madeRef(a schema.Address) planner.Ref {
	return planner.OutRef("domino/environment", "", createStep(a), "id")
}

// activeOf is an environment of the files as Domino's API changes it, whether it is there
// or made by this plan.
func (v *View) activeOf(a schema.Address) planner.Ref {
	if ref, there := v.refs[a]; there {
		return activeRef(idPlain(ref))
	}
	return madeRef(a)
}

// capital is a visibility as Domino writes it.
func capital(visibility string) string {
	return strings.ToUpper(visibility[:1]) + visibility[1:]
}

// unmakeable says what keeps an environment from being made; nil where nothing does.
func (v *View) unmakeable(a schema.Address) *schema.Finding {
	o := v.desired.Objects[a]
	stop := func(code, message, hint, path string) *schema.Finding {
		return blocked(code, a, message, hint, o.Positions(path)).Blocked
	}
	if o.Fields["archived"].Bool() {
		return stop("DC297", "is not there, and the files want it archived", "leave it out of the files", "archived")
	}
	if o.Fields["activeRevision"].Is == schema.Known {
		return stop("DC238", "is not there, so that no revision of it can be named", "leave activeRevision out, or state the id of the environment that is meant", "activeRevision")
	}
	if id := o.Fields["id"].Str(); id != "" {
		return stop("DC238", "no environment has the id "+id+" that the files state, and Domino gives ids itself", "correct id; or leave it out to have one made", "id")
	}
	if was := v.renamed(a); was != "" {
		return stop("DC296", "is not there, and "+was+", which was applied before and is no longer in the files, is built of the same", "if it was renamed, state movedFrom: "+
			schema.JSON(strings.TrimPrefix(was, "environments.")).Text+"; if not, archive that one first: domctl plan --allow archive --target "+schema.ShellWord(was), "")
	}
	return v.unshareable(a, v.ownerID(o.Fields["owner"]), o.Fields["visibility"].Str())
}

// undoActivate goes back to the revision that was active. Where none was, the new one
// stays: Domino takes no environment's active revision away.
func undoActivate(d planner.Done) []planner.Step {
	if d.Pre.At("active").Is == schema.Absent {
		return nil
	}
	s := d.Step
	s.ID, s.Creates, s.After, s.Gates = "undo/"+s.ID, "", nil, nil
	s.Writes = map[string]schema.Value{"active": d.Pre.At("active")}
	s.Expects = []planner.Expect{{Ref: s.Object, Path: "active", Value: d.Step.Writes["active"]}}
	return []planner.Step{s}
}

// formAlone are the fields of a change that no call takes.
func (v *View) formAlone(c planner.Change) (left []planner.Left) {
	for _, d := range c.Fields {
		if schema.FormAlone(d.Path) {
			left = append(left, planner.Left{Fields: []string{d.Path}, Why: *blocked("DC290", c.Address, "states "+d.Path+", which no call of Domino's API takes",
				"set it in Domino's form, and leave it out of the files", v.desired.Objects[c.Address].Positions(d.Path)).Blocked})
		}
	}
	return left
}
