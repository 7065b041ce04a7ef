package planner

import (
	"maps"
	"slices"
	"strings"
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
	Lineage           string // of the state store
	World             World
	Open              bool   // it has not ended: it reserves its addresses
	Done              []Done // in the order they were done
	// Rest are the steps of what the apply touched that it did not do, or found done.
	Rest    []Step
	Applied schema.Applied // as it stands
	// Later names, by address, the last apply that set it after this one and that
	// was not taken back.
	Later map[schema.Address]string
	// Former is what *applied* held of each address before; nil: nothing.
	Former map[schema.Address]*schema.Entry
	// Latch is the content that the apply set, and what was held back before it.
	Latch map[schema.Address]string
	// Digests are the keyed digests of what secret references in Done resolve to.
	Digests map[string]schema.Value
	At      time.Time // of its last record
}

// Addresses are all that the apply spoke of, in order.
func (s Snapshot) Addresses() []schema.Address {
	all := map[schema.Address]bool{}
	for a := range s.Former {
		all[a] = true
	}
	for a := range s.Latch {
		all[a] = true
	}
	return schema.Addresses(all)
}

// Only keeps a snapshot to some addresses.
func (s Snapshot) Only(choose func(schema.Address) bool) Snapshot {
	not := func(a schema.Address) bool { return !choose(a) }
	s.Done = slices.DeleteFunc(slices.Clone(s.Done), func(d Done) bool { return not(d.Step.Address) })
	s.Rest = slices.DeleteFunc(slices.Clone(s.Rest), func(left Step) bool { return not(left.Address) })
	s.Former, s.Latch = maps.Clone(s.Former), maps.Clone(s.Latch)
	maps.DeleteFunc(s.Former, func(a schema.Address, _ *schema.Entry) bool { return not(a) })
	maps.DeleteFunc(s.Latch, func(a schema.Address, _ string) bool { return not(a) })
	return s
}

// Use is one reference to an object: Object holds Value at Path as long as it
// uses it. Says is who that is, with a verb: "group a names it".
type Use struct {
	Object Ref // "" where no step of a rollback could let go of it
	Path   string
	Value  schema.Value
	Says   string
}

// Past is one read made for a snapshot: what stands, and how to take back steps
// that made or deleted an object. It is pure.
type Past interface {
	Raw(Ref) Raw
	Undo(Done) ([]Step, error)
	// Again is what is done once more, after what a step followed from is taken back: nodes
	// are replaced by those of the image that is the group's again. Of a step that was not
	// done, only what stands by what is taken back.
	Again(s Step, done bool) []Step
	// Loose are the paths that others set all the time and that may stay as they stand.
	Loose(back Step, at Raw) []string
	// Uses are the references to an object that an apply made.
	Uses(Ref) []Use
	// Keep is Undo of a step whose object is in use: what is done instead of
	// deleting it, and what that comes to ("it stays", "it is archived").
	Keep(Done) (steps []Step, instead string)
	// Same compares with keyed digests, as the applier does.
	Same(want, got schema.Value) bool
	// Shown is a value that stands as a plan may hold it: the digest of one that may
	// be a secret.
	Shown(ref Ref, path string, stands schema.Value) schema.Value
}

// Restore plans the way back from one apply, last step first, on the written
// paths only. What changed since is a conflict by name, and forbids the apply; so
// does an address that a later apply set. What the apply made and something uses
// is kept. standing says that something of it stands already by a read that may
// lag: soon after the apply that says nothing yet.
func Restore(s Snapshot, past Past, source Source, id string) (p Plan, standing bool, err error) {
	r := restorer{past: past, digests: s.Digests, undo: map[string][]string{}, at: map[Ref]Raw{}, change: map[schema.Address]*Change{}}
	r.plan = Plan{Format: Format, Deployment: s.Deployment, Lineage: s.Lineage, World: s.World, Source: source, Restores: s.Apply,
		Changes: []Change{}, Drift: []Change{}, Steps: []Step{}, Findings: []schema.Finding{},
		Settle: map[schema.Address]*schema.Entry{}, Content: map[schema.Address]string{}, Latch: maps.Clone(s.Latch)}
	maps.Copy(r.plan.Settle, s.Former)
	stands := map[string]bool{} // steps back that someone took already
	for _, a := range schema.Addresses(s.Later) {
		r.plan.Findings = append(r.plan.Findings, schema.Finding{Code: "DC424", Severity: schema.Error, Address: a,
			Message: "apply " + s.Later[a] + " set it later",
			Hint:    "take that one back first: domctl rollback --to " + s.Later[a] + "; or leave this address out: domctl rollback --to " + s.Apply + " --exclude " + schema.ShellWord(a.String())})
	}
	for i, d := range slices.Backward(s.Done) {
		if s.Later[d.Step.Address] != "" {
			continue
		}
		back, err := r.reverse(d, s.Done[i+1:])
		if err != nil {
			return Plan{}, false, err
		}
		for _, step := range back {
			left, whole := r.loosened(step)
			if !whole && r.judge(left) {
				r.plan.Steps = append(r.plan.Steps, left)
			} else {
				stands[step.ID] = true
			}
		}
	}
	r.again(s)
	for _, a := range schema.Addresses(r.change) {
		r.plan.Changes = append(r.plan.Changes, *r.change[a])
	}
	r.restart()
	for i := range r.plan.Steps {
		r.plan.Steps[i].After = slices.DeleteFunc(r.plan.Steps[i].After, func(id string) bool { return stands[id] })
	}
	if _, err := link(r.plan.Steps, nil); err != nil {
		return Plan{}, false, err
	}
	r.plan.finish(id, s.Applied)
	return r.plan, r.standing, nil
}

type restorer struct {
	standing bool
	past     Past
	plan     Plan
	digests  map[string]schema.Value
	undo     map[string][]string // step → the steps that take it back
	at       map[Ref]Raw         // what will stand when a step has its turn
	change   map[schema.Address]*Change
}

// reverse takes one step back, after those that built on it.
func (r *restorer) reverse(d Done, later []Done) ([]Step, error) {
	if len(d.Step.Writes) == 0 && d.Step.Creates == "" {
		// It wrote nothing that stands by itself; what comes before it waits for what
		// built on it all the same.
		for _, l := range later {
			if slices.Contains(l.Step.After, d.Step.ID) {
				r.undo[d.Step.ID] = append(r.undo[d.Step.ID], r.undo[l.Step.ID]...)
			}
		}
		return nil, nil
	}
	back := []Step{Unwrite(d)}
	if _, whole := d.Step.Writes[""]; whole || d.Step.Creates != "" || d.Step.Irreversible != "" {
		var err error
		if back, err = r.past.Undo(d); err != nil {
			return nil, err
		}
		if by := r.users(back); len(by) > 0 {
			back = r.keep(d, back[0].Object, by)
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

// loosened is a step back without what others have set since and may; whole says that this
// is all it would write.
func (r *restorer) loosened(s Step) (left Step, whole bool) {
	at, seen := r.at[s.Object]
	if !seen {
		at = r.past.Raw(s.Object)
	}
	for _, path := range r.past.Loose(s, at) {
		for _, e := range s.Expects {
			if e.Ref != s.Object || e.Path != path || r.past.Same(e.Value, at.At(path)) {
				continue
			}
			r.plan.Findings = append(r.plan.Findings, schema.Finding{Code: "DC845", Severity: schema.Info, Address: s.Address,
				Message: string(s.Object) + " " + path + " was set to " + e.Value.Display() + " and is " + r.shown(s, path, at.At(path)).Display() + " by now: whoever scales the group set it, and it is left"})
			s.Writes = maps.Clone(s.Writes)
			delete(s.Writes, path)
			s.Expects = slices.DeleteFunc(slices.Clone(s.Expects), func(e Expect) bool { return e.Ref == s.Object && e.Path == path })
			whole = len(s.Writes) == 0
			break
		}
	}
	return s, whole
}

// users says who uses the object that a step back deletes, once the steps before
// it are done: those let go of what they switch away.
func (r *restorer) users(back []Step) (by []string) {
	if len(back) == 0 || r.past.Raw(back[0].Object) == nil {
		return nil
	}
	if whole, is := back[0].Writes[""]; !is || whole.Is != schema.Absent {
		return nil
	}
	for _, u := range r.past.Uses(back[0].Object) {
		if at, seen := r.at[u.Object]; !seen || at.At(u.Path) == u.Value {
			by = append(by, u.Says)
		}
	}
	return by
}

// keep leaves an object that is in use.
func (r *restorer) keep(d Done, object Ref, by []string) []Step {
	steps, instead := r.past.Keep(d)
	r.plan.Findings = append(r.plan.Findings, schema.Finding{Code: "DC425", Severity: schema.Warning, Address: d.Step.Address,
		Message: string(object) + ", which the apply made, is in use and not deleted: " + strings.Join(by, ", ") + "; " + instead,
		Hint:    "delete it by hand when nothing uses it any longer"})
	return steps
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
		r.standing = r.standing || s.Guard != Conditional
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
		c.Fields = append(c.Fields, Diff{Path: string(s.Object) + " " + p, Before: r.shown(s, p, at.At(p)), After: s.Writes[p]})
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

// shown is a live value of the step's object as a plan may hold it: in the clear
// where the step says the same, or where nobody takes it for a secret.
func (r *restorer) shown(s Step, p string, live schema.Value) schema.Value {
	secret, said := s.Writes[p].Is == schema.Secret, false
	for _, e := range s.Expects {
		if e.Ref == s.Object && e.Path == p {
			secret, said = secret || e.Value.Is == schema.Digest, said || e.Value == live
		}
	}
	switch {
	case secret && live.Is == schema.Known:
		return schema.Value{Is: schema.Digest}
	case said:
		return live
	}
	return r.past.Shown(s.Object, p, live)
}

func (r *restorer) conflict(s Step, at Raw) {
	for _, e := range s.Expects {
		if got := at.At(e.Path); e.Ref == s.Object && !r.past.Same(e.Value, got) {
			r.plan.Findings = append(r.plan.Findings, schema.Finding{Code: "DC420", Severity: schema.Error, Address: s.Address,
				Message: "changed since the apply: " + string(s.Object) + " " + e.Path + " was set to " + e.Value.Display() + " and is " + r.shown(s, e.Path, got).Display(),
				Hint:    "set it back by hand, or leave this address out: domctl rollback --to " + r.plan.Restores + " --exclude " + schema.ShellWord(s.Address.String())})
		}
	}
}

// Unwrite is the inverse of a write: what stood before, expecting what was
// written.
func Unwrite(d Done) Step {
	s := d.Step
	s.ID, s.After, s.Gates, s.Expects, s.Writes = "undo/"+s.ID, nil, nil, nil, map[string]schema.Value{}
	for _, path := range schema.Sorted(d.Step.Writes) {
		s.Writes[path] = d.Pre.At(path)
		s.Expects = append(s.Expects, Expect{s.Object, path, d.Step.Writes[path]})
	}
	return s
}
