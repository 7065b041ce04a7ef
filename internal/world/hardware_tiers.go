package world

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// tierPaths are the documented defaults of where a tier's fields stand in its
// document; deployment.mongo.mapping.hardwareTiers overrides any of them.
func tierPaths(m schema.Collection) (collection string, paths map[string]string) {
	paths = map[string]string{
		"name": "name", "nodePool": "nodePool",
		"cores": "resources.cores", "coresLimit": "resources.coresLimit",
		"memory": "resources.memory", "memoryLimit": "resources.memoryLimit",
		"memorySwapLimit": "resources.memorySwapLimit", "sharedMemoryLimit": "resources.sharedMemoryLimit",
		"allowSharedMemoryToExceedDefault": "resources.allowSharedMemoryToExceedDefault",
		"gpu.count":                        "gpuConfiguration.numberOfGpus", "gpu.key": "gpuConfiguration.gpuKey",
		"centsPerMinute": "centsPerMinute",
		"isDefault":      "flags.isDefault", "isDataAnalystTier": "flags.isDataAnalystTier", "isVisible": "flags.isVisible",
		"isGlobal": "flags.isGlobal", "isModelApiTier": "flags.isModelApiTier", "isDefaultForModelApi": "flags.isDefaultForModelApi",
		"archived": "flags.isArchived", "maxSimultaneousExecutions": "maxSimultaneousExecutions",
		"enableSpotInstances": "capacityTypeRestrictions.enableSpotInstances",
	}
	maps.Copy(paths, m.Fields)
	collection = m.Collection
	if collection == "" {
		collection = "hardware_tier"
	}
	return collection, paths
}

// executorPaths are the same for classic executor groups.
func executorPaths(m schema.Collection) (collection string, paths map[string]string) {
	paths = map[string]string{"tier": "hardwareTierId", "ami": "executorImage"}
	maps.Copy(paths, m.Fields)
	collection = m.Collection
	if collection == "" {
		collection = "executor_group_configuration"
	}
	return collection, paths
}

// tierFields are the fields of a tier's own document, with where they stand.
func tierFields(paths map[string]string) (fields []schema.Field, doc map[string]string) {
	kind, _ := schema.KindOf("hardwareTiers")
	doc = map[string]string{}
	for _, f := range kind.Fields {
		if f.Declared || f.Path == "ami" {
			continue
		}
		fields = append(fields, f)
		doc[f.Path] = strings.TrimSuffix(f.Path, ".*")
		if p, ok := paths[strings.TrimSuffix(f.Path, ".*")]; ok {
			doc[f.Path] = p
		}
	}
	return fields, doc
}

func lookTiers(ctx context.Context, l *look) error {
	collection, paths := tierPaths(l.Deployment.Mongo.Mapping.HardwareTiers)
	docs, err := l.Outside.Find(ctx, port.Query{Collection: collection})
	if err != nil {
		return err
	}
	if err := l.emptied("hardwareTiers", "the collection "+collection, len(docs)); err != nil {
		return err
	}
	byName := map[string][]planner.Ref{}
	for _, d := range docs {
		ref := docRef(collection, idText(d["_id"]))
		l.view.raw[ref] = rawOf(d)
		for _, name := range distinct(ref.ID(), l.view.raw[ref].At(paths["name"]).Str()) {
			byName[name] = append(byName[name], ref)
		}
	}
	for _, a := range l.wanted("hardwareTiers") {
		if ref, ok := l.identify(a, collection, byName); ok {
			l.observe(a, ref, schema.Observed{ID: ref.ID(), Fields: decodeTier(l.view.raw[ref], paths)})
		}
	}
	return l.lookExecutors(ctx)
}

func distinct(a, b string) []string {
	if a == b || b == "" {
		return []string{a}
	}
	return []string{a, b}
}

// identify finds the document of an address: the id the files state, else the
// one the last apply recorded, else the only one of that name.
func (l *look) identify(a schema.Address, collection string, byName map[string][]planner.Ref) (planner.Ref, bool) {
	o := l.desired.Objects[a]
	id := o.Fields["id"].Str()
	if id == "" {
		if e, _ := l.applied.Former(l.desired, a); e != nil {
			id = e.ID.Str()
		}
	}
	if id != "" {
		ref := docRef(collection, id)
		return ref, l.view.raw[ref] != nil
	}
	refs := byName[a.Name]
	if name := o.Fields["name"].Str(); len(refs) == 0 && name != "" {
		refs = byName[name]
	}
	if len(refs) > 1 {
		l.find("DC140", schema.Error, a, fmt.Sprintf("the name is ambiguous: %s live under it", joinIDs(refs)), "state id: one of them")
		return "", false
	}
	if len(refs) == 0 {
		return "", false
	}
	return refs[0], true
}

func joinIDs(refs []planner.Ref) string {
	ids := make([]string, len(refs))
	for i, r := range refs {
		ids[i] = r.ID()
	}
	return strings.Join(ids, ", ")
}

func decodeTier(raw planner.Raw, paths map[string]string) map[string]schema.Value {
	out := map[string]schema.Value{}
	fields, doc := tierFields(paths)
	for _, f := range fields {
		if base, ok := strings.CutSuffix(f.Path, ".*"); ok {
			readMap(raw, doc[f.Path], base, out)
			continue
		}
		codecFor(f).read(raw, doc[f.Path], f.Path, out)
	}
	return out
}

// lookExecutors reads classic executor groups: the AMI stands on the group of
// the tier.
func (l *look) lookExecutors(ctx context.Context) error {
	if l.Deployment.Executors != "classic" {
		return nil
	}
	collection, paths := executorPaths(l.Deployment.Mongo.Mapping.ExecutorGroups)
	docs, err := l.Outside.Find(ctx, port.Query{Collection: collection})
	if err != nil {
		return err
	}
	tiers := map[string]schema.Address{}
	for a, o := range l.view.Objects {
		tiers[o.ID] = a
	}
	for _, d := range docs {
		raw := rawOf(d)
		ref := docRef(collection, idText(d["_id"]))
		l.view.raw[ref] = raw
		a, ok := tiers[idText(raw.At(paths["tier"]).Text)]
		if !ok {
			continue
		}
		if _, second := l.view.refs[executorOf(a)]; second {
			l.find("DC142", schema.Error, a, "two executor groups name this tier in "+collection, "remove one, or leave ami out of the tier")
			continue
		}
		l.view.refs[executorOf(a)] = ref
		l.view.Objects[a].Fields["ami"] = raw.At(paths["ami"])
	}
	return nil
}

// executorOf is the key under which a tier's executor group is remembered.
func executorOf(a schema.Address) schema.Address {
	return schema.Address{Kind: "executors", Name: a.Name}
}

func lowerTier(v *View, c planner.Change) (planner.Lowered, error) {
	collection, paths := tierPaths(v.world.Deployment.Mongo.Mapping.HardwareTiers)
	ref, there := v.refs[c.Address]
	if !there {
		ref = docRef(collection, v.newTierID(c.Address))
	}
	out := planner.Lowered{ID: schema.JSON(ref.ID())}
	writes := encodeTier(v.raw[ref], paths, c.Fields)
	if there {
		if s := updateStep(c.Address, ref, v.raw[ref], writes); s != nil {
			out.Steps = append(out.Steps, *s)
		}
	} else {
		writes["_id"] = schema.JSON(ref.ID())
		if _, ok := writes[paths["name"]]; !ok {
			writes[paths["name"]] = schema.JSON(c.Address.Name)
		}
		out.Steps = append(out.Steps, insertStep(c.Address, ref, writes))
	}
	return v.lowerTierAMI(c, out)
}

func (v *View) newTierID(a schema.Address) string {
	if id := v.desired.Objects[a].Fields["id"].Str(); id != "" {
		return id
	}
	return a.Name
}

func encodeTier(raw planner.Raw, paths map[string]string, diffs []planner.Diff) map[string]schema.Value {
	kind, _ := schema.KindOf("hardwareTiers")
	_, doc := tierFields(paths)
	out, keyed := map[string]schema.Value{}, map[string]map[string]schema.Value{}
	for _, d := range diffs {
		f, ok := kind.Field(d.Path)
		switch segments := schema.SplitPath(d.Path); {
		case !ok || f.Path == "ami":
		case strings.HasSuffix(f.Path, ".*"):
			at := doc[f.Path]
			if keyed[at] == nil {
				keyed[at] = map[string]schema.Value{}
			}
			keyed[at][segments[len(segments)-1]] = d.After
		default:
			codecFor(f).write(raw, doc[f.Path], d.After, out)
		}
	}
	for at, keys := range keyed {
		writeMap(raw, at, keys, out)
	}
	return out
}

// lowerTierAMI switches a classic tier's AMI on its executor group, by _id and
// only from the value the plan saw. An AMI that someone pinned, or that no
// entry of amis speaks of, is special: it is never switched by a policy.
func (v *View) lowerTierAMI(c planner.Change, out planner.Lowered) (planner.Lowered, error) {
	for _, d := range c.Fields {
		if d.Path != "ami" {
			continue
		}
		if v.world.Deployment.Executors != "classic" {
			return blocked("DC233", c.Address, "a tier has an AMI only in a deployment with classic executors", "state ami on the node pool", c.Positions), nil
		}
		ref, ok := v.refs[executorOf(c.Address)]
		if !ok {
			return blocked("DC234", c.Address, "no executor group names this tier, so there is nowhere to set its AMI", "create the tier's executor group in Domino first", c.Positions), nil
		}
		if why := v.special(d.Before, c.Address); why != "" {
			return blocked("DC232", c.Address, why, "name the AMI in an amis entry and refer to it, or list it under replaces of the entry that may take its place", c.Positions), nil
		}
		_, paths := executorPaths(v.world.Deployment.Mongo.Mapping.ExecutorGroups)
		if s := updateStep(c.Address, ref, v.raw[ref], map[string]schema.Value{paths["ami"]: d.After}); s != nil {
			out.Steps = append(out.Steps, *s)
		}
	}
	return out, nil
}
