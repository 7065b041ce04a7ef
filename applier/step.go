package applier

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
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
	t, err := r.turnOf(ctx, s, ex)
	if err != nil {
		return err
	}
	if len(t.at.Begun) > 0 {
		t.tell(Event{Kind: KindWaiting, Step: t.at.Step, Why: "was begun before; looking how far it is"})
	}
	for {
		if err := r.lease.renew(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		st, err := r.observe(ctx, ex, t.at)
		if err != nil {
			return err
		}
		if over, err := t.decide(ctx, st); over || err != nil {
			return err
		}
	}
}

// turnOf is the step with outputs filled in and secrets as digests: those of its
// begin, when it was begun.
func (r *run) turnOf(ctx context.Context, s planner.Step, ex Executor) (*turn, error) {
	s = r.j.resolve(s)
	if out, waits := s.Object.Out(); waits {
		return nil, fmt.Errorf("DC321: the step before it gave no %s; look with domctl history show %s what it did, then plan again", out.Text, r.j.id)
	}
	pre, err := r.preimage(ctx, s)
	if err != nil {
		return nil, err
	}
	begun, digests := r.j.begun(s.ID)
	t := &turn{run: r, ex: ex, before: begun, asked: map[string]bool{}, began: r.Clock.Now()}
	t.since = t.began
	t.at = Attempt{Apply: r.j.id, Began: r.j.began, Step: s, Token: Token(r.j.id+r.j.salt, s.ID), Round: len(r.j.all(KindUndone, s.ID)), Begun: map[string]bool{}, Pre: pre, Abort: r.mode != forward, Want: map[string]schema.Value{}}
	for mark := range begun {
		t.at.Begun[mark] = true
	}
	for _, p := range schema.Sorted(s.Writes) {
		v := s.Writes[p]
		if d, ok := digests[p]; ok {
			v = d
		}
		if v.Is == schema.Secret {
			var err error
			if v, err = r.digest(ctx, v); err != nil {
				return nil, err
			}
		}
		t.at.Want[p] = v
	}
	return t, nil
}

// preimage is what a step's object held before the apply. Of an object that the
// apply makes, it is read and recorded before the first begin of a write to it.
func (r *run) preimage(ctx context.Context, s planner.Step) (planner.Raw, error) {
	if pre, known := r.j.pre(s.Object); known || r.mode != forward {
		return pre, nil
	}
	raw, err := r.read(ctx, []planner.Ref{s.Object})
	if err != nil {
		return nil, err
	}
	pre := raw[s.Object]
	return pre, r.j.append(ctx, Record{Kind: KindPre, Step: s.ID, Pre: map[planner.Ref]planner.Raw{s.Object: pre}})
}

func (r *run) digest(ctx context.Context, ref schema.Value) (schema.Value, error) {
	ctx, cancel := r.call(ctx)
	defer cancel()
	return r.World.Digest(ctx, ref)
}

// salt is that of a new apply.
func (a *Applier) salt() string {
	if a.Salt != nil {
		return a.Salt()
	}
	return a.Nonce()
}

// Token identifies a step of an apply to the outside: 48 hexadecimal digits. A plan is
// for many to see, so that the apply's salt is part of it: nobody makes beforehand what
// looks as if the step had made it.
func (s Summary) Token(step string) string { return Token(s.ID+s.salt, step) }

// Token is what Summary.Token makes of an apply's id with its salt.
func Token(apply, step string) string {
	s := sha256.Sum256([]byte(apply + "\n" + step))
	return hex.EncodeToString(s[:24])
}

// RoundToken identifies a try of a step to the outside: the one after so many rounds,
// and so many times that what the round made was taken away. The first is the step's
// own token.
func RoundToken(token string, round, undone int) string {
	if round == 0 && undone == 0 {
		return token
	}
	return Token(token, fmt.Sprintf("%d.%d", round, undone))
}

// mostRounds bounds how often a step may have been taken back and gone on with.
const mostRounds = 32

// OfRound says that something was made with the token of one of a step's tries, which
// only who makes it can give; tags anybody writes.
func OfRound(given, token string) bool {
	return len(given) == len(token) && BeginsRound(given, token)
}

// BeginsRound says the same of the beginning of such a token, as where no whole one fits.
func BeginsRound(given, token string) bool {
	for round := range mostRounds {
		for undone := range mostRounds {
			if len(given) >= 24 && strings.HasPrefix(RoundToken(token, round, undone), given) {
				return token != ""
			}
		}
	}
	return false
}

// turn is one step's loop.
type turn struct {
	*run
	ex      Executor
	at      Attempt
	before  map[string]int  // begins of earlier segments by mark
	asked   map[string]bool // marks that this turn wrote, and that were not refused
	refused error           // the outside's last refusal
	heard   error           // what the last write answered, which decides nothing
	tries   int             // of refusals that may be repeated
	began   time.Time
	since   time.Time // of the last write, or of the first look
}

// decide acts on one observation; over ends the loop.
func (t *turn) decide(ctx context.Context, st Status) (over bool, err error) {
	s := t.at.Step
	guard := cmp.Or(st.Guard, s.Guard)
	late := t.Clock.Now().Sub(t.since) < seconds(s.Window)
	if late && st.Doubt && len(t.at.Begun) > 0 {
		return t.lag(ctx), nil
	}
	switch st.State {
	case Finished:
		if late && t.j.plan.Restores != "" && guard != planner.Conditional && len(t.at.Begun) == 0 {
			return t.lag(ctx), nil // the read may be older than what is to be taken back
		}
		t.tell(Event{Kind: KindDone, Step: s, Elapsed: t.Clock.Now().Sub(t.began)})
		return true, t.j.append(ctx, Record{Kind: KindDone, Step: s.ID, Outputs: st.Outputs})
	case Failed, Unsure:
		return true, undecidable{cmp.Or(t.refused, errors.New(st.Why))}
	case Pending:
		t.mu.Lock()
		defer t.mu.Unlock()
		t.waiting[s.ID] = t.at
		return true, nil
	}
	unsettled := t.at.Begun[st.Mark] && (guard == planner.Absolute || t.asked[st.Mark])
	switch {
	case late && (unsettled || st.State == Undone && !st.Certain && len(t.at.Begun) > 0):
		return t.lag(ctx), nil // an earlier attempt may still land, or show
	case st.State == Undone:
		return true, t.j.append(ctx, Record{Kind: KindUndone, Step: s.ID})
	case t.refused != nil && t.tries == 0:
		return true, t.refused
	case t.asked[st.Mark]:
		return true, fmt.Errorf("DC317: %s left no effect%s; domctl apply --resume %s looks again", cmp.Or(st.Says, st.Mark, s.Op), t.answer(), t.j.id)
	case t.retry(ctx):
		return true, nil // a person asked to stop: nothing new is begun
	}
	return false, t.write(ctx, st, guard)
}

// undecidable is what looking again will not change.
type undecidable struct{ error }

// pause waits, says for what and how much longer at most, and answers that a
// person asked to stop meanwhile.
func (t *turn) pause(ctx context.Context, d, most time.Duration, why string) (stop bool) {
	if ctx.Err() != nil || d <= 0 {
		return ctx.Err() != nil
	}
	t.tell(Event{Kind: KindWaiting, Step: t.at.Step, Why: why, Most: most})
	return t.Clock.Sleep(ctx, d) != nil
}

// lag pauses within the time for which the outside may still answer as before a
// write.
func (t *turn) lag(ctx context.Context) (stop bool) {
	left := seconds(t.at.Step.Window) - t.Clock.Now().Sub(t.since)
	return t.pause(ctx, time.Second, left, "what was written may not show yet; looking again")
}

// retry pauses before a call that was refused for the moment is made again.
func (t *turn) retry(ctx context.Context) (stop bool) {
	d := backoff(t.tries)
	return t.pause(ctx, d, d, fmt.Sprintf("refused for now (%v); try %d of %d follows", t.refused, t.tries+1, mostTries+1))
}

// mostTries are made again of one call that is refused for now.
const mostTries = 5

// backoff after so many throttled tries; none before the first.
func backoff(tries int) time.Duration {
	if tries == 0 {
		return 0
	}
	return time.Second << tries
}

// write compares once more where the guard does not and the write is not free of it,
// records the begin, and makes the write.
func (t *turn) write(ctx context.Context, st Status, guard planner.Guard) error {
	mark := st.Mark
	if err := t.lease.renew(context.WithoutCancel(ctx)); err != nil { // a pause before a try may be longer than a lease is fresh
		return err
	}
	if !st.Free && !t.at.Abort { // an abort takes away what the step made, whatever became of what that was made from
		if err := t.compare(ctx, guard); err != nil {
			return err
		}
	}
	digests := map[string]schema.Value{}
	for p, v := range t.at.Step.Writes {
		if v.Is == schema.Secret {
			digests[p] = t.at.Want[p]
		}
	}
	t.tell(Event{Kind: KindBegin, Step: t.at.Step, Mark: mark, Says: st.Says})
	if err := t.j.append(ctx, Record{Kind: KindBegin, Step: t.at.Step.ID, Mark: mark, Says: st.Says, Digests: digests}); err != nil {
		return err
	}
	if !t.lease.fresh() { // the process stood still: the lease may be gone before the write lands
		return t.missed(ctx, mark, "not sent: the lease had grown old")
	}
	t.at.Mark, t.at.Begun[mark], t.asked[mark] = mark, true, true
	err := t.start(ctx)
	t.since, t.heard = t.Clock.Now(), err
	return t.refusal(ctx, mark, err)
}

// answer is what the last write was told, for people.
func (t *turn) answer() string {
	if t.heard == nil {
		return ""
	}
	return fmt.Sprintf(" (%v)", t.heard)
}

func (t *turn) start(ctx context.Context) error {
	ctx, cancel := t.call(ctx)
	defer cancel()
	return t.ex.Start(ctx, t.at)
}

func (t *turn) missed(ctx context.Context, mark, why string) error {
	return t.j.append(ctx, Record{Kind: KindMissed, Step: t.at.Step.ID, Mark: mark, Why: why})
}

// refusal takes the outside's own word that a write did not happen; every other
// error decides nothing. Begins of earlier segments stay: the word is about this
// one.
func (t *turn) refusal(ctx context.Context, mark string, err error) error {
	var refusal *Refusal
	t.refused = nil
	if !errors.As(err, &refusal) {
		t.before[mark]++
		t.tries = 0 // the next call is another
		return nil
	}
	if t.asked[mark] = false; t.before[mark] == 0 {
		delete(t.at.Begun, mark)
	}
	t.refused = err
	if t.tries++; !refusal.Retry || t.tries > mostTries {
		t.tries = 0
	}
	return t.missed(ctx, mark, err.Error())
}

// compare reads, just before a write, the expectations that it does not carry itself: those of
// other objects, and of its own unless the write is conditional or makes a name. A token keeps a
// write from being made twice and says nothing of what it overwrites; what such a write was to
// make of a place may stand there by then, from an attempt before.
func (t *turn) compare(ctx context.Context, guard planner.Guard) error {
	own := guard == planner.Absolute || guard == planner.Token
	var rest []planner.Expect
	var refs []planner.Ref
	for _, e := range t.at.Step.Expects {
		if own || e.Ref != t.at.Step.Object {
			rest, refs = append(rest, e), append(refs, e.Ref)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	raw, err := t.read(ctx, refs)
	if err != nil {
		return err
	}
	for _, e := range rest {
		got := raw[e.Ref].At(e.Path)
		want, writes := t.at.Want[e.Path]
		landed := guard == planner.Token && e.Ref == t.at.Step.Object && writes && len(t.at.Begun) > 0 && t.World.Same(want, got)
		if !landed && !t.World.Same(e.Value, got) {
			return errors.New(t.movedText(t.at.Step, e, got))
		}
	}
	return nil
}
