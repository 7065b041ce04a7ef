package applier

import (
	"context"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// State is what Observe found of a step.
type State int

// The states.
const (
	Next     State = iota // provably not done: Start may make the write Mark
	Pending               // under way: look again after Wait
	Finished              // done; Outputs are known
	Failed                // provably not done, and cannot be
	Unsure                // cannot be told: stop and ask
	Undone                // only under Abort: nothing of the step stands
)

// Status is Observe's answer.
type Status struct {
	State State
	// Mark names the write to make next among several of one step; "" when it
	// has one. Guard is that write's, when it is not the step's.
	Mark    string
	Says    string // that write in words, for people; "": Mark says it
	Guard   planner.Guard
	Wait    time.Duration
	Outputs map[string]schema.Value
	Why     string
	// Free says of a write that it no longer rests on what the plan expects to stand:
	// the step has made what it needed of that.
	Free bool
	// Certain says of Undone that no call which was begun can land or show any more.
	Certain bool
	// Doubt says that this contradicts what was begun, as a read that is older does: it
	// is believed once what was begun must show.
	Doubt bool
}

// Attempt is a step at its turn.
type Attempt struct {
	Apply string    // the apply's id
	Began time.Time // when the apply did, UTC: the same in every process that goes on with it
	// Step has outputs of earlier steps filled in; secrets are references still.
	Step planner.Step
	// Want is Step.Writes with every secret as its keyed digest: what to compare
	// with, never what to write.
	Want  map[string]schema.Value
	Token string // at most 64 ASCII characters, the same for every try of the step; nobody can know it before the apply began
	Mark  string // the write to make
	Begun map[string]bool
	Round int         // how often the step was taken back before; Begun is of this round
	Pre   planner.Raw // what the step's object held before the apply's first write to it
	Abort bool        // Observe names clean-up writes, and no forward one
}

// Executor carries out one kind of step. Observe never writes and decides from
// the outside and the attempt alone. Start makes the one write that
// Attempt.Mark names; its error decides nothing unless it is a *Refusal.
type Executor interface {
	Observe(context.Context, Attempt) (Status, error)
	Start(context.Context, Attempt) error
}

// Refusal is the outside's own answer that it did not do what was asked. Retry
// says that the same call may be made again later (throttling).
type Refusal struct {
	Err   error
	Retry bool
}

func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap gives the outside's answer.
func (r *Refusal) Unwrap() error { return r.Err }
