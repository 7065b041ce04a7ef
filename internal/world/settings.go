package world

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func lookSettings(ctx context.Context, l *look) error {
	wanted := l.wanted("settings")
	keys := make([]string, len(wanted))
	for i, a := range wanted {
		keys[i] = schema.JSON(schema.SettingKey(a.Name)).Text
	}
	raw, unread, err := l.settingsOf(ctx, keys)
	if err != nil {
		return err
	}
	if unread != nil {
		l.kindUnanswered("settings", unread)
		return nil
	}
	l.view.raw = raw
	for _, a := range wanted {
		if err := l.lookSetting(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// settingsOf reads the records of some keys, where settings live; unread says why Domino's
// API did not answer.
func (l *look) settingsOf(ctx context.Context, keys []string) (all map[planner.Ref]planner.Raw, unread, err error) {
	if !settingsByAPI(l.Deployment) {
		all, err = l.heldSettings(ctx, keys)
		return all, nil, err
	}
	if all, unread, err = l.askedSettings(ctx); err != nil || unread != nil {
		return nil, unread, err
	}
	if err := l.partSettings(ctx, keys, all); err != nil {
		return nil, nil, err
	}
	return all, nil, l.emptied("settings", placeOf(apiSettings), len(all))
}

// heldSettings reads them in Domino's database.
func (l *look) heldSettings(ctx context.Context, keys []string) (map[planner.Ref]planner.Raw, error) {
	docs, err := l.Outside.Find(ctx, port.Query{Collection: configCollection, Any: map[string][]string{"key": keys}})
	if err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		if err := l.emptiedConfig(ctx); err != nil {
			return nil, err
		}
	}
	return configRefs(docs)
}

// emptiedConfig tells settings that were unset by hand from a central
// configuration that is not there at all.
func (l *look) emptiedConfig(ctx context.Context) error {
	all, err := l.Outside.Count(ctx, port.Group{Collection: configCollection})
	if err != nil {
		return err
	}
	return l.emptied("settings", "the collection "+configCollection, len(all))
}

func (l *look) lookSetting(ctx context.Context, a schema.Address) error {
	ref := settingRef(l.settingsAt(), schema.SettingsNamespace, schema.SettingKey(a.Name))
	l.view.refs[a] = ref
	raw := l.view.raw[ref]
	value := settingText(raw)
	if _, leaf := raw["value"]; !leaf && value.Is != schema.Absent {
		l.mistyped(a, ref, []error{errors.New("value holds a document where a text is expected")})
		return nil
	}
	if value.Is == schema.Absent {
		l.resolvable(ctx, a)
		return nil
	}
	if value == masked() {
		l.observeMasked(ctx, a, ref)
		return nil
	}
	value, err := l.shown(ctx, a, value)
	if err == nil {
		l.observe(a, ref, schema.Observed{ID: ref.ID(), Fields: map[string]schema.Value{"value": value}})
	}
	return err
}

// resolvable is the digest of the secret that the files name, resolved once. A
// missing one is told at plan time, before an apply is half way.
func (l *look) resolvable(ctx context.Context, a schema.Address) (digest schema.Value) {
	want := l.desired.Objects[a].Fields["value"]
	if want.Is != schema.Secret {
		return digest
	}
	digest, err := l.Digest(ctx, want)
	if err != nil {
		l.find("DC160", schema.Error, a, err.Error(), "set what the reference names, where domctl runs")
	}
	return digest
}

// settingText is a record's value as text, which is what Domino writes; a number
// or a truth value that someone put there reads as its text.
func settingText(raw planner.Raw) schema.Value {
	v := standing(raw, "value")
	if v.Is == schema.Known && jsonType(plainJSON(v.Text)) != "string" {
		return schema.JSON(plainJSON(v.Text))
	}
	return v
}

// shown is a setting's live value as a plan may hold it: an undocumented key may
// be a secret, so its value is a digest unless the files say the same.
func (l *look) shown(ctx context.Context, a schema.Address, live schema.Value) (schema.Value, error) {
	want := l.desired.Objects[a].Fields["value"]
	_, documented := schema.SettingByName(a.Name)
	switch {
	case want.Is == schema.Secret:
		if digest := l.resolvable(ctx, a); digest.Is == schema.Digest && l.Same(digest, live) {
			return want, nil
		}
		return l.digest(live), nil
	case documented || want == live:
		return live, nil
	}
	return l.digest(live), nil
}

// documentedSetting says that a record's key is one that Domino documents.
func documentedSetting(ref planner.Ref) bool {
	return slices.ContainsFunc(schema.Settings(), func(s schema.Setting) bool {
		return ref.ID() == settingRef(configCollection, schema.SettingsNamespace, s.Key).ID()
	})
}

// lowerSetting writes one record of the central configuration. An unset removes
// the record: an absent one means the default.
func lowerSetting(v *View, c planner.Change) (planner.Lowered, error) {
	ref := v.refs[c.Address]
	raw := v.raw[ref]
	d := c.Fields[0]
	out := planner.Lowered{ID: schema.JSON(ref.ID())}
	if why := v.unwritable(c, ref); why != nil {
		return planner.Lowered{Blocked: why}, nil
	}
	switch {
	case d.After.Is == schema.Absent:
		out.ID = schema.JSON("") // as a read finds it afterwards
		out.Steps = []planner.Step{removeSetting(c.Address, ref, raw, v.preSetting(raw, d))}
	case raw == nil:
		out.Steps = []planner.Step{insertSetting(c.Address, ref, d.After)}
	default:
		s := updateStep(c.Address, ref, raw, map[string]schema.Value{"value": d.After})
		s.Expects = []planner.Expect{{Ref: ref, Path: "value", Value: v.preSetting(raw, d)}}
		out.Steps = []planner.Step{*s}
	}
	out.Steps = settingSteps(out.Steps)
	return out, nil
}

// preSetting is what the plan may say of the value that stands: a digest where
// it may be a secret.
func (v *View) preSetting(raw planner.Raw, d planner.Diff) schema.Value {
	if d.Before.Is == schema.Digest {
		return v.world.digest(raw["value"])
	}
	return raw["value"]
}

// insertSetting is absolute: (namespace, key) has no unique index. The _id
// follows from both, so that domctl itself can never make a second one.
func insertSetting(a schema.Address, ref planner.Ref, value schema.Value) planner.Step {
	sum := sha256.Sum256([]byte("domctl setting " + ref.ID()))
	s := insertStep(a, ref, map[string]schema.Value{"value": value,
		"_id":       {Is: schema.Known, Text: fmt.Sprintf(`{"$oid":%q}`, hex.EncodeToString(sum[:12]))},
		"namespace": schema.JSON(schema.SettingsNamespace), "key": schema.JSON(schema.SettingKey(a.Name))})
	s.Guard = planner.Absolute
	return s
}

// removeSetting expects the whole record: it goes whole, and comes back whole.
func removeSetting(a schema.Address, ref planner.Ref, raw planner.Raw, before schema.Value) planner.Step {
	s := planner.Step{ID: a.String() + "/" + operation.DeleteDocument + "/" + string(ref), Address: a, Op: operation.DeleteDocument, Object: ref,
		Guard: planner.Conditional, Window: window, Writes: map[string]schema.Value{"": {}}}
	for _, p := range schema.Sorted(raw) {
		v := raw[p]
		if p == "value" {
			v = before
		}
		s.Expects = append(s.Expects, planner.Expect{Ref: ref, Path: p, Value: v})
	}
	return s
}

func settingDocuments(d schema.Deployment) (reads []string, writes map[string][]string) {
	if settingsByAPI(d) { // compared with what the API shows
		return []string{configCollection}, nil
	}
	return []string{configCollection}, map[string][]string{configCollection: {"InsertOne", "UpdateOne", "DeleteOne"}}
}
