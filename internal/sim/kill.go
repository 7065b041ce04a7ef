package sim

import (
	"sync"

	"domctl.dev/internal/sandbox"
)

// Kill is the life of one process: so many sides of calls pass, and it is dead.
type Kill struct {
	mu    sync.Mutex
	after int
	sides []string
}

// KillAfter lets n sides pass; a negative n lets all.
func KillAfter(n int) *Kill { return &Kill{after: n} }

// Gate is the process's Options.Gate.
func (k *Kill) Gate(call string, phase sandbox.Phase) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.after >= 0 && len(k.sides) >= k.after {
		return ErrKilled
	}
	k.sides = append(k.sides, string(phase)+" "+call)
	return nil
}

// Sides are those that passed.
func (k *Kill) Sides() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sides
}
