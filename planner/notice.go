package planner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/schema"
)

// Person is somebody who uses what changes, as Domino's database names them. Email is
// empty where it holds none.
type Person struct {
	Login string           `json:"login"`
	Email string           `json:"email,omitempty"`
	Uses  []schema.Address `json:"uses"`
}

// Notice is a plan in words for those who feel it: whom it affects, what changes, when,
// and what they must do. Others use it too whom the database does not name, such as
// Viewers of an app; Impact counts uses.
type Notice struct {
	Deployment string   `json:"deployment"`
	Subject    string   `json:"subject"`
	To         []Person `json:"to"`
	Changes    []Noted  `json:"changes"`
	When       []Timed  `json:"when"`
	Do         []string `json:"do"`
}

// Noted is one change in words: "changes: cores 4 → 8".
type Noted struct {
	Address schema.Address `json:"address"`
	Says    string         `json:"says"`
	Impact  *Impact        `json:"impact,omitempty"`
}

// Timed is when changes take effect: those of Of, or all that is named nowhere else.
type Timed struct {
	Of   []schema.Address `json:"of,omitempty"`
	Says string           `json:"says"`
}

// Notice words a plan for those who feel it, at a moment. What is blocked is not done,
// and records of domctl's own nobody feels.
func (p Plan) Notice(to []Person, now time.Time) Notice {
	n := Notice{Deployment: p.Deployment, To: append([]Person{}, to...), Changes: []Noted{}, When: []Timed{}, Do: []string{}}
	kinds := map[string]int{}
	restart := false
	for _, c := range p.Changes {
		if c.Blocked != "" || c.Action == ActionAdopt || c.Action == ActionRelease {
			continue
		}
		kinds[c.Address.Kind]++
		restart = restart || restarts(c.Address)
		n.Changes = append(n.Changes, Noted{c.Address, c.says(), c.Impact})
		n.do(cmp.Or(p.ends(c.Address), c.toDo()))
	}
	if len(n.Changes) == 0 {
		n.Subject = p.Deployment + ": nothing changes"
		return n
	}
	var what []string
	for _, kind := range schema.Sorted(kinds) {
		what = append(what, kindWords(kind, kinds[kind]))
	}
	n.Subject = p.Deployment + ": " + schema.Listed(what, "and") + " change"
	if len(n.Changes) == 1 {
		n.Subject += "s"
	}
	n.When = p.when(now, restart)
	return n
}

// kindWords are how people call so many objects of a kind.
func kindWords(kind string, n int) string {
	if k, ok := schema.KindOf(kind); ok {
		return Plural(n, k.Noun())
	}
	return Plural(n, "object")
}

// says is a change in words.
func (c Change) says() string {
	switch c.Action {
	case ActionCreate:
		return "is new"
	case ActionArchive:
		return "is archived, and can no longer be chosen"
	case ActionUnset:
		return "goes back to Domino's own value"
	}
	const most = 5
	var parts []string
	for _, f := range c.Fields[:min(len(c.Fields), most)] {
		parts = append(parts, f.says())
	}
	if more := len(c.Fields) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	if len(parts) == 0 {
		return "changes"
	}
	return "changes: " + schema.Listed(parts, "and")
}

// says is a field in words, with its values where they are short.
func (d Diff) says() string {
	was, becomes := d.named()
	before, after := short(was), short(becomes)
	if before == "" || after == "" {
		return d.Path
	}
	return d.Path + " " + before + " → " + after
}

// short is a value that fits into a sentence, else "".
func short(v schema.Value) string {
	const most = 40
	if v.Is != schema.Known || len(v.Text) > most || strings.ContainsAny(v.Text, "{[\\\n") {
		return ""
	}
	return strings.Trim(v.Text, `"`)
}

// ends says what becomes of runs on nodes that a plan replaces; "" where it replaces none.
func (p Plan) ends(a schema.Address) string {
	says := ""
	for _, s := range p.Steps {
		var roll schema.Roll
		if s.Address != a || json.Unmarshal([]byte(s.Args["roll"].Text), &roll) != nil {
			continue
		}
		if roll.Force {
			return "Nodes are replaced, and what runs on one " + roll.DrainTimeout + " after it is closed for new runs ends. Save work first."
		}
		says = "Nodes are replaced, each when the last run on it has ended. A first start on a new node may take longer."
	}
	return says
}

// toDo is what those who use an object must do about its change.
func (c Change) toDo() string {
	k, _ := schema.KindOf(c.Address.Kind)
	switch {
	case c.Action == ActionArchive:
		return k.OnArchive
	case c.Action != ActionUpdate && c.Action != ActionRestore:
		return ""
	case slices.ContainsFunc(c.Fields, Diff.shrinks):
		return "A node pool becomes smaller: what runs on nodes beyond its new size ends. Save work first."
	}
	return k.OnUpdate
}

// shrinks says that fewer nodes may run than before.
func (d Diff) shrinks() bool {
	before, errBefore := strconv.ParseInt(short(d.Before), 10, 64)
	after, errAfter := strconv.ParseInt(short(d.After), 10, 64)
	return errBefore == nil && errAfter == nil && after < before && (strings.HasSuffix(d.Path, "size.max") || strings.HasSuffix(d.Path, "size.desired"))
}

func (n *Notice) do(text string) {
	if text != "" && !slices.Contains(n.Do, text) {
		n.Do = append(n.Do, text)
	}
}

// when says when what changes takes effect.
func (p Plan) when(now time.Time, restart bool) (out []Timed) {
	held := map[string][]schema.Address{}
	free := false
	for _, s := range p.Steps {
		if len(s.Gates) == 0 {
			free = true
		}
		for _, g := range s.Gates {
			text := g.says(now)
			if !slices.Contains(held[text], s.Address) {
				held[text] = append(held[text], s.Address)
			}
		}
	}
	switch {
	case free && len(held) > 0:
		out = append(out, Timed{Says: "As soon as it is applied, but for what follows."})
	case free || len(held) == 0:
		out = append(out, Timed{Says: "As soon as it is applied."})
	}
	for _, text := range schema.Sorted(held) {
		out = append(out, Timed{held[text], text})
	}
	if restart {
		out = append(out, Timed{Says: "Settings take effect when Domino's services restart; Domino may not answer for some minutes then."})
	}
	return out
}

// says is a gate in words.
func (g Gate) says(now time.Time) string {
	if g.Kind == ApprovalGate {
		return "after " + Plural(g.Approvals, "approval")
	}
	w := g.Window
	text := fmt.Sprintf("in a window (%s %s to %s, %s)", strings.Join(w.Days, ", "), w.From, w.To, w.Timezone)
	if at := w.Opens(now); !at.IsZero() {
		text += ", which opens next on " + w.Opening(at)
	}
	return text
}

// Text writes the notice as a message to send.
func (n Notice) Text(w io.Writer) error { return n.write(w, Printable, "", "- ") }

// Markdown writes the notice as a message to send where Markdown is read; names stand
// in code, where nothing else is read.
func (n Notice) Markdown(w io.Writer) error { return n.write(w, named, "## ", "- ") }

func (n Notice) write(w io.Writer, name func(string) string, heading, item string) error {
	var b strings.Builder
	plain := heading == ""
	subject := Printable(n.Subject)
	if plain {
		fmt.Fprintf(&b, "Subject: %s\n", subject)
	} else {
		rest := strings.TrimPrefix(n.Subject, n.Deployment)
		fmt.Fprintf(&b, "# %s%s\n", name(n.Deployment), Printable(rest))
	}
	part := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		b.WriteString("\n" + heading + title)
		if plain {
			b.WriteString(":")
		} else {
			b.WriteString("\n")
		}
		b.WriteString("\n")
		for _, l := range lines {
			b.WriteString(item + l + "\n")
		}
	}
	var to, what, when []string
	for _, p := range n.To {
		who := p.Login
		if p.Email != "" {
			who += " <" + p.Email + ">"
		}
		to = append(to, name(who)+" ("+name(Few(p.Uses))+")")
	}
	for _, c := range n.Changes {
		line := name(c.Address.String()) + " " + name(c.Says)
		if c.Impact != nil && *c.Impact != (Impact{}) {
			line += "; used by " + c.Impact.String()
		}
		what = append(what, line)
	}
	for _, t := range n.When {
		line := t.Says
		if len(t.Of) > 0 {
			line = name(Few(t.Of)) + ": " + name(t.Says)
		}
		when = append(when, line)
	}
	part("To", to)
	part("What changes", what)
	part("When", when)
	part("What to do", n.Do)
	_, err := io.WriteString(w, b.String())
	return err
}
