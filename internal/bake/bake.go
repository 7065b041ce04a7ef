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
	"errors"
	"fmt"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Outside is what a bake calls.
type Outside interface {
	port.Instances
	port.Images
	port.Shell
	In(region string) port.Region
	layers
}

// Maker makes and verifies images. Outside and Now are required.
type Maker struct {
	Outside Outside
	Now     func() time.Time
	// SSH opens a way to instances that are reached over SSH. nil: Outside's shell
	// reaches them too.
	SSH func(context.Context, schema.SSH) (port.Shell, error)
	// Logs keeps what the work on instances writes. nil: nobody does.
	Logs Logs
	// Keep leaves the instance of a bake that fails, rather than terminate it.
	Keep bool
}

// Operations are the rows of the operation table that stand here.
func (m Maker) Operations() applier.Operations {
	return applier.Operations{
		operation.BakeImage: {Executor: baking{m}, Undo: undoImage, Tool: "aws", Command: byHand,
			Calls: []string{"ec2:RunInstances", "ec2:StopInstances", "ec2:CreateImage", "ec2:TerminateInstances", "ec2:DeregisterImage", "ec2:CreateTags", "ssm:SendCommand"}},
		operation.BakeTemplate: {Executor: borrowing{m}, Undo: undoImage, Tool: "aws", Command: byHand,
			Calls: []string{"ec2:CreateTags", "ec2:DeleteTags", "ec2:StartInstances", "ec2:StopInstances", "ec2:CreateImage", "ec2:DeregisterImage", "ssm:SendCommand"}},
		operation.BakeVerify: {Executor: verifying{m}, Undo: undoNothing, Tool: "aws", Command: byHand,
			Calls: []string{"ec2:RunInstances", "ec2:CreateTags", "ec2:TerminateInstances", "ssm:SendCommand"}},
		operation.BakeCopy: {Executor: copying{m}, Undo: undoCopy, Tool: "aws", Command: byHand,
			Calls: []string{"ec2:CopyImage", "ec2:CreateTags", "ec2:DeregisterImage"}},
	}
}

// undoImage deregisters an image that was made, if it is still what was made.
func undoImage(d planner.Done) []planner.Step {
	return []planner.Step{deregister(d, planner.Ref("ec2/image#"+d.Outputs["id"].Str()))}
}

func deregister(d planner.Done, image planner.Ref) planner.Step {
	return planner.Step{ID: "undo/" + d.Step.ID, Address: d.Step.Address, Op: operation.DeregisterImage, Object: image, Guard: planner.Absolute, Window: d.Step.Window,
		Writes:  map[string]schema.Value{"": {}},
		Expects: []planner.Expect{{Ref: image, Path: "tags." + schema.JoinPath(schema.TagKey), Value: d.Step.Args["key"]}}}
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
	instance, power                        string // of an instance that is borrowed: its id, and how it was
	images, probes, remove                 []string
	sizes                                  []int64 // of the images, see Maker.sizes
	bake                                   schema.Bake
}

func orderOf(s planner.Step) (o order, err error) {
	text := func(name string) string { return s.Args[name].Str() }
	o = order{ami: text("ami"), deployment: text("deployment"), key: text("key"), base: text("base"), rootDevice: text("rootDevice"), images: s.Args["images"].Strings(), probes: s.Args["probe"].Strings(),
		instance: text("instance"), power: text("power"), remove: s.Args["remove"].Strings()}
	if o.bake, err = schema.ParseBake(s.Args["bake"].Text); err != nil {
		return o, fmt.Errorf("%s: the plan does not say how to bake: %w", s.ID, err)
	}
	return o, nil
}

func (o order) names(began time.Time) []string {
	return schema.BakedNames(o.deployment, o.ami, o.key, began)
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

// refused are answers by which nothing happened. That the instance of a token is
// gone is none: the read that did not show it lags.
func refused(err error) error {
	var is *applier.Refusal
	switch {
	case errors.As(err, &is):
		return err
	case errors.Is(err, port.ErrThrottled):
		return &applier.Refusal{Err: err, Retry: true}
	case errors.Is(err, port.ErrDenied), errors.Is(err, port.ErrMismatch), errors.Is(err, port.ErrNotFound),
		errors.Is(err, port.ErrState), errors.Is(err, port.ErrInput), errors.Is(err, port.ErrHostKey):
		return &applier.Refusal{Err: err}
	}
	return err
}
