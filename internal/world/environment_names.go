package world

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Which environment a name means.

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

// called are the environments of a name that an owner has, "" being any, but for one.
func (v *View) called(name, owner string, but planner.Ref) (like []planner.Ref) {
	for _, ref := range v.names()[name] {
		if ref != but && (owner == "" || oidPlain(v.raw[ref]["ownerId"]) == owner) {
			like = append(like, ref)
		}
	}
	return like
}

func (v *View) indexNames() map[string][]planner.Ref {
	names := map[string][]planner.Ref{}
	for ref, raw := range v.raw {
		if ref.Type() == "mongo/"+environmentsCollection {
			names[raw["name"].Str()] = append(names[raw["name"].Str()], ref)
		}
	}
	for _, refs := range names {
		slices.Sort(refs)
	}
	return names
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

// preferring tells environments of one name apart: those of the owner that the files
// state, and of these the ones that are not archived.
func (l *look) preferring(ctx context.Context, d directory) (func(schema.Object, []planner.Ref) []planner.Ref, error) {
	ids := map[string]bool{}
	for _, a := range l.wanted("environments") {
		o := l.desired.Objects[a]
		if entry, _ := l.applied().Former(l.desired, a); l.Domino == nil || entry != nil || o.Fields["id"].Is == schema.Known || o.Fields["owner"].Is != schema.Known {
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

// othersOf tells of the environments of a name that one is made beside.
func (v *View) othersOf(a schema.Address, name string) []schema.Finding {
	like := v.called(name, "", "")
	if len(like) == 0 {
		return nil
	}
	for _, other := range schema.Addresses(v.refs) {
		if slices.Contains(like, v.refs[other]) {
			return []schema.Finding{{Code: "DC295", Severity: schema.Warning, Address: a, Positions: v.desired.Objects[a].Positions("name"),
				Message: fmt.Sprintf("%s is called %q in Domino", other, planner.Printable(name)), Hint: "state another name"}}
		}
	}
	return []schema.Finding{{Code: "DC295", Severity: schema.Warning, Address: a, Positions: v.desired.Objects[a].Positions("name"),
		Message: fmt.Sprintf("another owner has an environment called %q: %s", planner.Printable(name), joinIDs(like)), Hint: "if that one is meant, state its id"}}
}
