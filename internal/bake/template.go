package bake

import (
	"context"
	"fmt"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// borrowing is bake.template: an image of an instance that is somebody's. It is
// tagged as lent, started, worked on, stopped, made an image of, and put back as it
// was. Nothing here can terminate it: what this step made is the image alone, and
// the tag. Only power states that the step itself changed are put back, so that who
// starts or stops the instance meanwhile has the last word.
type borrowing struct{ Maker }

// lent is how the instance of a step stands.
type lent struct {
	port.Instance
	loan  schema.Loan
	state loanState
	name  int // which of its names the image is to have
}

type loanState int

const (
	free loanState = iota
	mine
	another // of this apply
	foreign
)

func (b borrowing) lent(ctx context.Context, a applier.Attempt, o order) (l lent, err error) {
	found, err := b.Outside.DescribeInstances(ctx, port.Select{IDs: []string{o.instance}})
	if err != nil {
		return l, err
	}
	if l.State = "terminated"; len(found) > 0 {
		l.Instance = found[0]
	}
	switch loan, lent := schema.LoanOf(l.Tags); {
	case !lent:
	case loan.Token == a.Token:
		l.loan, l.state = loan, mine
	case loan.Apply == a.Apply:
		l.loan, l.state = loan, another
	default:
		l.loan, l.state = loan, foreign
	}
	return l, nil
}

// word is a mark's first word, another after each time that the step was, or was
// being, taken back.
func word(a applier.Attempt, what string) string {
	if n := len(begun(a, undo)); n > 0 {
		return fmt.Sprintf("%s/%d", what, n)
	}
	return what
}

// did says that a mark of this word was begun, in whatever try.
func did(a applier.Attempt, what string) bool {
	return len(everBegun(a, what)) > 0
}

// Observe tells where the bake is: by the image of its name, the instance's tag and
// power state, and the work on it.
func (b borrowing) Observe(ctx context.Context, a applier.Attempt) (applier.Status, error) {
	o, err := orderOf(a.Step)
	if err != nil {
		return applier.Status{}, err
	}
	image, n, taken, err := b.image(ctx, a, o)
	if err != nil {
		return applier.Status{}, err
	}
	l, err := b.lent(ctx, a, o)
	l.name = n
	switch {
	case err != nil:
		return applier.Status{}, err
	case a.Abort && image != nil:
		return next(undo+image.ID, planner.Absolute), nil
	case a.Abort:
		return b.putBack(a, o, l, applier.Status{State: applier.Undone}), nil
	case taken != "":
		return b.putBack(a, o, l, failed("%s", taken)), nil
	case image != nil:
		return b.made(a, o, l, *image), nil
	}
	for _, what := range []string{"fail", "late"} {
		if why := begun(a, word(a, what)+" "+o.instance+" "); len(why) > 0 {
			if b.Keep {
				return failed("DC331: %s: %s%s; it is left as it is, and lent; domctl apply --resume %s and domctl rollback put it back", o.instance, why[0], b.inLog(a), a.Apply), nil
			}
			return b.putBack(a, o, l, failed("DC331: %s: %s%s; %s", o.instance, why[0], b.inLog(a), anew(a))), nil
		}
	}
	if why := begun(a, word(a, "moved")+" "+o.instance+" "); len(why) > 0 {
		return b.putBack(a, o, l, failed("DC347: %s: %s; %s", o.instance, why[0], anew(a))), nil
	}
	return b.forward(ctx, a, o, l)
}

// image is the one that this step made, or why it cannot be made; n is which of its
// names is to be used.
func (b borrowing) image(ctx context.Context, a applier.Attempt, o order) (made *port.Image, n int, taken string, err error) {
	images, err := b.Outside.DescribeImages(ctx, port.ImageQuery{Owners: []string{"self"}, Filters: map[string][]string{"name": o.names(a.Began)}})
	if err != nil {
		return nil, 0, "", err
	}
	n = nth(a)
	made, stranger := o.claim(a, images, &n)
	if stranger != nil {
		taken = fmt.Sprintf("DC332: an image called %s is there, %s, and this apply did not make it; remove it, or plan again", stranger.Name, stranger.ID)
	}
	return made, n, taken, nil
}

// forward goes on towards an image.
func (b borrowing) forward(ctx context.Context, a applier.Attempt, o order, l lent) (applier.Status, error) {
	moved := func(what string) (applier.Status, error) {
		if l.state == mine {
			st := next(word(a, "moved")+" "+o.instance+" "+what, planner.Absolute)
			st.Doubt = true
			return st, nil
		}
		return failed("DC347: instance %s %s; plan again", o.instance, what), nil
	}
	switch {
	case gone(&l.Instance):
		return failed("DC347: instance %s is gone; plan again", o.instance), nil
	case l.state == another:
		return pending(30*time.Second, "another step of this apply works on instance %s", o.instance), nil
	case l.state == foreign:
		return failed("DC346: apply %s works on instance %s since %s; domctl rollback, and apply again once that one has ended", l.loan.Apply, o.instance, l.loan.Since), nil
	case l.state == free && l.Keeper() != "":
		return failed("DC347: instance %s is one that %s has, which replaces one that is stopped; plan again", o.instance, l.Keeper()), nil
	case l.state == free && l.State != o.power && !did(a, "start") && !did(a, "stop"):
		return moved("is " + l.State + ", and was " + o.power + " when the plan was made")
	case l.state == free && o.tooLong() != "":
		return failed("%s", o.tooLong()), nil
	case l.state == free:
		return next(word(a, "claim")+" "+o.instance, planner.Absolute), nil
	}
	if left := b.unsettled(a, l); left > 0 {
		return pending(left, "instance %s is claimed; another apply may have done so in the same moment", l.ID), nil
	}
	switch l.State {
	case "pending", "stopping":
		return pending(10*time.Second, "instance %s is %s", l.ID, l.State), nil
	case "stopped":
		switch {
		case l.loan.Done:
			return next(imageMark(word(a, "image"), l.ID, l.name), planner.Name), nil
		case o.power == "stopped" && !a.Begun[word(a, "work")+" "+l.ID]:
			return next(word(a, "start")+" "+l.ID, planner.Absolute), nil
		}
		return moved("was stopped by someone before its work was done")
	}
	if o.power == "stopped" && !did(a, "start") {
		return moved("was started by someone else")
	}
	return b.running(ctx, a, o, l)
}

// settle is how long a claim must stand before anything is done on the instance. A tag
// is no lock: who found the instance free before this claim showed may still write
// their own, and the one who wrote last has it.
const settle = 10 * time.Second

// unsettled is how much longer this claim must stand.
func (b borrowing) unsettled(a applier.Attempt, l lent) time.Duration {
	since, err := time.Parse(time.RFC3339, l.loan.Since)
	if err != nil || did(a, "start") || did(a, "work") {
		return 0
	}
	return settle - b.Now().Sub(since)
}

// running is a bake whose instance is up.
func (b borrowing) running(ctx context.Context, a applier.Attempt, o order, l lent) (applier.Status, error) {
	if l.loan.Done {
		return next(word(a, "stop")+" "+l.ID, planner.Absolute), nil
	}
	w, there, err := b.work(ctx, a, o, l.Instance, launchToken(a))
	mark := func(what string) applier.Status { return next(word(a, what)+" "+l.ID, planner.Absolute) }
	fail := func(what, why string) applier.Status {
		return next(word(a, what)+" "+l.ID+" "+why, planner.Absolute)
	}
	if l.loan.Since > l.Launched { // it ran before
		l.Launched = l.loan.Since
	}
	switch {
	case err != nil:
		return applier.Status{}, err
	case !there && b.late(l.Instance, mostBoot):
		return fail("late", "it could not be reached for "+mostBoot.String()), nil
	case !there:
		return pending(10*time.Second, "instance %s runs and cannot be reached yet", l.ID), nil
	case w.state == "":
		return next(word(a, "work")+" "+l.ID, planner.Name), nil
	case w.state == "done":
		return mark("done"), nil
	case w.state == "failed":
		return fail("fail", w.at), nil
	case b.late(l.Instance, mostWork):
		return fail("late", "it was not done after "+mostWork.String()+": "+w.at), nil
	}
	return pending(5*time.Second, "%s", w.at), nil
}

// made is a bake of which there is an image.
func (b borrowing) made(a applier.Attempt, o order, l lent, image port.Image) applier.Status {
	switch {
	case image.State == "pending":
		return pending(15*time.Second, "image %s is made", image.ID)
	case image.State != "available":
		return b.putBack(a, o, l, failed("DC333: image %s is %s: %s; %s", image.ID, image.State, image.Reason, anew(a)))
	}
	baked := schema.Baked{Image: image.ID, Base: o.base, Name: image.Name, Key: o.key, At: a.Began.UTC().Format(time.RFC3339)}
	return b.putBack(a, o, l, applier.Status{State: applier.Finished, Outputs: map[string]schema.Value{"id": schema.JSON(image.ID), "baked": schema.JSON(baked)}})
}

// putBack takes the instance back to the power state that it had, as far as this
// step changed it, takes the tag off, and then answers what is the end of it.
func (b borrowing) putBack(a applier.Attempt, o order, l lent, end applier.Status) applier.Status {
	mark := func(what string) applier.Status {
		if a.Abort {
			return next(undo+what+" "+l.ID, planner.Absolute)
		}
		return next(word(a, what)+" "+l.ID, planner.Absolute)
	}
	released := did(a, "release") || did(a, undo+"release")
	switch {
	case gone(&l.Instance):
		return end
	case l.state == another, l.state == foreign: // theirs to put back
		return end
	case released && l.state == free:
		return end
	case b.changed(a, o, l):
		switch {
		case l.State == "pending" || l.State == "stopping":
			return pending(10*time.Second, "instance %s is %s", l.ID, l.State)
		case l.State == "stopped":
			return mark("on")
		}
		return mark("off")
	case l.state == mine, did(a, "claim"):
		return mark("release")
	}
	return end
}

// changed says that the instance is in, or on its way to or from, a power state
// into which this step brought it, rather than in its former one.
func (b borrowing) changed(a applier.Attempt, o order, l lent) bool {
	on, off := did(a, "on") || did(a, undo+"on"), did(a, "off") || did(a, undo+"off")
	if o.power == "stopped" {
		return did(a, "start") && l.State != "stopped" && !did(a, "image") // which was begun once it stood still
	}
	ended := did(a, "fail") || l.loan.Done || did(a, "image")
	switch l.State {
	case "running": // the work may go on there by itself
		return did(a, "work") && !ended && !on
	case "stopped":
		return off || did(a, "stop")
	}
	return true
}

// Start makes the one write that the mark names.
func (b borrowing) Start(ctx context.Context, a applier.Attempt) error {
	o, err := orderOf(a.Step)
	if err != nil {
		return err
	}
	what, rest, _ := strings.Cut(strings.TrimPrefix(a.Mark, undo), " ")
	what, _, _ = strings.Cut(what, "/")
	loan := schema.Loan{Apply: a.Apply, Token: a.Token, Was: o.power, Since: b.Now().UTC().Format(time.RFC3339)}
	switch what {
	case "claim":
		err = b.lend(ctx, o, loan)
	case "done":
		loan.Done = true
		err = b.lend(ctx, o, loan)
	case "fail", "late", "moved": // that it was begun is the record of it
		return nil
	case "start", "on":
		err = b.Outside.StartInstance(ctx, o.instance)
	case "stop", "off":
		err = b.Outside.StopInstance(ctx, o.instance)
	case "work":
		o.sizes = b.sizes(ctx, o.images)
		err = b.run(ctx, o, o.instance, beginText(launchToken(a), o.workText(launchToken(a))), "the work could not be begun")
	case "image":
		_, err = b.Outside.CreateImage(ctx, port.NewImage{Instance: o.instance, Name: o.names(a.Began)[nth(a)-1], Description: "baked by domctl for " + o.deployment, Tags: o.tags(a)})
	case "release":
		err = b.Outside.DeleteTags(ctx, []string{o.instance}, []string{schema.TagBorrowed})
	default:
		_, err = b.Outside.DeregisterImage(ctx, what+rest)
	}
	return refused(err)
}

func (b borrowing) lend(ctx context.Context, o order, loan schema.Loan) error {
	return b.Outside.CreateTags(ctx, []string{o.instance}, map[string]string{schema.TagBorrowed: loan.String()})
}
