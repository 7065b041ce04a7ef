package sim

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
)

// scheduler lets the sides of calls pass one at a time: when every goroutine
// rests, it draws which of the waiting sides goes on. So a seed has one history.
type scheduler struct {
	random *rand.Rand
	faults []fault
	edits  []edit
	edit   func(kind string)

	mu      sync.Mutex
	waiting []*side
	arrived chan struct{}
	lives   map[int]*process
	steps   int
	trace   []string
}

// side is one side of a call that waits to pass.
type side struct {
	life  int
	call  string
	phase sandbox.Phase
	pass  chan error
}

// process is what the scheduler knows of a life.
type process struct {
	dead      bool
	sides     int
	lagUntil  time.Time
	interrupt func()
}

func newScheduler(s scenario, edit func(string)) *scheduler {
	return &scheduler{random: rand.New(rand.NewPCG(s.seed, 2)), faults: slices.Clone(s.faults), edits: slices.Clone(s.edits), edit: edit,
		arrived: make(chan struct{}, 1), lives: map[int]*process{}}
}

// gate is the Gate of one life.
func (s *scheduler) gate(life int) Gate {
	return func(call string, phase sandbox.Phase) error {
		w := &side{life, call, phase, make(chan error, 1)}
		s.mu.Lock()
		s.waiting = append(s.waiting, w)
		s.mu.Unlock()
		s.wake()
		err := <-w.pass
		if stall := (*stall)(nil); errors.As(err, &stall) {
			time.Sleep(stall.by)
			return nil
		}
		return err
	}
}

type stall struct{ by time.Duration }

func (*stall) Error() string { return "stalled" }

func (s *scheduler) wake() {
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}

// run lets sides pass until done is closed.
func (s *scheduler) run(done <-chan struct{}) {
	for {
		synctest.Wait()
		if group := s.next(); group != nil {
			s.pass(group)
			continue
		}
		select {
		case <-done:
			return
		case <-s.arrived:
		}
	}
}

// next draws one of the waiting sides, with those that cannot be told from it.
func (s *scheduler) next() (group []*side) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return nil
	}
	key := func(w *side) string { return fmt.Sprint(w.life, " ", w.call, " ", w.phase) }
	slices.SortStableFunc(s.waiting, func(a, b *side) int { return cmp.Compare(key(a), key(b)) })
	keys := []string{}
	for _, w := range s.waiting {
		if k := key(w); len(keys) == 0 || keys[len(keys)-1] != k {
			keys = append(keys, k)
		}
	}
	chosen := pick(s.random, keys)
	s.waiting = slices.DeleteFunc(s.waiting, func(w *side) bool {
		if key(w) == chosen {
			group = append(group, w)
			return true
		}
		return false
	})
	return group
}

// pass lets a group go on, with the fault that is due.
func (s *scheduler) pass(group []*side) {
	s.steps++
	for len(s.edits) > 0 {
		i := slices.IndexFunc(s.edits, func(e edit) bool { return e.at <= s.steps })
		if i < 0 {
			break
		}
		s.trace = append(s.trace, "edit "+s.edits[i].kind)
		s.edit(s.edits[i].kind)
		s.edits = slices.Delete(s.edits, i, i+1)
	}
	w := group[0]
	p := s.lives[w.life]
	p.sides++
	err := s.fate(p, w)
	if w.phase == sandbox.Before || err != nil {
		s.trace = append(s.trace, strings.TrimSpace(fmt.Sprintf("%s life %d %s %s %s", time.Now().Format("15:04:05"), w.life, w.phase, w.call, text(err))))
	}
	for _, w := range group {
		w.pass <- err
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return "→ " + err.Error()
}

// fate is what becomes of a side: nil passes.
func (s *scheduler) fate(p *process, w *side) error {
	if p.dead {
		return ErrKilled
	}
	for i, f := range s.faults {
		if f.life == w.life && f.call <= p.sides && f.strikes(w) {
			s.faults = slices.Delete(s.faults, i, i+1)
			return s.strike(p, f)
		}
	}
	return nil
}

func (w *side) outside() bool { return !strings.Contains(w.call, " ") }
func (w *side) write() bool {
	return isWrite(w.call) || strings.HasPrefix(w.call, "put") || strings.HasPrefix(w.call, "delete")
}

// strikes says whether a side can suffer the fault.
func (f fault) strikes(w *side) bool {
	switch f.kind {
	case "kill-late", "late":
		return w.phase == sandbox.Before && w.write()
	case "kill-after", "lost":
		return w.phase == sandbox.After
	case "throttled", "denied":
		return w.phase == sandbox.Before && w.outside()
	}
	return w.phase == sandbox.Before
}

func (s *scheduler) strike(p *process, f fault) error {
	switch f.kind {
	case "kill", "kill-after":
		p.dead = true
		return ErrKilled
	case "kill-late":
		p.dead = true
		return &Late{f.by, true}
	case "late":
		return &Late{By: f.by}
	case "stall":
		return &stall{f.by}
	case "lost", "fail":
		return errors.New("the connection was closed")
	case "throttled":
		return port.ErrThrottled
	case "denied":
		return port.ErrDenied
	case "lag":
		p.lagUntil = time.Now().Add(40 * time.Second)
	case "interrupt":
		p.interrupt()
	}
	return nil
}
