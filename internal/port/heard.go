package port

import (
	"context"
	"time"
)

// Call is one call of an outside system, after it ended; an attempt, where a call is
// tried again.
type Call struct {
	System    string // "ec2", "mongo", "forge", "registry"
	Operation string
	Took      time.Duration
	Failed    bool
	// Left is how many calls more Host allows for now; nil where it does not say.
	Left *int64
	Host string
}

type hearing struct{}

// Hearing is a context of which every call that is made in it is told to hear, and to
// whoever listened before. It may be called concurrently.
func Hearing(ctx context.Context, hear func(context.Context, Call)) context.Context {
	if before, ok := ctx.Value(hearing{}).(func(context.Context, Call)); ok {
		mine := hear
		hear = func(ctx context.Context, c Call) { before(ctx, c); mine(ctx, c) }
	}
	return context.WithValue(ctx, hearing{}, hear)
}

// Heard tells a call to those who listen in its context. Adapters call it.
func Heard(ctx context.Context, c Call) {
	if hear, ok := ctx.Value(hearing{}).(func(context.Context, Call)); ok {
		hear(ctx, c)
	}
}
