package engine

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// A plan that bakes foretells what new nodes pull, of what ran within this time,
// and waits for registries no longer than that.
const (
	foretoldWindow = planner.ForetoldDays * 24 * time.Hour
	foretellWithin = 20 * time.Second
)

// foretell says what new nodes pull before and after each baked image. It never
// fails a plan: what could not be read is unknown, and a finding says why. The
// error is that ctx ended.
func (e *Engine) foretell(ctx context.Context, view *world.View, baked []schema.Address) ([]planner.Foretold, []schema.Finding, error) {
	within, cancel := context.WithTimeout(ctx, cmp.Or(e.Foretell, foretellWithin))
	defer cancel()
	r := Images{Outside: e.Outside, Now: e.Clock.Now, Weights: "runs", Window: foretoldWindow}
	used, err := e.world.Images(within, view.Desired(), view.Applied(), r.Now().Add(-r.Window))
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		return nil, []schema.Finding{unforetold(baked[0], err.Error())}, nil
	}
	var out []planner.Foretold
	held := map[string]world.Holding{}
	for _, a := range baked {
		held[a.String()] = view.Planned(a)
		starts := view.Starts(a)
		if len(starts) == 0 {
			out = append(out, planner.Foretold{AMI: a, Users: []schema.Address{}})
		}
		for _, today := range schema.Sorted(starts) {
			if h, known := view.Holds(today); known {
				held[today] = h
			}
			out = append(out, planner.Foretold{AMI: a, Users: starts[today], Today: today})
		}
	}
	read, err := r.readAll(within, ctx, used, held)
	if err != nil {
		return nil, nil, err
	}
	for i := range out {
		out[i].Pulls = read.pulls(out[i], held)
	}
	cached := Forecast{Images: read.used}
	for _, a := range baked {
		cached.holding(a, view.Desired().Objects[a])
	}
	if f := read.unread(baked[0]); f != nil {
		cached.Findings = append(cached.Findings, *f)
	}
	return out, schema.Police(cached.Findings, e.Compiled.Desired.Deployment.Findings), nil
}

func unforetold(a schema.Address, why string) schema.Finding {
	return schema.Finding{Code: "DC267", Severity: schema.Warning, Address: a, Message: "what new nodes will pull is not known: " + why,
		Hint: "domctl images asks again, and waits longer; the plan is as good without it"}
}

// layered are images in use, and those that AMIs hold, with what they consist of.
type layered struct {
	used  []ImagePull
	holds map[string]ImagePull // by the name that nodes have for it
}

// readAll asks for the layers of everything once. Only the end of ctx is an error.
func (r Images) readAll(within, ctx context.Context, used []world.UsedImage, held map[string]world.Holding) (l layered, err error) {
	var all []ImagePull
	for _, u := range used {
		all = append(all, r.image(u))
	}
	at := map[string]int{}
	for _, ami := range schema.Sorted(held) {
		for _, image := range held[ami].Images {
			if _, asked := at[image]; !asked {
				at[image] = len(all)
				all = append(all, ImagePull{Name: image, Image: image})
			}
		}
	}
	_ = r.read(within, all) // an image that was not read says so
	if ctx.Err() != nil {
		return l, ctx.Err()
	}
	contents := make([]planner.Content, len(all))
	for i := range all {
		contents[i] = all[i].content
	}
	planner.Settle(contents)
	l = layered{all[:len(used)], map[string]ImagePull{}}
	for image, i := range at {
		l.holds[image] = all[i]
	}
	return l, nil
}

// disk is what a node holds that starts from an image; nil when some of it is not
// known.
func (l layered) disk(h world.Holding, known bool) *planner.Disk {
	if !known {
		return nil
	}
	d := planner.NewDisk(planner.Engine(h.Runtime))
	for _, image := range h.Images {
		i := l.holds[image]
		if i.Problem != "" {
			return nil
		}
		d.Pull(i.content)
	}
	return d
}

func (l layered) pulls(f planner.Foretold, held map[string]world.Holding) []planner.Pull {
	planned := held[f.AMI.String()]
	present, known := held[f.Today]
	today, then, none := l.disk(present, known), l.disk(planned, true), planner.NewDisk(planner.Engine(planned.Runtime))
	out := []planner.Pull{}
	for _, i := range l.used {
		p := planner.Pull{Image: i.Title(), Runs: i.Runs}
		if i.Problem == "" {
			p.Empty, p.Today, p.Planned = pulls(none, i.content), pulls(today, i.content), pulls(then, i.content)
		}
		out = append(out, p)
	}
	return out
}

// unread says how much is not known, and why the first of it.
func (l layered) unread(a schema.Address) *schema.Finding {
	n, first := 0, ""
	count := func(i ImagePull) {
		if i.Problem == "" {
			return
		}
		if n++; first == "" {
			first = i.Title() + ": " + i.Problem
		}
	}
	for _, i := range l.used {
		count(i)
	}
	for _, image := range schema.Sorted(l.holds) {
		count(l.holds[image])
	}
	if n == 0 {
		return nil
	}
	f := unforetold(a, fmt.Sprintf("of %d of %d images nobody told the layers, first of %s", n, len(l.used)+len(l.holds), first))
	return &f
}
