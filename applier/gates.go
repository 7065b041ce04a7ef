package applier

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/planner"
)

// Passage is how a gate stands.
type Passage struct {
	Open bool
	Why  string        // what it waits for
	Wait time.Duration // until it opens by itself; 0: not known
}

// Approval is a person's yes to what waits behind gates of an apply.
type Approval struct {
	By     string    `json:"by"`     // the person
	Effect string    `json:"effect"` // of the plan that was approved
	Gates  []string  `json:"gates"`  // the Arg of each
	At     time.Time `json:"at"`
}

// held are the gates that keep steps of this segment back.
type held struct {
	why   []string // each once
	opens time.Time
}

func (h *held) by(p Passage, now time.Time) {
	if !slices.Contains(h.why, p.Why) {
		h.why = append(h.why, p.Why)
	}
	if at := now.Add(p.Wait); p.Wait > 0 && (h.opens.IsZero() || at.Before(h.opens)) {
		h.opens = at
	}
}

// passes asks a step's gates. One that was begun has passed them.
func (r *run) passes(s planner.Step) bool {
	if r.j.undecided(s.ID) {
		return true
	}
	open := true
	for _, g := range s.Gates {
		if p := r.Open(*r.j.plan, g, r.j.approvals(g)); !p.Open {
			r.held.by(p, r.Clock.Now())
			open = false
		}
	}
	return open
}

// approvals are those of a gate, by different people.
func (j *journal) approvals(g planner.Gate) (all []Approval) {
	for _, r := range j.all(KindApproved, "") {
		if a := r.Approval; a != nil && a.Effect == j.plan.Effect && slices.Contains(a.Gates, g.Arg) &&
			!slices.ContainsFunc(all, func(b Approval) bool { return a.By == b.By }) {
			all = append(all, *a)
		}
	}
	return all
}

// Approve records that a person approves what an apply waits for at this moment,
// and goes on with it. What comes behind later gates waits for another approval.
func (a *Applier) Approve(ctx context.Context, id, by string) (Result, error) {
	return a.run(ctx, id, nil, forward, by)
}

// approve records the approval of the gates of steps whose time has come.
func (r *run) approve(ctx context.Context) error {
	by := r.approver
	var gates []string
	for q := r.queue(); ; {
		i, ok := q.next()
		if !ok {
			break
		}
		s := r.j.plan.Steps[i]
		for _, g := range s.Gates {
			given := r.j.approvals(g)
			if g.Kind == planner.ApprovalGate && !r.j.undecided(s.ID) && len(given) < g.Approvals && !slices.Contains(gates, g.Arg) &&
				!slices.ContainsFunc(given, func(a Approval) bool { return a.By == by }) {
				gates = append(gates, g.Arg)
			}
		}
	}
	if len(gates) == 0 {
		return r.unasked()
	}
	yes := Approval{By: by, Effect: r.j.plan.Effect, Gates: gates, At: r.Clock.Now().UTC()}
	why := by + " approves " + strings.Join(gates, ", ")
	if err := r.j.append(ctx, Record{Kind: KindApproved, Approval: &yes, Why: why}); err != nil {
		return err
	}
	r.tell(Event{Kind: KindApproved, Why: why})
	return nil
}

// unasked refuses an approval of nothing.
func (r *run) unasked() error {
	return fmt.Errorf("DC322: apply %s waits for no approval, or for those of other people alone; domctl history show %[1]s tells what it waits for", r.j.id)
}
