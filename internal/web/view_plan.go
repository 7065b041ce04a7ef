package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Bounds of what one page shows of a plan; what is left out is counted.
const (
	mostChanges  = 200  // on a page
	mostLines    = 600  // of one field
	mostText     = 4000 // bytes of a value in one line
	mostPlaces   = 20   // of one change
	mostFindings = 200
)

// shown is text from outside as a page may hold it: control characters and direction
// marks stand as escapes, and what is very long is cut.
func shown(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > mostText {
		cut := mostText
		for cut > 0 && s[cut]&0xC0 == 0x80 {
			cut--
		}
		return planner.Printable(s[:cut]) + fmt.Sprintf("… (%d bytes more)", len(s)-cut)
	}
	return planner.Printable(s)
}

// place is a position that may link to the forge.
type place struct{ Text, URL string }

// source says where positions of a plan are.
type source struct {
	forge       Forge
	dir, commit string
}

func (s source) places(at []schema.Position) (out []place) {
	at = slices.Clone(at)
	slices.SortFunc(at, schema.Position.Compare)
	for _, p := range at[:min(len(at), mostPlaces)] {
		out = append(out, place{shown(p.String()), s.forge.Line(s.commit, s.dir, p)})
	}
	if left := len(at) - mostPlaces; left > 0 {
		out = append(out, place{Text: fmt.Sprintf("and %d more", left)})
	}
	return out
}

// change is a planner.Change to be shown.
type change struct {
	ID, Address, Action, Reason, Blocked, Impact string
	Sign, Class                                  string
	Fields                                       []field
	Places                                       []place
	Open                                         bool
}

// field is one with its values, or with its lines.
type field struct {
	Path, Before, After string
	HasBefore           bool
	Lines               []textLine
	Note                string
}

// textLine is one of a diff. Kind names it for who sees no colour.
type textLine struct{ Sign, Kind, Text string }

func changeOf(c planner.Change, n int, s source) change {
	out := change{ID: "change-" + strconv.Itoa(n), Address: shown(c.Address.String()), Action: string(c.Action), Reason: shown(c.Reason), Blocked: shown(c.Blocked), Places: s.places(c.Positions)}
	if c.Impact != nil {
		out.Impact = c.Impact.String()
	}
	out.Sign, out.Class = signOf(c)
	for _, d := range c.Rows() {
		out.Fields = append(out.Fields, fieldOf(d, c))
	}
	return out
}

// signOf is the mark that planner's text puts before a change, and its class.
func signOf(c planner.Change) (sign, class string) {
	if c.Blocked != "" {
		return "#", "blocked"
	}
	switch c.Action {
	case planner.ActionCreate:
		return "+", "create"
	case planner.ActionArchive, planner.ActionUnset:
		return "−", "remove"
	case planner.ActionAdopt, planner.ActionRelease:
		return "=", "adopt"
	case planner.ActionRestore:
		return "<", "restore"
	case planner.ActionDrift:
		return "!", "drift"
	}
	return "~", "update"
}

func fieldOf(d planner.Diff, c planner.Change) field {
	f := field{Path: shown(d.Path), HasBefore: c.Action != planner.ActionCreate}
	if c.Action == planner.ActionRestore && strings.HasSuffix(d.Path, " ") { // the object itself
		f.Note = "deleted by the apply: made again"
		if d.After.Is == schema.Absent {
			f.Note = "made by the apply: deleted"
		}
		return f
	}
	lines := d.Lines()
	if lines == nil {
		f.Before, f.After = shown(d.Before.Display()), shown(d.After.Display())
		return f
	}
	added, removed := 0, 0
	for i, text := range lines {
		l := lineOf(text)
		switch l.Sign {
		case "+":
			added++
		case "−":
			removed++
		}
		if i < mostLines {
			f.Lines = append(f.Lines, l)
		}
	}
	f.Note = fmt.Sprintf("%s added, %d removed", planner.Plural(added, "line"), removed)
	if left := len(lines) - mostLines; left > 0 {
		f.Note += fmt.Sprintf("; the first %d of %d lines are shown", mostLines, len(lines))
	}
	return f
}

func lineOf(text string) textLine {
	if text == "" {
		return textLine{" ", "same", ""}
	}
	l := textLine{text[:1], "same", shown(strings.ReplaceAll(text[1:], "\t", "    "))}
	switch text[0] {
	case '+':
		l.Kind = "added"
	case '-':
		l.Sign, l.Kind = "−", "removed"
	case '@', '\\':
		l.Kind = "place"
		l.Text = shown(text)
		l.Sign = ""
	}
	return l
}

// finding is a schema.Finding to be shown.
type finding struct {
	Code, Severity, Address, Message, Hint string
	Places                                 []place
}

func findingsOf(all []schema.Finding, s source) (out []finding, left int) {
	all = schema.SortFindings(slices.Clone(all))
	for _, f := range all[:min(len(all), mostFindings)] {
		one := finding{Code: shown(f.Code), Severity: string(f.Severity), Message: shown(f.Message), Hint: shown(f.Hint), Places: s.places(f.Positions)}
		if f.Address != (schema.Address{}) {
			one.Address = shown(f.Address.String())
		}
		out = append(out, one)
	}
	return out, max(len(all)-mostFindings, 0)
}

// section is a part of a plan's changes under a heading.
type section struct {
	Heading string
	Changes []change
}

// planView is a plan on a page of it.
type planView struct {
	ID, Deployment, Effect, Amount string
	Restores                       string
	Commit                         place
	Dirty                          bool
	Base                           string
	Refused                        bool
	Sections                       []section
	Findings                       []finding
	FindingsLeft                   int
	Notes                          string
	From, To, All                  int // changes shown, of how many
	Prev, Next                     string
}

// planOf shows a plan's changes from one on. Few changes stand open, many closed.
func planOf(p planner.Plan, forge Forge, dir string, from int) planView {
	s := source{forge, dir, p.Source.Commit}
	if p.Source.Dirty {
		s.commit = "" // its positions need not be those of the commit
	}
	v := planView{ID: p.ID, Deployment: shown(p.Deployment), Effect: p.Effect, Amount: p.Amount(), Restores: p.Restores, Dirty: p.Source.Dirty, Refused: p.Refused()}
	if c := p.Source.Commit; c != "" {
		v.Commit = place{fmt.Sprintf("%.12s", shown(c)), forge.Commit(c)}
	}
	v.Findings, v.FindingsLeft = findingsOf(p.Findings, s)
	v.sections(p, s, from)
	v.Notes = strings.TrimRight(p.Notes(), "\n")
	return v
}

func (v *planView) sections(p planner.Plan, s source, from int) {
	type part struct {
		heading string
		changes []planner.Change
	}
	parts := []part{{"Changes", p.Changes}}
	if b := p.Base; b != nil {
		v.Base = shown(b.Of())
		parts = []part{{"Changed since " + v.Base, b.Changes}, {"Planned without it, and with it no longer or otherwise", b.Dropped}, {"Pending without it too", b.Pending}}
	}
	parts = append(parts, part{"Changed outside since the last apply", p.Drift})
	for _, part := range parts {
		v.All += len(part.changes)
	}
	from = max(min(from, v.All), 0)
	v.From, v.To = from+1, min(from+mostChanges, v.All)
	if from > 0 {
		v.Prev = strconv.Itoa(max(from-mostChanges, 0))
	}
	if v.To < v.All {
		v.Next = strconv.Itoa(v.To)
	}
	open, n := v.All <= 12, 0
	for _, part := range parts {
		sec := section{Heading: part.heading}
		for _, c := range part.changes {
			if n++; n <= from || n > v.To {
				continue
			}
			one := changeOf(c, n, s)
			one.Open = open
			sec.Changes = append(sec.Changes, one)
		}
		if len(sec.Changes) > 0 {
			v.Sections = append(v.Sections, sec)
		}
	}
}
