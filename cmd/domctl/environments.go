package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/world"
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
			e, err := a.open(cmd.Context(), a.dir(args), nil, 1)
			if err != nil {
				return err
			}
			now := e.Clock.Now()
			if err := unusedSince(&o, now, unused, since, cmd.Flags().Changed("since")); err != nil {
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
			return writeEnvironments(a.stdout, shown, o, now)
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
			read := func(e *engine.Engine, ctx context.Context) (engine.Environment, error) {
				return e.Environment(ctx, args[0], engine.Look{Bytes: true, API: true, Users: true})
			}
			return show(a, cmd, a.dir(args[1:]), form, read, func(e engine.Environment) any { return oneEnvironmentShape{shapes, shapeOfEnvironment(e)} }, writeEnvironment)
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
	BuiltOn    *builtOnShape   `json:"builtOn,omitempty"`
	BaseFault  string          `json:"builtOnUnknown,omitempty"`
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

// builtOnShape is the revision of another environment that the active one is built on.
type builtOnShape struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Revision int64  `json:"revision"`
	Newer    bool   `json:"newer"` // another one is active there
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
	What    string   `json:"what"`
	Count   int      `json:"count"`
	Names   []string `json:"names"`
	Unknown string   `json:"unknown,omitempty"`
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
	s.BaseFault = e.BaseUnknown
	if b := e.BuiltOn; b != nil {
		s.BuiltOn = &builtOnShape{b.ID, b.Name, b.Revision, b.Newer}
	}
	for _, c := range e.Children {
		s.Children = append(s.Children, c.String())
	}
	if e.UsedBy != nil {
		s.UsedBy = []usedShape{}
	}
	for _, u := range e.UsedBy {
		s.UsedBy = append(s.UsedBy, usedShape{u.What, len(u.Names), append([]string{}, u.Names[:min(len(u.Names), usersShown)]...), u.Unknown})
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
