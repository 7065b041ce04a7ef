package world

import (
	"context"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// environments states metadata, and what active revisions are built from. Which one is
// active follows from that.
func (f *finder) environments(ctx context.Context) error {
	docs, err := f.Outside.Find(ctx, port.Query{Collection: environmentsCollection})
	if err != nil {
		return err
	}
	if len(docs) == 0 {
		if err := f.legacy(ctx); err != nil {
			return err
		}
	}
	d := f.directory(environmentsCollection, docs, func(_ planner.Ref, raw planner.Raw) []string { return []string{raw.At("name").Str()} })
	owners, err := f.ownerNames(ctx, docs)
	if err != nil {
		return err
	}
	declared := d.declared("environments")
	archived, known, found := 0, map[string]schema.Address{}, map[schema.Address]planner.Ref{}
	for ref, a := range declared {
		known[idPlain(ref)] = a
	}
	for _, id := range schema.Sorted(d.byID) {
		ref := d.byID[id]
		raw := f.view.raw[ref]
		seen, _ := f.decodeEnvironment(ref, environmentPaths(), 0)
		owner := owners[raw["ownerId"].Text]
		switch {
		case declared[ref] != schema.Address{}, f.search.Owner != "" && owner != f.search.Owner,
			f.search.Visibility != "" && seen.Fields["visibility"].Str() != f.search.Visibility:
		case seen.Fields["archived"].Bool():
			archived++
		case ref.ID() == id:
			f.note("environment %s has an _id that is no ObjectId: left out", id)
		default:
			known[id] = f.environment(id, owner, seen)
			found[known[id]] = ref
		}
	}
	if archived > 0 {
		f.note("%d archived environments were left out", archived)
	}
	f.environmentsByID = known
	return f.definitions(ctx, found, known)
}

func (f *finder) environment(id, owner string, seen schema.Observed) schema.Address {
	name := slug(seen.Fields["name"].Str())
	if name == "" {
		name = id
	}
	delete(seen.Fields, "activeRevision")
	delete(seen.Fields, "archived")
	a := f.add("environments", id, name, f.statable("environments", name, seen.Fields))
	f.Objects[a].Fields["id"] = schema.JSON(id)
	if owner != "" {
		f.Objects[a].Fields["owner"] = schema.JSON(owner)
	}
	return a
}

// ownerNames are the logins of everyone who owns a document.
func (f *finder) ownerNames(ctx context.Context, docs []port.Document) (map[string]string, error) {
	ids := map[string]bool{}
	for _, d := range docs {
		ids[d["ownerId"]] = true
	}
	return f.logins(ctx, ids)
}
