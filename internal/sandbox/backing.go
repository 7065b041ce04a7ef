package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
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
	parses() int
}

// history holds the latest state, and those that writes have replaced.
type history struct {
	latest *state
	past   []*state // oldest first
}

func (h *history) push(s *state) {
	h.past = append(h.past, h.latest)
	if len(h.past) > remembered {
		h.past = h.past[1:]
	}
	h.latest = s
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
	return &Memory{name: name, history: history{latest: s}}, err
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
	m.latest = s
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

func (b memoryBacking) parses() int { return 1 }

// stamp tells whether a file is still the one that was parsed.
type stamp struct {
	modified time.Time
	size     int64
	inode    uint64
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{modified: info.ModTime(), size: info.Size()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = sys.Ino
	}
	return s
}

type fileBacking struct {
	path string

	mu    sync.Mutex
	stamp stamp
	count int
	history
}

func (b *fileBacking) parses() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

func (b *fileBacking) before(n int) *state {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.history.before(n)
}

func (b *fileBacking) load() (*state, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current()
}

// current parses the file unless it is the one parsed last.
func (b *fileBacking) current() (*state, error) {
	info, err := os.Stat(b.path)
	if err != nil {
		return nil, b.missing(err)
	}
	if b.latest != nil && stampOf(info) == b.stamp {
		return b.latest, nil
	}
	f, err := os.Open(b.path)
	if err != nil {
		return nil, b.missing(err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	s, err := decode(b.path, string(content))
	if err != nil {
		return nil, err
	}
	b.count++
	b.latest, b.stamp = s, stampOf(info)
	return s, nil
}

func (b *fileBacking) missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no sandbox in %s; domctl sandbox reset makes one: %w", b.path, err)
	}
	return err
}

func (b *fileBacking) update(ctx context.Context, f func(*state) (*state, error)) error {
	unlock, err := lock(ctx, b.path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.current()
	if err != nil {
		return err
	}
	next, err := f(s)
	if err != nil || next == nil {
		return err
	}
	if b.stamp, err = replace(b.path, next.encode()); err != nil {
		return err
	}
	b.push(next)
	return nil
}

// lock waits for the file lock that every process writing the sandbox takes.
// The wait itself cannot be broken off, so when ctx ends first the lock is let
// go as soon as it comes.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	got := make(chan error, 1)
	go func() { got <- syscall.Flock(int(f.Fd()), syscall.LOCK_EX) }()
	select {
	case err := <-got:
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		return func() { f.Close() }, nil
	case <-ctx.Done():
		go func() { <-got; f.Close() }()
		return nil, fmt.Errorf("lock %s: %w", path, ctx.Err())
	}
}

// replace puts content in place of the file: written beside it, synced, renamed.
func replace(path string, content []byte) (s stamp, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".sandbox-*")
	if err != nil {
		return s, err
	}
	defer os.Remove(f.Name()) // nothing is left to remove once it is renamed
	defer f.Close()
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return s, err
	}
	info, err := f.Stat()
	if err != nil {
		return s, err
	}
	return stampOf(info), os.Rename(f.Name(), path)
}

// squeeze drops the white space of valid JSON.
func squeeze(raw string) []byte {
	var b bytes.Buffer
	if json.Compact(&b, []byte(raw)) != nil {
		return []byte(raw)
	}
	return b.Bytes()
}
