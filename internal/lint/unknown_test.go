package lint

import "testing"

func TestUnknownInstructionHints(t *testing.T) {
	for text, want := range map[string]string{
		"RNU true":  "did you mean RUN?",
		"CDD a b":   "did you mean ADD or CMD?",
		"FORM a":    `did you mean FROM? Domino writes it itself, from base: then take the line out; else a line that goes on ends with \`,
		"  make it": `a line that goes on ends with \`,
	} {
		found := Check(desired(map[string]map[string]any{"e": {"dockerfile": text}}))
		if len(found) != 1 || found[0].Code != "DC702" || found[0].Hint != want {
			t.Errorf("%q: %+v, want %q", text, found, want)
		}
	}
}
