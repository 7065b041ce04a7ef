package sim

import (
	"context"
	"sync"
	"time"
)

// Jump is a clock whose sleepers wake at once and take the time along.
type Jump struct {
	mu  sync.Mutex
	now time.Time
}

// NewJump starts at a fixed day.
func NewJump() *Jump { return JumpFrom(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)) }

// JumpFrom starts at a time.
func JumpFrom(now time.Time) *Jump { return &Jump{now: now} }

// Now moves on a little with every look, as time does.
func (c *Jump) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Microsecond)
	return c.now
}

// Sleep moves the time on by d.
func (c *Jump) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}
