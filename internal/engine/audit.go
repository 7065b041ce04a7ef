package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"domctl.dev/applier"
	"domctl.dev/planner"
)

// Audited is one thing that somebody did to a deployment, as its records hold it.
type Audited struct {
	At  time.Time `json:"at"` // UTC
	Who string    `json:"who"`
	// Did is what: apply, rollback, clean up, approve, freeze, "cancel build" or "ask on the page" begin
	// something; paused, failed, refused, ended and fenced are how an apply came to rest.
	Did     string `json:"did"`
	Apply   string `json:"apply,omitempty"`
	Commit  string `json:"commit,omitempty"`
	Effect  string `json:"effect,omitempty"`
	Pull    int    `json:"pull,omitempty"`
	Comment string `json:"comment,omitempty"`
	Why     string `json:"why,omitempty"`
}

// Audit is who did what and when, latest first: a view of the records of applies and
// of freezes and cancelled builds, to which more is added. Since leaves out what was before; with
// an error it answers what could be read.
func (e *Engine) Audit(ctx context.Context, since time.Time, more []Audited) ([]Audited, error) {
	history, err := e.History(ctx, HistoryOptions{})
	for _, p := range history {
		more = append(more, audited(p.Summary)...)
	}
	freezes, noFreezes := applier.Freezes(ctx, e.Store)
	for _, f := range freezes {
		a := Audited{At: f.At, Who: f.Who, Did: "freeze", Why: planner.Printable(fmt.Sprintf("until %s: %s", f.Until.UTC().Format(time.RFC3339), f.Why))}
		if !f.Until.After(f.At.Add(time.Second)) {
			a.Did, a.Why = "lift freeze", ""
		}
		more = append(more, a)
	}
	cancels, noCancels := applier.Cancels(ctx, e.Store)
	for _, c := range cancels {
		more = append(more, Audited{At: c.At, Who: c.Who, Did: "cancel build", Why: planner.Printable(fmt.Sprintf("revision %d of %s, of %s: %s", c.Revision, c.Name, c.Whose, cmp.Or(c.Became, "nobody noted what became of it")))})
	}
	more = slices.DeleteFunc(more, func(a Audited) bool { return a.At.Before(since) })
	slices.SortStableFunc(more, func(a, b Audited) int { return b.At.Compare(a.At) })
	return more, errors.Join(err, noFreezes, noCancels)
}

// audited are the lines of one apply, last first.
func audited(s applier.Summary) (all []Audited) {
	for _, r := range slices.Backward(s.Records) {
		a := Audited{At: r.At.UTC(), Who: r.By, Did: string(r.Kind), Apply: s.ID, Why: planner.Printable(r.Why)}
		switch r.Kind {
		case applier.KindPlan:
			if r.Plan == nil {
				continue
			}
			a.Did, a.Commit, a.Effect, a.Why = "apply", r.Plan.Source.Commit, r.Plan.Effect, r.Plan.Amount()
			switch {
			case r.Plan.Restores != "":
				a.Did, a.Why = "rollback", "of "+r.Plan.Restores+": "+a.Why
			case r.Plan.Collects():
				a.Did = "clean up"
			}
			if r.Plan.Source.Dirty {
				a.Why += " (of files that are not in the commit)"
			}
		case applier.KindApproved:
			a.Did = "approve"
			if r.Approval != nil {
				a.Who = cmp.Or(r.Approval.By, a.Who)
			}
		case applier.KindPaused, applier.KindFailed, applier.KindRefused, applier.KindEnded, applier.KindFenced:
		default:
			continue
		}
		all = append(all, a)
	}
	return all
}
