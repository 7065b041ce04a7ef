package world

import (
	"testing"

	"pgregory.net/rapid"

	"domctl.dev/schema"
)

// TestPlainWithoutADecoder holds the short ways to the decoder, over canonical
// Extended JSON.
func TestPlainWithoutADecoder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"true", "null", "[]", "{}", `{"a":{"$oid":"0123456789abcdef01234567"}}`, `{"$date":{"$numberLong":"7"}}`}).Draw(t, "text")
		if rapid.Bool().Draw(t, "scalar") {
			op := rapid.SampledFrom([]string{"$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "$oid", "$symbol", "a", ""}).Draw(t, "op")
			s := rapid.SampledFrom([]string{"3", "-0", "2.5", "1E+30", "NaN", "9007199254740993", rapid.String().Draw(t, "any")}).Draw(t, "s")
			text = schema.JSON(map[string]string{op: s}).Text
			if op == "" {
				text = schema.JSON(s).Text
			}
		}
		v, _ := decodeJSON(text)
		if got, want := plainJSON(text), schema.JSON(plain(v)).Text; got != want {
			t.Fatalf("%s reads as %s, want %s", text, got, want)
		}
	})
}
