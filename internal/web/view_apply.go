package web

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// mostSteps is how many steps of an apply stand on one page.
const mostSteps = 200

// mostTaken is how many lines of a way back stand on a page.
const mostTaken = 200

// applyView is one apply with its steps.
type applyView struct {
	ID, By, Why, Restores, Amount string
	At, Last                      time.Time // of its first record, and of its latest
	Outcome                       string
	Commit                        place
	Done, All                     int
	Steps                         []step
	From, To                      int
	Prev, Next                    string
	Events                        []event
	Back                          []back
	BackLeft                      int
	Fenced                        bool // before it began
}

// step is one of an apply, as far as it has come.
type step struct {
	N                       int
	ID, Address, Op, Object string
	State, Why              string
	Began, Ended            time.Time
	Took                    string
	Approvals               []string
	Mark                    string
	Final                   string
}

// Class is how a step's state is coloured, and which mark stands before it.
func (s step) Class() string {
	switch s.State {
	case "done":
		return "good"
	case "failed":
		return "bad"
	case "under way":
		return "busy"
	case "waits", "undecided":
		return "warn"
	}
	return "calm"
}

// event is what happened to an apply as a whole.
type event struct {
	At        time.Time
	What, Why string
	By        string
}

// back is what a rollback would do about one place.
type back struct{ Address, Object, Path, Set, Found, Does string }

// applyOf shows an apply's steps from one on.
func applyOf(s applier.Summary, d Deployment, from int) applyView {
	v := applyView{ID: s.ID, By: shown(s.By), Why: shown(s.Why), At: s.At, Last: s.Records[len(s.Records)-1].At, Outcome: string(s.Outcome), Done: s.Done, Fenced: s.Plan == nil, Events: eventsOf(s)}
	if s.Plan == nil {
		return v
	}
	v.Restores, v.Amount, v.All = s.Plan.Restores, s.Plan.Amount(), len(s.Plan.Steps)
	if c := s.Plan.Source.Commit; c != "" {
		v.Commit = place{fmt.Sprintf("%.12s", shown(c)), d.Forge.Commit(c)}
	}
	steps := stepsOf(s)
	from = max(min(from, len(steps)), 0)
	v.From, v.To = from+1, min(from+mostSteps, len(steps))
	v.Steps = steps[from:v.To]
	if from > 0 {
		v.Prev = strconv.Itoa(max(from-mostSteps, 0))
	}
	if v.To < len(steps) {
		v.Next = strconv.Itoa(v.To)
	}
	v.Back, v.BackLeft = backOf(s)
	return v
}

// stepsOf follows an apply's records.
func stepsOf(s applier.Summary) []step {
	steps, at := make([]step, len(s.Plan.Steps)), map[string]*step{}
	for i, of := range s.Plan.Steps {
		steps[i] = step{N: i + 1, ID: of.ID, Address: shown(of.Address.String()), Op: shown(of.Op), Object: shown(string(of.Object)), State: "to do", Final: shown(of.Irreversible)}
		for _, g := range of.Gates {
			steps[i].Approvals = append(steps[i].Approvals, shown(g.Kind+" "+g.Arg))
		}
		at[of.ID] = &steps[i]
	}
	for _, r := range s.Records {
		advance(r, at)
	}
	for i := range steps {
		switch {
		case s.Outcome == "": // it goes on
		case steps[i].State == "under way" && s.Outcome == applier.PausedOutcome:
		case steps[i].State == "under way":
			steps[i].State = "undecided"
		case steps[i].State == "to do" && s.Outcome == applier.PausedOutcome:
			steps[i].State = "waits"
		case steps[i].State == "to do":
			steps[i].State = "not done"
		}
	}
	return steps
}

func advance(r applier.Record, at map[string]*step) {
	for _, id := range r.Failed {
		if of := at[id]; of != nil && r.Kind == applier.KindFailed && of.State != "done" {
			of.State, of.Ended = "failed", r.At
		}
	}
	of := at[r.Step]
	if of == nil {
		return
	}
	switch r.Kind {
	case applier.KindBegin:
		if of.State = "under way"; of.Began.IsZero() {
			of.Began = r.At
		}
		of.Mark = shown(cmp.Or(r.Says, r.Mark))
	case applier.KindMissed:
		of.State, of.Why = "to do", shown(r.Why)
	case applier.KindUndone:
		of.State, of.Ended = "undone", r.At
	case applier.KindDone:
		of.State, of.Ended, of.Mark = "done", r.At, ""
		if of.Began.IsZero() {
			of.Why = "stood already"
			break
		}
		of.Took = took(of.Ended.Sub(of.Began))
	}
}

func took(d time.Duration) string {
	if d < time.Second {
		return "under 1 s"
	}
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// eventsOf are the records that speak of the apply as a whole.
func eventsOf(s applier.Summary) (out []event) {
	words := map[applier.RecordKind]string{applier.KindPlan: "began", applier.KindApproved: "approved", applier.KindFailed: "stopped, with steps that failed",
		applier.KindPaused: "paused", applier.KindRefused: "refused", applier.KindFenced: "taken over by another process", applier.KindEnded: "ended"}
	for _, r := range s.Records {
		what, tells := words[r.Kind]
		if !tells {
			continue
		}
		by := r.By
		if r.Approval != nil {
			by = r.Approval.By
		}
		out = append(out, event{r.At, what, shown(r.Why), shown(by)})
	}
	const most = 100
	return out[max(len(out)-most, 0):]
}

// backOf says what a rollback would do, by what the plan expected before each step and
// what the records say was done. Values that may be secret stand as digests in both.
func backOf(s applier.Summary) (out []back, left int) {
	given := outputsOf(s.Records)
	begun, steps := map[string]bool{}, map[string]planner.Step{}
	for _, of := range s.Plan.Steps {
		steps[of.ID] = of
	}
	for i := len(s.Records) - 1; i >= 0; i-- {
		if s.Records[i].Kind == applier.KindBegin {
			begun[s.Records[i].Step] = true
		}
	}
	for i := len(s.Records) - 1; i >= 0; i-- { // the last step is taken back first
		if r := s.Records[i]; r.Kind == applier.KindDone && begun[r.Step] {
			out = append(out, stepBack(steps[r.Step].Resolved(given), r)...)
		}
	}
	return out[:min(len(out), mostTaken)], max(len(out)-mostTaken, 0)
}

// outputsOf fills in what earlier steps gave.
func outputsOf(records []applier.Record) func(schema.Value) schema.Value {
	outputs := map[string]map[string]schema.Value{}
	for _, r := range records {
		if r.Kind == applier.KindDone {
			outputs[r.Step] = r.Outputs
		}
	}
	return func(v schema.Value) schema.Value {
		if id, name, ok := planner.SplitOut(v); ok && outputs[id][name].Is != schema.Absent {
			return outputs[id][name]
		}
		return v
	}
}

func stepBack(of planner.Step, r applier.Record) (out []back) {
	b := back{Address: shown(of.Address.String()), Object: shown(string(of.Object))}
	whole, isWhole := of.Writes[""]
	switch {
	case of.Irreversible != "":
		b.Does = "stays as it is: " + shown(of.Irreversible)
		return []back{b}
	case isWhole && whole.Is == schema.Absent:
		b.Does = "is made again, as it was"
		return []back{b}
	case isWhole:
		b.Does = "is deleted; if something uses it, it is archived or stays"
		return []back{b}
	case of.Creates != "":
		b.Object, b.Does = shown(of.Op), "what it made is deleted; where something uses it, or nothing deletes it, it stays, hidden if that can be"
		b.Set = shown(r.Outputs[of.Creates].Display())
		return []back{b}
	}
	for _, path := range schema.Sorted(of.Writes) {
		b.Path, b.Set, b.Found, b.Does = shown(path), shown(of.Writes[path].Display()), "", "set back"
		for _, e := range of.Expects {
			if e.Ref == of.Object && e.Path == path {
				b.Found = shown(e.Value.Display())
			}
		}
		out = append(out, b)
	}
	return out
}
