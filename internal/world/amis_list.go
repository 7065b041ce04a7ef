package world

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Held is what records and files say of images: why nobody may take one away
// although nothing that lives names it.
type Held struct {
	// Images are the reasons by id of the image, each with its verb.
	Images map[string][]string
	// Named are those of them that files alone are.
	Named map[string][]string
	// Made are the launch configurations and versions that applies of this store made;
	// Kept are the reasons why one of them stays.
	Made map[planner.Ref]Maker
	Kept map[planner.Ref][]string
	// Makers are the steps that may have made something, by the token that it is
	// tagged with, and Reserved the applies that have not ended, by address.
	Makers   map[string]Maker
	Reserved map[schema.Address]string
	// Regions are those that an apply began to copy an image to.
	Regions map[string]bool
}

// Maker is the step of an apply that made something; Open says that the apply has not
// ended.
type Maker struct {
	Apply   string
	Address schema.Address
	Open    bool
	began   time.Time // of the apply
	key     string    // of the content, where it bakes
	// instances are those that it launched, of image where that is one of a bake.
	instances []string
	image     string
	images    []string // that it bakes
}

// MakerOf is the maker that a step of an apply is; instances are those that its records
// name.
func MakerOf(apply string, began time.Time, open bool, s planner.Step, instances []string) Maker {
	launched := slices.DeleteFunc(instances, func(id string) bool { return id == s.Args["instance"].Str() }) // which is lent
	return Maker{apply, s.Address, open, began, s.Args["key"].Str(), launched, s.Args["image"].Str(), s.Args["images"].Strings()}
}

// Began adds what a step that was begun leaves, as far as its outputs tell.
func (h Held) Began(s planner.Step, outputs map[string]schema.Value, by Maker) {
	switch version := outputs["version"].Str(); {
	case s.Op == operation.BakeCopy:
		h.Regions[s.Args["region"].Str()] = true
	case s.Op == operation.CopyLaunchConfiguration:
		h.Made[s.Object] = by
	case s.Op == operation.CreateLaunchTemplate && outputs["template"].Str() != "":
		h.Made[versionRef(outputs["template"].Str(), "1")] = by
	case s.Op == operation.CreateLaunchTemplateVersion && version != "":
		h.Made[planner.Ref("ec2/version#"+s.Object.ID()+"/"+version)] = by
	}
}

// AMI is an image that executors start from, or may have started from.
type AMI struct {
	ID, Name, Owner, State, Architecture, Created, Deprecated string
	// Key and Base are what the tags say; Recorded says that the records of this
	// deployment say the same. Entry is the name in amis.
	Key, Base, Entry, Deployment string
	Recorded                     bool
	Own                          bool   // this account's
	Verified                     string // "passed", or why not; "" for no verdict
	Apply                        string // that made it, by its tags
	Making                       string // the same, of an apply that has not ended, by its records
	GiB                          int64  // of its snapshots, as the volumes are stated
	Snapshots                    []string
	Uses                         []string // each with its verb
	// Images are what it caches, each with its digest, and with the name that the files
	// have for it where it is the image that stands for its entry; Ready and Container
	// how long its verification's instance took. All from records: tags prove nothing.
	Images           []string
	Ready, Container string
	Copies           []ImageCopy // in other regions, by records
}

// executorName is how hand-made executor images are called.
// Source: "Creating a new executor AMI".
const executorName = "domino-*"

// AMIs are the executor images of the account in the deployment's region: those
// called like one, tagged by domctl, started from by something, or spoken of by
// records and files; newest first.
func (w *World) AMIs(ctx context.Context, applied schema.Applied, held Held) ([]AMI, error) {
	var own, other []port.Image
	var uses *imageUses
	var copies map[string][]ImageCopy
	err := sideBySide(
		func() (err error) { copies, err = w.copies(ctx, applied); return err },
		func() (err error) {
			own, err = w.Outside.DescribeImages(ctx, port.ImageQuery{Owners: []string{"self"}, Disabled: true})
			return err
		},
		func() (err error) {
			if len(held.Images) > 0 {
				other, err = w.Outside.DescribeImages(ctx, port.ImageQuery{IDs: schema.Sorted(held.Images)})
			}
			return err
		},
		func() (err error) { uses, err = w.usesOfImages(ctx, true); return err })
	if err != nil {
		return nil, fmt.Errorf("amis: %w", err)
	}
	seen := map[string]bool{}
	var out []AMI
	for n, i := range slices.Concat(own, other) {
		found := uses.found[imageRef(i.ID)]
		ours := i.Tags[schema.TagKey] != "" || i.Tags[schema.TagDeployment] != ""
		if seen[i.ID] || i.State == deregistered || !port.Wildcard(executorName, i.Name) && !ours && len(found) == 0 && len(held.Images[i.ID]) == 0 {
			continue
		}
		seen[i.ID] = true
		a := w.ami(i, n < len(own), applied, uses.ofTiers(uses.of(imageRef(i.ID)), applied), held)
		a.Copies = copies[i.ID]
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b AMI) int { return cmp.Or(cmp.Compare(b.Created, a.Created), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

func (w *World) ami(i port.Image, own bool, applied schema.Applied, uses []imageUse, held Held) AMI {
	a := AMI{Own: own, ID: i.ID, Name: i.Name, Owner: cmp.Or(i.OwnerAlias, i.Owner), State: i.State, Architecture: i.Architecture, Created: i.Created, Deprecated: i.Deprecated,
		Key: i.Tags[schema.TagKey], Base: i.Tags[schema.TagBase], Entry: i.Tags[schema.TagAMI], Deployment: i.Tags[schema.TagDeployment], Verified: i.Tags[schema.TagVerified], Apply: i.Tags[schema.TagApply]}
	for _, v := range i.Volumes {
		if v.Snapshot != "" {
			a.GiB += v.GiB
			a.Snapshots = append(a.Snapshots, v.Snapshot)
		}
	}
	for _, address := range schema.Addresses(applied.Entries) {
		for _, b := range applied.Entries[address].Baked() {
			if address.Kind == "amis" && b.Image == i.ID && own {
				a.Recorded, a.Entry, a.Key, a.Base = b.Key == a.Key, address.Name, b.Key, b.Base
			}
		}
	}
	if by := held.Makers[i.Tags[schema.TagToken]]; own && by.Open && by.Apply == a.Apply && by.key == a.Key && by.Address.Name == a.Entry {
		a.Making = by.Apply
	}
	if a.Recorded {
		a.Images, a.Ready, a.Container = held.Makers[i.Tags[schema.TagToken]].images, i.Tags[schema.TagReady], i.Tags[schema.TagContainer]
		if e := applied.Entries[schema.Address{Kind: "amis", Name: a.Entry}]; e.ID.Str() == i.ID {
			a.Images = NamedImages(e.Fields)
		}
	}
	for _, u := range uses {
		a.Uses = append(a.Uses, u.Says)
	}
	a.Uses = append(a.Uses, held.Images[i.ID]...)
	slices.Sort(a.Uses)
	a.Uses = slices.Compact(a.Uses)
	return a
}

// NamedImages are what an entry's image caches: "spark:active repository:tag@digest".
func NamedImages(fields map[string]schema.Value) (out []string) {
	for _, p := range schema.Sorted(fields) {
		if rest, is := strings.CutPrefix(p, "content.images."); is {
			out = append(out, strings.Join(schema.SplitPath(rest), ".")+" "+fields[p].Str())
		}
	}
	return out
}

// ofTiers adds to executor groups the tier that each is of: its address where an
// apply recorded it, else its id.
func (u *imageUses) ofTiers(uses []imageUse, applied schema.Applied) []imageUse {
	collection, paths := executorPaths(u.Deployment.Mongo.Mapping.ExecutorGroups)
	tiers := map[planner.Ref]string{}
	for _, d := range u.executors {
		id := idPlain(docRef("", idText(rawOf(d).At(paths["tier"]).Text)))
		tiers[docRef(collection, idText(d["_id"]))] = "tier " + id
		for _, a := range schema.Addresses(applied.Entries) {
			if a.Kind == "hardwareTiers" && applied.Entries[a].ID.Str() == id {
				tiers[docRef(collection, idText(d["_id"]))] = a.String()
			}
		}
	}
	for n, use := range uses {
		if tier := tiers[use.Object]; tier != "" {
			uses[n].Says += ", for " + tier
		}
	}
	return uses
}

// OneAMI is the image that an entry of the files stands for, "executor" or
// "amis.executor", or else the one of that id or name.
func OneAMI(all []AMI, applied schema.Applied, name string) (AMI, bool) {
	entry := schema.Address{Kind: "amis", Name: strings.TrimPrefix(name, "amis.")}
	id := cmp.Or(applied.Entries[entry].ID.Str(), name)
	i := slices.IndexFunc(all, func(a AMI) bool { return a.ID == id || a.Name == id })
	if i < 0 {
		return AMI{}, false
	}
	return all[i], true
}

// Maker says who made an image: the owner of one that another account has, "hand" for one without domctl's tags, the deployment
// and "tags alone" where nothing recorded bears them out.
func (a AMI) Maker() string {
	switch {
	case !a.Own:
		return a.Owner
	case a.Recorded:
		return strings.TrimSpace("domctl " + a.Apply)
	case a.Making != "":
		return "domctl " + a.Making
	case a.Deployment != "":
		return "domctl of " + a.Deployment + ", by its tags alone"
	}
	return "hand"
}

func instanceRef(id string) planner.Ref { return planner.Ref("ec2/instance#" + id) }

// Verdict is what the verification of an image found out: "unverified" where there
// was none, or where nothing but a tag says that it passed. A tag that doubts counts.
func (a AMI) Verdict() string {
	if a.Verified == "" || a.Verified == schema.Passed && !a.Recorded {
		return "unverified"
	}
	return a.Verified
}

// Doubted says that the verification found something, which Verdict tells.
func (a AMI) Doubted() bool { return a.Verified != "" && a.Verified != schema.Passed }
