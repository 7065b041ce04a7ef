package gitops_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
)

// TestApproved: what a rule fits is applied once somebody else approved it, before or
// after the merge.
func TestApproved(t *testing.T) {
	base, first, second := newAsking(t, anyRule)
	effect := base.planned(7, second)
	t.Run("before the merge", func(t *testing.T) {
		a := base.copy()
		a.town.say(7, "bob", "Fine.\n\ndomctl apply "+effect[:12])
		if got := a.looks(); got.Head.Commit != first {
			t.Fatalf("%+v", got)
		}
		a.merges(7, second)
		if got := a.looks(); got.Head.Stage != gitops.Done || got.Head.Commit != second {
			t.Fatalf("%+v", got)
		}
		if got := a.applied(); !slices.Equal(got, []string{first, second}) {
			t.Errorf("applied %s", got)
		}
		if said := a.town.answered(7); len(said) != 1 || !strings.HasPrefix(said[0], "`bob` approved effect `"+effect+"` of `sim-modern`") {
			t.Errorf("%q", said)
		}
	})
	t.Run("after the merge", func(t *testing.T) {
		a := base.copy()
		a.merges(7, second)
		for range 3 {
			got := a.looks()
			if got.Head.Stage != gitops.Asked || got.Head.Pull != 7 || got.Head.Why != `DC535: waits in pull request 7 for 1 approval of rule "all"` {
				t.Fatalf("%+v", got)
			}
		}
		said := a.town.answered(7)
		if len(said) != 1 || !strings.Contains(said[0], "- rule `all`: 1 approval, 1 missing") || !strings.Contains(said[0], "\n    domctl apply "+effect+"\n") || !strings.Contains(said[0], "hardwareTiers.small") {
			t.Fatalf("%q", said)
		}
		a.town.say(7, "bob", "domctl apply "+effect)
		if got := a.looks(); got.Head.Stage != gitops.Done || got.Head.Commit != second {
			t.Fatalf("%+v", got)
		}
		if said := a.town.answered(7); len(said) != 2 || said[0] != "### domctl: `sim-modern`\n\nCommit `"+second+"`: `applied`\n" {
			t.Errorf("%q", said)
		}
	})
}

// TestNotApproved: what is no approval, for whatever reason, applies nothing.
func TestNotApproved(t *testing.T) {
	base, _, second := newAsking(t, anyRule)
	effect := base.planned(7, second)
	other := strings.Repeat("d", 40)
	yes := "domctl apply " + effect
	for name, c := range map[string]struct {
		do   func(a asking)
		want string // in the last comment of ours before the merge
	}{
		"nobody":               {func(asking) {}, ""},
		"in a quote":           {func(a asking) { a.town.say(7, "bob", "> "+yes) }, ""},
		"in code":              {func(a asking) { a.town.say(7, "bob", "```\n"+yes+"\n```") }, ""},
		"in a comment of 1 MB": {func(a asking) { a.town.say(7, "bob", yes+"\n"+strings.Repeat("x", 1<<20)) }, ""},
		"edited": {func(a asking) {
			a.town.say(7, "bob", yes)
			a.town.comments[7][0].Edited = true
		}, ""},
		"a stranger's":                        {func(a asking) { a.town.say(7, "eve", yes) }, "`eve` may not write to this repository"},
		"of one that the forge does not know": {func(a asking) { a.town.say(7, "mallory", yes) }, "`mallory` may not write"},
		"a stranger's with our marker": {func(a asking) {
			a.town.say(7, "eve", "[//]: # (domctl-answer 0123)\n\n"+yes)
		}, "`eve` may not write"},
		"the author's":                  {func(a asking) { a.town.say(7, "ann", yes) }, "`ann` wrote or pushed"},
		"the author's in other letters": {func(a asking) { a.town.say(7, "ANN", yes) }, "`ANN` wrote or pushed"},
		"a pusher's": {func(a asking) {
			p := a.town.pulls[7]
			p.Pushers = []string{"Bob", "ann"}
			a.town.pulls[7] = p
			a.town.say(7, "bob", yes)
		}, "`bob` wrote or pushed"},
		"a pusher's who pushed later": {func(a asking) {
			a.town.say(7, "bob", yes)
			a.looks()
			p := a.town.pulls[7]
			p.Pushers = []string{"bob"}
			a.town.pulls[7] = p
		}, "`bob` approved"},
		"of too few digits": {func(a asking) { a.town.say(7, "bob", yes[:len(yes)-21]) }, "at least 12 digits"},
		"without an effect": {func(a asking) { a.town.say(7, "bob", "domctl apply") }, "at least 12 digits"},
		"of another effect": {func(a asking) { a.town.say(7, "bob", "domctl apply "+strings.Repeat("0", 32)) }, "no plan of this pull request has effect `00"},
		"two commands":      {func(a asking) { a.town.say(7, "bob", yes+"\n"+yes) }, "this one holds 2"},
		"older than the plan": {func(a asking) {
			a.town.say(7, "bob", yes)
			_ = a.machine.Clock.Sleep(a.t.Context(), time.Minute)
			a.record(gitops.PullPlan{Pull: 7, Head: second, Plan: "p", Effect: effect, At: a.machine.Clock.Now()})
		}, "older than the plan"},
		"of a head that is not planned": {func(a asking) {
			a.town.open(7, other)
			a.town.say(7, "bob", yes)
		}, "which is not planned yet"},
		"of a plan that is behind": {func(a asking) {
			a.record(gitops.PullPlan{Pull: 7, Head: second, Plan: "p", Effect: effect, Behind: true})
			a.town.say(7, "bob", yes)
		}, "the branch changed the same files"},
		"a push after it": {func(a asking) {
			a.town.say(7, "bob", yes)
			a.looks()
			a.town.open(7, other)
		}, "`bob` approved"},
		"expired": {func(a asking) {
			a.town.say(7, "bob", yes)
			a.looks()
			_ = a.machine.Clock.Sleep(a.t.Context(), 8*24*time.Hour)
		}, "`bob` approved"},
		"deleted later": {func(a asking) {
			a.town.say(7, "bob", yes)
			a.looks()
			a.town.comments[7] = a.town.comments[7][1:]
		}, "`bob` approved"},
		"edited later": {func(a asking) {
			a.town.say(7, "bob", yes)
			a.looks()
			a.town.comments[7][0].Body = "Wait: " + yes
		}, "`bob` approved"},
		"rights that were taken": {func(a asking) {
			a.town.say(7, "bob", yes)
			a.looks()
			a.town.rights["bob"] = port.ReadRights
		}, "`bob` approved"},
	} {
		t.Run(name, func(t *testing.T) {
			a := base.copy()
			a.t = t
			c.do(a)
			a.looks()
			said := ""
			if all := a.town.answered(7); len(all) > 0 {
				said = all[len(all)-1]
			}
			if c.want == "" && said != "" || !strings.Contains(said, c.want) {
				t.Errorf("said %q, want %q", said, c.want)
			}
			a.merges(7, second)
			wrote := len(a.wrote())
			for range 2 {
				if got := a.looks(); got.Head.Stage != gitops.Asked || got.Head.Commit != second {
					t.Errorf("%+v", got)
				}
			}
			if len(a.wrote()) != wrote {
				t.Error("it was applied")
			}
			if n := len(a.town.answered(7)); c.want == "" && n != 1 || c.want != "" && n != 2 {
				t.Errorf("%d comments: %q", n, a.town.answered(7))
			}
			a.town.say(7, "cyd", yes)
			if got := a.looks(); got.Head.Stage != gitops.Done {
				t.Errorf("somebody else approved it after the merge: %+v, %q", got, a.town.answered(7))
			}
		})
	}
}

// TestATextThatChanges between two readings is no command, whatever the forge says.
func TestATextThatChanges(t *testing.T) {
	a, _, second := newAsking(t, anyRule)
	effect := a.planned(7, second)
	for _, first := range []string{"Looks good.", "domctl apply " + effect[:31] + "0", "domctl plan"} {
		a := a.copy()
		d := a.desk(sim.KillAfter(-1))
		edit := func(ctx context.Context, wait time.Duration) error {
			a.town.comments[7][0].Body = "domctl apply " + effect
			return a.machine.Clock.Sleep(ctx, wait)
		}
		talk := &gitops.Talk{Forge: d.Forge, Repo: d.Repo, Desks: []*gitops.Desk{d}, Now: a.machine.Clock.Now, Sleep: edit}
		a.town.say(7, "bob", first)
		for range 3 {
			if err := talk.Converse(t.Context(), *a.town.pulls[7]); err != nil {
				t.Fatal(err)
			}
			_ = edit(t.Context(), 5*time.Second)
		}
		if said := a.town.answered(7); len(said) > 0 {
			t.Errorf("%q: %q", first, said)
		}
	}
}

// TestOurOwnWord is no command, whoever uses the account.
func TestOurOwnWord(t *testing.T) {
	a, _, second := newAsking(t, anyRule)
	effect := a.planned(7, second)
	a.town.say(7, "domctl-bot", "domctl apply "+effect)
	a.looks()
	a.merges(7, second)
	if got := a.looks(); got.Head.Stage != gitops.Asked {
		t.Errorf("%+v", got)
	}
}

// TestRulesCount: how many, and whose.
func TestRulesCount(t *testing.T) {
	two := config.Rule{Name: "two", Approvals: 2, When: config.When{Kinds: []string{"hardwareTiers"}, Actions: []string{"delete"}}}
	owners := config.Rule{Name: "owners", From: []string{"Cyd"}, When: config.When{Kinds: []string{"settings"}}}
	none := config.Rule{Name: "none", Approvals: 3, When: config.When{Kinds: []string{"amis"}, Actions: []string{"archive"}}}
	base, _, second := newAsking(t, two, owners, none)
	effect := base.planned(7, second)
	for users, missing := range map[string]string{
		"":            `2 approvals of rule "two" and 1 approval of rule "owners"`,
		"bob":         `1 approval of rule "two" and 1 approval of rule "owners"`,
		"bob bob BOB": `1 approval of rule "two" and 1 approval of rule "owners"`,
		"cyd":         `1 approval of rule "two"`,
		"bob dan":     `1 approval of rule "owners"`,
		"bob cyd":     "",
	} {
		a := base.copy()
		a.t = t
		a.town.rights["dan"] = port.AdminRights
		for _, u := range strings.Fields(users) {
			a.town.say(7, u, "domctl apply "+effect)
		}
		a.looks()
		a.merges(7, second)
		got := a.looks()
		want := "applied"
		if missing != "" {
			want = "DC535: waits in pull request 7 for " + missing
		}
		if got.Head.Why != want {
			t.Errorf("%q: %q, want %q", users, got.Head.Why, want)
		}
	}
}

// TestApprovedWhileFrozen: who approves what is not applied now is told why.
func TestApprovedWhileFrozen(t *testing.T) {
	a, _, second := newAsking(t, anyRule)
	effect := a.planned(7, second)
	body := `{"until":"` + a.machine.Clock.Now().Add(time.Hour).Format(time.RFC3339) + `","why":"an audit","who":"ada"}`
	if _, err := a.machine.Store.PutIfNone(t.Context(), "freeze", []byte(body)); err != nil {
		t.Fatal(err)
	}
	a.town.say(7, "bob", "domctl apply "+effect)
	a.merges(7, second)
	a.looks()
	if said := a.last(7); !strings.Contains(said, "`bob` approved") || !strings.Contains(said, "not applied yet: the deployment is `frozen until ") {
		t.Errorf("%q", said)
	}
	if err := a.machine.Clock.Sleep(t.Context(), 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := a.looks(); got.Head.Stage != gitops.Done || got.Head.Commit != second {
		t.Errorf("%+v", got)
	}
}
