package world

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Rebuilt is an environment that a plan has a revision built of, and what an image of it
// is made of, before and after.
type Rebuilt struct {
	Address schema.Address
	// Former is the image of the active revision, as nodes name it; "" where there is
	// none, or, as Why says, none that can be named.
	Former, Why string
	Before      string // Dockerfile instructions of that revision
	First       bool   // there is no revision before
	Known       bool   // whether these, and its base, are known
	After       string
	// Base is the image that the new revision is built on, "" where no name of it is
	// known; BaseStep the step that makes the active revision of the base, where the plan
	// has one.
	Base, BaseStep string
	SameBase       bool
	// Fresh says that no layer of its own can stay cached.
	Fresh bool
}

// Builds are the steps of those given that have revisions of environments built.
func Builds(steps []planner.Step) (out []planner.Step) {
	for _, s := range steps {
		if s.Op == operation.BuildRevision || s.Op == operation.CreateEnvironment && slices.ContainsFunc(schema.Sorted(s.Writes), schema.BuildsRevision) {
			out = append(out, s)
		}
	}
	return out
}

// Rebuilt reads what revisions that are to be built, and those they are built on, are
// called: one call.
func (v *View) Rebuilt(ctx context.Context, builds []planner.Step, steps map[string]planner.Step) ([]Rebuilt, error) {
	out, ids := make([]Rebuilt, len(builds)), map[string]bool{}
	for i, s := range builds {
		out[i] = v.rebuilt(s, steps)
		for _, id := range []string{s.Args["from"].Str(), baseRevision(s, steps)} {
			if id != "" {
				ids[id] = true
			}
		}
	}
	names, err := v.world.revisionImages(ctx, schema.Sorted(ids))
	if err != nil {
		return nil, err
	}
	for i, s := range builds {
		out[i].Former = names[s.Args["from"].Str()]
		if id := baseRevision(s, steps); id != "" {
			out[i].Base = names[id]
		}
	}
	return out, nil
}

// baseRevision is the id of the revision that a new one is built on, if it is there
// already: the active one, or one that an earlier step makes active again.
func baseRevision(s planner.Step, steps map[string]planner.Step) string {
	base := s.Args["base"]
	if step, _, out := planner.SplitOut(base); out {
		base = steps[step].Writes["active"]
	}
	if base.Is == schema.Known {
		return base.Str()
	}
	return ""
}

func (v *View) rebuilt(s planner.Step, steps map[string]planner.Step) Rebuilt {
	r := Rebuilt{Address: s.Address, SameBase: true, Known: true, First: s.Args["from"].Is == schema.Absent}
	live := v.Objects[s.Address].Fields
	text := func(p string) schema.Value {
		if w, stated := s.Writes[p]; stated {
			return w
		}
		return live[p]
	}
	r.Before, r.After = live["dockerfile"].Str(), text("dockerfile").Str()
	for p, w := range s.Writes {
		root, _, _ := strings.Cut(p, ".")
		switch {
		case live[p].Is == schema.Unknown:
			r.Known = false
		case root == "base" && w != live[p] && (w.Is != schema.Absent || live[p].Is != schema.Absent):
			r.SameBase = false
		case root == "variables" && w != live[p]: // they stand above the instructions
			r.Fresh = true
		}
	}
	r.Fresh = r.Fresh || text("skipCache").Bool()
	if step, _, out := planner.SplitOut(s.Args["base"]); out {
		if r.SameBase = false; baseRevision(s, steps) == "" {
			r.BaseStep = step
		}
		return r
	}
	base := live
	for p, w := range s.Writes { // what is stated of the base stands for all of it
		if strings.HasPrefix(p, "base.") && w.Is != schema.Absent {
			base = s.Writes
		}
	}
	r.Base = cmp.Or(base["base.image"].Str(), base["base.uri"].Str())
	return r
}

// revisionImages are what nodes call the images of revisions; one that its document does
// not name is left out.
func (w *World) revisionImages(ctx context.Context, ids []string) (map[string]string, error) {
	out := map[string]string{}
	if len(ids) == 0 {
		return out, nil
	}
	var any []string
	for _, id := range ids {
		any = append(any, forms(id)...)
	}
	docs, err := w.Outside.Find(ctx, port.Query{Collection: revisionsCollection, Any: map[string][]string{"_id": any}, Fields: []string{"metadata.dockerImageName"}})
	if err != nil {
		return nil, fmt.Errorf("images of revisions: %w", err)
	}
	for _, d := range docs {
		raw := rawOf(d)
		repository, tag := raw.At("metadata.dockerImageName.repository").Str(), raw.At("metadata.dockerImageName.tag").Str()
		if repository != "" && tag != "" {
			out[digits(d["_id"])] = repository + ":" + tag
		}
	}
	return out, nil
}
