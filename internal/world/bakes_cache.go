package world

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// cache gathers what is cached: base images by the digest in resolved.cue, and
// revisions whose images have yet to be named.
func (in *inputs) cache() {
	c := in.object.Cache()
	in.wants = map[string]string{}
	for _, name := range c.BaseImages {
		o := in.desired.Objects[schema.Address{Kind: "baseImages", Name: name}]
		digest := o.Fields["digests."+schema.JoinPath(Platform)].Str()
		if digest == "" {
			in.stop("caches baseImages."+name+", which is not resolved for "+Platform, "domctl update "+schema.ShellWord(name))
			continue
		}
		image, _, _ := strings.Cut(o.Fields["image"].Str(), "@")
		in.images[name] = image + "@" + digest
	}
	for _, name := range schema.Sorted(c.Environments) {
		for _, n := range c.Environments[name] {
			id, key := in.cachedRevision(schema.Address{Kind: "environments", Name: name}, n)
			if id == "" {
				in.stop(fmt.Sprintf("caches %s of environments.%s, which is not there or not built", strings.ReplaceAll(key, "active", "the active revision"), name), "build it in Domino, or cache another revision")
			}
			in.wants[name+":"+key] = id
		}
	}
}

// cachedRevision is the id of a revision, and how the files name it. The active one
// is that which the files make active, where they say so.
func (in *inputs) cachedRevision(a schema.Address, n int64) (id, key string) {
	number, key := schema.JSON(n), fmt.Sprint(n)
	if n == schema.ActiveRevision {
		key = "active"
		if number = in.desired.Objects[a].Fields["activeRevision"]; number.Is != schema.Known {
			return standing(in.raw[in.refs[a]], "activeRevisionId").Text, key
		}
	}
	revision, built := in.revision(in.refs[a], number)
	if !built {
		return "", key
	}
	return revision.Text, key
}

// named reads what Domino calls the images of the revisions.
func (v *View) named(ctx context.Context, baking map[schema.Address]*inputs) error {
	wanted := map[string]bool{}
	for _, in := range baking {
		for _, id := range in.wants {
			wanted[id] = id != ""
		}
	}
	delete(wanted, "")
	if len(wanted) == 0 {
		return nil
	}
	docs, err := v.world.Outside.Find(ctx, port.Query{Collection: revisionsCollection, Any: map[string][]string{"_id": schema.Sorted(wanted)}, Fields: []string{"metadata.dockerImageName"}})
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, d := range docs {
		raw := rawOf(d)
		if repository, tag := raw.At("metadata.dockerImageName.repository").Str(), raw.At("metadata.dockerImageName.tag").Str(); repository != "" && tag != "" {
			names[d["_id"]] = repository + ":" + tag
		}
	}
	for _, in := range baking {
		for _, p := range schema.Sorted(in.wants) {
			if in.images[p] = names[in.wants[p]]; in.images[p] == "" {
				in.stop("caches revision "+p+", whose document names no image", "look at its build in Domino")
			}
		}
	}
	return nil
}

// digested adds the digests that tags stand for, each image asked for once.
func (v *View) digested(ctx context.Context, baking map[schema.Address]*inputs) error {
	digests, missing := map[string]string{}, map[string]error{}
	var mu sync.Mutex
	var reads []func() error
	for _, in := range baking {
		for _, image := range in.images {
			if _, asked := digests[image]; asked || image == "" || strings.Contains(image, "@") {
				continue
			}
			digests[image] = ""
			reads = append(reads, func() error {
				found, err := v.world.Outside.Digests(ctx, image, []string{Platform})
				mu.Lock()
				defer mu.Unlock()
				digests[image] = found[Platform]
				missing[image] = err
				return ctx.Err()
			})
		}
	}
	if err := sideBySide(reads...); err != nil {
		return fmt.Errorf("amis: %w", err)
	}
	for _, in := range baking {
		for _, p := range schema.Sorted(in.images) {
			image := in.images[p]
			if image == "" || strings.Contains(image, "@") {
				continue
			}
			if err := missing[image]; err != nil && !errors.Is(err, port.ErrNotFound) {
				in.stop(fmt.Sprintf("caches %s, and its registry does not tell the digest: %v", p, err), "plan again once it answers")
			}
			if digests[image] == "" {
				in.stop(fmt.Sprintf("caches %s, and %s has no image of that name for %s (%v)", p, image, Platform, missing[image]), "look at its build in Domino, or cache another revision")
			}
			in.images[p] = image + "@" + digests[image]
		}
	}
	return nil
}
