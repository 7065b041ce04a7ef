package planner

import (
	"strings"
	"testing"

	"domctl.dev/schema"
)

// FuzzBreaks holds the newlines found in JSON to those of the text itself.
func FuzzBreaks(f *testing.F) {
	for _, s := range []string{"", "a", "a\nb", "a\n", "\n", "\n\nb", `a\nb`, "a\\\nb", "\\\\\n", `tail\n`, "é\n\u2028\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := schema.JSON(s)
		at := breaks(v)
		if want := strings.Count(strings.TrimSuffix(s, "\n"), "\n"); len(at) != want {
			t.Fatalf("%s has %d newlines, want %d", v.Text, len(at), want)
		}
		for n, i := range at {
			head := schema.Value{Is: schema.Known, Text: v.Text[:i] + `"`}.Str()
			if strings.Count(head, "\n") != n || !strings.HasPrefix(v.Str(), head+"\n") {
				t.Errorf("%s is no beginning of %s", head, v.Text)
			}
		}
	})
}
