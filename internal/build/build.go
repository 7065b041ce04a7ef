// Package build makes compute environments and their revisions, and waits for the builds:
// the long operations domino.create and domino.build as Executors.
//
// What stands is told from Domino alone: a revision is this step's by its tag, which
// holds the step's token. It refuses to write back a variable that Domino shows masked,
// and ends a build that takes too long. internal/engine hands it to the applier.
package build

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Builder has revisions built. Domino is nil where the deployment does not state it;
// then no plan has a step for it.
type Builder struct {
	Domino port.Environments
	Now    func() time.Time
	// Secret resolves a reference ("env:NAME") to a Known value.
	Secret func(ctx context.Context, ref string) (schema.Value, error)
	// Reader reads what builds write, and Logs keeps it. nil: nobody reads, nobody keeps.
	Reader *Reader
	Logs   Logs
	// Most are under way side by side; 0: as many as there are.
	Most int
	// Longest is how long a build may take before it is cancelled; 0: two hours.
	Longest time.Duration
}

// Yields says that an interrupt cancels a build.
func (b Builder) Yields() bool { return true }

// Operations are the rows of the operation table that stand here. How a person does it
// stands with the other commands, in internal/world.
func (b Builder) Operations() applier.Operations {
	return applier.Operations{operation.BuildRevision: {Executor: b, Most: b.Most, Room: room, Undo: undoNothing, Tool: "curl", Calls: []string{"CreateRevision", "CancelBuild"}}}
}

// undoNothing: Domino deletes no revision, and one that is not active does nothing.
func undoNothing(planner.Done) []planner.Step { return nil }

// room is what builds of revisions and first builds share.
const room = "builds"

// mostBuild is Longest where nobody states it.
const mostBuild = 2 * time.Hour

func (b Builder) longest() time.Duration { return cmp.Or(b.Longest, mostBuild) }

// The marks of writes: cancel takes a build back, expire ends one that takes too long.
const (
	create = "create"
	cancel = "cancel "
	expire = "expire "
)

// Observe tells how far a step is by the revision that has its tag.
func (b Builder) Observe(ctx context.Context, a applier.Attempt) (applier.Status, error) {
	if b.Domino == nil {
		return applier.Status{State: applier.Unsure, Why: port.ErrUnstated.Error()}, nil
	}
	undone, err := b.undone(ctx, a)
	if err != nil {
		return applier.Status{}, err
	}
	own, found, err := b.own(ctx, a, undone)
	switch {
	case err != nil:
		return applier.Status{}, err
	case !found && a.Abort:
		return applier.Status{State: applier.Undone, Certain: undone > 0 && !a.Begun[creating(undone)]}, nil
	case !found:
		return applier.Status{State: applier.Next, Mark: creating(undone), Guard: planner.Absolute}, nil
	}
	env := a.Step.Args["environment"].Str()
	b.stream(ctx, a, env, own)
	mark := expire + own.ID
	if a.Abort {
		mark = cancel + own.ID
	}
	st := b.judge(a, own, mark)
	if st.State == applier.Failed {
		st.Why += b.end(ctx, a, env, own)
	}
	return st, nil
}

// made is a revision and its build.
type made struct {
	port.Revision
	port.Build
}

// undone is how many revisions of this round were taken back by interrupts of which the
// records do not tell that any more: the step goes on with another.
func (b Builder) undone(ctx context.Context, a applier.Attempt) (n int, err error) {
	for mark := range a.Begun {
		id, is := strings.CutPrefix(mark, cancel)
		if !is {
			continue
		}
		build, err := b.Domino.GetBuild(ctx, a.Step.Args["environment"].Str(), id)
		if err != nil {
			return 0, err
		}
		if build.Status == port.BuildKilled {
			n++
		}
	}
	return n, nil
}

// own is the revision that this step made, among those that are newer than what the
// plan saw: the oldest that has its tag, which anybody can copy once it is there.
func (b Builder) own(ctx context.Context, a applier.Attempt, undone int) (own made, found bool, err error) {
	env := a.Step.Args["environment"].Str()
	after, _ := a.Step.Args["after"].Float()
	all, err := b.Domino.ListRevisions(ctx, env)
	if err != nil {
		return made{}, false, err
	}
	if err := whole(all, a.Step.Args["from"].Str(), int64(after)); err != nil {
		return made{}, false, fmt.Errorf("environment %s: %w", env, err)
	}
	for _, r := range all {
		if r.Number <= int64(after) {
			break // newest first
		}
		build, err := b.Domino.GetBuild(ctx, env, r.ID)
		if err != nil {
			return made{}, false, err
		}
		if slices.Contains(build.Tags, stepTag(a, undone)) {
			own, found = made{r, build}, true
		}
	}
	return own, found, nil
}

// whole refuses a list of revisions without those that the plan saw, since Domino deletes
// none: it may lack the one that this step made, too.
func whole(all []port.Revision, from string, after int64) error {
	if after > 0 && !slices.ContainsFunc(all, func(r port.Revision) bool { return r.Number == after }) {
		return fmt.Errorf("the list of its revisions in Domino lacks number %d, which the plan saw; nothing is made of such a list", after)
	}
	if from != "" && !slices.ContainsFunc(all, func(r port.Revision) bool { return r.ID == from }) {
		return fmt.Errorf("the list of its revisions in Domino lacks %s, which the plan saw; nothing is made of such a list", from)
	}
	return nil
}

// tags are those of domctl's own that a step's revision gets. The content's key is that of
// the values that are known by now.
func tags(a applier.Attempt, undone int) []string {
	return []string{schema.TagContent + schema.DefinitionKey(a.Step.Writes), stepTag(a, undone)}
}

// stepTag is what tells this try of a step's revision.
func stepTag(a applier.Attempt, undone int) string {
	return schema.TagStep + applier.RoundToken(a.Token, a.Round, undone)[:24]
}

// creating is the mark of a try, and tries which one a mark is of.
func creating(undone int) string {
	if undone == 0 {
		return create
	}
	return fmt.Sprintf("%s %d", create, undone+1)
}

func tries(mark string) (undone int) {
	if _, n, again := strings.Cut(mark, " "); again {
		undone, _ = strconv.Atoi(n)
		undone--
	}
	return max(undone, 0)
}

// judge tells how the build of what a step made goes; mark is that of the write
// which ends it.
func (b Builder) judge(a applier.Attempt, own made, mark string) applier.Status {
	failed := func(format string, args ...any) applier.Status {
		if a.Abort {
			return applier.Status{State: applier.Undone, Certain: true}
		}
		return applier.Status{State: applier.Failed, Why: fmt.Sprintf(format, args...)}
	}
	stop := applier.Status{State: applier.Next, Mark: mark, Guard: planner.Absolute, Free: true}
	took := b.Now().Sub(begun(a, own))
	switch own.Status {
	case port.BuildSucceeded:
		return applier.Status{State: applier.Finished, Outputs: map[string]schema.Value{"id": schema.JSON(own.ID), "number": schema.JSON(own.Number)}}
	case port.BuildFailed:
		return failed("DC360: the build of revision %d failed, and the active revision stays; correct the definition, then domctl apply --supersede %s", own.Number, a.Apply)
	case port.BuildKilled:
		if a.Begun[mark] {
			return failed("DC362: the build of revision %d took more than %s and was cancelled; the active revision stays; domctl apply --supersede %s makes another", own.Number, b.longest(), a.Apply)
		}
		return failed("DC361: the build of revision %d was cancelled, and the active revision stays; domctl apply --supersede %s makes another", own.Number, a.Apply)
	}
	if a.Abort || took > b.longest() {
		return stop
	}
	status := own.Status
	if status == "" {
		status = port.BuildQueued
	}
	return applier.Status{State: applier.Pending, Wait: 10 * time.Second, Why: fmt.Sprintf("revision %d: %s since %s", own.Number, status, took.Truncate(time.Second))}
}

// begun is when a build can have begun: no earlier than the apply did, by domctl's clock,
// whatever Domino says, so that a clock that is wrong cancels none before its time.
func begun(a applier.Attempt, own made) time.Time {
	if own.Created.Before(a.Began) {
		return a.Began
	}
	return own.Created
}

// Start makes the one write that the mark names.
func (b Builder) Start(ctx context.Context, a applier.Attempt) error {
	env := a.Step.Args["environment"].Str()
	if !strings.HasPrefix(a.Mark, create) {
		_, id, _ := strings.Cut(a.Mark, " ")
		return refusal(b.Domino.CancelBuild(ctx, env, id))
	}
	d, err := b.definition(ctx, a.Step)
	if err != nil {
		return &applier.Refusal{Err: err}
	}
	d.Tags = append(d.Tags, tags(a, tries(a.Mark))...)
	_, err = b.Domino.CreateRevision(ctx, env, d)
	return refusal(err)
}

// refusal marks the answers that say that Domino did nothing.
func refusal(err error) error {
	if refused, again := port.Refused(err); refused {
		return &applier.Refusal{Err: err, Retry: again}
	}
	return err
}

// Made says of a revision's tags that a step of an apply made it; the first one of an
// environment, too, whose id no plan knows.
func Made(of applier.Summary, tags []string) bool {
	for _, s := range of.Plan.Steps {
		if s.Op != operation.BuildRevision && s.Op != operation.CreateEnvironment {
			continue
		}
		for _, t := range tags {
			if token, is := strings.CutPrefix(t, schema.TagStep); is && applier.BeginsRound(token, of.Token(s.ID)) {
				return true
			}
		}
	}
	return false
}

// fewTries of a step are known by their tags without a search.
const fewTries = 4

// StepTags are the tags of the revisions that applies made, with the apply's id; of a
// step that was taken back and gone on with, of its first tries.
func StepTags(applies []applier.Summary) map[string]string {
	out := map[string]string{}
	for _, a := range applies {
		if a.Plan == nil {
			continue
		}
		for _, s := range a.Plan.Steps {
			if s.Op != operation.BuildRevision && s.Op != operation.CreateEnvironment {
				continue
			}
			for try := range fewTries * fewTries {
				out[schema.TagStep+applier.RoundToken(a.Token(s.ID), try/fewTries, try%fewTries)[:24]] = a.ID
			}
		}
	}
	return out
}
