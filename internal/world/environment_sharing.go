package world

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Whose an environment is, who may use it, and whether it is hidden.

// unshareable says why nobody of that name can have an environment, or not so; "" for an
// owner or a visibility that the files do not state.
func (v *View) unshareable(a schema.Address, owner, visibility string) *schema.Finding {
	o := v.desired.Objects[a]
	login := o.Fields["owner"]
	if login.Is == schema.Known && owner == "" {
		return blocked("DC299", a, fmt.Sprintf("no user or organization is called %q", login.Str()), "correct owner", o.Positions("owner")).Blocked
	}
	if visibility == "organization" && v.raw[organizationRef(owner)] == nil {
		return blocked("DC299", a, "is to be visible to the organization that owns it, and no organization does", "state owner: the name of an organization", o.Positions("visibility")).Blocked
	}
	return nil
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
		if a.Kind != "environments" || l.Domino == nil {
			continue
		}
		live := l.view.Objects[a].Fields
		if owner := o.Fields["owner"]; owner.Is == schema.Known && owner != live["owner"] {
			logins[owner.Str()] = true
		}
		organizations = organizations || o.Fields["visibility"].Str() == "organization" && (live["visibility"] != o.Fields["visibility"] || logins[o.Fields["owner"].Str()])
	}
	if len(logins) > 0 {
		users, err := l.usersCalled(ctx, schema.Sorted(logins))
		if err != nil {
			return err
		}
		for id, login := range users {
			if id := oidPlain(schema.Value{Is: schema.Known, Text: id}); id != "" {
				l.view.raw[ownerRef(login)] = planner.Raw{"id": schema.JSON(id)}
			}
		}
	}
	if !organizations {
		return nil
	}
	all, err := l.Outside.Find(ctx, port.Query{Collection: organizationsCollection, Fields: []string{"organizationUserId"}})
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
	s := planner.Step{ID: c.Address.String() + "/" + operation.ShareEnvironment, Address: c.Address, Op: operation.ShareEnvironment, Object: activeRef(idPlain(ref)), Guard: planner.Absolute, Window: window,
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
	if w.Domino == nil {
		return &applier.Refusal{Err: port.ErrUnstated}
	}
	visibility := cmp.Or(a.Step.Writes["visibility"].Str(), a.Step.Args["visibility"].Str())
	return w.Domino.ShareEnvironment(ctx, a.Step.Object.ID(), visibility, a.Step.Writes["owner"].Str())
}

// archiveStep hides an environment.
func (v *View) archiveStep(a schema.Address, ref planner.Ref) planner.Step {
	env := activeRef(idPlain(ref))
	return planner.Step{ID: a.String() + "/" + operation.ArchiveEnvironment, Address: a, Op: operation.ArchiveEnvironment, Object: env, Guard: planner.Absolute, Window: window,
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
	if w.Domino == nil {
		return &applier.Refusal{Err: port.ErrUnstated}
	}
	return w.Domino.ArchiveEnvironment(ctx, a.Step.Object.ID())
}

// byAPI says of a field that Domino's API writes it, where the deployment states it.
func (v *View) byAPI(d planner.Diff) bool {
	return v.world.Domino != nil && d.After.Is == schema.Known && (d.Path == "visibility" || d.Path == "owner" || d.Path == "archived" && d.After.Bool())
}

// lived are the steps by the API that share and archive an environment.
func (v *View) lived(c planner.Change, ref planner.Ref) (steps []planner.Step, why *schema.Finding) {
	if v.world.Domino == nil {
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
