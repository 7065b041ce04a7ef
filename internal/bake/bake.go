// Package bake makes AMIs and verifies them: the long operations bake.image and
// bake.verify as Executors. An instance is started, set up by a script that runs
// on it by itself, stopped and made an image of; a fresh instance of the image
// then shows that it holds what it should.
//
// Every state is told from the outside alone: the image by its name, the instance
// by its token and tags, the work on it by a folder there. It refuses an image of
// its name that it did not make, and an instance that somebody else stopped.
// internal/engine hands it to the applier.
package bake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Outside is what a bake calls.
type Outside interface {
	port.Instances
	port.Images
	port.Shell
}

// Maker makes and verifies images. Outside and Now are required.
type Maker struct {
	Outside Outside
	Now     func() time.Time
	// SSH opens a way to instances that are reached over SSH. nil: Outside's shell
	// reaches them too.
	SSH func(context.Context, schema.SSH) (port.Shell, error)
}

// Operations are the rows of the operation table that stand here.
func (m Maker) Operations() applier.Operations {
	return applier.Operations{
		"bake.image": {Executor: baking{m}, Undo: undoImage, Tool: "aws", Command: byHand,
			Calls: []string{"ec2:RunInstances", "ec2:StopInstances", "ec2:CreateImage", "ec2:TerminateInstances", "ec2:DeregisterImage", "ec2:CreateTags", "ssm:SendCommand"}},
		"bake.verify": {Executor: verifying{m}, Undo: undoNothing, Tool: "aws", Command: byHand,
			Calls: []string{"ec2:RunInstances", "ec2:CreateTags", "ec2:TerminateInstances", "ssm:SendCommand"}},
	}
}

// undoImage deregisters an image that was made, if it is still what was made.
func undoImage(d planner.Done) []planner.Step {
	image := planner.Ref("ec2/image#" + d.Outputs["id"].Str())
	return []planner.Step{{ID: "undo/" + d.Step.ID, Address: d.Step.Address, Op: "ec2.DeregisterImage", Object: image, Guard: planner.Absolute, Window: d.Step.Window,
		Writes:  map[string]schema.Value{"": {}},
		Expects: []planner.Expect{{Ref: image, Path: "tags." + schema.JoinPath(schema.TagKey), Value: d.Step.Args["key"]}}}}
}

// undoNothing: what a verification found out goes with the image.
func undoNothing(planner.Done) []planner.Step { return nil }

func byHand(applier.Manual) string {
	return `echo "domctl bakes and verifies images by itself: make one by hand and pin its id" >&2; exit 1`
}

// How long an instance may take until it can be reached, and until its work is
// done, before the step fails.
const (
	mostBoot = 15 * time.Minute
	mostWork = 2 * time.Hour
)

// order is what a step asks for.
type order struct {
	ami, deployment, key, base, rootDevice string
	images                                 []string
	bake                                   schema.Bake
}

func orderOf(s planner.Step) (o order, err error) {
	text := func(name string) string { return s.Args[name].Str() }
	o = order{ami: text("ami"), deployment: text("deployment"), key: text("key"), base: text("base"), rootDevice: text("rootDevice"), images: s.Args["images"].Strings()}
	if err := json.Unmarshal([]byte(s.Args["bake"].Text), &o.bake); err != nil {
		return o, fmt.Errorf("%s: the plan does not say how to bake: %w", s.ID, err)
	}
	if o.bake.Runtime == "" {
		o.bake.Runtime = "containerd"
	}
	return o, nil
}

// name of the image that an apply makes: unique in the account and region, and
// the same in every process that goes on with it.
func (o order) name(began time.Time) string {
	return fmt.Sprintf("domino-%s-executor-%s-%s-%s", o.deployment, began.UTC().Format("20060102-1504"), o.ami, o.key[:8])
}

func (o order) tags(a applier.Attempt) map[string]string {
	return map[string]string{schema.TagDeployment: o.deployment, schema.TagAMI: o.ami, schema.TagKey: o.key, schema.TagBase: o.base,
		schema.TagApply: a.Apply, schema.TagToken: a.Token, "Name": "domctl " + o.deployment + " " + o.ami}
}

func next(mark string, g planner.Guard) applier.Status {
	return applier.Status{State: applier.Next, Mark: mark, Guard: g}
}

func failed(format string, args ...any) applier.Status {
	return applier.Status{State: applier.Failed, Why: fmt.Sprintf(format, args...)}
}

func pending(wait time.Duration, format string, args ...any) applier.Status {
	return applier.Status{State: applier.Pending, Wait: wait, Why: fmt.Sprintf(format, args...)}
}

// instances of a step: the one of this round, nil when there is none, and one of
// a former round, or of any when the step is taken back, that is not gone yet.
func (m Maker) instances(ctx context.Context, a applier.Attempt) (now, stale *port.Instance, err error) {
	found, err := m.Outside.DescribeInstances(ctx, port.Select{Filters: map[string][]string{"tag:" + schema.TagToken: {a.Token}}})
	for i := range found {
		switch {
		case found[i].Token == launchToken(a) && !a.Abort:
			now = &found[i]
		case !gone(&found[i]):
			stale = &found[i]
		}
	}
	return now, stale, err
}

func gone(i *port.Instance) bool {
	return i == nil || i.State == "terminated" || i.State == "shutting-down"
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
	if n := len(begun(a, undo)); n > 0 || a.Round > 0 {
		return applier.Token(a.Token, fmt.Sprintf("%d.%d", a.Round, n))
	}
	return a.Token
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

// launched is the mark of a round's launch.
func launched(a applier.Attempt) string {
	return strings.TrimSuffix(fmt.Sprintf("launch %d", len(begun(a, undo))), " 0")
}

// launch starts an instance of an image.
func (m Maker) launch(ctx context.Context, a applier.Attempt, o order, image string) error {
	n := port.NewInstance{Token: launchToken(a), Image: image, Type: o.bake.Instance.Type, Subnet: o.bake.Instance.Subnet, Groups: o.bake.Instance.SecurityGroups,
		Profile: o.bake.Instance.Profile, Key: o.bake.Instance.KeyPair, Tags: o.tags(a)}
	if n.Type == "" {
		n.Type = "m5.xlarge"
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
// "running", "done", "failed" or "forgotten", with what it is at; "denied" where
// the instance lets nobody in.
type work struct{ state, at string }

// work looks at an instance that runs; there is false while it cannot be reached.
func (m Maker) work(ctx context.Context, o order, i port.Instance, id string) (w work, there bool, err error) {
	shell, to, there, err := m.reach(ctx, o, i)
	if err != nil || !there {
		return w, false, err
	}
	there, err = shell.Reachable(ctx, to)
	if errors.Is(err, port.ErrDenied) && o.bake.Connect.SSH != nil {
		return work{state: "denied"}, false, nil // it sets up its users yet, or has forgotten them
	}
	if err != nil || !there {
		return w, false, err
	}
	out, err := shell.RunScript(ctx, to, port.Script{Text: lookText(id), Timeout: 20 * time.Second})
	if err != nil {
		return w, false, err
	}
	if out.Exit != 0 {
		return w, false, fmt.Errorf("%s: looking at the work ended with %d: %s", i.ID, out.Exit, strings.TrimSpace(out.Stderr))
	}
	state, at, _ := strings.Cut(strings.TrimSpace(out.Stdout), " ")
	if state == "none" {
		state = ""
	}
	return work{state, tagText(at)}, true, nil // what a machine says is bounded before it is recorded or shown
}

// begin starts a script on an instance, which goes on by itself. Beginning it
// again changes nothing.
func (m Maker) begin(ctx context.Context, o order, instance, id, text string) error {
	return m.run(ctx, o, instance, beginText(id, text), "the work could not be begun")
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
	if err == nil && out.Exit != 0 {
		err = fmt.Errorf("%s: %s (%d): %s", instance, what, out.Exit, strings.TrimSpace(out.Stderr))
	}
	return err
}

// late says that an instance has been up for longer than it should take.
func (m Maker) late(i port.Instance, most time.Duration) bool {
	at, err := time.Parse(time.RFC3339, i.Launched)
	return err == nil && m.Now().Sub(at) > most
}

// refused are answers by which nothing happened. That the instance of a token is
// gone is none: the read that did not show it lags.
func refused(err error) error {
	switch {
	case errors.Is(err, port.ErrThrottled):
		return &applier.Refusal{Err: err, Retry: true}
	case errors.Is(err, port.ErrDenied), errors.Is(err, port.ErrMismatch), errors.Is(err, port.ErrNotFound),
		errors.Is(err, port.ErrState), errors.Is(err, port.ErrInput), errors.Is(err, port.ErrHostKey):
		return &applier.Refusal{Err: err}
	}
	return err
}
