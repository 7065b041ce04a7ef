package gitops

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/git"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Compiled is a deployment's files in a tree, held against what it is bound to.
type Compiled struct {
	compiler.Result
	// Sum is a digest of the files that were read, and of what was found wrong with them.
	Sum string
	// Lacks says that there is no deployment in the tree.
	Lacks bool
}

// proposal is a pull request at one deployment.
type proposal struct {
	*Reception
	*Proposal
	desk  *Desk
	pull  port.Pull
	store applier.Store
	rec   PullPlan
	etag  string
	fresh bool // its head was not planned before
	// version is that of what was applied.
	version string
	// world is what a fork is planned from; nil: what lives.
	world *recording
}

// review plans a pull request for all deployments that it touches.
// Before it there was another visit, or none.
func (r *Reception) review(ctx context.Context, v, before *visit, p port.Pull, desks []*Desk) error {
	room, err := os.MkdirTemp(r.Room, "pull-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(room)
	dirs := make([]string, len(desks))
	for i, d := range desks {
		dirs[i] = d.Bound.Dir
	}
	if err := r.pend(ctx, v, p); err != nil {
		return err
	}
	change, err := r.Source.Propose(ctx, p, v.commit, dirs, room)
	if err != nil {
		return errors.Join(err, r.unread(ctx, v, p, desks, err))
	}
	defer change.Done()
	if len(change.Conflicts) == 0 {
		r.follow(ctx, desks, v.commit)
	}
	became := make([]outcome, len(desks))
	var all sync.WaitGroup
	for i, d := range desks {
		became[i].desk = d
		_, planned := r.record(d, p.Number)
		if !planned && !r.mayTouch(ctx, d, p, change) {
			continue
		}
		all.Go(func() {
			if !planned && !r.learns(ctx, d, p, change) {
				return
			}
			one := proposal{desk: d, Reception: r, Proposal: change, pull: p}
			if err := guarded(func() error { return one.run(ctx, v, before) }); err != nil {
				became[i].err = fmt.Errorf("%s: %w", d.Name, err)
			}
			became[i].rec = one.rec
		})
	}
	all.Wait()
	err = r.sum(ctx, v, p, desks, became)
	for _, o := range became {
		err = errors.Join(err, o.err)
	}
	return err
}

func (r *Reception) record(d *Desk, pull int) (ended time.Time, there bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ended, there = r.known[d][pull]
	return ended, there
}

// pullName is what a pull request's files are compiled as.
func pullName(p port.Pull) string { return fmt.Sprintf("pull-%d", p.Number) }

// run brings what the pull request shows of the deployment up to date.
func (t *proposal) run(ctx context.Context, v, earlier *visit) (err error) {
	if t.store, err = t.desk.Records(ctx); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	var there bool
	if t.etag, there, err = read(ctx, t.store, pullKey(t.pull.Number), &t.rec); err != nil {
		return err
	}
	if t.desk.Bound.Branch != t.pull.Base || len(t.Files) == 0 {
		return t.untouched(ctx, there)
	}
	if t.forked(t.pull) {
		if known, err := t.foreign(ctx); !known || err != nil {
			return err
		}
	} else if t.version, err = t.desk.version(ctx); err != nil {
		return err
	}
	t.fresh = t.rec.Head != t.pull.HeadCommit
	if t.shown() && t.sees() && t.stood(ctx, earlier, t.desk, t.Proposal) {
		t.touches(v, earlier.steps[t.desk])
		return t.rebase(ctx)
	}
	before, after, err := t.compiled(ctx)
	if err != nil {
		return t.broken(ctx, err)
	}
	t.remark(t.desk, t.before, before, t.Proposal)
	rests := step{printOf(t.before, t.desk.Bound.Dir, before), printOf(t.after, t.desk.Bound.Dir, after)}
	if before.Sum == after.Sum && !t.rewrites() {
		return t.untouched(ctx, there)
	}
	if t.stands(before, after) {
		t.touches(v, rests)
		return t.rebase(ctx)
	}
	if err := t.anew(ctx, before, after); err != nil {
		return err
	}
	t.touches(v, rests)
	return nil
}

// anew plans, and shows the plan. That a head is planned which was not before is shown
// first, once its record is this controller's: who has it says how that ends. Until it
// is shown here, what another controller recorded meanwhile is not believed to be.
func (t *proposal) anew(ctx context.Context, before, after Compiled) error {
	t.certain(false)
	if t.fresh {
		t.rec = PullPlan{Head: t.pull.HeadCommit, Base: t.From, Comment: t.rec.Comment}
		if err := t.save(ctx); err != nil {
			return err
		}
		pending := port.CommitStatus{Name: StatusName(t.desk.Name), State: port.CommitPending, Text: "being planned"}
		if err := t.forge().SetStatus(ctx, t.Repo, t.pull.HeadCommit, pending); err != nil {
			return err
		}
	}
	within, end := t.desk.observe(ctx, PullPlanWork, "")
	p, err := t.plan(within, before, after)
	end(planOutcome(p, err))
	if err != nil {
		return t.broken(ctx, err)
	}
	return t.show(ctx, p, before, after)
}

// compiled are the deployment's files without the pull request and with it; what is
// known of them costs no place.
func (t *proposal) compiled(ctx context.Context) (before, after Compiled, err error) {
	var was, is bool
	if _, _, err := t.Trees(ctx); err != nil {
		return before, after, err
	}
	if after, is, err = t.desk.Compile(ctx, t.after, pullName(t.pull), false); err == nil && is {
		before, was, err = t.desk.Compile(ctx, t.before, "", false)
	}
	if err != nil || was && is {
		return before, after, err
	}
	err = t.place(ctx, func(ctx context.Context) (err error) {
		if before, _, err = t.desk.Compile(ctx, t.before, "", true); err == nil {
			after, _, err = t.desk.Compile(ctx, t.after, pullName(t.pull), true)
		}
		return err
	})
	return before, after, err
}

// shown says that the pull request shows what the record says.
func (t *proposal) shown() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rec.Told && t.rec.Ended.IsZero() && !t.fresh && !t.uncertain[showing{t.desk, t.pull.Number}]
}

// certain notes whether what is shown may be another thing than what is recorded.
func (t *proposal) certain(is bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := (showing{t.desk, t.pull.Number}); is {
		delete(t.uncertain, at)
	} else {
		t.uncertain[at] = true
	}
}

// showing is a deployment's part of a pull request.
type showing struct {
	desk *Desk
	pull int
}

// stands says that what the pull request shows is still what there is to show.
func (t *proposal) stands(before, after Compiled) bool {
	r := t.rec
	return t.shown() && t.sees() && r.Before == before.Sum && r.Files == after.Sum && r.Behind == (len(t.Conflicts) > 0)
}

// rebase notes that the plan is one for another commit of the branch, too.
func (t *proposal) rebase(ctx context.Context) error {
	if t.rec.Base == t.From {
		return nil
	}
	t.rec.Base = t.From
	return t.save(ctx)
}

func (t *proposal) save(ctx context.Context) (err error) {
	t.rec.Pull, t.rec.Nonce = t.pull.Number, t.Random()
	if t.etag, err = write(ctx, t.store, pullKey(t.pull.Number), t.etag, t.rec); err == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.known[t.desk][t.pull.Number] = time.Time{}
	}
	return err
}

// plan plans what the merge would give against what the branch has. Files that are
// wrong are a plan of their findings alone.
func (t *proposal) plan(ctx context.Context, before, after Compiled) (p planner.Plan, err error) {
	if schema.Stops(after.Findings) {
		return t.refused(t.public(after.Findings)), nil
	}
	f := engine.Former{Base: planner.Base{Ref: t.pull.Base, Commit: t.From}, Compiled: before.Result}
	if before.Lacks {
		f.Lacks = "holds no deployment in " + t.desk.Bound.Folder()
	}
	var o engine.PlanOptions
	if t.desk.Bound.Archive {
		o.Allow = []string{"archive"}
	}
	err = t.place(ctx, func(ctx context.Context) (err error) {
		if t.world != nil {
			p, err = t.world.plan(t.pull.HeadCommit, after, o, f)
			return err
		}
		e, shut, err := t.desk.Engine(ctx, t.after, after)
		defer shut()
		if err == nil {
			p, err = e.PlanAgainst(ctx, o, f)
		}
		return err
	})
	var invalid *engine.Invalid
	if errors.As(err, &invalid) {
		return t.refused(invalid.Findings), nil
	}
	if err == nil && len(t.Conflicts) > 0 {
		p.Findings = schema.SortFindings(append(p.Findings, t.behind()))
	}
	if err == nil && t.rewrites() {
		p.Findings = schema.SortFindings(append(p.Findings, t.rewritten()))
	}
	return p, err
}

func (t *proposal) refused(found []schema.Finding) planner.Plan {
	if len(t.Conflicts) > 0 {
		found = append(slices.Clone(found), t.behind())
	}
	return planner.Plan{Deployment: t.desk.Name, Findings: schema.SortFindings(found), Source: planner.Source{Commit: t.pull.HeadCommit}}
}

// mostConflicts is how many files are named that two sides changed.
const mostConflicts = 5

// behind says that a merge would not give what was planned.
func (t *proposal) behind() schema.Finding {
	names := t.Conflicts[:min(len(t.Conflicts), mostConflicts)]
	text := schema.Listed(names, "and")
	if n := len(t.Conflicts) - len(names); n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return schema.Finding{Code: "DC530", Severity: schema.Error, Message: fmt.Sprintf("branch %s changed %s otherwise, so what a merge would give is not known; the plan is of this pull request's own files", t.pull.Base, text),
		Hint: "bring the pull request up to date: merge " + t.pull.Base + " into it, or rebase it; nothing is approved by its effect until then"}
}

// show records a plan, then shows it, then records that. Who dies in between plans
// again.
func (t *proposal) show(ctx context.Context, p planner.Plan, before, after Compiled) error {
	comment := t.rec.Comment
	t.rec = PullPlan{Head: t.pull.HeadCommit, Base: t.From, Plan: p.ID, Effect: p.Effect, Behind: len(t.Conflicts) > 0, Refused: p.Refused(),
		Before: before.Sum, Files: after.Sum, Applied: t.version, Recording: t.world.digest(), At: t.desk.Now(), Comment: comment}
	if p.ID == "" {
		t.rec.Why = refusal(p.Findings)
	}
	err := t.save(ctx)
	if err == nil && p.ID != "" {
		err = KeepPlan(ctx, t.store, PullPlanOf(t.pull.Number), p)
	}
	if err != nil {
		return err
	}
	told, err := Telling{Repo: t.Repo, Pull: t.pull.Number, Commit: t.pull.HeadCommit, Plan: p, Whole: t.desk.pullAt(t.pull.Number, p.ID), Note: t.note(p)}.Tell(ctx, t.forge())
	if err != nil {
		return err
	}
	if told.Moved != "" { // as the next look sees, unless the forge says now this and now that
		return fmt.Errorf("the pull request is at %.12s: %w", told.Moved, git.ErrGone)
	}
	t.rec.Told, t.rec.Comment = true, told.Comment.ID
	if err = t.save(ctx); err == nil {
		t.certain(true)
	}
	return err
}

// broken shows that a pull request could not be planned, once for what is the matter.
func (t *proposal) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	s := port.CommitStatus{Name: StatusName(t.desk.Name), State: port.CommitError, Text: statusText("", "cannot be planned: "+err.Error())}
	if t.rec.Head == t.pull.HeadCommit && t.rec.Why == s.Text {
		return err
	}
	if failed := t.forge().SetStatus(ctx, t.Repo, t.pull.HeadCommit, s); failed != nil {
		return errors.Join(err, failed)
	}
	if t.rec.Head != t.pull.HeadCommit { // what was planned of another one says nothing of this
		t.rec = PullPlan{Head: t.pull.HeadCommit, Comment: t.rec.Comment}
	}
	t.rec.Why, t.rec.Told = s.Text, false
	return errors.Join(err, t.save(ctx))
}
