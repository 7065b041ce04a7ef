package roll

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Start makes the one write that the mark names.
func (r executing) Start(ctx context.Context, a applier.Attempt) error {
	words, _ := markOf(a.Mark)
	what, id := word(words, 0), word(words, 1)
	switch what {
	case seen:
		return nil // the begin notes it
	case switchBack:
		return r.switchBack(ctx, a)
	}
	t, err := r.look(ctx, a)
	if err != nil {
		return &applier.Refusal{Err: err, Retry: true}
	}
	i := slices.IndexFunc(t.all, func(x executor) bool { return x.ID == id && !x.Going() })
	if i < 0 {
		return nil // it went: the next look tells
	}
	x := t.all[i]
	switch what {
	case maintain:
		return r.enter(ctx, t, x, word(words, 4))
	case leave:
		return r.leave(ctx, t, x)
	case end:
		return r.end(ctx, t, x, word(words, 4))
	}
	return fmt.Errorf("%s: nothing is called %q", a.Step.ID, a.Mark)
}

// switchBack has the executor group start the old image again, by the operation that looks
// in the same call whether it starts the new one. Where not, the next look decides again.
func (r executing) switchBack(ctx context.Context, a applier.Attempt) error {
	o, err := orderOf(a)
	if err != nil {
		return err
	}
	s, can := o.switching(operation.UpdateDocument)
	if !can || r.Single == nil || len(s.Writes) != 1 {
		return fmt.Errorf("%s: nobody switches its group back", a.Step.ID)
	}
	for path := range s.Writes { // what stands there by now may be an image that was made after the plan
		s.Expects = []planner.Expect{{Ref: s.Object, Path: path, Value: schema.JSON(o.image)}}
	}
	return r.singly(ctx, a, s)
}

// isOld says that an executor is to go, at this moment.
func (t executorTurn) isOld(x executor) bool {
	return t.group && t.starts == t.image && slices.ContainsFunc(t.old, func(o executor) bool { return o.ID == x.ID })
}

// enter sets the flag, where what stands there is what the mark saw.
func (r executing) enter(ctx context.Context, t executorTurn, x executor, was string) error {
	switch {
	case x.Maintained():
		return nil
	case !t.isOld(x) || t.byPerson(x) || pre(x.Flag) != was:
		return stale("%s is not as it was", x.ID)
	}
	return r.flag(ctx, t, x, x.Flag, "true")
}

// leave has the flag as it was before this step set it.
func (r executing) leave(ctx context.Context, t executorTurn, x executor) error {
	if !t.holds(x) {
		return nil
	}
	was := t.past.in[x.ID].pre
	if was == "-" {
		was = ""
	}
	return r.flag(ctx, t, x, "true", was)
}

// flag writes what stands for an executor's maintenance, and nothing else; "" is nothing.
func (r executing) flag(ctx context.Context, t executorTurn, x executor, from, to string) error {
	path := t.of.Known.Fields["maintenance"]
	where, set, unset := port.Document{"_id": x.Document, path: from, t.of.Known.Fields["instance"]: schema.JSON(x.ID).Text}, port.Document{path: to}, []string(nil)
	if to == "" {
		set, unset = nil, []string{path}
	}
	matched, err := r.Machines.UpdateOne(ctx, t.of.Known.Collection, where, set, unset)
	if err == nil && !matched {
		return stale("the document of %s is not as it was", x.ID)
	}
	return refused(err)
}

// end terminates an executor, if at this moment nothing is on it that the plan keeps alive.
func (r executing) end(ctx context.Context, t executorTurn, x executor, how string) error {
	busy := t.busy(x)
	switch {
	case !t.isOld(x) || t.byPerson(x):
		return stale("%s is not to be ended any more", x.ID)
	case how == "forced" && !t.Force:
		return fmt.Errorf("%s: the plan ends no run", t.Step.ID)
	case how == "stopped" && !x.stopped():
		return stale("%s is %s by now", x.ID, x.State)
	case t.mapped() && !x.Maintained():
		return stale("%s is not in maintenance any more", x.ID)
	case busy != "" && !(how == "forced" && t.forced(x)):
		return stale("%s is in use by now: %s", x.ID, busy)
	}
	err := r.Machines.TerminateInstance(ctx, x.ID)
	if errors.Is(err, port.ErrNotFound) {
		return nil
	}
	return refused(err)
}
