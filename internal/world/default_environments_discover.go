package world

import (
	"context"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// defaults gathers what is some default; nameDefaults states it, once the environments
// are found.
func (f *finder) defaults(ctx context.Context) error {
	f.standard = map[string]string{}
	stated := map[string]bool{}
	for a, o := range f.desired.Objects {
		stated[schema.DefaultOf(a.Name, o)] = stated[schema.DefaultOf(a.Name, o)] || a.Kind == "defaultEnvironments"
	}
	if f.Domino != nil && !stated[""] {
		var raw map[planner.Ref]planner.Raw
		unread, err := within(ctx, func(ctx context.Context) (err error) { raw, err = f.readDefault(ctx, nil); return err })
		if err != nil {
			return err
		}
		f.unasked("the deployment's default environment", unread)
		if id := raw[defaultRef]["environment"].Str(); id != "" {
			f.standard[""] = id
		}
	}
	docs, err := f.Outside.Find(ctx, port.Query{Collection: organizationsCollection, Fields: []string{"organizationUserId", organizationDefault}})
	if err != nil {
		return err
	}
	ids := map[string]bool{}
	for _, d := range docs {
		if defaultIn(rawOf(d)).Is == schema.Known {
			ids[d["organizationUserId"]] = true
		}
	}
	names, err := f.logins(ctx, ids)
	if err != nil {
		return err
	}
	for _, d := range docs {
		name := names[d["organizationUserId"]]
		if v := defaultIn(rawOf(d)); v.Is == schema.Known && name != "" && !stated[name] {
			f.standard[name] = v.Str()
		}
	}
	return nil
}

// nameDefaults states the defaults whose environment the files or the import have.
func (f *finder) nameDefaults() {
	known := f.environmentsByID
	if known == nil {
		known = map[string]schema.Address{}
	}
	for _, objects := range []map[schema.Address]schema.Object{f.desired.Objects, f.Objects} {
		for _, a := range schema.Addresses(objects) {
			if id := objects[a].Fields["id"].Str(); a.Kind == "environments" && id != "" {
				known[id] = a
			}
		}
	}
	for _, who := range schema.Sorted(f.standard) {
		name, env := schema.DeploymentDefault, known[f.standard[who]]
		if who != "" {
			if name = slug(who); name == "" || name == schema.DeploymentDefault {
				name = "organization"
			}
		}
		if env == (schema.Address{}) {
			f.note("the default environment of %s is %s, which the files and this import do not have: left out", whoseDefault(who), f.standard[who])
			continue
		}
		a := f.add("defaultEnvironments", who, name, map[string]schema.Value{"environment": schema.RefTo(env, "id")})
		if schema.DefaultOf(a.Name, schema.Object{}) != who {
			f.Objects[a].Fields["organization"] = schema.JSON(who)
		}
	}
}

func whoseDefault(who string) string {
	if who == "" {
		return "the deployment"
	}
	return "organization " + who
}
