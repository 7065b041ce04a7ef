package gitops_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
)

// ids are those of all applies.
func (a asking) ids() (all []string) {
	a.t.Helper()
	keys, err := a.machine.Store.List(a.t.Context(), "applies/")
	if err != nil {
		a.t.Fatal(err)
	}
	for _, key := range keys {
		id, _, _ := strings.Cut(strings.TrimPrefix(key, "applies/"), "/")
		all = append(all, id)
	}
	return slices.Compact(all)
}

// summary is an apply in the records.
func (a asking) summary(id string) applier.Summary {
	a.t.Helper()
	for _, res := range a.compiled.has {
		e, err := a.machine.Process(a.t.Context(), res, sim.Options{Holder: "test"})
		if err != nil {
			a.t.Fatal(err)
		}
		s, err := e.Applier.Summary(a.t.Context(), id)
		if err != nil {
			a.t.Fatal(err)
		}
		return s
	}
	return applier.Summary{}
}

// last is what the bot said last.
func (a asking) last(number int) string {
	all := a.town.answered(number)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// done has second applied, by cyd's approval.
func done(t *testing.T, rules ...config.Rule) (a asking, second string) {
	a, _, second = newAsking(t, rules...)
	effect := a.planned(7, second)
	a.town.say(7, "cyd", "domctl apply "+effect)
	a.looks()
	a.merges(7, second)
	if got := a.looks(); got.Head.Stage != gitops.Done {
		t.Fatalf("%+v", got)
	}
	a.first = second
	return a, second
}

// TestRollbackByComment takes back the last apply, once, and leaves it so.
func TestRollbackByComment(t *testing.T) {
	base, second := done(t, anyRule)
	for _, kills := range []bool{false, true} {
		sides := 1
		for k := 0; k < sides; k++ {
			a := base.copy()
			a.town.say(7, "bob", "domctl rollback")
			kill := sim.KillAfter(-1)
			if kills {
				kill = sim.KillAfter(k)
			}
			if _, err := a.look(kill); (err != nil) != kills {
				t.Fatalf("killed after %d: %v", k, err)
			}
			for range 3 {
				_ = a.machine.Clock.Sleep(t.Context(), 2*time.Minute)
				a.looks()
			}
			if got := a.looks(); got.Head.Stage != gitops.Done || got.Head.Commit != second || got.Worked {
				t.Fatalf("killed after %d: %+v", k, got)
			}
			var backs []string
			for _, id := range a.ids() {
				if s := a.summary(id); s.Plan != nil && s.Plan.Restores != "" {
					backs = append(backs, id)
				}
			}
			if len(backs) != 1 {
				t.Fatalf("killed after %d: taken back by %s", k, backs)
			}
			if u, _, err := gitops.ReadUsed(t.Context(), a.machine.Store, backs[0]); err != nil || !u.Known || !slices.Contains(u.Writers, "bob") {
				t.Fatalf("killed after %d: %+v, %v", k, u, err)
			}
			if said := a.last(7); !strings.Contains(said, "was taken back by `"+backs[0]+"`") {
				t.Fatalf("killed after %d: %q", k, said)
			}
			if told := *a.told; !strings.Contains(told[len(told)-1], second+" failure ") || !strings.HasSuffix(told[len(told)-1], ": taken back") {
				t.Fatalf("killed after %d: told %s", k, told)
			}
			if !kills {
				continue
			}
			if sides == 1 {
				whole, kill := base.copy(), sim.KillAfter(-1)
				whole.town.say(7, "bob", "domctl rollback")
				if _, err := whole.look(kill); err != nil {
					t.Fatal(err)
				}
				sides = len(kill.Sides())
				t.Logf("%d sides of calls", sides)
			}
			if testing.Short() {
				k += 11
			} else {
				k += 2
			}
		}
	}
}

// TestRollbackOfAnothers: who asks in a pull request that was not applied yet means that
// one, and not what another brought before.
func TestRollbackOfAnothers(t *testing.T) {
	a, second := done(t, anyRule)
	before := a.ids()
	a.git("checkout", "-q", "-f", "-B", "main", second)
	third := a.commit("modern-before", "cores: 1", "cores: 3")
	a.town.open(8, third)
	a.merges(8, third)
	if got := a.looks(); got.Head.Stage != gitops.Asked || got.Head.Commit != third {
		t.Fatalf("%+v", got)
	}
	a.town.say(8, "bob", "domctl rollback")
	for range 2 {
		a.looks()
	}
	if said := a.last(8); !strings.Contains(said, "Nothing was taken back: the last apply, `"+before[len(before)-1]+"`, was of commit `"+second+"`, which pull request 7 brought.") {
		t.Errorf("%q", said)
	}
	if after := a.ids(); !slices.Equal(after, before) {
		t.Errorf("%s, then %s", before, after)
	}
}

// TestRollbackNeedsTheRight: that of who may approve what the way back does.
func TestRollbackNeedsTheRight(t *testing.T) {
	for _, c := range []struct {
		rule       config.Rule
		user, want string
	}{
		{anyRule, "eve", "`eve` may not write to this repository"},
		{anyRule, "ann", "leaves 1 approval missing"},
		{anyRule, "bob", "was taken back by"},
		{config.Rule{Name: "r", From: []string{"cyd"}, When: config.When{Any: true}}, "bob", "leaves 1 approval missing"},
		{config.Rule{Name: "r", From: []string{"cyd"}, When: config.When{Any: true}}, "cyd", "was taken back by"},
	} {
		a, _ := done(t, c.rule)
		a.town.say(7, c.user, "domctl rollback sim-modern")
		a.looks()
		if said := a.last(7); !strings.Contains(said, c.want) {
			t.Errorf("%s: %q", c.user, said)
		}
		before := len(a.wrote())
		a.looks()
		if len(a.wrote()) != before {
			t.Errorf("%s: it was done twice", c.user)
		}
	}
}

// TestUnlock abandons an apply that waits; its commit is not begun again.
func TestUnlock(t *testing.T) {
	a, _, second := newAsking(t)
	a.planned(7, second)
	a.merges(7, second)
	d, full, sides := a.desk(sim.KillAfter(-1)), errors.New("the disk is full"), 0
	d.Open = a.rig.open(func(call string, phase sandbox.Phase) error {
		if strings.HasPrefix(call, "UpdateOne") {
			sides++
		}
		if sides > 1 {
			return full
		}
		return nil
	})
	if _, err := d.Turn(t.Context()); err == nil {
		t.Fatal("it did not fail")
	}
	a.town.say(7, "bob", "domctl unlock other")
	a.looks0()
	if said := a.last(7); !strings.Contains(said, "say which deployment is meant, of `sim-modern`") {
		t.Fatalf("%q", said)
	}
	id := a.town.say(7, "bob", "domctl unlock")
	got := a.looks()
	if said := a.last(7); !strings.Contains(said, "was abandoned: 3 steps done and ") {
		t.Fatalf("%q", said)
	}
	if got.Head.Stage != gitops.Done || got.Head.Commit != second || got.Head.Left == 0 {
		t.Errorf("%+v", got)
	}
	n := len(a.town.answered(7))
	a.town.say(7, "bob", "domctl unlock")
	a.looks()
	if said := a.town.answered(7); len(said) != n+1 || !strings.Contains(said[n], "nothing is held") {
		t.Errorf("after %s: %q", id, said)
	}
}

// looks0 converses, and gives the deployment no turn.
func (a asking) looks0() {
	a.t.Helper()
	d := a.desk(sim.KillAfter(-1))
	talk := &gitops.Talk{Forge: d.Forge, Repo: d.Repo, Desks: []*gitops.Desk{d}, Now: a.machine.Clock.Now, Sleep: a.machine.Clock.Sleep}
	if err := talk.Converse(a.t.Context(), *a.town.pulls[7]); err != nil && !errors.Is(err, gitops.ErrUnderWay) {
		a.t.Fatal(err)
	}
}

// TestLateCommands: what is old when it is first seen is not done, but for approvals.
func TestLateCommands(t *testing.T) {
	a, second := done(t)
	a.town.say(7, "bob", "domctl rollback")
	_ = a.machine.Clock.Sleep(t.Context(), 2*time.Hour)
	before := len(a.wrote())
	a.looks()
	if said := a.last(7); !strings.Contains(said, "too late") || len(a.wrote()) != before {
		t.Errorf("%q", said)
	}
	a.town.say(7, "bob", "domctl help")
	a.looks()
	if said := a.last(7); !strings.Contains(said, "domctl apply EFFECT") {
		t.Errorf("%q", said)
	}
	_ = second
}

// TestPushedToTheBranch: what came by no pull request waits, and whoever pushed it may
// be one of those who approve what comes after it.
func TestPushedToTheBranch(t *testing.T) {
	a, first, second := newAsking(t, anyRule)
	a.git("update-ref", "refs/heads/main", second)
	got := a.looks()
	if got.Head.Stage != gitops.Asked || got.Head.Pull != 0 || got.Head.Why != `DC536: it came by no pull request, and waits for 2 approvals of rule "all"` {
		t.Fatalf("%+v", got)
	}
	if told := *a.told; !strings.HasPrefix(told[len(told)-1], second+" pending effect ") {
		t.Errorf("told %s", told)
	}
	a.git("checkout", "-q", "-f", "-B", "main", second)
	third := a.commit("modern", "package domino", "package domino // more")
	a.town.open(8, third)
	a.town.merge(8, third)
	effect := a.planned(8, third)
	a.town.say(8, "bob", "domctl apply "+effect)
	if got = a.looks(); got.Head.Stage != gitops.Asked || got.Head.Pull != 8 || got.Head.Why != `DC535: waits in pull request 8 for 1 approval of rule "all"` {
		t.Fatalf("%+v", got)
	}
	if said := a.town.answered(8); !strings.Contains(strings.Join(said, "\n"), "any one of those who approve may have pushed it") {
		t.Errorf("%q", said)
	}
	a.town.say(8, "cyd", "domctl apply "+effect)
	if got = a.looks(); got.Head.Stage != gitops.Done || !slices.Equal(a.applied(), []string{first, third}) {
		t.Fatalf("%+v", got)
	}
}

// TestTwoMerges: who wrote the first of two that are applied at once does not approve
// the second.
func TestTwoMerges(t *testing.T) {
	a, first, second := newAsking(t, anyRule)
	a.merges(7, second)
	a.looks()
	a.git("checkout", "-q", "-f", "-B", "main", second)
	third := a.commit("modern", "package domino", "package domino // more")
	a.town.open(8, third)
	p := a.town.pulls[8]
	p.Author, p.Pushers = "bob", []string{"bob"}
	a.town.pulls[8] = p
	a.town.merge(8, third)
	got := a.looks()
	if got.Head.Stage != gitops.Asked || got.Head.Pull != 8 || got.Head.Commit != third {
		t.Fatalf("%+v", got)
	}
	if said := a.town.answered(7); len(said) != 1 || !strings.Contains(said[0], "Another commit, `"+third+"`, is on the branch") {
		t.Errorf("%q", said)
	}
	for _, user := range []string{"ann", "bob"} {
		a.town.say(8, user, "domctl apply "+got.Head.Effect)
		if got = a.looks(); got.Head.Stage != gitops.Asked {
			t.Fatalf("by %s: %+v", user, got)
		}
	}
	a.town.say(8, "cyd", "domctl apply "+got.Head.Effect)
	if got = a.looks(); got.Head.Stage != gitops.Done || !slices.Equal(a.applied(), []string{first, third}) {
		t.Fatalf("%+v", got)
	}
}

// TestAnotherEffect: what was approved and would now do something else is asked about
// again, unless the controller's file says otherwise.
func TestAnotherEffect(t *testing.T) {
	for _, on := range []string{"", "ask", "apply"} {
		a, first, second := newAsking(t, anyRule)
		a.on = on
		a.town.say(7, "bob", "domctl apply "+a.planned(7, second))
		a.looks()
		// Somebody changes what the plan would change.
		a.git("checkout", "-q", "-f", "-B", "main", first)
		between := a.commit("modern-before", "cores: 1", "cores: 3")
		a.town.open(8, between)
		p := a.town.pulls[8]
		p.Author, p.Pushers = "dan", nil
		a.town.pulls[8] = p
		a.town.merge(8, between)
		a.town.say(8, "bob", "domctl apply "+a.planned(8, between))
		if got := a.looks(); got.Head.Stage != gitops.Done || got.Head.Commit != between {
			t.Fatalf("%+v %q", got, a.town.answered(8))
		}
		a.git("checkout", "-q", "-f", "-B", "main", between)
		merge := a.commit("modern")
		a.town.merge(7, merge)
		want := gitops.Asked
		if on == "apply" {
			want = gitops.Done
		}
		got := a.looks()
		if got.Head.Stage != want || got.Head.Commit != merge {
			t.Fatalf("onChange %s: %+v", on, got)
		}
		if want == gitops.Asked {
			a.town.say(7, "bob", "domctl apply "+got.Head.Effect)
			if got := a.looks(); got.Head.Stage != gitops.Done {
				t.Fatalf("onChange %s: %+v", on, got)
			}
		}
	}
}
