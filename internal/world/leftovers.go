package world

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Leftover is an object that domctl made for this deployment, as its tags or the
// records say, and that *applied* does not speak of. Goes says that it is proven to be
// so and that nothing refers to it; Why says what keeps it otherwise.
type Leftover struct {
	Object        planner.Ref
	Name, Created string
	Maker
	Goes  bool
	Why   string
	state []planner.Expect // what it must be when it is removed
}

// leftovers gathers them.
type leftovers struct {
	*World
	*claims
	applied   schema.Applied
	instances []port.Instance // all of the account
	own       []port.Image
	volumes   []port.Volume
	snapshots []port.Snapshot
	groups    []port.SecurityGroup
	keys      []port.KeyPair
	out       []Leftover
}

// Leftovers finds what applies of this deployment left behind: nothing of it is in
// *applied*, or lives on by itself. What a stranger could have tagged alike is told
// and does not go: only the records prove who made something.
func (w *World) Leftovers(ctx context.Context, applied schema.Applied) ([]Leftover, error) {
	l := &leftovers{World: w, applied: applied}
	q := port.Select{Filters: map[string][]string{"tag:" + schema.TagDeployment: {w.Deployment.Name}}}
	err := sideBySide(
		func() (err error) { l.claims, err = w.claims(ctx, ""); return err },
		func() (err error) {
			l.own, err = w.Outside.DescribeImages(ctx, port.ImageQuery{Owners: []string{"self"}, Disabled: true})
			return err
		},
		func() (err error) { l.volumes, err = w.Outside.DescribeVolumes(ctx, q); return err },
		func() (err error) { l.snapshots, err = w.Outside.DescribeSnapshots(ctx, q); return err },
		func() (err error) { l.groups, err = w.Outside.DescribeSecurityGroups(ctx, q); return err },
		func() (err error) { l.keys, err = w.Outside.DescribeKeyPairs(ctx, q); return err })
	if err != nil {
		return nil, fmt.Errorf("leftovers: %w", err)
	}
	l.instances = l.uses.instances
	l.ofInstances()
	if err := l.ofImages(ctx); err != nil {
		return nil, fmt.Errorf("leftovers: %w", err)
	}
	if err := l.ofCopies(ctx); err != nil {
		return nil, fmt.Errorf("leftovers: %w", err)
	}
	l.ofTheRest()
	if err := l.ofStarts(ctx); err != nil {
		return nil, fmt.Errorf("leftovers: %w", err)
	}
	slices.SortStableFunc(l.out, func(a, b Leftover) int {
		return cmp.Or(cmp.Compare(order(a.Object), order(b.Object)), cmp.Compare(a.Object, b.Object))
	})
	return l.out, nil
}

// removed are the operations that remove each type of objects, in the order in which
// one refers to the next.
func removed() []struct{ typ, op string } {
	return []struct{ typ, op string }{{"ec2/instance", operation.TerminateInstances}, {"ec2/version", operation.DeleteLaunchTemplateVersion}, {"asg/config", operation.DeleteLaunchConfiguration},
		{"ec2/copy", operation.DeregisterImage}, {"ec2/image", operation.DeregisterImage}, {"ec2/snapshot", operation.DeleteSnapshot}, {"ec2/volume", operation.DeleteVolume},
		{"ec2/securitygroup", ""}, {"ec2/keypair", ""}} // which domctl never makes
}

func order(r planner.Ref) int {
	return slices.IndexFunc(removed(), func(o struct{ typ, op string }) bool { return o.typ == r.Type() })
}

// add judges what is tagged as made by this deployment; keeps is why it stays
// whoever made it.
func (l *leftovers) add(ref planner.Ref, name, created string, tags map[string]string, keeps string) {
	token := tags[schema.TagToken]
	o := Leftover{Object: ref, Name: name, Created: created, state: []planner.Expect{
		{Ref: ref, Path: "tags." + schema.JoinPath(schema.TagDeployment), Value: schema.JSON(l.Deployment.Name)},
		{Ref: ref, Path: "tags." + schema.JoinPath(schema.TagToken), Value: schema.JSON(token)}}}
	by, proven := l.held.Makers[token]
	o.Maker = by
	for _, key := range schema.Sorted(tags) {
		if service := strings.HasPrefix(key, "aws:"); service && keeps == "" {
			keeps = "a service of AWS made it, or has it: it is tagged " + key
		}
	}
	if !proven {
		keeps = "no record of this deployment bears out its tags: whoever made it removes it"
	}
	l.judge(o, keeps)
}

// judge adds an object whose maker is known, or what keeps it.
func (l *leftovers) judge(o Leftover, keeps string) {
	reserved := l.held.Reserved[o.Address]
	switch {
	case keeps != "":
		o.Why = keeps
	case o.Open:
		o.Why = "apply " + o.Apply + ", which made it, has not ended"
	case reserved != "":
		o.Why = fmt.Sprintf("apply %s, which has not ended, reserves %s", reserved, o.Address)
	default:
		o.Goes, o.Why = true, "apply "+o.Apply+" made it and has ended, and nothing refers to it"
	}
	l.out = append(l.out, o)
}

func (l *leftovers) ofInstances() {
	for _, i := range l.instances {
		token, keeps := i.Tags[schema.TagToken], ""
		switch {
		case i.Tags[schema.TagDeployment] != l.Deployment.Name || i.Going():
			continue
		case i.Keeper() != "":
			keeps = i.Keeper() + " has it"
		case !applier.OfRound(i.Token, token): // as the classic template instance, which is started and never launched
			keeps = "it was not launched by the step that its tags name"
		}
		l.add(instanceRef(i.ID), i.Tags["Name"], i.Launched, i.Tags, keeps)
	}
}

// ofImages looks at images that no entry of *applied* has: retain speaks of the others.
func (l *leftovers) ofImages(ctx context.Context) error {
	recorded := map[string]bool{}
	for a, e := range l.applied.Entries {
		recorded[e.ID.Str()] = true
		for _, b := range e.Baked() {
			recorded[b.Image] = recorded[b.Image] || a.Kind == "amis"
		}
	}
	for _, i := range l.own {
		if i.Tags[schema.TagDeployment] != l.Deployment.Name || i.State == deregistered || recorded[i.ID] {
			continue
		}
		reasons, _, err := l.on(ctx, l.World, i.ID)
		if err != nil {
			return err
		}
		by, ami := l.held.Makers[i.Tags[schema.TagToken]], i.Tags[schema.TagAMI]
		switch {
		case i.State == "pending":
			reasons = append(reasons, "it is being made")
		case !schema.BakedAs(i.Name, l.Deployment.Name, ami, by.key, by.began): // as a copy that took the tags along
			reasons = append(reasons, "it is not called as the apply that its tags name calls its images")
		}
		l.add(imageRef(i.ID), i.Name, i.Created, i.Tags, strings.Join(reasons, ", and "))
	}
	return nil
}

// ofTheRest looks at volumes, snapshots, security groups and key pairs.
func (l *leftovers) ofTheRest() {
	imaged := map[string]string{} // images by snapshot
	pending := map[string]bool{}  // tokens of images whose snapshots may not show yet
	for _, i := range l.own {
		for _, v := range i.Volumes {
			imaged[v.Snapshot] = i.ID
		}
		pending[i.Tags[schema.TagToken]] = pending[i.Tags[schema.TagToken]] || i.State == "pending"
	}
	for _, s := range l.snapshots {
		keeps, by := "", l.held.Makers[s.Tags[schema.TagToken]]
		switch {
		case imaged[s.ID] != "": // goes and stays with its image
			continue
		case s.State == "pending" || pending[s.Tags[schema.TagToken]]:
			keeps = "it is being made"
		case !by.took(s):
			keeps = "EC2 does not say that it is of an instance that the step of its tags launched"
		}
		l.add(objectRef("ec2/snapshot", s.ID), s.Description, s.Started, s.Tags, keeps)
	}
	for _, v := range l.volumes {
		keeps, by := "", l.held.Makers[v.Tags[schema.TagToken]]
		switch {
		case v.State != "available":
			keeps = strings.TrimSuffix("it is "+v.State+" by "+v.Instance, " by ")
		case imaged[v.Snapshot] == "" || imaged[v.Snapshot] != by.image:
			keeps = "it is not of an image that the step of its tags launched"
		}
		l.add(objectRef("ec2/volume", v.ID), v.Tags["Name"], v.Created, v.Tags, keeps)
	}
	for _, g := range l.groups {
		l.add(objectRef("ec2/securitygroup", g.ID), g.Name, "", g.Tags, notMade)
	}
	for _, k := range l.keys {
		l.add(objectRef("ec2/keypair", k.ID), k.Name, k.Created, k.Tags, notMade)
	}
}

const notMade = "domctl makes none: somebody copied the tags"

// took says that EC2 made a snapshot for an image of an instance that the step
// launched: nobody can change what it says then (EC2 User Guide, Create an AMI).
func (m Maker) took(s port.Snapshot) bool {
	return slices.ContainsFunc(m.instances, func(id string) bool { return strings.HasPrefix(s.Description, "Created by CreateImage("+id+") for ") })
}

func objectRef(typ, id string) planner.Ref { return planner.Ref(typ + "#" + id) }

// ofStarts looks at launch template versions and launch configurations, which have no
// tags: the records alone say who made one.
func (l *leftovers) ofStarts(ctx context.Context) error {
	var refs []planner.Ref
	for r := range l.held.Made {
		refs = append(refs, r)
	}
	raw, err := l.Read(ctx, refs)
	if err != nil {
		return err
	}
	current := map[planner.Ref]bool{}
	for _, v := range l.uses.current {
		current[versionRef(v.Template, versionText(v.Number).Str())] = true
	}
	for _, r := range refs {
		if raw[r] == nil || current[r] || len(l.uses.starts[r]) > 0 {
			continue
		}
		kept := slices.Compact(slices.Sorted(slices.Values(l.held.Kept[r])))
		o := Leftover{Object: r, Name: raw[r]["description"].Str(), Maker: l.held.Made[r], state: []planner.Expect{{Ref: r, Path: "image", Value: raw[r]["image"]}}}
		l.judge(o, strings.Join(kept, ", and "))
	}
	return nil
}

// Remove are the steps that remove what goes.
func (w *World) Remove(all []Leftover) (steps []planner.Step) {
	var before []string // an instance lets go of what the others remove
	for _, o := range all {
		if !o.Goes {
			continue
		}
		op := removed()[order(o.Object)].op
		s := planner.Step{ID: "gc/" + op + "/" + o.Object.ID(), Address: o.Address, Op: op, Object: o.Object, Guard: planner.Absolute, Window: window,
			Writes: map[string]schema.Value{"": {}}, Expects: o.state, After: slices.Clone(before), Irreversible: "what gc removes cannot be made again"}
		switch o.Object.Type() {
		case "ec2/image", "ec2/copy":
			s.Args = map[string]schema.Value{"retires": schema.JSON(true)}
		case "ec2/instance":
			before = append(before, s.ID)
			s.After = nil
		}
		steps = append(steps, s)
	}
	return steps
}
