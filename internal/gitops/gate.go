package gitops

import (
	"context"
	"fmt"
	"strings"
	"time"

	"domctl.dev/internal/gitops/config"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// granted is what lets a plan be applied.
type granted struct {
	effect, commit string
	rules          []config.Rule
	by             []Approval
}

// verdict says whether a plan may be applied, and if not, what is missing.
type verdict struct {
	granted
	from      origin
	approvals int      // approvals of the effect that there are, of whatever worth
	missing   []string // for people; none: it may be applied
}

// gate holds a plan of a commit against the deployment's rules and the approvals that
// stand. Whoever wrote what is planned is not asked, and who is asked must have the
// right at this moment.
func (t *turn) gate(ctx context.Context, p planner.Plan, commit string) (v verdict, err error) {
	v.granted = granted{effect: p.Effect, commit: commit, rules: t.Bound.Needs(p)}
	if len(v.rules) == 0 {
		if v.from.Unknown = true; t.ruled() { // for who takes it back; nothing that is applied depends on it
			if from, err := t.wrote(ctx, p, commit); err == nil {
				v.from = from
			}
		}
		return v, nil
	}
	if t.Forge == nil {
		v.missing = []string{"approvals, and its repository has no forge"}
		return v, nil
	}
	if v.approvals, err = t.count(ctx, p.Effect); err != nil { // before they are read: one more is news
		return v, err
	}
	if v.from, err = t.wrote(ctx, p, commit); err != nil {
		return v, fmt.Errorf("who brought %.12s: %w", commit, err)
	}
	best := v
	for i, pull := range v.from.beside {
		if v.from.Pull = pull; i > 0 && best.lacks() == 0 {
			break
		}
		if v.by, err = t.standing(ctx, p.Effect, v.from); err != nil {
			return v, fmt.Errorf("approvals: %w", err)
		}
		if i == 0 || v.lacks() < best.lacks() {
			best = v
		}
	}
	v = best
	for _, r := range v.rules {
		if n := r.Missing(people(v.by), v.from.extra()); n > 0 {
			v.missing = append(v.missing, fmt.Sprintf("%s of rule %q", planner.Plural(n, "approval"), r.Name))
		}
	}
	return v, nil
}

// lacks is how many approvals all rules lack together.
func (v verdict) lacks() (n int) {
	for _, r := range v.rules {
		n += r.Missing(people(v.by), v.from.extra())
	}
	return n
}

// why says what is missing, in a few words.
func (v verdict) why() string {
	text := schema.Listed(v.missing, "and")
	if v.from.Pull.Number == 0 {
		return "DC536: it came by no pull request, and waits for " + text
	}
	return fmt.Sprintf("DC535: waits in pull request %d for %s", v.from.Pull.Number, text)
}

// asked is the comment that asks for approvals of a plan which is merged.
func (v verdict) asked(p planner.Plan, whole string, limit int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### domctl: %s waits for approval\n\n", planner.Code(p.Deployment))
	fmt.Fprintf(&b, "Commit %s is on the branch, and is not applied.\n\n", planner.Code(v.commit))
	writeNeeds(&b, v.rules, people(v.by), v.from.extra())
	if v.from.Unknown {
		b.WriteString("\nSome of it came to the branch by no pull request, or was left out before that was noted, so one approval more is asked for: any one of those who approve may have pushed it.\n")
	}
	writeHow(&b, p.Effect)
	return b.String() + p.Comment(limit-b.Len(), whole)
}

// note says in a pull request whose approvals its plan needs, if anybody's.
func note(d config.Deployment, p planner.Plan) string {
	rules := d.Needs(p)
	if len(rules) == 0 || p.Refused() {
		return ""
	}
	var b strings.Builder
	b.WriteString("What is below is applied once it is merged and approved:\n\n")
	writeNeeds(&b, rules, nil, 0)
	writeHow(&b, p.Effect)
	return b.String()
}

func writeHow(b *strings.Builder, effect string) {
	fmt.Fprintf(b, "\nTo approve it, write a comment that holds this line; whoever wrote or pushed it does not count:\n\n    domctl apply %s\n\n", effect)
}

// writeNeeds lists what rules ask for, and whose approvals there are.
func writeNeeds(b *strings.Builder, rules []config.Rule, by []string, extra int) {
	for _, r := range rules {
		fmt.Fprintf(b, "- rule %s: %s", planner.Code(r.Name), planner.Plural(r.Needed()+extra, "approval"))
		if len(r.From) > 0 {
			var names []string
			for _, u := range r.From {
				names = append(names, planner.Code(u))
			}
			b.WriteString(" from " + schema.Listed(names, "or"))
		}
		fmt.Fprintf(b, ", %d missing\n", r.Missing(by, extra))
	}
}

// ask tells the pull request what is missing. Repeating it is safe.
func (t *turn) ask(ctx context.Context, v verdict, p planner.Plan) error {
	if v.from.Pull.Number == 0 {
		return nil // the commit's status says it
	}
	return t.says(ctx, v.from.Pull.Number, func(limit int) string { return v.asked(p, t.planAt(), limit) })
}

// wait records that a plan waits for approvals, and asks for them. It is planned again
// now and then: what it would do may change while it waits.
func (t *turn) wait(ctx context.Context, h Head, v verdict, p planner.Plan) error {
	if t.Forge == nil {
		h.Stage = Refused
		return t.later(ctx, h, v.why())
	}
	if err := t.ask(ctx, v, p); err != nil {
		return fmt.Errorf("asking for approvals: %w", err)
	}
	h.Stage, h.Pull, h.PullHead, h.Approvals = Asked, v.from.Pull.Number, v.from.Pull.HeadCommit, v.approvals
	return t.later(ctx, h, v.why())
}

// unask says where approvals were asked for what became of that.
func (t *turn) unask(ctx context.Context) error {
	if t.Forge == nil {
		return nil
	}
	head := "### domctl: " + planner.Code(t.Name) + "\n\n"
	if n := t.head.Over; n > 0 && n != t.head.Pull {
		text := head + "Another commit, " + planner.Code(t.head.Commit) + ", is on the branch by now. What was asked here is asked no more.\n"
		if err := t.says(ctx, n, func(int) string { return text }); err != nil {
			return err
		}
	}
	if n := t.head.Pull; n > 0 && t.head.Stage != Asked && t.head.Stage != Applying {
		text := head + "Commit " + planner.Code(t.head.Commit) + ": " + planner.Code(t.head.Why) + "\n"
		return t.says(ctx, n, func(int) string { return text })
	}
	return nil
}

// says replaces what a pull request was asked.
func (t *turn) says(ctx context.Context, pull int, text func(limit int) string) error {
	c := Comment{Repo: t.Repo, Pull: pull, Key: t.Name, Word: asks, Text: text}
	_, err := c.Post(ctx, t.Forge)
	return err
}

// listens is the pull request in which people may say something of the commit.
func (h Head) listens(now time.Time) int {
	if n := h.awaits(); n > 0 || !now.Before(h.HeardOut) {
		return n
	}
	return h.From
}

// awaits is the pull request in which approvals are waited for.
func (h Head) awaits() int {
	if h.Stage != Asked {
		return 0
	}
	return h.Pull
}

// approvedSince says whether there is an approval that there was not when it was asked for.
func (t *turn) approvedSince(ctx context.Context) (bool, error) {
	n, err := t.count(ctx, t.head.Effect)
	return n != t.head.Approvals, err
}

func (t *turn) count(ctx context.Context, effect string) (int, error) {
	keys, err := t.store.List(ctx, approvalsKey+effect+"/")
	return len(keys), err
}
