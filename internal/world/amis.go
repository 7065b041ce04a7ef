package world

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func imageRef(id string) planner.Ref { return planner.Ref("ec2/image#" + id) }

// deregistered images are answered for a short while yet, and are gone.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
const deregistered = "deregistered"

func (w *World) readImages(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	if len(ids) == 0 {
		return map[planner.Ref]planner.Raw{}, nil
	}
	images, err := w.Outside.DescribeImages(ctx, port.ImageQuery{IDs: ids})
	if err != nil {
		return nil, err
	}
	out := map[planner.Ref]planner.Raw{}
	for _, i := range images {
		if i.State == deregistered {
			continue
		}
		out[imageRef(i.ID)] = imageRaw(i)
	}
	return out, nil
}

// imageRaw is an image by path.
func imageRaw(i port.Image) planner.Raw {
	raw := planner.Raw{"name": schema.JSON(i.Name), "owner": schema.JSON(i.Owner), "ownerAlias": schema.JSON(i.OwnerAlias), "architecture": schema.JSON(i.Architecture), "state": schema.JSON(i.State), "created": schema.JSON(i.Created),
		"rootDevice": schema.JSON(i.RootDevice), "rootGiB": schema.JSON(i.RootGiB)}
	if i.Deprecated != "" {
		raw["deprecates"] = schema.JSON(true)
	}
	for k, tag := range i.Tags {
		raw["tags."+schema.JoinPath(k)] = schema.JSON(tag)
	}
	return raw
}

// lookAMIs finds the image of every entry that has one: pinned, or resolved in
// resolved.cue.
func lookAMIs(ctx context.Context, l *look) error {
	ids := map[schema.Address]string{}
	for _, a := range l.wanted("amis") {
		if id := l.desired.Objects[a].Fields["image"].Str(); id != "" {
			ids[a] = id
		}
	}
	read := slices.Collect(maps.Values(ids))
	for _, a := range l.wanted("amis") {
		if id := l.applied().Entries[a].ID.Str(); l.desired.Objects[a].Fields["bake"].Is != schema.Absent && id != "" {
			read = append(read, id)
		}
	}
	slices.Sort(read)
	var raw map[planner.Ref]planner.Raw
	var others map[string]schema.Applied
	var projects map[planner.Ref]planner.Raw
	err := sideBySide(
		func() (err error) { projects, err = l.readProbed(ctx); return err },
		func() (err error) { others, err = l.lookOthers(ctx); return err },
		func() (err error) {
			raw, err = l.readImages(ctx, slices.Compact(read))
			return err
		},
		func() error { return l.lookAhead(ctx, ids) })
	if err != nil {
		return err
	}
	l.view.raw = raw
	maps.Copy(l.view.raw, projects)
	for a, id := range ids {
		image := raw[imageRef(id)]
		if p, is := l.desired.Objects[a].Promoted(a.Name); is {
			l.lookPromoted(others, a, p, id, image)
			continue
		}
		if image == nil {
			continue
		}
		if state := image["state"].Str(); state != "available" {
			l.find("DC235", schema.Error, a, fmt.Sprintf("%s is %s, not available", id, state), "wait until it is available, or name another image")
		}
		l.foundByFilter(a, id, image)
		l.observe(a, imageRef(id), schema.Observed{ID: id, Fields: map[string]schema.Value{"image": schema.JSON(id)}})
	}
	l.lookBaked(raw)
	return l.lookSpread(ctx)
}

// foundByFilter refuses an image that the filter of its entry cannot have found:
// resolved.cue was changed by hand, or copied. It judges by what never changes of
// an image; tags and states do.
func (l *look) foundByFilter(a schema.Address, id string, image planner.Raw) {
	o := l.desired.Objects[a]
	if schema.AMISource(o) == "" || o.Fields["ssm"].Is != schema.Absent {
		return
	}
	asked := map[string][]string{}
	ask := func(what string, v schema.Value) {
		if asked[what] = v.Strings(); v.Str() != "" {
			asked[what] = []string{v.Str()}
		}
	}
	ask("name", o.Fields["find.name"])
	for p, v := range o.Fields {
		if s := schema.SplitPath(p); len(s) == 3 && s[1] == "filters" {
			ask(s[2], v)
		}
	}
	for _, f := range [][2]string{{"name", "name"}, {"architecture", "architecture"}, {"owner-id", "owner"}, {"owner-alias", "ownerAlias"}} {
		stands, wanted := image[f[1]].Str(), asked[f[0]]
		if len(wanted) > 0 && !slices.ContainsFunc(wanted, func(w string) bool { return port.Wildcard(w, stands) }) {
			l.foundOtherwise(a, id, f[0], stands, wanted)
		}
	}
	owners := o.Fields["find.owners"].Strings()
	if len(owners) == 0 {
		owners = []string{"self"}
	}
	self := l.Deployment.AWS.Account
	if !slices.ContainsFunc(owners, func(w string) bool {
		return w == image["owner"].Str() || w == image["ownerAlias"].Str() || w == "self" && (self == "" || self == image["owner"].Str())
	}) {
		l.foundOtherwise(a, id, "owner", image["owner"].Str(), owners)
	}
}

func (l *look) foundOtherwise(a schema.Address, id, what, stands string, wanted []string) {
	l.find("DC215", schema.Error, a, fmt.Sprintf("resolved.cue holds %s, whose %s is %q; the files look for %s", id, what, stands, strings.Join(wanted, ", ")),
		"domctl update "+schema.ShellWord(a.Name)+", and see what changed resolved.cue")
}

// lookAhead says which SSM parameters have moved on since `domctl update`: one
// call for all of them. Filters and registries would cost a call each, so a plan
// does not ask them.
func (l *look) lookAhead(ctx context.Context, resolved map[schema.Address]string) error {
	parameters := map[schema.Address]string{}
	for a := range resolved {
		if name := l.desired.Objects[a].Fields["ssm"].Str(); name != "" {
			parameters[a] = name
		}
	}
	if len(parameters) == 0 {
		return nil
	}
	values, err := l.Outside.GetParameters(ctx, slices.Compact(slices.Sorted(maps.Values(parameters))))
	if err != nil {
		return fmt.Errorf("SSM parameters: %w", err)
	}
	for _, a := range schema.Addresses(parameters) {
		if id := values[parameters[a]]; id != "" && id != resolved[a] {
			l.find("DC214", schema.Info, a, fmt.Sprintf("upstream is ahead: %s is %s, resolved.cue holds %s", parameters[a], id, resolved[a]), "domctl update "+schema.ShellWord(a.Name))
		}
	}
	return nil
}

// lowerAMI is reached when older images go, and when the image is not there: it was
// never resolved, is gone, or must be baked.
func lowerAMI(v *View, c planner.Change) (planner.Lowered, error) {
	o := v.desired.Objects[c.Address]
	if why, is := v.unbaked[c.Address]; is && o.Fields["bake"].Is == schema.Absent {
		return planner.Lowered{Blocked: &why}, nil
	}
	steps := v.lowerRetired(c)
	if c.Action != planner.ActionCreate && !slices.ContainsFunc(c.Fields, func(d planner.Diff) bool { return !schema.IsRetired(d.Path) }) {
		return planner.Lowered{Steps: steps}, nil
	}
	switch id := o.Fields["image"].Str(); {
	case id != "":
		return blocked("DC236", c.Address, fmt.Sprintf("%s is not an image of this account and region", id),
			"check the id, the region and who owns the image", c.Positions), nil
	case o.Fields["bake"].Is != schema.Absent && !remakes(c):
		low := v.lowerSpread(c, schema.JSON(v.Objects[c.Address].ID))
		low.Steps = append(low.Steps, steps...)
		return low, nil
	case o.Fields["bake"].Is != schema.Absent:
		if why, is := v.unbaked[c.Address]; is {
			return planner.Lowered{Blocked: &why}, nil
		}
		b, _ := o.Bake()
		low := v.lowerBake(c, b)
		if low.Blocked == nil {
			low.Steps = append(low.Steps, steps...)
		}
		return low, nil
	}
	return blocked("DC237", c.Address, "its image is not resolved", "run domctl update "+schema.ShellWord(c.Address.Name), c.Positions), nil
}

// spoken is what the entries of amis say of images, by image id: every tier and
// group whose AMI changes asks for it.
type spoken struct {
	of             map[schema.Value]bool   // an entry names it
	pinned, before map[schema.Value]string // the first entry that pins it, or did, and why
}

func (v *View) speakOf() spoken {
	s := spoken{map[schema.Value]bool{}, map[schema.Value]string{}, map[schema.Value]string{}}
	for a, o := range v.desired.Objects {
		if a.Kind != "amis" {
			continue
		}
		s.of[o.Fields["image"]] = true
		for _, id := range o.Fields["replaces"].Strings() {
			s.of[schema.JSON(id)] = true
		}
		if id := o.Fields["pin.id"]; id.Is != schema.Absent {
			first(s.pinned, id, fmt.Sprintf("%s pins (%s)", a, o.Fields["pin.reason"].Str()))
		}
	}
	for a, e := range v.applied.Entries {
		if a.Kind != "amis" {
			continue
		}
		for id, reason := range e.Pins() {
			first(s.before, schema.JSON(id), fmt.Sprintf("%s pinned before (%s)", a, reason.Str()))
		}
	}
	return s
}

// first keeps of two what comes first, whatever the order they come in.
func first(of map[schema.Value]string, key schema.Value, says string) {
	if known, is := of[key]; !is || says < known {
		of[key] = says
	}
}

// special says why the AMI that stands on something is left alone; "" when it
// may be switched: an entry names it under replaces, an entry that is no pin is
// that image, or domctl put it there. A pinned one never may.
func (v *View) special(standing schema.Value, a schema.Address) string {
	if standing.Is == schema.Absent {
		return ""
	}
	s := v.spoken()
	switch {
	case s.pinned[standing] != "":
		return fmt.Sprintf("stands on %s, which %s; a pinned AMI is never switched", standing.Str(), s.pinned[standing])
	case s.of[standing]:
		return ""
	case s.before[standing] != "":
		return fmt.Sprintf("stands on %s, which %s", standing.Str(), s.before[standing])
	case v.ours(a, standing):
		return ""
	}
	return fmt.Sprintf("stands on %s, which no entry of amis speaks of; a special AMI is left alone", standing.Str())
}

// ours says that the last apply put this AMI where it stands.
func (v *View) ours(a schema.Address, standing schema.Value) bool {
	was, _ := v.applied.Former(v.desired, a)
	if was == nil {
		return false
	}
	for p, set := range was.Fields {
		if segments := schema.SplitPath(p); segments[len(segments)-1] == "ami" && set == standing {
			return true
		}
	}
	return false
}

// literalImages are the image ids that objects of a kind state by themselves,
// rather than by the name of an entry of amis.
func (l *look) literalImages(kind string) []string {
	ids := map[string]bool{}
	for a, o := range l.desired.Objects {
		if a.Kind != kind {
			continue
		}
		for p, v := range o.Fields {
			if segments := schema.SplitPath(p); segments[len(segments)-1] == "ami" && v.Str() != "" && segments[0] != "owner" {
				ids[v.Str()] = true
			}
		}
	}
	return schema.Sorted(ids)
}

// unusable says why nothing can be started from an image; nil when it can, or
// when the image is yet to be made.
func (v *View) unusable(c planner.Change, image schema.Value) *schema.Finding {
	id := image.Str()
	raw := v.raw[imageRef(id)]
	switch {
	case image.Is == schema.Absent:
		return blocked("DC249", c.Address, "an AMI cannot be unset", "leave ami out to let go of it", c.Positions).Blocked
	case image.Is != schema.Known:
	case raw == nil:
		return blocked("DC236", c.Address, id+" is not an image of this account and region", "check the id, the region and who owns the image", c.Positions).Blocked
	case raw["state"].Str() != "available":
		return blocked("DC235", c.Address, fmt.Sprintf("%s is %s, not available", id, raw["state"].Str()), "wait until it is available, or name another image", c.Positions).Blocked
	case verdict(raw).Is != schema.Absent && verdict(raw).Str() != schema.Passed: // whoever set it: nothing is started from what somebody doubts
		return blocked("DC269", c.Address, fmt.Sprintf("%s did not pass its verification: %s", id, verdict(raw).Str()), "name another image, or bake it anew", c.Positions).Blocked
	}
	return nil
}
