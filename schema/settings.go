package schema

// settings: Domino's central configuration. Typed names for the documented
// keys, any other under raw by its full key.
func settings() Kind {
	return Kind{Name: "settings", noun: "setting", Gone: "unset", Flat: true, Key: settingName, Restart: needsRestart, check: inTheClear,
		Fields: []Field{{Path: "value", Type: String}, {Path: RestartMark, Type: String, Declared: true, Computed: true, Kept: true}}}
}

// RestartMark is the field by which *applied* remembers that a setting was
// written and that nobody said yet that Domino's services restarted since.
const RestartMark = "restart"

// Setting is a documented key of the central configuration, namespace
// "common". Values are strings outside; Type is how files state them.
type Setting struct {
	Name, Key string
	Type      Type // Int, or Duration (written in seconds)
	Default   string
	Restart   bool // takes effect when Domino's services restart
}

// needsRestart holds of a key that nobody documents, too.
func needsRestart(name string) bool {
	s, documented := SettingByName(name)
	return !documented || s.Restart
}

// SettingsNamespace is where the documented keys live.
const SettingsNamespace = "common"

// Settings are the documented keys ("Managing the Compute Grid", Important settings).
func Settings() []Setting {
	const timeouts = "com.cerebro.computegrid.timeouts.sagaStateTimeouts."
	return []Setting{
		{"deployingStateTimeout", timeouts + "deployingStateTimeoutSeconds", Duration, "3600", true},
		{"preparingStateTimeout", timeouts + "preparingStateTimeoutSeconds", Duration, "3600", true},
		{"userExecutionsOverQuotaStateTimeout", timeouts + "userExecutionsOverQuotaStateTimeoutSeconds", Duration, "86400", true},
		{"maximumExecutionsPerUser", "com.cerebro.domino.computegrid.userExecutionsQuota.maximumExecutionsPerUser", Int, "25", true},
	}
}

// SettingByName finds a documented setting by its name in files.
func SettingByName(name string) (Setting, bool) {
	for _, s := range Settings() {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}

// SettingKey is the outside's key of an object of kind settings.
func SettingKey(name string) string {
	if s, ok := SettingByName(name); ok {
		return s.Key
	}
	return name
}

// settingName maps a path below "settings" to an object's name: a typed name
// stays, "raw" drops away, and a raw key that has a typed name takes it.
func settingName(segments []string) string {
	if len(segments) != 2 || segments[0] != "raw" {
		return JoinPath(segments...)
	}
	for _, s := range Settings() {
		if s.Key == segments[1] {
			return s.Name
		}
	}
	return segments[1]
}
