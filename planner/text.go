package planner

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"domctl.dev/schema"
)

// Style marks up text for a terminal; the zero Style is plain.
type Style struct {
	Colour bool
	// review shows what a reviewer must see in full, however long; see mustSee.
	review bool
	whole  bool // of one field
}

func (s Style) paint(code, text string) string {
	if !s.Colour || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// symbol is how an action stands in the margin, and its colour.
func symbol(c Change) (mark, colour string) {
	if c.Blocked != "" {
		return "#", "33"
	}
	switch c.Action {
	case ActionCreate:
		return "+", "32"
	case ActionArchive, ActionUnset:
		return "-", "31"
	case ActionAdopt, ActionRelease:
		return "=", "36"
	case ActionRestore:
		return "<", "35"
	case ActionDrift:
		return "!", "33"
	}
	return "~", "33"
}

// Text renders a plan for people. Findings are not part of it: they go to
// standard error, see WriteFindings.
func (p Plan) Text(w io.Writer, style Style) error {
	if err := p.writeAll(w, style); err != nil {
		return err
	}
	end := p.Notes() + p.headline() + "\n"
	if len(p.Steps) > 0 {
		end += fmt.Sprintf("Plan %s, effect %s.\n", p.ID, p.Effect)
	}
	_, err := io.WriteString(w, end)
	return err
}

// Notes are what a plan says beside its changes, as text: what pins keep where it is,
// and what new nodes will pull. It is "" or ends with an empty line.
func (p Plan) Notes() string { return p.kept() + p.foretold() }

// writeAll writes the changes, and drift after them.
func (p Plan) writeAll(w io.Writer, style Style) error {
	if p.Base != nil {
		return p.baseText(w, style)
	}
	if err := WriteChanges(w, p.Changes, style); err != nil || len(p.Drift) == 0 {
		return err
	}
	if _, err := io.WriteString(w, "Changed outside of domctl since the last apply:\n\n"); err != nil {
		return err
	}
	return WriteChanges(w, p.Drift, style)
}

// WriteChanges renders changes for people, some side by side, then the next.
func WriteChanges(w io.Writer, changes []Change, style Style) error {
	const some = 128
	texts := make([]bytes.Buffer, runtime.GOMAXPROCS(0))
	for len(changes) > 0 {
		var wait sync.WaitGroup
		for i := range texts {
			part := changes[:min(len(changes), some)]
			changes = changes[len(part):]
			wait.Go(func() {
				texts[i].Reset()
				for _, c := range part {
					writeChange(&texts[i], c, style)
				}
			})
		}
		wait.Wait()
		for i := range texts {
			if _, err := texts[i].WriteTo(w); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeChange(b *bytes.Buffer, c Change, style Style) {
	mark, colour := symbol(c)
	write(b, style.paint(colour, mark), " ", style.paint("1", Printable(c.Address.String())), "  ", string(c.Action), ": ", Printable(c.Reason), "\n")
	if c.Blocked != "" {
		fmt.Fprintf(b, "    blocked: %s\n", Printable(c.Blocked))
	}
	width, rows := 0, c.Rows()
	for _, f := range rows {
		width = max(width, len(Printable(f.Path)))
	}
	for _, f := range rows {
		path := Printable(f.Path)
		write(b, "    ", path, strings.Repeat(" ", width-len(path)+2))
		style.whole = style.review && f.mustSee(c)
		f.show(b, c, style)
	}
	if c.Build != nil {
		write(b, "    image: ", c.Build.String(), "\n")
	}
	if c.Note != "" {
		write(b, "    ", Printable(c.Note), "\n")
	}
	if c.Impact != nil {
		write(b, "    used by ", c.Impact.String(), "\n")
	}
	if len(c.Positions) > 0 {
		write(b, "    ", style.paint("2", "at "+Printable(places(c.Positions))), "\n")
	}
	b.WriteByte('\n')
}

func write(b io.StringWriter, parts ...string) {
	for _, p := range parts {
		_, _ = b.WriteString(p) // a buffer keeps its error
	}
}

// places lists positions in order, a file's name once.
func places(at []schema.Position) string {
	var b strings.Builder
	file := ""
	at = slices.Clone(at)
	slices.SortFunc(at, schema.Position.Compare)
	for i, p := range at {
		if i > 0 {
			b.WriteString(", ")
		}
		if p.File != file {
			b.WriteString(p.File + ":")
		}
		file = p.File
		b.WriteString(strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col))
	}
	return b.String()
}

// show writes a field's values: one line, and for text of several lines a diff
// below it, unless nothing is done about it.
func (d Diff) show(b *bytes.Buffer, c Change, style Style) {
	d.Before, d.After = d.named()
	before, after := breaks(d.Before), breaks(d.After)
	a := c.Action
	switch {
	case a == ActionRestore && strings.HasSuffix(d.Path, " ") && d.After.Is == schema.Absent: // the object itself
		b.WriteString("made by the apply: deleted\n")
	case a == ActionRestore && strings.HasSuffix(d.Path, " "):
		b.WriteString("deleted by the apply: made again\n")
	case len(before)+len(after) > 0 && c.Blocked != "":
		write(b, style.extent(d.Before, before), " → ", style.extent(d.After, after), "\n")
	case len(before)+len(after) > 0:
		d.showLines(b, a, before, after, style)
	case a == ActionCreate:
		write(b, style.oneLine(d.After), "\n")
	default:
		was, is := style.oneLines(d.Before, d.After)
		write(b, was, " → ", is, "\n")
	}
}

// oneLine keeps a value to one line that a terminal cannot be tricked with.
func (s Style) oneLine(v schema.Value) string { return s.clip(v.Display()) }

// clip is clip, but for what is shown whole.
func (s Style) clip(text string) string {
	if s.whole {
		return Printable(strings.ToValidUTF8(text, "\uFFFD"))
	}
	return clip(text)
}

func (i *Impact) String() string {
	text := Plural(i.Projects, "project") + ", " + Plural(i.Users, "user") + ", " + Plural(i.Runs, "live run")
	if i.Uses > 0 {
		text += ", " + Plural(i.Uses, "other use")
	}
	return text
}

// headline is the last line: the deployment, and what the plan amounts to.
func (p Plan) headline() string { return Printable(p.Deployment) + ": " + p.Amount() }

// Amount is what the plan amounts to, in a sentence that holds no name from outside.
func (p Plan) Amount() string {
	parts := p.Summary.parts()
	switch {
	case p.Recorded != nil && !p.Refused():
		return cmp.Or(strings.Join(parts, ", "), "nothing to do") + ", as a recording of " + p.Recorded.At + " has it; no apply goes by that."
	case len(parts) > 0:
	case p.Refused() && p.Restores != "":
		return "nothing can be taken back, because of the errors."
	case p.Refused():
		return "nothing can be applied, because of the errors."
	case p.Empty():
		return "nothing to do."
	default:
		return "nothing to do outside, only domctl's own records change."
	}
	todo := Plural(p.Summary.Steps, "step")
	if p.Stuck() || p.Refused() {
		todo = "nothing can be applied"
	}
	return fmt.Sprintf("%s; %s.", strings.Join(parts, ", "), todo)
}

// parts are what there is of each: "2 to update".
func (s Summary) parts() (parts []string) {
	for _, n := range []struct {
		n    int
		what string
	}{{s.Create, "to create"}, {s.Update, "to update"}, {s.Archive, "to archive"}, {s.Unset, "to unset"}, {s.Restore, "to restore"},
		{s.Adopt, "to adopt"}, {s.Release, "to release"}, {s.Blocked, "blocked"}} {
		if n.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n.n, n.what))
		}
	}
	return parts
}
