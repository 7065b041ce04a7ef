package planner

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"domctl.dev/schema"
)

// comparison is one address merged: what changes, what *applied* would hold, and
// what changed outside meanwhile, nil if nothing did.
type comparison struct {
	change   Change
	entry    schema.Entry
	drift    *Change
	findings []schema.Finding
	left     []Left    // images that wait for an earlier wave
	low      *lowering // nil: to be lowered at its turn
}

// lowering is what came of lowering a change.
type lowering struct {
	Lowered
	err error
}

// compareAll compares addresses side by side, and lowers what changes: what they
// refer to was planned before.
func (m *maker) compareAll(addresses []schema.Address) []comparison {
	out := make([]comparison, len(addresses))
	share := max(64, (len(out)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for from := 0; from < len(out); from += share {
		all.Go(func() {
			for i := from; i < min(from+share, len(out)); i++ {
				out[i] = m.compare(addresses[i])
				if c := out[i].change; c.writes() && c.Blocked == "" && len(out[i].left) == 0 {
					out[i].low = m.lowered(c)
				}
			}
		})
	}
	all.Wait()
	return out
}

// compare merges one address field by field: what the files want against what
// stands, with what the last apply set saying who changed it. It changes nothing
// of the maker.
func (m *maker) compare(a schema.Address) comparison {
	if why, unread := m.in.Live.Unread[a]; unread {
		return comparison{change: unseen(why), findings: []schema.Finding{why}}
	}
	o := m.in.Desired.Objects[a]
	kind, _ := schema.KindOf(a.Kind)
	live, there := m.in.Live.Objects[a]
	was, _ := m.former(a)
	if was == nil {
		was = &schema.Entry{}
	}
	t := threeWay{m: m, kind: kind, live: live, was: *was, at: o, comparison: comparison{
		change: Change{Address: a, Action: ActionUpdate}, entry: schema.Entry{ID: schema.JSON(live.ID), Fields: make(map[string]schema.Value, len(o.Fields))}}}
	if !there {
		t.change.Action = ActionCreate
		t.entry.ID = was.ID // what stood under it is gone; an unset setting keeps its identity
	}
	for _, p := range schema.Sorted(o.Fields) {
		t.field(p, o.Fields[p])
	}
	for _, p := range schema.Sorted(was.Fields) {
		if _, stated := o.Fields[p]; !stated {
			t.dropped(p)
		}
	}
	if there {
		t.again(m.in.Again[a])
	}
	t.finish(there)
	return t.comparison
}

// unseen is a change of what could not be read: nothing is done about it.
func unseen(why schema.Finding) Change {
	return Change{Address: why.Address, Action: ActionUpdate, Reason: "what stands is not known", Blocked: why.Message, Positions: why.Positions}
}

type threeWay struct {
	m    *maker
	kind schema.Kind
	live schema.Observed
	was  schema.Entry
	at   schema.Object
	comparison
	moved   []Diff   // outside
	waits   []string // referents that are blocked or excluded, with that word
	edited  bool     // the files changed since the last apply
	drifted bool     // a field to write was changed outside
	redone  string   // why it is done though nothing differs; "": something does
	differs bool     // a secret and what lives differ; records hold its reference alone, so that nobody knows which changed
}

func (t *threeWay) field(p string, stated schema.Value) {
	f, _ := t.kind.Field(p)
	if why := t.m.waits(stated); why != "" {
		if !slices.Contains(t.waits, why) {
			t.waits = append(t.waits, why)
		}
		return
	}
	want := t.resolve(stated)
	if want.Is == schema.Unset {
		want = schema.Value{}
	}
	if f.Declared {
		t.declare(f, want)
		return
	}
	before := t.live.Fields[p]
	t.entry.Fields[p] = want
	if !f.Computed || want != before { // what resolved.cue holds follows the files, nobody changed it outside
		t.noteDrift(p, before)
	}
	if want == before {
		return
	}
	old, known := t.was.Fields[p]
	t.edited = t.edited || !known || old != want
	_, moved := t.moving(p, before)
	t.drifted = t.drifted || moved
	t.differs = t.differs || known && old == want && old.Is == schema.Secret
	if t.change.Fields == nil {
		t.change.Fields = make([]Diff, 0, len(t.at.Fields))
	}
	t.change.Fields = append(t.change.Fields, Diff{Path: p, Before: before, After: want})
}

// declare remembers the fields that decide about an object once the files no
// longer hold it.
func (t *threeWay) declare(f schema.Field, want schema.Value) {
	if f.Kept && want.Is == schema.Known && want.Text != "false" {
		t.entry.Fields[f.Path] = want
	}
}

// dropped handles a field that was stated once: a map's key is unset, any other
// field is let go.
func (t *threeWay) dropped(p string) {
	f, known := t.kind.Field(p)
	if f.Declared || !known {
		return
	}
	if !strings.HasSuffix(f.Path, ".*") || t.live.Fields[p].Is == schema.Absent {
		return
	}
	t.edited = true
	t.noteDrift(p, t.live.Fields[p])
	t.change.Fields = append(t.change.Fields, Diff{Path: p, Before: t.live.Fields[p]})
}

// again adds what is to be done though it does not differ.
func (t *threeWay) again(r Redo) {
	if len(t.change.Fields) == 0 {
		t.redone = r.Why
	}
	for _, d := range r.Fields {
		if !slices.ContainsFunc(t.change.Fields, func(f Diff) bool { return f.Path == d.Path }) {
			d.Before = t.live.Fields[d.Path]
			t.change.Fields = append(t.change.Fields, d)
		}
	}
}

func (t *threeWay) noteDrift(p string, before schema.Value) {
	if old, moved := t.moving(p, before); moved {
		t.moved = append(t.moved, Diff{Path: p, Before: old, After: before})
	}
}

// moving says that a field changed outside since the last apply, and what it was
// set to then. Where what stands is not to be seen, neither is that.
func (t *threeWay) moving(p string, before schema.Value) (old schema.Value, moved bool) {
	old, known := t.was.Fields[p]
	switch {
	case !known || old == before || old.Is == schema.Secret || before.Is == schema.Unknown:
		return old, false
	case before.Is == schema.Digest && old.Is == schema.Known:
		return schema.Value{Is: schema.Digest}, !t.m.in.View.Same(old, before)
	}
	return old, true
}

func (t *threeWay) finish(there bool) {
	t.waves()
	if len(t.change.Fields) > 0 {
		t.change.Positions = stated(t.at, t.change.Fields)
	}
	if len(t.moved) > 0 && there {
		t.drift = &Change{Address: t.change.Address, Action: ActionDrift, Reason: "changed outside of domctl since the last apply", Fields: t.moved, Positions: t.change.Positions}
	}
	if len(t.change.Positions) == 0 {
		t.change.Positions = t.at.Positions("")
	}
	t.change.Reason = t.reason(there)
	if len(t.waits) > 0 {
		t.change.Blocked = "waits for " + strings.Join(t.waits, ", and for ")
	}
}

func (t *threeWay) reason(there bool) string {
	switch {
	case !there && t.nowBaked():
		return "now baked"
	case !there && len(t.was.Fields) > 0:
		return "gone outside since the last apply"
	case !there:
		return "not there yet"
	case t.redone != "":
		return t.redone
	case t.drifted && t.edited:
		return "files changed, and changed outside"
	case t.drifted:
		return "changed outside since the last apply"
	case len(t.was.Fields) == 0:
		return "first apply of what is there"
	case t.differs && !t.edited:
		return "the secret and what lives differ: either was changed since the last apply"
	}
	return "files changed"
}

// nowBaked says of an image that it was named before, and is to be made.
func (t *threeWay) nowBaked() bool {
	content := func(p string, _ schema.Value) bool { return schema.IsContent(p) }
	was := maps.Clone(t.was.Fields)
	maps.DeleteFunc(was, content)
	return len(was) > 0 && len(was) == len(t.was.Fields) && slices.ContainsFunc(t.change.Fields, func(d Diff) bool { return content(d.Path, d.After) })
}

// waits says what a value cannot be had from, and why: a referent whose change is
// blocked, or one that was rolled back or is excluded, and is not there. What the files state of
// either is known.
func (m *maker) waits(v schema.Value) string {
	t, field, ok := v.Target()
	switch {
	case !ok || m.in.Desired.Objects[t].Fields[field].Is == schema.Known:
		return ""
	case m.blocked[t]:
		return t.String() + ", which is blocked"
	case m.off[t] && m.in.Live.Objects[t].Fields[field].Is == schema.Absent:
		return t.String() + ", which was rolled back and stays off until its content changes, or with --unlatch"
	case m.excluded(t) && m.in.Live.Objects[t].Fields[field].Is == schema.Absent:
		return t.String() + ", which is excluded and not there yet"
	}
	return ""
}

// resolve turns a reference into what the referent will hold.
func (t *threeWay) resolve(v schema.Value) schema.Value {
	to, field, ok := v.Target()
	if !ok {
		return v
	}
	got := t.m.referred(v)
	if got.Is == schema.Absent {
		t.findings = append(t.findings, schema.Finding{Code: "DC210", Severity: schema.Error, Address: to, Positions: t.m.in.Desired.Objects[to].Positions(""),
			Message: "has no " + field + " that others could refer to", Hint: "see the other findings of " + to.String()})
	}
	return got
}

// referred is what a reference leads to: an output of this plan, what the files state,
// or what lives.
func (m *maker) referred(v schema.Value) schema.Value {
	to, field, _ := v.Target()
	if out, ok := m.outputs[to][field]; ok {
		return out
	}
	if stated := m.in.Desired.Objects[to].Fields[field]; stated.Is == schema.Known {
		return stated
	}
	return m.in.Live.Objects[to].Fields[field]
}
