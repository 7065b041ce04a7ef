package world

import (
	"context"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// DefinitionFor states what a declared environment is built from in Domino, as an import
// would, for a copy of it that has no id yet. Nothing is found of one that is not there,
// or has no active revision. Findings and Notes say what could not be stated. Calls: one
// read each of two collections, and two of Domino's API.
func (w *World) DefinitionFor(ctx context.Context, d schema.Desired, applied schema.Applied, from, to schema.Address) (Found, error) {
	f := &finder{look: &look{World: w, desired: d, applied: func() schema.Applied { return applied }, view: w.newView(d, applied)}, former: formerly(applied),
		Found: Found{Objects: map[schema.Address]schema.Object{to: {Fields: map[string]schema.Value{}}}, Comments: map[schema.Address]string{}}}
	docs, err := f.Outside.Find(ctx, port.Query{Collection: environmentsCollection})
	if err != nil {
		return Found{}, err
	}
	all := f.directory(environmentsCollection, docs, func(_ planner.Ref, raw planner.Raw) []string { return []string{raw.At("name").Str()} })
	known, found := map[string]schema.Address{}, map[schema.Address]planner.Ref{}
	for ref, a := range all.declared(from.Kind) {
		if known[idPlain(ref)] = a; a == from {
			found[to] = ref
		}
	}
	for _, said := range f.view.Findings {
		if said.Address == from { // which one it is, is not clear
			f.Findings = append(f.Findings, said)
		}
	}
	err = f.definitions(ctx, found, known)
	return f.Found, err
}
