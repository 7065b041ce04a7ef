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

// borrowedRef is an instance that is not domctl's, apart from those that may be
// terminated.
func borrowedRef(id string) planner.Ref { return planner.Ref("ec2/borrowed#" + id) }

// readBorrowed reads what an image of an instance rests on, and never changes.
func (w *World) readBorrowed(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	out := map[planner.Ref]planner.Raw{}
	if len(ids) == 0 {
		return out, nil // the port takes none for all
	}
	found, err := w.Outside.DescribeInstances(ctx, port.Select{IDs: ids})
	for _, i := range alive(found) {
		out[borrowedRef(i.ID)] = planner.Raw{"image": schema.JSON(i.Image)}
	}
	return out, err
}

func alive(found []port.Instance) []port.Instance {
	return slices.DeleteFunc(found, port.Instance.Going)
}

// borrowable are the instances that entries bake from, by what the files say: of
// several that fit all, of none those whose name is like it.
func (v *View) borrowable(ctx context.Context, baking map[schema.Address]*inputs) error {
	var reads []func() error
	found := map[string]*candidates{}
	for _, in := range baking {
		said := in.bake.From.Instance
		if found[said] == nil && said != "" {
			c := &candidates{}
			found[said] = c
			reads = append(reads, func() error { return c.read(ctx, v.world, said) })
		}
		in.candidates = found[said]
	}
	if err := sideBySide(reads...); err != nil {
		return fmt.Errorf("amis: instances: %w", err)
	}
	return nil
}

type candidates struct{ fit, alike []port.Instance }

func (c *candidates) read(ctx context.Context, w *World, said string) error {
	ask := func(q port.Select) ([]port.Instance, error) {
		found, err := w.Outside.DescribeInstances(ctx, q)
		found = alive(found)
		slices.SortFunc(found, func(a, b port.Instance) int { return cmp.Compare(a.ID, b.ID) })
		return found, err
	}
	named := func(name string) port.Select { return port.Select{Filters: map[string][]string{"tag:Name": {name}}} }
	q := named(said)
	if isInstanceID(said) {
		q = port.Select{IDs: []string{said}}
	}
	var err error
	if c.fit, err = ask(q); err == nil && len(c.fit) == 0 && q.IDs == nil {
		c.alike, err = ask(named("*" + strings.Trim(said, "*") + "*"))
	}
	return err
}

func isInstanceID(s string) bool {
	hex, is := strings.CutPrefix(s, "i-")
	return is && len(hex) >= 8 && strings.Trim(hex, "0123456789abcdef") == ""
}

// told lists instances for a person who is to choose.
func told(found []port.Instance) string {
	var each []string
	for _, i := range found {
		each = append(each, fmt.Sprintf("%s (%s, %s, launched %s)", i.ID, i.Tags["Name"], i.State, i.Launched))
	}
	return strings.Join(each, ", ")
}

// fromInstance is the root of the image that the instance was launched from. What
// people did on its disk since is not known to a plan.
func (in *inputs) fromInstance() string {
	said, c := in.bake.From.Instance, in.candidates
	switch {
	case len(c.fit) > 1:
		in.stop(fmt.Sprintf("starts from instance %q, and %d have that name: %s", said, len(c.fit), told(c.fit)), "state the id of the one that is meant")
		return ""
	case len(c.fit) == 0 && len(c.alike) > 0:
		in.stop(fmt.Sprintf("starts from instance %q, and none has that name; alike are %s", said, told(c.alike)), "state the id of the one that is meant")
		return ""
	case len(c.fit) == 0:
		in.stop(fmt.Sprintf("starts from instance %q, and none is there", said), "look at its Name tag, the region and the account")
		return ""
	}
	i := c.fit[0]
	if loan, lent := schema.LoanOf(i.Tags); lent {
		in.stop(fmt.Sprintf("starts from instance %s, which apply %s works on since %s", i.ID, cmp.Or(loan.Apply, "(not known)"), cmp.Or(loan.Since, "(not known)")),
			"end that apply: domctl apply --resume or domctl rollback; if there is none, see that nobody uses the instance and remove its tag "+schema.TagBorrowed)
	}
	if keeper := i.Keeper(); keeper != "" {
		in.stop(fmt.Sprintf("starts from instance %s, and %s has it, which replaces one that is stopped", i.ID, keeper), "state an instance that nothing replaces")
	}
	if i.State != "stopped" && i.State != "running" {
		in.stop(fmt.Sprintf("starts from instance %s, which is %s", i.ID, i.State), "wait until it is stopped or running, and plan again")
	}
	if v := in.bake.Volume; v.Size != "" || v.Type != "" {
		in.stop("states volume, and instance "+i.ID+" has its volumes already", "change its volume by hand, and leave volume out")
	}
	in.borrowed[in.address] = i
	return in.root(i.Image)
}

// undeclared are the images that former bakes of an entry put on its instance and
// that it caches no more.
func (v *View) undeclared(a schema.Address, content map[string]schema.Value) (images []string) {
	for p, was := range contentOf(v.applied.Entries[a].Fields) {
		if strings.HasPrefix(p, "content.images.") && !slices.Contains(slices.Collect(maps.Values(content)), was) {
			images = append(images, was.Str())
		}
	}
	slices.Sort(images)
	return slices.Compact(images)
}

// unchanged says that an image of this content was recorded, so that nothing is to
// be baked.
func (in *inputs) unchanged(content map[string]schema.Value) bool {
	was, baked := in.applied.Entries[in.address]
	return baked && contentKey(content) == contentKey(was.Fields)
}

// enters stops where the key that logs in over SSH is not to be had: it is asked for
// only once an instance runs.
func (in *inputs) enters(ctx context.Context, content map[string]schema.Value) {
	s := in.bake.Connect.SSH
	if s == nil || in.world.SSH == nil || in.problem != nil || in.unchanged(content) {
		return
	}
	if s.KeyRef() == "" {
		in.stop("reaches its instances over SSH and states no key", `state a reference: bake: connect: ssh: key: secret: env: "…"`)
	} else if _, err := in.world.SSH(ctx, *s); err != nil {
		in.stop("reaches its instances over SSH, and "+err.Error(), "set what the reference names, where domctl runs: a private key in PEM or OpenSSH's form")
	}
}

// lend says what will become of an instance that is to be baked.
func (in *inputs) lend(content map[string]schema.Value) {
	i, borrows := in.borrowed[in.address]
	if !borrows || in.problem != nil || in.unchanged(content) {
		return
	}
	find := func(severity schema.Severity, message, hint string) {
		in.Findings = append(in.Findings, schema.Finding{Code: "DC274", Severity: severity, Address: in.address, Message: message, Hint: hint, Positions: in.object.Positions("bake")})
	}
	if i.State == "running" {
		find(schema.Warning, fmt.Sprintf("instance %s runs: it is stopped while the image is made, and started again", i.ID), "see that nobody works on it")
	}
	if images := in.undeclared(in.address, content); len(images) > 0 {
		find(schema.Info, fmt.Sprintf("no longer declared, and removed from instance %s: %s", i.ID, strings.Join(images, ", ")), "")
	}
}

// borrow makes of a step that launches an instance one that works on a person's:
// what is verified is launched as that one was, where the files do not say.
func (v *View) borrow(made *planner.Step, b schema.Bake, removed []string) {
	i := v.borrowed[made.Address]
	made.Op, made.ID = operation.BakeTemplate, strings.Replace(made.ID, "/"+operation.BakeImage+"/", "/"+operation.BakeTemplate+"/", 1)
	made.Object = borrowedRef(i.ID) // of two steps on one instance, one comes after the other
	made.Expects = []planner.Expect{{Ref: borrowedRef(i.ID), Path: "image", Value: schema.JSON(i.Image)}}
	b.Instance.Type = cmp.Or(b.Instance.Type, i.Type)
	b.Instance.Subnet = cmp.Or(b.Instance.Subnet, i.Subnet)
	b.Instance.Profile = cmp.Or(b.Instance.Profile, i.Profile)
	b.Instance.KeyPair = cmp.Or(b.Instance.KeyPair, i.Key)
	if len(b.Instance.SecurityGroups) == 0 {
		b.Instance.SecurityGroups = i.Groups
	}
	made.Args["bake"], made.Args["instance"], made.Args["power"], made.Args["remove"] = schema.JSON(b), schema.JSON(i.ID), schema.JSON(i.State), schema.JSON(removed)
	delete(made.Args, "rootDevice")
}
