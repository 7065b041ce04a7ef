package world

import (
	"cmp"
	"context"
	"maps"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (f *finder) tiers(ctx context.Context) error {
	collection, paths := f.tiersAt()
	docs, executors, err := f.findTiers(ctx)
	if err != nil {
		return err
	}
	d := f.directory(collection, docs, func(ref planner.Ref, raw planner.Raw) []string { return tierNames(ref, raw, paths) })
	declared := d.declared("hardwareTiers")
	archived, decode := 0, tierDecoder(paths)
	for _, id := range schema.Sorted(d.byID) {
		ref := d.byID[id]
		fields, errs := decode(f.view.raw[ref])
		switch {
		case declared[ref] != schema.Address{}:
			continue
		case fields["archived"].Bool():
			archived++
			continue
		}
		name := id
		if schema.NameFault(id) != "" {
			name = cmp.Or(slug(id), "tier")
		}
		a := f.add("hardwareTiers", id, name, f.statable("hardwareTiers", name, fields))
		f.Objects[a].Fields["id"] = schema.JSON(id)
		for _, err := range errs {
			f.note("%s: %v: left out", a, err)
		}
		f.observe(a, ref, schema.Observed{ID: id, Fields: maps.Clone(f.Objects[a].Fields)})
	}
	if archived > 0 {
		f.note("%d archived hardware tiers were left out", archived)
	}
	return f.tierAMIs(ctx, executors)
}

// findTiers reads tiers and, on classic deployments, executor groups.
func (f *finder) findTiers(ctx context.Context) (tiers []port.Document, executors []planner.Raw, err error) {
	var groups []port.Document
	var list tierList
	err = sideBySide(
		func() (err error) { list, err = f.wholeTiers(ctx); return err },
		func() (err error) { groups, err = f.findExecutors(ctx); return err })
	f.unasked("hardwareTiers", list.unread)
	if n := len(list.hidden); n > 0 {
		f.note("%s that Domino's API does not show, and its database holds, were left out", planner.Plural(n, "hardware tier"))
	}
	for _, g := range groups {
		executors = append(executors, rawOf(g))
	}
	return list.Tiers, executors, err
}
