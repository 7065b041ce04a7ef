package world

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// The document operations are shared by every kind that lives in MongoDB. A
// document's ref is "mongo/<collection>#<id>": the _id's text, or its Extended
// JSON where it is not a string. The central configuration's documents are
// named by what identifies them, "mongo/config#<namespace>/<key>".

const configCollection = "config"

func docRef(collection, id string) planner.Ref {
	if collection == apiTiers || collection == apiSettings {
		return planner.Ref(collection + "#" + id)
	}
	return planner.Ref("mongo/" + collection + "#" + id)
}

func collectionOf(r planner.Ref) string { return strings.TrimPrefix(r.Type(), "mongo/") }

// idText is the form of an _id within a ref.
func idText(id string) string {
	if s := (schema.Value{Is: schema.Known, Text: id}).Str(); strings.HasPrefix(id, `"`) && !quoted(s) {
		return s
	}
	return id
}

// quoted says that a string stands in a ref as JSON: bare, it would read as
// Extended JSON, or as JSON itself.
func quoted(s string) bool {
	return s == "null" || s == "true" || s == "false" || s != "" && strings.ContainsRune(`{["`, rune(s[0]))
}

// idJSON is idText's inverse.
func idJSON(text string) string {
	if quoted(text) {
		return text
	}
	return schema.JSON(text).Text
}

// idPlain is a ref's id as files and people write it: an ObjectId's digits, any
// other id's text.
func idPlain(r planner.Ref) string {
	id := r.ID()
	if !quoted(id) {
		return id
	}
	if v, ok := plainOf(id); ok {
		if s, is := v.(string); is {
			return s
		}
	}
	return id
}

func rawOf(d port.Document) planner.Raw {
	raw := make(planner.Raw, len(d))
	for p, text := range d {
		raw[p] = schema.Value{Is: schema.Known, Text: text}
	}
	return raw
}

func (w *World) readDocuments(ctx context.Context, collection string, ids []string) (map[planner.Ref]planner.Raw, error) {
	if collection == configCollection {
		return w.readConfig(ctx, ids)
	}
	in := make([]string, len(ids))
	for i, id := range ids {
		in[i] = idJSON(id)
	}
	docs, err := w.Outside.Find(ctx, port.Query{Collection: collection, Any: map[string][]string{"_id": in}})
	if err != nil {
		return nil, err
	}
	out := make(map[planner.Ref]planner.Raw, len(docs))
	for _, d := range docs {
		out[docRef(collection, idText(d["_id"]))] = rawOf(d)
	}
	return out, nil
}

// readConfig reads central configuration records by namespace and key.
func (w *World) readConfig(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	var keys []string
	for _, id := range ids {
		_, key, _ := strings.Cut(id, "/")
		if k := schema.JSON(key).Text; !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	docs, err := w.Outside.Find(ctx, port.Query{Collection: configCollection, Any: map[string][]string{"key": keys}})
	if err != nil {
		return nil, err
	}
	return configRefs(docs)
}

func configRefs(docs []port.Document) (map[planner.Ref]planner.Raw, error) {
	out := make(map[planner.Ref]planner.Raw, len(docs))
	for _, d := range docs {
		raw := rawOf(d)
		ref := settingRef(configCollection, raw["namespace"].Str(), raw["key"].Str())
		if out[ref] != nil {
			return nil, twoRecords(raw)
		}
		out[ref] = raw
	}
	return out, nil
}

func twoRecords(raw planner.Raw) error {
	return fmt.Errorf("DC141: two records have namespace %s and key %s; remove one in Domino's central configuration", raw["namespace"].Display(), raw["key"].Display())
}

func settingRef(collection, namespace, key string) planner.Ref {
	return docRef(collection, namespace+"/"+key)
}

// where is the conditional guard: the _id, and the pre-image of every path that
// the step expects something of. A pre-image that is a digest is matched by the
// value re-read, once it equals the digest.
func (w *World) where(ctx context.Context, a applier.Attempt) (port.Document, error) {
	live := planner.Raw{"_id": {Is: schema.Known, Text: idJSON(a.Step.Object.ID())}}
	if needsRead(a.Step) {
		raw, err := w.Read(ctx, []planner.Ref{a.Step.Object})
		if err != nil {
			return nil, err
		}
		if live = raw[a.Step.Object]; live == nil {
			return nil, errNoMatch
		}
	}
	d := port.Document{"_id": live["_id"].Text}
	for _, e := range a.Step.Expects {
		if e.Ref != a.Step.Object || e.Path == "" || e.Path == "_id" {
			continue
		}
		v := e.Value
		if v.Is == schema.Digest {
			if v = live.At(e.Path); !w.Same(e.Value, v) {
				return nil, errNoMatch
			}
		}
		spread(d, e.Path, v.Text)
	}
	return d, nil
}

// needsRead says that a ref does not tell the _id, or that a pre-image is known
// by its digest only.
func needsRead(s planner.Step) bool {
	return collectionOf(s.Object) == configCollection || slices.ContainsFunc(s.Expects, func(e planner.Expect) bool {
		return e.Ref == s.Object && e.Value.Is == schema.Digest
	})
}

// spread puts a condition on a document's leaves, because MongoDB compares
// embedded documents with the order of their keys.
func spread(d port.Document, path, text string) {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil || len(members) == 0 || !addressable(members) {
		d[path] = text
		return
	}
	for k, v := range members {
		spread(d, path+"."+k, string(v))
	}
}

// addressable says that every key can stand in a path: no operator of Extended
// JSON, no dot.
func addressable(members map[string]json.RawMessage) bool {
	for k := range members {
		if k == "" || k[0] == '$' || schema.JoinPath(k) != k {
			return false
		}
	}
	return true
}

func insertDocument(ctx context.Context, w *World, a applier.Attempt) error {
	return w.Outside.InsertOne(ctx, collectionOf(a.Step.Object), inserted(a.Step))
}

// inserted is the document that a step makes.
func inserted(s planner.Step) port.Document {
	d := port.Document{}
	for p, v := range s.Writes {
		if p != "" && v.Is == schema.Known {
			d[p] = v.Text
		}
	}
	return d
}

// updated is what a step sets and takes away.
func updated(s planner.Step) (set port.Document, unset []string) {
	set, unset = port.Document{}, []string{}
	for _, p := range schema.Sorted(s.Writes) {
		if v := s.Writes[p]; v.Is == schema.Absent {
			unset = append(unset, p)
		} else {
			set[p] = v.Text
		}
	}
	return set, unset
}

// expected is a step's object as it stands, if it is as the step expects it: for what is
// written without a condition.
func (w *World) expected(ctx context.Context, a applier.Attempt) (planner.Raw, error) {
	raw, err := w.Read(ctx, []planner.Ref{a.Step.Object})
	if err != nil {
		return nil, &applier.Refusal{Err: err}
	}
	live := raw[a.Step.Object]
	for _, e := range a.Step.Expects {
		if e.Ref == a.Step.Object && !w.Same(e.Value, live.At(e.Path)) {
			return nil, errNoMatch
		}
	}
	return live, nil
}

func updateDocument(ctx context.Context, w *World, a applier.Attempt) error {
	where, err := w.where(ctx, a)
	if err != nil {
		return err
	}
	set, unset := updated(a.Step)
	matched, err := w.Outside.UpdateOne(ctx, collectionOf(a.Step.Object), where, set, unset)
	return unmatched(matched, err)
}

func deleteDocument(ctx context.Context, w *World, a applier.Attempt) error {
	where, err := w.where(ctx, a)
	if err != nil {
		return err
	}
	matched, err := w.Outside.DeleteOne(ctx, collectionOf(a.Step.Object), where)
	return unmatched(matched, err)
}

func unmatched(matched bool, err error) error {
	if err == nil && !matched {
		return errNoMatch
	}
	return err
}

// updateStep is a conditional update of one document: no-ops are dropped, and a
// path whose parent is not there is written as the whole parent, so that taking
// it back leaves nothing behind. nil: there is nothing to write.
func updateStep(a schema.Address, ref planner.Ref, raw planner.Raw, writes map[string]schema.Value) *planner.Step {
	s := planner.Step{ID: a.String() + "/" + operation.UpdateDocument + "/" + string(ref), Address: a, Op: operation.UpdateDocument, Object: ref,
		Guard: planner.Conditional, Window: window}
	s.Writes = wholeParents(raw, writes)
	for p, v := range s.Writes {
		if raw.At(p) == v {
			delete(s.Writes, p)
		}
	}
	if len(s.Writes) == 0 {
		return nil
	}
	for _, p := range schema.Sorted(s.Writes) {
		s.Expects = append(s.Expects, planner.Expect{Ref: ref, Path: p, Value: raw.At(p)})
	}
	return &s
}

// window is the seconds after which a call's deadline has passed and its effect
// shows: 30 of the applier's deadline, and some for a failover.
const window = 45

// wholeParents moves writes below parents that are absent or null up to the
// topmost such one.
func wholeParents(raw planner.Raw, writes map[string]schema.Value) map[string]schema.Value {
	out := map[string]schema.Value{}
	below := map[string]planner.Raw{}
	for p, v := range writes {
		top := p
		segments := schema.SplitPath(p)
		for i := 1; i < len(segments); i++ {
			parent := schema.JoinPath(segments[:i]...)
			if at := raw.At(parent); at.Is == schema.Absent || at.Text == "null" { // MongoDB sets nothing below a null
				top = parent
				break
			}
		}
		switch {
		case top == p:
			out[p] = v
		case v.Is == schema.Known:
			if below[top] == nil {
				below[top] = planner.Raw{}
			}
			below[top][p] = v
		}
	}
	for top, leaves := range below {
		out[top] = leaves.At(top)
	}
	return out
}

// insertStep makes a document whose _id is known before.
func insertStep(a schema.Address, ref planner.Ref, writes map[string]schema.Value) planner.Step {
	s := planner.Step{ID: a.String() + "/" + operation.InsertDocument + "/" + string(ref), Address: a, Op: operation.InsertDocument, Object: ref,
		Guard: planner.Name, Window: window, Writes: writes, Expects: []planner.Expect{{Ref: ref}}}
	s.Writes[""] = planner.Exists()
	return s
}

// undoInsert deletes what was made, if it is as it was made.
func undoInsert(d planner.Done) []planner.Step {
	s := planner.Step{ID: "undo/" + d.Step.ID, Address: d.Step.Address, Op: operation.DeleteDocument, Object: d.Step.Object,
		Guard: planner.Conditional, Window: window, Writes: map[string]schema.Value{"": {}}}
	for _, p := range schema.Sorted(d.Step.Writes) {
		s.Expects = append(s.Expects, planner.Expect{Ref: s.Object, Path: p, Value: d.Step.Writes[p]})
	}
	return []planner.Step{s}
}

// undoDelete puts the whole document back.
func undoDelete(d planner.Done) []planner.Step {
	s := insertStep(d.Step.Address, d.Step.Object, map[string]schema.Value{})
	s.ID = "undo/" + d.Step.ID
	for p, v := range d.Pre {
		s.Writes[p] = v
	}
	return []planner.Step{s}
}
