package world

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

// unclaimed refuses, right before it, to take an image away that something refers to
// by now. What a rollback takes away was made by what it takes back: there the records
// do not count.
func (w *World) unclaimed(ctx context.Context, a applier.Attempt) error {
	region, there, image := w.standing(a.Step)
	var reasons []string
	if a.Step.Args["retires"].Bool() {
		c, err := there.claims(ctx, a.Apply)
		if err == nil {
			reasons, _, err = c.on(ctx, there, image.ID())
		}
		if err != nil {
			return &applier.Refusal{Err: err}
		}
	} else {
		uses, err := there.startsOfImages(ctx, map[planner.Ref]bool{image: true})
		if err != nil {
			return &applier.Refusal{Err: err}
		}
		for _, u := range uses[image] {
			reasons = append(reasons, u.Says)
		}
		others, err := w.holdersOf(ctx, a.Apply, []planner.Ref{a.Step.Object})
		if err != nil {
			return &applier.Refusal{Err: err}
		}
		for _, u := range others[a.Step.Object] {
			reasons = append(reasons, u.Says)
		}
	}
	if len(reasons) > 0 {
		where := ""
		if there != w {
			where = " in " + region
		}
		return fmt.Errorf("image %s%s is %w: %s", image.ID(), where, port.ErrInUse, strings.Join(reasons, ", and "))
	}
	return nil
}

func deprecateImage(ctx context.Context, w *World, a applier.Attempt) error {
	_, there, image := w.standing(a.Step)
	if a.Step.Writes["deprecates"].Is == schema.Absent {
		return there.Outside.DisableImageDeprecation(ctx, image.ID())
	}
	if !a.Step.Args["kept"].Bool() { // which is deprecated because something refers to it
		if err := w.unclaimed(ctx, a); err != nil {
			return err
		}
	}
	return there.Outside.EnableImageDeprecation(ctx, image.ID(), w.Now().Add(2*time.Minute).Truncate(time.Minute)) // EC2 takes whole minutes, and none that is past
}

func deprecateCommand(m applier.Manual) string {
	id, flags := m.Step.Object.ID(), ""
	if m.Step.Object.Type() == "ec2/copy" {
		region, image := cutID(id)
		id, flags = image, " --region "+sh(region)
	}
	if m.Step.Writes["deprecates"].Is == schema.Absent {
		return "aws ec2 disable-image-deprecation" + flags + " --image-id " + sh(id)
	}
	return tagChecks(m, id, flags) + "aws ec2 enable-image-deprecation" + flags + " --image-id " + sh(id) + " --deprecate-at \"$(date -u -d '+2 minutes' +%Y-%m-%dT%H:%M:00Z)\""
}

// tagChecks are the checks that an image, in another region by flags, has the tags
// that the plan saw.
func tagChecks(m applier.Manual, id, flags string) (checks string) {
	for _, e := range m.Step.Expects {
		if path := schema.SplitPath(e.Path); len(path) == 2 && path[0] == "tags" && e.Ref == m.Step.Object {
			checks += fmt.Sprintf("is \"$(aws ec2 describe-images%s --image-ids %s --query \"Images[0].Tags[?Key=='%s']|[0].Value\" --output text)\" %s %s\n", flags, sh(id), path[1], sh(e.Value.Str()), sh("the tag "+path[1]+" of "+id))
		}
	}
	return checks
}
