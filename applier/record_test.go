package applier

import (
	"encoding/json"
	"testing"
	"testing/quick"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// FuzzBatch: what can be read as records is written back as the same records.
func FuzzBatch(f *testing.F) {
	f.Add([]byte(`{"nonce":"n","records":[{"kind":"begin","at":"2026-03-01T10:00:00Z","step":"s","mark":"m"}]}`))
	f.Add([]byte(schema.JSON(batch{Nonce: "n", Records: []Record{{Kind: KindPlan, Plan: &planner.Plan{Format: 1}}}}).Text))
	f.Add([]byte(`{"nonce":"","records":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := decodeBatch("k", body)
		if err != nil {
			return
		}
		again, err := decodeBatch("k", []byte(schema.JSON(b).Text))
		if err != nil || schema.JSON(again).Text != schema.JSON(b).Text {
			t.Fatalf("%s is read as %s, %v", schema.JSON(b).Text, schema.JSON(again).Text, err)
		}
	})
}

// TestATornBatchIsRefused at every length but the whole.
func TestATornBatchIsRefused(t *testing.T) {
	body := []byte(schema.JSON(batch{Nonce: "n", Records: []Record{{Kind: KindDone, Step: "s", Outputs: map[string]schema.Value{"v": schema.JSON("4")}}}}).Text)
	for n := range body {
		if _, err := decodeBatch("k", body[:n]); err == nil {
			t.Errorf("%s is taken for a whole", body[:n])
		}
	}
	if b, err := decodeBatch("k", body); err != nil || len(b.Records) != 1 || !json.Valid(body) {
		t.Error(err)
	}
}

// TestRecordReferencesAreReadAsWritten whatever refs and paths hold.
func TestRecordReferencesAreReadAsWritten(t *testing.T) {
	same := func(apply, ref, path string) bool {
		a, r, p, err := splitRecordRef(recordRef(apply, planner.Ref(ref), path).Text)
		return err == nil && a == apply && string(r) == ref && p == path
	}
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
	if !same("a/1", `mongo/config#common/a.b/c"d%2F`, `labels."x/y#z"`) {
		t.Error("slashes")
	}
	for _, bad := range []string{"record:", "record:a/b", "record:a/b/c/d", "record:%zz/b/c", "env:X"} {
		if _, _, _, err := splitRecordRef(bad); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}
