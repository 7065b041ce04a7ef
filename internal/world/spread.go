package world

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"domctl.dev/internal/operation"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Where a baked image goes: copies in other regions, and the accounts that may start
// instances of it and of its copies. Neither is part of what it holds, so a change
// of them bakes nothing.

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

// leaving are the accounts that the last apply shared an entry's image with, and that
// the files no longer name.
func leaving(was schema.Entry, o schema.Object) []string {
	if o.Fields["share"].Is != schema.Known {
		return nil
	}
	return without(was.Fields["share"].Strings(), o.Fields["share"].Strings())
}

// made is who may use each image and copy that an entry had made, the present ones
// included.
func (w *World) made(e schema.Entry) (refs []planner.Ref) {
	for _, b := range e.Baked() {
		refs = append(refs, permissionRef(w.Deployment.AWS.Region, b.Image))
	}
	for _, c := range e.Copied() {
		refs = append(refs, permissionRef(c.Region, c.Image))
	}
	return refs
}

// lookSpread looks where the images that stand for baked entries went: at copies by
// their tags, and at who may use each.
func (l *look) lookSpread(ctx context.Context) error {
	var copies, permissions []planner.Ref
	spots := map[schema.Address]map[string]string{}
	for _, a := range l.wanted("amis") {
		if _, bakes := l.desired.Objects[a].Bake(); !bakes {
			continue
		}
		if len(leaving(l.applied().Entries[a], l.desired.Objects[a])) > 0 {
			permissions = append(permissions, l.made(l.applied().Entries[a])...)
		}
		if l.view.Objects[a].ID == "" {
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
	slices.Sort(permissions)
	raw, err := l.Read(ctx, append(copies, slices.Compact(permissions)...))
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
	s.unshare()
	for _, share := range s.shares {
		if add, _ := sharing(share); len(add) > 0 {
			share.After = append(share.After, s.copies...)
		}
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
	made := planner.Step{ID: s.change.Address.String() + "/" + operation.BakeCopy + "/" + region + "/" + key[:8], Address: s.change.Address, Op: operation.BakeCopy,
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
	s.permit(object, region+"/"+contentKey(s.o.Fields)[:8], before, want)
}

// unshare takes accounts that left the list off what was made before, as far as it is
// there.
func (s *spreading) unshare() {
	was := s.v.applied.Entries[s.change.Address]
	gone := leaving(was, s.o)
	if len(gone) == 0 {
		return
	}
	for _, ref := range s.v.world.made(was) {
		before := s.v.raw[ref]["accounts"]
		if slices.ContainsFunc(s.shares, func(have planner.Step) bool { return have.Object == ref }) {
			continue
		}
		s.permit(ref, ref.ID(), before, schema.JSON(listOf(without(before.Strings(), gone))))
	}
}

func (s *spreading) permit(object planner.Ref, called string, before, want schema.Value) {
	if before == want || before.Is == schema.Absent {
		return
	}
	s.shares = append(s.shares, planner.Step{ID: s.change.Address.String() + "/" + operation.ModifyLaunchPermission + "/" + called, Address: s.change.Address,
		Op: operation.ModifyLaunchPermission, Object: object, Guard: planner.Absolute, Window: window, Writes: map[string]schema.Value{"accounts": want},
		Expects: []planner.Expect{{Ref: object, Path: "accounts", Value: before}}})
}
