package world

import (
	"context"
	"maps"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// settings states the documented keys; see Search.Raw for the others.
func (f *finder) settings(ctx context.Context) error {
	refs, err := f.commonSettings(ctx)
	if err != nil {
		return err
	}
	for _, ref := range schema.Sorted(refs) {
		key := refs[ref]["key"].Str()
		value := settingText(refs[ref])
		a := schema.Address{Kind: "settings", Name: key}
		for _, s := range schema.Settings() {
			if s.Key == key {
				a.Name = s.Name
			}
		}
		_, declared := f.desired.Objects[a]
		_, documented := schema.SettingByName(a.Name)
		switch {
		case declared || value.Is != schema.Known:
			continue
		case schema.NameFault(key) != "":
			f.note("a setting's key %s: left out", schema.NameFault(key))
			continue
		case documented || f.search.Raw == "value":
		case f.search.Raw == "reference":
			value = schema.Value{Is: schema.Secret, Text: "env:" + SettingVariable(key)}
		default:
			f.Raw = append(f.Raw, key)
			continue
		}
		f.Objects[a] = schema.Object{Fields: map[string]schema.Value{"value": value}}
	}
	return nil
}

// commonSettings are the records of the documented namespace.
func (f *finder) commonSettings(ctx context.Context) (map[planner.Ref]planner.Raw, error) {
	if settingsByAPI(f.Deployment) {
		all, unread, err := f.askedSettings(ctx)
		f.unasked("settings", unread)
		maps.DeleteFunc(all, func(_ planner.Ref, raw planner.Raw) bool { return raw["namespace"].Str() != schema.SettingsNamespace })
		return all, err
	}
	docs, err := f.Outside.Find(ctx, port.Query{Collection: configCollection, Any: map[string][]string{"namespace": {schema.JSON(schema.SettingsNamespace).Text}}})
	if err != nil {
		return nil, err
	}
	return configRefs(docs)
}

// SettingVariable is the environment variable that a setting's value is taken
// from: its key in capitals.
func SettingVariable(key string) string { return capitals("DOMCTL_SETTING_" + key) }

// Variable is the environment variable that a secret of an object is taken from.
func Variable(object, name string) string { return capitals("DOMCTL_" + object + "_" + name) }

// capitals makes a name into one that an environment variable can have.
func capitals(name string) string {
	out := []byte(name)
	for i, c := range out {
		switch {
		case c >= 'a' && c <= 'z':
			out[i] = c - 'a' + 'A'
		case c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
		default:
			out[i] = '_'
		}
	}
	return string(out)
}
