package world_test

import (
	"slices"
	"strings"
	"testing"

	"domctl.dev/schema"
)

func TestSettings(t *testing.T) {
	key, _ := schema.SettingByName("maximumExecutionsPerUser")
	config := `"config": [{"_id": {"$oid": "0123456789abcdef00000001"}, "namespace": "common", "key": "` + key.Key + `", "value": "20", "x": 1},
		{"_id": {"$oid": "0123456789abcdef00000002"}, "namespace": "other", "key": "` + key.Key + `", "value": "1"},
		{"_id": {"$oid": "0123456789abcdef00000003"}, "namespace": "common", "key": "com.x.token", "value": "canary-old"},
		{"_id": {"$oid": "0123456789abcdef00000004"}, "namespace": "common", "key": "com.x.count", "value": 5}]`
	for name, c := range map[string]struct {
		setting string
		value   any
		want    string
	}{
		"as it is":        {"maximumExecutionsPerUser", "20", ""},
		"changed":         {"maximumExecutionsPerUser", "25", `mongo.update mongo/config#common/` + key.Key + ` value="25"`},
		"unset":           {"maximumExecutionsPerUser", nil, `mongo.delete mongo/config#common/` + key.Key + ` =absent`},
		"unset already":   {"deployingStateTimeout", nil, ""},
		"a new one":       {"com.x.y", "1", `mongo.insert mongo/config#common/com.x.y =true _id={"$oid":"d28a8ff94e71e3a8d3d8b3f0"} key="com.x.y" namespace="common" value="1"`},
		"a secret":        {"com.x.token", "!env:TOKEN", `mongo.update mongo/config#common/com.x.token value=secret env:TOKEN`},
		"the same secret": {"com.x.token", "!env:OLD", ""},
		"a number":        {"com.x.count", "5", ""},
		"another number":  {"com.x.count", "6", `mongo.update mongo/config#common/com.x.count value="6"`},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, config, "")
			b.env = map[string]string{"env:TOKEN": "canary-new", "env:OLD": "canary-old"}
			objects := object("settings", c.setting, map[string]any{"value": c.value})
			p := b.settled(objects)
			got := steps(p)
			if i, j := strings.Index(got, "_id="), strings.Index(c.want, "_id="); i > 0 && j > 0 {
				got, c.want = got[:i]+got[i+len(`_id={"$oid":"d28a8ff94e71e3a8d3d8b3f0"}`):], c.want[:j]+c.want[j+len(`_id={"$oid":"d28a8ff94e71e3a8d3d8b3f0"}`):]
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if text := schema.JSON(p).Text; strings.Contains(text, "canary") {
				t.Errorf("the plan holds a secret: %s", text)
			}
		})
	}
}

func TestASecretThatCannotBeRead(t *testing.T) {
	b := newBench(t, `"config": [{"_id": 1, "namespace": "common", "key": "k", "value": "canary"}]`, "")
	p := b.plan(object("settings", "k", map[string]any{"value": "!env:NONE"}))
	if got := findings(p); !slices.Contains(got, "DC160 settings.k") || strings.Contains(schema.JSON(p).Text, "canary") {
		t.Errorf("%v", got)
	}
}

// TestASettingThatHoldsADocument is told, and its members, which may be secret,
// are not.
func TestASettingThatHoldsADocument(t *testing.T) {
	for _, value := range []any{nil, "1", "!env:TOKEN"} {
		b := newBench(t, `"config": [{"_id": 1, "namespace": "common", "key": "k", "value": {"a": {"b": "canary"}}}]`, "")
		b.env = map[string]string{"env:TOKEN": "canary-new"}
		p := b.plan(object("settings", "k", map[string]any{"value": value}))
		if got := findings(p); !slices.Contains(got, "DC146 settings.k") || !schema.Failed(p.Findings) || strings.Contains(strings.ReplaceAll(schema.JSON(p).Text, "canary-new", ""), "canary") {
			t.Errorf("%v: %v\n%s", value, got, schema.JSON(p).Text)
		}
	}
}

func TestTwoRecordsOfOneSetting(t *testing.T) {
	b := newBench(t, `"config": [{"_id": 1, "namespace": "common", "key": "k", "value": "a"}, {"_id": 2, "namespace": "common", "key": "k", "value": "b"}]`, "")
	if _, err := b.look(object("settings", "k", map[string]any{"value": "a"}), schema.Applied{}); err == nil || !strings.Contains(err.Error(), "DC141") {
		t.Errorf("%v", err)
	}
}
