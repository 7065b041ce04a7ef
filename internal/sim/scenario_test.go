package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"domctl.dev/schema"
)

// scenario is one seed's history before it happens. Its parts are numbered over
// all lists, so that a shrunk one is told by the numbers left out.
type scenario struct {
	seed  uint64
	deck  int
	world string // the fixture
	// Parts that can be left out.
	objects []schema.Address // desired
	lives   []life
	faults  []fault
	edits   []edit
	back    bool // at the end all is taken back, else brought to what is desired
}

// life is one process: of which holder, and what it is started for.
type life struct {
	holder int
	act    string
	after  time.Duration // the pause before it
}

// fault strikes a process at its n-th side of a call, or at the first after it
// that can suffer it.
type fault struct {
	life, call int
	kind       string
	by         time.Duration
}

// edit is made by hand when so many sides of calls have passed.
type edit struct {
	at   int
	kind string
}

// deck is what a seed's lives are drawn from. A seed that once failed keeps the
// deck that it failed with.
type deck struct {
	acts   []string
	lives  int      // at most
	worlds []string // one of them is drawn
}

func decks() []deck {
	return []deck{
		{[]string{"apply", "apply", "apply", "resume", "resume", "rollback", "supersede", "break"}, 4, []string{"classic", "modern", "modern", "modern"}},
		{[]string{"apply", "apply", "apply", "resume", "resume", "rollback", "rollback", "rollback-older", "rollback-part", "rename", "rename", "supersede", "break",
			"foreign", "lose"}, 5, []string{"classic", "modern", "modern", "modern"}},
		{[]string{"apply", "apply", "apply", "resume", "resume", "rollback", "rollback", "rollback-older", "rollback-part", "rename", "rename", "supersede", "break",
			"foreign", "lose"}, 5, []string{"classic", "modern", "modern", "baking"}},
		{[]string{"apply", "apply", "apply", "resume", "resume", "rollback", "rollback", "rollback-older", "rollback-part", "rename", "rename", "supersede", "break",
			"foreign", "lose"}, 5, []string{"modern", "baking", "spreading", "sharing"}},
		{[]string{"apply", "apply", "apply", "resume", "resume", "rollback", "rollback", "rollback-older", "rollback-part", "rename", "rename", "supersede", "break",
			"foreign", "lose"}, 5, []string{"classic", "modern", "modern", "modern", "baking", "spreading", "sharing", "template"}},
		{[]string{"apply", "apply", "apply", "resume", "resume", "rollback", "rollback", "rollback-older", "rollback-part", "rename", "rename", "supersede", "break",
			"foreign", "lose"}, 5, []string{"classic", "modern", "modern", "building", "building", "baking", "spreading", "sharing", "template"}},
		{[]string{"apply", "apply", "apply", "resume", "resume", "rollback", "rollback", "rollback-older", "rollback-part", "rename", "rename", "supersede", "break",
			"foreign", "lose"}, 5, []string{"classic", "modern", "modern", "building", "building", "defaults", "baking", "spreading", "sharing", "template"}},
		{[]string{"apply", "apply", "apply", "resume", "resume", "rollback", "rollback", "rollback-older", "rollback-part", "supersede", "break", "lose"}, 5, []string{"rolling"}},
	}
}

// faultKinds with how often they are drawn.
func faultKinds() []string {
	return []string{"kill", "kill", "kill", "kill-after", "kill-after", "kill-late", "stall", "stall", "lost", "lost", "late", "late", "fail",
		"throttled", "denied", "lag", "lag", "interrupt"}
}

func editKinds() []string {
	return []string{"unmanaged-tier", "unmanaged-setting", "tier", "setting", "size", "environment", "removed"}
}

// disturbs says that an edit is of what domctl manages.
func (e edit) disturbs() bool { return !strings.HasPrefix(e.kind, "unmanaged") }

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func seconds(r *rand.Rand, from ...int) time.Duration {
	return time.Duration(pick(r, from)) * time.Second
}

// draw makes the scenario of a seed, by a deck's number.
func draw(seed uint64, n int, all map[string][]schema.Address) scenario {
	r := rand.New(rand.NewPCG(seed, 1))
	deck := decks()[n]
	s := scenario{seed: seed, deck: n, back: r.IntN(2) == 0}
	s.world = deck.worlds[r.IntN(len(deck.worlds))]
	for _, a := range all[s.world] {
		if r.IntN(5) > 0 {
			s.objects = append(s.objects, a)
		}
	}
	holders := 1 + r.IntN(2)
	for range 1 + r.IntN(deck.lives) {
		s.lives = append(s.lives, life{r.IntN(holders), pick(r, deck.acts), seconds(r, 0, 0, 1, 30, 100, 300)})
	}
	s.lives[0].act = "apply"
	for range r.IntN(5) {
		f := fault{life: r.IntN(len(s.lives)), call: r.IntN(300), kind: pick(r, faultKinds())}
		f.by = seconds(r, 1, 5, 20, 28, 35, 40)
		if f.kind == "stall" {
			f.by = seconds(r, 1, 20, 50, 70, 130, 400)
		}
		s.faults = append(s.faults, f)
	}
	for range max(0, r.IntN(5)-2) {
		s.edits = append(s.edits, edit{r.IntN(600), pick(r, editKinds())})
	}
	if s.world == "rolling" { // which has nothing that is edited
		s.edits = nil
	}
	return s
}

// parts counts what can be left out.
func (s scenario) parts() int { return len(s.objects) + len(s.lives) + len(s.faults) + len(s.edits) }

// without leaves parts out by number. A life that is left out takes no faults
// along: they strike nothing.
func (s scenario) without(drop []int) scenario {
	n := 0
	gone := func() bool { n++; return slices.Contains(drop, n-1) }
	keepObjects := slices.DeleteFunc(slices.Clone(s.objects), func(schema.Address) bool { return gone() })
	lives := slices.Clone(s.lives)
	for i := range lives {
		if gone() {
			lives[i].act = "rest"
		}
	}
	s.lives = lives
	s.faults = slices.DeleteFunc(slices.Clone(s.faults), func(fault) bool { return gone() })
	s.edits = slices.DeleteFunc(slices.Clone(s.edits), func(edit) bool { return gone() })
	s.objects = keepObjects
	return s
}

// disturbed says that someone edits by hand what domctl manages.
func (s scenario) disturbed() bool { return slices.ContainsFunc(s.edits, edit.disturbs) }

func (s scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %s, back %v\n", s.seed, s.world, s.back)
	for _, a := range s.objects {
		fmt.Fprintf(&b, "  desired %s\n", a)
	}
	for i, l := range s.lives {
		fmt.Fprintf(&b, "  life %d: holder %d waits %s, then %s\n", i, l.holder, l.after, l.act)
	}
	for _, f := range s.faults {
		fmt.Fprintf(&b, "  life %d from side %d: %s (%s)\n", f.life, f.call, f.kind, f.by)
	}
	for _, e := range s.edits {
		fmt.Fprintf(&b, "  after %d sides: edit %s\n", e.at, e.kind)
	}
	return b.String()
}
