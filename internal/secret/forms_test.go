package secret

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// encodings are how programs write a secret into their logs.
var encodings = map[string]func(string) string{
	"as it is":      func(s string) string { return s },
	"query":         url.QueryEscape,
	"path":          url.PathEscape,
	"JSON for HTML": func(s string) string { b, _ := json.Marshal(s); return string(b) },
	"JSON":          func(s string) string { return inJSON(s, false) },
	"Go":            strconv.Quote,
	"Go in ASCII":   strconv.QuoteToASCII,
	"HTML":          html.EscapeString,
	"double quotes": func(s string) string {
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(s)
	},
	"quote alone":     func(s string) string { return strings.ReplaceAll(s, `"`, `\"`) },
	"dollar alone":    func(s string) string { return strings.ReplaceAll(s, "$", `\$`) },
	"single quotes":   func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" },
	"tab to a blank":  func(s string) string { return strings.ReplaceAll(s, "\t", " ") },
	"tab to blanks":   func(s string) string { return strings.ReplaceAll(s, "\t", "    ") },
	"one line":        func(s string) string { return strings.ReplaceAll(s, "\n", " ") },
	"base 64":         func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base 64 in URLs": func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
}

func TestFormsAreHidden(t *testing.T) {
	known := &Known{}
	for _, s := range []string{`p@ss"w$rd/1+2`, "it's<a&b>", "tab\there;", "first-1\nsecond-2\nthird", "häß\\lich"} {
		known.Add(s)
	}
	for text, want := range map[string]string{
		"PW=p%40ss%22w%24rd%2F1%2B2":         "PW=(secret)",
		"PW=p%40ss%22w%24rd%2f1%2b2":         "PW=(secret)",
		"PW=p@ss%22w$rd%2F1+2":               "PW=(secret)",
		`{"pw":"p@ss\"w$rd/1+2"}`:            `{"pw":"(secret)"}`,
		`PW="p@ss\"w\$rd/1+2"`:               `PW="(secret)"`,
		`PW=p@ss"w\$rd/1+2`:                  `PW=(secret)`,
		`{"b":"it's\u003ca\u0026b\u003e"}`:   `{"b":"(secret)"}`,
		`{"b":"it's<a&b>"}`:                  `{"b":"(secret)"}`,
		`echo 'it'\''s<a&b>'`:                `echo '(secret)'`,
		`echo it\'s\<a\&b\>`:                 `echo (secret)`,
		"tab here; tab    here; tab\\there;": "(secret) (secret) (secret)",
		"first-1, second-2":                  "(secret), (secret)",
		`"first-1\nsecond-2\nthird"`:         `"(secret)"`,
		"a third of all":                     "a third of all", // a word
		`h\u00e4\u00df\\lich`:                "(secret)",
	} {
		if got := known.Mask(text); got != want {
			t.Errorf("%s is shown as %s", text, got)
		}
	}
}

// TestNoFormIsShown draws a secret and a way of writing it: none shows it.
func TestNoFormIsShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringOfN(rapid.SampledFrom([]rune("abcXYZ019+/=-_.,:;!?@#$%^&*()<>[]{}|~`'\"\\ \t\näß€")), 12, 40, -1).Filter(func(s string) bool {
			return len(strings.TrimSpace(s)) >= leastWord && utf8.ValidString(s)
		}).Draw(t, "secret")
		secret = strings.TrimSpace(secret)
		how := rapid.SampledFrom(slices.Sorted(maps.Keys(encodings))).Draw(t, "how")
		known := &Known{}
		known.Add(secret)
		text := encodings[how](secret)
		if strings.HasPrefix(how, "base 64") {
			text = strings.TrimRight(text, "=")[:len(secret)*8/6]
		}
		line := rapid.SampledFrom([]string{"", "TOKEN=", "Step 3/9 : RUN echo ", "\x1b[31m"}).Draw(t, "before") + text + rapid.SampledFrom([]string{"", " done", "\x1b[0m"}).Draw(t, "after")
		if got := known.Mask(line); strings.Contains(got, strings.Trim(text, `"'`)) || !strings.Contains(got, "(secret)") {
			t.Fatalf("%s: %q is shown as %q", how, line, got)
		}
	})
}

func TestShortSecretsAreNotHidden(t *testing.T) {
	known := &Known{}
	known.Add("a/b?")
	if got := known.Mask("a/b? a%2Fb%3F"); got != "a/b? a%2Fb%3F" {
		t.Error(got)
	}
}
