package schema

import (
	"slices"
	"testing"
)

func TestAllNearest(t *testing.T) {
	words := []string{"ADD", "CMD", "ENV", "FROM", "RUN", "USER"}
	for word, want := range map[string][]string{
		"RNU":   {"RUN"}, // ENV is as far by letters that are put in and taken out
		"rnu":   {"RUN"},
		"FORM":  {"FROM"},
		"CDD":   {"ADD", "CMD"},
		"RUNN":  {"RUN"},
		"mkdir": nil,
		"":      nil,
		"UÉSR":  {"USER"},
	} {
		if got := AllNearest(word, words); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", word, got, want)
		}
	}
}
