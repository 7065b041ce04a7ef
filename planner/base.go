package planner

import (
	"fmt"
	"io"
	"strings"

	"domctl.dev/schema"
)

// Base tells what a change to the files brings apart from what would be done
// without it, by the plan of the commit that the change started from, made against
// the same look at the world. It is for people: an apply does all of the plan, and
// the effect does not cover it. Changes and Pending together are the plan's changes;
// one of which a part is pending stands in both, with its fields shared out.
type Base struct {
	Ref    string `json:"ref"`    // as it was named: "origin/main"
	Commit string `json:"commit"` // where the two histories parted
	// Lacks says why there is no plan of that commit; all is the change's then.
	Lacks string `json:"lacks,omitempty"`
	// Dir is the deployment's folder there, seen from the top of the repository,
	// where it has another one.
	Dir     string   `json:"dir,omitempty"`
	Changes []Change `json:"changes"` // what the change brings
	Dropped []Change `json:"dropped"` // what would be done without the change, and is not with it
	Pending []Change `json:"pending"` // what would be done without it too
}

// Against splits a plan's changes by the plan of another commit. former is nil
// where there is none.
func (p Plan) Against(former *Plan, b Base) Plan {
	b.Changes, b.Dropped, b.Pending = []Change{}, []Change{}, []Change{}
	if former == nil {
		b.Changes = append(b.Changes, p.Changes...)
	} else {
		b.Changes, b.Pending = split(p.Changes, former.Changes)
		b.Dropped, _ = split(former.Changes, p.Changes)
	}
	p.Base = &b
	return p
}

// part is the least of a change that is shown: one field, or all of one that has
// none.
type part struct {
	address       schema.Address
	action        Action
	blocked, path string
	before, after schema.Value
}

func parts(c Change) []part {
	whole := part{address: c.Address, action: c.Action, blocked: c.Blocked}
	if len(c.Fields) == 0 {
		return []part{whole}
	}
	all := make([]part, len(c.Fields))
	for i, d := range c.Fields {
		all[i] = whole
		all[i].path, all[i].before, all[i].after = d.Path, d.Before, d.After
	}
	return all
}

// split shares changes out: those that are not among others, and those that are.
func split(changes, others []Change) (own, shared []Change) {
	own, shared = []Change{}, []Change{}
	there := map[part]bool{}
	for _, c := range others {
		for _, p := range parts(c) {
			there[p] = true
		}
	}
	for _, c := range changes {
		var mine, both []Diff
		all := parts(c)
		for i, d := range c.Fields {
			if there[all[i]] {
				both = append(both, d)
			} else {
				mine = append(mine, d)
			}
		}
		switch {
		case len(mine) > 0 && len(both) > 0:
			rest := c
			c.Fields, rest.Fields = mine, both
			own, shared = append(own, c), append(shared, rest)
		case there[all[0]]:
			shared = append(shared, c)
		default:
			own = append(own, c)
		}
	}
	return own, shared
}

// Of names the commit, and how it was found.
func (b *Base) Of() string { return fmt.Sprintf("%s (%.12s)", b.Ref, b.Commit) }

// amounts is what changes come to: "1 to create, 2 to update".
func amounts(changes []Change) string {
	p := Plan{Changes: changes}
	p.summarise()
	if text := strings.Join(p.Summary.parts(), ", "); text != "" {
		return text
	}
	return "nothing"
}

// closing is what stands before the headline: how much of it is the change's.
func (p Plan) closing(of string) string {
	b := p.Base
	text := "Since " + of + ": " + amounts(b.Changes)
	if n := len(b.Dropped); n > 0 {
		text += fmt.Sprintf(", %d dropped or replaced", n)
	}
	text += "; pending without it: " + amounts(b.Pending)
	if drift := len(p.Drift); drift > 0 {
		text += fmt.Sprintf(", %d drifted", drift)
	}
	if p.Recorded != nil {
		return text + "."
	}
	return text + ". An apply does all of it."
}

// mostPending is how many pending changes are named in text.
const mostPending = 20

// writeShort names changes, a line each, some of them.
func writeShort(w io.StringWriter, changes []Change, style Style) {
	for _, c := range changes[:min(len(changes), mostPending)] {
		mark, colour := symbol(c)
		write(w, style.paint(colour, mark), " ", Printable(c.Address.String()), "  ", string(c.Action))
		if c.Blocked != "" {
			write(w, " (blocked)")
		}
		write(w, "\n")
	}
	if left := len(changes) - mostPending; left > 0 {
		write(w, fmt.Sprintf("  … and %d more\n", left))
	}
}

// section is a part of a plan that is shown beside its base.
type section struct {
	heading string
	changes []Change
	short   bool
}

// sections are the parts, whose headings have what comes from outside as named writes
// it.
func (p Plan) sections(named func(string) string) (all []section) {
	b := p.Base
	first := "Changed since " + named(b.Of()) + ":"
	if b.Lacks != "" {
		first = "All of it counts as changed: " + named(b.Of()+" "+b.Lacks) + "."
	}
	for _, s := range []section{{first, b.Changes, false}, {"Planned without it, and with it no longer or otherwise:", b.Dropped, false},
		{"Pending without it too:", b.Pending, true}, {"Changed outside of domctl since the last apply:", p.Drift, true}} {
		if len(s.changes) > 0 {
			all = append(all, s)
		}
	}
	return all
}

func (p Plan) baseText(w io.Writer, style Style) error {
	for _, s := range p.sections(Printable) {
		if _, err := io.WriteString(w, s.heading+"\n\n"); err != nil {
			return err
		}
		if s.short {
			var b strings.Builder
			writeShort(&b, s.changes, style)
			if _, err := io.WriteString(w, b.String()+"\n"); err != nil {
				return err
			}
			continue
		}
		if err := WriteChanges(w, s.changes, style); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, p.closing(Printable(p.Base.Of()))+"\n")
	return err
}

// named is a name from outside in a comment.
func named(s string) string { return code(s, 200) }

// baseBlocks are the blocks of a comment that tells the two apart. What an apply would
// do and a reviewer must see stands in full, also where it is pending.
func (p Plan) baseBlocks() (all []block) {
	for _, s := range p.sections(named) {
		b := block{heading: s.heading + "\n\n", language: "diff"}
		for _, c := range s.changes {
			one := changePiece(c)
			if s.short && one.rank >= otherRank {
				var line strings.Builder
				writeShort(&line, []Change{c}, Style{})
				one = &piece{full: fenced(line.String()), rank: otherRank}
			}
			b.pieces = append(b.pieces, one)
		}
		all = append(all, b)
	}
	return all
}
