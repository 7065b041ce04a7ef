package applier

import (
	"fmt"
	"slices"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

type place struct {
	ref  planner.Ref
	path string
}

// moved compares, at a segment's start, every expectation that no step of this
// plan writes, of objects that are there by then; a step's own turn compares the
// rest.
func (r *run) moved(raw map[planner.Ref]planner.Raw) (why []string) {
	steps := make([]planner.Step, len(r.j.plan.Steps))
	writer := map[place]string{} // → the first step that writes it
	for i, s := range r.j.plan.Steps {
		s = r.j.resolve(s)
		steps[i] = s
		for p := range s.Writes {
			if k := (place{s.Object, p}); writer[k] == "" {
				writer[k] = s.ID
			}
		}
	}
	for _, s := range steps {
		if begun, _ := r.j.begun(s.ID); len(begun) > 0 || r.j.done(s.ID) {
			continue
		}
		stands, _ := s.Stands(raw[s.Object], r.World.Same) // as wanted already: there is nothing to write
		for _, e := range s.Expects {
			w := writer[place{e.Ref, e.Path}]
			got, read := raw[e.Ref]
			if w != "" && w != s.ID || e.Value.Is == schema.Out || stands && e.Ref == s.Object || !read {
				continue
			}
			if got := got.At(e.Path); !r.World.Same(e.Value, got) {
				why = append(why, r.movedText(s, e, got))
			}
		}
	}
	slices.Sort(why)
	return slices.Compact(why)
}

// movedText says what to do by it: what moved before anything was begun is planned anew,
// and past what moved later no resume gets, unless it is set back.
func (r *run) movedText(s planner.Step, e planner.Expect, got schema.Value) string {
	next := "plan again"
	if r.j.has(KindBegin, "") {
		next = "if it is right as it stands, domctl apply --supersede " + r.j.id + " abandons this apply, for a plan that goes by it; set back, --resume goes on"
	}
	what := e.Path
	if what == "" {
		what = "the object"
		if got.Is == schema.Absent {
			return fmt.Sprintf("DC304: %s: %s is gone since the plan was made; %s", s.Address, e.Ref, next)
		}
		return fmt.Sprintf("DC304: %s: %s is there by now, the plan saw none; %s", s.Address, e.Ref, next)
	}
	if got = r.World.Shown(e.Ref, e.Path, got); e.Value.Is == schema.Digest || got.Is == schema.Digest {
		return fmt.Sprintf("DC304: %s: %s: %s moved since the plan was made; %s", s.Address, e.Ref, what, next)
	}
	return fmt.Sprintf("DC304: %s: %s: %s moved from %s to %s since the plan was made; %s", s.Address, e.Ref, what, e.Value.Display(), got.Display(), next)
}
