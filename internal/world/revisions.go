package world

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// activeRef is an environment as Domino's API changes it: the active revision, the
// visibility, the owner's id, and whether it is archived, read in the database.
func activeRef(env string) planner.Ref { return planner.Ref("domino/environment#" + env) }

// readActive reads what Domino's API changes of environments.
func (w *World) readActive(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	in := make([]string, len(ids))
	for i, id := range ids {
		in[i] = `{"$oid":"` + id + `"}`
	}
	docs, err := w.Outside.Find(ctx, port.Query{Collection: environmentsCollection, Any: map[string][]string{"_id": in}, Fields: []string{"activeRevisionId", "isArchived", "visibility", "ownerId"}})
	out := make(map[planner.Ref]planner.Raw, len(docs))
	for _, d := range docs {
		ref := docRef("", idText(d["_id"]))
		stands := rawOf(d)
		raw := planner.Raw{"archived": schema.JSON(standing(stands, "isArchived").Bool()), "owner": schema.JSON(oidPlain(stands["ownerId"]))}
		if visibility := standing(stands, "visibility"); visibility.Is != schema.Absent {
			raw["visibility"] = visibility
		}
		if active := oidPlain(stands["activeRevisionId"]); active != "" {
			raw["active"] = schema.JSON(active)
		}
		out[activeRef(idPlain(ref))] = raw
	}
	return out, err
}

// observeActive tells the dependents of a step which revision is active.
func observeActive(ctx context.Context, w *World, a applier.Attempt) (applier.Status, error) {
	st, err := single{World: w}.Observe(ctx, a)
	if st.State == applier.Finished {
		st.Outputs = map[string]schema.Value{"revision": a.Want["active"]}
	}
	return st, err
}

func activate(ctx context.Context, w *World, a applier.Attempt) error {
	if w.Domino == nil {
		return &applier.Refusal{Err: port.ErrUnstated}
	}
	return w.Domino.SetActiveRevision(ctx, a.Step.Object.ID(), a.Step.Writes["active"].Str())
}

// revise is what a new revision of an environment takes: it is made, built, and made
// active in place of the one that the plan saw. A revision that was built of the very
// same before is made active again, without a build, which the note says.
func (v *View) revise(c planner.Change, ref planner.Ref) (steps []planner.Step, remember map[string]schema.Value, note string) {
	env := idPlain(ref)
	writes, anew := v.definition(c), v.anew[c.Address]
	if anew {
		writes["skipCache"] = schema.JSON(true)
	}
	key := schema.DefinitionKey(writes)
	active := schema.Value{}
	if id := v.active(ref); id != "" {
		active = schema.JSON(id)
	}
	now := planner.Expect{Ref: activeRef(env), Path: "active", Value: active}
	made := planner.Step{ID: c.Address.String() + "/" + operation.BuildRevision + "/" + env + "/" + key[:8], Address: c.Address, Op: operation.BuildRevision, Object: planner.Ref("domino/revision#" + env + "/" + key),
		Creates: "id", Guard: planner.Absolute, Window: window, Writes: writes, Expects: []planner.Expect{now},
		Args: map[string]schema.Value{"environment": schema.JSON(env), "after": schema.JSON(v.latest(env))}}
	if active.Is != schema.Absent {
		made.Args["from"] = active
	}
	v.base(&made)
	revision, expects := planner.OutOf(made.ID, "id"), []planner.Expect{now}
	if t, again := v.twin(made, key); again && !anew {
		revision, expects = schema.JSON(t.id), made.Expects
		note = fmt.Sprintf("makes revision %d active again, without a build", t.number)
	} else {
		steps = append(steps, made)
	}
	v.activates.Store(c.Address, c.Address.String()+"/"+operation.ActivateRevision+"/"+env)
	activates := planner.Step{ID: c.Address.String() + "/" + operation.ActivateRevision + "/" + env, Address: c.Address, Op: operation.ActivateRevision, Object: activeRef(env),
		Guard: planner.Absolute, Window: window, Writes: map[string]schema.Value{"active": revision}, Expects: append(expects, v.unmoved(c, ref)...)}
	if active.Is == schema.Absent {
		activates.Creates = "revision" // nothing stands that the way back could go to
	}
	steps = append(steps, activates)
	return steps, map[string]schema.Value{schema.BuiltRevision: revision}, note
}

// unmoved is what else the plan saw of an environment, or has made of it before its
// revision becomes active: a build takes long, and others may give the environment away
// or archive it meanwhile.
func (v *View) unmoved(c planner.Change, ref planner.Ref) (expects []planner.Expect) {
	raw, env := v.raw[ref], activeRef(idPlain(ref))
	for path, value := range map[string]schema.Value{"archived": schema.JSON(standing(raw, "isArchived").Bool()), "owner": schema.JSON(oidPlain(raw["ownerId"]))} {
		changed := slices.IndexFunc(c.Fields, func(d planner.Diff) bool { return d.Path == path })
		switch {
		case changed < 0:
		case !v.byAPI(c.Fields[changed]): // the database has it written, before or after
			continue
		case path == "owner":
			value = schema.JSON(v.ownerID(c.Fields[changed].After))
		default:
			value = c.Fields[changed].After
		}
		expects = append(expects, planner.Expect{Ref: env, Path: path, Value: value})
	}
	slices.SortFunc(expects, func(a, b planner.Expect) int { return strings.Compare(a.Path, b.Path) })
	return expects
}

// definition is all that the files want a revision built from, with what they no
// longer state of a map as absent.
func (v *View) definition(c planner.Change) map[string]schema.Value {
	out := map[string]schema.Value{}
	for p := range v.desired.Objects[c.Address].Fields {
		if schema.BuildsRevision(p) && !schema.FormAlone(p) {
			out[p] = v.Objects[c.Address].Fields[p]
		}
	}
	for _, d := range c.Fields {
		if schema.BuildsRevision(d.Path) && !schema.FormAlone(d.Path) {
			out[d.Path] = d.After
		}
	}
	return out
}

// latest is the highest number of an environment's revisions.
func (v *View) latest(env string) (n int64) {
	for key := range v.revisions() {
		var number int64
		if strings.Contains(key.environment, env) {
			_, _ = fmt.Sscan(key.number, &number)
		}
		n = max(n, number)
	}
	return n
}

// base says which revision of another environment a new one is built on: the one that
// is stated, else the one that is active by then, which is made active before.
func (v *View) base(made *planner.Step) {
	to, _, ok := v.desired.Objects[made.Address].Fields["base.environment"].Target()
	if !ok || made.Writes["base.environment"].Is == schema.Absent {
		return
	}
	ref := v.refs[to]
	if number := made.Writes["base.revision"]; number.Is == schema.Known {
		id, _ := v.revision(ref, number)
		made.Args["base"] = schema.Value{Is: schema.Known, Text: plainJSON(id.Text)}
		return
	}
	if ref != "" {
		made.Args["base"] = schema.JSON(v.active(ref))
	}
	if step, changes := v.activates.Load(to); changes {
		made.Args["base"] = planner.OutOf(step.(string), "revision")
	}
	made.Expects = append(made.Expects, planner.Expect{Ref: v.activeOf(to), Path: "active", Value: made.Args["base"]})
}

// unbuildable says what keeps a revision from being built; nil where nothing does.
func (v *View) unbuildable(c planner.Change, diffs []planner.Diff) *schema.Finding {
	o := v.desired.Objects[c.Address]
	var at []schema.Position
	var roots []string
	for _, d := range diffs {
		root, _, _ := strings.Cut(d.Path, ".")
		roots, at = append(roots, root), append(at, o.Positions(d.Path)...)
	}
	slices.Sort(roots)
	slices.SortFunc(at, schema.Position.Compare)
	if v.world.Domino == nil {
		return blocked("DC231", c.Address, "states "+strings.Join(slices.Compact(roots), ", ")+", which only a new revision changes, and the files do not say how to reach Domino's API",
			"state deployment: domino: {url: …, apiKey: …}; or save the revision in Domino and leave these fields out", at).Blocked
	}
	to, _, based := o.Fields["base.environment"].Target()
	if _, changes := v.activates.Load(to); based && !changes && o.Fields["base.revision"].Is != schema.Known && v.active(v.refs[to]) == "" {
		return blocked("DC238", c.Address, fmt.Sprintf("is built on %s, which has no active revision", to), "build that one first", o.Positions("base.environment")).Blocked
	}
	if number := o.Fields["base.revision"]; number.Is == schema.Known {
		if id, built := v.revision(v.refs[to], number); id.Is == schema.Absent || !built {
			return blocked("DC238", c.Address, fmt.Sprintf("is built on revision %s of %s, which is not there, or is not built", number.Display(), to), "state another revision, or none to take the active one", o.Positions("base.revision")).Blocked
		}
	}
	return v.uncarried(c)
}

// uncarried are variables that Domino masks and the files do not state, so that no build
// can carry them over; nil where there are none, or what was built is made active again.
func (v *View) uncarried(c planner.Change) *schema.Finding {
	writes := v.definition(c)
	if entry, _ := v.applied.Former(v.desired, c.Address); entry != nil && schema.DefinitionKey(entry.Fields) == schema.DefinitionKey(writes) {
		return nil
	}
	var lost []string
	for _, name := range v.masked[c.Address] {
		if _, stated := writes["variables."+schema.JoinPath(name)]; !stated {
			lost = append(lost, planner.Printable(name))
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return blocked("DC363", c.Address, "Domino masks variables of its active revision that the files do not state, and a build cannot carry them over: "+strings.Join(lost, ", "),
		`state each of them: variables: NAME: secret: env: "…"`, c.Positions).Blocked
}
