package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func writeEnvironments(out io.Writer, found []engine.Environment, o engine.Look, now time.Time) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(out, "There are no environments.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	head := []string{"ENVIRONMENT", "IN FILES", "REVISION", "NEWEST", "PROJECTS", "PEOPLE", "LAST USED", "CHILDREN"}
	if o.Bytes {
		head = append(head, "BYTES")
	}
	fmt.Fprintln(w, strings.Join(head, "\t"))
	for _, e := range found {
		active, newest := "-", "-"
		if r, ok := e.ActiveRevision(); ok {
			active = fmt.Sprint(r.Number)
		}
		if len(e.Revisions) > 0 {
			newest = fmt.Sprintf("%d, %s", e.Revisions[0].Number, builtText(e, e.Revisions[0]))
		}
		name := e.Name
		if e.Archived {
			name += " (archived)"
		}
		cells := []string{name, dash(e.Address.Name), active, newest, fmt.Sprint(e.Impact.Projects), fmt.Sprint(len(e.People)), ago(e.LastUsed, now), fmt.Sprint(len(e.Children))}
		if o.Bytes {
			cells = append(cells, sizeText(e))
		}
		fmt.Fprintln(w, strings.Join(each(cells, planner.Printable), "\t"))
	}
	if err := w.Flush(); err != nil || o.Building || !slices.ContainsFunc(found, newestUnbuilt) {
		return err
	}
	_, err := fmt.Fprintln(out, "\nnot built: under way, failed or killed; --building says which")
	return err
}

func newestUnbuilt(e engine.Environment) bool { return len(e.Revisions) > 0 && !e.Revisions[0].Built }

// builtText is how a build stands; where Domino's API did not tell, as its database says.
func builtText(e engine.Environment, r world.Revision) string {
	status := buildOf(e, r)
	switch {
	case status != nil && *status != port.BuildSucceeded:
		return *status
	case r.Built, status != nil:
		return "built"
	case e.Unbuilt != "":
		return "not built, as far as is known"
	}
	return "not built"
}

func ago(at, now time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return age(at.Format(time.RFC3339), now) + " ago"
}

func sizeText(e engine.Environment) string {
	if e.Bytes == nil {
		return "unknown"
	}
	return schema.ShortBytes(*e.Bytes)
}

// newestShown is how many revisions are shown of one environment to people.
const newestShown = 10

func writeEnvironment(out io.Writer, e engine.Environment, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := lines(w)
	line("environment", e.Name)
	line("id", e.ID)
	if e.Address != (schema.Address{}) {
		line("in files", e.Address.String())
	} else {
		line("in files", "no")
	}
	line("owner", e.Owner)
	line("visibility", e.Visible)
	if e.Archived {
		line("archived", "yes")
	}
	if r, ok := e.ActiveRevision(); ok {
		line("active", fmt.Sprintf("revision %d, made %s", r.Number, stampOf(r.Created)))
		line("image", cmp.Or(r.Image, "its document names none"))
		line("bytes", strings.TrimSuffix(sizeText(e)+": "+e.Unsized, ": "))
	} else {
		line("active", "no revision")
	}
	if e.BuiltOn != nil {
		line("built on", e.BuiltOn.String())
	} else if e.BaseUnknown != "" {
		line("built on", "unknown: "+e.BaseUnknown)
	}
	if status := newestBuild(e); status != nil {
		line("newest build", fmt.Sprintf("revision %d: %s", e.Revisions[0].Number, *status))
	} else if e.Unbuilt != "" {
		line("newest build", "unknown: "+e.Unbuilt)
	}
	line("last used", ago(e.LastUsed, now))
	line("runs", fmt.Sprintf("%d, %d of them live", e.Runs, e.Impact.Runs))
	line("data sets", "unknown: no field of Domino's database that names an environment is known for them")
	if err := w.Flush(); err != nil {
		return err
	}
	writeRevisions(out, e)
	list(out, "Built on it, by the files:", addresses(e.Children))
	if e.Unfollowed != "" {
		list(out, "What follows it in Domino is not known: "+planner.Printable(e.Unfollowed), nil)
	} else if e.Followers == nil {
		list(out, "What follows it in Domino is not known: the files do not state deployment.domino.", nil)
	} else {
		list(out, "Built again by Domino with it:", e.Followers)
	}
	list(out, "Used by:", usedText(e.UsedBy))
	var people []string
	for _, p := range e.People {
		people = append(people, strings.TrimSuffix(p.Login+" <"+p.Email+">", " <>"))
	}
	list(out, "People who use it:", people)
	return nil
}

// usersShown is how many users of a sort are named.
const usersShown = 20

// usedText is "2 projects: churn, pricing", a line for each sort.
func usedText(all []world.Used) (lines []string) {
	for _, u := range all {
		if u.Unknown != "" {
			lines = append(lines, "not known whether it is a "+u.What+": "+u.Unknown)
			continue
		}
		text := planner.Plural(len(u.Names), u.What) + ": " + strings.Join(each(u.Names[:min(len(u.Names), usersShown)], planner.Printable), ", ")
		if more := len(u.Names) - usersShown; more > 0 {
			text += fmt.Sprintf(", and %d more", more)
		}
		lines = append(lines, text)
	}
	return lines
}

func addresses(all []schema.Address) (names []string) {
	for _, a := range all {
		names = append(names, a.String())
	}
	return names
}

// list prints lines below a head; without any, a head that says all.
func list(out io.Writer, head string, lines []string) {
	if len(lines) == 0 && strings.HasSuffix(head, ":") {
		return
	}
	fmt.Fprintln(out, "\n"+head)
	for _, l := range lines {
		fmt.Fprintln(out, "  "+planner.Printable(l))
	}
}

func writeRevisions(out io.Writer, e engine.Environment) {
	if len(e.Revisions) == 0 {
		return
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "REVISION\tMADE\tBY\tSTATE\tIMAGE")
	for _, r := range e.Revisions[:min(len(e.Revisions), newestShown)] {
		state := builtText(e, r)
		if r.ID == e.Active {
			state += ", active"
		}
		fmt.Fprintln(w, strings.Join(each([]string{fmt.Sprint(r.Number), stampOf(r.Created), dash(byText(e, r)), state, dash(r.Image)}, planner.Printable), "\t"))
	}
	_ = w.Flush()
	if more := len(e.Revisions) - newestShown; more > 0 {
		fmt.Fprintf(out, "%s older; --format json has them all\n", planner.Plural(more, "revision"))
	}
}

// byText is the apply that made a revision, else who saved it.
func byText(e engine.Environment, r world.Revision) string {
	if apply := e.Applies[r.ID]; apply != "" {
		return "apply " + apply
	}
	if r.Author == "" && e.Unbuilt != "" {
		return "not known" // the tags that say so are the API's
	}
	return r.Author
}

func stampOf(t time.Time) string {
	if t.IsZero() {
		return "at a time that is not known"
	}
	return t.UTC().Format(time.RFC3339)
}
