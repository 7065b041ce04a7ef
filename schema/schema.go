// Package schema holds the words that every other package speaks: addresses,
// values, desired, live and applied objects, findings, and the table of kinds.
//
// It imports nothing of domctl and no CUE types. The CUE definitions that users
// write against stand beside it in schema.cue and one file a kind, and are
// embedded for the compiler (see CUE).
package schema

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Address is the CUE path of one object: "hardwareTiers.gpu-small". A setting's
// key is its Name, dots and all. The zero Address is the deployment itself.
type Address struct{ Kind, Name string }

func (a Address) String() string {
	if a == (Address{}) {
		return "deployment"
	}
	return a.Kind + "." + a.Name
}

// MarshalText writes the address as it stands in messages.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what String wrote; the kind ends at the first dot.
func (a *Address) UnmarshalText(b []byte) error {
	if string(b) == "deployment" {
		*a = Address{}
		return nil
	}
	kind, name, ok := strings.Cut(string(b), ".")
	if !ok || kind == "" || name == "" {
		return fmt.Errorf("%q is not an address; one looks like hardwareTiers.gpu-small", b)
	}
	*a = Address{kind, name}
	return nil
}

// ParseAddress reads "kind.name".
func ParseAddress(s string) (a Address, err error) {
	err = a.UnmarshalText([]byte(s))
	return a, err
}

// Compare orders addresses by kind, then name.
func (a Address) Compare(b Address) int {
	if a.Kind != b.Kind {
		return cmp.Compare(a.Kind, b.Kind)
	}
	return cmp.Compare(a.Name, b.Name)
}

// Position is one place in the user's files. File is relative to the
// deployment's folder and slash-separated ("../shared.cue" for an inherited
// file); Line and Col count from 1.
type Position struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
}

func (p Position) String() string {
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// Compare orders places by file, then line, then column.
func (p Position) Compare(o Position) int {
	return cmp.Or(cmp.Compare(p.File, o.File), cmp.Compare(p.Line, o.Line), cmp.Compare(p.Col, o.Col))
}

// Severity of a finding. An error forbids an apply.
type Severity string

// The severities, gravest first.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

func (s Severity) rank() int { return slices.Index([]Severity{Error, Warning, Info}, s) }

// Finding is one thing a person should know: what, where, what to do. Code is
// stable ("DC201"); Address is zero when no single object is meant.
type Finding struct {
	Code      string     `json:"code"`
	Severity  Severity   `json:"severity"`
	Address   Address    `json:"address,omitzero"`
	Message   string     `json:"message"`
	Hint      string     `json:"hint,omitempty"`
	Positions []Position `json:"positions,omitempty"`
}

// Failed says whether any finding is an error.
func Failed(fs []Finding) bool {
	return slices.ContainsFunc(fs, func(f Finding) bool { return f.Severity == Error })
}

// SortFindings orders by severity, address, code, first position and message,
// and drops exact repeats.
func SortFindings(fs []Finding) []Finding {
	slices.SortFunc(fs, func(a, b Finding) int {
		if a.Severity != b.Severity {
			return cmp.Compare(a.Severity.rank(), b.Severity.rank())
		}
		if a.Address != b.Address {
			return a.Address.Compare(b.Address)
		}
		return cmp.Or(cmp.Compare(a.Code, b.Code), slices.CompareFunc(a.Positions, b.Positions, Position.Compare), cmp.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(fs, func(a, b Finding) bool {
		return a.Code == b.Code && a.Address == b.Address && a.Message == b.Message && slices.Equal(a.Positions, b.Positions)
	})
}

// Object is one desired object: its stated fields by path (see JoinPath), spread
// over keyed parts where the kind says so ("groups.a.ami"), and for each field
// every place that contributes to it.
type Object struct {
	Fields map[string]Value      `json:"fields"`
	At     map[string][]Position `json:"at,omitempty"`
}

// Positions of one field, or of the object itself when the field has none.
func (o Object) Positions(path string) []Position {
	if at := o.At[path]; len(at) > 0 {
		return at
	}
	return o.At[""]
}

// Nearest are the positions of the field, or of the nearest one that it stands in.
func (o Object) Nearest(path string) []Position {
	for segments := SplitPath(path); len(segments) > 1; segments = segments[:len(segments)-1] {
		if at := o.At[JoinPath(segments...)]; len(at) > 0 {
			return at
		}
	}
	return o.Positions(SplitPath(path)[0])
}

// Desired is what the files state, as the compiler read them.
type Desired struct {
	Deployment Deployment         `json:"deployment"`
	Objects    map[Address]Object `json:"objects"`
}

// Observed is one live object in the schema's words. ID identifies it outside.
type Observed struct {
	ID     string           `json:"id"`
	Fields map[string]Value `json:"fields"`
}

// Live is what one read found. An object that is not in Objects is absent, unless it
// stands in Unread.
type Live struct {
	Objects map[Address]Observed
	// Unread says of objects that could not be read why that is: nothing is planned of
	// them. The zero value is a complete read.
	Unread map[Address]Finding
}

// Entry is what the last apply set on one address, and the live identity it
// set it on. ID may be an output of a step while a plan is made.
type Entry struct {
	ID     Value            `json:"id"`
	Fields map[string]Value `json:"fields"`
}

// Equal compares identity and every field.
func (e Entry) Equal(other Entry) bool { return e.ID == other.ID && maps.Equal(e.Fields, other.Fields) }

// Applied is what domctl knows it set. Latches holds content digests that were
// rolled back and stay off until the content changes: one or more an address,
// separated by spaces.
type Applied struct {
	Entries map[Address]Entry  `json:"entries"`
	Latches map[Address]string `json:"latches,omitempty"`
}

// Latch holds contents back, beside those that are held back already: going
// further back must not let go of what was taken back before.
func (a Applied) Latch(addr Address, contents string) {
	for _, c := range strings.Fields(contents) {
		if !a.Latched(addr, c) {
			a.Latches[addr] = strings.TrimSpace(a.Latches[addr] + " " + c)
		}
	}
}

// Latched says that a content of the address is held back.
func (a Applied) Latched(addr Address, content string) bool {
	return content != "" && slices.Contains(strings.Fields(a.Latches[addr]), content)
}

// Digest tells one state of an address from another: its entry and what is held
// back of it; "" where there is neither.
func (a Applied) Digest(addr Address) string {
	entry, known := a.Entries[addr]
	if !known && a.Latches[addr] == "" {
		return ""
	}
	return DigestOf([]any{entry, a.Latches[addr]})
}

// Addresses of a map, in order.
func Addresses[V any](m map[Address]V) []Address {
	addresses := slices.AppendSeq(make([]Address, 0, len(m)), maps.Keys(m))
	slices.SortFunc(addresses, Address.Compare)
	return addresses
}

// Sorted keys of a map.
func Sorted[K cmp.Ordered, V any](m map[K]V) []K {
	keys := slices.AppendSeq(make([]K, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	return keys
}

// Former is what the last apply set on an address: under its own name, or under
// the one that the files say it was moved from. nil when there is neither.
func (a Applied) Former(d Desired, addr Address) (*Entry, Address) {
	if e, ok := a.Entries[addr]; ok {
		return &e, addr
	}
	old := Address{addr.Kind, d.Objects[addr].Fields["movedFrom"].Str()}
	if _, taken := d.Objects[old]; old.Name != "" && !taken {
		if e, ok := a.Entries[old]; ok {
			return &e, old
		}
	}
	return nil, addr
}
