package gitops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"domctl.dev/internal/git"
	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// SumName is under which name stands what all deployments together say of a pull
// request, also of one that changes none: the status to require before a merge.
const SumName = "domctl"

// outcome is what became of a pull request at one deployment.
type outcome struct {
	desk *Desk
	rec  PullPlan // zero: it does not change the deployment
	err  error
}

// sum shows what all deployments of the pull request's branch say of its head, once as
// long as that stays the same; where no other has that head the record of the first that
// has one holds what is shown. Whoever cannot know it shows it again, which is safe.
func (r *Reception) sum(ctx context.Context, v *visit, p port.Pull, desks []*Desk, all []outcome) error {
	for _, d := range r.Desks {
		if d.Bound.Branch == p.Base && d.Compile != nil && !slices.Contains(desks, d) {
			return nil // its records are not known: what it would say, neither
		}
	}
	r.summing.Lock()
	free := sync.OnceFunc(r.summing.Unlock) // records may be slow, and others wait
	defer free()
	if ctx.Err() != nil || !r.counts(p) {
		return nil
	}
	s := summed(p.Number, all)
	r.mu.Lock()
	v.says = s
	r.mu.Unlock()
	at := slices.IndexFunc(all, func(o outcome) bool { return o.rec.Head == p.HeadCommit })
	record := func(is string) error {
		if at < 0 || all[at].rec.Sum == is {
			return nil
		}
		return all[at].desk.change(ctx, p.Number, r.Random(), func(rec *PullPlan) { rec.Sum = is })
	}
	if len(r.beside(p)) == 0 {
		shows := string(s.State) + ": " + s.Text
		if err := r.showSum(ctx, p, s, at >= 0 && all[at].rec.Sum == shows); err != nil {
			return err
		}
		free()
		return record(shows)
	}
	if err := record(""); err != nil {
		return err
	}
	if s, known := r.worst(p, s); known {
		return r.showSum(ctx, p, s, false)
	}
	return nil
}

// showSum shows SumName, if it is not what is shown. recorded says that it was when that
// was recorded.
func (r *Reception) showSum(ctx context.Context, p port.Pull, s port.CommitStatus, recorded bool) error {
	r.mu.Lock()
	was, seen := r.sums[p.HeadCommit]
	r.mu.Unlock()
	set, err := true, error(nil)
	if seen && s != was || !seen && !recorded {
		if set, err = r.mark(ctx, p, s); err != nil {
			s, err = port.CommitStatus{}, fmt.Errorf("status %s: %w", SumName, err)
		}
	}
	if set {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.sums[p.HeadCommit] = s
	}
	return err
}

// pend shows that a pull request is yet to be planned, where its head may show success of
// another one.
func (r *Reception) pend(ctx context.Context, v *visit, p port.Pull) error {
	r.summing.Lock()
	defer r.summing.Unlock()
	r.mu.Lock()
	is, says, crowd := r.sums[p.HeadCommit], v.says, len(r.heads[p.HeadCommit])
	r.mu.Unlock()
	if crowd < 2 || !r.counts(p) {
		return nil
	}
	if shown, err := r.unrecord(ctx, p); shown || err != nil {
		return err
	}
	if says.Name != "" || is.Name != "" && is.State != port.CommitSuccess {
		return nil
	}
	return r.showSum(ctx, p, port.CommitStatus{Name: SumName, State: port.CommitPending, Text: fmt.Sprintf("pull request %d: being planned", p.Number)}, false)
}

// unrecord takes what is shown out of the records of those that have one head, as it may
// be another one's from now on. shown says that there is but this one and what it shows
// stands: forks that came later changed nothing.
func (r *Reception) unrecord(ctx context.Context, p port.Pull) (shown bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, mostRecords)
	defer cancel()
	all := append(r.beside(p), p)
	for _, d := range r.Desks {
		for _, q := range all {
			if _, there := r.record(d, q.Number); !there {
				continue
			}
			store, err := d.Records(ctx)
			if err != nil {
				continue // whoever plans for it says so
			}
			rec, _, err := ReadPullPlan(ctx, store, q.Number)
			if err != nil || rec.Head != q.HeadCommit || rec.Sum == "" {
				continue
			}
			if len(all) == 1 {
				return true, nil
			}
			if err := d.change(ctx, q.Number, r.Random(), func(rec *PullPlan) { rec.Sum = "" }); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// unread shows that what a pull request changes is not known, where that lies in its
// commits, once. No record holds another thing as shown then, so that a better end is
// shown again.
func (r *Reception) unread(ctx context.Context, v *visit, p port.Pull, desks []*Desk, err error) error {
	var why git.Unreadable
	if !errors.As(err, &why) || ctx.Err() != nil {
		return nil
	}
	s := port.CommitStatus{Name: SumName, State: port.CommitError, Text: statusText("", "cannot be read: "+why.Why)}
	r.summing.Lock()
	defer r.summing.Unlock()
	r.mu.Lock()
	v.says = s
	shown := r.sums[p.HeadCommit] == s
	r.mu.Unlock()
	if shown || !r.counts(p) {
		return nil
	}
	for _, d := range desks {
		if _, planned := r.record(d, p.Number); planned {
			if err := d.change(ctx, p.Number, r.Random(), func(rec *PullPlan) { rec.Sum = "" }); err != nil {
				return fmt.Errorf("%s: %w", d.Name, err)
			}
		}
	}
	if s, known := r.worst(p, s); known {
		return r.showSum(ctx, p, s, false)
	}
	return nil
}

// summed is the worst of what deployments say, with the way to the plan where it is of one.
func summed(pull int, all []outcome) port.CommitStatus {
	var planned, refused, unplanned []outcome
	for _, o := range all {
		switch {
		case o.err != nil, o.rec.Head != "" && o.rec.Plan == "" && o.rec.Recording == "" && !o.rec.Refused:
			unplanned = append(unplanned, o)
		case o.rec.Refused:
			refused = append(refused, o)
		case o.rec.Head != "":
			planned = append(planned, o)
		}
	}
	said := func(state port.CommitState, what string, of []outcome) port.CommitStatus {
		var names []string
		for _, o := range of {
			names = append(names, o.desk.Name)
		}
		s := port.CommitStatus{Name: SumName, State: state, Text: statusText("", what+schema.Listed(names, "and"))}
		if len(of) == 1 {
			s.URL = of[0].desk.pullAt(pull, of[0].rec.Plan)
		}
		return s
	}
	switch {
	case len(unplanned) > 0:
		return said(port.CommitError, "not planned: ", unplanned)
	case len(refused) > 0:
		return said(port.CommitFailure, "refused: ", refused)
	case len(planned) > 0:
		return said(port.CommitSuccess, "planned: ", planned)
	}
	return said(port.CommitSuccess, "no deployment changes", nil)
}
