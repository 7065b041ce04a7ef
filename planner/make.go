package planner

import (
	"slices"

	"domctl.dev/schema"
)

// Input is everything a plan follows from.
type Input struct {
	Desired  schema.Desired
	Live     schema.Live
	Applied  schema.Applied
	View     View
	Findings []schema.Finding // of the compiler and of the read
	World    World
	Lineage  string
	Source   Source
	ID       string
	// Select keeps a plan to some addresses and what they refer to; nil is all.
	Select func(schema.Address) bool
	// Exclude are addresses that stay as they are, also where others refer to
	// them; nil is none.
	Exclude func(schema.Address) bool
	// Allow archives what was applied and is no longer desired.
	Allow bool
	// Unlatch applies rolled-back content again.
	Unlatch bool
	// Restarted says that Domino's services restarted since the last apply: what
	// *applied* remembers of pending restarts is dropped.
	Restarted bool
	// Again is what is done of addresses that live though it does not differ, beside what
	// does. *Applied* holds nothing of it, so that the next plan is as if it had not been.
	Again map[schema.Address]Redo
}

// Redo is what is done though it does not differ, and why, for where nothing else is.
type Redo struct {
	Fields []Diff
	Why    string
}

// Draft is a plan before it is known who feels its changes: that is asked about
// what changes, once it is known what does.
type Draft struct {
	plan Plan
	in   Input
}

// Felt are the addresses whose change somebody may feel: what lives and is
// written or archived.
func (d Draft) Felt() (out []schema.Address) {
	for _, c := range d.plan.Changes {
		if c.Action == ActionUpdate || c.Action == ActionArchive {
			out = append(out, c.Address)
		}
	}
	return slices.Compact(out) // what is left of a change stands beside it
}

// Archived are the addresses that are hidden, by the files' word or for having none.
func (d Draft) Archived() (out []schema.Address) {
	for _, c := range d.plan.Changes {
		if c.Blocked == "" && slices.ContainsFunc(c.Fields, func(f Diff) bool { return f.Path == "archived" && f.After.Bool() }) {
			out = append(out, c.Address)
		}
	}
	return out
}

// Plan completes the draft. impact tells who feels a change to an address; nil
// when nobody is known to.
func (d Draft) Plan(impact func(schema.Address) *Impact) Plan {
	for i, c := range d.plan.Changes {
		d.plan.Changes[i].Impact = impact(c.Address)
	}
	d.plan.finish(d.in.ID, d.in.Applied)
	return d.plan
}

// Make merges desired, applied and live field by field, in the order of
// references, and lowers what differs to steps.
func Make(in Input) (Draft, error) {
	for back := (held{}); ; { // holding back one wave may hold back another's
		m, err := made(in, back)
		if err != nil {
			return Draft{}, err
		}
		if m.behind() {
			continue
		}
		m.keep()
		m.local()
		if m.plan.Steps, err = link(m.plan.Steps, m.waves); err != nil {
			return Draft{}, err
		}
		return Draft{m.plan, in}, nil
	}
}

// made plans every address, but for what is held back.
func made(in Input, back held) (*maker, error) {
	m := &maker{in: in, back: back, content: in.Desired.Contents(), seen: map[schema.Address]bool{}, blocked: map[schema.Address]bool{}, off: map[schema.Address]bool{}, waves: map[string]Wave{}, outputs: map[schema.Address]map[string]schema.Value{}}
	m.plan = Plan{Format: Format, Deployment: in.Desired.Deployment.Name, Lineage: in.Lineage, World: in.World, Source: in.Source,
		Changes: []Change{}, Drift: []Change{}, Steps: []Step{}, Findings: append([]schema.Finding{}, in.Findings...),
		Settle: map[schema.Address]*schema.Entry{}, Content: map[schema.Address]string{}, Latch: map[schema.Address]string{}}
	m.declare()
	if err := m.stated(); err != nil {
		return nil, err
	}
	m.pending()
	for _, a := range schema.Addresses(in.Applied.Entries) {
		if err := m.gone(a); err != nil {
			return nil, err
		}
	}
	return m, nil
}

type maker struct {
	in      Input
	content func(schema.Address) string // of what is desired
	plan    Plan
	seen    map[schema.Address]bool
	outputs map[schema.Address]map[string]schema.Value
	blocked map[schema.Address]bool
	off     map[schema.Address]bool // held back by a rollback
	back    held                    // from the images of their rollouts
	waves   map[string]Wave
	waiting []schema.Address // set by earlier applies, and wait for a restart
	declared
}

func (m *maker) find(f schema.Finding) { m.plan.Findings = append(m.plan.Findings, f) }

func (m *maker) excluded(a schema.Address) bool { return m.in.Exclude != nil && m.in.Exclude(a) }

// stated plans what the files hold: first what others refer to, then the rest,
// which is compared side by side, since nothing among it decides about another.
func (m *maker) stated() error {
	all := slices.DeleteFunc(schema.Addresses(m.in.Desired.Objects), func(a schema.Address) bool { return m.in.Select != nil && !m.in.Select(a) })
	for _, a := range all {
		if err := m.referents(a); err != nil {
			return err
		}
	}
	rest := slices.DeleteFunc(all, func(a schema.Address) bool { return m.seen[a] || m.excluded(a) })
	for i, c := range m.compareAll(rest) {
		m.seen[rest[i]] = true
		if err := m.plans(rest[i], c); err != nil {
			return err
		}
	}
	return nil
}

// referents plans what an object refers to.
func (m *maker) referents(a schema.Address) error {
	var paths []string
	fields := m.in.Desired.Objects[a].Fields
	for p, v := range fields {
		if v.Is == schema.Ref {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	for _, p := range paths {
		if t, _, ok := fields[p].Target(); ok {
			if err := m.visit(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// visit plans one address after those it refers to.
func (m *maker) visit(a schema.Address) error {
	if _, ok := m.in.Desired.Objects[a]; m.seen[a] || !ok || m.excluded(a) {
		return nil
	}
	m.seen[a] = true
	if err := m.referents(a); err != nil {
		return err
	}
	return m.plans(a, m.compare(a))
}

// plans shows and lowers one address that was compared.
func (m *maker) plans(a schema.Address, compared comparison) error {
	m.moves(a, m.in.Desired.Objects[a])
	if by, content := m.latch(a); m.held(by, content) {
		m.hold(by, a)
		return nil
	}
	m.plan.Findings = append(m.plan.Findings, compared.findings...)
	if compared.drift != nil {
		m.plan.Drift = append(m.plan.Drift, *compared.drift)
	}
	if compared.change.Blocked != "" {
		m.block(compared.change)
		return nil
	}
	return m.settle(a, compared)
}

// moves refuses a movedFrom that cannot be followed: the objects of two
// addresses would be exchanged in place.
func (m *maker) moves(a schema.Address, o schema.Object) {
	old := schema.Address{Kind: a.Kind, Name: o.Fields["movedFrom"].Str()}
	if old.Name == "" {
		return
	}
	_, stated := m.in.Desired.Objects[old]
	_, was := m.in.Applied.Entries[old]
	_, is := m.in.Applied.Entries[a]
	if stated || was && is {
		m.find(schema.Finding{Code: "DC223", Severity: schema.Error, Address: a, Positions: o.Positions("movedFrom"),
			Message: "moved from " + old.String() + ", which is still declared or was applied beside it",
			Hint:    "rename one address at a time, and drop movedFrom once it was applied"})
	}
}

// settle lowers what differs and says what *applied* becomes.
func (m *maker) settle(a schema.Address, compared comparison) error {
	c, entry := compared.change, compared.entry
	was, from := m.former(a)
	if m.wait(&c, was, &entry, compared.left); len(compared.left) > 0 && len(c.Fields) == 0 {
		m.blocks(a)
		return nil
	}
	m.remember(a, was, c, &entry)
	pinned(was, &entry)
	kind, _ := schema.KindOf(a.Kind)
	carry(kind, was, &entry)
	writes := c.writes()
	if writes {
		blocked, err := m.lower(&c, &entry, compared.low)
		if err != nil || blocked {
			return err
		}
	}
	if !writes && from == a && was != nil && was.Equal(entry) {
		return nil
	}
	if !writes && kind.Unresolved != nil && kind.Unresolved(m.in.Desired.Objects[a]) {
		return nil // a finding of check says so
	}
	m.unpin(a.Kind, &entry)
	if !writes {
		c.Action, c.Reason = ActionAdopt, m.adopted(was, from == a)
	}
	m.plan.Changes = append(m.plan.Changes, c)
	m.plan.Settle[a], m.plan.Content[a] = &entry, m.content(a)
	if from != a && was != nil {
		m.plan.Settle[from] = nil
	}
	return nil
}

func (m *maker) adopted(was *schema.Entry, same bool) string {
	switch {
	case was == nil:
		return "live is as desired and was not known yet"
	case m.in.Restarted && was.Fields[schema.RestartMark].Is != schema.Absent:
		return "Domino's services restarted"
	case !same:
		return "renamed in the files"
	}
	return "live is as desired, the last apply set something else"
}

// writes says that a change is of the outside: a setting that is unset and absent
// is as desired.
func (c Change) writes() bool {
	kind, _ := schema.KindOf(c.Address.Kind)
	return len(c.Fields) > 0 || c.Action == ActionCreate && !kind.Flat
}

// block shows a change that nothing is done about.
func (m *maker) block(c Change) {
	m.blocks(c.Address)
	m.plan.Changes = append(m.plan.Changes, c)
}

// blocks notes an address, and the one that it is moved from, which stays remembered.
func (m *maker) blocks(a schema.Address) {
	_, from := m.former(a)
	m.blocked[a], m.blocked[from] = true, true
}

// former is the entry the address had, under its own name or the one it was
// moved from.
func (m *maker) former(a schema.Address) (*schema.Entry, schema.Address) {
	return m.in.Applied.Former(m.in.Desired, a)
}
