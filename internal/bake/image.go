package bake

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// baking is bake.image: launch, work, stop, image, terminate.
type baking struct{ Maker }

// Observe tells where a bake is. An instance that was launched needs the base no
// more, so that only the launch rests on it.
func (b baking) Observe(ctx context.Context, a applier.Attempt) (applier.Status, error) {
	st, err := b.observe(ctx, a)
	st.Free = st.State == applier.Next && !strings.HasPrefix(st.Mark, "launch")
	return st, err
}

// observe goes by the image of its name first, else by its instance.
func (b baking) observe(ctx context.Context, a applier.Attempt) (applier.Status, error) {
	o, err := orderOf(a.Step)
	if err != nil {
		return applier.Status{}, err
	}
	images, err := b.Outside.DescribeImages(ctx, port.ImageQuery{Owners: []string{"self"}, Filters: map[string][]string{"name": o.names(a.Began)}})
	if err != nil {
		return applier.Status{}, err
	}
	i, stale, over, err := b.instances(ctx, a)
	if err != nil {
		return applier.Status{}, err
	}
	n := nth(a)
	image, stranger := o.claim(a, images, &n)
	switch {
	case stranger != nil && !a.Abort:
		return failed("DC332: an image called %s is there, %s, and this apply did not make it; remove it, or plan again", stranger.Name, stranger.ID), nil
	case stale != nil:
		return next(undo+stale.ID, planner.Absolute), nil
	case image != nil:
		return b.made(a, o, *image, i), nil
	case gone(i):
		st := b.none(a, o, i)
		st.Certain = over && len(begun(a, "image ")) == 0
		return st, nil
	}
	switch i.State {
	case "pending":
		return pending(10*time.Second, "instance %s starts", i.ID), nil
	case "stopping":
		return pending(10*time.Second, "instance %s stops", i.ID), nil
	case "stopped":
		if !a.Begun["stop "+i.ID] {
			return failed("DC330: instance %s was stopped by someone else before its work was done; %s", i.ID, anew(a)), nil
		}
		return next(imageMark("image", i.ID, n), planner.Name), nil
	}
	return b.running(ctx, a, o, *i)
}

// ours says that this step's records hold the making of an image: whoever may tag
// can write another's token.
func ours(a applier.Attempt, i port.Image) bool {
	return i.Tags[schema.TagToken] == a.Token && slices.ContainsFunc(everBegun(a, "image"), func(rest string) bool {
		id, _, _ := strings.Cut(rest, " ")
		return id == i.Instance
	})
}

// imageMark begins the making of an image by the nth of its names.
func imageMark(word, instance string, n int) string {
	return strings.TrimSuffix(fmt.Sprintf("%s %s %d", word, instance, n), " 1")
}

// nth is which of its names a bake has begun to use last: 1 is the first. Another one
// is taken only when that is seen to be taken.
func nth(a applier.Attempt) int {
	last := 1
	for _, rest := range everBegun(a, "image") {
		_, n, _ := strings.Cut(rest, " ")
		if n, err := strconv.Atoi(n); err == nil {
			last = max(last, n)
		}
	}
	return last
}

// claim finds the image that this apply made, else moves n on to a name that no
// earlier apply of this deployment gave an image of the same content. Whoever else
// has the name is a stranger.
func (o order) claim(a applier.Attempt, images []port.Image, n *int) (made, stranger *port.Image) {
	names, byName := o.names(a.Began), map[string]*port.Image{}
	for i := range images {
		if ours(a, images[i]) {
			return &images[i], nil
		}
		byName[images[i].Name] = &images[i]
	}
	for ; ; *n++ {
		taken := byName[names[*n-1]]
		if taken == nil {
			return nil, nil
		}
		tags := taken.Tags
		if *n == len(names) || tags[schema.TagToken] == a.Token || tags[schema.TagDeployment] != o.deployment || tags[schema.TagAMI] != o.ami || tags[schema.TagKey] != o.key {
			return nil, taken
		}
	}
}

// anew says how to go on from what has failed for good in this apply.
func anew(a applier.Attempt) string {
	return "mend it, then domctl apply --supersede " + a.Apply + " keeps the rest and makes another"
}

// none is a bake without an instance, and without an image that shows.
func (b baking) none(a applier.Attempt, o order, i *port.Instance) applier.Status {
	if a.Abort {
		return applier.Status{State: applier.Undone}
	}
	if i == nil {
		if why := o.tooLong(); why != "" {
			return failed("%s", why)
		}
		return next(launched(a), planner.Token)
	}
	if why := begun(a, "fail "+i.ID+" "); len(why) > 0 {
		return failed("DC331: %s%s; %s", why[0], b.inLog(a), anew(a))
	}
	if len(begun(a, "image "+i.ID)) > 0 && !b.late(*i, mostWork+mostBoot) {
		return pending(5*time.Second, "the image of instance %s does not show yet", i.ID)
	}
	return failed("DC330: instance %s was terminated before an image was made of it (%s); %s", i.ID, i.Reason, anew(a))
}

// running is a bake whose instance is up.
func (b baking) running(ctx context.Context, a applier.Attempt, o order, i port.Instance) (applier.Status, error) {
	switch {
	case i.Tags[schema.TagKept] != "":
		return failed("DC331: %s%s; %s", i.Tags[tagFailure], b.inLog(a), stays(i.ID)), nil
	case i.Tags[tagFailure] != "":
		return next("terminate "+i.ID, planner.Absolute), nil
	}
	return b.working(ctx, a, o, i, ends{
		fail: func(why string) string { return "fail " + i.ID + " " + why },
		done: func(w work) string {
			if w.state == "done" && o.bake.Connect.SSH != nil {
				return "forget " + i.ID
			}
			return "stop " + i.ID
		}})
}

// made is a bake of which there is an image.
func (b baking) made(a applier.Attempt, o order, image port.Image, i *port.Instance) applier.Status {
	switch {
	case a.Abort:
		return next(undo+image.ID, planner.Absolute)
	case image.State == "pending":
		return pending(15*time.Second, "image %s is made", image.ID)
	case image.State != "available":
		return failed("DC333: image %s is %s: %s; %s", image.ID, image.State, image.Reason, anew(a))
	case !gone(i):
		return next("terminate "+i.ID, planner.Absolute)
	}
	if id, hides := hidden(a, i); hides {
		return next("terminate "+id, planner.Absolute)
	}
	baked := schema.Baked{Image: image.ID, Base: o.base, Name: image.Name, Key: o.key, At: a.Began.UTC().Format(time.RFC3339)}
	return applier.Status{State: applier.Finished, Outputs: map[string]schema.Value{"id": schema.JSON(image.ID), "baked": schema.JSON(baked)}}
}

// tagFailure says on an instance why its work failed, so that the reason outlives
// the process and the instance.
const tagFailure = "domctl:failure"

// Start makes the one write that the mark names.
func (b baking) Start(ctx context.Context, a applier.Attempt) error {
	o, err := orderOf(a.Step)
	if err != nil {
		return err
	}
	what, id, why := markOf(a)
	if what == "work" {
		o.sizes = b.sizes(ctx, o.images)
	}
	switch what {
	case "fail":
		tags := map[string]string{tagFailure: tagText(why)}
		if b.Keep {
			tags[schema.TagKept] = a.Apply
		}
		err = b.Outside.CreateTags(ctx, []string{id}, tags)
	case "forget":
		err = b.run(ctx, o, id, forgetText(a.Token), "who may log in was not removed")
	case "stop":
		err = b.Outside.StopInstance(ctx, id)
	case "image":
		_, err = b.Outside.CreateImage(ctx, port.NewImage{Instance: id, Name: o.names(a.Began)[nth(a)-1], Description: "baked by domctl for " + o.deployment, Tags: o.tags(a)})
	case "undo":
		err = b.undo(ctx, id)
	default:
		err = b.start(ctx, a, o, o.base, o.workText(a.Token))
	}
	return refused(err)
}

// undo takes away an instance, or the image.
func (b baking) undo(ctx context.Context, id string) error {
	if !strings.HasPrefix(id, "ami-") {
		return b.terminate(ctx, id)
	}
	_, err := b.Outside.DeregisterImage(ctx, id)
	return err
}

// mostTag is how long the text of a tag is, where EC2 takes 256 characters.
const mostTag = 250

// bounded is what a machine says, as it is recorded and shown: one line, and no more
// of it than a tag holds.
func bounded(s string) string {
	return strings.ToValidUTF8(shortened(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)), "")
}

// shortened leaves out the middle of what is too long: what went wrong stands last.
func shortened(s string) string {
	if len(s) <= mostTag {
		return s
	}
	const between, head = " ... ", mostTag / 2
	return s[:head] + between + s[len(s)-(mostTag-head-len(between)):]
}

// tagText is a text as the value of a tag: of letters, digits and a few signs.
func tagText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune("\"'`<>\\|{}[]^$%&*?;,#!", r) {
			return ' '
		}
		return r
	}, s)
	return shortened(s)
}
