package world

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"domctl.dev/internal/operation"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Recipe is the version of how an image is baked. It grows when the same inputs
// would give another image.
const Recipe = 2

// Desired is what the files state, and what the world says of the inputs of each
// AMI that is baked: fields below "content".
func (v *View) Desired() schema.Desired { return v.desired }

// Applied is what the last apply set.
func (v *View) Applied() schema.Applied { return v.applied }

// bakes says what each baked AMI is to be made of, which image stands for it, and
// what keeps it from being baked. Only what they cache costs calls.
func (v *View) bakes(ctx context.Context) error {
	baking := map[schema.Address]*inputs{}
	for a, o := range v.desired.Objects {
		if b, ok := o.Bake(); ok && a.Kind == "amis" {
			baking[a] = &inputs{View: v, address: a, object: o, bake: b, images: map[string]string{}}
		}
	}
	if len(baking) == 0 {
		return nil
	}
	if err := v.borrowable(ctx, baking); err != nil {
		return err
	}
	var bases []string
	for _, in := range baking {
		in.unmade()
		if in.base = in.from(); in.base != "" {
			bases = append(bases, in.base)
		}
		in.unseen()
		in.cache()
	}
	slices.Sort(bases)
	var images map[planner.Ref]planner.Raw
	err := sideBySide(
		func() (err error) { images, err = v.world.readImages(ctx, slices.Compact(bases)); return err },
		func() error { return v.named(ctx, baking) },
		func() error { return v.keyed(ctx, baking) })
	if err != nil {
		return fmt.Errorf("amis: %w", err)
	}
	maps.Copy(v.raw, images)
	if err := v.digested(ctx, baking); err != nil {
		return err
	}
	v.desired.Objects = maps.Clone(v.desired.Objects)
	for a, in := range baking {
		content := in.content()
		v.probed[a] = in.probes()
		in.enters(ctx, content)
		if in.problem != nil { // said also where an image stands, which stays what it is
			v.unbaked[a], v.Findings = *in.problem, append(v.Findings, *in.problem)
			content = contentOf(v.applied.Entries[a].Fields)
		}
		in.lend(content)
		o := in.object
		o.Fields = maps.Clone(o.Fields)
		maps.Copy(o.Fields, content)
		v.desired.Objects[a] = o
	}
	return nil
}

// inputs are what one image is baked from.
type inputs struct {
	*View
	address    schema.Address
	object     schema.Object
	bake       schema.Bake
	base       string            // the root image
	images     map[string]string // by path below content.images: the image as nodes name it, with its digest in the end
	wants      map[string]string // the same paths → ids of revisions whose images are not named yet
	problem    *schema.Finding
	candidates *candidates // of from: instance
}

func (in *inputs) stop(message, hint string) {
	if in.problem == nil {
		in.problem = blocked("DC230", in.address, message, hint, in.object.Positions("bake")).Blocked
	}
}

// unmade stops at what this version does not do yet, rather than leave it out.
func (in *inputs) unmade() {
	switch b := in.bake; {
	case b.Snapshotter != "" && b.Snapshotter != "overlayfs":
		in.stop("states snapshotter "+b.Snapshotter+", and this version of domctl pulls into overlayfs alone", "leave it out, and turn lazy pulling off on the nodes")
	case !b.Connect.SSM && b.Connect.SSH == nil:
		in.stop("does not say how to reach its instance", "state bake: connect: ssm: true, or ssh: {…}")
	}
}

// from is the root of the image that the builder starts from.
func (in *inputs) from() string {
	switch from := in.bake.From; {
	case from.Pool != "":
		return in.fromPool(schema.Address{Kind: "nodePools", Name: from.Pool})
	case from.AMI != "":
		other := in.desired.Objects[schema.Address{Kind: "amis", Name: from.AMI}]
		if id := other.Fields["image"].Str(); id != "" {
			return id
		}
		in.stop("starts from amis."+from.AMI+", whose image is not known", "pin or find that image, or start from a pool")
	case from.Instance != "":
		return in.fromInstance()
	default:
		in.stop("does not say what to start from", "state bake: from: {pool: …}, {ami: …} or {instance: …}")
	}
	return ""
}

// fromPool is the root of what a pool's groups start nodes from today.
func (in *inputs) fromPool(pool schema.Address) (base string) {
	for _, g := range in.desired.Objects[pool].Groups() {
		id := in.root(in.imageOf(in.raw[in.world.groupRefOf(g)]).Str())
		switch {
		case id == "":
			in.stop(fmt.Sprintf("starts from %s, and what %s starts nodes from is not known", pool, g.Key()), "see the other findings of "+pool.String())
		case base != "" && base != id:
			in.stop(fmt.Sprintf("starts from %s, whose groups start nodes from %s and from %s", pool, base, id), "state from: ami")
		}
		base = id
	}
	if base == "" {
		in.stop("starts from "+pool.String()+", which has no groups", "state from: ami")
	}
	return base
}

// root is the image that one was baked from, by what *applied* holds; an image
// that domctl did not bake is its own.
func (v *View) root(image string) string {
	for _, a := range schema.Addresses(v.applied.Entries) {
		if a.Kind != "amis" {
			continue
		}
		for _, b := range v.applied.Entries[a].Baked() {
			if b.Image == image {
				return b.Base
			}
		}
	}
	return image
}

// content is what decides about the image, as fields of the object.
func (in *inputs) content() map[string]schema.Value {
	b := in.bake
	out := map[string]schema.Value{"content.base": schema.JSON(in.base), "content.recipe": schema.JSON(Recipe),
		"content.runtime": schema.JSON(strings.TrimSuffix(b.Runtime+"/"+b.Snapshotter, "/"))}
	for p, image := range in.images {
		out["content.images."+schema.JoinPath(p)] = schema.JSON(image)
	}
	if i, borrows := in.borrowed[in.address]; borrows {
		out["content.instance"] = schema.JSON(i.ID)
	}
	if len(b.Scripts) > 0 {
		out["content.scripts"] = schema.JSON(schema.DigestOf(b.Scripts))
	}
	if len(b.ScriptsAfter) > 0 {
		out["content.scriptsAfter"] = schema.JSON(schema.DigestOf(b.ScriptsAfter))
	}
	if b.Volume.Size != "" || b.Volume.Type != "" {
		out["content.volume"] = schema.JSON(b.Volume)
	}
	if b.GPU != nil {
		out["content.gpu"] = schema.JSON(b.GPU)
	}
	if b.Salt.Highstate != "" {
		out["content.highstate"] = schema.JSON(b.Salt.Highstate)
	}
	return out
}

// contentKey tells one content from another: 32 hexadecimal digits.
func contentKey(fields map[string]schema.Value) string { return schema.DigestOf(contentOf(fields)) }

// contentOf are the fields that decide about an image.
func contentOf(fields map[string]schema.Value) map[string]schema.Value {
	content := map[string]schema.Value{}
	for p, v := range fields {
		if schema.IsContent(p) {
			content[p] = v
		}
	}
	return content
}

// lookBaked observes the images that stand for baked entries: the one that the
// last apply recorded, if it is there, this account's, available, and holds what
// was recorded.
func (l *look) lookBaked(raw map[planner.Ref]planner.Raw) {
	for _, a := range l.wanted("amis") {
		entry, known := l.applied().Entries[a]
		id := entry.ID.Str()
		image := raw[imageRef(id)]
		if _, bakes := l.desired.Objects[a].Bake(); !bakes || !known || image == nil || len(contentOf(entry.Fields)) == 0 {
			continue // an entry that was found or pinned before holds no content
		}
		self := l.Deployment.AWS.Account
		switch {
		case image["state"].Str() != "available" || self != "" && image["owner"].Str() != self:
			continue
		case image["tags."+schema.JoinPath(schema.TagKey)].Str() != contentKey(entry.Fields):
			l.find("DC264", schema.Warning, a, id+" no longer says what it holds: its tag "+schema.TagKey+" is not what was recorded", "it is baked again; look who changed the tag")
			continue
		case verdict(image).Str() != schema.Passed:
			l.find("DC264", schema.Warning, a, fmt.Sprintf("%s had passed, and its tag %s is %q", id, schema.TagVerified, verdict(image).Str()), "it is baked again; look who changed the tag")
			continue
		}
		fields := contentOf(entry.Fields)
		fields["image"] = schema.JSON(id)
		l.observe(a, imageRef(id), schema.Observed{ID: id, Fields: fields})
	}
}

// lowerBake makes an image of an entry and verifies it on a fresh instance. What
// refers to the image waits until it is verified.
func (v *View) lowerBake(c planner.Change, b schema.Bake) planner.Lowered {
	o := v.desired.Objects[c.Address]
	key, base := contentKey(o.Fields), o.Fields["content.base"].Str()
	_, borrows := v.borrowed[c.Address]
	if why := v.unusable(c, schema.JSON(base)); why != nil && !borrows {
		why.Message = "is baked from " + base + ": " + why.Message
		if v.raw[imageRef(base)] == nil {
			why.Hint = "it was deregistered, or is another account's or region's: state bake: from: {ami: …}, an entry whose image is there (domctl update finds newer ones)"
		}
		return planner.Lowered{Blocked: why}
	}
	var images []string
	for _, p := range schema.Sorted(o.Fields) {
		if strings.HasPrefix(p, "content.images.") {
			images = append(images, o.Fields[p].Str())
		}
	}
	slices.Sort(images)
	args := map[string]schema.Value{"ami": schema.JSON(c.Address.Name), "deployment": schema.JSON(v.world.Deployment.Name), "key": schema.JSON(key), "base": schema.JSON(base),
		"images": schema.JSON(slices.Compact(images)), "bake": o.Fields["bake"], "rootDevice": v.raw[imageRef(base)]["rootDevice"]}
	made := planner.Step{ID: c.Address.String() + "/" + operation.BakeImage + "/" + key[:8], Address: c.Address, Op: operation.BakeImage, Object: planner.Ref("bake/image#" + c.Address.Name + "/" + key),
		Creates: "id", Guard: planner.Token, Window: window, Args: args,
		Expects: []planner.Expect{{Ref: imageRef(base), Path: "state", Value: schema.JSON("available")}}}
	if borrows {
		v.borrow(&made, b, v.undeclared(c.Address, o.Fields))
	}
	verified := v.lowerVerify(made)
	id := planner.OutOf(verified.ID, "id")
	out := v.lowerSpread(c, id)
	out.Steps = append([]planner.Step{made, verified}, out.Steps...)
	out.ID, out.Outputs = id, map[string]schema.Value{"id": id, "image": id}
	out.Remember[schema.BakedBefore(key)] = planner.OutOf(made.ID, "baked")
	return out
}
