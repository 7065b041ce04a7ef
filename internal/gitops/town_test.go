package gitops_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
)

// newTown is a board on which ann, bob and cyd may write, and eve may read.
func newTown(r rig) *board {
	b := newBoard(r)
	b.now = r.machine.Clock.Now
	b.rights = map[string]port.Rights{"domctl-bot": port.AdminRights, "ann": port.WriteRights, "bob": port.WriteRights, "cyd": port.WriteRights, "eve": port.ReadRights}
	return b
}

// twin is the same forge for another rig.
func (b *board) twin(r rig) *board {
	c := newBoard(r)
	c.now, c.rights, c.last = r.machine.Clock.Now, maps.Clone(b.rights), b.last
	for n, p := range b.pulls {
		one := *p
		c.pulls[n] = &one
	}
	for n, all := range b.comments {
		c.comments[n] = slices.Clone(all)
	}
	return c
}

// open opens a pull request of ann's.
func (b *board) open(number int, head string) {
	b.pulls[number] = &port.Pull{Number: number, Author: "ann", Pushers: []string{"ann"}, Repo: repo, Head: "change", Base: "main", HeadCommit: head, State: port.PullOpen}
}

func (b *board) merge(number int, commit string) {
	b.pulls[number].State, b.pulls[number].MergeCommit = port.PullMerged, commit
}

func (b *board) say(number int, user, text string) string { return b.add(number, user, text) }

// answered is what the bot wrote, without its first line.
func (b *board) answered(number int) (all []string) {
	for _, c := range b.comments[number] {
		if c.Author == "domctl-bot" {
			_, text, _ := strings.Cut(c.Body, "\n\n")
			all = append(all, text)
		}
	}
	return all
}

// asking is a rig with a forge, and rules.
type asking struct {
	rig
	town  *board
	rules []config.Rule
	file  string // Recording.File
	on    string // Approvals.OnChange
	first string // the branch's commit
}

// newAsking has first applied, and second in pull request 7 of ann's, which bob and cyd
// may approve.
func newAsking(t *testing.T, rules ...config.Rule) (a asking, first, second string) {
	r := newRig(t)
	first = r.commit("modern-before")
	r.turn()
	second = r.commit("modern")
	r.git("update-ref", "refs/heads/main", first)
	a = asking{rig: r, town: newTown(r), rules: rules, first: first}
	a.town.open(7, second)
	return a, first, second
}

var anyRule = config.Rule{Name: "all", When: config.When{Any: true}}

func (a asking) copy() asking {
	a.rig = a.rig.copy()
	a.git("update-ref", "refs/heads/main", a.first)
	a.town = a.town.twin(a.rig)
	return a
}

// desk is a controller's with the rules.
func (a asking) desk(kill *sim.Kill) *gitops.Desk {
	d := a.rig.desk(kill)
	d.Bound.Rules, d.Bound.Approvals.OnChange, d.Bound.Recording.File = a.rules, a.on, a.file
	d.Forge, d.Repo = gatedForge{a.town, kill.Gate}, "acme/domino"
	return d
}

// look is what a controller does when it looks: at a pull request's comments, then at
// the branch.
func (a asking) look(kill *sim.Kill) (gitops.Turned, error) {
	d := a.desk(kill)
	t := &gitops.Talk{Forge: d.Forge, Repo: d.Repo, Desks: []*gitops.Desk{d}, Now: a.machine.Clock.Now, Sleep: a.machine.Clock.Sleep}
	for _, n := range slices.Sorted(maps.Keys(a.town.pulls)) {
		if err := t.Converse(a.t.Context(), *a.town.pulls[n]); err != nil && !errors.Is(err, gitops.ErrUnderWay) {
			return gitops.Turned{}, err
		}
	}
	return d.Turn(a.t.Context())
}

func (a asking) looks() gitops.Turned {
	a.t.Helper()
	got, err := a.look(sim.KillAfter(-1))
	if err != nil {
		a.t.Fatal(err)
	}
	return got
}

// planned does what the controller does about pull requests: it plans the head, and
// keeps what the plan would do.
func (a asking) planned(number int, commit string) (effect string) {
	a.t.Helper()
	ctx := a.t.Context()
	d := a.desk(sim.KillAfter(-1))
	a.git("update-ref", "refs/heads/change", commit)
	if _, err := d.Source.Head(ctx, "change"); err != nil {
		a.t.Fatal(err)
	}
	tree, back, err := d.Source.Tree(ctx, commit)
	if err != nil {
		a.t.Fatal(err)
	}
	defer back()
	e, shut, err := d.Open(ctx, tree, config.ToPlan)
	if err != nil {
		a.t.Fatal(err)
	}
	defer shut()
	p, err := e.Plan(ctx, engine.PlanOptions{Allow: []string{"archive"}})
	if err != nil {
		a.t.Fatal(err)
	}
	a.record(gitops.PullPlan{Pull: number, Head: commit, Plan: p.ID, Effect: p.Effect, At: a.machine.Clock.Now()})
	return p.Effect
}

// record replaces the record of a pull request's plan.
func (a asking) record(p gitops.PullPlan) {
	a.t.Helper()
	ctx, key := a.t.Context(), fmt.Sprint("gitops/pulls/", p.Pull)
	p.Nonce = fmt.Sprint(a.machine.Clock.Now().UnixNano())
	body, err := json.Marshal(p)
	if err != nil {
		a.t.Fatal(err)
	}
	var store applier.Store = a.machine.Store
	_, etag, err := store.Get(ctx, key)
	if err != nil {
		_, err = store.PutIfNone(ctx, key, body)
	} else {
		_, err = store.PutIfMatch(ctx, key, body, etag)
	}
	if err != nil {
		a.t.Fatal(err)
	}
}

// merges moves the branch to a commit, by a pull request.
func (a asking) merges(number int, commit string) {
	a.git("update-ref", "refs/heads/main", commit)
	a.town.merge(number, commit)
}
