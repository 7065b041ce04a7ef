package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestManyVariables: an ENV of 20,000 pairs takes no longer for that, whatever they say.
func TestManyVariables(t *testing.T) {
	const n = 20_000
	for _, pair := range []string{"A%d=$B%d", "A%d=${A%d}", "ENV_PASSWORD_%d=hunter%d", "A%d=$Z%d$Z"} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, " \\\n "+pair, i, i)
		}
		for _, word := range []string{"ENV", "ARG"} {
			begun := time.Now()
			ofDockerfile(word + b.String() + " \\\n Z=1\n")
			if took := time.Since(begun); took > 20*time.Second { // some 0.5 s
				t.Errorf("%s %s: %s", word, pair, took)
			}
		}
	}
}

func TestReferences(t *testing.T) {
	for value, want := range map[string][]string{"": nil, "$A": {"A"}, "${A}": {"A"}, "${A:-$B}": {"A", "B"}, "$A$A/$B_1.c": {"A", "B_1"}, "$$A": {"A"}, "${A": nil, "$": nil, "a$-$/": nil, `\$A`: {"A"}} {
		if got := references(value); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}
