package world

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

// claims are all that refers to images: what lives, and what records and files say.
type claims struct {
	uses *imageUses
	held Held
}

// claims reads all that refers to images. except is an apply whose records do not
// count: the one that asks.
func (w *World) claims(ctx context.Context, except string) (*claims, error) {
	c := &claims{}
	err := sideBySide(
		func() (err error) { c.uses, err = w.usesOfImages(ctx, true); return err },
		func() (err error) {
			if w.Held != nil {
				c.held, err = w.Held(ctx, except)
			}
			return err
		})
	return c, err
}

// on are the reasons why an image must stay, each with its verb, and the launch
// configurations that can go with it.
func (c *claims) on(ctx context.Context, w *World, image string) (reasons []string, copies []planner.Ref, err error) {
	copies = c.copies(image)
	for _, u := range c.uses.of(imageRef(image)) {
		if !slices.Contains(copies, u.Object) {
			reasons = append(reasons, u.Says)
		}
	}
	reasons = append(reasons, c.held.Images[image]...)
	if len(reasons) == 0 {
		reasons, err = w.shared(ctx, image)
	}
	slices.Sort(reasons)
	return slices.Compact(reasons), copies, err
}

// copies are the launch configurations of an image that an apply of this store made,
// that no group names, and that no rollback would put back.
func (c *claims) copies(image string) (out []planner.Ref) {
	for _, u := range c.uses.found[imageRef(image)] {
		by, made := c.held.Made[u.Object]
		if made && !by.Open && u.Object.Type() == "asg/config" && len(c.uses.starts[u.Object]) == 0 && len(c.held.Kept[u.Object]) == 0 {
			out = append(out, u.Object)
		}
	}
	return out
}

// shared says whom an image is shared with: what they start from it cannot be seen
// from here.
func (w *World) shared(ctx context.Context, image string) (reasons []string, err error) {
	p, err := w.Outside.DescribeLaunchPermission(ctx, image)
	return sharedWith(p), err
}

func sharedWith(p port.LaunchPermission) (reasons []string) {
	switch {
	case p.Public:
		reasons = append(reasons, "it is public")
	case len(p.Accounts) > 0:
		reasons = append(reasons, "it is shared with "+strings.Join(p.Accounts, ", ")+", whose uses cannot be seen from here")
	case p.Others > 0:
		reasons = append(reasons, fmt.Sprintf("it is shared with %s, whose uses cannot be seen from here", planner.Plural(p.Others, "organization")))
	}
	return reasons
}
