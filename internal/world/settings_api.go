package world

import (
	"context"
	"fmt"
	"slices"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Settings over Domino's API: what is of the kind stands in settings.go. A record of the
// API has the paths of a document, but for a value that Domino masks: nobody knows it,
// so that it is neither compared nor written.

// apiSettings stands for a collection in refs: "domino/setting#common/com.x".
const apiSettings = "domino/setting"

func settingsByAPI(d schema.Deployment) bool { return d.Backends.Settings == schema.API }

// settingsAt is where settings live.
func (w *World) settingsAt() string {
	if settingsByAPI(w.Deployment) {
		return apiSettings
	}
	return configCollection
}

// masked is a value that Domino shows without telling it. It equals itself alone.
func masked() schema.Value { return schema.Value{Is: schema.Digest} }

// shownSettings are all records that the API shows.
func (w *World) shownSettings(ctx context.Context) (map[planner.Ref]planner.Raw, error) {
	if w.Domino == nil {
		return nil, errNoAPI
	}
	all, err := w.Domino.ListSettings(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[planner.Ref]planner.Raw, len(all))
	for _, s := range all {
		ref := settingRef(apiSettings, s.Namespace, s.Key)
		if out[ref] != nil {
			return nil, twoRecords(out[ref])
		}
		out[ref] = planner.Raw{"_id": schema.JSON(s.ID), "namespace": schema.JSON(s.Namespace), "key": schema.JSON(s.Key), "value": schema.JSON(s.Value)}
		if s.Masked {
			out[ref]["value"] = masked()
		}
	}
	return out, nil
}

// askedSettings are what the API shows, or why it did not answer while a plan can wait.
func (w *World) askedSettings(ctx context.Context) (all map[planner.Ref]planner.Raw, unread, err error) {
	if w.Domino == nil {
		return nil, nil, errNoAPI
	}
	unread, err = within(ctx, func(ctx context.Context) (err error) { all, err = w.shownSettings(ctx); return err })
	return all, unread, err
}

// readSettings reads records by namespace and key. One that the key does not see, and
// the database holds, is no absent one.
func (w *World) readSettings(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	all, err := w.shownSettings(ctx)
	if err != nil {
		return nil, err
	}
	hidden := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return all[docRef(apiSettings, id)] != nil })
	if len(hidden) == 0 {
		return all, nil
	}
	there, err := w.readConfig(ctx, hidden)
	for _, id := range hidden {
		if there[docRef(configCollection, id)] != nil {
			err = fmt.Errorf("DC381: Domino's API does not show setting %s, which its database holds: the key of deployment.domino sees a part only; use an administrator's", id)
		}
	}
	return all, err
}

// partSettings adds what the database holds of some keys and the API does not show.
func (l *look) partSettings(ctx context.Context, keys []string, all map[planner.Ref]planner.Raw) error {
	docs, err := l.Outside.Find(ctx, port.Query{Collection: configCollection, Any: map[string][]string{"key": keys}})
	if err != nil {
		return err
	}
	held, err := configRefs(docs)
	if err != nil {
		return err
	}
	var ids []string
	for _, ref := range schema.Sorted(held) {
		at := docRef(apiSettings, ref.ID())
		if all[at] == nil {
			all[at] = held[ref]
			l.view.hide(at)
			ids = append(ids, ref.ID())
		}
	}
	if len(ids) > 0 {
		l.find("DC381", schema.Warning, schema.Address{}, fmt.Sprintf("Domino's API does not show %s, which its database holds: no setting is made or unset", few(ids)),
			"use an administrator's key; domctl doctor says whose it is")
	}
	return nil
}

// observeMasked takes a masked value for what the last apply set, where the files state
// that still.
func (l *look) observeMasked(ctx context.Context, a schema.Address, ref planner.Ref) {
	l.resolvable(ctx, a)
	value, want := masked(), l.desired.Objects[a].Fields["value"]
	if entry, _ := l.applied().Former(l.desired, a); entry != nil && entry.Fields["value"] == want {
		value = want
	}
	l.observe(a, ref, schema.Observed{ID: ref.ID(), Fields: map[string]schema.Value{"value": value}})
}

// unwritable says what keeps a setting of the API from being written; nil: nothing.
func (v *View) unwritable(c planner.Change, ref planner.Ref) *schema.Finding {
	raw := v.raw[ref]
	switch {
	case ref.Type() != apiSettings:
	case v.hidden[ref] || v.partial(apiSettings) && (raw == nil || c.Fields[0].After.Is == schema.Absent):
		return blocked("DC381", c.Address, "Domino's API shows a part of the settings only, so that none is made or unset, and none that it does not show is changed",
			"use an administrator's key; domctl doctor says whose it is", c.Positions).Blocked
	case raw["value"] == masked():
		return blocked("DC384", c.Address, "is a value that Domino's API shows masked: nobody can tell whether it is as wanted, nor put it back",
			"change it in Domino; or take settings from Domino's database: deployment: backends: settings: \"mongo\"", c.Positions).Blocked
	}
	return nil
}

// settingSteps makes calls of the API of what would be written to the database.
func settingSteps(steps []planner.Step) []planner.Step {
	ops := map[string]string{operation.InsertDocument: operation.CreateSetting, operation.UpdateDocument: operation.PutSetting, operation.DeleteDocument: operation.DeleteSetting}
	for i, s := range steps {
		if s.Object.Type() == apiSettings {
			delete(s.Writes, "_id") // which Domino gives
			steps[i] = overAPI(s, ops[s.Op])
		}
	}
	return steps
}

// observeSetting takes a record that was begun and is masked by now for written: it was
// not there, or not masked, before.
func observeSetting(ctx context.Context, w *World, a applier.Attempt) (applier.Status, error) {
	raw, err := w.Read(ctx, []planner.Ref{a.Step.Object})
	if err != nil {
		return applier.Status{}, err
	}
	live := raw[a.Step.Object]
	if _, writes := a.Step.Writes["value"]; writes && live["value"] == masked() && len(a.Begun) > 0 {
		return applier.Status{State: applier.Finished}, nil
	}
	return w.judge(a, live), nil
}

func createSetting(ctx context.Context, w *World, a applier.Attempt) error {
	writes := a.Step.Writes
	return w.Domino.CreateSetting(ctx, writes["namespace"].Str(), writes["key"].Str(), writes["value"].Str())
}

func putSetting(ctx context.Context, w *World, a applier.Attempt) error {
	live, err := w.expected(ctx, a)
	if err != nil {
		return err
	}
	was := port.Setting{ID: live["_id"].Str(), Namespace: live["namespace"].Str(), Key: live["key"].Str(), Value: live["value"].Str()}
	return unmatched(w.Domino.UpdateSetting(ctx, was, a.Step.Writes["value"].Str()))
}

func deleteSetting(ctx context.Context, w *World, a applier.Attempt) error {
	live, err := w.expected(ctx, a)
	if err != nil {
		return err
	}
	return w.Domino.DeleteSetting(ctx, live["_id"].Str())
}

// undoSetting removes what was made, or makes again what was removed, under an id that
// Domino gives.
func undoSetting(back func(planner.Done) []planner.Step) func(planner.Done) []planner.Step {
	return func(d planner.Done) []planner.Step {
		steps := settingSteps(back(d))
		for i := range steps {
			steps[i].ID = "undo/" + d.Step.ID
		}
		return steps
	}
}

// unmasked expects a mask where the API shows one by now: what an apply made and nobody
// can compare is taken back all the same.
func (v *View) unmasked(steps []planner.Step) []planner.Step {
	for _, s := range steps {
		for i, e := range s.Expects {
			if e.Ref == s.Object && e.Path == "value" && s.Object.Type() == apiSettings && v.raw[s.Object]["value"] == masked() {
				s.Expects[i].Value = masked()
			}
		}
	}
	return steps
}
