package world_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

// hostile is a Domino that does more than it is asked, or that somebody else works in.
type hostile struct {
	*sandbox.World
	before func(call string) error // before each write
	one    bool                    // exactly one tier is the default: a new one takes it from the former
	strict bool                    // and nobody can take it from the only one
}

func (h hostile) at(call string) error {
	if h.before == nil {
		return nil
	}
	return h.before(call)
}

func (h hostile) UpdateTier(ctx context.Context, id, at string, set port.Document, unset []string) (bool, error) {
	if err := h.at("UpdateTier"); err != nil {
		return false, err
	}
	list, err := h.ListTiers(ctx)
	if err != nil {
		return false, err
	}
	if h.strict && set["flags.isDefault"] == "false" {
		for _, d := range list.Tiers {
			if d["_id"] == schema.JSON(id).Text && d["flags.isDefault"] == "true" {
				return false, fmt.Errorf("%w: there must be a default", port.ErrMismatch)
			}
		}
	}
	ok, err := h.World.UpdateTier(ctx, id, at, set, unset)
	if !h.one || set["flags.isDefault"] != "true" {
		return ok, err
	}
	docs, read := h.Find(ctx, port.Query{Collection: "hardware_tier"})
	if read != nil {
		return ok, read
	}
	took := slices.ContainsFunc(docs, func(d port.Document) bool { return d["_id"] == schema.JSON(id).Text && d["flags.isDefault"] == "true" })
	for _, d := range docs {
		if took && d["_id"] != schema.JSON(id).Text && d["flags.isDefault"] == "true" {
			if _, err := h.UpdateOne(ctx, "hardware_tier", port.Document{"_id": d["_id"]}, port.Document{"flags.isDefault": "false", "updateTime": `{"$date":{"$numberLong":"1772366499999"}}`}, nil); err != nil {
				return ok, err
			}
		}
	}
	return ok, err
}

func (h hostile) CreateTier(ctx context.Context, tier port.Document) error {
	if err := h.at("CreateTier"); err != nil {
		return err
	}
	return h.World.CreateTier(ctx, tier)
}

func (h hostile) ArchiveTier(ctx context.Context, id string) error {
	if err := h.at("ArchiveTier"); err != nil {
		return err
	}
	return h.World.ArchiveTier(ctx, id)
}

func (h hostile) UpdateSetting(ctx context.Context, was port.Setting, value string) (bool, error) {
	if err := h.at("UpdateSetting"); err != nil {
		return false, err
	}
	return h.World.UpdateSetting(ctx, was, value)
}

func (h hostile) CreateSetting(ctx context.Context, namespace, key, value string) error {
	if err := h.at("CreateSetting"); err != nil {
		return err
	}
	return h.World.CreateSetting(ctx, namespace, key, value)
}

func (h hostile) DeleteSetting(ctx context.Context, id string) error {
	if err := h.at("DeleteSetting"); err != nil {
		return err
	}
	return h.World.DeleteSetting(ctx, id)
}

// TestTheDefaultTierMoves where Domino keeps exactly one: whichever name comes first, and
// whatever else changes, one apply does it, and one takes it back.
func TestTheDefaultTierMoves(t *testing.T) {
	const two = `"hardware_tier": [{"_id": "a", "name": "a", "nodePool": "default", "flags": {"isDefault": %v}, "resources": {"cores": 2, "memory": {"value": 4, "unit": "GiB"}}},
		{"_id": "b", "name": "b", "nodePool": "default", "flags": {"isDefault": %v}, "resources": {"cores": 2, "memory": {"value": 4, "unit": "GiB"}}}]`
	for _, from := range []string{"a", "b"} {
		for _, more := range []bool{false, true} {
			for _, h := range []hostile{{one: true}, {one: true, strict: true}} {
				t.Run(fmt.Sprintf("from %s, more %v, one %v, strict %v", from, more, h.one, h.strict), func(t *testing.T) {
					b := byAPI(t, fmt.Sprintf(two, from == "a", from == "b"))
					b.api = func(w *sandbox.World) port.Domino { return hostile{World: w, one: h.one, strict: h.strict} }
					files := map[schema.Address]schema.Object{}
					for _, name := range []string{"a", "b"} {
						fields := map[string]any{"isDefault": name != from}
						if more {
							fields["cores"] = 3
						}
						files = all(files, object("hardwareTiers", name, fields))
					}
					before := b.tiers("a") + b.tiers("b")
					p := b.plan(files)
					res, err := b.engine(files).Apply(context.Background(), p)
					if err != nil || res.Outcome != applier.EndedOutcome {
						t.Fatalf("%+v %v\n%s", res, err, steps(p))
					}
					if again := b.plan(files); !again.Empty() || again.Changed() {
						t.Errorf("the second plan is not empty:\n%v\n%s", again.Changes, steps(again))
					}
					back := b.back()
					if res, err = b.engine(nil).Apply(context.Background(), back); err != nil || res.Outcome != applier.EndedOutcome {
						t.Fatalf("back: %+v %v\n%s", res, err, steps(back))
					}
					if after := b.tiers("a") + b.tiers("b"); after != before {
						t.Errorf("the way back leads elsewhere\n%s\n%s", before, after)
					}
				})
			}
		}
	}
}

// TestTheDefaultTierMovesHalfWay: whether its write fails before or after it took
// effect, the apply goes on and one tier is the default.
func TestTheDefaultTierMovesHalfWay(t *testing.T) {
	const two = `"hardware_tier": [{"_id": "a", "name": "a", "nodePool": "default", "flags": {"isDefault": true}, "resources": {"cores": 2, "memory": {"value": 4, "unit": "GiB"}}},
		{"_id": "b", "name": "b", "nodePool": "default", "flags": {"isDefault": false}, "resources": {"cores": 2, "memory": {"value": 4, "unit": "GiB"}}}]`
	files := all(object("hardwareTiers", "a", map[string]any{"isDefault": false}), object("hardwareTiers", "b", map[string]any{"isDefault": true}))
	for _, fault := range []string{"down", "lost", "denied", "throttled"} {
		t.Run(fault, func(t *testing.T) {
			b := byAPI(t, two)
			p := b.plan(files)
			b.api = func(w *sandbox.World) port.Domino { return hostile{World: w, one: true} }
			b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "UpdateTier", Fault: fault}}})
			if _, err := b.engine(files).Apply(context.Background(), p); err != nil {
				t.Fatal(err)
			}
			b.open(sandbox.Options{})
			res, err := b.engine(files).Applier.Resume(context.Background(), p.ID)
			if err != nil || res.Outcome != applier.EndedOutcome {
				t.Fatalf("%+v %v", res, err)
			}
			if again := b.plan(files); !again.Empty() || strings.Count(b.content(), `"flags.isDefault":"true"`) != 1 {
				t.Errorf("%v\n%s", again.Changes, b.content())
			}
		})
	}
}

// TestSomebodyElseWorksInDomino between a plan and its apply, or between two of its steps:
// nothing is written over, and the rest goes on.
func TestSomebodyElseWorksInDomino(t *testing.T) {
	ctx := context.Background()
	files := mixed(map[string]any{"cores": 3}, "30", "new")
	quota := func(b *bench) port.Setting {
		all, err := b.world.ListSettings(ctx)
		i := slices.IndexFunc(all, func(s port.Setting) bool { return strings.HasSuffix(s.Key, "maximumExecutionsPerUser") })
		if err != nil || i < 0 {
			t.Fatal(err)
		}
		return all[i]
	}
	time := func(b *bench) string {
		list, err := b.world.ListTiers(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return list.Tiers[0]["updateTime"]
	}
	put := func(b *bench, path, value string) error {
		_, err := b.world.UpdateTier(ctx, "small", time(b), port.Document{path: value}, nil)
		return err
	}
	for name, c := range map[string]struct {
		do    func(b *bench) error
		holds string // what must stand afterwards
		says  string
	}{
		"another field":     {func(b *bench) error { return put(b, "centsPerMinute", "9") }, `"centsPerMinute":{"is":"known","text":"9"}`, "DC304"},
		"the same field":    {func(b *bench) error { return put(b, "resources.cores", "7") }, `"cores":{"is":"known","text":"7"}`, "DC304"},
		"archived":          {func(b *bench) error { return b.world.ArchiveTier(ctx, "small") }, `"archived":{"is":"known","text":"true"}`, "DC304"},
		"default away":      {func(b *bench) error { return put(b, "flags.isDefault", "false") }, `"isDefault":{"is":"known","text":"false"}`, "DC304"},
		"setting changed":   {func(b *bench) error { _, err := b.world.UpdateSetting(ctx, quota(b), "26"); return err }, "=26", "DC304"},
		"setting deleted":   {func(b *bench) error { return b.world.DeleteSetting(ctx, quota(b).ID) }, "", "DC304"},
		"setting as wanted": {func(b *bench) error { _, err := b.world.UpdateSetting(ctx, quota(b), "30"); return err }, "=30", ""},
		"tier as wanted":    {func(b *bench) error { return put(b, "resources.cores", "3") }, `"cores":{"is":"known","text":"3"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := bothByAPI(t)
			p := b.plan(files)
			if err := c.do(b); err != nil {
				t.Fatal(err)
			}
			res, err := b.engine(files).Apply(ctx, p)
			if stands := b.tiers("small") + b.shown(); err != nil || !strings.Contains(strings.Join(res.Why, " "), c.says) || !strings.Contains(stands, c.holds) || (c.says == "") != (len(res.Why) == 0) {
				t.Errorf("%+v %v\n%s", res, err, stands)
			}
			if strings.Contains(schema.JSON(res.Why).Text, "canary") {
				t.Errorf("it tells a secret: %v", res.Why)
			}
		})
	}
}

// TestDominoSaysNo to one write, by a 409 or otherwise: the step fails, the others are
// done, and the apply goes on when it is resumed.
func TestDominoSaysNo(t *testing.T) {
	files := all(mixed(map[string]any{"cores": 3}, "30", "new"), object("hardwareTiers", "new", wholeTier(nil)), object("settings", "com.new", map[string]any{"value": "x"}), object("settings", "com.x.password", map[string]any{"value": nil}))
	for _, call := range []string{"UpdateTier", "CreateTier", "UpdateSetting", "CreateSetting", "DeleteSetting"} {
		for name, no := range map[string]error{"409": port.ErrState, "400": port.ErrMismatch, "403": port.ErrDenied, "429": port.ErrThrottled, "404": port.ErrNotFound, "lost": errors.New("connection reset")} {
			t.Run(call+" "+name, func(t *testing.T) {
				b := bothByAPI(t)
				p := b.plan(files)
				b.api = func(w *sandbox.World) port.Domino {
					return hostile{World: w, before: func(at string) error {
						if at == call {
							return fmt.Errorf("%s: %w", at, no)
						}
						return nil
					}}
				}
				res, err := b.engine(files).Apply(context.Background(), p)
				if err != nil || res.Outcome != applier.FailedOutcome || res.Left != 1 {
					t.Errorf("%+v %v", res, err)
				}
				b.api = nil
				if res, err = b.engine(files).Applier.Resume(context.Background(), p.ID); err != nil || res.Outcome != applier.EndedOutcome {
					t.Fatalf("resumed: %+v %v", res, err)
				}
				if again := b.plan(files); !again.Empty() {
					t.Errorf("the second plan is not empty: %s", steps(again))
				}
			})
		}
	}
}

// TestAKeyThatSeesLessAndLess while an apply runs: what it no longer shows is neither made
// again nor taken for gone.
func TestAKeyThatSeesLessAndLess(t *testing.T) {
	files := all(mixed(map[string]any{"cores": 3}, "30", "new"), object("settings", "com.x.password", map[string]any{"value": nil}))
	for _, hidden := range []string{"small", "com.cerebro.domino.computegrid.userExecutionsQuota.maximumExecutionsPerUser", "com.x.password"} {
		t.Run(hidden, func(t *testing.T) {
			b := bothByAPI(t)
			p := b.plan(files)
			b.hide(hidden)
			res, err := b.engine(files).Apply(context.Background(), p)
			if n := b.world.Counts().Calls; err != nil || !strings.Contains(strings.Join(res.Why, " "), "DC381") || n["CreateTier"]+n["CreateSetting"] > 0 {
				t.Errorf("%+v %v %v", res, err, n)
			}
			p2, err := b.engine(files).Plan(context.Background(), engine.PlanOptions{})
			if err != nil || !slices.ContainsFunc(findings(p2), func(f string) bool { return strings.HasPrefix(f, "DC381") }) {
				t.Errorf("%v %v", findings(p2), err)
			}
		})
	}
}
