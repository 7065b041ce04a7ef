package sandbox

import (
	"context"
	"sync"
	"sync/atomic"
)

// remembered is how many states a lagging read can reach back to.
const remembered = 64

// backing is where a world's state is kept.
type backing interface {
	load() (*state, error)
	// update replaces the state by what f makes of it, alone among all
	// writers; f answers nil when nothing changed.
	update(ctx context.Context, f func(*state) (*state, error)) error
	// before is the state before the last n updates through this backing.
	before(n int) *state
	// clock is that of the state that was read or written last; it takes no lock.
	clock() *course
	parses() int
}

// history holds the latest state, and those that writes have replaced.
type history struct {
	latest *state
	past   []*state // oldest first
	runs   atomic.Pointer[course]
}

func (h *history) clock() *course { return h.runs.Load() }

// set is what others wrote.
func (h *history) set(s *state) {
	h.latest = s
	h.runs.Store(s.clock)
}

func (h *history) push(s *state) {
	h.past = append(h.past, h.latest)
	if len(h.past) > remembered {
		h.past = h.past[1:]
	}
	h.set(s)
}

func (h *history) before(n int) *state {
	if n = min(n, len(h.past)); n == 0 {
		return h.latest
	}
	return h.past[len(h.past)-n]
}

// Memory keeps a sandbox in memory, for simulations: several Worlds, each with
// its own options, can share one.
type Memory struct {
	mu   sync.Mutex
	name string
	history
}

// NewMemory reads a sandbox file's content; name stands for the path in errors.
func NewMemory(name string, content []byte) (*Memory, error) {
	s, err := decode(name, string(content))
	m := &Memory{name: name}
	m.set(s)
	return m, err
}

// Open gives a view of the shared state.
func (m *Memory) Open(o Options) (*World, error) { return newWorld(memoryBacking{m}, o) }

// Content is what the file would hold.
func (m *Memory) Content() []byte {
	s, _ := memoryBacking{m}.load()
	return s.encode()
}

// Replace puts other content in place, as an edit by hand would.
func (m *Memory) Replace(content []byte) error {
	s, err := decode(m.name, string(content))
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(s)
	return nil
}

type memoryBacking struct{ m *Memory }

func (b memoryBacking) load() (*state, error) {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	return b.m.latest, nil
}

func (b memoryBacking) update(_ context.Context, f func(*state) (*state, error)) error {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	next, err := f(b.m.latest)
	if err == nil && next != nil {
		b.m.push(next)
	}
	return err
}

func (b memoryBacking) before(n int) *state {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	return b.m.history.before(n)
}

func (b memoryBacking) clock() *course { return b.m.clock() }

func (b memoryBacking) parses() int { return 1 }
