package gitops_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
)

// town is a forge in memory.
type town struct {
	now      func() time.Time
	pulls    map[int]port.Pull
	comments map[int][]port.Comment
	rights   map[string]port.Rights
	last     int
}

func newTown(now func() time.Time) *town {
	return &town{now: now, pulls: map[int]port.Pull{}, comments: map[int][]port.Comment{},
		rights: map[string]port.Rights{"domctl-bot": port.AdminRights, "ann": port.WriteRights, "bob": port.WriteRights, "cyd": port.WriteRights, "eve": port.ReadRights}}
}

func (t *town) copy(now func() time.Time) *town {
	c := *t
	c.now, c.pulls, c.rights, c.comments = now, maps.Clone(t.pulls), maps.Clone(t.rights), map[int][]port.Comment{}
	for n, all := range t.comments {
		c.comments[n] = slices.Clone(all)
	}
	return &c
}

// open opens a pull request of ann's.
func (t *town) open(number int, head string) {
	t.pulls[number] = port.Pull{Number: number, Author: "ann", Pushers: []string{"ann"}, Repo: "acme/domino", Head: "change", Base: "main", HeadCommit: head, State: port.PullOpen}
}

func (t *town) merge(number int, commit string) {
	p := t.pulls[number]
	p.State, p.MergeCommit = port.PullMerged, commit
	t.pulls[number] = p
}

func (t *town) say(number int, user, text string) string {
	t.last++
	id := strconv.Itoa(t.last)
	t.comments[number] = append(t.comments[number], port.Comment{ID: id, Author: user, Body: text, CreatedAt: t.now().Truncate(time.Second)})
	return id
}

// said are what the bot wrote, without its first line.
func (t *town) said(number int) (all []string) {
	for _, c := range t.comments[number] {
		if c.Author == "domctl-bot" {
			_, text, _ := strings.Cut(c.Body, "\n\n")
			all = append(all, text)
		}
	}
	return all
}

// seen is the town as one process sees it: every call is one to die at.
type seen struct {
	*town
	gate sim.Gate
}

func (s seen) Me(context.Context) (string, error) { return "domctl-bot", nil }

func (s seen) Pull(_ context.Context, _ string, number int) (p port.Pull, err error) {
	err = pass(s.gate, "pull", func() error {
		var there bool
		if p, there = s.pulls[number]; !there {
			return port.ErrNotFound
		}
		return nil
	})
	return p, err
}

func (s seen) Pulls(context.Context, string) ([]port.Pull, error) { panic("nobody asks it") }

func (s seen) Carried(_ context.Context, _, commit string) (all []int, err error) {
	err = pass(s.gate, "carried", func() error {
		for n, p := range s.pulls {
			if p.MergeCommit == commit {
				all = append(all, n)
			}
		}
		return nil
	})
	return all, err
}

func (s seen) Comments(_ context.Context, _ string, number int) (all []port.Comment, err error) {
	err = pass(s.gate, "comments", func() error { all = slices.Clone(s.comments[number]); return nil })
	return all, err
}

func (s seen) Comment(_ context.Context, _ string, number int, body string) (id string, err error) {
	err = pass(s.gate, "comment", func() error { id = s.say(number, "domctl-bot", body); return nil })
	return id, err
}

func (s seen) EditComment(_ context.Context, _ string, number int, id, body string) error {
	return pass(s.gate, "editComment", func() error {
		for i, c := range s.comments[number] {
			if c.ID == id {
				s.comments[number][i].Body = body
				return nil
			}
		}
		return port.ErrNotFound
	})
}

func (s seen) SetStatus(context.Context, string, string, port.CommitStatus) error {
	panic("the rig's own tells it")
}

func (s seen) Rights(_ context.Context, _, user string) (r port.Rights, err error) {
	err = pass(s.gate, "rights", func() error { r = s.rights[strings.ToLower(user)]; return nil })
	return r, err
}

func (s seen) MaxComment() int { return 65000 }

// asking is a rig with a forge, and rules.
type asking struct {
	rig
	town  *town
	rules []gitops.Rule
	file  string // Recording.File
	on    string // Approvals.OnChange
	first string // the branch's commit
}

// newAsking has first applied, and second in pull request 7 of ann's, which bob and cyd
// may approve.
func newAsking(t *testing.T, rules ...gitops.Rule) (a asking, first, second string) {
	r := newRig(t)
	first = r.commit("modern-before")
	r.turn()
	second = r.commit("modern")
	r.git("update-ref", "refs/heads/main", first)
	a = asking{rig: r, town: newTown(r.machine.Clock.Now), rules: rules, first: first}
	a.town.open(7, second)
	return a, first, second
}

var anyRule = gitops.Rule{Name: "all", When: gitops.When{Any: true}}

func (a asking) copy() asking {
	a.rig = a.rig.copy()
	a.git("update-ref", "refs/heads/main", a.first)
	a.town = a.town.copy(a.machine.Clock.Now)
	return a
}

// desk is a controller's with the rules.
func (a asking) desk(kill *sim.Kill) *gitops.Desk {
	d := a.rig.desk(kill)
	d.Bound.Rules, d.Bound.Approvals.OnChange, d.Bound.Recording.File = a.rules, a.on, a.file
	d.Forge, d.Repo = seen{a.town, kill.Gate}, "acme/domino"
	return d
}

// look is what a controller does when it looks: at a pull request's comments, then at
// the branch.
func (a asking) look(kill *sim.Kill) (gitops.Turned, error) {
	d := a.desk(kill)
	t := &gitops.Talk{Forge: d.Forge, Repo: d.Repo, Desks: []*gitops.Desk{d}, Now: a.machine.Clock.Now, Sleep: a.machine.Clock.Sleep}
	for _, n := range slices.Sorted(maps.Keys(a.town.pulls)) {
		if err := t.Converse(a.t.Context(), a.town.pulls[n]); err != nil && !errors.Is(err, gitops.ErrUnderWay) {
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
	e, shut, err := d.Open(ctx, tree, gitops.ToPlan)
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
