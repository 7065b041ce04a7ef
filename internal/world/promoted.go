package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// An image that another deployment baked and verified. In this deployment's own
// account its tags say so. EC2 shows nobody another account's tags, and only the
// owner names an image: there, the owner that the files state, the name, and that
// the image was shared, which domctl does once it has passed, are what counts. It is
// never tagged, shared or deregistered from here.

// unproven says why an image does not count as one that another deployment baked and
// verified; "" when it does.
func (w *World) unproven(p schema.Promoted, id string, image planner.Raw) string {
	owner, self := p.Account, w.Deployment.AWS.Account
	if owner == "" {
		owner = self
	}
	if image == nil {
		return fmt.Sprintf("%s is not there; %s has retired it, or account %s no longer shares it with this one", id, p.Deployment, or(owner))
	}
	tag := func(key string) string { return image["tags."+schema.JoinPath(key)].Str() }
	key, named := schema.BakedKey(p.Deployment, p.AMI, image["name"].Str())
	full := key
	if own := owner == self || self == "" && p.Account == ""; own {
		full = tag(schema.TagKey)
		switch verdict := tag(schema.TagVerified); {
		case owner != "" && image["owner"].Str() != owner: // said below
		case tag(schema.TagDeployment) != p.Deployment || tag(schema.TagAMI) != p.AMI || !strings.HasPrefix(full, key):
			return fmt.Sprintf("%s has not the tags of amis.%s of %s", id, p.AMI, p.Deployment)
		case verdict == "":
			return fmt.Sprintf("%s is not verified yet", id)
		case verdict != schema.Passed:
			return fmt.Sprintf("%s was verified and did not pass: %s", id, verdict)
		}
	}
	short := p.Key[:min(len(p.Key), len(full))]
	switch {
	case owner != "" && image["owner"].Str() != owner:
		return fmt.Sprintf("%s belongs to account %s, and %s is of account %s", id, image["owner"].Str(), p.Deployment, owner)
	case !named:
		return fmt.Sprintf("%s is called %q, which is no name of amis.%s of %s", id, image["name"].Str(), p.AMI, p.Deployment)
	case image["state"].Str() != "available":
		return fmt.Sprintf("%s is %s, not available", id, image["state"].Str())
	case !strings.HasPrefix(full, short):
		return fmt.Sprintf("%s has the content %s, and the files want %s", id, full, p.Key)
	}
	return ""
}

// lookOthers reads the records of the deployments that images are taken from, each
// once, as far as they are at hand. Without them what EC2 says has to do, which is less:
// whoever may tag in this account may have said it.
func (l *look) lookOthers(ctx context.Context) (map[string]schema.Applied, error) {
	from := map[string]schema.Address{}
	for _, a := range l.wanted("amis") {
		if p, is := l.desired.Objects[a].Promoted(a.Name); is {
			from[p.Deployment] = a
		}
	}
	records := map[string]schema.Applied{}
	for _, name := range schema.Sorted(from) {
		var applied schema.Applied
		var there bool
		var err error
		if l.Others != nil {
			applied, there, err = l.Others(ctx, name)
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			l.find("DC273", schema.Warning, from[name], "the records of "+name+" could not be read: "+err.Error(), besideHint)
		case !there:
			l.find("DC273", schema.Warning, from[name], "no records of "+name+" are at hand, so that nothing but what EC2 shows says that it made the image", besideHint)
		default:
			records[name] = applied
		}
	}
	return records, nil
}

const besideHint = "have the folder of its files beside this one, and let whoever plans here read its records (deployment: state)"

// unrecorded says that the other deployment's records, where they are at hand, know
// nothing of an image; "" when they do.
func unrecorded(records map[string]schema.Applied, p schema.Promoted, id string) string {
	applied, there := records[p.Deployment]
	if !there {
		return ""
	}
	entry := applied.Entries[schema.Address{Kind: "amis", Name: p.AMI}]
	for _, b := range entry.Baked() {
		if b.Image == id {
			return ""
		}
	}
	for _, c := range entry.Copied() {
		if c.Image == id {
			return ""
		}
	}
	return fmt.Sprintf("the records of %s know nothing of %s", p.Deployment, id)
}

// lookPromoted observes an image of another deployment, if it counts; else nothing
// may be started from it.
func (l *look) lookPromoted(records map[string]schema.Applied, a schema.Address, p schema.Promoted, id string, image planner.Raw) {
	o := l.desired.Objects[a]
	if why := cmp.Or(l.unproven(p, id, image), unrecorded(records, p, id)); why != "" {
		l.view.unbaked[a] = *blocked("DC272", a, why, "let "+p.Deployment+" bake, verify and share it; then domctl update "+a.Name, o.Positions("from.deployment")).Blocked
		return
	}
	l.observe(a, imageRef(id), schema.Observed{ID: id, Fields: map[string]schema.Value{"image": schema.JSON(id)}})
}

// unpromoted takes away what resolved.cue holds for entries whose image does not
// count, so that what refers to them waits.
func (v *View) unpromoted() {
	for a := range v.unbaked {
		o := v.desired.Objects[a]
		if o.Fields["image"].Is != schema.Known {
			continue
		}
		v.desired.Objects, o.Fields = maps.Clone(v.desired.Objects), maps.Clone(o.Fields)
		delete(o.Fields, "image")
		v.desired.Objects[a] = o
	}
}

// promoted takes the newest image of another deployment that counts.
func (u *updating) promoted(ctx context.Context, a schema.Address, p schema.Promoted) error {
	owner := p.Account
	if owner == "" {
		owner = "self"
	}
	before, between := schema.BakedName(p.Deployment, p.AMI)
	images, err := u.up.DescribeImages(ctx, port.ImageQuery{Owners: []string{owner}, Filters: map[string][]string{"name": {before + "*" + between + "*"}}})
	if err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	w := &World{Deployment: u.desired.Deployment}
	var proven []port.Image
	var why []string
	for _, i := range images {
		if fault := w.unproven(p, i.ID, imageRaw(i)); fault != "" {
			why = append(why, fault)
		} else {
			proven = append(proven, i)
		}
	}
	if len(proven) == 0 {
		why = append(why, fmt.Sprintf("let it bake and verify one, and share it with this account if it is of another (amis: %s: share)", p.AMI))
		return fmt.Errorf("%s: %s has no image of amis.%s that counts: %w", a, p.Deployment, p.AMI, errors.New(strings.Join(why, "; ")))
	}
	newest, err := newestOf(proven)
	if err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	u.found(a, newest)
	return nil
}
