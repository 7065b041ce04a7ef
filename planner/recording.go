package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"domctl.dev/schema"
)

// RecordingFormat is the version of a recording's JSON.
const RecordingFormat = 1

// Recording is one look at the world as far as the files and the last apply speak of
// it, so that a change to the files can be planned where there are no credentials. It
// holds what a plan would show, and no more: what is a digest in a plan is a number
// here, and so is every identity, both in the order of the recording; nothing leads
// back from them.
type Recording struct {
	Format     int    `json:"format"`
	Deployment string `json:"deployment"`
	At         string `json:"at"` // RFC 3339, UTC
	Source     Source `json:"source"`
	World      World  `json:"world"`
	// Stated are the objects of the files that were recorded with.
	Stated map[schema.Address]Stated `json:"stated"`
	// Live are those that were found. Of each, Fields holds all that was looked at; what
	// is not there has the zero value.
	Live map[schema.Address]schema.Observed `json:"live"`
	// Unread are those that could not be read.
	Unread  []schema.Address           `json:"unread,omitempty"`
	Applied schema.Applied             `json:"applied"`
	Impact  map[schema.Address]*Impact `json:"impact"`
}

// Stated is an object as the files had it, by digest, and what the look at the world
// added to that: what an image that is baked consists of.
type Stated struct {
	Digest string                  `json:"digest"`
	Made   map[string]schema.Value `json:"made,omitempty"`
}

// Recorded says of a plan which recording it was made against.
type Recorded struct {
	At     string `json:"at"`
	Commit string `json:"commit,omitempty"`
}

// Record keeps what a plan of files is made from; in is what they were looked at
// with, and impact tells who uses what lives.
func Record(files schema.Desired, in Input, at string, impact func(schema.Address) *Impact) Recording {
	r := Recording{Format: RecordingFormat, Deployment: files.Deployment.Name, At: at, Source: in.Source,
		World:  World{Kind: in.World.Kind, Account: in.World.Account, Region: in.World.Region, Database: in.World.Database},
		Stated: map[schema.Address]Stated{}, Live: map[schema.Address]schema.Observed{}, Impact: map[schema.Address]*Impact{},
		Unread:  schema.Addresses(in.Live.Unread),
		Applied: schema.Applied{Entries: map[schema.Address]schema.Entry{}, Latches: in.Applied.Latches}}
	for a, o := range files.Objects {
		r.Stated[a] = Stated{schema.DigestOf(o.Fields), added(in.Desired.Objects[a].Fields, o.Fields)}
	}
	t, referred := tokens{in.View, map[schema.Value]int{}}, referents(in.Desired)
	for _, a := range schema.Addresses(addressed(in.Desired, in.Applied)) {
		live, there := in.Live.Objects[a]
		was, known := in.Applied.Entries[a]
		if there {
			r.Live[a] = t.live(live, slices.Concat([]string{archived}, referred[a], schema.Sorted(in.Desired.Objects[a].Fields), schema.Sorted(was.Fields)))
			r.Impact[a] = impact(a)
		}
		if known {
			r.Applied.Entries[a] = t.entry(was, live)
		}
	}
	return r
}

// addressed are all addresses that the files or the last apply speak of.
func addressed(d schema.Desired, applied schema.Applied) map[schema.Address]bool {
	all := map[schema.Address]bool{}
	for a := range d.Objects {
		all[a] = true
	}
	for a := range applied.Entries {
		all[a] = true
	}
	return all
}

// added is what a look made of an object beside what the files state.
func added(seen, stated map[string]schema.Value) map[string]schema.Value {
	more := map[string]schema.Value{}
	for p, v := range seen {
		if v != stated[p] {
			more[p] = v
		}
	}
	return more
}

// referents are the fields that others refer to, by address.
func referents(d schema.Desired) map[schema.Address][]string {
	all := map[schema.Address][]string{}
	for _, o := range d.Objects {
		for _, v := range o.Fields {
			if to, field, ok := v.Target(); ok && !slices.Contains(all[to], field) {
				all[to] = append(all[to], field)
			}
		}
	}
	return all
}

// tokens put numbers in the place of what must not be told.
type tokens struct {
	view View
	seen map[schema.Value]int
}

func (t tokens) number(v schema.Value) int {
	if _, known := t.seen[v]; !known {
		t.seen[v] = len(t.seen) + 1
	}
	return t.seen[v]
}

func (t tokens) value(v schema.Value) schema.Value {
	if v.Is == schema.Digest {
		v.Text = fmt.Sprint(t.number(v))
	}
	return v
}

func (t tokens) id(id string) string {
	if id == "" {
		return ""
	}
	return fmt.Sprintf("object-%d", t.number(schema.JSON(id)))
}

// archived is read of objects of which nobody states it: they may have to go.
const archived = "archived"

func (t tokens) live(live schema.Observed, paths []string) schema.Observed {
	out := schema.Observed{ID: t.id(live.ID), Fields: map[string]schema.Value{}}
	slices.Sort(paths)
	for _, p := range paths {
		out.Fields[p] = t.value(live.Fields[p])
	}
	return out
}

// entry tells what was set as the digest that lives, where it is the same: digests
// cannot be compared once they are numbers.
func (t tokens) entry(was schema.Entry, live schema.Observed) schema.Entry {
	out := schema.Entry{ID: was.ID, Fields: map[string]schema.Value{}}
	if id := was.ID.Str(); id != "" {
		out.ID = schema.JSON(t.id(id))
	}
	for _, p := range schema.Sorted(was.Fields) {
		v := was.Fields[p]
		if stands := live.Fields[p]; stands.Is == schema.Digest && v.Is == schema.Known && t.view.Same(v, stands) {
			v = stands
		}
		out.Fields[p] = t.value(v)
	}
	return out
}

// Plan plans files against the recording. in says the rest: Findings, Source, ID and
// what the plan is kept to. The plan can be shown and never applied: it has no steps.
func (r Recording) Plan(files schema.Desired, in Input) (Plan, error) {
	if name := files.Deployment.Name; name != r.Deployment {
		return Plan{}, fmt.Errorf("the recording is of deployment %q, the files are of %q; record again", r.Deployment, name)
	}
	p := replay{r, files, referents(files)}
	in.Desired, in.Live, in.Applied, in.World, in.View = p.desired(), p.seen(), r.Applied, r.World, p
	in.Findings = append(slices.Clone(in.Findings), p.unseen()...)
	d, err := Make(in)
	if err != nil {
		return Plan{}, err
	}
	for i, c := range d.plan.Changes {
		if !p.looked(c.Address) {
			d.plan.Changes[i].Reason = "not in the recording"
		}
	}
	d.plan.Recorded, d.plan.Unknowns = &Recorded{r.At, r.Source.Commit}, true
	return d.Plan(func(a schema.Address) *Impact { return r.Impact[a] }), nil
}

// replay answers for a world that is not there.
type replay struct {
	Recording
	files    schema.Desired
	referred map[schema.Address][]string
}

// from is the address under which an object was recorded: its own, or the one that it
// was moved from.
func (p replay) from(a schema.Address) schema.Address {
	_, stated := p.Stated[a]
	_, applied := p.Applied.Entries[a]
	old := schema.Address{Kind: a.Kind, Name: p.files.Objects[a].Fields["movedFrom"].Str()}
	if stated || applied || old.Name == "" {
		return a
	}
	return old
}

// looked says that an address was looked for.
func (p replay) looked(a schema.Address) bool {
	a = p.from(a)
	_, stated := p.Stated[a]
	_, applied := p.Applied.Entries[a]
	return stated || applied
}

// desired is what the files state with what the look made of it. Where that may have
// become something else, nobody knows what.
func (p replay) desired() schema.Desired {
	d := schema.Desired{Deployment: p.files.Deployment, Objects: maps.Clone(p.files.Objects)}
	for a, o := range d.Objects {
		added := p.Stated[a].Made
		if len(added) == 0 {
			continue
		}
		same := p.unchanged(a, map[schema.Address]bool{})
		o.Fields = maps.Clone(o.Fields)
		for at, v := range added {
			if !same {
				v = schema.Value{Is: schema.Unknown}
			}
			o.Fields[at] = v
		}
		d.Objects[a] = o
	}
	return d
}

// unchanged says that an object, and every object whose name stands in it, is as it
// was when the world was recorded.
func (p replay) unchanged(a schema.Address, seen map[schema.Address]bool) bool {
	seen[a] = true
	if schema.DigestOf(p.files.Objects[a].Fields) != p.Stated[a].Digest {
		return false
	}
	for other := range p.files.Objects {
		if !seen[other] && names(p.files.Objects[a], other) && !p.unchanged(other, seen) {
			return false
		}
	}
	return true
}

// names says that an object may speak of another: its name stands in a field.
func names(o schema.Object, other schema.Address) bool {
	quoted := schema.JSON(other.Name).Text
	for _, v := range o.Fields {
		if to, _, ok := v.Target(); ok && to == other || v.Is == schema.Known && strings.Contains(v.Text, quoted) {
			return true
		}
	}
	return false
}

// seen is what lived, as these files see it: what nobody looked at is unknown.
func (p replay) seen() schema.Live {
	live := schema.Live{Objects: maps.Clone(p.Live), Unread: p.unread()}
	for a, o := range p.files.Objects {
		was, there := p.Live[p.from(a)]
		if !there {
			continue
		}
		fields := maps.Clone(was.Fields)
		for _, at := range slices.Concat(p.referred[a], schema.Sorted(o.Fields)) {
			if _, looked := fields[at]; !looked {
				fields[at] = schema.Value{Is: schema.Unknown}
			}
		}
		live.Objects[a] = schema.Observed{ID: was.ID, Fields: fields}
	}
	return live
}

// unread are those that could not be read, under the names that the files have for them.
func (p replay) unread() map[schema.Address]schema.Finding {
	out := map[schema.Address]schema.Finding{}
	for a := range addressed(p.files, p.Applied) {
		if slices.Contains(p.Unread, p.from(a)) {
			out[a] = schema.Finding{Code: "DC119", Severity: schema.Warning, Address: a, Positions: p.files.Objects[a].Positions(""),
				Message: "could not be read when the world was recorded, so that nothing of it is planned", Hint: "record the world again"}
		}
	}
	return out
}

// unseen tells which objects nobody has looked for.
func (p replay) unseen() (found []schema.Finding) {
	for a, o := range p.files.Objects {
		if !p.looked(a) {
			found = append(found, schema.Finding{Code: "DC502", Severity: schema.Info, Address: a, Positions: o.Positions(""),
				Message: "was not in the files when the world was recorded: whether it lives already is not known", Hint: "plan with credentials, or record the world again after the merge"})
		}
	}
	return found
}

// Lower answers no steps. What others refer to of what changes is unknown, unless it
// is known to stay.
func (p replay) Lower(c Change) (Lowered, error) {
	low := Lowered{Outputs: map[string]schema.Value{}}
	for _, field := range p.referred[c.Address] {
		if p.files.Objects[c.Address].Fields[field].Is == schema.Known {
			continue
		}
		low.Outputs[field] = schema.Value{Is: schema.Unknown}
		was := p.Live[p.from(c.Address)].Fields[field]
		if was.Is == schema.Known && !slices.ContainsFunc(c.Fields, func(d Diff) bool { return schema.IsContent(d.Path) || d.Path == field }) {
			low.Outputs[field] = was
		}
	}
	return low, nil
}

// Same compares what is left to compare.
func (p replay) Same(want, got schema.Value) bool { return want == got }
