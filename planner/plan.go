// Package planner makes plans. A plan is plain data: it can be printed, hashed,
// approved, saved, applied later and resumed; it holds no closures and no
// clients. The package is pure: internal/engine hands it what the compiler and
// the world read, and it refuses nothing silently: what cannot be planned is a
// finding or an error. It never writes.
package planner

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"domctl.dev/schema"
)

// Format is the version of the plan's JSON. It grows when a reader of the
// former one would misread a plan.
const Format = 1

// Plan says what an apply would do. Changes, Drift, Impact, Forecast and Base are for
// people; Steps and Settle are for the applier. docs/plan-format.md describes the JSON.
type Plan struct {
	Format     int    `json:"format"`
	ID         string `json:"id"`     // random; the apply's id, so that a plan is applied once
	Hash       string `json:"hash"`   // covers every byte of the plan; see Sealed
	Effect     string `json:"effect"` // covers what it would do; approvals bind to it
	Deployment string `json:"deployment"`
	// Lineage tells the state store that the plan was made against.
	Lineage string `json:"lineage"`
	World   World  `json:"world"`
	Source  Source `json:"source"`
	// Restores names the apply that this plan takes back.
	Restores string           `json:"restores,omitempty"`
	Summary  Summary          `json:"summary"`
	Changes  []Change         `json:"changes"`
	Drift    []Change         `json:"drift"`
	Steps    []Step           `json:"steps"`
	Findings []schema.Finding `json:"findings"`
	// Kept are the pools and tiers that pins keep where they are, where the plan gives
	// others an image that is baked or goes by waves.
	Kept []Kept `json:"kept,omitempty"`
	// Forecast is what new nodes will pull, where the plan bakes an image.
	Forecast []Foretold `json:"forecast,omitempty"`
	// Base tells apart what a change to the files brings, where one was asked about.
	Base *Base `json:"base,omitempty"`
	// Settle is what *applied* becomes once all steps of an address are done;
	// nil removes the entry.
	Settle map[schema.Address]*schema.Entry `json:"settle"`
	// Former is the digest of what *applied* held, when the plan was made, of each
	// address that Settle or Latch speaks of; nothing at all is left out.
	Former map[schema.Address]string `json:"former"`
	// Content is the digest of the desired content that the plan applies, Latch
	// what a rollback holds back until it changes.
	Content map[schema.Address]string `json:"content"`
	Latch   map[schema.Address]string `json:"latch,omitempty"`
	// Unknowns says that a live value could not be seen: the plan can be shown,
	// not applied.
	Unknowns bool `json:"unknowns,omitempty"`
	// Recorded is the recording that the plan was made against, in place of the world.
	Recorded *Recorded `json:"recorded,omitempty"`
}

// World is the outside that the plan was made against, compared again with who
// answers before anything is written.
type World struct {
	Kind       string `json:"kind"` // "sandbox" or "live"
	Account    string `json:"account,omitempty"`
	Region     string `json:"region,omitempty"`
	Database   string `json:"database,omitempty"`
	ReplicaSet string `json:"replicaSet,omitempty"`
}

// Source is where the desired state was read.
type Source struct {
	Commit string `json:"commit,omitempty"` // 40 hexadecimal digits
	Dirty  bool   `json:"dirty,omitempty"`  // the work tree held more than the commit
}

// Action is what happens to an address, imperative.
type Action string

// The actions. Adopting and releasing touch only domctl's own records.
const (
	ActionCreate  Action = "create"
	ActionUpdate  Action = "update"
	ActionArchive Action = "archive"
	ActionUnset   Action = "unset"
	ActionAdopt   Action = "adopt"
	ActionRelease Action = "release"
	ActionRestore Action = "restore"
	ActionDrift   Action = "drift" // only in Plan.Drift
)

// Change is one address for people; the applier never reads it.
type Change struct {
	Address schema.Address `json:"address"`
	Action  Action         `json:"action"`
	// Reason says why in a few words ("files changed").
	Reason    string            `json:"reason"`
	Fields    []Diff            `json:"fields,omitempty"`
	Positions []schema.Position `json:"positions,omitempty"`
	Impact    *Impact           `json:"impact,omitempty"`
	// Build is what the change makes anew of an environment's image.
	Build *Build `json:"build,omitempty"`
	// Note says what is not seen in the fields ("makes revision 5 active again, without
	// a build").
	Note string `json:"note,omitempty"`
	// Blocked says why nothing is done about the change; no step belongs to it. An
	// address of which only some fields are left has two changes, one blocked.
	Blocked string `json:"blocked,omitempty"`
}

// Diff is one field before and after.
type Diff struct {
	Path   string       `json:"path"`
	Before schema.Value `json:"before"`
	After  schema.Value `json:"after"`
	// BeforeName and AfterName are what people call what the values name by id.
	BeforeName string `json:"beforeName,omitempty"`
	AfterName  string `json:"afterName,omitempty"`
}

// named are the two values as people read them.
func (d Diff) named() (before, after schema.Value) {
	before, after = d.Before, d.After
	if d.BeforeName != "" {
		before = schema.JSON(d.BeforeName)
	}
	if d.AfterName != "" {
		after = schema.JSON(d.AfterName)
	}
	return before, after
}

// Impact counts who feels a change: projects and users that use the object, runs
// alive at the moment of the read, and other uses: workspaces, scheduled jobs,
// apps, models, and organizations whose default it is.
type Impact struct {
	Projects int64 `json:"projects"`
	Users    int64 `json:"users"`
	Runs     int64 `json:"runs"`
	Uses     int64 `json:"uses"`
}

// Summary counts changes by action.
type Summary struct {
	Create  int `json:"create"`
	Update  int `json:"update"`
	Archive int `json:"archive"`
	Unset   int `json:"unset"`
	Restore int `json:"restore"`
	Adopt   int `json:"adopt"`
	Release int `json:"release"`
	Blocked int `json:"blocked"`
	Drift   int `json:"drift"`
	Steps   int `json:"steps"`
}

// Changed says whether the plan would do something outside: what
// --detailed-exitcode answers 2 for. A blocked change counts; adopting and
// releasing do not.
func (p Plan) Changed() bool {
	s := p.Summary
	return s.Create+s.Update+s.Archive+s.Unset+s.Restore+s.Blocked > 0
}

// Empty says that applying the plan would write nothing at all, not even
// domctl's own records.
func (p Plan) Empty() bool { return len(p.Steps) == 0 && len(p.Settle) == 0 && len(p.Latch) == 0 }

// Stuck says that there is something to do and that all of it is blocked.
func (p Plan) Stuck() bool { return p.Summary.Blocked > 0 && p.Empty() }

// Refused says that there is an error among the findings, so that nothing of the
// plan may be applied.
func (p Plan) Refused() bool {
	return slices.ContainsFunc(p.Findings, func(f schema.Finding) bool { return f.Severity == schema.Error })
}

// Addresses are those of which applying the plan writes what domctl knows, in
// order.
func (p Plan) Addresses() []schema.Address {
	all := map[schema.Address]bool{}
	for a := range p.Settle {
		all[a] = true
	}
	for a := range p.Latch {
		all[a] = true
	}
	return schema.Addresses(all)
}

// Touches says that applying the plan writes what domctl knows of an address.
func (p Plan) Touches(a schema.Address) bool {
	_, settles := p.Settle[a]
	_, latches := p.Latch[a]
	return settles || latches
}

func (p *Plan) summarise() {
	p.Summary = Summary{Drift: len(p.Drift), Steps: len(p.Steps)}
	s := &p.Summary
	count := map[Action]*int{ActionCreate: &s.Create, ActionUpdate: &s.Update, ActionArchive: &s.Archive, ActionUnset: &s.Unset,
		ActionAdopt: &s.Adopt, ActionRelease: &s.Release, ActionRestore: &s.Restore}
	for _, c := range p.Changes {
		if c.Blocked != "" {
			s.Blocked++
		} else {
			*count[c.Action]++
		}
	}
}

// finish says what the plan was made on, orders what has an order, and gives the
// plan its id and effect.
func (p *Plan) finish(id string, applied schema.Applied) {
	p.Former = map[schema.Address]string{}
	for _, a := range p.Addresses() {
		if d := applied.Digest(a); d != "" {
			p.Former[a] = d
		}
	}
	p.Findings = schema.SortFindings(p.Findings)
	slices.SortStableFunc(p.Changes, func(a, b Change) int { // what is left of a change stands after it
		if a.Address != b.Address {
			return a.Address.Compare(b.Address)
		}
		return cmp.Compare(a.Blocked, b.Blocked)
	})
	p.summarise()
	p.ID, p.Effect = id, p.effect()
}

// Sealed is the plan with its hash. A plan that was just made has none: only one
// that is written down or applied needs it, and it takes as long as all the rest
// of a large plan.
func (p Plan) Sealed() Plan {
	if p.Hash == "" {
		p.Hash = p.hash()
	}
	return p
}

// effect is the same for a plan and for what its JSON reads as: no latches at
// all are left out of the JSON. One against a recording has none.
func (p Plan) effect() string {
	if p.Recorded != nil {
		return "" // nobody may approve what has no steps
	}
	if len(p.Latch) == 0 {
		p.Latch = nil
	}
	return schema.DigestOf([]any{p.Format, p.Deployment, p.Lineage, p.World, p.Restores, p.Steps, p.Settle, p.Former, p.Latch})
}

func (p Plan) hash() string {
	p.Hash = ""
	return schema.DigestOf(p)
}

// ErrAltered is answered for a plan that is not as it was made.
var ErrAltered = errors.New("DC301: the plan was altered after it was made; plan again")

// ErrNoPlan is answered for what is no plan at all, or was cut short.
var ErrNoPlan = errors.New("this is no plan file, or only a part of one; domctl plan --out FILE makes one")

// ErrUnseen is answered for a plan that can be shown and not applied.
var ErrUnseen = errors.New("DC302: the plan was made without seeing every live value and can only be shown; plan again with credentials")

// Intact answers ErrAltered for a plan that is not as it was made.
func (p Plan) Intact() error {
	if p.hash() != p.Hash || p.effect() != p.Effect {
		return ErrAltered
	}
	return nil
}

// Verify refuses a plan that was altered or that may not be applied.
func (p Plan) Verify() error {
	if p.Format != Format {
		return fmt.Errorf("DC300: the plan has format %d, this domctl applies format %d; plan again with this version", p.Format, Format)
	}
	if err := p.Intact(); err != nil {
		return err
	}
	if why := p.unsound(); why != "" {
		return fmt.Errorf("%w (%s)", ErrAltered, why)
	}
	if p.Unknowns {
		return ErrUnseen
	}
	for _, f := range p.Findings {
		if f.Severity == schema.Error {
			return fmt.Errorf("%s: %s: %s", f.Code, f.Address, f.Message)
		}
	}
	return nil
}

// unsound says what of a plan no plan has that was made here, whatever its hash
// says: an id that is no name of a stream, steps that nobody is shown, writes
// over what nobody saw, and an order that has no beginning.
func (p Plan) unsound() string {
	if !regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z-]{0,63}$`).MatchString(p.ID) {
		return fmt.Sprintf("%q is no id of a plan", p.ID)
	}
	changes, steps := map[schema.Address]bool{}, map[string]bool{}
	for _, c := range p.Changes {
		changes[c.Address] = changes[c.Address] || c.Blocked == ""
	}
	for _, s := range p.Steps {
		i := slices.IndexFunc(s.After, func(id string) bool { return !steps[id] })
		outs := s.outputs()
		o := slices.IndexFunc(outs, func(id string) bool { return !slices.Contains(s.After, id) })
		switch {
		case steps[s.ID]:
			return "two steps are called " + s.ID
		case i >= 0:
			return fmt.Sprintf("step %s comes after %s, which is no step before it", s.ID, s.After[i])
		case o >= 0:
			return fmt.Sprintf("step %s names an output of %s, which it does not come after", s.ID, outs[o])
		case !s.sees():
			return fmt.Sprintf("step %s writes what it does not expect anything of", s.ID)
		case !changes[s.Address]:
			return fmt.Sprintf("step %s is of %s, which no change speaks of", s.ID, s.Address)
		}
		steps[s.ID] = true
	}
	return ""
}

// Encode writes the sealed plan's canonical JSON and a newline.
func Encode(p Plan) []byte { return append([]byte(schema.JSON(p.Sealed()).Text), '\n') }

// Decode reads what Encode wrote, to the byte; anything else is ErrAltered, or
// ErrNoPlan.
func Decode(b []byte) (Plan, error) {
	var p Plan
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&p); {
	case err != nil && !json.Valid(b), err == nil && p.Hash == "":
		return Plan{}, ErrNoPlan
	case err != nil:
		return Plan{}, fmt.Errorf("%w (%v)", ErrAltered, err)
	}
	if !bytes.Equal(Encode(p), b) || p.hash() != p.Hash {
		return Plan{}, ErrAltered
	}
	return p, nil
}
