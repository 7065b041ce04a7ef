package applier

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// step is the one loop for every write there is: look, begin, write, look.
func (r *run) step(ctx context.Context, s planner.Step) error {
	ex, ok := r.Executor(s.Op)
	if !ok {
		return fmt.Errorf("DC316: this domctl knows no operation %q; use the version that made the plan", s.Op)
	}
	at, err := r.attempt(ctx, s)
	if err != nil {
		return err
	}
	t := turn{run: r, ex: ex, at: at, asked: map[string]bool{}, began: r.Clock.Now()}
	t.since = t.began
	for {
		if err := r.lease.renew(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		st, err := observe(ctx, ex, t.at)
		if err != nil {
			return err
		}
		if over, err := t.decide(ctx, st); over || err != nil {
			return err
		}
	}
}

// attempt is the step with outputs filled in and secrets as digests: those of
// its begin, when it was begun.
func (r *run) attempt(ctx context.Context, s planner.Step) (Attempt, error) {
	s = r.j.resolve(s)
	begun, digests := r.j.begun(s.ID)
	at := Attempt{Step: s, Token: Token(r.j.id, s.ID), Begun: begun, Pre: r.j.pre(s.Object), Abort: r.settle, Want: map[string]schema.Value{}}
	for _, p := range schema.Sorted(s.Writes) {
		v := s.Writes[p]
		if v.Is == schema.Secret {
			if d, ok := digests[p]; ok {
				v = d
			} else {
				var err error
				if v, err = r.World.Digest(ctx, v); err != nil {
					return at, err
				}
			}
		}
		at.Want[p] = v
	}
	return at, nil
}

// Token identifies a step of an apply to the outside: 48 hexadecimal digits.
func Token(apply, step string) string {
	s := sha256.Sum256([]byte(apply + "\n" + step))
	return hex.EncodeToString(s[:24])
}

// turn is one step's loop.
type turn struct {
	*run
	ex      Executor
	at      Attempt
	asked   map[string]bool // marks this process wrote
	refused error           // the outside's last refusal
	tries   int             // of refusals that may be repeated
	began   time.Time
	since   time.Time // of the last write, or of the first look
}

// decide acts on one observation; over ends the loop.
func (t *turn) decide(ctx context.Context, st Status) (over bool, err error) {
	s := t.at.Step
	switch st.State {
	case Finished:
		t.tell(Event{Kind: KindDone, Step: s, Elapsed: t.Clock.Now().Sub(t.began)})
		return true, t.j.append(ctx, Record{Kind: KindDone, Step: s.ID, Outputs: st.Outputs})
	case Failed, Unsure:
		return true, cmp.Or(t.refused, errors.New(st.Why))
	case Pending:
		t.mu.Lock()
		defer t.mu.Unlock()
		t.waiting[s.ID] = t.at
		return true, nil
	}
	guard := cmp.Or(st.Guard, s.Guard)
	unsettled := t.at.Begun[st.Mark] && (guard == planner.Absolute || t.asked[st.Mark])
	late := t.Clock.Now().Sub(t.since) < seconds(s.Window)
	switch {
	case late && (unsettled || st.State == Undone && len(t.at.Begun) > 0):
		return false, t.Clock.Sleep(ctx, time.Second) // an earlier attempt may still land, or show
	case st.State == Undone:
		return true, t.j.append(ctx, Record{Kind: KindUndone, Step: s.ID})
	case t.refused != nil && t.tries == 0:
		return true, t.refused
	case t.asked[st.Mark]:
		return true, fmt.Errorf("DC317: %s left no effect; domctl apply --resume %s looks again", cmp.Or(st.Mark, s.Op), t.j.id)
	case ctx.Err() != nil:
		return true, nil // a person asked to stop: nothing new is begun
	}
	return false, t.write(ctx, st.Mark, guard)
}

// write compares once more where the guard does not, records the begin, and
// makes the write.
func (t *turn) write(ctx context.Context, mark string, guard planner.Guard) error {
	if guard == planner.Absolute {
		if err := t.compare(ctx); err != nil {
			return err
		}
	}
	digests := map[string]schema.Value{}
	for p, v := range t.at.Step.Writes {
		if v.Is == schema.Secret {
			digests[p] = t.at.Want[p]
		}
	}
	t.tell(Event{Kind: KindBegin, Step: t.at.Step, Mark: mark})
	if err := t.j.append(ctx, Record{Kind: KindBegin, Step: t.at.Step.ID, Mark: mark, Digests: digests}); err != nil {
		return err
	}
	t.at.Mark, t.at.Begun[mark], t.asked[mark] = mark, true, true
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), Deadline)
	defer cancel()
	err := t.ex.Start(call, t.at)
	t.since = t.Clock.Now()
	return t.refusal(ctx, mark, err)
}

// refusal takes the outside's own word that a write did not happen; every other
// error decides nothing.
func (t *turn) refusal(ctx context.Context, mark string, err error) error {
	var refusal *Refusal
	t.refused = nil
	if !errors.As(err, &refusal) {
		return nil
	}
	delete(t.at.Begun, mark)
	delete(t.asked, mark)
	t.refused = err
	if err := t.j.append(ctx, Record{Kind: KindMissed, Step: t.at.Step.ID, Mark: mark, Why: err.Error()}); err != nil {
		return err
	}
	if t.tries++; !refusal.Retry || t.tries > 5 {
		t.tries = 0
		return nil
	}
	return t.Clock.Sleep(ctx, time.Second<<t.tries)
}

// compare reads every expectation just before an unconditional write.
func (t *turn) compare(ctx context.Context) error {
	var refs []planner.Ref
	for _, e := range t.at.Step.Expects {
		refs = append(refs, e.Ref)
	}
	raw, err := t.read(ctx, refs)
	if err != nil {
		return err
	}
	for _, e := range t.at.Step.Expects {
		if got := raw[e.Ref].At(e.Path); !t.World.Same(e.Value, got) {
			return errors.New(movedText(t.at.Step, e, got))
		}
	}
	return nil
}
