package world

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// retiring is one entry of amis whose older images may go.
type retiring struct {
	*View
	address schema.Address
	object  schema.Object
	retain  schema.Retain
	former  []former // but the one that stands, newest first
}

// retire says of each entry that states retain which of the images that were baked
// for it before go, and why each other stays. Only where one is of an age to go is
// anything beside the images read.
func (v *View) retire(ctx context.Context) error {
	var all []*retiring
	wanted := map[string][]string{} // by region
	for _, a := range schema.Addresses(v.desired.Objects) {
		o := v.desired.Objects[a]
		_, bakes := o.Bake()
		retain, states := o.Retain()
		stands, there := v.Objects[a]
		if a.Kind != "amis" || !bakes || !states || !there {
			continue
		}
		r := &retiring{View: v, address: a, object: o, retain: retain, former: v.formerly(v.applied.Entries[a], stands.ID)}
		for _, f := range r.former {
			wanted[f.region] = append(wanted[f.region], f.Image)
		}
		all = append(all, r)
	}
	regions := schema.Sorted(wanted)
	found, err := each(regions, func(region string) ([]port.Image, error) {
		return v.world.in(region).DescribeImages(ctx, port.ImageQuery{IDs: wanted[region], Owners: []string{"self"}})
	})
	if err != nil || len(wanted) == 0 {
		return wrapped("amis", err)
	}
	due := map[string]bool{}
	for _, r := range all {
		r.found(regions, found)
		for _, f := range r.former {
			due[f.region] = due[f.region] || r.stays(f) == ""
		}
	}
	c := map[string]*claims{}
	for _, region := range regions {
		if c[region] = (&claims{}); due[region] {
			if c[region], err = v.world.from(region).claims(ctx, ""); err != nil {
				return fmt.Errorf("amis: %w", err)
			}
		}
	}
	for _, r := range all {
		if err := r.judge(ctx, c); err != nil {
			return fmt.Errorf("amis: %w", err)
		}
	}
	return nil
}

func wrapped(what string, err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w", what, err)
	}
	return err
}

// found keeps to the former images that are there, newest first, and copies last.
func (r *retiring) found(regions []string, images [][]port.Image) {
	there := map[planner.Ref]port.Image{}
	for n, region := range regions {
		for _, i := range images[n] {
			if i.State != deregistered {
				there[copyRef(region, i.ID)] = i
			}
		}
	}
	r.former = slices.DeleteFunc(r.former, func(f former) bool { return there[copyRef(f.region, f.Image)].ID == "" })
	for n, f := range r.former {
		r.former[n].live = there[copyRef(f.region, f.Image)]
	}
	slices.SortFunc(r.former, func(x, y former) int {
		switch {
		case x.copied() && !y.copied():
			return 1
		case y.copied() && !x.copied():
			return -1
		}
		return strings.Compare(y.At+y.Image, x.At+x.Image)
	})
}

// foreign says why an image is not, or no longer, what was recorded; then nothing is
// done about it. "" when it is.
func (r *retiring) foreign(f former) string {
	self := r.world.Deployment.AWS.Account
	switch {
	case self != "" && f.live.Owner != self:
		return "account " + f.live.Owner + " owns it"
	case f.live.Tags[schema.TagKey] != f.Key || f.live.Tags[schema.TagDeployment] != r.world.Deployment.Name:
		return "its tags are not what was recorded of it"
	case f.live.State != "available":
		return "it is " + f.live.State
	}
	return ""
}

// stays says why an image is not to go by itself, whoever refers to it; "" when it is
// of an age to.
func (r *retiring) stays(f former) string {
	at, err := time.Parse(time.RFC3339, f.At)
	n := 0 // newer ones; copies go and stay as what they are of
	for _, o := range r.former {
		if !o.copied() && o.At+o.of > f.At+f.of {
			n++
		}
	}
	switch {
	case r.foreign(f) != "":
		return r.foreign(f)
	case r.retain.ByCount && n+1 < r.retain.Count: // the one that stands comes before them
		return fmt.Sprintf("it is among the %d newest", r.retain.Count)
	case err != nil:
		return "when it was baked is not recorded"
	case r.retain.ByAge && r.world.Now().Sub(at) < r.retain.Age:
		return "it is younger than " + schema.CanonicalDuration(r.retain.Age)
	}
	return ""
}

// judge fills in what becomes of each image, as fields of the object.
func (r *retiring) judge(ctx context.Context, c map[string]*claims) error {
	stands := r.Objects[r.address]
	again := map[string]bool{stands.ID: true}
	for _, c := range r.applied.Entries[r.address].Copied() {
		again[c.Image] = again[c.Image] || c.Of == stands.ID
	}
	r.object.Fields, stands.Fields = maps.Clone(r.object.Fields), maps.Clone(stands.Fields)
	for p, v := range r.applied.Entries[r.address].Fields {
		switch id, is := schema.RetiredImage(p); {
		case !is:
		case again[id]: // it stands again
			stands.Fields[p] = v
		case !slices.ContainsFunc(r.former, func(f former) bool { return f.Image == id }):
			r.object.Fields[p], stands.Fields[p] = v, v // gone, whoever took it
		}
	}
	kept := map[string]bool{}
	for _, f := range r.former {
		was, known := r.applied.Entries[r.address].Fields[schema.Retired(f.Image)]
		switch foreign := r.foreign(f) != ""; {
		case foreign && known:
			r.object.Fields[schema.Retired(f.Image)], stands.Fields[schema.Retired(f.Image)] = was, was
		case !foreign && f.live.Deprecated != "":
			stands.Fields[schema.Retired(f.Image)] = schema.JSON(schema.Deprecated)
		}
		why := r.stays(f)
		if why == "" && kept[f.of] {
			why = "what it is a copy of stays, " + f.of
		}
		if why == "" {
			reasons, _, err := c[f.region].on(ctx, r.world.from(f.region), f.Image)
			if err != nil {
				return err
			}
			why = strings.Join(reasons, ", and ")
		}
		if why == "" {
			r.goes(f)
		} else {
			kept[f.Image] = true
			r.tell(schema.Info, f, "stays: "+why, "")
		}
	}
	r.Objects[r.address], r.desired.Objects[r.address] = stands, r.object
	r.claims = c[r.world.Deployment.AWS.Region]
	return nil
}

// goes says of an image that nothing refers to what becomes of it: it is deprecated
// first, and deregistered once it has been so for the time of grace.
func (r *retiring) goes(f former) {
	becomes, since := schema.Deprecated, f.live.Deprecated
	end, err := time.Parse(time.RFC3339, since)
	end = end.Add(r.retain.Grace)
	switch {
	case since == "":
		r.tell(schema.Info, f, "goes: nothing refers to it; it is deprecated, and deregistered by an apply "+schema.CanonicalDuration(r.retain.Grace)+" after that", "")
	case err == nil && !r.world.Now().Before(end):
		becomes = schema.Deregistered
		r.tell(schema.Warning, f, "goes for good: nothing refers to it, and it has been deprecated since "+since+"; it is deregistered with its snapshots, which no rollback takes back",
			"to keep it, put it under pin, or state more under retain")
	default:
		r.tell(schema.Info, f, "goes: nothing refers to it, and it is deprecated; an apply from "+end.UTC().Format(time.RFC3339)+" on deregisters it", "")
	}
	r.object.Fields[schema.Retired(f.Image)] = schema.JSON(becomes)
}

func (r *retiring) tell(s schema.Severity, f former, says, hint string) {
	code := "DC266"
	if s == schema.Warning {
		code = "DC278"
	}
	where := ""
	if f.copied() {
		where = ", the copy in " + f.region
	}
	r.Findings = append(r.Findings, schema.Finding{Code: code, Severity: s, Address: r.address, Positions: r.object.Positions("retain"), Hint: hint,
		Message: f.Image + " (" + f.Name + where + ") " + says})
}

// lowerRetired are the steps by which images go, or are no longer deprecated.
func (v *View) lowerRetired(c planner.Change) (steps []planner.Step) {
	for _, d := range c.Fields {
		id, is := schema.RetiredImage(d.Path)
		if !is {
			continue
		}
		f := v.baked(c.Address, id)
		switch d.After.Str() {
		case schema.Deregistered:
			steps = append(steps, v.deregister(c.Address, f)...)
		default:
			s := retireStep(c.Address, f, v.world.Deployment, operation.EnableImageDeprecation)
			s.Writes = map[string]schema.Value{"deprecates": {}}
			was := planner.Expect{Ref: s.Object, Path: "deprecates", Value: schema.JSON(true)}
			if d.After.Str() == schema.Deprecated {
				s.Writes["deprecates"], was.Value = schema.JSON(true), schema.Value{}
			} else {
				s.ID += "/off"
				s.Args, s.Expects = nil, s.Expects[1:2] // whoever has it by now
			}
			s.Expects = append(s.Expects, was)
			steps = append(steps, s)
		}
	}
	return steps
}

// retireStep is a step on an image that must be what was recorded of it: ours.
func retireStep(a schema.Address, f former, d schema.Deployment, op string) planner.Step {
	ref := imageRef(f.Image)
	if f.copied() {
		ref = copyRef(f.region, f.Image)
	}
	s := planner.Step{ID: a.String() + "/" + op + "/" + f.Image, Address: a, Op: op, Object: ref, Guard: planner.Absolute, Window: window,
		Args: map[string]schema.Value{"retires": schema.JSON(true)},
		Expects: []planner.Expect{{Ref: ref, Path: "state", Value: schema.JSON("available")},
			{Ref: ref, Path: "tags." + schema.JoinPath(schema.TagKey), Value: schema.JSON(f.Key)},
			{Ref: ref, Path: "tags." + schema.JoinPath(schema.TagDeployment), Value: schema.JSON(d.Name)}}}
	if d.AWS.Account != "" {
		s.Expects = append(s.Expects, planner.Expect{Ref: ref, Path: "owner", Value: schema.JSON(d.AWS.Account)})
	}
	return s
}

// deregister takes an image away for good, after the copies of launch configurations
// that name it and that no group uses.
func (v *View) deregister(a schema.Address, f former) (steps []planner.Step) {
	s := retireStep(a, f, v.world.Deployment, operation.DeregisterImage)
	s.Writes = map[string]schema.Value{"": {}}
	s.Expects = append(s.Expects, planner.Expect{Ref: s.Object, Path: "deprecates", Value: schema.JSON(true)})
	s.Irreversible = "an image that is deregistered is gone with its snapshots; domctl bakes another from the same files"
	if f.copied() {
		return append(steps, s)
	}
	for _, ref := range v.claims.copies(f.Image) {
		steps = append(steps, planner.Step{ID: a.String() + "/" + operation.DeleteLaunchConfiguration + "/" + ref.ID(), Address: a, Op: operation.DeleteLaunchConfiguration, Object: ref,
			Guard: planner.Absolute, Window: window, Writes: map[string]schema.Value{"": {}},
			Irreversible: "its user data is nowhere but in AWS",
			Expects:      []planner.Expect{{Ref: ref, Path: "image", Value: schema.JSON(f.Image)}}})
		s.After = append(s.After, steps[len(steps)-1].ID)
	}
	return append(steps, s)
}
