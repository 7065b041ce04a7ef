package sandbox

import (
	"testing"

	"pgregory.net/rapid"
)

// TestKeysWithoutAParser holds isKey to the parser: what it takes is read, and
// is its own key.
func TestKeysWithoutAParser(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[0-9a-fA-Fx]{23,25}`).Draw(t, "digits")
		text := rapid.SampledFrom([]string{`{"$oid":"` + digits + `"}`, `{"$oid":"0123456789abcdef01234567"}`, quote(rapid.String().Draw(t, "text")),
			`"` + rapid.String().Draw(t, "raw") + `"`, rapid.String().Draw(t, "any")}).Draw(t, "value")
		if v, err := parseValue(text); isKey(text) && (err != nil || v.key() != text) {
			t.Fatalf("%s is read as %s (%v)", text, v.key(), err)
		}
	})
	for _, text := range []string{`"plain"`, `""`, `{"$oid":"0123456789abcdef01234567"}`} {
		if !isKey(text) {
			t.Errorf("%s goes the long way", text)
		}
	}
}
