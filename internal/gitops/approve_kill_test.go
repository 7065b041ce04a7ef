package gitops_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
)

// used are the approvals that applies took, by comment; one that two took is an error.
func (a asking) used() map[string]string {
	a.t.Helper()
	by := map[string]string{}
	for _, id := range a.ids() {
		u, _, err := gitops.ReadUsed(a.t.Context(), a.machine.Store, id)
		if err != nil {
			a.t.Fatal(err)
		}
		for _, one := range u.Approvals {
			if a.summary(id).Plan == nil {
				continue // it was fenced before it began
			}
			if by[one.Comment] != "" {
				a.t.Errorf("comment %s approved %s and %s", one.Comment, by[one.Comment], id)
			}
			by[one.Comment] = id
		}
	}
	return by
}

// TestApprovedKilledAtEveryCall: wherever a controller dies between the comment and the
// end of the apply, the next ones come to the same end: one apply, one answer, by an
// approval that none else took.
func TestApprovedKilledAtEveryCall(t *testing.T) {
	base, first, second := newAsking(t, anyRule)
	effect := base.planned(7, second)
	for _, asked := range []bool{false, true} {
		base := base.copy()
		if asked { // the approval comes after the merge
			base.merges(7, second)
			base.looks()
		}
		base.town.say(7, "bob", "domctl apply "+effect)
		base.merges(7, second)
		prepare := func() asking {
			a := base.copy()
			a.git("update-ref", "refs/heads/main", second)
			return a
		}
		kill := sim.KillAfter(-1)
		if _, err := prepare().look(kill); err != nil {
			t.Fatal(err)
		}
		sides := kill.Sides()
		begun := slices.IndexFunc(sides, func(s string) bool { return strings.HasPrefix(s, "after UpdateOne") })
		for k, step := 0, 1; k < len(sides); k += step {
			step = 1
			if testing.Short() || k > begun && k < len(sides)-50 { // within an apply, as TestTurnKilledAtEveryCall has it
				step = 7
			}
			a := prepare()
			if _, err := a.look(sim.KillAfter(k)); err == nil {
				t.Fatalf("killed after %d: no error", k)
			}
			var got gitops.Turned
			for range 3 {
				_ = a.machine.Clock.Sleep(t.Context(), 2*time.Minute)
				got = a.looks()
			}
			if !asked && got.Head.Stage == gitops.Asked { // it was merged before anybody heard the approval, which is refused then
				t.Fatalf("killed after %d (%s): %+v", k, sides[k], got)
			}
			if got.Head.Stage != gitops.Done || got.Head.Commit != second {
				t.Fatalf("killed after %d (%s): %+v %q", k, sides[k], got, a.town.answered(7))
			}
			if applied := a.applied(); !slices.Equal(applied, []string{first, second}) {
				t.Fatalf("killed after %d (%s): applied %s", k, sides[k], applied)
			}
			if used := a.used(); len(used) != 1 {
				t.Fatalf("killed after %d (%s): used %v", k, sides[k], used)
			}
			answers := 0
			for _, s := range a.town.answered(7) {
				if strings.HasPrefix(s, "`bob` approved") {
					answers++
				}
			}
			if answers != 1 {
				t.Fatalf("killed after %d (%s): answered %q", k, sides[k], a.town.answered(7))
			}
		}
		t.Logf("asked: %v, %d sides of calls", asked, len(sides))
	}
}

// TestUsedOnce: when a branch goes back and comes again, what was approved once is asked
// about again, although it would do the same.
func TestUsedOnce(t *testing.T) {
	a, first, _ := newAsking(t, anyRule)
	a.git("checkout", "-q", "-f", "-B", "main", first)
	second := a.commit("modern-before", "cores: 1", "cores: 3")
	a.git("update-ref", "refs/heads/main", first)
	a.town.open(7, second)
	effect := a.planned(7, second)
	a.town.say(7, "bob", "domctl apply "+effect)
	a.looks()
	a.merges(7, second)
	if got := a.looks(); got.Head.Stage != gitops.Done {
		t.Fatalf("%+v", got)
	}
	a.town.open(8, first)
	a.merges(8, first)
	got := a.looks()
	for _, u := range []string{"bob", "cyd"} { // as the branch was forced, one more must approve
		a.town.say(8, u, "domctl apply "+got.Head.Effect)
	}
	if got = a.looks(); got.Head.Stage != gitops.Done || got.Head.Commit != first {
		t.Fatalf("%+v", got)
	}
	a.git("update-ref", "refs/heads/main", second)
	for range 3 {
		if got = a.looks(); got.Head.Stage != gitops.Asked || got.Head.Pull != 7 {
			t.Fatalf("%+v", got)
		}
	}
	if got.Head.Effect != effect {
		t.Errorf("it would do %s, not %s again", got.Head.Effect, effect)
	}
	a.town.say(7, "cyd", "domctl apply "+got.Head.Effect)
	if got = a.looks(); got.Head.Stage != gitops.Done || got.Head.Commit != second {
		t.Fatalf("%+v", got)
	}
	a.used()
}

// TestALateController stands still at any call between its verdict and its apply while
// another does all there is to do: there is one apply, by one approval.
func TestALateController(t *testing.T) {
	base, first, second := newAsking(t, anyRule)
	effect := base.planned(7, second)
	base.town.say(7, "bob", "domctl apply "+effect)
	base.looks()
	base.merges(7, second)
	for k := 0; ; k++ {
		a := base.copy()
		a.git("update-ref", "refs/heads/main", second)
		n, stood := 0, false
		late := a.desk(sim.KillAfter(-1))
		late.Records = func(context.Context) (applier.Store, error) {
			return sim.Gated(a.machine.Store, func(call string, phase sandbox.Phase) error {
				if n++; n == k+1 {
					stood = true
					for range 3 {
						_, _ = a.look(sim.KillAfter(-1))
						_ = a.machine.Clock.Sleep(t.Context(), 2*time.Minute)
					}
				}
				return nil
			}, a.machine.Clock), nil
		}
		_, err := late.Turn(t.Context())
		if !stood {
			t.Logf("%d sides of calls", k)
			return
		}
		var got gitops.Turned
		for range 3 {
			got = a.looks()
			_ = a.machine.Clock.Sleep(t.Context(), 2*time.Minute)
		}
		if got.Head.Stage != gitops.Done || got.Head.Commit != second || !slices.Equal(a.applied(), []string{first, second}) {
			t.Fatalf("stood still at %d, then %v: %+v, applied %s", k, err, got, a.applied())
		}
		if used := a.used(); len(used) != 1 {
			t.Fatalf("stood still at %d: %v", k, used)
		}
	}
}
