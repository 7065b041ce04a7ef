package bake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// ends are the marks of what follows work on an instance, which are all that a
// bake and a verification do differently with one that is up.
type ends struct {
	done func(work) string
	fail func(why string) string
}

// working is a step whose instance is up.
func (m Maker) working(ctx context.Context, a applier.Attempt, o order, i port.Instance, e ends) (applier.Status, error) {
	w, there, err := m.work(ctx, a, o, i, a.Token)
	most := mostBoot
	if a.Begun["work "+i.ID] {
		most = mostWork
	}
	switch {
	case err != nil:
		return applier.Status{}, err
	case !there && a.Begun["forget "+i.ID]: // without keys of its own it answers nobody; what if it did not forget, its verification shows
		return next(e.done(work{state: "forgotten"}), planner.Absolute), nil
	case !there && m.late(i, most):
		return next(e.fail("instance "+i.ID+" could not be reached for "+most.String()), planner.Absolute), nil
	case !there:
		return pending(5*time.Second, "instance %s runs and cannot be reached yet", i.ID), nil
	case w.state == "":
		return next("work "+i.ID, planner.Name), nil
	case w.state == "restarted":
		return next("resume "+i.ID, planner.Name), nil
	case w.state == "done", w.state == "forgotten":
		return next(e.done(w), planner.Absolute), nil
	case w.state == "failed":
		return next(e.fail(w.at), planner.Absolute), nil
	case m.late(i, mostWork):
		return next(e.fail("it was not done after "+mostWork.String()+": "+w.at), planner.Absolute), nil
	}
	return pending(5*time.Second, "%s", w.at), nil
}

// markOf is what a mark says: what is done, to what, and the rest.
func markOf(a applier.Attempt) (what, id, rest string) {
	what, rest, _ = strings.Cut(a.Mark, " ")
	id, rest, _ = strings.Cut(rest, " ")
	return what, id, rest
}

// start makes the writes that a bake and a verification have alike: text is the
// work on an instance of image.
func (m Maker) start(ctx context.Context, a applier.Attempt, o order, image, text string) error {
	switch what, id, _ := markOf(a); what {
	case "launch":
		return m.launch(ctx, a, o, image)
	case "work":
		return m.run(ctx, o, id, beginText(a.Token, text), "the work could not be begun") // again it changes nothing
	case "terminate", "undo":
		return m.terminate(ctx, id)
	}
	return fmt.Errorf("%s: nothing is called %q", a.Step.ID, a.Mark)
}

// instances of a step: the one of this round, nil when there is none, and one of
// a former round, or of any when the step is taken back, that is not gone yet. What
// somebody else launched is neither, whatever its tags say. over says that the one
// launch there was is seen to have ended: a token launches no second instance, so that
// nothing of it can show any more.
func (m Maker) instances(ctx context.Context, a applier.Attempt) (now, stale *port.Instance, over bool, err error) {
	found, err := m.Outside.DescribeInstances(ctx, port.Select{Filters: map[string][]string{"tag:" + schema.TagToken: {a.Token}}})
	one := a.Round == 0 && len(begun(a, "launch")) == 1 && a.Begun["launch"]
	for i := range found {
		over = over || one && found[i].Token == a.Token && found[i].State == "terminated"
		switch {
		case found[i].Token == launchToken(a) && !a.Abort:
			now = &found[i]
		case !gone(&found[i]) && applier.OfRound(found[i].Token, a.Token):
			stale = &found[i]
		}
	}
	return now, stale, over, err
}

func gone(i *port.Instance) bool {
	return i == nil || i.Going()
}

// hidden is an instance of this round that the work was begun on, that nobody took
// away, and that does not show: the read lags, or it went long ago. Ending it again
// does no harm; believing the read would leave it running.
func hidden(a applier.Attempt, now *port.Instance) (id string, is bool) {
	if now != nil || a.Abort {
		return "", false
	}
	for _, id := range begun(a, "work ") {
		if !a.Begun["terminate "+id] && !a.Begun[undo+id] {
			return id, true
		}
	}
	return "", false
}

// terminate ends an instance; one that is not there any more has ended.
func (m Maker) terminate(ctx context.Context, id string) error {
	err := m.Outside.TerminateInstance(ctx, id)
	if errors.Is(err, port.ErrNotFound) {
		return nil
	}
	return err
}

// undo begins the mark of what takes an instance or an image away again.
const undo = "undo "

// launchToken is that of this round: a step that was taken back and is gone on with
// has an instance of its own, since a token launches one once.
func launchToken(a applier.Attempt) string {
	return applier.RoundToken(a.Token, a.Round, len(begun(a, undo)))
}

// begun are the rests of the marks that were begun and start so, in order.
func begun(a applier.Attempt, start string) (rests []string) {
	for _, mark := range schema.Sorted(a.Begun) {
		if rest, ok := strings.CutPrefix(mark, start); ok {
			rests = append(rests, rest)
		}
	}
	return rests
}

// everBegun are the rests of the marks of a word that were begun, in whatever try.
func everBegun(a applier.Attempt, what string) []string {
	rests := begun(a, what+" ")
	for _, rest := range begun(a, what+"/") {
		_, rest, _ = strings.Cut(rest, " ")
		rests = append(rests, rest)
	}
	return rests
}

// launched is the mark of a round's launch.
func launched(a applier.Attempt) string {
	return strings.TrimSuffix(fmt.Sprintf("launch %d", len(begun(a, undo))), " 0")
}

// launch starts an instance of an image.
func (m Maker) launch(ctx context.Context, a applier.Attempt, o order, image string) error {
	n := port.NewInstance{Token: launchToken(a), Image: image, Type: o.bake.Instance.Type, Subnet: o.bake.Instance.Subnet, Groups: o.bake.Instance.SecurityGroups,
		Profile: o.bake.Instance.Profile, Key: o.bake.Instance.KeyPair, Tags: o.tags(a)}
	if n.Type == "" {
		n.Type = schema.DefaultBakeType
	}
	if size, err := schema.ParseBytes(o.bake.Volume.Size); err == nil && size > 0 {
		n.RootGiB, n.RootType, n.RootDevice = (size+1<<30-1)>>30, o.bake.Volume.Type, o.rootDevice
	}
	_, err := m.Outside.RunInstance(ctx, n)
	return err
}

// reach is an instance as scripts reach it. Over SSH it must show a host key that
// it wrote to its console when it first started; there is false while it has not.
func (m Maker) reach(ctx context.Context, o order, i port.Instance) (shell port.Shell, to port.Machine, there bool, err error) {
	to = port.Machine{ID: i.ID, Address: i.PrivateIP}
	s := o.bake.Connect.SSH
	if s == nil || m.SSH == nil {
		return m.Outside, to, true, nil
	}
	if s.Address == "public" {
		to.Address = i.PublicIP
	}
	if i.ID == o.instance && len(s.HostKeys) > 0 {
		to.HostKeys = s.HostKeys
		shell, err = m.SSH(ctx, *s)
		return shell, to, err == nil && to.Address != "", err
	}
	console, err := m.Outside.GetConsoleOutput(ctx, i.ID)
	if err != nil {
		return nil, to, false, err
	}
	if to.HostKeys = port.HostKeys(console); len(to.HostKeys) == 0 || to.Address == "" {
		return nil, to, false, nil
	}
	shell, err = m.SSH(ctx, *s)
	return shell, to, err == nil, err
}

// work is how the work on an instance stands: "" when it was not begun, else
// "running", "restarted", "done", "failed" or "forgotten", with what it is at.
type work struct{ state, at string }

// work looks at an instance that runs; there is false while it cannot be reached.
func (m Maker) work(ctx context.Context, a applier.Attempt, o order, i port.Instance, id string) (w work, there bool, err error) {
	shell, to, there, err := m.reach(ctx, o, i)
	if err != nil || !there {
		return w, false, err
	}
	there, err = shell.Reachable(ctx, to)
	if errors.Is(err, port.ErrDenied) && o.bake.Connect.SSH != nil {
		return w, false, nil // it sets up its users yet, or has forgotten them
	}
	if err != nil || !there {
		return w, false, stranger(err)
	}
	return m.look(ctx, a, shell, to, id)
}

// stranger gives the refusal of a host key its code.
func stranger(err error) error {
	if errors.Is(err, port.ErrHostKey) {
		return fmt.Errorf("DC359: %w", err)
	}
	return err
}

// look reads how the work stands, and the next pieces of its log.
func (m Maker) look(ctx context.Context, a applier.Attempt, shell port.Shell, to port.Machine, id string) (w work, there bool, err error) {
	for range pieces {
		out, err := shell.RunScript(ctx, to, port.Script{Text: lookText(id, m.from(id)), Timeout: 20 * time.Second})
		if errors.Is(err, port.ErrState) || errors.Is(err, port.ErrTimeout) || errors.Is(err, port.ErrLost) {
			return w, false, nil // looking again costs nothing
		}
		if err != nil {
			return w, false, stranger(err)
		}
		if out.Exit != 0 {
			return w, false, fmt.Errorf("%s: looking at the work ended with %d: %s", to.ID, out.Exit, m.mask(strings.TrimSpace(out.Stderr)))
		}
		status, more := m.keep(a, id, out.Stdout)
		state, at, _ := strings.Cut(strings.TrimSpace(status), " ")
		if state == "none" {
			state = ""
		}
		if w = (work{state, bounded(m.mask(at))}); !more {
			return w, true, nil
		}
	}
	if w.state != "running" { // it is over, and its log is not
		w = work{"running", "reading its log"}
	}
	return w, true, nil
}

// run runs a script on an instance to its end; what says what is wrong when it
// fails.
func (m Maker) run(ctx context.Context, o order, instance, text, what string) error {
	found, err := m.Outside.DescribeInstances(ctx, port.Select{IDs: []string{instance}})
	if err == nil && len(found) == 0 {
		err = &applier.Refusal{Err: fmt.Errorf("instance %s is gone", instance)}
	}
	if err != nil {
		return err
	}
	shell, to, there, err := m.reach(ctx, o, found[0])
	if err == nil && !there {
		err = &applier.Refusal{Err: fmt.Errorf("instance %s cannot be reached", instance), Retry: true}
	}
	if err != nil {
		return err
	}
	out, err := shell.RunScript(ctx, to, port.Script{Text: text, Timeout: 25 * time.Second})
	if errors.Is(err, port.ErrState) {
		return &applier.Refusal{Err: err, Retry: true} // its agent is away for a moment
	}
	err = stranger(err)
	if err == nil && out.Exit != 0 {
		err = fmt.Errorf("%s: %s (%d): %s", instance, what, out.Exit, m.mask(strings.TrimSpace(out.Stderr)))
	}
	return err
}

// late says that an instance has been up for longer than it should take.
func (m Maker) late(i port.Instance, most time.Duration) bool {
	at, err := time.Parse(time.RFC3339, i.Launched)
	return err == nil && m.Now().Sub(at) > most
}
