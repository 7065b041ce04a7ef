package world

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// namedUse is a use whose documents have a name for people: at the path called or, where
// login is stated, that of the user whose id stands there. A document without one is named
// by its id.
type namedUse struct {
	use
	noun          string
	called, login string
}

// environmentNames are the places of environmentUses.
func environmentNames() []namedUse {
	deleted := [2]string{"state", "Deleted"}
	return []namedUse{
		{use{collection: "projects", path: "overrideV2EnvironmentId"}, "project", "name", ""},
		{use{collection: "models", path: "environmentId"}, "model", "name", ""},
		{use{collection: "app_versions", path: "environmentId"}, "app version", "", ""},
		{use{collection: "scheduler_jobs", path: "jobDataPlain.overrideEnvironmentId"}, "scheduled job", "", ""},
		{use{collection: "workspace", path: "configTemplate.environmentId", skip: deleted}, "workspace", "name", ""},
		{use{collection: "workspace", path: "configTemplate.computeClusterProps.computeEnvironmentId", skip: deleted}, "workspace's cluster", "name", ""},
		{use{collection: organizationsCollection, path: organizationDefault}, "organization's default", "", "organizationUserId"},
		{use{collection: "userPreferences", path: "defaultEnvironmentId"}, "user's default", "", "userId"},
		{use{collection: "runs", path: "environmentId", live: "completed"}, "live run", "", ""},
	}
}

// StillUsed says of environments that a plan archives who uses them, by name.
func (v *View) StillUsed(ctx context.Context, archived []schema.Address) (found []schema.Finding, err error) {
	archived = slices.DeleteFunc(slices.Clone(archived), func(a schema.Address) bool { return a.Kind != "environments" || v.refs[a] == "" })
	if len(archived) == 0 {
		return nil, nil
	}
	ids := v.idsByKind(archived)["environments"]
	var used map[schema.Address][]Used
	var followers []answered[[]port.Follower]
	err = sideBySide(
		func() (err error) { followers, err = v.followersOf(ctx, archived); return err },
		func() (err error) { used, err = v.world.usedBy(ctx, ids); return err })
	if err != nil {
		return nil, err
	}
	for i, a := range archived {
		var by []string
		for _, u := range used[a] {
			if by = append(by, listed(u.What, u.Names)...); u.Unknown != "" {
				by = append(by, "the "+u.What+", which is not known ("+u.Unknown+")")
			}
		}
		if by = append(by, listed("environment on top of it", v.builtOn(a, followers[i].of))...); followers[i].err != nil {
			by = append(by, "what follows it in Domino, which is not known ("+planner.Printable(followers[i].err.Error())+")")
		}
		if len(by) > 0 {
			found = append(found, schema.Finding{Code: "DC298", Severity: schema.Warning, Address: a, Positions: v.desired.Objects[a].Positions("archived"),
				Message: "is to be archived, and is used by " + strings.Join(by, "; "), Hint: "move them to another environment first, or tell their owners; domctl environments show " + idPlain(v.refs[a]) + " has their addresses; others that are in no file may be built on it"})
		}
	}
	return found, nil
}

// Used are the users of one sort that an environment has.
type Used struct {
	What  string   // in the singular: "project", "user's default"
	Names []string // in order; the id of what has no name
	// Unknown is why nobody can tell whether there is one; then there are no names.
	Unknown string
}

// UsedBy reads who uses an environment, as DC298 tells it: what Impact counts, by name.
func (w *World) UsedBy(ctx context.Context, id string) ([]Used, error) {
	ids := map[string]schema.Address{}
	for _, form := range forms(id) {
		ids[form] = schema.EnvironmentAddress(id)
	}
	used, err := w.usedBy(ctx, ids)
	return used[schema.EnvironmentAddress(id)], err
}

// usedBy reads every place once.
func (w *World) usedBy(ctx context.Context, ids map[string]schema.Address) (map[schema.Address][]Used, error) {
	places := environmentNames()
	found := make([]map[schema.Address][]string, len(places))
	reads := make([]func() error, len(places))
	for i, u := range places {
		reads[i] = func() (err error) {
			if found[i], err = w.usersOf(ctx, u, ids); err != nil {
				return fmt.Errorf("who uses environments, read in %s: %w", u.collection, err)
			}
			return nil
		}
	}
	var standard string
	var unknown error // of the default alone
	reads = append(reads, func() error { standard, unknown = w.standard(ctx); return nil })
	if err := sideBySide(reads...); err != nil {
		return nil, err
	}
	out := map[schema.Address][]Used{}
	for form, a := range ids {
		switch {
		case unknown != nil:
			out[a] = []Used{{What: "deployment's default", Unknown: planner.Printable(unknown.Error())}}
		case form == `{"$oid":"`+standard+`"}`:
			out[a] = []Used{{What: "deployment's default", Names: []string{w.Deployment.Name}}}
		}
	}
	for i, u := range places {
		for a, names := range found[i] {
			slices.Sort(names)
			out[a] = append(out[a], Used{What: u.noun, Names: names})
		}
	}
	return out, nil
}

// standard is the id of the deployment's default environment; "" where there is none, or
// the files do not state Domino's API.
func (w *World) standard(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if w.Domino == nil {
		return "", nil
	}
	raw, err := w.readDefault(ctx, nil)
	return raw[defaultRef]["environment"].Str(), err
}

// followersOf asks Domino, where it can be asked, who follows environments.
func (v *View) followersOf(ctx context.Context, archived []schema.Address) ([]answered[[]port.Follower], error) {
	ids := make([]string, len(archived))
	for i, a := range archived {
		ids[i] = idPlain(v.refs[a])
	}
	return patiently(ctx, ids, func(ctx context.Context, id string) ([]port.Follower, error) {
		if v.world.Domino == nil {
			return nil, nil
		}
		return v.world.Domino.ListFollowers(ctx, id)
	})
}

// builtOn are the environments on top of one, those of the files by address.
func (v *View) builtOn(a schema.Address, followers []port.Follower) (names []string) {
	declared := map[string]bool{}
	for _, other := range schema.Addresses(v.desired.Objects) {
		if to, _, is := v.desired.Objects[other].Fields["base.environment"].Target(); is && to == a {
			names, declared[idPlain(v.refs[other])] = append(names, other.String()), true
		}
	}
	for _, f := range followers {
		if !declared[f.ID] {
			names = append(names, f.Name)
		}
	}
	return names
}

// usersOf reads the names of who uses environments in one place.
func (w *World) usersOf(ctx context.Context, u namedUse, ids map[string]schema.Address) (map[schema.Address][]string, error) {
	q := port.Query{Collection: u.collection, Any: u.group(schema.Sorted(ids)).Any, Fields: []string{u.path}}
	for _, path := range []string{u.called, u.login, u.skip[0]} {
		if path != "" {
			q.Fields = append(q.Fields, path)
		}
	}
	docs, err := w.Outside.Find(ctx, q)
	if err != nil {
		return nil, err
	}
	people := map[string]bool{}
	for _, d := range docs {
		people[d[u.login]] = true
	}
	logins, err := w.logins(ctx, people)
	out := map[schema.Address][]string{}
	for _, d := range docs {
		a, is := ids[d[u.path]]
		if !is || u.skip[0] != "" && d[u.skip[0]] == schema.JSON(u.skip[1]).Text {
			continue
		}
		name := rawOf(d)[u.called].Str()
		if u.login != "" {
			name = logins[d[u.login]]
		}
		if name == "" {
			name = strings.Trim(plainJSON(d["_id"]), `"`)
		}
		out[a] = append(out[a], name)
	}
	return out, err
}

// mostNamed is how many users of a sort are named.
const mostNamed = 8

// listed is "2 projects: churn, fraud"; nothing for none.
func listed(noun string, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	for i, n := range names {
		names[i] = planner.Printable(n)
	}
	slices.Sort(names)
	text := planner.Plural(len(names), noun) + ": " + strings.Join(names[:min(len(names), mostNamed)], ", ")
	if len(names) > mostNamed {
		text += ", …"
	}
	return []string{text}
}
