package world_test

import (
	"testing"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

const inUse = spark + `,
	"projects": [{"_id": 1, "overrideV2EnvironmentId": {"$oid": "0123456789abcdef0000000e"}}, {"_id": 2, "overrideV2EnvironmentId": {"$oid": "0123456789abcdef0000000f"}}, {"_id": 3}],
	"userPreferences": [{"_id": 1, "defaultEnvironmentId": {"$oid": "0123456789abcdef0000000e"}}],
	"runs": [{"_id": 1, "environmentId": {"$oid": "0123456789abcdef0000000e"}, "hw": "small"}, {"_id": 2, "environmentId": "0123456789abcdef0000000e"},
		{"_id": 3, "environmentId": "0123456789abcdef0000000e", "completed": {"$date": "2026-01-01T00:00:00Z"}, "hw": "small"}],
	"workspace": [{"_id": 1, "state": "Started", "configTemplate": {"environmentId": "0123456789abcdef0000000e"}},
		{"_id": 2, "state": "Deleted", "configTemplate": {"environmentId": "0123456789abcdef0000000e"}}],
	"organizations": [{"_id": 1, "defaultV2EnvironmentId": {"$oid": "0123456789abcdef0000000e"}}], ` + smallTier

func TestWhoFeelsAChange(t *testing.T) {
	b := newBench(t, inUse, "")
	p := b.plan(object("environments", "Spark", map[string]any{"visibility": "global"}))
	if got, want := *p.Changes[0].Impact, (planner.Impact{Projects: 1, Users: 1, Runs: 2, Uses: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	tier := object("hardwareTiers", "small", map[string]any{"cores": 9})
	if p := b.plan(tier); p.Changes[0].Impact != nil {
		t.Errorf("nobody said where a run's tier stands: %+v", p.Changes[0].Impact)
	}
	b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": "hw"}
	if p := b.plan(tier); p.Changes[0].Impact == nil || p.Changes[0].Impact.Runs != 1 {
		t.Errorf("%+v", p.Changes[0].Impact)
	}
}

func TestNothingIsCountedWhereNothingChanges(t *testing.T) {
	b := newBench(t, inUse, "")
	b.plan(object("environments", "Spark", map[string]any{"visibility": "private"}))
	if n := b.world.Counts().Calls["Count"]; n != 0 {
		t.Errorf("%d counts", n)
	}
	b.plan(all(object("environments", "Spark", map[string]any{"visibility": "global"}), map[schema.Address]schema.Object{}))
	if n := b.world.Counts().Calls["Count"]; n != 9 {
		t.Errorf("%d counts, want one a collection", n)
	}
}
