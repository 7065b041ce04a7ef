package worldtest

import (
	"errors"
	"slices"
	"testing"

	"domctl.dev/internal/port"
)

const (
	tiersV1  = "Domino Data Lab public API, hardwaretiers/v1/hardwaretiers"
	settings = "Domino Data Lab API v4, admin/centralConfigSettings"
	nobody   = "65f00000000000000000dead"
)

func kindCases() []Case {
	return []Case{
		{Name: "Tiers/Listed", Source: tiersV1 + ", GET; v4 hardwareTier, GET", run: tiersListed},
		{Name: "Tiers/Made", Source: tiersV1 + ", POST; v4 hardwareTier, POST", run: tierMade},
		{Name: "Tiers/Updated", Source: tiersV1 + ", PUT; v4 hardwareTier/update, PUT", run: tierUpdated},
		{Name: "Tiers/Moved", Source: tiersV1 + ", updateTime", run: tierMoved},
		{Name: "Tiers/Archived", Source: tiersV1 + "/{hardwareTierId}, DELETE; v4 hardwareTier/archive, POST", run: tierArchived},
		{Name: "Tiers/Unknown", Source: tiersV1 + "/{hardwareTierId}, 404", run: tierUnknown},
		{Name: "Settings/Listed", Source: settings + ", GET", run: settingsListed},
		{Name: "Settings/Made", Source: settings + ", POST", run: settingMade},
		{Name: "Settings/Updated", Source: settings + "/{id}, PUT", run: settingUpdated},
		{Name: "Settings/Moved", Source: settings + ", GET", run: settingMoved},
		{Name: "Settings/Removed", Source: settings + "/{id}, DELETE", run: settingRemoved},
		{Name: "Settings/Unknown", Source: settings + "/{id}, 404", run: settingUnknown},
	}
}

// TierExample is the tier that Put.Tier makes, as Extended JSON, in the order and with
// the names of Domino's database.
const TierExample = `{"_id": "small-k8s", "name": "Small", "nodePool": "default", "centsPerMinute": 1.5, "updateTime": {"$date": "2026-02-01T00:00:00Z"},
	"resources": {"cores": {"$numberDouble": "2.0"}, "memory": {"value": 4, "units": "GiB"}, "memoryLimit": null},
	"flags": {"isDefault": true, "isVisible": true, "isGlobal": true, "isArchived": false, "isDataAnalystTier": false},
	"overProvisioning": {"instances": 0, "schedulingEnabled": true, "daysOfWeek": ["MONDAY", "FRIDAY"], "timezone": "UTC", "fromTime": "08:00", "toTime": "18:00"},
	"podCustomization": {"additionalLabels": {"example.com/team": "a"}}}`

// SettingExamples are what Put.Settings makes; the value of the second is masked.
func SettingExamples() []port.Setting {
	return []port.Setting{{ID: "65f200000000000000000001", Namespace: "common", Key: "com.cerebro.x", Value: "25"},
		{ID: "65f200000000000000000002", Namespace: "common", Key: "com.cerebro.password", Masked: true}}
}

// theTier is the example, of whatever is listed.
func theTier(t *testing.T, w World) port.Document {
	t.Helper()
	w.Put.Tier(t)
	list := value(w.Domino.ListTiers(background()))(t)
	i := slices.IndexFunc(list.Tiers, func(d port.Document) bool { return d["_id"] == `"small-k8s"` })
	if i < 0 {
		t.Fatalf("it is not among %v", list.Tiers)
	}
	return list.Tiers[i]
}

func tiersListed(t *testing.T, w World) {
	d := theTier(t, w)
	for path, want := range map[string]string{"name": `"Small"`, "nodePool": `"default"`, "resources.memory.units": `"GiB"`, "flags.isDefault": "true", "flags.isArchived": "false",
		"overProvisioning.daysOfWeek": `["MONDAY","FRIDAY"]`, "overProvisioning.fromTime": `"08:00"`, `podCustomization.additionalLabels."example.com/team"`: `"a"`,
		"centsPerMinute": `{"$numberDouble":"1.5"}`, "updateTime": `"2026-02-01T00:00:00.000Z"`, "resources.memoryLimit": "", "id": ""} {
		if d[path] != want {
			t.Errorf("%s is %s, want %s", path, d[path], want)
		}
	}
}

func newTier(id string) port.Document {
	return port.Document{"_id": `"` + id + `"`, "name": `"New"`, "nodePool": `"default"`, "resources.cores": `{"$numberInt":"2"}`,
		"resources.memory.value": `{"$numberInt":"4"}`, "resources.memory.units": `"GiB"`, "resources.memoryLimit": `{"units":"GiB","value":{"$numberDouble":"4.5"}}`, "flags.isVisible": "false",
		"overProvisioning": `{"daysOfWeek":["MONDAY"],"fromTime":"08:00:00","instances":{"$numberInt":"1"},"schedulingEnabled":true,"timezone":"UTC","toTime":"18:00:00"}`}
}

func tierMade(t *testing.T, w World) {
	w.Put.Tier(t)
	must(t, w.Domino.CreateTier(background(), newTier("new-k8s")))
}

func tierUpdated(t *testing.T, w World) {
	d := theTier(t, w)
	set := port.Document{"resources.cores": `{"$numberInt":"3"}`, "flags.isVisible": "false", "resources.memoryLimit": `{"units":"GiB","value":{"$numberInt":"8"}}`,
		"podCustomization.additionalLabels": `{"example.com/team":"b"}`}
	if matched := value(w.Domino.UpdateTier(background(), "small-k8s", d["updateTime"], set, []string{"resources.coresLimit"}))(t); !matched {
		t.Error("nothing moved, and it did not match")
	}
}

func tierMoved(t *testing.T, w World) {
	theTier(t, w)
	for _, at := range []string{"", `"2026-02-01T00:00:01.000Z"`} {
		if matched := value(w.Domino.UpdateTier(background(), "small-k8s", at, port.Document{"name": `"x"`}, nil))(t); matched {
			t.Errorf("it is not of %s, and was written", at)
		}
	}
}

func tierArchived(t *testing.T, w World) {
	theTier(t, w)
	must(t, w.Domino.ArchiveTier(background(), "small-k8s"))
}

func tierUnknown(t *testing.T, w World) {
	w.Put.Tier(t)
	_, updated := w.Domino.UpdateTier(background(), nobody, "", port.Document{"name": `"x"`}, nil)
	for call, err := range map[string]error{"UpdateTier": updated, "ArchiveTier": w.Domino.ArchiveTier(background(), nobody)} {
		if !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", call, err)
		}
	}
}

func settingsListed(t *testing.T, w World) {
	w.Put.Settings(t)
	if got := value(w.Domino.ListSettings(background()))(t); !slices.Equal(got, SettingExamples()) {
		t.Errorf("it shows %+v", got)
	}
}

func settingMade(t *testing.T, w World) {
	w.Put.Settings(t)
	must(t, w.Domino.CreateSetting(background(), "common", "com.cerebro.y", "1"))
}

func settingUpdated(t *testing.T, w World) {
	w.Put.Settings(t)
	if matched := value(w.Domino.UpdateSetting(background(), SettingExamples()[0], "30"))(t); !matched {
		t.Error("nothing moved, and it did not match")
	}
}

func settingMoved(t *testing.T, w World) {
	w.Put.Settings(t)
	was := SettingExamples()[0]
	was.Value = "24"
	if matched := value(w.Domino.UpdateSetting(background(), was, "30"))(t); matched {
		t.Error("it holds another value, and was written")
	}
}

func settingRemoved(t *testing.T, w World) {
	w.Put.Settings(t)
	must(t, w.Domino.DeleteSetting(background(), SettingExamples()[0].ID))
}

func settingUnknown(t *testing.T, w World) {
	w.Put.Settings(t)
	_, updated := w.Domino.UpdateSetting(background(), port.Setting{ID: nobody}, "1")
	for call, err := range map[string]error{"UpdateSetting": updated, "DeleteSetting": w.Domino.DeleteSetting(background(), nobody)} {
		if !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", call, err)
		}
	}
}
