package schema

import (
	"encoding/json"
	"reflect"
	"testing"
)

// TestRegistries: a host alone, and one with another address on nodes, which
// come back from the compile cache as they were.
func TestRegistries(t *testing.T) {
	var d Deployment
	if err := json.Unmarshal([]byte(`{"registries": ["quay.io", {"host": "a:5000", "onNodes": ""}]}`), &d); err != nil {
		t.Fatal(err)
	}
	if r := d.Registries; len(r) != 2 || r[0] != (Registry{Host: "quay.io"}) || r[1].Host != "a:5000" || r[1].OnNodes == nil || *r[1].OnNodes != "" {
		t.Fatalf("%+v", r)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var again Deployment
	if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(again, d) {
		t.Errorf("%s: %v", text, err)
	}
}

func TestCache(t *testing.T) {
	o := Object{Fields: map[string]Value{"bake": {Is: Known, Text: `{"volume": {"size": "200GiB"}, "cache": {"baseImages": ["ded"], "environments": {"spark": ["active", 4]}}}`}}}
	want := Cache{Stated: true, Runtime: "containerd", BaseImages: []string{"ded"}, Environments: map[string][]int64{"spark": {ActiveRevision, 4}}, Volume: 200 << 30}
	if got := o.Cache(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := (Object{}).Cache(); got.Stated {
		t.Errorf("%+v of what is not baked", got)
	}
}

func TestShortBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1610612736: "1.5 GiB", 1 << 41: "2.0 TiB"} {
		if got := ShortBytes(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
