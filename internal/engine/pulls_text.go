package engine

import (
	"fmt"
	"strings"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Title is the revision as people name it, and where it ran.
func (s Slow) Title() string {
	title := ImagePull{Name: s.Name, Revision: s.Revision}.Title()
	if s.Tier != "" {
		title += " on " + s.Tier
	}
	return title
}

// How slow it was.
func (s Slow) How() string {
	return fmt.Sprintf("%d of %s, median %s, worst %s", s.Slow, planner.Plural(s.Runs, "run"), took(s.Median), took(s.Worst))
}

func took(millis int64) string {
	d := time.Duration(millis) * time.Millisecond
	if d > 10*time.Second {
		d = d.Round(time.Second)
	}
	text := d.String()
	if d > 0 && d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	return text
}

// Why says what the pool's nodes have of the image, and what can be done.
func (s Slow) Why() string {
	switch {
	case s.Label == "":
		return "where it ran is not known: it names no tier, or deployment.mongo.mapping.hardwareTiers.fields.runs does not say where"
	case s.Pool == (schema.Address{}):
		return fmt.Sprintf("no pool of the files has the label %q", s.Label)
	case s.Today == nil:
		return fmt.Sprintf("what new nodes of %s hold is not known", s.Pool) + s.declared(": domctl images suggest says what is worth caching")
	case *s.Today > 0:
		return fmt.Sprintf("a new node of %s pulls %s for it", s.Pool, schema.ShortBytes(*s.Today)) + s.before() + s.declared(": cache it (bake.cache), if domctl images suggest has it too")
	case s.Due():
		return fmt.Sprintf("%s, which nodes of %s start from, holds it: look at a node, domctl explain DC356", s.AMI, s.Pool)
	}
	return fmt.Sprintf("all from before %s, which nodes of %s start from and which holds it", s.AMI, s.Pool)
}

// before says that the pool's nodes started from something else then.
func (s Slow) before() string {
	if s.Earlier < s.Slow {
		return ""
	}
	return "; these ran before its image was made"
}

// declared says that the files mend it, else what would.
func (s Slow) declared(otherwise string) string {
	if s.Declared != nil && *s.Declared == 0 {
		return "; its AMI as the files have it holds the image"
	}
	return otherwise
}

// finding is what a policy may raise or turn off; nil where nobody need look.
func (s Slow) finding(d schema.Desired) *schema.Finding {
	o, there := d.Objects[s.Pool]
	if !there || !s.Due() {
		return nil
	}
	f := schema.Finding{Code: "DC357", Severity: schema.Info, Address: s.Pool, Positions: o.Positions("label"), Message: s.Title() + ": " + s.How() + "; " + s.Why(),
		Hint: "cache it, where it pays"}
	if s.Today != nil && *s.Today == 0 {
		f.Code, f.Severity, f.Hint = "DC356", schema.Warning, "look at a node of the pool: which image it started from, and whether the image was removed there"
	}
	return &f
}

func (p Pulls) findings(d schema.Desired) (found []schema.Finding) {
	for _, s := range p.Slow {
		if f := s.finding(d); f != nil {
			found = append(found, *f)
		}
	}
	return schema.Police(found, d.Deployment.Findings)
}

// Line says in one how many were asked for.
func (p Pulls) Line() string {
	if p.Off != "" {
		return "How long runs waited for their images is not known: " + p.Off + "."
	}
	if p.Asked == 0 && p.Unread == 0 {
		return "No run started in the window, so Domino was asked for none."
	}
	text := fmt.Sprintf("Domino was asked for %d of the newest %s and told the time of %d", p.Asked, planner.Plural(p.Looked, "run"), p.Timed)
	for _, also := range []struct {
		n    int
		what string
	}{{p.Unknown, "it does not know as jobs"}, {p.Untold, "it tells no time of"}, {p.Unread, "could not be read"}} {
		if also.n > 0 {
			text += fmt.Sprintf("; %d %s", also.n, also.what)
		}
	}
	return text + "."
}
