package world

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// verdict on an image, by its tag; Absent for one that was never verified.
func verdict(image planner.Raw) schema.Value {
	return image["tags."+schema.JoinPath(schema.TagVerified)]
}

// probes are the images that a container must start from on a fresh instance, in
// the order in which the files name them; not stated, the first that is cached.
func (in *inputs) probes() (images []string) {
	if in.bake.Verify.Probe == nil {
		if first := in.first(); first != "" {
			images = []string{in.images[first]}
		}
		return images
	}
	for _, name := range *in.bake.Verify.Probe {
		paths := in.cached(name)
		if len(paths) == 0 {
			in.stop(fmt.Sprintf("probes %s, which it does not cache", name), schema.DidYouMean(name, slices.Concat(in.object.Cache().BaseImages, schema.Sorted(in.object.Cache().Environments))))
		}
		for _, p := range paths {
			images = append(images, in.images[p])
		}
	}
	return images
}

// first is the path of what is cached first: a base image as listed, or else an
// environment by its name.
func (in *inputs) first() string {
	if names := in.object.Cache().BaseImages; len(names) > 0 {
		return names[0]
	}
	if paths := schema.Sorted(in.images); len(paths) > 0 {
		return paths[0]
	}
	return ""
}

// cached are the paths below content.images that a name means: of a base image, or
// of all that is cached of an environment.
func (in *inputs) cached(name string) (paths []string) {
	for _, p := range schema.Sorted(in.images) {
		if p == name || strings.HasPrefix(p, name+":") {
			paths = append(paths, p)
		}
	}
	return paths
}

// unseen stops at what would only fail once instances run: nobody is let in, or
// there is nothing to run nvidia-smi in.
func (in *inputs) unseen() {
	c := in.object.Cache()
	switch b := in.bake; {
	case b.GPU != nil && len(c.BaseImages)+len(c.Environments) == 0:
		in.stop("states gpu and caches no image, so that nothing can show that a container sees the GPU", "cache one: bake: cache: baseImages")
	case b.Connect.SSH != nil && b.Instance.KeyPair == "" && in.borrowed[in.address].Key == "":
		in.stop("reaches its instances over SSH and names no key pair, so that they let nobody in", "state the EC2 key pair of connect.ssh.key: bake: instance: keyPair")
	}
}

// keyPair is the EC2 key pair of the instances that are launched: the stated one, or
// that of the instance that is baked.
func (in *inputs) keyPair() string {
	return cmp.Or(in.bake.Instance.KeyPair, in.borrowed[in.address].Key)
}

// keyed stops at key pairs that are not there: one call for all of them.
func (v *View) keyed(ctx context.Context, baking map[schema.Address]*inputs) error {
	asked := map[string]bool{}
	for _, in := range baking {
		if name := in.keyPair(); name != "" {
			asked[name] = true
		}
	}
	if len(asked) == 0 {
		return nil
	}
	found, err := v.world.Outside.DescribeKeyPairs(ctx, port.Select{Filters: map[string][]string{"key-name": schema.Sorted(asked)}})
	if err != nil {
		return err
	}
	for _, k := range found {
		delete(asked, k.Name)
	}
	for _, in := range baking {
		if name := in.keyPair(); asked[name] {
			in.stop(fmt.Sprintf("names key pair %s, which is not in this account and region", name), "import it into EC2, or name another: bake: instance: keyPair")
		}
	}
	return nil
}

// lowerVerify verifies an image that a step makes, on a fresh instance of it.
func (v *View) lowerVerify(made planner.Step) planner.Step {
	image := planner.OutRef("ec2/image", "", made.ID, "id")
	verified := planner.Step{ID: strings.Replace(made.ID, "/"+made.Op+"/", "/"+operation.BakeVerify+"/", 1), Address: made.Address, Op: operation.BakeVerify, Object: image,
		Guard: planner.Token, Window: window, Args: maps.Clone(made.Args)}
	verified.Args["image"] = planner.OutOf(made.ID, "id")
	verified.Args["probe"] = schema.JSON(slices.Clip(v.probed[made.Address]))
	return verified
}
