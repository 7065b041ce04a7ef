package engine

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// held is what records and files say of images and of what applies made. except is
// an apply that does not count: the one that asks.
func (e *Engine) held(ctx context.Context, except string) (world.Held, error) {
	h := holding{Held: world.Held{Images: map[string][]string{}, Named: map[string][]string{}, Made: map[planner.Ref]world.Maker{}, Kept: map[planner.Ref][]string{},
		Makers: map[string]world.Maker{}, Reserved: map[schema.Address]string{}, Regions: map[string]bool{}}}
	if e.Beside != nil {
		files, err := e.Beside(ctx)
		if err != nil {
			return h.Held, fmt.Errorf("files beside %s: %w", e.world.Deployment.Name, err)
		}
		for _, name := range schema.Sorted(files) {
			h.named(string(files[name]), name+" names it")
		}
	}
	for _, a := range schema.Addresses(e.Compiled.Desired.Objects) {
		for p, v := range e.Compiled.Desired.Objects[a].Fields {
			h.named(v.Text, "the files name it: "+a.String()+" "+p)
		}
	}
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return h.Held, err
	}
	for _, a := range schema.Addresses(applied.Entries) {
		h.entry(applied.Entries[a], "the records have it on "+a.String())
	}
	history, err := e.History(ctx, HistoryOptions{})
	if err != nil {
		return h.Held, err
	}
	h.applies(history, except)
	for _, reasons := range h.Images {
		slices.Sort(reasons)
	}
	return h.Held, nil
}

// holding gathers what holds what.
type holding struct{ world.Held }

var anImage = regexp.MustCompile(`\bami-[0-9a-f]{8,17}\b`)

// text holds each image that a text names.
func (h holding) text(s, says string) {
	for _, id := range anImage.FindAllString(s, -1) {
		if !slices.Contains(h.Images[id], says) {
			h.Images[id] = append(h.Images[id], says)
		}
	}
}

// named holds each image that a text of the files names.
func (h holding) named(s, says string) {
	h.text(s, says)
	for _, id := range anImage.FindAllString(s, -1) {
		if !slices.Contains(h.Named[id], says) {
			h.Named[id] = append(h.Named[id], says)
		}
	}
}

// entry holds the images that an entry of *applied* stands for or has pinned, and their
// copies; those that it had baked before, and theirs, are what may go.
func (h holding) entry(e schema.Entry, says string) {
	h.text(e.ID.Text, says)
	for _, c := range e.Copied() {
		if c.Of == e.ID.Str() {
			h.text(c.Image, says)
		}
	}
	for p, v := range e.Fields {
		if schema.IsBakedBefore(p) || schema.IsCopiedBefore(p) || schema.IsRetired(p) {
			continue
		}
		h.text(p+" "+v.Text, says)
	}
}

// applies holds what those that have not ended speak of, and what a rollback of the
// last that set an address would put back.
func (h holding) applies(history []Past, except string) {
	set := map[schema.Address]bool{}
	for _, p := range history {
		if p.Plan == nil || p.ID == except {
			continue
		}
		h.made(p)
		if p.open() {
			for _, a := range p.Plan.Addresses() {
				h.Reserved[a] = p.ID
			}
			h.apply(p, "apply "+p.ID+", which has not ended, speaks of it", func(schema.Address) bool { return true })
			continue
		}
		if !p.RestorePoint() {
			continue
		}
		h.apply(p, "a rollback of apply "+p.ID+" would put it back", func(a schema.Address) bool { return slices.Contains(p.Left, a) && !set[a] })
		for _, a := range p.Left {
			set[a] = true
		}
	}
}

// apply holds what an apply found at some addresses, and one that has not ended also
// what it writes, save where it is about the retirement itself.
func (h holding) apply(p Past, says string, of func(schema.Address) bool) {
	objects := map[planner.Ref]bool{}
	for _, s := range manual(p.Summary) {
		if !of(s.Step.Address) || retires(s.Step) {
			continue
		}
		objects[s.Step.Object] = true
		h.text(schema.JSON(s.Step.Expects).Text, says)
		h.keep(s.Step, says)
		if p.open() {
			h.text(schema.JSON([]any{s.Step.Object, s.Step.Args, s.Step.Writes}).Text, says)
			h.started(s.Step.Object, s.Step.Writes, says)
		}
	}
	for _, r := range p.Records {
		for ref, raw := range r.Pre {
			if objects[ref] && ref.Type() != "ec2/image" {
				h.text(schema.JSON(raw).Text, says)
				h.started(ref, raw, says)
			}
		}
		for a, was := range r.Former {
			if was != nil && of(a) {
				h.entry(*was, says)
			}
		}
		if r.Step != "" && p.open() {
			h.text(schema.JSON(r.Outputs).Text, says)
		}
	}
}

// retires says of a step that it takes an image away, or says when one goes.
func retires(s planner.Step) bool {
	return s.Op == operation.EnableImageDeprecation || s.Op == operation.DeregisterImage
}

// keep holds the launch template versions and configurations that a step rests on.
func (h holding) keep(s planner.Step, says string) {
	for _, x := range s.Expects {
		if t := x.Ref.Type(); t == "ec2/version" || t == "asg/config" {
			h.Kept[x.Ref] = append(h.Kept[x.Ref], says)
		}
	}
}

// open says that the apply has not ended.
func (p Past) open() bool {
	return p.Outcome != applier.EndedOutcome && p.Outcome != applier.RefusedOutcome
}

// started holds what a template or a group was set to start nodes from.
func (h holding) started(ref planner.Ref, raw planner.Raw, says string) {
	add := func(r planner.Ref) { h.Kept[r] = append(h.Kept[r], says) }
	switch ref.Type() {
	case "ec2/template":
		add(planner.Ref("ec2/version#" + ref.ID() + "/" + raw["default"].Str()))
	case "asg/group", "eks/nodegroup":
		if name := raw["launchConfiguration"].Str(); name != "" {
			add(planner.Ref("asg/config#" + name))
		}
		if n := raw["version"].Str(); n != "" {
			add(planner.Ref("ec2/version#" + raw["template"].Str() + "/" + n))
		}
	}
}

// made are the versions and configurations that an apply made, by its own begin, and
// the tokens that whatever else it made is tagged with.
func (h holding) made(p Past) {
	begun, outputs, instances := map[string]bool{}, map[string]map[string]schema.Value{}, map[string][]string{}
	for _, r := range p.Records {
		switch r.Kind {
		case applier.KindBegin:
			begun[r.Step] = true
			if words := strings.Fields(r.Mark); len(words) > 1 && strings.HasPrefix(words[1], "i-") { // what follows may be anybody's words
				instances[r.Step] = append(instances[r.Step], words[1])
			}
		case applier.KindDone:
			outputs[r.Step] = r.Outputs
		}
	}
	for _, s := range p.Plan.Steps {
		s = filled(s, outputs)
		by := world.MakerOf(p.ID, p.At, p.open(), s, instances[s.ID])
		h.Makers[p.Token(s.ID)] = by
		if begun[s.ID] {
			h.Began(s, outputs[s.ID], by)
		}
	}
}
