package gitops_test

import (
	"strings"
	"testing"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
)

// opens opens a pull request of somebody's.
func (a asking) opens(number int, user, commit string) {
	a.town.open(number, commit)
	p := a.town.pulls[number]
	p.Author, p.Pushers = user, []string{user}
	a.town.pulls[number] = p
}

// atop commits on top of another commit, which the branch stays on.
func (a asking) atop(commit, tree string, edits ...string) string {
	a.t.Helper()
	a.git("checkout", "-q", "-f", "-B", "main", commit)
	next := a.commit(tree, edits...)
	a.git("update-ref", "refs/heads/main", commit)
	return next
}

// TestNobodyTakesBackTheirOwn: whoever pushed a change to the branch, or wrote one of two
// that were applied at once, does not take it back where a rule asks for another's word;
// that nothing was asked on the way there does not matter.
func TestNobodyTakesBackTheirOwn(t *testing.T) {
	base, first, _ := newAsking(t, deletions)
	second := base.atop(first, "modern-before", "\tretired: {cores: 4}\n", "\tretired: {cores: 4}\n\tfresh: {cores: 4}\n")
	third := base.atop(second, "modern-before", "\tretired: {cores: 4}\n", "\tretired: {cores: 4}\n\tfresh: {cores: 4}\n", "package domino", "package domino // more")
	base.opens(7, "ann", second)
	base.opens(8, "bob", third)
	base.planned(7, second)
	base.planned(8, third)
	for name, c := range map[string]struct {
		merge  func(a asking)
		pull   int
		user   string
		answer string
	}{
		"pushed":          {func(a asking) { a.git("update-ref", "refs/heads/main", second) }, 7, "ann", "leaves 1 approval missing. It is not known of all of it who wrote it"},
		"pushed, another": {func(a asking) { a.git("update-ref", "refs/heads/main", second) }, 7, "cyd", "leaves 1 approval missing. It is not known"},
		"two, the first":  {func(a asking) { a.town.merge(7, second); a.merges(8, third) }, 8, "ann", "leaves 1 approval missing. Somebody who did not write"},
		"two, the second": {func(a asking) { a.town.merge(7, second); a.merges(8, third) }, 8, "bob", "leaves 1 approval missing. Somebody who did not write"},
		"two, another":    {func(a asking) { a.town.merge(7, second); a.merges(8, third) }, 8, "cyd", "was taken back by"},
		"one, its author": {func(a asking) { a.merges(7, second) }, 7, "ann", "leaves 1 approval missing"},
		"one, another":    {func(a asking) { a.merges(7, second) }, 7, "bob", "was taken back by"},
	} {
		a := base.copy()
		a.t = t
		c.merge(a)
		if got := a.looks(); got.Head.Stage != gitops.Done {
			t.Fatalf("%s: %+v", name, got)
		}
		a.town.say(c.pull, c.user, "domctl rollback")
		a.looks()
		if said := a.last(c.pull); !strings.Contains(said, c.answer) {
			t.Errorf("%s: %q", name, said)
		}
	}
}

// TestAnApplyOfNobodyKnown: whose an apply was that left no note, as one from before there
// were rules, is unknown.
func TestAnApplyOfNobodyKnown(t *testing.T) {
	a, _ := done(t)
	a.rules = []config.Rule{anyRule}
	a.town.say(7, "bob", "domctl rollback")
	a.looks()
	if said := a.last(7); !strings.Contains(said, "leaves 1 approval missing. It is not known") {
		t.Errorf("%q", said)
	}
}

// TestOwnWhatWasBlocked: who wrote a change that was blocked does not approve it once it
// can be done, whoever's commit brings that; who wrote something else does.
func TestOwnWhatWasBlocked(t *testing.T) {
	defer func(was bool) { bound.Archive = was }(bound.Archive)
	a, first, _ := newAsking(t, deletions)
	bound.Archive = false
	before := a.atop(first, "modern-before", "package domino", "package domino // less")
	a.opens(6, "dan", before)
	a.merges(6, before)
	a.looks() // notes that nothing was left before
	second := a.atop(before, "modern-before", "\tretired: {cores: 4}\n", "")
	a.opens(7, "ann", second)
	a.merges(7, second)
	if got := a.looks(); got.Head.Why != "nothing to do" || got.Head.Since != second {
		t.Fatalf("%+v", got)
	}
	third := a.atop(second, "modern-before", "\tretired: {cores: 4}\n", "", "cores: 1", "cores: 3")
	a.opens(8, "bob", third)
	a.merges(8, third)
	if got := a.looks(); got.Head.Stage != gitops.Done || got.Head.Why != "applied" {
		t.Fatalf("%+v", got)
	}
	bound.Archive = true // the operator's file
	fourth := a.atop(third, "modern-before", "\tretired: {cores: 4}\n", "", "cores: 1", "cores: 3", "package domino", "package domino // more")
	a.opens(9, "cyd", fourth)
	a.merges(9, fourth)
	got := a.looks()
	a.planned(9, fourth)
	for _, user := range []string{"cyd", "ann"} {
		a.town.say(9, user, "domctl apply "+got.Head.Effect)
		if got = a.looks(); got.Head.Stage != gitops.Asked {
			t.Fatalf("%s approved it: %+v", user, got)
		}
	}
	a.town.say(9, "bob", "domctl apply "+got.Head.Effect) // who wrote something else
	if got = a.looks(); got.Head.Stage != gitops.Done || len(got.Head.Out.At) != 0 {
		t.Errorf("%+v, %+v", got, got.Head.Out)
	}
}

// TestOwnWhatWasTakenBack: who wrote what was taken back does not approve it once another's
// commit has it done after all.
func TestOwnWhatWasTakenBack(t *testing.T) {
	edit := []string{"cores: 1", "cores: 3"}
	a, first, _ := newAsking(t, config.Rule{Name: "tiers", When: config.When{Kinds: []string{"hardwareTiers"}}})
	second := a.atop(first, "modern-before", edit...)
	a.opens(7, "ann", second)
	a.merges(7, second)
	got := a.looks()
	a.planned(7, second)
	a.town.say(7, "cyd", "domctl apply "+got.Head.Effect)
	a.looks()
	a.town.say(7, "cyd", "domctl rollback")
	if a.looks(); !strings.Contains(a.last(7), "was taken back by") {
		t.Fatalf("%q", a.town.answered(7))
	}
	third := a.atop(second, "modern-before", "cores: 1", "cores: 3, memory: \"8GiB\"")
	a.opens(8, "bob", third)
	a.merges(8, third)
	got = a.looks()
	a.planned(8, third)
	for _, user := range []string{"bob", "ann"} {
		a.town.say(8, user, "domctl apply "+got.Head.Effect)
		if got = a.looks(); got.Head.Stage != gitops.Asked {
			t.Errorf("%s: %+v %q", user, got, a.town.answered(8))
		}
	}
	a.town.rights["dan"] = a.town.rights["cyd"]
	a.town.say(8, "dan", "domctl apply "+got.Head.Effect)
	if got = a.looks(); got.Head.Stage != gitops.Done || len(got.Head.Out.At) > 0 {
		t.Errorf("%+v %+v %q", got, got.Head.Out, a.town.answered(8))
	}
}

// TestSilentlyLeft: where files turn off what tells of things left out, nobody's word is
// known to be another's.
func TestSilentlyLeft(t *testing.T) {
	defer func(was bool) { bound.Archive = was }(bound.Archive)
	a, first, _ := newAsking(t, deletions)
	bound.Archive = false
	second := a.atop(first, "modern-before", "\tretired: {cores: 4}\n", "", "package domino", "package domino\n\ndeployment: findings: DC221: \"off\"")
	a.opens(7, "ann", second)
	a.merges(7, second)
	if got := a.looks(); got.Head.Stage != gitops.Done {
		t.Fatalf("%+v", got)
	}
	bound.Archive = true
	third := a.atop(second, "modern-before", "\tretired: {cores: 4}\n", "")
	a.opens(8, "bob", third)
	a.merges(8, third)
	if got := a.looks(); got.Head.Why != `DC535: waits in pull request 8 for 2 approvals of rule "deletions"` {
		t.Errorf("%+v, %+v", got, got.Head.Out)
	}
}
