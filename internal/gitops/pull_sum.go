package gitops

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
// long as that stays the same; the record of the first that has one holds what is shown.
// Whoever cannot know it shows it again, which is safe.
func (r *Reception) sum(ctx context.Context, v *visit, p port.Pull, desks []*Desk, all []outcome) error {
	for _, d := range r.Desks {
		if d.Bound.Branch == p.Base && d.Compile != nil && !slices.Contains(desks, d) {
			return nil // its records are not known: what it would say, neither
		}
	}
	if !slices.ContainsFunc(desks, func(d *Desk) bool { return d.Bound.Branch == p.Base }) || ctx.Err() != nil {
		return nil
	}
	s := summed(p.Number, all)
	shows := string(s.State) + ": " + s.Text
	at := slices.IndexFunc(all, func(o outcome) bool { return o.rec.Head == p.HeadCommit })
	recorded := at >= 0 && all[at].rec.Sum == shows
	if s != v.sum && !recorded {
		if err := r.Forge.SetStatus(ctx, r.Repo, p.HeadCommit, s); err != nil {
			return fmt.Errorf("status %s: %w", SumName, err)
		}
	}
	v.sum = s
	if at < 0 || recorded {
		return nil
	}
	return all[at].desk.change(ctx, p.Number, r.Random(), func(rec *PullPlan) { rec.Sum = shows })
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
	if s == v.sum {
		return nil
	}
	for _, d := range desks {
		if _, planned := r.record(d, p.Number); planned {
			if err := d.change(ctx, p.Number, r.Random(), func(rec *PullPlan) { rec.Sum = "" }); err != nil {
				return fmt.Errorf("%s: %w", d.Name, err)
			}
		}
	}
	if err := r.Forge.SetStatus(ctx, r.Repo, p.HeadCommit, s); err != nil {
		return fmt.Errorf("status %s: %w", SumName, err)
	}
	v.sum = s
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
