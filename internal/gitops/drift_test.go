package gitops_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
)

// touch changes the first thing that a pattern finds in the outside, as somebody else
// would.
func (r rig) touch(pattern, to string) {
	r.t.Helper()
	old := string(r.machine.Box.Content())
	at := regexp.MustCompile(pattern).FindStringIndex(old)
	if at == nil {
		r.t.Fatalf("nothing outside is %s", pattern)
	}
	if err := r.machine.Box.Replace([]byte(old[:at[0]] + to + old[at[1]:])); err != nil {
		r.t.Fatal(err)
	}
}

// TestDrift: what somebody else changed is recorded, and told once, by any controller;
// again when it went and came back.
func TestDrift(t *testing.T) {
	r, people := newRig(t), &room{}
	desk := func(k int) *gitops.Desk {
		d := r.desk(sim.KillAfter(k))
		d.Bound.Drift = config.Watch{Every: time.Hour, Tell: []string{"notify"}}
		d.Audiences = []gitops.Audience{{Name: "all", To: people}}
		return d
	}
	look := func() gitops.Drift {
		t.Helper()
		if _, err := desk(-1).Watch(t.Context()); err != nil {
			t.Fatal(err)
		}
		is, _, err := gitops.ReadDrift(t.Context(), r.machine.Store)
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	pass := func(d time.Duration) {
		if err := r.machine.Clock.Sleep(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if is := look(); !is.At.IsZero() {
		t.Errorf("nothing was applied, and it looked: %+v", is)
	}
	commit := r.commit("modern")
	r.turn()
	calm := look()
	if calm.Commit != commit || calm.Key != "" || len(calm.Changes) != 0 || !calm.Since.IsZero() || len(people.all()) != 0 {
		t.Fatalf("after an apply: %+v, told %q", calm, people.all())
	}
	r.touch(`"[$]numberDouble": "2.0"`, `"$numberDouble": "3.0"`)
	if is := look(); is.At != calm.At {
		t.Error("it looks again at once")
	}
	pass(time.Hour)
	before := len(r.machine.Effects)
	seen := look()
	if seen.Key == "" || len(seen.Changes) != 1 || seen.Changes[0].Address.String() != "hardwareTiers.small" || !slices.Equal(seen.Changes[0].Fields, []string{"cores"}) || seen.Changes[0].Reason == "" {
		t.Fatalf("%+v", seen)
	}
	pass(time.Hour)
	again := look()
	if again.Key != seen.Key || again.Since != seen.At || again.At == seen.At {
		t.Errorf("%+v", again)
	}
	for k := range 40 { // a controller that dies anywhere tells nothing twice
		pass(time.Hour)
		_, _ = desk(k).Watch(t.Context())
	}
	if got := people.all(); !slices.Equal(got, []string{"drift"}) {
		t.Errorf("told %q", got)
	}
	r.touch(`"[$]numberDouble": "3.0"`, `"$numberDouble": "2.0"`)
	pass(time.Hour)
	if gone := look(); gone.Key != "" || !gone.Since.IsZero() {
		t.Errorf("%+v", gone)
	}
	r.touch(`"[$]numberDouble": "2.0"`, `"$numberDouble": "3.0"`)
	pass(time.Hour)
	look()
	if got := people.all(); !slices.Equal(got, []string{"drift", "drift"}) {
		t.Errorf("told %q", got)
	}
	if len(r.machine.Effects) != before {
		t.Error("a look wrote outside")
	}
	body, _, err := r.machine.Store.Get(t.Context(), "gitops/drift")
	if err != nil || strings.Contains(string(body), "canary") {
		t.Errorf("%s, %v", body, err)
	}
}

// TestDriftBesideAnApply: while an apply is under way nobody looks, and what a Turn
// changed during a look makes it void.
func TestDriftBesideAnApply(t *testing.T) {
	r := newRig(t)
	r.commit("modern-before")
	r.turn()
	r.commit("modern")
	if _, err := r.desk(sim.KillAfter(150)).Turn(t.Context()); err == nil {
		t.Fatal("it was not killed")
	}
	d := r.desk(sim.KillAfter(-1))
	d.Bound.Drift.Every = time.Hour
	if next, err := d.Watch(t.Context()); err != nil || next > time.Minute {
		t.Errorf("%s, %v", next, err)
	}
	if _, there, err := gitops.ReadDrift(t.Context(), r.machine.Store); there || err != nil {
		t.Errorf("it looked at half an apply, %v", err)
	}
	r.turn()
	d.Source = swayed{d.Source, func() { put(t, r.machine.Store, "gitops/head", `{"commit":"x","stage":"applying","nonce":"y"}`) }}
	if _, err := d.Watch(t.Context()); err != nil {
		t.Error(err)
	}
	if _, there, err := gitops.ReadDrift(t.Context(), r.machine.Store); there || err != nil {
		t.Errorf("it believed what an apply changed under its eyes, %v", err)
	}
}

// swayed is a source while whose tree is written something happens.
type swayed struct {
	gitops.Source
	then func()
}

func (s swayed) Tree(ctx context.Context, commit string) (gitops.Tree, func(), error) {
	s.then()
	return s.Source.Tree(ctx, commit)
}

// tracker keeps issues, and can be one where a process dies: before what it does, or
// after.
type tracker struct {
	all  map[string]port.Issue
	open map[string]bool
	n    int // of issues that were ever opened
	die  int // 1 before, 2 after the next write
}

func (k *tracker) OpenIssues(context.Context, string) (all []port.Issue, err error) {
	for _, id := range slices.Sorted(maps.Keys(k.open)) {
		all = append(all, k.all[id])
	}
	return all, nil
}

func (k *tracker) NewIssue(_ context.Context, _, title, body string) (string, error) {
	id := fmt.Sprint(k.n + 1)
	return id, k.write(func() { k.n++; k.all[id], k.open[id] = port.Issue{ID: id, Title: title, Body: body}, true })
}

func (k *tracker) EditIssue(_ context.Context, _ string, i port.Issue, open bool) error {
	return k.write(func() {
		k.all[i.ID] = i
		if delete(k.open, i.ID); open {
			k.open[i.ID] = true
		}
	})
}

func (k *tracker) write(do func()) error {
	die := k.die
	k.die = 0
	if die != 1 {
		do()
	}
	if die != 0 {
		return errors.New("it died")
	}
	return nil
}

// TestDriftIssue: one issue a deployment, whoever dies between: changed with the drift,
// and closed when it is gone.
func TestDriftIssue(t *testing.T) {
	r := newRig(t)
	r.commit("modern")
	r.turn()
	k := &tracker{all: map[string]port.Issue{}, open: map[string]bool{}}
	look := func() {
		t.Helper()
		for range 3 { // the first may die, the others see to what it left
			if err := r.machine.Clock.Sleep(t.Context(), 20*time.Minute); err != nil {
				t.Fatal(err)
			}
			d := r.desk(sim.KillAfter(-1))
			d.Bound.Drift, d.Issues = config.Watch{Every: 10 * time.Minute, Tell: []string{"issue"}}, gitops.Issues{Tracker: k, Repo: "acme/domino"}
			_, _ = d.Watch(t.Context())
		}
	}
	look()
	if k.n != 0 {
		t.Fatal("there is no drift, and an issue")
	}
	const was, is = `"[$]numberDouble": "2.0"`, `"[$]numberDouble": "3.0"`
	for round, die := range []int{0, 1, 2} {
		k.die = die
		r.touch(was, `"$numberDouble": "3.0"`)
		look()
		if k.n != round+1 || len(k.open) != 1 {
			t.Fatalf("round %d: %d issues, %d open", round, k.n, len(k.open))
		}
		for id := range k.open {
			if body := k.all[id].Body; !strings.Contains(body, "\nhardwareTiers.small  update: ") || !strings.Contains(body, "(cores)") {
				t.Errorf("%s", body)
			}
		}
		k.die = die
		r.touch(is, `"$numberDouble": "2.0"`)
		look()
		if k.n != round+1 || len(k.open) != 0 {
			t.Fatalf("round %d: %d issues, %d open, at its end", round, k.n, len(k.open))
		}
	}
}
