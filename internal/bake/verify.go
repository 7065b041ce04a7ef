package bake

import (
	"context"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// verifying is bake.verify: launch an instance of the new image, look whether all
// of it is there, tag the image with what was found, terminate.
type verifying struct{ Maker }

const passed = "passed"

// Observe tells where a verification is: by the image's tag first, else by its
// instance.
func (v verifying) Observe(ctx context.Context, a applier.Attempt) (applier.Status, error) {
	o, err := orderOf(a.Step)
	if err != nil {
		return applier.Status{}, err
	}
	id := a.Step.Args["image"].Str()
	images, err := v.Outside.DescribeImages(ctx, port.ImageQuery{IDs: []string{id}})
	if err != nil {
		return applier.Status{}, err
	}
	i, stale, err := v.instances(ctx, a)
	if err != nil {
		return applier.Status{}, err
	}
	missing, hides := hidden(a, i)
	verdict := ""
	if len(images) > 0 {
		verdict = images[0].Tags[schema.TagVerified]
	}
	switch {
	case stale != nil:
		return next(undo+stale.ID, planner.Absolute), nil
	case verdict != "" && !gone(i):
		return next("terminate "+i.ID, planner.Absolute), nil
	case verdict == passed && hides:
		return next("terminate "+missing, planner.Absolute), nil
	case verdict == passed:
		return applier.Status{State: applier.Finished, Outputs: map[string]schema.Value{"id": schema.JSON(id)}}, nil
	case a.Abort:
		return applier.Status{State: applier.Undone}, nil
	case len(images) == 0:
		return failed("DC334: image %s is gone; plan again", id), nil
	case verdict != "":
		return failed("DC335: image %s is not what it should be: %s; domctl rollback removes it", id, verdict), nil
	case i == nil:
		return next(launched(a), planner.Token), nil
	case gone(i) && a.Begun["tag "+id+" "+passed]: // what it held was seen; its tag does not show, or was never set
		return next("tag "+id+" "+passed, planner.Absolute), nil
	case gone(i):
		return failed("DC330: instance %s was terminated before image %s was verified (%s); domctl rollback, then apply again", i.ID, id, i.Reason), nil
	case i.State != "running":
		return pending(10*time.Second, "instance %s is %s", i.ID, i.State), nil
	}
	return v.running(ctx, a, o, *i, id)
}

func (v verifying) running(ctx context.Context, a applier.Attempt, o order, i port.Instance, image string) (applier.Status, error) {
	return v.working(ctx, a, o, i, ends{
		fail: func(why string) string { return "tag " + image + " " + why },
		done: func(work) string { return "tag " + image + " " + passed }})
}

// Start makes the one write that the mark names.
func (v verifying) Start(ctx context.Context, a applier.Attempt) error {
	o, err := orderOf(a.Step)
	if err != nil {
		return err
	}
	switch what, id, verdict := markOf(a); what {
	case "tag":
		err = v.Outside.CreateTags(ctx, []string{id}, map[string]string{schema.TagVerified: tagText(verdict)})
	default:
		err = v.start(ctx, a, o, a.Step.Args["image"].Str(), o.verifyText(a.Token))
	}
	return refused(err)
}
