package compiler

import (
	"strings"
	"testing"

	"cuelang.org/go/cue/literal"

	"domctl.dev/schema"
)

// TestInside: a byte of a text is told where it is written, in every form of literal.
func TestInside(t *testing.T) {
	for name, c := range map[string]struct{ cue, mark string }{
		"a line":            {`dockerfile: "RUN a\nRUN @"`, "@"},
		"several lines":     {"dockerfile: \"\"\"\n\t\tRUN a\n\t\t  RUN @ b\n\t\t\"\"\"", "@"},
		"raw":               {"dockerfile: #\"\"\"\n    RUN \"a\" \\\n      && @\n    \"\"\"#", "@"},
		"escapes":           {`dockerfile: "\t\u00e4\U0001F600\uD83D\uDE00\"\\\/ä@"`, "@"},
		"raw escapes":       {`dockerfile: ##"\##n\n"#\##u00e4@"##`, "@"},
		"carriage returns":  {"dockerfile: #\"\"\"\r\n\tRUN a\r\n\tRUN @ b\r\n\t\"\"\"#\r\n", "@"},
		"an empty line":     {"dockerfile: \"\"\"\n\tRUN a\n\n\tRUN @\n\t\"\"\"", "@"},
		"quotes within":     {"dockerfile: \"\"\"\n\tRUN \"\"\"@\n\t\"\"\"", "@"},
		"another statement": {"dockerfile: _text\n}\n_text: \"RUN @\"\n_rest: {", "@"},
	} {
		text := "package domino\n\nenvironments: e: {\n\t" + c.cue + "\n}\n"
		r := compileFiles(t, map[string]string{"prod/b.cue": text})
		o := r.Desired.Objects[schema.Address{Kind: "environments", Name: "e"}]
		value := o.Fields["dockerfile"].Str()
		offset := strings.Index(value, c.mark)
		if offset < 0 {
			t.Errorf("%s: the text is %q, found\n%s", name, value, list(r.Findings))
			continue
		}
		at, exact := newTexts(func(string) string { return text }, r.Files).At(o, "dockerfile", offset)
		before := text[:strings.Index(text, c.mark)]
		line := strings.Count(before, "\n") + 1
		if want := (schema.Position{File: "b.cue", Line: line, Col: len(before) - strings.LastIndex(before, "\n")}); at != want || !exact {
			t.Errorf("%s: %v, %v; want %v", name, at, exact, want)
		}
	}
}

// FuzzInside: what is decoded is what CUE reads, and each plain byte stands where it is
// said to.
func FuzzInside(f *testing.F) {
	for _, s := range []string{`"a\tb"`, "\"\"\"\n\ta\n\n\t  b\\\n\tc\n\t\"\"\"", "#\"\"\"\r\n  a \\#n\r\n  \"\"\"#", `##"\##u00e4"##`, `"\uD83D\uDE00"`, "\"\"\"\n\"\"\"", `'\x41\101'`, "\"\"\"\n\n\t\"\"\"", `""`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, lit string) {
		says, at := decoded(lit)
		if at == nil {
			return
		}
		if want, err := literal.Unquote(lit); err != nil || want != says {
			t.Fatalf("%q is %q, not %q", lit, want, says)
		}
		if len(at) != len(says)+1 {
			t.Fatalf("%d places of %d bytes", len(at), len(says))
		}
		for i := range says {
			if i > 0 && at[i] < at[i-1] || at[i] < 0 || at[i] >= len(lit) {
				t.Fatalf("%q: byte %d stands at %d, after %v", lit, i, at[i], at[:i])
			}
			if lit[at[i]] != '\\' && lit[at[i]] != says[i] {
				t.Fatalf("%q: byte %q is said to stand at %q", lit, says[i], lit[at[i]])
			}
		}
	})
}

// FuzzInsideAnyText: text as domctl writes it is found again.
func FuzzInsideAnyText(f *testing.F) {
	f.Add("RUN a \\\n\t&& b\n", "  ")
	f.Fuzz(func(t *testing.T, text, _ string) {
		lit := quote(text)
		want, err := literal.Unquote(lit)
		if err != nil {
			return
		}
		if says, at := decoded(lit); want != "" && (says != want || at == nil) {
			t.Fatalf("%q as %q is read as %q", text, lit, says)
		}
	})
}
