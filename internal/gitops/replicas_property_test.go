package gitops_test

import (
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
)

// TestReplicasWhateverHappens: replicas that die anywhere, lose their leases, stand still
// past them and go on, begin and end, in any order, while pull requests are pushed to,
// approved and merged. In the end each pull request shows its plan, in one comment, and
// what the branch was moved to last was applied, once, and nothing twice.
func TestReplicasWhateverHappens(t *testing.T) {
	seeds := int64(9)
	if testing.Short() {
		seeds = 3
	}
	deaths := 0
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &shift{duty: newDuty(t), rnd: rand.New(rand.NewSource(seed)), stands: seed%3 == 2}
				h.begin()
				for range 10 + h.rnd.Intn(30) {
					h.event()
					wait(time.Duration(h.rnd.Intn(90_000)) * time.Millisecond)
				}
				h.over()
				deaths += h.deaths
			})
		})
	}
	if t.Logf("%d deaths", deaths); deaths < int(seeds) {
		t.Errorf("only %d deaths", deaths)
	}
}

// shift is a duty that replicas come to and leave.
type shift struct {
	*duty
	rnd    *rand.Rand
	on     []*proc
	still  []func()
	stands bool // some stand still
	open   int  // the pull request at work
	heads  int
	merged []string
	deaths int
	ended  []*proc
}

func (h *shift) begin() { h.on = append(h.on, h.replica().run(h.t.Context())) }

func (h *shift) some() *proc { return h.on[h.rnd.Intn(len(h.on))] }

func (h *shift) event() {
	switch h.rnd.Intn(11) {
	case 0, 1:
		h.push()
	case 2:
		h.approve()
	case 3:
		h.mayMerge()
	case 4:
		if len(h.on) < 3 {
			h.begin()
		}
	case 5, 6: // soon, or in the midst of what comes
		h.some().dies(h.rnd.Intn(120))
	case 7:
		h.some().diesAt([]string{"comment", "status", "UpdateOne", "edit"}[h.rnd.Intn(4)])
	case 8:
		for _, s := range h.some().seats {
			s.off.Store(h.rnd.Intn(2) == 0)
		}
	case 9:
		if h.stands {
			if p := h.some(); p.stood == nil {
				h.still = append(h.still, p.stops())
			}
		}
	default:
		h.some().Look("domino", "main")
	}
	if len(h.still) > 0 && h.rnd.Intn(4) == 0 {
		h.goOn()
	}
	h.bury()
}

func (h *shift) goOn() {
	for _, goesOn := range h.still {
		goesOn()
	}
	h.still = nil
}

// bury takes away who is dead; there is always one on duty.
func (h *shift) bury() {
	h.on = slices.DeleteFunc(h.on, func(p *proc) bool {
		if p.dead() {
			h.deaths++
			h.ended = append(h.ended, p)
		}
		return p.dead()
	})
	if len(h.on) == 0 {
		h.begin()
	}
}

func (h *shift) push() {
	if h.open == 0 || h.pulls[h.open].State != port.PullOpen {
		if h.open++; h.open > 3 {
			h.open--
			return
		}
	}
	h.heads++
	h.branch(h.open, "cores: 2", fmt.Sprint("cores: ", 2+h.heads))
}

// mayMerge merges what is open, once its newest commit is planned.
func (h *shift) mayMerge() {
	p := h.pulls[h.open]
	if p == nil || p.State != port.PullOpen {
		return
	}
	if rec := h.record(h.open); rec.Told && rec.Head == p.HeadCommit {
		h.merge(h.open)
		h.merged = append(h.merged, p.HeadCommit)
	}
}

func (h *shift) approve() {
	if h.open == 0 {
		return
	}
	effect := h.record(h.open).Effect
	if head := h.head(); head.Stage == gitops.Asked && head.Pull == h.open {
		effect = head.Effect
	}
	if effect != "" {
		h.says(h.open, "bob", "domctl apply "+effect)
	}
}

// over lets one replica come to the end of all, and holds what there is then.
func (h *shift) over() {
	h.goOn()
	for _, p := range h.on {
		p.dies(0)
	}
	h.bury()
	last := h.on[0]
	if h.open == 0 {
		h.push()
	}
	for range 5 {
		wait(10 * time.Minute)
		if h.mayMerge(); h.head().Stage == gitops.Asked {
			h.approve()
		}
	}
	for _, p := range append(h.ended, last) {
		p.end()
	}
	t, commit := h.t, h.merged[len(h.merged)-1]
	if head := h.head(); head.Stage != gitops.Done || head.Commit != commit {
		t.Errorf("%+v, want %s\n%s", head, commit, &last.log)
	}
	applied := h.applied()
	for i, c := range applied {
		if c != h.first && !slices.Contains(h.merged, c) || slices.Index(applied, c) != i {
			t.Errorf("applied %s, merged %s", applied, h.merged)
		}
	}
	if applied[len(applied)-1] != commit {
		t.Errorf("applied %s, want %s last", applied, commit)
	}
	if h.stands {
		return
	}
	for _, n := range slices.Sorted(maps.Keys(h.pulls)) {
		h.shows(n)
	}
}

// shows holds what a pull request shows. Who stood still may have said what it was about
// to say.
func (h *shift) shows(n int) {
	said := map[string]int{}
	for _, text := range h.said(n) {
		if first, _, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "[//]: # (") {
			said[first]++
		}
	}
	for first, times := range said {
		if strings.Contains(first, "domctl-replaced") || times > 1 {
			h.t.Errorf("%d: %q is there %d times", n, first, times)
		}
	}
	plans, _ := h.plans(n)
	if rec, p := h.record(n), h.pulls[n]; len(plans) != 1 || !strings.Contains(plans[0], rec.Effect) || rec.Head != p.HeadCommit || !rec.Told || rec.State != port.PullMerged {
		h.t.Errorf("%d at %s: %d plans, %+v", n, p.HeadCommit, len(plans), rec)
	}
}
