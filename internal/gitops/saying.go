package gitops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// saying is one comment with a command, of somebody who may write, and what became of it.
type saying struct {
	*Talk
	pull    port.Pull
	parts   []part
	comment port.Comment
	command Command

	at      part   // in whose records it is noted
	key     string // of the answer
	answer  string // Markdown; empty: none is needed
	pending bool   // another one must end first
}

func (s *saying) do(ctx context.Context) error {
	s.key = s.comment.ID
	all := ReadCommands(s.comment.Body)
	s.command = all[0]
	if len(all) > 1 {
		s.answer = "Nothing was done: a comment may hold one command, and this one holds " + fmt.Sprint(len(all)) + "."
		return nil
	}
	if s.command.Verb != ApplyVerb && s.command.Verb != HelpVerb && s.Now().Sub(s.comment.CreatedAt) > tooLate {
		s.answer = "Nothing was done: domctl saw this command too late. If it is still wanted, write it again."
		return nil
	}
	switch s.command.Verb {
	case HelpVerb:
		s.answer = help
		return nil
	case PlanVerb:
		return s.plan(ctx)
	case ApplyVerb:
		return s.approve(ctx)
	default:
		return s.wish(ctx)
	}
}

const help = `A line of its own in a comment, of somebody who may write to the repository:

    domctl plan [DEPLOYMENT]        plan again
    domctl apply EFFECT             approve what a plan would do; its comment shows the effect
    domctl unlock [DEPLOYMENT]      abandon the apply that waits; what it did stays
    domctl rollback [DEPLOYMENT]    take back the last apply
    domctl help

A comment that was edited, a quote and code are no commands.`

func strangers(user string) string {
	return planner.Code(user) + " may not write to this repository, so commands of theirs are not taken."
}

// named are the deployments that are meant.
func (s *saying) named() (all []part) {
	for _, p := range s.parts {
		if s.command.Arg == "" || s.command.Arg == p.desk.Name {
			all = append(all, p)
		}
	}
	return all
}

func (s *saying) names() string {
	var all []string
	for _, p := range s.parts {
		all = append(all, planner.Code(p.desk.Name))
	}
	return schema.Listed(all, "and")
}

func (s *saying) plan(ctx context.Context) (err error) {
	all := s.named()
	switch {
	case len(all) == 0:
		s.answer = "Nothing was planned: this pull request touches " + s.names() + "."
	case s.Replan == nil || s.pull.State != port.PullOpen:
		s.answer = "Nothing was planned: plans are made of open pull requests."
	default:
		for _, p := range all {
			err = errors.Join(err, s.Replan(ctx, p.desk, s.pull.Number))
		}
	}
	return err
}

// approve records an approval, or says why there is none.
func (s *saying) approve(ctx context.Context) error {
	found := slices.DeleteFunc(slices.Clone(s.parts), func(p part) bool { return !matches(s.effect(p), s.command.Arg) })
	switch {
	case len(s.command.Arg) < shortest:
		s.answer = fmt.Sprintf("Nothing was approved: write at least %d digits of the effect, as in %s.", shortest, planner.Code("domctl apply EFFECT"))
		return nil
	case len(found) != 1:
		s.answer = "Nothing was approved: no plan of this pull request has effect " + planner.Code(s.command.Arg) + s.newest()
		return nil
	}
	p := found[0]
	s.at = p
	if why := s.unfit(p); why != "" {
		s.answer = "Nothing was approved: " + why + "."
		return nil
	}
	now := s.Now().UTC()
	a := Approval{Effect: s.effect(p), Pull: s.pull.Number, Head: s.pull.HeadCommit, User: s.comment.Author, Comment: s.comment.ID, At: now, Expires: now.Add(p.desk.Bound.Approvals.Term()), Nonce: p.desk.Random()}
	if err := approve(ctx, p.store, a); err != nil {
		return err
	}
	f, _, err := applier.ReadFreeze(ctx, p.store)
	if err != nil {
		return err
	}
	s.answer = fmt.Sprintf("%s approved effect %s of %s, as this pull request brings it at %s, until %s.", planner.Code(a.User), planner.Code(a.Effect), planner.Code(p.desk.Name), planner.Code(a.Head), a.Expires.Format(time.RFC3339))
	if f.Holds(now) {
		s.answer += " It is not applied yet: the deployment is " + planner.Code(f.String()) + "."
	}
	if s.Wake != nil && p.asked(s.pull.Number) {
		s.Wake(p.desk)
	}
	return nil
}

// effect is what the pull request's plan would do; of one that is merged and waits,
// what the merge would.
func (s *saying) effect(p part) string {
	if p.asked(s.pull.Number) {
		return p.head.Effect
	}
	return p.plan.Effect
}

func (s *saying) newest() string {
	var all []string
	for _, p := range s.parts {
		if e := s.effect(p); e != "" {
			all = append(all, planner.Code(e)+" of "+planner.Code(p.desk.Name))
		}
	}
	switch {
	case len(all) == 0 && slices.ContainsFunc(s.parts, func(p part) bool { return p.plan.Recording != "" }):
		return ". It comes from a fork and is planned from a recording: such a plan has no effect and is approved by nobody. Once it is merged it is planned with credentials, and approved here then."
	case len(all) == 0:
		return "; it has no plan."
	}
	return ". Its plans have " + schema.Listed(all, "and") + "."
}

// unfit says why a person's word is no approval of a plan.
func (s *saying) unfit(p part) string {
	user := config.Account(s.comment.Author)
	wrote := user == config.Account(s.pull.Author) || slices.ContainsFunc(s.pull.Pushers, func(u string) bool { return config.Account(u) == user })
	counts := slices.ContainsFunc(p.desk.Bound.Rules, func(r config.Rule) bool { return r.Counts(user) })
	// Forges keep moments in seconds, so that a comment may seem to be older than it is.
	early := !p.asked(s.pull.Number) && s.comment.CreatedAt.Add(time.Second).Before(p.plan.At)
	switch {
	case len(p.desk.Bound.Rules) == 0:
		return "no rule of " + planner.Code(p.desk.Name) + " asks for approvals; what is merged is applied"
	case wrote:
		return planner.Code(s.comment.Author) + " wrote or pushed what would be approved"
	case !counts:
		return "the rules of " + planner.Code(p.desk.Name) + " ask others than " + planner.Code(s.comment.Author)
	case p.asked(s.pull.Number):
		if p.head.PullHead != s.pull.HeadCommit {
			return "the pull request moved on to " + planner.Code(s.pull.HeadCommit)
		}
		return ""
	case s.pull.State == port.PullClosed:
		return "the pull request is closed"
	case s.pull.State == port.PullMerged && p.head.Stage == Done && p.head.Commit == s.pull.MergeCommit:
		return "what it brought is done"
	case p.plan.Head != s.pull.HeadCommit:
		return "the pull request moved on to " + planner.Code(s.pull.HeadCommit) + ", which is not planned yet"
	case early:
		return "the command is older than the plan; look at the plan, and write it again"
	case p.plan.Behind:
		return "the branch changed the same files, so that a merge would give something else than the plan shows"
	case p.plan.Refused:
		return "the plan holds errors"
	}
	return ""
}

// wish leaves an unlock or a rollback to the deployment's own turns, one at a time.
func (s *saying) wish(ctx context.Context) error {
	all := s.named()
	if len(all) != 1 {
		s.answer = "Nothing was done: say which deployment is meant, of " + s.names() + ": " + planner.Code("domctl "+string(s.command.Verb)+" DEPLOYMENT") + "."
		return nil
	}
	s.at, s.pending = all[0], true
	w, etag, err := readWish(ctx, s.at.store)
	if err != nil || etag != "" && !w.Done {
		return err
	}
	w = Wish{Verb: s.command.Verb, User: s.comment.Author, Pull: s.pull.Number, Comment: s.comment.ID, At: s.Now().UTC(), Nonce: s.at.desk.Random()}
	if _, err = write(ctx, s.at.store, wishKey, etag, w); errors.Is(err, applier.ErrMoved) || errors.Is(err, applier.ErrExists) {
		return nil // another one was faster; this one waits
	}
	if err == nil && s.Wake != nil {
		s.Wake(s.at.desk)
	}
	return err
}
