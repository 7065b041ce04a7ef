package engine

import (
	"cmp"
	"context"
	"fmt"

	"domctl.dev/internal/lint"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// rebuild says what builds of a plan make again, and which would have more layers than
// there may be. It asks registries for manifests, no longer than a forecast does, and
// never fails a plan: what could not be read is not known, and a finding says why. The
// error is that ctx ended.
func (e *Engine) rebuild(ctx context.Context, view *world.View, d planner.Draft) (map[schema.Address]planner.Build, []schema.Finding, error) {
	within, cancel := context.WithTimeout(ctx, cmp.Or(e.Foretell, foretellWithin))
	defer cancel()
	builds, steps := world.Builds(d.Steps()), map[string]planner.Step{}
	for _, s := range d.Steps() {
		steps[s.ID] = s
	}
	all, err := view.Rebuilt(within, builds, steps)
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		return nil, []schema.Finding{unreckoned(builds[0].Address, err.Error())}, nil
	}
	images := map[string]ImagePull{}
	for _, r := range all {
		images[r.Former], images[r.Base] = ImagePull{Image: r.Former}, ImagePull{Image: r.Base}
	}
	delete(images, "")
	names := schema.Sorted(images)
	read := make([]ImagePull, len(names))
	for i, name := range names {
		read[i] = images[name]
	}
	_ = Images{Outside: e.Outside}.read(within, read) // an image that was not read says so
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	for i, name := range names {
		images[name] = read[i]
	}
	q := reckoning{images: images, steps: steps, made: map[schema.Address]*planner.Content{}, out: map[schema.Address]planner.Build{}, desired: view.Desired(), told: map[schema.Address]bool{}}
	for _, f := range e.Compiled.Findings {
		q.told[f.Address] = q.told[f.Address] || f.Code == "DC704"
	}
	for _, r := range all { // bases come first
		q.one(r)
	}
	return q.out, schema.Police(q.findings, q.desired.Deployment.Findings), nil
}

func unreckoned(a schema.Address, why string) schema.Finding {
	return schema.Finding{Code: "DC727", Severity: schema.Info, Address: a, Message: "what its build brings is not known: " + why, Hint: "the plan is as good without it"}
}

// reckoning goes from bases to what is built on them.
type reckoning struct {
	images   map[string]ImagePull
	steps    map[string]planner.Step
	desired  schema.Desired
	told     map[schema.Address]bool             // that there are too many layers
	made     map[schema.Address]*planner.Content // what images will consist of, as far as it is known
	out      map[schema.Address]planner.Build
	findings []schema.Finding
}

// content of an image; why says what went wrong, "" where no image was named.
func (q *reckoning) content(image string) (c *planner.Content, why string) {
	i, asked := q.images[image]
	if !asked || i.Problem != "" {
		return nil, i.Problem
	}
	return &i.content, ""
}

func (q *reckoning) one(r world.Rebuilt) {
	m := planner.Making{SameBase: r.SameBase && r.Known, First: r.First}
	m.Kept, m.Before, m.Own = lint.Shared(r.Before, r.After)
	if r.Fresh || !r.Known || r.First {
		m.Kept = 0
	}
	var noFormer, noBase string
	m.Former, noFormer = q.content(r.Former)
	if r.BaseStep != "" { // what is not known of that one is told of it
		m.Base = q.made[q.steps[r.BaseStep].Address]
	} else {
		m.Base, noBase = q.content(r.Base)
	}
	b, image := m.Reckon()
	q.out[r.Address], q.made[r.Address] = b, image
	at := q.desired.Objects[r.Address].Positions("dockerfile")
	switch {
	case b.Base == nil && noBase+noFormer == "": // as the deployment's default image, which has no name here
	case b.Base == nil:
		f := unreckoned(r.Address, fmt.Sprintf("how many layers are below the %s of its own: %s", planner.Plural(b.Own, "layer"), cmp.Or(noBase, noFormer)))
		q.findings = append(q.findings, f)
	case *b.Base+b.Own+b.Others > lint.MostLayers && !q.told[r.Address]:
		q.findings = append(q.findings, schema.Finding{Code: "DC704", Severity: schema.Error, Address: r.Address, Positions: at, Hint: "join commands by && in one RUN, or take a base of fewer layers",
			Message: fmt.Sprintf("the image would have %d layers, %d of them of its base: there may be %d", *b.Base+b.Own+b.Others, *b.Base, lint.MostLayers)})
	case b.Pulled == nil && noFormer != "":
		q.findings = append(q.findings, unreckoned(r.Address, noFormer))
	}
}
