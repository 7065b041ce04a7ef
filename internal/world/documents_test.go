package world

import (
	"testing"

	"domctl.dev/schema"
)

// TestIDsInRefs: what stands in a ref leads back to the very _id.
func TestIDsInRefs(t *testing.T) {
	for _, id := range []string{`"small"`, `"{x}"`, `"{\"$oid\":\"65a000000000000000000009\"}"`, `"\"quoted\""`, `""`,
		`{"$oid":"65a000000000000000000009"}`, `{"$numberInt":"7"}`} {
		if got := idJSON(idText(id)); got != id {
			t.Errorf("%s comes back as %s (%s)", id, got, idText(id))
		}
	}
	if schema.JSON("small").Text != idJSON("small") {
		t.Error("a plain id is not a string")
	}
}
