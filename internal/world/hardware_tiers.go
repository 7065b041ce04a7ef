package world

import (
	"context"
	"maps"
	"slices"
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
	var list tierList
	var executors []port.Document
	var images map[planner.Ref]planner.Raw
	err := sideBySide(
		func() (err error) { images, err = l.readImages(ctx, l.literalImages("hardwareTiers")); return err },
		func() (err error) { list, err = l.wholeTiers(ctx); return err },
		func() (err error) { executors, err = l.findExecutors(ctx); return err })
	if err != nil {
		return err
	}
	if list.unread != nil {
		l.kindUnanswered("hardwareTiers", list.unread)
	} else if err := l.observeTiers(list); err != nil {
		return err
	}
	l.decodeExecutors(executors)
	maps.Copy(l.view.raw, images)
	return nil
}

// lookTiersToRoll reads for a plan what rolls of executors go by, too.
func lookTiersToRoll(ctx context.Context, l *look) error {
	return sideBySide(
		func() error { return lookTiers(ctx, l) },
		func() error { return l.readAlarms(ctx, "hardwareTiers") },
		func() error { return l.lookExecutors(ctx) })
}

// observeTiers finds the tiers that the files and the last apply speak of.
func (l *look) observeTiers(list tierList) error {
	collection, paths := l.tiersAt()
	l.partTiers(&list)
	if err := l.emptied("hardwareTiers", placeOf(collection), len(list.Tiers)); err != nil {
		return err
	}
	d := l.directory(collection, list.Tiers, func(ref planner.Ref, raw planner.Raw) []string { return tierNames(ref, raw, paths) })
	decode := tierDecoder(paths)
	for _, a := range l.wanted("hardwareTiers") {
		if ref, ok := d.identify(a); ok {
			fields, errs := decode(l.view.raw[ref])
			l.mistyped(a, ref, errs)
			l.observe(a, ref, schema.Observed{ID: idPlain(ref), Fields: fields})
		}
	}
	l.hiddenFromUsers(collection)
	return nil
}

// tierNames are what a tier may be called in files: its id, which people choose,
// and the name that users see.
func tierNames(ref planner.Ref, raw planner.Raw, paths map[string]string) []string {
	id, name := idPlain(ref), raw.At(paths["name"]).Str()
	if name == "" || name == id {
		return []string{id}
	}
	return []string{id, name}
}

// tierDecoder states tiers' documents in the schema's words; errs are fields
// that hold another type than Domino's.
func tierDecoder(paths map[string]string) func(planner.Raw) (out map[string]schema.Value, errs []error) {
	fields, doc := tierFields(paths)
	return func(raw planner.Raw) (map[string]schema.Value, []error) { return decodeTier(raw, fields, doc) }
}

func decodeTier(raw planner.Raw, fields []schema.Field, doc map[string]string) (out map[string]schema.Value, errs []error) {
	out = make(map[string]schema.Value, len(raw))
	roots := make(map[string]bool, 8)
	for path := range raw {
		root, _, _ := strings.Cut(path, ".")
		roots[root] = true
	}
	for _, f := range fields {
		if root, _, _ := strings.Cut(doc[f.Path], "."); !roots[root] {
			continue
		}
		if err := reachable(raw, doc[f.Path]); err != nil {
			// A parent is one finding, whatever should stand below it.
			if !slices.ContainsFunc(errs, func(e error) bool { return e.Error() == err.Error() }) {
				errs = append(errs, err)
			}
			continue
		}
		if mapped, ok := strings.CutSuffix(f.Path, ".*"); ok {
			if err := readMap(raw, doc[f.Path], mapped, out); err != nil {
				errs = append(errs, err)
			}
			continue
		}
		v, err := codecFor(f).read(raw, doc[f.Path])
		if err != nil {
			errs = append(errs, err)
		} else if v.Is != schema.Absent {
			out[f.Path] = v
		}
	}
	return out, errs
}

func lowerTier(v *View, c planner.Change) (planner.Lowered, error) {
	collection, paths := v.world.tiersAt()
	ref, there := v.refs[c.Address]
	if !there {
		ref = docRef(collection, idText(schema.JSON(v.newTierID(c.Address)).Text))
	}
	c, left, why := v.overTierAPI(c, ref)
	if why != nil {
		return planner.Lowered{Blocked: why}, nil
	}
	writes, err := v.encodeTier(ref, paths, c.Fields)
	if err != nil {
		return blocked("DC248", c.Address, err.Error(), "write a value that Domino can hold", c.Positions), nil
	}
	out := planner.Lowered{ID: schema.JSON(idPlain(ref)), Left: left, Outputs: map[string]schema.Value{"id": schema.JSON(idPlain(ref))}}
	if !there {
		writes["_id"] = schema.Value{Is: schema.Known, Text: idJSON(ref.ID())}
		if _, stated := v.desired.Objects[c.Address].Fields["name"]; !stated {
			writes[paths["name"]] = schema.JSON(c.Address.Name)
		}
	}
	if why := v.notDefault(c); collection == apiTiers && why != "" {
		return blocked("DC103", c.Address, why, "state isDefault: true on one tier, which is in use", c.Positions), nil
	}
	if collection == apiTiers {
		out.Steps = v.tierSteps(c.Address, ref, writes)
		out.Waves = v.defaultLast(ref, out.Steps)
	} else if !there {
		out.Steps = append(out.Steps, insertStep(c.Address, ref, writes))
	} else if s := updateStep(c.Address, ref, v.raw[ref], writes); s != nil {
		out.Steps = append(out.Steps, *s)
	}
	return v.lowerTierAMI(c, out), nil
}

// newTierID is the id of a tier to be made: the one stated, else the one it had
// before it went, else its name in files.
func (v *View) newTierID(a schema.Address) string {
	if id := v.desired.Objects[a].Fields["id"].Str(); id != "" {
		return id
	}
	if e, _ := v.applied.Former(v.desired, a); e != nil && e.ID.Str() != "" {
		return e.ID.Str()
	}
	return a.Name
}

func (v *View) encodeTier(ref planner.Ref, paths map[string]string, diffs []planner.Diff) (map[string]schema.Value, error) {
	kind, _ := schema.KindOf("hardwareTiers")
	_, doc := tierFields(paths)
	form := v.raw[ref]
	if form == nil {
		form = v.kin(ref)
	}
	if ref.Type() == apiTiers { // whose unit has one name
		form = form.With(map[string]schema.Value{".units": schema.JSON("")})
	}
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
			if err := codecFor(f).write(form, doc[f.Path], d.After, out); err != nil {
				return nil, err
			}
		}
	}
	for at, keys := range keyed {
		writeMap(v.raw[ref], at, keys, out)
	}
	return out, nil
}

// kin is another document of the collection: a new one takes its number types
// and the names of its units.
func (v *View) kin(ref planner.Ref) planner.Raw {
	var kin []planner.Ref
	for r := range v.raw {
		if r.Type() == ref.Type() {
			kin = append(kin, r)
		}
	}
	if len(kin) == 0 {
		return nil
	}
	return v.raw[slices.Min(kin)]
}

// tierUses: where a run's hardware tier stands is not public, so it is counted
// where deployment.mongo.mapping.hardwareTiers.fields.runs names the path.
func tierUses(w *World) []use {
	path := w.Deployment.Mongo.Mapping.HardwareTiers.Fields["runs"]
	if path == "" {
		return nil
	}
	return []use{{collection: "runs", path: path, live: "completed", who: "startingUserId", count: runs}}
}

func tierDocuments(d schema.Deployment) (reads []string, writes map[string][]string) {
	tiers, _ := tierPaths(d.Mongo.Mapping.HardwareTiers)
	reads, writes = []string{tiers}, map[string][]string{tiers: {"InsertOne", "UpdateOne", "DeleteOne"}}
	if tiersByAPI(d) { // compared with what the API shows
		delete(writes, tiers)
	}
	if d.Executors == "classic" { // where a tier's AMI stands
		executors, _ := executorPaths(d.Mongo.Mapping.ExecutorGroups)
		reads, writes[executors] = append(reads, executors), []string{"UpdateOne"}
		if known := d.Mongo.Mapping.Executors; known.Collection != "" { // what Domino knows of each
			reads = append(reads, known.Collection)
			if known.Maintained() {
				writes[known.Collection] = []string{"UpdateOne"}
			}
		}
	}
	return reads, writes
}
