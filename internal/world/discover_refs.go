package world

import (
	"context"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// namePools turns the labels that tiers name into names of pools, once all of
// them are found.
func (f *finder) namePools() {
	for _, a := range schema.Addresses(f.Objects) {
		if a.Kind == "hardwareTiers" {
			f.namePool(a)
		}
	}
}

// namePool names a tier's pool: one of the files, one that was found, or one that
// is stated for the label alone.
func (f *finder) namePool(a schema.Address) {
	fields := f.Objects[a].Fields
	label := fields["nodePool"].Str()
	if label == "" {
		delete(fields, "nodePool")
		return
	}
	pool, ok := f.poolOf(label)
	if !ok {
		name := slug(label)
		if name == "" {
			name = "pool"
		}
		pool = f.add("nodePools", name, name, map[string]schema.Value{})
		if pool.Name != label {
			f.Objects[pool].Fields["label"] = schema.JSON(label)
		}
		f.Comments[pool] = "Named by hardware tiers; no group that carries the label was found."
	}
	fields["nodePool"] = schema.RefTo(pool, "label")
}

func (f *finder) poolOf(label string) (schema.Address, bool) {
	for _, objects := range []map[schema.Address]schema.Object{f.desired.Objects, f.Objects} {
		for _, a := range schema.Addresses(objects) {
			stated, ok := objects[a].Fields["label"]
			if a.Kind == "nodePools" && (stated.Str() == label || !ok && a.Name == label) {
				return a, true
			}
		}
	}
	return schema.Address{}, false
}

// tierAMIs states where classic tiers stand, each AMI as a pin.
func (f *finder) tierAMIs(ctx context.Context, docs []planner.Raw) error {
	_, paths := executorPaths(f.Deployment.Mongo.Mapping.ExecutorGroups)
	found := map[schema.Address]string{}
	for _, raw := range docs {
		tier := idPlain(docRef("", idText(raw.At(paths["tier"]).Text)))
		a, ok := f.tierOf(tier)
		if _, twice := found[a]; ok && twice {
			f.note("%s: two executor groups name it: ami left out", a)
			found[a] = ""
		} else if ok {
			found[a] = raw.At(paths["ami"]).Str()
		}
	}
	return f.pin(ctx, found)
}

// tierOf is the tier found under an id.
func (f *finder) tierOf(id string) (schema.Address, bool) {
	for a, o := range f.Objects {
		if a.Kind == "hardwareTiers" && o.Fields["id"].Str() == id {
			return a, true
		}
	}
	return schema.Address{}, false
}

// pin states the AMI of each address as a reference to an entry of amis: one of
// the files that is this image, else a pin of its own.
func (f *finder) pin(ctx context.Context, standing map[schema.Address]string) error {
	ids := map[string]bool{}
	for _, id := range standing {
		ids[id] = true
	}
	delete(ids, "")
	images, err := f.readImages(ctx, schema.Sorted(ids))
	if err != nil {
		return err
	}
	for _, a := range schema.Addresses(standing) {
		id := standing[a]
		raw := images[imageRef(id)]
		switch {
		case id == "":
		case raw == nil || raw["state"].Str() != "available":
			f.note("%s stands on %s, which is not an available image of this account and region: ami left out", a, id)
		default:
			entry := f.imageEntry(id, raw["name"].Str(), a)
			f.Objects[a].Fields["ami"] = schema.RefTo(entry, "image")
		}
	}
	return nil
}

// imageEntry is the entry of amis for an image.
func (f *finder) imageEntry(id, name string, on schema.Address) schema.Address {
	for _, objects := range []map[schema.Address]schema.Object{f.desired.Objects, f.Objects} {
		for _, a := range schema.Addresses(objects) {
			if o := objects[a]; a.Kind == "amis" && (o.Fields["image"].Str() == id || o.Fields["pin.id"].Str() == id) {
				return a
			}
		}
	}
	if name = slug(name); name == "" {
		name = id
	}
	return f.add("amis", id, name, map[string]schema.Value{"pin.id": schema.JSON(id), "pin.reason": schema.JSON("found on " + on.String())})
}
