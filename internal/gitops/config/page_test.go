package config_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/gitops/config"
)

// TestEachKeyOnItsPage: docs/serve-yaml.md has a row for each key of a controller's file,
// of its shape, and none beside.
func TestEachKeyOnItsPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/serve-yaml.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]*) \\|[^|]*\\|[^|]*\\|$").FindAllStringSubmatch(string(page), -1) {
		if _, twice := rows[row[1]]; twice {
			t.Errorf("%s has two rows", row[1])
		}
		rows[row[1]] = row[2]
	}
	keys := map[string]string{}
	eachKey(reflect.TypeFor[config.Config](), "", keys)
	for key, shape := range keys {
		if got, there := rows[key]; !there || !strings.Contains(got, shape) {
			t.Errorf("%s has the shape %q, and its row says %q (there is one: %v)", key, shape, got, there)
		}
	}
	for key := range rows {
		if _, known := keys[key]; !known {
			t.Errorf("%s has a row, and is no key", key)
		}
	}
	if len(keys) < 80 {
		t.Errorf("only %d keys were found", len(keys))
	}
}

// eachKey notes what a key's row says of its shape.
func eachKey(of reflect.Type, at string, keys map[string]string) {
	switch {
	case of == reflect.TypeFor[time.Duration]():
		keys[at] = "duration"
	case of.Kind() == reflect.Pointer:
		eachKey(of.Elem(), at, keys)
	case of.Kind() == reflect.Struct:
		for i := range of.NumField() {
			if name := of.Field(i).Tag.Get("yaml"); name != "" {
				eachKey(of.Field(i).Type, strings.TrimPrefix(at+"."+name, "."), keys)
			}
		}
	case of.Kind() == reflect.Map && of.Elem().Kind() == reflect.Struct:
		eachKey(of.Elem(), at+".<name>", keys)
	case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct:
		eachKey(of.Elem(), at+"[]", keys)
	default:
		keys[at] = map[reflect.Kind]string{reflect.Map: "names", reflect.Slice: "list", reflect.Int: "whole number", reflect.Bool: "true or false"}[of.Kind()]
	}
}
