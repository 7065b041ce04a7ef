package world

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

const (
	organizationsCollection = "organizations"
	organizationDefault     = "defaultV2EnvironmentId"

	// defaultRef is the deployment's default environment, as Domino's API keeps it.
	defaultRef = planner.Ref("domino/default#" + schema.DeploymentDefault)
)

// lookDefaults reads the defaults that the files speak of.
func lookDefaults(ctx context.Context, l *look) error {
	of := map[string]schema.Address{} // by organization
	var deployment []schema.Address
	for a, o := range l.desired.Objects {
		if a.Kind != "defaultEnvironments" {
			continue
		}
		if who := schema.DefaultOf(a.Name, o); who == "" {
			deployment = append(deployment, a)
		} else {
			of[who] = a
		}
	}
	var seen map[planner.Ref]planner.Raw
	var unread error
	var organizations map[string][]planner.Raw
	err := sideBySide(
		func() (err error) {
			if len(deployment) > 0 && l.Domino != nil {
				unread, err = within(ctx, func(ctx context.Context) (err error) { seen, err = l.readDefault(ctx, nil); return err })
			}
			return err
		},
		func() (err error) { organizations, err = l.readOrganizations(ctx, schema.Sorted(of)); return err })
	if err != nil {
		return err
	}
	for _, a := range deployment {
		if l.Domino == nil {
			l.observeDefault(a, defaultRef, schema.Value{Is: schema.Unknown})
			continue
		}
		if unread != nil {
			l.unanswered(a, "the deployment's default environment", unread)
			continue
		}
		l.view.raw[defaultRef] = seen[defaultRef]
		l.observeDefault(a, defaultRef, seen[defaultRef]["environment"])
	}
	for _, name := range schema.Sorted(of) {
		l.organization(of[name], name, organizations[name])
	}
	return nil
}

func (l *look) observeDefault(a schema.Address, ref planner.Ref, environment schema.Value) {
	o := observedOf(ref.ID(), 2)
	if environment.Is != schema.Absent {
		o.Fields["environment"] = environment
	}
	l.observe(a, ref, o)
}

// readDefault reads the deployment's default environment.
func (w *World) readDefault(ctx context.Context, _ []string) (map[planner.Ref]planner.Raw, error) {
	if w.Domino == nil {
		return nil, port.ErrUnstated
	}
	id, err := w.Domino.DefaultEnvironment(ctx)
	if errors.Is(err, port.ErrNotFound) {
		return map[planner.Ref]planner.Raw{defaultRef: {}}, nil
	}
	return map[planner.Ref]planner.Raw{defaultRef: {"environment": schema.JSON(id)}}, err
}

// readOrganizations reads those of some names, by name: an organization has a user of its
// own, which holds its name.
func (l *look) readOrganizations(ctx context.Context, names []string) (map[string][]planner.Raw, error) {
	if len(names) == 0 {
		return nil, nil
	}
	byUser, err := l.usersCalled(ctx, names)
	if err != nil || len(byUser) == 0 {
		return nil, err
	}
	docs, err := l.Outside.Find(ctx, port.Query{Collection: organizationsCollection, Any: map[string][]string{"organizationUserId": schema.Sorted(byUser)}, Fields: []string{"organizationUserId", organizationDefault}})
	found := map[string][]planner.Raw{}
	for _, d := range docs {
		name := byUser[d["organizationUserId"]]
		found[name] = append(found[name], rawOf(d))
	}
	return found, err
}

// organization finds the one of a name.
func (l *look) organization(a schema.Address, name string, docs []planner.Raw) {
	refs := make([]planner.Ref, len(docs))
	for i, raw := range docs {
		refs[i] = docRef(organizationsCollection, idText(raw["_id"].Text))
	}
	switch len(refs) {
	case 0:
		l.find("DC377", schema.Error, a, fmt.Sprintf("Domino has no organization that is called %s", planner.Printable(name)), "correct its name, or state organization: the name in Domino")
	case 1:
		l.view.raw[refs[0]] = docs[0]
		l.observeDefault(a, refs[0], defaultIn(docs[0]))
	default:
		l.find("DC140", schema.Error, a, fmt.Sprintf("the name is ambiguous: %s live under it", joinIDs(refs)), "give one of them another name in Domino")
	}
}

// defaultIn is the environment that an organization's document names.
func defaultIn(raw planner.Raw) schema.Value {
	v := standing(raw, organizationDefault)
	if v.Is == schema.Known {
		v.Text = plainJSON(v.Text)
	}
	return v
}

// lowerDefault sets one default, if it is what the plan saw.
func lowerDefault(v *View, c planner.Change) (planner.Lowered, error) {
	ref, there := v.refs[c.Address]
	if !there {
		return blocked("DC377", c.Address, "the organization is not there", "correct its name", c.Positions), nil
	}
	want := c.Fields[0].After
	out := planner.Lowered{ID: schema.JSON(ref.ID())}
	to, _, _ := v.desired.Objects[c.Address].Fields["environment"].Target()
	switch {
	case want.Is != schema.Absent && standing(v.raw[v.refs[to]], "isArchived").Bool():
		return blocked("DC297", c.Address, fmt.Sprintf("names %s, which is archived in Domino", to), "name another; or bring it back first by archived: false", c.Positions), nil
	case ref == defaultRef && v.world.Domino == nil:
		return blocked("DC231", c.Address, "is set by Domino's API alone, and the files do not say how to reach it", "state deployment: domino: {url: …, apiKey: …}", c.Positions), nil
	case ref == defaultRef:
		s := planner.Step{ID: c.Address.String() + "/" + operation.SetDefaultEnvironment, Address: c.Address, Op: operation.SetDefaultEnvironment, Object: ref, Guard: planner.Absolute, Window: window,
			Writes: map[string]schema.Value{"environment": want}, Expects: []planner.Expect{{Ref: ref, Path: "environment", Value: v.raw[ref]["environment"]}}}
		if v.raw[ref]["environment"].Is == schema.Absent {
			s.Irreversible = "Domino had no default environment before, and none can be unset"
		}
		out.Steps = []planner.Step{s}
	case want.Is == schema.Absent:
		out.Steps = []planner.Step{*updateStep(c.Address, ref, v.raw[ref], map[string]schema.Value{organizationDefault: {}})}
	case want.Is != schema.Known:
		return blocked("DC238", c.Address, "names an environment that is not there yet", "apply it first; the next plan makes it the default", c.Positions), nil
	default:
		id := schema.Value{Is: schema.Known, Text: `{"$oid":` + want.Text + `}`}
		out.Steps = []planner.Step{*updateStep(c.Address, ref, v.raw[ref], map[string]schema.Value{organizationDefault: id})}
	}
	v.once(&out.Steps[0], c.Address)
	return out, nil
}

// once has an environment that has no active revision get it before it is a default, and
// none become one that is archived by then.
func (v *View) once(s *planner.Step, a schema.Address) {
	to, _, ok := v.desired.Objects[a].Fields["environment"].Target()
	ref, there := v.refs[to]
	if ok && there {
		s.Expects = append(s.Expects, planner.Expect{Ref: activeRef(idPlain(ref)), Path: "archived", Value: schema.JSON(false)})
	}
	if step, made := v.activates.Load(to); ok && there && made && v.active(ref) == "" {
		s.Expects = append(s.Expects, planner.Expect{Ref: activeRef(idPlain(ref)), Path: "active", Value: planner.OutOf(step.(string), "revision")})
	}
}

func setDefault(ctx context.Context, w *World, a applier.Attempt) error {
	if w.Domino == nil {
		return &applier.Refusal{Err: port.ErrUnstated}
	}
	return w.Domino.SetDefaultEnvironment(ctx, a.Step.Writes["environment"].Str())
}

// weighDefaults counts who gets another default: projects that name no environment, of
// owners who chose none themselves.
func (v *View) weighDefaults(ctx context.Context, addresses []schema.Address) error {
	var asked []schema.Address
	deployment := false
	for _, a := range addresses {
		if a.Kind == "defaultEnvironments" && v.refs[a] != "" {
			asked, deployment = append(asked, a), deployment || v.refs[a] == defaultRef
		}
	}
	if len(asked) == 0 {
		return nil
	}
	var counts, preferences []port.Count
	var organizations []port.Document
	reads := []func() error{func() (err error) {
		counts, err = v.world.Outside.Count(ctx, port.Group{Collection: "projects", Any: map[string][]string{"overrideV2EnvironmentId": {"null"}}, By: []string{"ownerId"}})
		return err
	}}
	if deployment {
		reads = append(reads, func() (err error) {
			preferences, err = v.world.Outside.Count(ctx, port.Group{Collection: "userPreferences", By: []string{"userId", "defaultEnvironmentId"}})
			return err
		}, func() (err error) {
			organizations, err = v.world.Outside.Find(ctx, port.Query{Collection: organizationsCollection, Fields: []string{"organizationUserId", organizationDefault}})
			return err
		})
	}
	if err := sideBySide(reads...); err != nil {
		return fmt.Errorf("who gets a default environment: %w", err)
	}
	own, groups := map[string]bool{}, owners(organizations)
	for _, c := range preferences {
		own[plainJSON(c.Key[0])] = c.Key[1] != "null"
	}
	v.weighing.Lock()
	defer v.weighing.Unlock()
	for _, a := range asked {
		v.impact[a] = followers(v.refs[a], v.raw[v.refs[a]]["organizationUserId"].Text, counts, own, groups)
	}
	return nil
}

// owners are the users of organizations, true where one has a default of its own.
func owners(organizations []port.Document) map[string]bool {
	out := map[string]bool{}
	for _, d := range organizations {
		raw := rawOf(d)
		if id := raw["organizationUserId"]; id.Is == schema.Known {
			out[plainJSON(id.Text)] = defaultIn(raw).Is != schema.Absent
		}
	}
	return out
}

// followers are the projects that follow one default, and the people who own them.
func followers(ref planner.Ref, organization string, counts []port.Count, own, groups map[string]bool) *planner.Impact {
	out := &planner.Impact{}
	for _, c := range counts {
		owner := plainJSON(c.Key[0])
		hasOwn, isGroup := groups[owner]
		switch {
		case ref != defaultRef && owner == plainJSON(organization):
			out.Projects += c.N
		case ref != defaultRef || own[owner] || hasOwn:
		default:
			out.Projects += c.N
			if !isGroup && !strings.HasPrefix(owner, "null") {
				out.Users++
			}
		}
	}
	return out
}

func defaultDocuments(schema.Deployment) (reads []string, writes map[string][]string) {
	return []string{organizationsCollection, "users"}, map[string][]string{organizationsCollection: {"UpdateOne"}}
}
