package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"domctl.dev/schema"
)

// Ref names one outside object: "mongo/hardware_tier#gpu-small". The part before
// "#" is its type, the rest the outside's own id. An object that an earlier step
// makes has a Ref of OutRef until that step is done.
type Ref string

// Type is the part before "#".
func (r Ref) Type() string { t, _, _ := strings.Cut(string(r), "#"); return t }

// ID is the outside's own id.
func (r Ref) ID() string { _, id, _ := strings.Cut(string(r), "#"); return id }

// Raw is one outside object by path, in the outside's own types. nil means that
// a complete read did not find it.
type Raw map[string]schema.Value

// Exists is what path "" holds of an object that is there.
func Exists() schema.Value { return schema.Value{Is: schema.Known, Text: "true"} }

// At reads a path; "" is the object itself. An inner path whose leaves alone are
// held is composed with sorted keys.
func (r Raw) At(path string) schema.Value {
	if path == "" && r != nil {
		return Exists()
	}
	if v, ok := r[path]; ok || r == nil {
		return v
	}
	return r.compose(path)
}

func (r Raw) compose(path string) schema.Value {
	var members map[string]bool
	path += "."
	for p := range r {
		if rest, ok := strings.CutPrefix(p, path); ok {
			if members == nil {
				members = map[string]bool{}
			}
			members[schema.SplitPath(rest)[0]] = true
		}
	}
	if len(members) == 0 {
		return schema.Value{}
	}
	parts := make([]string, 0, len(members))
	for _, m := range schema.Sorted(members) {
		v := r.At(path + schema.JoinPath(m))
		if v.Is != schema.Known {
			return v
		}
		parts = append(parts, schema.JSON(m).Text+":"+v.Text)
	}
	return schema.Value{Is: schema.Known, Text: "{" + strings.Join(parts, ",") + "}"}
}

// With is the object after writes.
func (r Raw) With(writes map[string]schema.Value) Raw {
	if v, ok := writes[""]; ok && v.Is == schema.Absent {
		return nil
	}
	out := maps.Clone(r)
	if out == nil {
		out = Raw{}
	}
	for p, v := range writes {
		maps.DeleteFunc(out, func(q string, _ schema.Value) bool { return q == p || strings.HasPrefix(q, p+".") })
		if p != "" && v.Is != schema.Absent {
			out[p] = v
		}
	}
	return out
}

// Guard says what keeps a repeated or late write from doing harm.
type Guard string

// The guards, see docs/plan-format.md.
const (
	Conditional Guard = "conditional" // the write holds what was read: a filter with _id and pre-image
	Token       Guard = "token"       // ClientToken from apply and step
	Name        Guard = "name"        // a unique name, recorded first
	Absolute    Guard = "absolute"    // read, write, read inside the lease; repeated only after Window
)

// Expect is one place outside and what it must hold when the step has its turn.
type Expect struct {
	Ref   Ref          `json:"ref"`
	Path  string       `json:"path"`
	Value schema.Value `json:"value"`
}

// Gate holds a step back until something outside the plan is true.
type Gate struct {
	Kind string `json:"kind"` // WindowGate or ApprovalGate
	// Arg is the window's name, or what people approve ("amis.gpu rollout 2"): gates
	// of one Arg are approved together.
	Arg       string        `json:"arg"`
	Window    schema.Window `json:"window,omitzero"`     // when it opens, as the files said
	Approvals int           `json:"approvals,omitempty"` // how many people must approve
}

// The kinds of gates.
const (
	WindowGate   = "window"
	ApprovalGate = "approval"
)

// Step is one concrete outside operation. ID is the same in every plan of the
// same content: address, operation, object.
type Step struct {
	ID      string         `json:"id"`
	Address schema.Address `json:"address"`
	Op      string         `json:"op"` // "mongo.update", "ec2.ModifyLaunchTemplate"
	Object  Ref            `json:"object"`
	// Writes is what the object's paths hold afterwards: Absent unsets a path,
	// "" Absent deletes the object, "" Exists makes it.
	Writes map[string]schema.Value `json:"writes,omitempty"`
	Args   map[string]schema.Value `json:"args,omitempty"`
	// Creates names the output that identifies the object this step makes.
	Creates string   `json:"creates,omitempty"`
	Expects []Expect `json:"expects,omitempty"`
	Guard   Guard    `json:"guard"`
	// Window is the seconds after which an attempt can no longer take effect or
	// stay unseen: the call's deadline and the API's visibility.
	Window       int      `json:"window"`
	Gates        []Gate   `json:"gates,omitempty"`
	After        []string `json:"after,omitempty"` // derived: the steps that must be done before
	Irreversible string   `json:"irreversible,omitempty"`
}

// Same compares what is wanted with what stands. Plain values compare with ==; the
// applier's also compares a keyed digest with the value it was made of.
type Same func(want, got schema.Value) bool

// Stands compares a step's writes, and its expectations of its own object, with
// what is there.
func (s Step) Stands(live Raw, same Same) (done, before bool) {
	done, before = len(s.Writes) > 0, true
	for p, v := range s.Writes {
		done = done && same(v, live.At(p))
	}
	for _, e := range s.Expects {
		before = before && (e.Ref != s.Object || same(e.Value, live.At(e.Path)))
	}
	return done, before
}

// link adds the order that follows from named outputs, waves and shared objects:
// steps on one object are a chain, in the order of their waves.
func link(steps []Step, waves map[string]Wave) ([]Step, error) {
	seen := map[string]bool{}
	for i := range steps {
		s := &steps[i]
		if seen[s.ID] {
			return nil, fmt.Errorf("two steps are called %s: two addresses claim one object", s.ID)
		}
		seen[s.ID] = true
		for _, id := range s.outputs() {
			s.after(id)
		}
	}
	steps = inWaves(steps, waves)
	last := map[Ref]string{}
	for i := range steps {
		s := &steps[i]
		s.after(last[s.Object])
		last[s.Object] = s.ID
	}
	return steps, nil
}

func (s *Step) after(id string) {
	if id != "" && id != s.ID && !slices.Contains(s.After, id) {
		s.After = append(s.After, id)
	}
}

// sees says that a conditional step states what it expects of all it writes; of an
// object that it deletes, of anything in it.
func (s Step) sees() bool {
	if s.Guard != Conditional {
		return true
	}
	for p := range s.Writes {
		if !slices.ContainsFunc(s.Expects, func(e Expect) bool {
			return e.Ref == s.Object && (p == "" || e.Path == p || strings.HasPrefix(e.Path, p+".") || strings.HasPrefix(p, e.Path+"."))
		}) {
			return false
		}
	}
	return true
}
