package planner

import (
	"maps"
	"slices"
	"time"

	"domctl.dev/schema"
)

// Done is one step that ran: what its object held before, what it wrote (outputs
// and references resolved), and what it gave.
type Done struct {
	Step    Step
	Pre     Raw
	Outputs map[string]schema.Value
}

// Snapshot is the applier's view of one settled apply: no step of it is begun
// and undecided.
type Snapshot struct {
	Apply, Deployment string
	World             World
	Open              bool   // it has not ended: it reserves its addresses
	Done              []Done // in the order they were done
	// Former is what *applied* held of each address before; nil: nothing.
	Former  map[schema.Address]*schema.Entry
	Content map[schema.Address]string
	// Digests are the keyed digests of what secret references in Done resolve to.
	Digests map[string]schema.Value
	At      time.Time // of its last record
}

// Past is one read made for a snapshot: what stands, and how to take back steps
// that made or deleted an object. It is pure.
type Past interface {
	Raw(Ref) Raw
	Undo(Done) ([]Step, error)
	// Same compares with keyed digests, as the applier does.
	Same(want, got schema.Value) bool
}

// Restore plans the way back from one apply, last step first, on the written
// paths only. What changed since is a conflict by name, and forbids the apply.
func Restore(s Snapshot, past Past, source Source, id string) (Plan, error) {
	r := restorer{past: past, digests: s.Digests, undo: map[string][]string{}, at: map[Ref]Raw{}, change: map[schema.Address]*Change{}}
	r.plan = Plan{Format: Format, Deployment: s.Deployment, World: s.World, Source: source, Restores: s.Apply,
		Changes: []Change{}, Drift: []Change{}, Steps: []Step{}, Findings: []schema.Finding{},
		Settle: map[schema.Address]*schema.Entry{}, Content: map[schema.Address]string{}, Latch: maps.Clone(s.Content)}
	maps.Copy(r.plan.Settle, s.Former)
	stands := map[string]bool{} // steps back that someone took already
	for i, d := range slices.Backward(s.Done) {
		back, err := r.reverse(d, s.Done[i+1:])
		if err != nil {
			return Plan{}, err
		}
		for _, step := range back {
			if r.judge(step) {
				r.plan.Steps = append(r.plan.Steps, step)
			} else {
				stands[step.ID] = true
			}
		}
	}
	for _, a := range schema.Addresses(r.change) {
		r.plan.Changes = append(r.plan.Changes, *r.change[a])
	}
	for i := range r.plan.Steps {
		r.plan.Steps[i].After = slices.DeleteFunc(r.plan.Steps[i].After, func(id string) bool { return stands[id] })
	}
	if err := link(r.plan.Steps); err != nil {
		return Plan{}, err
	}
	r.plan.finish(id)
	return r.plan, nil
}

type restorer struct {
	past    Past
	plan    Plan
	digests map[string]schema.Value
	undo    map[string][]string // step → the steps that take it back
	at      map[Ref]Raw         // what will stand when a step has its turn
	change  map[schema.Address]*Change
}

// reverse takes one step back, after those that built on it.
func (r *restorer) reverse(d Done, later []Done) ([]Step, error) {
	back := []Step{unwrite(d)}
	if _, whole := d.Step.Writes[""]; whole || d.Step.Creates != "" {
		var err error
		if back, err = r.past.Undo(d); err != nil {
			return nil, err
		}
	}
	for _, l := range later {
		if len(back) > 0 && slices.Contains(l.Step.After, d.Step.ID) {
			back[0].After = append(back[0].After, r.undo[l.Step.ID]...)
		}
	}
	for _, b := range back {
		r.undo[d.Step.ID] = append(r.undo[d.Step.ID], b.ID)
	}
	return back, nil
}

// judge compares a step with what will stand at its turn: done already, as
// expected, or changed by someone else. It answers whether there is anything to
// do.
func (r *restorer) judge(s Step) bool {
	at, seen := r.at[s.Object]
	if !seen {
		at = r.past.Raw(s.Object)
	}
	masked := s
	masked.Writes = r.masked(s.Writes)
	done, before := masked.Stands(at, r.past.Same)
	r.at[s.Object] = at.With(masked.Writes)
	if done {
		r.plan.standing = r.plan.standing || s.Guard != Conditional
		return false
	}
	if !before {
		r.conflict(s, at)
	}
	c := r.change[s.Address]
	if c == nil {
		c = &Change{Address: s.Address, Action: ActionRestore, Reason: "rollback of " + r.plan.Restores}
		r.change[s.Address] = c
	}
	for _, p := range schema.Sorted(s.Writes) {
		c.Fields = append(c.Fields, Diff{string(s.Object) + " " + p, s.shown(p, at.At(p)), s.Writes[p]})
	}
	return true
}

// masked has digests where secrets are known by one.
func (r *restorer) masked(writes map[string]schema.Value) map[string]schema.Value {
	out := maps.Clone(writes)
	for p, v := range out {
		if digest, ok := r.digests[v.Text]; ok && v.Is == schema.Secret {
			out[p] = digest
		}
	}
	return out
}

// shown is a live value of the step's object as a plan may hold it.
func (s Step) shown(p string, live schema.Value) schema.Value {
	secret := s.Writes[p].Is == schema.Secret
	for _, e := range s.Expects {
		secret = secret || e.Ref == s.Object && e.Path == p && e.Value.Is == schema.Digest
	}
	if secret && live.Is == schema.Known {
		return schema.Value{Is: schema.Digest}
	}
	return live
}

func (r *restorer) conflict(s Step, at Raw) {
	for _, e := range s.Expects {
		if got := at.At(e.Path); e.Ref == s.Object && !r.past.Same(e.Value, got) {
			r.plan.Findings = append(r.plan.Findings, schema.Finding{Code: "DC420", Severity: schema.Error, Address: s.Address,
				Message: "changed since the apply: " + string(s.Object) + " " + e.Path + " was set to " + e.Value.Display() + " and is " + s.shown(e.Path, got).Display(),
				Hint:    "set it back by hand, or leave this address out: domctl rollback --exclude " + s.Address.String()})
		}
	}
}

// unwrite is the inverse of a write: what stood before, expecting what was
// written.
func unwrite(d Done) Step {
	s := d.Step
	s.ID, s.After, s.Gates, s.Expects, s.Writes = "undo/"+s.ID, nil, nil, nil, map[string]schema.Value{}
	for _, path := range schema.Sorted(d.Step.Writes) {
		s.Writes[path] = d.Pre.At(path)
		s.Expects = append(s.Expects, Expect{s.Object, path, d.Step.Writes[path]})
	}
	return s
}
