package gitops_test

import (
	"testing"

	"domctl.dev/internal/gitops"
)

// TestMergedBeside: where a forge says of several pull requests with one head that they
// were merged, what was approved in one of them is, and a stranger's from a fork is not
// where anybody is asked.
func TestMergedBeside(t *testing.T) {
	base, first, second := newAsking(t, anyRule)
	effect := base.planned(7, second)
	base.first = first
	for name, c := range map[string]struct {
		do   func(a asking)
		want gitops.Stage
		pull int
	}{
		"approved, beside a fork's": {func(a asking) { a.town.say(7, "bob", "domctl apply "+effect) }, gitops.Done, 7},
		"not approved":              {func(asking) {}, gitops.Asked, 7},
		"approved in the other": {func(a asking) {
			p := a.town.pulls[8]
			p.Repo = "acme/domino"
			a.town.pulls[8] = p
			a.planned(8, second)
			a.town.say(8, "bob", "domctl apply "+effect)
		}, gitops.Done, 8},
		"only forks": {func(a asking) {
			p := a.town.pulls[7]
			p.Repo = "ann/domino"
			a.town.pulls[7] = p
		}, gitops.Asked, 7},
	} {
		for range 3 { // the forge says it in any order
			a := base.copy()
			a.t = t
			a.opens(8, "mallory", second)
			p := a.town.pulls[8]
			p.Repo = "mallory/domino"
			a.town.pulls[8] = p
			c.do(a)
			a.looks()
			a.town.merge(8, second)
			a.merges(7, second)
			if got := a.looks(); got.Head.Stage != c.want || got.Head.From != c.pull {
				t.Errorf("%s: %+v, %q %q", name, got, a.town.answered(7), a.town.answered(8))
			}
		}
	}
}
