package bake

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// verifying is bake.verify: launch an instance of the new image, look whether all
// of it is there, tag the image with what was found, terminate.
type verifying struct{ Maker }

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
	i, stale, over, err := v.instances(ctx, a)
	if err != nil {
		return applier.Status{}, err
	}
	missing, hides := hidden(a, i)
	verdict := ""
	if len(images) > 0 && told(a, images[0]) {
		verdict = images[0].Tags[schema.TagVerified]
	}
	seen := begun(a, "tag "+id+" "+schema.Passed)
	switch {
	case stale != nil:
		return next(undo+stale.ID, planner.Absolute), nil
	case verdict != "" && verdict != schema.Passed && !gone(i) && i.Tags[schema.TagKept] != "":
		return failed("DC335: image %s is not what it should be: %s%s; %s", id, verdict, v.inLog(a), stays(i.ID)), nil
	case verdict != "" && verdict != schema.Passed && !gone(i) && v.Keep && !a.Abort:
		return next("keep "+i.ID, planner.Absolute), nil
	case verdict != "" && !gone(i):
		return next("terminate "+i.ID, planner.Absolute), nil
	case verdict == schema.Passed && hides:
		return next("terminate "+missing, planner.Absolute), nil
	case verdict == schema.Passed:
		tags := images[0].Tags
		return applier.Status{State: applier.Finished, Outputs: map[string]schema.Value{"id": schema.JSON(id), "ready": schema.JSON(tags[schema.TagReady]), "container": schema.JSON(tags[schema.TagContainer])}}, nil
	case a.Abort:
		return applier.Status{State: applier.Undone, Certain: over && (verdict != "" || len(begun(a, "tag ")) == 0)}, nil
	case len(images) == 0:
		return failed("DC334: image %s is gone; %s", id, anew(a)), nil
	case verdict != "":
		return failed("DC335: image %s is not what it should be: %s%s; %s; domctl rollback removes it", id, verdict, v.inLog(a), anew(a)), nil
	case i == nil:
		return next(launched(a), planner.Token), nil
	case gone(i) && len(seen) > 0: // what it held was seen; its tag does not show, or was never set
		return next("tag "+id+" "+schema.Passed+seen[0], planner.Absolute), nil
	case gone(i):
		return failed("DC330: instance %s was terminated before image %s was verified (%s); %s", i.ID, id, i.Reason, anew(a)), nil
	case i.State != "running":
		return pending(10*time.Second, "instance %s is %s", i.ID, i.State), nil
	}
	return v.running(ctx, a, o, *i, id)
}

func (v verifying) running(ctx context.Context, a applier.Attempt, o order, i port.Instance, image string) (applier.Status, error) {
	return v.working(ctx, a, o, i, ends{
		fail: func(why string) string { return "tag " + image + " " + why },
		done: func(w work) string { return "tag " + image + " " + schema.Passed + figures(w.at, i.Launched) }})
}

// Start makes the one write that the mark names.
func (v verifying) Start(ctx context.Context, a applier.Attempt) error {
	o, err := orderOf(a.Step)
	if err != nil {
		return err
	}
	switch what, id, verdict := markOf(a); what {
	case "tag":
		err = v.Outside.CreateTags(ctx, []string{id}, verdictTags(verdict))
	case "keep":
		err = v.Outside.CreateTags(ctx, []string{id}, map[string]string{schema.TagKept: a.Apply})
	case "resume":
		err = v.run(ctx, o, id, beginText(a.Token, o.resumeText(a.Token)), "the work could not be gone on with")
	default:
		err = v.start(ctx, a, o, a.Step.Args["image"].Str(), o.verifyText(a.Token))
	}
	return refused(err)
}

// told says that the verdict on an image is one that this apply's records hold.
// Whoever may tag can write another.
func told(a applier.Attempt, i port.Image) bool {
	for _, verdict := range begun(a, "tag "+i.ID+" ") {
		if verdictTags(verdict)[schema.TagVerified] == i.Tags[schema.TagVerified] {
			return true
		}
	}
	return false
}

// verdictTags are the tags of a verdict: why an image did not pass, or that it
// passed and the seconds that it took.
func verdictTags(verdict string) map[string]string {
	rest, ok := strings.CutPrefix(verdict, schema.Passed)
	if !ok {
		return map[string]string{schema.TagVerified: tagText(verdict)}
	}
	tags := map[string]string{schema.TagVerified: schema.Passed}
	for _, f := range strings.Fields(rest) {
		switch name, value, _ := strings.Cut(f, "="); name {
		case "ready":
			tags[schema.TagReady] = value
		case "container":
			tags[schema.TagContainer] = value
		}
	}
	return tags
}

// figures are the seconds from an instance's launch to what it says happened on
// it, in seconds since 1970: " ready=31s container=33s". What is no such number is
// left out.
func figures(said, launched string) (text string) {
	at, err := time.Parse(time.RFC3339, launched)
	if err != nil {
		return ""
	}
	for _, f := range strings.Fields(said) {
		name, value, _ := strings.Cut(f, "=")
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && (name == "ready" || name == "container") {
			text += fmt.Sprintf(" %s=%ds", name, max(n-at.Unix(), 0))
		}
	}
	return text
}
