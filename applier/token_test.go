package applier

import "testing"

// TestOfRound: what each try of a step makes is known as the step's, and nothing else.
func TestOfRound(t *testing.T) {
	token, other := Token("20260301-100000-sim", "amis.executor/bake"), Token("20260301-100000-sim", "amis.gpu/bake")
	seen := map[string]bool{}
	for round := range 4 {
		for undone := range 4 {
			given := RoundToken(token, round, undone)
			if seen[given] || !OfRound(given, token) || OfRound(given, other) {
				t.Errorf("round %d, undone %d: %s", round, undone, given)
			}
			seen[given] = true
		}
	}
	if !seen[token] || OfRound("", "") || OfRound("people", token) || OfRound("", token) {
		t.Error("what no step launched is a step's")
	}
}
