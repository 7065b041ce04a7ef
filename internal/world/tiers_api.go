package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Hardware tiers over Domino's API: what is of the kind stands in hardware_tiers.go and
// is the same, since a tier of the API, read by listTiers, has the paths of a document of
// the default mapping. Domino writes an object whole, makes no condition of what the plan
// saw, deletes none and brings none back: operations of their own.

// apiTiers stands for a collection in refs: "domino/tier#gpu-small".
const apiTiers = "domino/tier"

func tiersByAPI(d schema.Deployment) bool { return d.Backends.HardwareTiers == schema.API }

// tiersAt is where tiers live, and where their fields stand there.
func (w *World) tiersAt() (collection string, paths map[string]string) {
	if tiersByAPI(w.Deployment) {
		_, paths = tierPaths(schema.Collection{})
		return apiTiers, paths
	}
	return tierPaths(w.Deployment.Mongo.Mapping.HardwareTiers)
}

// allTiers reads all tiers where they live.
func (w *World) allTiers(ctx context.Context) (port.TierList, error) {
	if !tiersByAPI(w.Deployment) {
		collection, _ := w.tiersAt()
		docs, err := w.Outside.Find(ctx, port.Query{Collection: collection})
		return port.TierList{Tiers: docs}, err
	}
	if w.Domino == nil {
		return port.TierList{}, errNoAPI
	}
	list, err := w.Domino.ListTiers(ctx)
	if err != nil {
		return list, err
	}
	for i, d := range list.Tiers {
		list.Tiers[i] = normalTier(d)
	}
	return list, nil
}

var errNoAPI = errors.New("DC291: deployment.backends names Domino's API, and the files state no deployment.domino; state url and apiKey, then run again")

// readTiers reads tiers by id. One that the key does not see, and the database holds, is
// no absent one.
func (w *World) readTiers(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	list, err := w.allTiers(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[planner.Ref]planner.Raw, len(ids))
	for _, d := range list.Tiers {
		if id := idText(d["_id"]); slices.Contains(ids, id) {
			out[docRef(apiTiers, id)] = rawOf(d)
		}
	}
	hidden := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return out[docRef(apiTiers, id)] != nil })
	if len(hidden) == 0 {
		return out, nil
	}
	collection, _ := tierPaths(w.Deployment.Mongo.Mapping.HardwareTiers)
	there, err := w.readDocuments(ctx, collection, hidden)
	if err == nil && len(there) > 0 {
		err = fmt.Errorf("DC381: Domino's API does not show hardware tier %s, which its database holds: the key of deployment.domino sees a part only; use an administrator's", schema.Sorted(there)[0].ID())
	}
	return out, err
}

// normalTier is a tier in one form, whatever Domino makes of what is written: sizes in
// their largest unit, weekdays as MONDAY, times with seconds, whole numbers as such, sets
// in order. Maps of labels and the like that are empty, and what is null, are not there.
func normalTier(d port.Document) port.Document {
	raw := rawOf(d)
	for p, v := range raw {
		if raw[p] = normalValue(v); v.Text == "null" {
			delete(raw, p)
		}
	}
	_, at := tierPaths(schema.Collection{})
	fields, doc := tierFields(at)
	for _, f := range fields {
		normalField(raw, f, doc[f.Path])
	}
	out := make(port.Document, len(raw))
	for p, v := range raw {
		out[p] = v.Text
	}
	return out
}

// normalValue has whole numbers as such, whatever type they stand in.
func normalValue(v schema.Value) schema.Value {
	if v.Is == schema.Known && v.Text != "" && v.Text[0] != '"' {
		v.Text = extendedJSON(plainJSON(v.Text))
	}
	return v
}

// normalField brings one field to its form; what cannot be read stays as it is.
func normalField(raw planner.Raw, f schema.Field, doc string) {
	if strings.HasSuffix(f.Path, ".*") {
		if raw[doc].Text == "{}" {
			delete(raw, doc)
		}
		return
	}
	v, err := codecFor(f).read(raw, doc)
	if err != nil || v.Is != schema.Known {
		return
	}
	switch f.Type {
	case schema.Bytes:
		unit := strings.TrimLeft(v.Str(), "0123456789.")
		if unit == "B" {
			return
		}
		delete(raw, doc+".unit")
		raw[doc+".units"] = schema.JSON(unit)
		raw[doc+".value"] = schema.Value{Is: schema.Known, Text: extendedNumber(strings.TrimSuffix(v.Str(), unit), "")}
	case schema.Time:
		if raw[doc] = v; len(v.Str()) == len("08:00") {
			raw[doc] = schema.JSON(v.Str() + ":00")
		}
	case schema.Set:
		raw[doc] = v
		if f.Path == "overProvisioning.daysOfWeek" {
			out := map[string]schema.Value{}
			_ = writeDays(planner.Raw{}, doc, v, out)
			raw[doc] = out[doc]
		}
	}
}

// tierSteps are the calls that write a tier of the API: all its fields at once, and its
// archiving apart.
func (v *View) tierSteps(a schema.Address, ref planner.Ref, writes map[string]schema.Value) (steps []planner.Step) {
	_, paths := v.world.tiersAt()
	archived := paths["archived"]
	after, hides := writes[archived]
	delete(writes, archived)
	for p := range writes {
		writes[p] = normalValue(writes[p])
	}
	raw := v.raw[ref]
	standard := v.takeDefault(a, ref, writes)
	if raw == nil {
		steps = append(steps, overAPI(insertStep(a, ref, writes), operation.CreateTier))
	} else if s := updateStep(a, ref, raw, wholeSizes(writes)); s != nil {
		s.Expects = append(s.Expects, planner.Expect{Ref: ref, Path: "updateTime", Value: raw["updateTime"]})
		steps = append(steps, overAPI(*s, operation.PutTier))
	}
	if standard != nil {
		steps = append(steps, *standard)
	}
	if hides && after.Bool() && !raw.At(archived).Bool() {
		steps = append(steps, archiveStep(a, ref, archived, raw.At(archived)))
	}
	return steps
}

// wholeSizes writes a size as one: its unit stands outside in another form than it is read
// in, so that a number alone would be of another unit.
func wholeSizes(writes map[string]schema.Value) map[string]schema.Value {
	_, paths := tierPaths(schema.Collection{})
	fields, doc := tierFields(paths)
	for _, f := range fields {
		at := doc[f.Path]
		value, units := writes[at+".value"], writes[at+".units"]
		if f.Type == schema.Bytes && value.Is == schema.Known {
			writes[at] = schema.Value{Is: schema.Known, Text: `{"units":` + units.Text + `,"value":` + value.Text + `}`}
			delete(writes, at+".value")
			delete(writes, at+".units")
		}
	}
	return writes
}

func overAPI(s planner.Step, op string) planner.Step {
	s.ID, s.Op, s.Guard = s.Address.String()+"/"+op+"/"+string(s.Object), op, planner.Absolute
	return s
}

func archiveStep(a schema.Address, ref planner.Ref, path string, before schema.Value) planner.Step {
	return overAPI(planner.Step{Address: a, Object: ref, Window: window, Writes: map[string]schema.Value{path: schema.JSON(true)},
		Expects: []planner.Expect{{Ref: ref, Path: path, Value: before}}, Irreversible: "Domino's API has no call that brings an archived tier back"}, operation.ArchiveTier)
}

// undoCreateTier archives what was made, if it is as it was made.
func undoCreateTier(d planner.Done) []planner.Step {
	_, paths := tierPaths(schema.Collection{})
	s := archiveStep(d.Step.Address, d.Step.Object, paths["archived"], schema.JSON(false))
	s.ID, s.Irreversible = "undo/"+d.Step.ID, ""
	for _, p := range schema.Sorted(d.Step.Writes) {
		s.Expects = append(s.Expects, planner.Expect{Ref: s.Object, Path: p, Value: d.Step.Writes[p]})
	}
	return []planner.Step{s}
}

func createTier(ctx context.Context, w *World, a applier.Attempt) error {
	return w.Domino.CreateTier(ctx, inserted(a.Step))
}

// putTier writes over the state that it compared: what moved meanwhile is refused by its
// updateTime.
func putTier(ctx context.Context, w *World, a applier.Attempt) error {
	live, err := w.expected(ctx, a)
	if err != nil {
		return err
	}
	set, unset := updated(a.Step)
	return unmatched(w.Domino.UpdateTier(ctx, a.Step.Object.ID(), live["updateTime"].Text, set, unset))
}

func archiveTier(ctx context.Context, w *World, a applier.Attempt) error {
	return w.Domino.ArchiveTier(ctx, a.Step.Object.ID())
}

// placeOf names where a kind's documents are, for people.
func placeOf(collection string) string {
	if collection == apiTiers || collection == apiSettings {
		return "the list of Domino's API"
	}
	return "the collection " + collection
}
