package world

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Where a baked image goes: copies in other regions, and the accounts that may start
// instances of it and of its copies. Neither is part of what it holds, so a change
// of them bakes nothing.

func copyRef(region, id string) planner.Ref { return planner.Ref("ec2/copy#" + region + "/" + id) }
func permissionRef(region, id string) planner.Ref {
	return planner.Ref("ec2/permission#" + region + "/" + id)
}

// in is EC2's images of a region.
func (w *World) in(region string) port.Images {
	if region == w.Deployment.AWS.Region {
		return w.Outside
	}
	return w.Outside.In(region)
}

// readCopies asks each region once.
func (w *World) readCopies(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	byRegion := map[string][]string{}
	for _, id := range ids {
		region, image := cutID(id)
		byRegion[region] = append(byRegion[region], image)
	}
	regions := schema.Sorted(byRegion)
	found, err := each(regions, func(region string) ([]port.Image, error) {
		return w.in(region).DescribeImages(ctx, port.ImageQuery{IDs: byRegion[region]})
	})
	out := map[planner.Ref]planner.Raw{}
	for n, images := range found {
		for _, i := range images {
			out[copyRef(regions[n], i.ID)] = imageRaw(i)
		}
	}
	return out, err
}

// readPermissions asks for each image, since EC2 has no call for several.
func (w *World) readPermissions(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	found, err := each(ids, func(id string) (planner.Raw, error) {
		region, image := cutID(id)
		p, err := w.in(region).DescribeLaunchPermission(ctx, image)
		if errors.Is(err, port.ErrNotFound) {
			return nil, nil // an image that is not there is shared with nobody
		}
		return planner.Raw{"accounts": schema.JSON(listOf(p.Accounts)), "public": schema.JSON(p.Public)}, err
	})
	out := map[planner.Ref]planner.Raw{}
	for n, raw := range found {
		if id := ids[n]; raw != nil {
			out[planner.Ref("ec2/permission#"+id)] = raw
		}
	}
	return out, err
}

// share tells EC2 what differs: it has no call that sets the whole list.
func share(ctx context.Context, w *World, a applier.Attempt) error {
	region, image := cutID(a.Step.Object.ID())
	add, remove := sharing(a.Step)
	return w.in(region).ModifyLaunchPermission(ctx, image, add, remove)
}

// sharing are the accounts that come and go.
func sharing(s planner.Step) (add, remove []string) {
	var before []string
	for _, e := range s.Expects {
		if e.Ref == s.Object && e.Path == "accounts" {
			before = e.Value.Strings()
		}
	}
	after := s.Writes["accounts"].Strings()
	without := func(list, others []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(a string) bool { return slices.Contains(others, a) })
	}
	return without(after, before), without(before, after)
}

func shareCommand(m applier.Manual) string {
	region, image := cutID(m.Step.Object.ID())
	image = sh(image)
	if out, waits := m.Step.Object.Out(); waits {
		region, image = "", shellValue(m, out)
	}
	users := func(accounts []string) string {
		for i, a := range accounts {
			accounts[i] = "{UserId=" + a + "}"
		}
		return "[" + strings.Join(accounts, ",") + "]"
	}
	add, remove := sharing(m.Step)
	flags := ""
	if region != "" {
		flags = " --region " + sh(region)
	}
	return "aws ec2 modify-image-attribute" + flags + " --image-id " + image + " --launch-permission " + sh("Add="+users(add)+",Remove="+users(remove))
}

// spots are where an entry's present image stands by the records: itself and its
// copies, by region.
func (l *look) spots(a schema.Address) map[string]string {
	entry := l.applied().Entries[a]
	id := entry.ID.Str()
	spots := map[string]string{l.Deployment.AWS.Region: id}
	for _, c := range entry.Copied() {
		if _, stands := entry.Fields[schema.CopyTo(c.Region)]; stands && c.Of == id {
			spots[c.Region] = c.Image
		}
	}
	return spots
}

// lookSpread looks where the images that stand for baked entries went: at copies by
// their tags, and at who may use each.
func (l *look) lookSpread(ctx context.Context) error {
	var copies, permissions []planner.Ref
	spots := map[schema.Address]map[string]string{}
	for _, a := range l.wanted("amis") {
		if _, bakes := l.desired.Objects[a].Bake(); !bakes || l.view.Objects[a].ID == "" {
			continue
		}
		spots[a] = l.spots(a)
		_, stated := l.desired.Objects[a].Fields["share"]
		for _, region := range schema.Sorted(spots[a]) {
			if region != l.Deployment.AWS.Region {
				copies = append(copies, copyRef(region, spots[a][region]))
			}
			if stated {
				permissions = append(permissions, permissionRef(region, spots[a][region]))
			}
		}
	}
	if len(copies)+len(permissions) == 0 {
		return nil
	}
	raw, err := l.Read(ctx, append(copies, permissions...))
	if err != nil {
		return err
	}
	maps.Copy(l.view.raw, raw)
	for _, a := range schema.Addresses(spots) {
		l.spread(a, spots[a])
	}
	return nil
}

// spread observes the copies that are there and hold what was recorded, and the
// accounts: the first list that is not as wanted, where they differ.
func (l *look) spread(a schema.Address, spots map[string]string) {
	entry, fields := l.applied().Entries[a], l.view.Objects[a].Fields
	wanted := l.desired.Objects[a].Fields["share"]
	for _, region := range schema.Sorted(spots) {
		image, home := l.view.raw[copyRef(region, spots[region])], region == l.Deployment.AWS.Region
		self := l.Deployment.AWS.Account
		if !home && (image["state"].Str() != "available" || self != "" && image["owner"].Str() != self ||
			image["tags."+schema.JoinPath(schema.TagKey)].Str() != contentKey(entry.Fields)) {
			continue
		}
		if !home {
			fields[schema.CopyTo(region)] = entry.Fields[schema.CopyTo(region)]
		}
		if _, stated := l.desired.Objects[a].Fields[schema.CopyTo(region)]; !home && !stated {
			continue // it stays as it is
		}
		permission := l.view.raw[permissionRef(region, spots[region])]
		if accounts, read := permission["accounts"]; read && (fields["share"].Is == schema.Absent || fields["share"] == wanted) {
			fields["share"] = accounts
		}
		if permission["public"].Bool() {
			l.find("DC270", schema.Warning, a, fmt.Sprintf("%s in %s is public: everybody can start it and read what is in it", spots[region], or(region)),
				"make it private in EC2, unless that is meant")
		}
	}
}

// remakes says that a change is of what the image holds.
func remakes(c planner.Change) bool {
	return c.Action == planner.ActionCreate || slices.ContainsFunc(c.Fields, func(d planner.Diff) bool { return schema.IsContent(d.Path) })
}

// spreading gathers the steps by which one image goes where it should.
type spreading struct {
	v      *View
	change planner.Change
	o      schema.Object
	image  schema.Value // its id, or what gives it
	out    planner.Lowered
	copies []string // steps
	shares []planner.Step
}

// lowerSpread copies an image, and then shares it and the copies: nobody sees a part
// of them before all are there.
func (v *View) lowerSpread(c planner.Change, image schema.Value) planner.Lowered {
	s := spreading{v: v, change: c, o: v.desired.Objects[c.Address], image: image,
		out: planner.Lowered{ID: image, Outputs: map[string]schema.Value{"id": image, "image": image}, Remember: map[string]schema.Value{}}}
	home := v.world.Deployment.AWS.Region
	s.share(home, image)
	for _, p := range schema.Sorted(s.o.Fields) {
		if region, is := schema.CopyRegion(p); is && s.o.Fields[p].Is == schema.Known {
			s.share(region, s.copy(region, p))
		}
	}
	for _, d := range c.Fields {
		if region, is := schema.CopyRegion(d.Path); is && d.Before.Is != schema.Absent {
			s.out.Findings = append(s.out.Findings, schema.Finding{Code: "DC271", Severity: schema.Info, Address: c.Address, Positions: c.Positions,
				Message: "the copy in " + region + " stays as it is", Hint: "deregister it there when nothing starts from it"})
		}
	}
	for _, share := range s.shares {
		share.After = append(share.After, s.copies...)
		s.out.Steps = append(s.out.Steps, share)
	}
	return s.out
}

// copy is the id of the copy in a region: the one that stands, or what the step gives
// that makes it.
func (s *spreading) copy(region, path string) schema.Value {
	live := s.v.Objects[s.change.Address]
	if stands := live.Fields[path]; s.image.Is == schema.Known && stands == s.o.Fields[path] {
		for _, c := range s.v.applied.Entries[s.change.Address].Copied() {
			if c.Region == region && c.Of == s.image.Str() {
				return schema.JSON(c.Image)
			}
		}
	}
	key := contentKey(s.o.Fields)
	made := planner.Step{ID: s.change.Address.String() + "/bake.copy/" + region + "/" + key[:8], Address: s.change.Address, Op: "bake.copy",
		Object: planner.Ref("bake/copy#" + region + "/" + s.change.Address.Name + "/" + key), Creates: "id", Guard: planner.Token, Window: window,
		Args: map[string]schema.Value{"ami": schema.JSON(s.change.Address.Name), "deployment": schema.JSON(s.v.world.Deployment.Name), "key": schema.JSON(key),
			"base": s.o.Fields["content.base"], "bake": s.o.Fields["bake"], "image": s.image, "from": schema.JSON(s.v.world.Deployment.AWS.Region), "region": schema.JSON(region)}}
	if kms := schema.CopyKey(s.o.Fields[path]); kms != "" {
		made.Args["kmsKey"] = schema.JSON(kms)
	}
	s.out.Steps, s.copies = append(s.out.Steps, made), append(s.copies, made.ID)
	s.out.Remember[schema.CopiedBefore(key, region)] = planner.OutOf(made.ID, "copied")
	return planner.OutOf(made.ID, "id")
}

// share lets the accounts use an image in a region, if the files say who may. A new
// image is nobody's but its owner's.
func (s *spreading) share(region string, image schema.Value) {
	want := s.o.Fields["share"]
	if want.Is != schema.Known {
		return
	}
	object, before := permissionRef(region, image.Str()), schema.JSON([]string{})
	if step, output, made := planner.SplitOut(image); made {
		object = planner.OutRef("ec2/permission", region+"/", step, output)
	} else if stands, read := s.v.raw[object]["accounts"]; read {
		before = stands
	}
	if before == want {
		return
	}
	s.shares = append(s.shares, planner.Step{ID: s.change.Address.String() + "/ec2.ModifyLaunchPermission/" + region + "/" + contentKey(s.o.Fields)[:8], Address: s.change.Address,
		Op: "ec2.ModifyLaunchPermission", Object: object, Guard: planner.Absolute, Window: window, Writes: map[string]schema.Value{"accounts": want},
		Expects: []planner.Expect{{Ref: object, Path: "accounts", Value: before}}})
}

// deregisterImage is of this region, or of another one that a copy lies in.
func deregisterImage(ctx context.Context, w *World, a applier.Attempt) error {
	in, id := port.Images(w.Outside), a.Step.Object.ID()
	if a.Step.Object.Type() == "ec2/copy" {
		region, image := cutID(id)
		in, id = w.in(region), image
	}
	_, err := in.DeregisterImage(ctx, id)
	return err
}

func deregisterCommand(m applier.Manual) string {
	id, flags, check := m.Step.Object.ID(), "", ""
	if m.Step.Object.Type() == "ec2/copy" {
		region, image := cutID(id)
		id, flags = image, " --region "+sh(region)
	}
	for _, e := range m.Step.Expects {
		check += fmt.Sprintf("is \"$(aws ec2 describe-images%s --image-ids %s --query \"Images[0].Tags[?Key=='%s']|[0].Value\" --output text)\" %s %s\n",
			flags, sh(id), schema.TagKey, sh(e.Value.Str()), sh("the tag "+schema.TagKey+" of "+id))
	}
	return check + "aws ec2 deregister-image" + flags + " --delete-associated-snapshots --image-id " + sh(id)
}
