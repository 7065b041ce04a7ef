package world_test

import (
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestEnvironmentsAreNamed, and revisions numbered, where files have names: in plans, on
// the way back, and in comments.
func TestEnvironmentsAreNamed(t *testing.T) {
	b := withAPI(t)
	b.change(`"environments_v2": [`, `"environments_v2": [{"_id": {"$oid": "0123456789abcdef0000000f"}, "name": "<b>Other</b>", "activeRevisionId": {"$oid": "0123456789abcdef000000f1"}}, `)
	b.change(`"environment_revisions": [`, `"environment_revisions": [{"_id": {"$oid": "0123456789abcdef000000f1"}, "environmentId": {"$oid": "0123456789abcdef0000000f"}, "metadata": {"number": 1, "isBuilt": true}}, `)
	on := func(base string) map[schema.Address]schema.Object {
		return all(object("environments", "Spark", map[string]any{"base.uri": "quay.io/x:1"}), object("environments", "Other", map[string]any{"id": "0123456789abcdef0000000f", "base.uri": "quay.io/x:1"}),
			object("environments", "child", map[string]any{"base.environment": "@environments." + base + "#id"}))
	}
	b.apply(on("Spark"))
	p := b.apply(on("Other"))
	want := "base.environment  Spark → <b>Other</b>\n"
	if got := text(t, p); !strings.Contains(got, want) {
		t.Errorf("%s", got)
	}
	if got := p.Comment(60_000, ""); !strings.Contains(got, want) {
		t.Errorf("%s", got)
	}
	if d := p.Changes[0].Fields[0]; d.Before.Str() != sparkID || d.BeforeName != "Spark" {
		t.Errorf("%+v", d)
	}
	if got := text(t, b.rollback()); !strings.Contains(got, "active  revision 2 → revision 1\n") {
		t.Errorf("%s", got)
	}
}
