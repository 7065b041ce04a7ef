package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (a *app) environmentsVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "environments COMMAND", Short: "See the compute environments, their builds and who uses them",
		Example: "  domctl environments list prod\n  domctl environments show spark prod\n  domctl environments log spark prod --follow"}
	cmd.AddCommand(a.environmentsListVerb(), a.environmentsShowVerb(), a.environmentsLogVerb(), a.environmentsCancelVerb(), a.environmentsDuplicateVerb())
	return cmd
}

func (a *app) environmentsListVerb() *cobra.Command {
	var form *format
	var all, unused bool
	var since string
	var o engine.Look
	cmd := &cobra.Command{Use: "list [DIR]", Short: "List the compute environments, by name", Args: cobra.MaximumNArgs(1),
		Long: `Lists the environments of Domino's database, declared or not: the active revision,
whether it and the newest one are built, who uses each, and when it was run last.
Archived ones are left out, unless --all is given. With --bytes the registries
are asked for the size of each active revision's image; what they say is kept, so
that a second run is quick. With --building Domino's API is asked how the newest
build of each stands that is not built. Nothing is written. What cannot be read is an error:
it is never shown as none.

--unused lists those alone that no project, model, app, job, workspace, person's,
organization's or the deployment's default names, that no other environment is
built on, and that nobody ran since --since. Domino's API is asked for the default
and for what each is built on: where it cannot tell, nothing is said to be unused.`,
		Example: "  domctl environments list prod\n  domctl environments list prod --bytes\n  domctl environments list prod --unused --since 180d\n  domctl environments list prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			now := time.Now()
			if err := unusedSince(&o, now, unused, since, cmd.Flags().Changed("since")); err != nil {
				return err
			}
			e, err := a.open(cmd.Context(), a.dir(args), nil, 1)
			if err != nil {
				return err
			}
			found, err := e.Environments(cmd.Context(), o)
			if err != nil {
				return err
			}
			shape := environmentsShape{Format: shapes, Environments: []environmentShape{}}
			var shown []engine.Environment
			for _, f := range found {
				if all || !f.Archived {
					shown, shape.Environments = append(shown, f), append(shape.Environments, shapeOfEnvironment(f))
				}
			}
			if form.json() {
				return a.json(shape)
			}
			if unused {
				return writeUnused(a.stdout, shown, now)
			}
			return writeEnvironments(a.stdout, shown, o.Bytes, now)
		}}
	cmd.Flags().BoolVar(&all, "all", false, "list archived environments too")
	cmd.Flags().BoolVar(&o.Bytes, "bytes", false, "ask the registries how large the images are")
	cmd.Flags().BoolVar(&o.Building, "building", false, "ask Domino's API which of the newest revisions are being built, failed or were killed")
	cmd.Flags().BoolVar(&unused, "unused", false, "list those alone that nobody uses, as far as is known")
	cmd.Flags().StringVar(&since, "since", "90d", "how far back a run counts as use, with --unused")
	form = formatFlag(cmd, "json")
	return cmd
}

func (a *app) environmentsShowVerb() *cobra.Command {
	var form *format
	cmd := &cobra.Command{Use: "show ENVIRONMENT [DIR]", Short: "Say all there is to know of one environment", Args: cobra.RangeArgs(1, 2),
		Long: `Says of an environment, by the name of its entry in the files, its name in Domino or
its id, what is active, which revisions there are and who saved them, how the
builds of the newest ten are, what is built on it, which projects, models, apps, jobs and
workspaces use it, by name, which people, with their addresses, when it was run last,
and how large its image is. Domino's API is
asked where the files state it, and the registry of the image where it may be;
what they do not tell is said to be unknown, and why.`,
		Example: "  domctl environments show spark prod\n  domctl environments show 'Spark 3.5' prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.open(cmd.Context(), a.dir(args[1:]), nil, 1)
			if err != nil {
				return err
			}
			found, err := e.Environment(cmd.Context(), args[0], engine.Look{Bytes: true, API: true, Users: true})
			if err != nil {
				return err
			}
			if form.json() {
				return a.json(oneEnvironmentShape{shapes, shapeOfEnvironment(found)})
			}
			return writeEnvironment(a.stdout, found, time.Now())
		}}
	form = formatFlag(cmd, "json")
	return cmd
}

type environmentsShape struct {
	Format       int                `json:"format"`
	Environments []environmentShape `json:"environments"`
}

type oneEnvironmentShape struct {
	Format      int              `json:"format"`
	Environment environmentShape `json:"environment"`
}

// environmentShape has null for what nobody was asked, or nobody knows.
type environmentShape struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Address    string          `json:"address,omitempty"`
	Owner      string          `json:"owner,omitempty"`
	Visibility string          `json:"visibility"`
	Archived   bool            `json:"archived"`
	Active     *revisionShape  `json:"active"`
	Revisions  []revisionShape `json:"revisions"`
	Building   *string         `json:"building"`
	Unbuilt    string          `json:"buildsUnknown,omitempty"`
	Children   []string        `json:"children"`
	Followers  []string        `json:"followers"`
	Unfollowed string          `json:"followersUnknown,omitempty"`
	Projects   int64           `json:"projects"`
	DataSets   *int64          `json:"dataSets"`
	LiveRuns   int64           `json:"liveRuns"`
	Uses       int64           `json:"otherUses"`
	UsedBy     []usedShape     `json:"usedBy"`
	Users      []userShape     `json:"users"`
	Runs       int64           `json:"runs"`
	LastUsed   *time.Time      `json:"lastUsed"`
	Bytes      *int64          `json:"bytes"`
	Unsized    string          `json:"bytesUnknown,omitempty"`
	Unused     *bool           `json:"unused"`
	Unsure     string          `json:"unusedUnknown,omitempty"`
}

type revisionShape struct {
	ID      string     `json:"id"`
	Number  int64      `json:"number"`
	Active  bool       `json:"active"`
	Built   bool       `json:"built"`
	Build   *string    `json:"build"` // as Domino's API tells; null where it was not asked, or did not
	Created *time.Time `json:"created"`
	Author  string     `json:"author,omitempty"`
	Apply   string     `json:"apply,omitempty"` // that made it
	URI     string     `json:"uri,omitempty"`
}

// usedShape names the first of Count.
type usedShape struct {
	What  string   `json:"what"`
	Count int      `json:"count"`
	Names []string `json:"names"`
}

type userShape struct {
	Login string `json:"login"`
	Email string `json:"email,omitempty"`
}

func shapeOfEnvironment(e engine.Environment) environmentShape {
	s := environmentShape{ID: e.ID, Name: e.Name, Owner: e.Owner, Visibility: e.Visible, Archived: e.Archived, Revisions: []revisionShape{}, Building: newestBuild(e), Unbuilt: e.Unbuilt, Children: []string{}, Followers: e.Followers, Unfollowed: e.Unfollowed,
		Projects: e.Impact.Projects, LiveRuns: e.Impact.Runs, Uses: e.Impact.Uses, Users: []userShape{}, Runs: e.Runs, LastUsed: moment(e.LastUsed), Bytes: e.Bytes, Unsized: e.Unsized}
	if e.Address != (schema.Address{}) {
		s.Address = e.Address.String()
	}
	if e.Unuse != nil {
		if s.Unsure = e.Unuse.Unknown; e.Unuse.Unused {
			s.Unused = &e.Unuse.Unused
		}
	}
	for _, r := range e.Revisions {
		shape := revisionShape{ID: r.ID, Number: r.Number, Active: r.ID == e.Active, Built: r.Built, Created: moment(r.Created), Author: r.Author, Apply: e.Applies[r.ID], URI: r.Image, Build: buildOf(e, r)}
		if s.Revisions = append(s.Revisions, shape); shape.Active {
			s.Active = &shape
		}
	}
	for _, c := range e.Children {
		s.Children = append(s.Children, c.String())
	}
	if e.UsedBy != nil {
		s.UsedBy = []usedShape{}
	}
	for _, u := range e.UsedBy {
		s.UsedBy = append(s.UsedBy, usedShape{u.What, len(u.Names), u.Names[:min(len(u.Names), usersShown)]})
	}
	for _, p := range e.People {
		s.Users = append(s.Users, userShape{p.Login, p.Email})
	}
	return s
}

// buildOf is how a revision's build stands, where Domino's API told.
func buildOf(e engine.Environment, r world.Revision) *string {
	if status := e.Builds[r.ID]; status != "" {
		return &status
	}
	return nil
}

func newestBuild(e engine.Environment) *string {
	if len(e.Revisions) == 0 {
		return nil
	}
	return buildOf(e, e.Revisions[0])
}

// moment is null where nobody tells it.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func writeEnvironments(out io.Writer, found []engine.Environment, bytes bool, now time.Time) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(out, "There are no environments.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	head := []string{"ENVIRONMENT", "IN FILES", "REVISION", "NEWEST", "PROJECTS", "PEOPLE", "LAST USED", "CHILDREN"}
	if bytes {
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
		if bytes {
			cells = append(cells, sizeText(e))
		}
		fmt.Fprintln(w, strings.Join(each(cells, planner.Printable), "\t"))
	}
	return w.Flush()
}

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
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, planner.Printable(value))
		}
	}
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
	return r.Author
}

func stampOf(t time.Time) string {
	if t.IsZero() {
		return "at a time that is not known"
	}
	return t.UTC().Format(time.RFC3339)
}
