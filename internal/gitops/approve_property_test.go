package gitops_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
)

// TestWhateverPeopleDo: pull requests of several people that are pushed to and merged,
// approvals by all sorts of people, rights that come and go, and controllers that look
// or die. Of what a rule guards, nothing is applied but what enough others approved as
// it was merged, and no approval is used twice. In the end, everybody having approved,
// the newest commit is applied.
func TestWhateverPeopleDo(t *testing.T) {
	base, first, _ := newAsking(t)
	base.git("checkout", "-q", "-f", "-B", "main", first)
	var commits []string // each is a pull request's, prepared, so that a case costs no compile
	for i := range 4 {
		commits = append(commits, base.commit([]string{"modern", "modern-before"}[i%2], "package domino", fmt.Sprint("package domino // ", i)))
		base.planned(90+i, commits[i])
	}
	authors := []string{"ann", "bob", "cyd", "dan"}
	applies := 0
	rapid.Check(t, func(rt *rapid.T) {
		rule := config.Rule{Name: "some", Approvals: rapid.IntRange(1, 2).Draw(rt, "approvals"), When: config.When{Any: true}}
		a := base.copy()
		a.rules = []config.Rule{rule}
		a.town.pulls = map[int]*port.Pull{}
		a.town.rights["dan"] = port.WriteRights
		at, opened, pushes := -1, -1, 0
		yes := map[string]string{} // comment → who meant which effect
		open := func() {
			if opened == at && at < len(commits)-1 {
				opened++
				n := 10 + opened
				a.town.open(n, commits[opened])
				p := a.town.pulls[n]
				p.Author, p.Pushers = authors[opened], []string{authors[opened]}
				a.town.pulls[n] = p
				a.planned(n, commits[opened])
			}
		}
		merge := func() {
			if opened > at {
				at = opened
				a.merges(10+at, commits[at])
			}
		}
		approve := func() {
			if opened < 0 {
				return
			}
			n := 10 + opened
			r, there, err := gitops.ReadPullPlan(t.Context(), a.machine.Store, n)
			if err != nil || !there {
				rt.Fatal(err)
			}
			effect := r.Effect
			if h := a.head(); h.Stage == gitops.Asked && h.Pull == n {
				effect = h.Effect
			}
			for range rapid.IntRange(1, 3).Draw(rt, "people") {
				user := rapid.SampledFrom([]string{"ann", "bob", "cyd", "dan", "BOB"}).Draw(rt, "user")
				text := rapid.SampledFrom([]string{"domctl apply %s", "Yes\n\ndomctl apply %s", "domctl apply %s\n", "> domctl apply %s", "```\ndomctl apply %s\n```"}).Draw(rt, "text")
				yes[a.town.say(n, user, fmt.Sprintf(text, effect))] = user
			}
		}
		look := func(kill *sim.Kill) {
			_, _ = a.look(kill)
			_ = a.machine.Clock.Sleep(t.Context(), time.Minute)
		}
		events := []string{"open", "merge", "approve", "look", "die", "push", "force", "rights", "edit"}
		usual := []string{"open", "approve", "approve", "look", "merge", "look", "approve", "look"}
		for i := range rapid.IntRange(4, 40).Draw(rt, "events") {
			event := usual[i%len(usual)]
			if rapid.IntRange(0, 3).Draw(rt, "odd") == 0 {
				event = rapid.SampledFrom(events).Draw(rt, "event")
			}
			switch event {
			case "open":
				open()
			case "merge":
				merge()
			case "approve":
				approve()
			case "look":
				look(sim.KillAfter(-1))
			case "die":
				look(sim.KillAfter(rapid.IntRange(0, 450).Draw(rt, "after")))
			case "push": // another head that gives the same, as one with another message
				if opened > at {
					n := 10 + opened
					pushes++
					p := a.town.pulls[n]
					p.HeadCommit, p.Pushers = fmt.Sprintf("%040d", pushes), append(slices.Clone(p.Pushers), rapid.SampledFrom(authors).Draw(rt, "pusher"))
					a.town.pulls[n] = p
					if rapid.Bool().Draw(rt, "planned") {
						r, _, _ := gitops.ReadPullPlan(t.Context(), a.machine.Store, n)
						r.Head, r.At = p.HeadCommit, a.machine.Clock.Now()
						a.record(r)
					}
				}
			case "force": // the branch goes back to what it was
				if at > 0 {
					back := rapid.IntRange(0, at).Draw(rt, "back")
					a.git("update-ref", "refs/heads/main", commits[back])
					look(sim.KillAfter(-1))
					a.git("update-ref", "refs/heads/main", commits[at])
				}
			case "rights":
				u := rapid.SampledFrom(authors).Draw(rt, "whose")
				a.town.rights[u] = rapid.SampledFrom([]port.Rights{port.ReadRights, port.WriteRights, port.WriteRights}).Draw(rt, "rights")
			case "edit":
				if opened >= 0 {
					for i, c := range a.town.comments[10+opened] {
						if yes[c.ID] != "" && rapid.Bool().Draw(rt, "edited") {
							a.town.comments[10+opened][i].Edited = true
						}
					}
				}
			}
		}
		applies += a.holds(rt, rule)
		open()
		merge()
		a.end(rt, commits[at], at)
		a.holds(rt, rule)
	})
	if t.Logf("%d applies among the events", applies); applies == 0 && !t.Failed() {
		t.Error("nothing was ever applied")
	}
}

// head is the record of it.
func (a asking) head() (h gitops.Head) {
	a.t.Helper()
	body, _, err := a.machine.Store.Get(a.t.Context(), "gitops/head")
	if err == nil {
		err = json.Unmarshal(body, &h)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return h
}

// holds looks at every apply that there was: who approved it, and whether they may.
func (a asking) holds(rt *rapid.T, rule config.Rule) (applies int) {
	taken := map[string]string{}
	for _, id := range a.ids() {
		s := a.summary(id)
		if s.Plan == nil || s.Plan.Source.Commit == a.first {
			continue // it never began, or came before the rules
		}
		u, there, err := gitops.ReadUsed(a.t.Context(), a.machine.Store, id)
		if err != nil || !there {
			rt.Fatalf("%s was applied by nobody's approval, %v", id, err)
		}
		pull := port.Pull{}
		for _, p := range a.town.pulls {
			if p.MergeCommit == s.Plan.Source.Commit {
				pull = *p
			}
		}
		applies++
		people := map[string]bool{}
		for _, one := range u.Approvals {
			if taken[one.Comment] != "" {
				rt.Fatalf("comment %s approved %s and %s", one.Comment, taken[one.Comment], id)
			}
			taken[one.Comment] = id
			who := strings.ToLower(one.User)
			if one.Pull != pull.Number || one.Head != pull.HeadCommit || one.Effect != s.Plan.Effect || who == pull.Author || slices.Contains(pull.Pushers, who) || who == "" {
				rt.Fatalf("%s was approved by %+v, of %+v", id, one, pull)
			}
			people[who] = true
		}
		if len(people) < rule.Approvals {
			rt.Fatalf("%s was approved by %v", id, people)
		}
	}
	return applies
}

// end lets everybody approve until all is done.
func (a asking) end(rt *rapid.T, commit string, at int) {
	for _, u := range []string{"ann", "bob", "cyd", "dan", "fay", "gus", "hal"} {
		a.town.rights[u] = port.WriteRights
	}
	var got gitops.Turned
	for range 6 {
		got = a.looks()
		_ = a.machine.Clock.Sleep(a.t.Context(), 2*time.Hour)
		if got.Head.Stage == gitops.Asked {
			for _, u := range []string{"fay", "gus", "hal"} {
				a.town.say(10+at, u, "domctl apply "+got.Head.Effect)
			}
		}
	}
	if got.Head.Stage != gitops.Done || got.Head.Commit != commit {
		rt.Fatalf("%+v, want %s", got, commit)
	}
}
