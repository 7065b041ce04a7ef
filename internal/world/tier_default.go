package world

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Of hardware tiers Domino keeps exactly one as the default: who makes another one it
// takes that from the former, by the same call. Over the API it is therefore one value,
// that names a tier; a field of each would be written twice, and taken back to none.

// defaultTierRef is which tier is the default, as Domino's API keeps it.
const defaultTierRef = planner.Ref("domino/defaultTier#deployment")

// takeDefault takes out of a tier's writes what another step does: it becomes the default
// by a step of its own, or another tier of the plan takes that from it.
func (v *View) takeDefault(a schema.Address, ref planner.Ref, writes map[string]schema.Value) *planner.Step {
	_, paths := v.world.tiersAt()
	path := paths["isDefault"]
	after, changes := writes[path]
	switch {
	case !changes:
	case after.Bool():
		delete(writes, path)
		return v.defaultTier(a, ref)
	case v.raw[ref].At(path).Bool() && v.gives(a):
		delete(writes, path)
	}
	return nil
}

// defaultLast puts the step that makes a tier the default behind those that write that
// tier, and the former: who takes the default from a tier changes it.
func (v *View) defaultLast(ref planner.Ref, steps []planner.Step) map[string]planner.Wave {
	_, paths := v.world.tiersAt()
	of := schema.Address{Kind: "hardwareTiers"}
	last := slices.IndexFunc(steps, func(s planner.Step) bool { return s.Op == operation.SetDefaultTier })
	if last < 0 && !v.raw[ref].At(paths["isDefault"]).Bool() {
		return nil
	}
	waves := map[string]planner.Wave{}
	for i, s := range steps {
		if waves[s.ID] = (planner.Wave{Of: of}); i == last {
			waves[s.ID] = planner.Wave{Of: of, N: 1}
		}
	}
	return waves
}

// notDefault says why a tier of the API cannot become the default as the files have it:
// another is to be it too, or the tier is archived; "" where it can, or does not become it.
func (v *View) notDefault(c planner.Change) string {
	if !slices.ContainsFunc(c.Fields, func(d planner.Diff) bool { return d.Path == "isDefault" && d.After.Bool() }) {
		return ""
	}
	if v.desired.Objects[c.Address].Fields["archived"].Bool() {
		return "is to be the default tier, and is archived"
	}
	if other := v.rival(c.Address); other != "" {
		return fmt.Sprintf("is to be the default tier, and so is %s: Domino's API keeps one", other)
	}
	return ""
}

func (v *View) rival(a schema.Address) string {
	if all := v.claimants(a); len(all) > 0 {
		return all[0].String()
	}
	return ""
}

// claimants are the tiers in use, but for one, that the files want to be the default.
func (v *View) claimants(but schema.Address) (all []schema.Address) {
	for _, a := range schema.Addresses(v.desired.Objects) {
		if f := v.desired.Objects[a].Fields; a.Kind == "hardwareTiers" && a != but && f["isDefault"].Bool() && !f["archived"].Bool() {
			all = append(all, a)
		}
	}
	return all
}

// gives says that another tier of the files becomes the default.
func (v *View) gives(a schema.Address) bool {
	all := v.claimants(a)
	if len(all) != 1 {
		return false
	}
	_, unread := v.Unread[all[0]]
	return !unread && !v.Objects[all[0]].Fields["isDefault"].Bool()
}

func (v *View) defaultTier(a schema.Address, ref planner.Ref) *planner.Step {
	_, paths := v.world.tiersAt()
	var former []string
	for r, raw := range v.raw {
		if r.Type() == apiTiers && raw.At(paths["isDefault"]).Bool() {
			former = append(former, idPlain(r))
		}
	}
	slices.Sort(former)
	s := &planner.Step{ID: a.String() + "/" + operation.SetDefaultTier, Address: a, Op: operation.SetDefaultTier, Object: defaultTierRef, Guard: planner.Absolute, Window: window,
		Writes: map[string]schema.Value{"tier": schema.JSON([]string{idPlain(ref)})},
		Expects: []planner.Expect{{Ref: defaultTierRef, Path: "tier", Value: schema.JSON(append([]string{}, former...))},
			{Ref: ref, Path: "_id", Value: schema.Value{Is: schema.Known, Text: idJSON(ref.ID())}}}}
	if len(former) == 0 {
		s.Irreversible = "Domino had no default tier before, and none can be unset"
	}
	return s
}

// defaultTiers are the documents of those that are the default.
func (w *World) defaultTiers(ctx context.Context) (all, standard map[string]port.Document, err error) {
	list, err := w.allTiers(ctx)
	all, standard = map[string]port.Document{}, map[string]port.Document{}
	_, paths := w.tiersAt()
	for _, d := range list.Tiers {
		id := idPlain(docRef(apiTiers, idText(d["_id"])))
		if all[id] = d; d[paths["isDefault"]] == "true" {
			standard[id] = d
		}
	}
	return all, standard, err
}

// readDefaultTier answers the ids of those that are the default: one, as a rule.
func (w *World) readDefaultTier(ctx context.Context, _ []string) (map[planner.Ref]planner.Raw, error) {
	_, standard, err := w.defaultTiers(ctx)
	return map[planner.Ref]planner.Raw{defaultTierRef: {"tier": schema.JSON(append([]string{}, schema.Sorted(standard)...))}}, err
}

// observeDefaultTier takes a tier that is the default for done: should Domino leave that to
// another one too, the next plan takes it from there.
func observeDefaultTier(ctx context.Context, w *World, a applier.Attempt) (applier.Status, error) {
	raw, err := w.Read(ctx, []planner.Ref{a.Step.Object})
	if err != nil {
		return applier.Status{}, err
	}
	stands, want := raw[a.Step.Object]["tier"].Strings(), a.Step.Writes["tier"].Strings()
	if len(want) > 0 && !slices.ContainsFunc(want, func(id string) bool { return !slices.Contains(stands, id) }) {
		return applier.Status{State: applier.Finished}, nil
	}
	return w.judge(a, raw[a.Step.Object]), nil
}

// setDefaultTier makes a tier the default, in the state in which it is found.
func setDefaultTier(ctx context.Context, w *World, a applier.Attempt) error {
	all, standard, err := w.defaultTiers(ctx)
	if err != nil {
		return fmt.Errorf("%w: nothing was written: %w", port.ErrUnsent, err)
	}
	_, paths := w.tiersAt()
	for _, id := range a.Step.Writes["tier"].Strings() {
		if all[id] == nil {
			return fmt.Errorf("hardware tier %s: %w", id, port.ErrNotFound)
		}
		if standard[id] == nil {
			return unmatched(w.Domino.UpdateTier(ctx, id, all[id]["updateTime"], port.Document{paths["isDefault"]: "true"}, nil))
		}
	}
	return nil
}

// defaultTierCommand compares the former default tier, and writes the new one whole.
func defaultTierCommand(m applier.Manual) string {
	var b strings.Builder
	for _, e := range m.Step.Expects {
		for _, id := range e.Value.Strings() {
			if e.Ref == m.Step.Object && e.Path == "tier" {
				fmt.Fprintf(&b, "saw \"$(tier %s)\" '.flags.isDefault' true %s\n", sh(tierPathOf(id)), sh("isDefault of "+id))
			}
		}
	}
	for _, id := range m.Step.Writes["tier"].Strings() {
		fmt.Fprintf(&b, "tier %s | jq \"$words \"'exact | .flags.isDefault = true | spoken' | send PUT \"$tierPut\"\n", sh(tierPathOf(id)))
	}
	return strings.TrimSuffix(b.String(), "\n")
}
