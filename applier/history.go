package applier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// ErrUndecided is answered for an apply that was cut off between a begin and
// what came of it: Settle it first.
var ErrUndecided = errors.New("DC318: a step was begun and is undecided")

// Undecided are the steps of an apply that were begun and are undecided.
type Undecided struct {
	Apply string
	Steps []planner.Step
}

func (u *Undecided) Error() string {
	ids := make([]string, len(u.Steps))
	for i, s := range u.Steps {
		ids[i] = s.ID
	}
	return fmt.Sprintf("%v: apply %s, %s", ErrUndecided, u.Apply, strings.Join(ids, ", "))
}

// Is says that it is ErrUndecided.
func (u *Undecided) Is(err error) bool { return err == ErrUndecided }

// Addresses that the steps are of, in order.
func (u *Undecided) Addresses() []schema.Address {
	all := map[schema.Address]bool{}
	for _, s := range u.Steps {
		all[s.Address] = true
	}
	return schema.Addresses(all)
}

// Snapshot is the view of one stream that planner.Restore takes: what was done,
// and what each object held before each step. Beside Undecided stands the view of
// all but the steps it names.
func (a *Applier) Snapshot(ctx context.Context, id string) (planner.Snapshot, error) {
	j, err := a.load(ctx, id)
	if err != nil {
		return planner.Snapshot{}, err
	}
	if j.plan == nil {
		return planner.Snapshot{}, fmt.Errorf("DC312: apply %s was fenced before it began: there is nothing to take back", id)
	}
	_, _, err = a.store().Get(ctx, "open/"+id)
	if err != nil && !errors.Is(err, ErrNoKey) {
		return planner.Snapshot{}, fmt.Errorf("open applies: %w", err)
	}
	s := snapshot{j: j, Snapshot: planner.Snapshot{Open: err == nil, Apply: id, Deployment: j.plan.Deployment, Lineage: a.Lineage, World: j.plan.World, Latch: maps.Clone(j.plan.Content),
		Former: map[schema.Address]*schema.Entry{}, Digests: map[string]schema.Value{}, At: j.last()}}
	for a, moved := range j.plan.Latch { // a latch that moved along with a name stays
		s.Latch[a] = moved
	}
	open := &Undecided{Apply: id}
	for _, step := range j.plan.Steps {
		if j.undecided(step.ID) {
			open.Steps = append(open.Steps, step)
		}
	}
	if err = s.fill(ctx); err == nil && len(open.Steps) > 0 {
		err = open
	}
	return s.Snapshot, err
}

// snapshot is a planner.Snapshot in the making.
type snapshot struct {
	planner.Snapshot
	j *journal
}

// fill goes through what was done, in its order.
func (s *snapshot) fill(ctx context.Context) error {
	at := map[planner.Ref]planner.Raw{}
	for i, r := range s.j.all(KindPre, "") {
		if maps.Copy(at, r.Pre); i > 0 {
			continue
		}
		s.Former = maps.Clone(r.Former)
		touched := s.j.touched()
		maps.DeleteFunc(s.Former, func(a schema.Address, _ *schema.Entry) bool { // of what it left alone the entry may be another's by now
			_, was := touched[a]
			return !was
		})
		for a, former := range r.Latches {
			s.Latch[a] = strings.TrimSpace(former + " " + s.Latch[a])
		}
		for a := range s.j.failed() {
			if _, was := touched[a]; !was { // it could not be made: nobody took it back
				delete(s.Latch, a)
			}
		}
	}
	steps, did := map[string]planner.Step{}, map[string]bool{}
	for _, step := range s.j.plan.Steps {
		steps[step.ID] = step
	}
	for _, r := range s.j.all(KindDone, "") {
		if begun, _ := s.j.begun(r.Step); len(begun) == 0 {
			continue // someone else had made it so: nothing to take back
		}
		step := s.j.resolve(steps[r.Step])
		d, err := s.conceal(ctx, planner.Done{Step: step, Pre: at[step.Object], Outputs: r.Outputs})
		if err != nil {
			return err
		}
		s.Done = append(s.Done, d)
		did[r.Step], at[step.Object] = true, at[step.Object].With(step.Writes)
	}
	for _, step := range s.j.plan.Steps {
		if _, touched := s.Former[step.Address]; touched && !did[step.ID] {
			s.Rest = append(s.Rest, s.j.resolve(step))
		}
	}
	return nil
}

// Summary is one apply in the history.
type Summary struct {
	ID, By  string
	At      time.Time
	Place   int     // in the order of all applies
	Outcome Outcome // "" while it runs or was killed
	Why     string
	Plan    *planner.Plan
	Done    int
	// Touched are the addresses that it wrote, may have written, or settled; true
	// where all that it meant to do of one is done.
	Touched map[schema.Address]bool
	Records []Record
	salt    string // of tokens; "" where an older domctl began it
}

// ForGood says that a step failed so that no resume goes on with it: why it did tells to
// supersede the apply.
func (s Summary) ForGood() bool {
	return s.Outcome == FailedOutcome && strings.Contains(s.Why, "domctl apply --supersede "+s.ID)
}

// History reads every apply's stream, latest first. With an error it answers
// those that could be read.
func (a *Applier) History(ctx context.Context) (out []Summary, err error) {
	keys, err := a.store().List(ctx, "applies/")
	if err != nil && !errors.Is(err, ErrForeign) {
		return nil, fmt.Errorf("records: %w", err)
	}
	amiss := []error{err}
	got := a.batches(ctx, keys)
	streams := byStream(keys)
	for _, id := range schema.Sorted(streams) {
		if len(streams[id]) == 0 {
			amiss = append(amiss, fmt.Errorf("applies/%s %w: move it elsewhere", id, ErrForeign))
			continue
		}
		j, err := a.journal(id, streams[id], got)
		if err != nil {
			amiss = append(amiss, err)
			continue
		}
		out = append(out, j.summary())
	}
	slices.SortStableFunc(out, func(x, y Summary) int { return cmp.Or(cmp.Compare(y.Place, x.Place), cmp.Compare(y.ID, x.ID)) })
	return out, errors.Join(amiss...)
}

// byStream are the keys below "applies/" by the apply that they belong to, in
// order; a key that stands where a stream's folder would has none.
func byStream(keys []string) map[string][]string {
	streams := map[string][]string{}
	for _, key := range keys {
		var its []string
		id, _, below := strings.Cut(strings.TrimPrefix(key, "applies/"), "/")
		if below {
			its = []string{key}
		}
		streams[id] = append(streams[id], its...)
	}
	return streams
}

// Summary reads one apply's stream.
func (a *Applier) Summary(ctx context.Context, id string) (Summary, error) {
	j, err := a.load(ctx, id)
	if err != nil {
		return Summary{}, err
	}
	return j.summary(), nil
}

func (j *journal) summary() Summary {
	s := Summary{ID: j.id, salt: j.salt, Plan: j.plan, Records: j.records, Done: len(j.all(KindDone, "")), Touched: j.touched()}
	s.At, s.By, s.Place = j.records[0].At, j.records[0].By, j.records[0].Place
	for _, r := range j.records {
		switch o := Outcome(r.Kind); o {
		case EndedOutcome, PausedOutcome, FailedOutcome, RefusedOutcome:
			s.Outcome, s.Why = o, r.Why
		default:
			if r.Kind == KindBegin {
				s.Outcome, s.Why = "", ""
			}
		}
	}
	return s
}

// touched is Summary.Touched. What was cut off before it recorded the former
// entries has touched nothing.
func (j *journal) touched() map[schema.Address]bool {
	whole, part := map[schema.Address]bool{}, map[schema.Address]bool{}
	if !j.has(KindPre, "") {
		return whole
	}
	for _, a := range j.plan.Addresses() {
		whole[a] = true
	}
	done := map[string]bool{}
	for _, r := range j.all(KindDone, "") {
		done[r.Step] = true
	}
	for _, s := range j.plan.Steps {
		whole[s.Address] = whole[s.Address] && done[s.ID]
		part[s.Address] = part[s.Address] || done[s.ID] || j.undecided(s.ID)
	}
	maps.DeleteFunc(whole, func(a schema.Address, all bool) bool { return !all && !part[a] })
	return whole
}

// failed are the addresses of steps that failed, and of those that would have come
// after them.
func (j *journal) failed() map[schema.Address]bool {
	steps, out := map[string]bool{}, map[schema.Address]bool{}
	for _, r := range j.all(KindFailed, "") {
		for _, id := range r.Failed {
			steps[id] = true
		}
	}
	for _, s := range j.plan.Steps {
		after := slices.ContainsFunc(s.After, func(id string) bool { return steps[id] })
		if steps[s.ID] = (steps[s.ID] || after) && !j.done(s.ID); steps[s.ID] {
			out[s.Address] = true
		}
	}
	return out
}

// OpenApplies are the ids of applies that have not ended, in order.
func (a *Applier) OpenApplies(ctx context.Context) ([]string, error) {
	keys, err := a.store().List(ctx, "open/")
	if err != nil {
		return nil, fmt.Errorf("open applies: %w", err)
	}
	for i, k := range keys {
		keys[i] = applyKey(k)
	}
	return keys, nil
}

// IsMissing says that an apply does not exist.
func IsMissing(err error) bool { return errors.Is(err, ErrNoKey) }
