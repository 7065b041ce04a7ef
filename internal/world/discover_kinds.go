package world

import (
	"context"
	"slices"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// findTiers reads tiers and, on classic deployments, executor groups.
func (f *finder) findTiers(ctx context.Context, collection string) (tiers []port.Document, executors []planner.Raw, err error) {
	var groups []port.Document
	err = sideBySide(
		func() (err error) {
			tiers, err = f.Outside.Find(ctx, port.Query{Collection: collection})
			return err
		},
		func() (err error) { groups, err = f.findExecutors(ctx); return err })
	for _, g := range groups {
		executors = append(executors, rawOf(g))
	}
	return tiers, executors, err
}

// environments states metadata. The active revision is left to Domino's users,
// and what revisions are built from is not public.
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
	archived := 0
	for _, id := range schema.Sorted(d.byID) {
		ref := d.byID[id]
		raw := f.view.raw[ref]
		seen, _ := f.decodeEnvironment(ref, environmentPaths(), 0)
		owner := owners[raw["ownerId"].Text]
		switch {
		case declared[ref], f.search.Owner != "" && owner != f.search.Owner,
			f.search.Visibility != "" && seen.Fields["visibility"].Str() != f.search.Visibility:
		case seen.Fields["archived"].Bool():
			archived++
		case ref.ID() == id:
			f.note("environment %s has an _id that is no ObjectId: left out", id)
		default:
			f.environment(id, owner, seen)
		}
	}
	if archived > 0 {
		f.note("%d archived environments were left out", archived)
	}
	return nil
}

func (f *finder) environment(id, owner string, seen schema.Observed) {
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
}

// ownerNames are the logins of everyone who owns a document.
func (f *finder) ownerNames(ctx context.Context, docs []port.Document) (map[string]string, error) {
	ids := map[string]bool{}
	for _, d := range docs {
		ids[d["ownerId"]] = true
	}
	return f.logins(ctx, ids)
}

// settings states the documented keys; see Search.Raw for the others.
func (f *finder) settings(ctx context.Context) error {
	docs, err := f.Outside.Find(ctx, port.Query{Collection: configCollection, Any: map[string][]string{"namespace": {schema.JSON(schema.SettingsNamespace).Text}}})
	if err != nil {
		return err
	}
	refs, err := configRefs(docs)
	if err != nil {
		return err
	}
	for _, ref := range schema.Sorted(refs) {
		key := refs[ref]["key"].Str()
		value := settingText(refs[ref])
		a := schema.Address{Kind: "settings", Name: key}
		for _, s := range schema.Settings() {
			if s.Key == key {
				a.Name = s.Name
			}
		}
		_, declared := f.desired.Objects[a]
		_, documented := schema.SettingByName(a.Name)
		switch {
		case declared || value.Is != schema.Known:
			continue
		case schema.NameFault(key) != "":
			f.note("a setting's key %s: left out", schema.NameFault(key))
			continue
		case documented || f.search.Raw == "value":
		case f.search.Raw == "reference":
			value = schema.Value{Is: schema.Secret, Text: "env:" + SettingVariable(key)}
		default:
			f.Raw = append(f.Raw, key)
			continue
		}
		f.Objects[a] = schema.Object{Fields: map[string]schema.Value{"value": value}}
	}
	return nil
}

// SettingVariable is the environment variable that a setting's value is taken
// from: its key in capitals.
func SettingVariable(key string) string {
	out := []byte("DOMCTL_SETTING_" + key)
	for i, c := range out {
		switch {
		case c >= 'a' && c <= 'z':
			out[i] = c - 'a' + 'A'
		case c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
		default:
			out[i] = '_'
		}
	}
	return string(out)
}

// Domino's label of a node pool, and the tag in which the cluster autoscaler
// finds a group's labels.
const (
	poolLabel = "dominodatalab.com/node-pool"
	poolTag   = "k8s.io/cluster-autoscaler/node-template/label/" + poolLabel
)

// pools states the groups that carry Domino's label, by its value.
func (f *finder) pools(ctx context.Context) error {
	var asgs []port.AutoScalingGroup
	var managed []port.NodeGroup
	err := sideBySide(
		func() (err error) { asgs, err = f.Outside.DescribeAutoScalingGroups(ctx, nil); return err },
		func() (err error) { managed, err = f.nodeGroups(ctx); return err })
	if err != nil {
		return err
	}
	byLabel, within := map[string][]schema.Group{}, map[string]bool{}
	for _, g := range managed {
		for _, name := range g.Groups {
			within[name] = true
		}
		f.view.raw[nodeGroupRef(g.Cluster, g.Name)] = nodeGroupRaw(g)
		f.group(byLabel, g.Labels[poolLabel], schema.Group{NodeGroup: g.Name})
	}
	for _, g := range asgs {
		if !within[g.Name] {
			f.view.raw[groupRef(g.Name)] = groupRaw(g)
			f.group(byLabel, g.Tags[poolTag], schema.Group{ASG: g.Name})
		}
	}
	if err := f.readStarts(ctx); err != nil {
		return err
	}
	standing := map[schema.Address]string{}
	for _, label := range schema.Sorted(byLabel) {
		f.pool(label, byLabel[label], standing)
	}
	return f.pin(ctx, standing)
}

// group files a group under its label, unless a pool of the files has it.
func (f *finder) group(byLabel map[string][]schema.Group, label string, g schema.Group) {
	if label == "" {
		return
	}
	for a, o := range f.desired.Objects {
		if a.Kind == "nodePools" && slices.ContainsFunc(o.Groups(), func(has schema.Group) bool { return f.groupRefOf(has) == f.groupRefOf(g) }) {
			return
		}
	}
	byLabel[label] = append(byLabel[label], g)
}

// pool states what is the same for all groups of a label; the rest is noted.
func (f *finder) pool(label string, groups []schema.Group, standing map[schema.Address]string) {
	slices.SortFunc(groups, func(a, b schema.Group) int {
		return slices.Compare([]string{a.ASG, a.NodeGroup}, []string{b.ASG, b.NodeGroup})
	})
	name := slug(label)
	if name == "" {
		name = "pool"
	}
	a := f.add("nodePools", name, name, map[string]schema.Value{"groups": schema.JSON(groups)})
	fields := f.Objects[a].Fields
	if a.Name != label {
		fields["label"] = schema.JSON(label)
	}
	for _, size := range []string{"min", "max"} {
		v, same := f.same(groups, func(raw planner.Raw) schema.Value { return raw[size] })
		if same {
			fields["size."+size] = v
		} else {
			f.note("%s: its groups differ in %s size: left out", a, size)
		}
	}
	image, same := f.same(groups, f.view.imageOf)
	if !same {
		f.note("%s: its groups start from different images: ami left out", a)
	}
	if same && image.Str() != "" {
		standing[a] = image.Str()
	}
}

// same is the value that all groups have.
func (f *finder) same(groups []schema.Group, of func(planner.Raw) schema.Value) (v schema.Value, same bool) {
	for i, g := range groups {
		got := of(f.view.raw[f.groupRefOf(g)])
		if i > 0 && got != v {
			return v, false
		}
		v = got
	}
	return v, true
}
