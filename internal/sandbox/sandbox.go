// Package sandbox is the embedded outside: MongoDB, AWS, Kubernetes and registries on one
// JSON file, which people read and edit by hand (an edit is drift).
//
// It implements every port and keeps to what the real systems do, case by case
// as internal/worldtest states; failures that the real ones show can be asked
// for (see Fault). It refuses a file it cannot read to the last field, naming
// line and column. It holds no mapping of Domino's objects: that is
// internal/world's, which therefore runs in the sandbox as it runs live.
package sandbox

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"domctl.dev/internal/port"
)

// Phase says on which side of a call's effect a hook runs.
type Phase string

// The phases.
const (
	Before Phase = "before" // nothing has happened
	After  Phase = "after"  // the effect took place, the caller has no answer
)

// Options steer a World. The zero value is the wall clock, no faults, the real
// APIs' page sizes.
type Options struct {
	// Clock is the wall, by which that of the file goes: it decides when what is pending
	// is done. nil means time.Now.
	Clock func() time.Time
	// Wait is how slow faults pass time. nil waits in real time.
	Wait func(context.Context, time.Duration) error
	// Hook runs around each outside call, outside every lock. Its error
	// becomes the call's: before, nothing happens; after, the answer is lost.
	Hook func(call string, phase Phase) error
	// Lag says how many of the last writes a read of AWS or a registry does
	// not see yet. MongoDB's reads never lag: they are of the majority, from
	// the primary. Only writes of this process are remembered.
	Lag func(call string) int
	// Faults strike beside those in the file.
	Faults []Fault
	// Settle is how long a change takes: a node group is UPDATING, an image
	// pending, an instance on its way to another state.
	Settle time.Duration
	// Pages overrides how many objects a call's page holds.
	Pages map[string]int
}

// World is one caller's view of a sandbox. It is safe for concurrent use.
type World struct {
	backing backing
	opts    Options
	region  string // "" for the file's own
	wall    func() time.Time
	*ledger
}

// ledger is what all views of one World count.
type ledger struct {
	mu     sync.Mutex
	counts Counts
	struck map[Fault]int
}

var (
	_ port.Outside = (*World)(nil)
	_ port.Shell   = (*World)(nil)
	_ port.Domino  = (*World)(nil)
)

// Counts tells what a World was asked: calls, and pages that the real API
// would have sent, by call; and how often the file was read and parsed.
type Counts struct {
	Calls, Pages map[string]int
	Parses       int
}

// Total sums pages: the round trips.
func (c Counts) Total() (n int) {
	for _, p := range c.Pages {
		n += p
	}
	return n
}

// Open opens the sandbox in a file, which must exist. The file is read again
// whenever it changed; each write replaces it whole, under a lock on the
// sibling path + ".lock". Errors of a malformed file are *FileError.
func Open(path string, o Options) (*World, error) {
	b := &fileBacking{path: followed(path)}
	if _, err := b.load(); err != nil {
		return nil, err
	}
	return newWorld(b, o)
}

func newWorld(b backing, o Options) (*World, error) {
	for _, f := range o.Faults {
		if err := f.check(); err != nil {
			return nil, err
		}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Wait == nil {
		o.Wait = port.Sleep
	}
	counts := Counts{Calls: map[string]int{}, Pages: map[string]int{}}
	w := &World{backing: b, opts: o, wall: o.Clock, ledger: &ledger{counts: counts, struck: map[Fault]int{}}}
	w.opts.Clock = func() time.Time { return b.clock().at(w.wall()) }
	return w, nil
}

// Counts so far.
func (w *World) Counts() Counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Counts{maps.Clone(w.counts.Calls), maps.Clone(w.counts.Pages), w.backing.parses()}
}

// Format is the world as its file would hold it, laid out afresh.
func Format(w *World) ([]byte, error) {
	s, err := w.backing.load()
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return w.built(s).formatted().encode(), nil
}

// formatted forgets how documents were written.
func (s *state) formatted() *state {
	n := *s
	n.mongo = make(map[string]*collection, len(s.mongo))
	for name, c := range s.mongo {
		docs := make([]*record, len(c.docs))
		for i, r := range c.docs {
			docs[i] = &record{body: r.body}
		}
		n.mongo[name] = &collection{docs, c.index}
	}
	n.kept = make(map[string]string, len(s.kept))
	for k, v := range s.kept {
		n.kept[k] = layout(squeeze(v), 1)
	}
	return &n
}
