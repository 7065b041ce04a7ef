package world

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Environments are made, archived and shared by Domino's API, where the deployment states
// it; renamed, described and brought back in the database, for which it has no call.

const (
	createOp  = "domino.create"
	archiveOp = "domino.archive"
	shareOp   = "domino.share"
)

// named is the place of an environment that is to be made: what stands there has its name
// and its owner, "" being any.
func named(owner, name string) planner.Ref { return planner.Ref("domino/named#" + owner + "/" + name) }

// readNamed finds environments by name and owner.
func (w *World) readNamed(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	var names []string
	for _, id := range ids {
		_, name, _ := strings.Cut(id, "/")
		names = append(names, schema.JSON(name).Text)
	}
	docs, err := w.Outside.Find(ctx, port.Query{Collection: environmentsCollection, Any: map[string][]string{"name": names}, Fields: []string{"name", "ownerId"}})
	out := map[planner.Ref]planner.Raw{}
	for _, d := range docs {
		raw := rawOf(d)
		for _, owner := range []string{"", oidPlain(raw["ownerId"])} {
			out[named(owner, raw["name"].Str())] = planner.Raw{"id": schema.JSON(idPlain(docRef("", idText(d["_id"]))))}
		}
	}
	return out, err
}

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
	if v.world.Life == nil {
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
	made := planner.Step{ID: createStep(c.Address), Address: c.Address, Op: createOp, Object: named(owner, name), Creates: "id", Guard: planner.Absolute, Window: window,
		Writes: writes, Args: map[string]schema.Value{}, Expects: []planner.Expect{{Ref: named(owner, name)}}}
	v.base(&made)
	ref := madeRef(c.Address)
	revision := planner.OutOf(made.ID, "revision")
	active := planner.Step{ID: c.Address.String() + "/" + activateOp, Address: c.Address, Op: activateOp, Object: ref, Creates: "revision", Guard: planner.Absolute, Window: window,
		Writes: map[string]schema.Value{"active": revision}, Expects: []planner.Expect{{Ref: ref, Path: "active"}}}
	v.activates.Store(c.Address, active.ID)
	out.ID = planner.OutOf(made.ID, "id")
	out.Steps, out.Outputs = []planner.Step{made, active}, map[string]schema.Value{"id": out.ID}
	if builds {
		out.Remember = map[string]schema.Value{schema.BuiltRevision: revision}
	}
	if like := v.called(name, "", ""); len(like) > 0 {
		out.Findings = append(out.Findings, schema.Finding{Code: "DC295", Severity: schema.Warning, Address: c.Address, Positions: o.Positions("name"),
			Message: fmt.Sprintf("another owner has an environment called %q: %s", planner.Printable(name), joinIDs(like)), Hint: "if that one is meant, state its id"})
	}
	return out
}

func createStep(a schema.Address) string { return a.String() + "/" + createOp }

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

// renamed is the one address that was applied, is gone from the files, lives, and was
// built of what a new one is to be built of.
func (v *View) renamed(a schema.Address) (was string) {
	want := definitionOf(v.desired.Objects[a].Fields)
	if len(want) == 0 {
		return ""
	}
	key := schema.DefinitionKey(want)
	for _, old := range schema.Addresses(v.applied.Entries) {
		_, stated := v.desired.Objects[old]
		_, lives := v.refs[old]
		if old.Kind != a.Kind || stated || !lives || schema.DefinitionKey(v.applied.Entries[old].Fields) != key {
			continue
		}
		if was != "" {
			return "" // which of them, nobody can tell
		}
		was = old.String()
	}
	return was
}

// unshareable says why nobody of that name can have an environment, or not so; "" for an
// owner or a visibility that the files do not state.
func (v *View) unshareable(a schema.Address, owner, visibility string) *schema.Finding {
	o := v.desired.Objects[a]
	login := o.Fields["owner"]
	if login.Is == schema.Known && owner == "" {
		return blocked("DC299", a, fmt.Sprintf("no user or organization is called %q", login.Str()), "correct owner", o.Positions("owner")).Blocked
	}
	if visibility == "organization" && v.raw[organizationRef(owner)] == nil {
		return blocked("DC299", a, "is to be visible to the organization that owns it, and its owner is none", "state owner: the name of an organization", o.Positions("visibility")).Blocked
	}
	return nil
}

// called are the environments of a name that an owner has, "" being any, but for one.
func (v *View) called(name, owner string, but planner.Ref) (like []planner.Ref) {
	for ref, raw := range v.raw {
		if ref.Type() == "mongo/"+environmentsCollection && ref != but && raw["name"].Str() == name && (owner == "" || oidPlain(raw["ownerId"]) == owner) {
			like = append(like, ref)
		}
	}
	slices.Sort(like)
	return like
}

// ownerRef is a user of Domino by login, organizationRef what an organization has by the
// id of its user.
func ownerRef(login string) planner.Ref       { return planner.Ref("domino/owner#" + login) }
func organizationRef(user string) planner.Ref { return planner.Ref("domino/organization#" + user) }

// ownerID is the id of an owner that the files name; "" where nobody has the name.
func (v *View) ownerID(login schema.Value) string { return v.raw[ownerRef(login.Str())]["id"].Str() }

// lookOwners reads whom environments may be given to, where the files say anything of it
// that does not stand already.
func (l *look) lookOwners(ctx context.Context) error {
	logins, organizations := map[string]bool{}, false
	for a, o := range l.desired.Objects {
		if a.Kind != "environments" || l.Life == nil {
			continue
		}
		live := l.view.Objects[a].Fields
		if owner := o.Fields["owner"]; owner.Is == schema.Known && owner != live["owner"] {
			logins[owner.Text] = true
		}
		organizations = organizations || o.Fields["visibility"].Str() == "organization" && (live["visibility"] != o.Fields["visibility"] || logins[o.Fields["owner"].Text])
	}
	if len(logins) > 0 {
		users, err := l.Outside.Find(ctx, port.Query{Collection: "users", Any: map[string][]string{"loginId.id": schema.Sorted(logins)}, Fields: []string{"loginId.id"}})
		if err != nil {
			return err
		}
		for _, u := range users {
			if id := oidPlain(rawOf(u)["_id"]); id != "" {
				l.view.raw[ownerRef(rawOf(u)["loginId.id"].Str())] = planner.Raw{"id": schema.JSON(id)}
			}
		}
	}
	if !organizations {
		return nil
	}
	all, err := l.Outside.Find(ctx, port.Query{Collection: "organizations", Fields: []string{"organizationUserId"}})
	for _, o := range all {
		l.view.raw[organizationRef(oidPlain(rawOf(o)["organizationUserId"]))] = planner.Raw{}
	}
	return err
}

// share is the step that hands an environment to an owner and says who may use it; nil
// where it stays as it is.
func (v *View) share(c planner.Change, ref planner.Ref) (*planner.Step, *schema.Finding) {
	raw := v.raw[ref]
	was := map[string]schema.Value{"visibility": standing(raw, "visibility"), "owner": schema.JSON(oidPlain(raw["ownerId"]))}
	s := planner.Step{ID: c.Address.String() + "/" + shareOp, Address: c.Address, Op: shareOp, Object: activeRef(idPlain(ref)), Guard: planner.Absolute, Window: window,
		Writes: map[string]schema.Value{}, Args: map[string]schema.Value{"visibility": was["visibility"]}}
	owner := was["owner"].Str()
	for _, d := range c.Fields {
		switch {
		case d.Path == "visibility" && d.After.Is == schema.Known:
			s.Writes["visibility"] = schema.JSON(capital(d.After.Str()))
		case d.Path == "owner" && d.After.Is == schema.Known:
			owner = v.ownerID(d.After)
			s.Writes["owner"] = schema.JSON(owner)
		}
	}
	if len(s.Writes) == 0 {
		return nil, nil
	}
	visibility := v.desired.Objects[c.Address].Fields["visibility"].Str()
	if why := v.unshareable(c.Address, owner, visibility); why != nil {
		return nil, why
	}
	for _, p := range schema.Sorted(s.Writes) {
		s.Expects = append(s.Expects, planner.Expect{Ref: s.Object, Path: p, Value: was[p]})
	}
	return &s, nil
}

func shareEnvironment(ctx context.Context, w *World, a applier.Attempt) error {
	if w.Life == nil {
		return errNoDomino()
	}
	visibility := cmp.Or(a.Step.Writes["visibility"].Str(), a.Step.Args["visibility"].Str())
	return w.Life.ShareEnvironment(ctx, a.Step.Object.ID(), visibility, a.Step.Writes["owner"].Str())
}

// archiveStep hides an environment.
func (v *View) archiveStep(a schema.Address, ref planner.Ref) planner.Step {
	env := activeRef(idPlain(ref))
	return planner.Step{ID: a.String() + "/" + archiveOp, Address: a, Op: archiveOp, Object: env, Guard: planner.Absolute, Window: window,
		Writes: map[string]schema.Value{"archived": schema.JSON(true)}, Expects: []planner.Expect{{Ref: env, Path: "archived", Value: schema.JSON(standing(v.raw[ref], "isArchived").Bool())}}}
}

// archiveEnvironment hides an environment; the way back brings it back, which Domino has
// no call for.
func archiveEnvironment(ctx context.Context, w *World, a applier.Attempt) error {
	if !a.Step.Writes["archived"].Bool() {
		where := port.Document{"_id": `{"$oid":"` + a.Step.Object.ID() + `"}`, "isArchived": "true"}
		matched, err := w.Outside.UpdateOne(ctx, environmentsCollection, where, port.Document{"isArchived": "false"}, nil)
		return unmatched(matched, err)
	}
	if w.Life == nil {
		return errNoDomino()
	}
	return w.Life.ArchiveEnvironment(ctx, a.Step.Object.ID())
}

func errNoDomino() error {
	return &applier.Refusal{Err: fmt.Errorf("DC291: the files state no deployment.domino, so that Domino cannot be asked; state it again, and resume")}
}

func lifeCommand(m applier.Manual) string {
	return fmt.Sprintf("echo \"do it in Domino: environment %s: %s\" >&2; exit 1", sh(m.Step.Object.ID()), strings.TrimPrefix(m.Step.Op, "domino."))
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

// byAPI says of a field that Domino's API writes it, where the deployment states it.
func (v *View) byAPI(d planner.Diff) bool {
	return v.world.Life != nil && d.After.Is == schema.Known && (d.Path == "visibility" || d.Path == "owner" || d.Path == "archived" && d.After.Bool())
}

// lived are the steps by the API that share and archive an environment.
func (v *View) lived(c planner.Change, ref planner.Ref) (steps []planner.Step, why *schema.Finding) {
	if v.world.Life == nil {
		return nil, nil
	}
	s, why := v.share(c, ref)
	if s != nil {
		steps = append(steps, *s)
	}
	if slices.ContainsFunc(c.Fields, func(d planner.Diff) bool { return d.Path == "archived" && d.After.Bool() }) {
		steps = append(steps, v.archiveStep(c.Address, ref))
	}
	return steps, why
}

// collides refuses a name, or an owner, that would make two of one owner's environments
// have one name.
func (v *View) collides(c planner.Change, ref planner.Ref) *schema.Finding {
	raw := v.raw[ref]
	name, owner, path := raw["name"].Str(), oidPlain(raw["ownerId"]), ""
	for _, d := range c.Fields {
		switch {
		case d.Path == "name" && d.After.Is == schema.Known:
			name, path = d.After.Str(), d.Path
		case d.Path == "owner" && v.byAPI(d):
			owner, path = v.ownerID(d.After), cmp.Or(path, d.Path)
		}
	}
	like := v.called(name, owner, ref)
	if path == "" || owner == "" || len(like) == 0 {
		return nil
	}
	return blocked("DC295", c.Address, fmt.Sprintf("its owner has another environment called %q: %s", planner.Printable(name), joinIDs(like)),
		"state another name, or rename that one first", v.desired.Objects[c.Address].Positions(path)).Blocked
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

// preferring tells environments of one name apart: those of the owner that the files
// state, and of these the ones that are not archived.
func (l *look) preferring(ctx context.Context, d directory) (func(schema.Object, []planner.Ref) []planner.Ref, error) {
	ids := map[string]bool{}
	for _, a := range l.wanted("environments") {
		o := l.desired.Objects[a]
		if entry, _ := l.applied().Former(l.desired, a); l.Life == nil || entry != nil || o.Fields["id"].Is == schema.Known || o.Fields["owner"].Is != schema.Known {
			continue
		}
		for _, ref := range d.named(a, o) {
			ids[l.view.raw[ref]["ownerId"].Text] = true
		}
	}
	owners, err := l.logins(ctx, ids)
	if err != nil {
		return nil, err
	}
	return func(o schema.Object, refs []planner.Ref) []planner.Ref {
		others := func(ref planner.Ref) bool {
			login := owners[l.view.raw[ref]["ownerId"].Text] // "" of one that nobody asked about
			return login != "" && o.Fields["owner"].Is == schema.Known && login != o.Fields["owner"].Str()
		}
		refs = slices.DeleteFunc(slices.Clone(refs), others)
		archived := func(ref planner.Ref) bool { return standing(l.view.raw[ref], "isArchived").Bool() }
		if used := slices.DeleteFunc(slices.Clone(refs), archived); len(used) > 0 {
			return used
		}
		return refs
	}, nil
}

// archived says of an environment of the files that Domino hides it.
func (l *look) archived(a schema.Address, o schema.Observed) {
	fields := l.desired.Objects[a].Fields
	if _, stated := fields["archived"]; len(fields) > 0 && !stated && o.Fields["archived"].Bool() {
		l.find("DC297", schema.Warning, a, "is archived in Domino, and the files do not say so", "state archived: false to bring it back, or archived: true to leave it hidden")
	}
}
