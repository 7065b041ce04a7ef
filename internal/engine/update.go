package engine

import (
	"context"

	"domctl.dev/compiler"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// Updated is the content resolved.cue should have. Text is nil when nothing
// moved.
type Updated struct {
	Text  []byte
	Moves []world.Move
	Asked int // entries that were looked up
}

// Update looks up what the named objects float on, all of them without names.
// When any look-up fails, there is nothing to write.
func Update(ctx context.Context, compiled compiler.Result, up world.Upstream, names []string) (Updated, error) {
	if schema.Stops(compiled.Findings) {
		return Updated{}, &Invalid{compiled.Findings}
	}
	r, err := world.Resolve(ctx, up, compiled.Desired, compiled.Resolved, names)
	if err != nil {
		return Updated{}, err
	}
	out := Updated{Asked: r.Asked, Moves: r.Moves}
	if len(r.Moves) > 0 {
		out.Text, err = compiler.FormatResolved(r.Resolved)
	}
	return out, err
}
