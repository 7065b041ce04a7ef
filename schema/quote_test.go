package schema

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzQuote holds quoteJSON to encoding/json, byte by byte.
func FuzzQuote(f *testing.F) {
	var all strings.Builder
	for r := rune(0); r < 0x300; r++ {
		all.WriteRune(r)
	}
	for _, s := range []string{"", "plain", "a\nb\t\"c\"\\", all.String(), "\xff\xfe half \xe2\x80", "\u2028\u2029 \U0001f600", "<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(s); err != nil {
			t.Fatal(err)
		}
		if want, got := strings.TrimSuffix(b.String(), "\n"), quoteJSON(s); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if read := JSON(s).Str(); read != string([]rune(s)) {
			t.Errorf("%q reads as %q", s, read)
		}
	})
}

// FuzzUnquote holds unquoteJSON to encoding/json wherever it answers.
func FuzzUnquote(f *testing.F) {
	for _, s := range []string{`""`, `"plain"`, `"a\nb\t\"c\"\\"`, `"\u0041\ud83d\ude00"`, `"half \`, `"a"b"`, "\"a\nb\"", "\"\xff\"", `"\/"`, `"\"`, `"`, ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := unquoteJSON(text)
		var want string
		if err := json.Unmarshal([]byte(text), &want); ok && (err != nil || got != want) {
			t.Errorf("%s reads as %q, want %q (%v)", text, got, want, err)
		}
	})
}
