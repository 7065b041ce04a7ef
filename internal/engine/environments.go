package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"domctl.dev/applier"
	"domctl.dev/internal/build"
	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Environment is one compute environment as it stands.
type Environment struct {
	world.Environment
	// Builds are how the builds of its newest revisions stand, by the revision's id, as
	// Domino's API tells; nil where it was not asked, or Unbuilt says why it is not known.
	Builds  map[string]string
	Unbuilt string
	// Followers are what Domino builds again with it, in files or not. nil: nobody was
	// asked, or Unfollowed says why it is not known.
	Followers  []string
	Unfollowed string
	// BuiltOn is what its active revision is built on, where that is another environment's;
	// nil: it is none, nobody was asked, or BaseUnknown says why it is not known.
	BuiltOn     *BuiltOn
	BaseUnknown string
	// Bytes of the active revision's image, compressed, as a registry has it. nil: nobody
	// was asked, or Unsized says why it is not known.
	Bytes   *int64
	Unsized string
	// Applies made some of the newest revisions, by the revision's id. nil: nobody was
	// asked.
	Applies map[string]string
	// UsedBy are its users by name. nil: nobody was asked.
	UsedBy []world.Used
	// Unuse is nil where it is used, or nobody was asked.
	Unuse *world.Unuse
}

// Look says what is asked beside Domino's database.
type Look struct {
	Bytes bool // the registries, for the size of each active revision's image
	API   bool // Domino's, for builds and followers, of one environment
	// Building asks Domino's API for the newest build of each that its database does not
	// say is built, of the archived ones aside.
	Building bool
	Users    bool // the database, for who uses one environment, by name
	// UnusedSince leaves out those that are used: by who could use them, or by a run since
	// then. Zero leaves out none.
	UnusedSince time.Time
}

// askedBeside is how many are asked of one side by side, Domino's API or a registry.
const askedBeside = 8

// Environments are all there are, by name. Calls grow with pages; with Bytes, with
// images.
func (e *Engine) Environments(ctx context.Context, o Look) ([]Environment, error) {
	if _, err := e.world.Identity(ctx); err != nil {
		return nil, err
	}
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return nil, err
	}
	found, err := e.world.Environments(ctx, e.Compiled.Desired, applied)
	if err != nil {
		return nil, err
	}
	all := make([]Environment, len(found))
	for i, f := range found {
		all[i].Environment = f
	}
	if !o.UnusedSince.IsZero() {
		unused, err := e.world.Unused(ctx, e.Compiled.Desired, found, o.UnusedSince)
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(one Environment) bool { _, is := unused[one.ID]; return !is })
		for i := range all {
			of := unused[all[i].ID]
			all[i].Unuse = &of
		}
	}
	if o.Bytes {
		e.size(ctx, all)
	}
	if o.Building {
		err = e.askNewest(ctx, all)
	}
	return all, cmp.Or(err, ctx.Err())
}

// Environment is one of them, by the name of its entry in files, its name in Domino, or
// its id.
func (e *Engine) Environment(ctx context.Context, name string, o Look) (Environment, error) {
	all, err := e.Environments(ctx, Look{})
	if err != nil {
		return Environment{}, err
	}
	one, err := oneEnvironment(all, name)
	if err != nil {
		return one, cmp.Or(e.unmade(name), err)
	}
	if o.Bytes {
		sized := []Environment{one}
		e.size(ctx, sized)
		one = sized[0]
	}
	if o.Users {
		used, err := e.world.UsedBy(ctx, one.ID)
		if err != nil {
			return one, err
		}
		one.UsedBy = append([]world.Used{}, used...)
	}
	if o.API && e.Domino != nil {
		err = e.ask(ctx, &one, lookedAt)
		one.nameBase(all)
	}
	return one, err
}

// askWithin bounds what is waited for of Domino's API beside its database.
const askWithin = 20 * time.Second

// ask adds what Domino's API alone tells, of so many of the newest revisions. What it does
// not tell is not known, and takes nothing else away. The error is ctx's own, or that of
// the records.
func (e *Engine) ask(ctx context.Context, of *Environment, newest int) error {
	history, err := e.Applier.History(ctx)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var wait sync.WaitGroup
	wait.Go(func() {
		followers, err := e.Domino.ListFollowers(within, of.ID)
		if err != nil {
			of.Unfollowed = err.Error()
			return
		}
		of.Followers = []string{}
		for _, f := range followers {
			of.Followers = append(of.Followers, f.Name)
		}
	})
	wait.Go(func() { e.askBase(within, of) })
	wait.Go(func() { e.askBuilds(within, of, newest, build.StepTags(history)) })
	wait.Wait()
	return ctx.Err()
}

// askBuilds stops at the first that is not told. made are the tags of what applies made,
// with the apply's id.
func (e *Engine) askBuilds(ctx context.Context, of *Environment, newest int, made map[string]string) {
	of.Builds, of.Applies = map[string]string{}, map[string]string{}
	for _, r := range of.Revisions[:min(len(of.Revisions), newest)] {
		b, err := e.Domino.GetBuild(ctx, of.ID, r.ID)
		if err != nil {
			of.Unbuilt = err.Error()
			return
		}
		of.Builds[r.ID] = b.Status
		for _, t := range b.Tags {
			if apply := made[t]; apply != "" {
				of.Applies[r.ID] = apply
			}
		}
	}
}

// askNewest asks for the newest builds that may be under way, some side by side.
func (e *Engine) askNewest(ctx context.Context, all []Environment) error {
	if e.Domino == nil {
		return errNoAPI
	}
	within, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(askedBeside)
	for i := range all {
		if of := &all[i]; !of.Archived && len(of.Revisions) > 0 && !of.Revisions[0].Built {
			group.Go(func() error { e.askBuilds(within, of, 1, nil); return nil })
		}
	}
	return group.Wait()
}

// oneEnvironment finds what somebody means.
func oneEnvironment(all []Environment, name string) (Environment, error) {
	key := strings.TrimPrefix(name, "environments.")
	var found []Environment
	for _, is := range []func(Environment) bool{
		func(e Environment) bool { return e.Address != (schema.Address{}) && e.Address.Name == key },
		func(e Environment) bool { return e.ID == name },
		func(e Environment) bool { return e.Name == name && !e.Archived },
		func(e Environment) bool { return e.Name == name },
	} {
		for _, e := range all {
			if is(e) {
				found = append(found, e)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		var names []string
		for _, e := range all {
			names = append(names, e.Name)
			if e.Address != (schema.Address{}) {
				names = append(names, e.Address.Name)
			}
		}
		meant := "domctl environments list shows those there are"
		if near := schema.Nearest(name, names); near != "" {
			meant = "did you mean " + schema.ShellWord(near) + "?"
		}
		return Environment{}, fmt.Errorf("DC367: there is no environment %q; %s", name, meant)
	}
	var ids []string
	for _, e := range found {
		ids = append(ids, e.ID)
	}
	return Environment{}, fmt.Errorf("DC367: %d environments are called %q; name one by its id: %s", len(found), name, strings.Join(ids, ", "))
}

// unmade says that an entry of the files is not in Domino yet; nil where none is meant.
func (e *Engine) unmade(name string) error {
	declared := e.Compiled.Desired.Objects
	for _, a := range schema.Addresses(declared) {
		if a.Kind == schema.EnvironmentAddress("").Kind && (a.Name == strings.TrimPrefix(name, "environments.") || declared[a].Fields["name"].Str() == name) {
			return fmt.Errorf("DC367: %s stands in the files, and not in Domino's database: it is not applied yet\nhint: domctl plan --target %s shows what an apply makes", a, schema.ShellWord(a.String()))
		}
	}
	return nil
}

// Revision is one of an environment's by its number; 0 is the newest. Called is what the
// environment was asked for by.
func (e Environment) Revision(number int64, called string) (world.Revision, error) {
	for _, r := range e.Revisions {
		if number == 0 || r.Number == number {
			return r, nil
		}
	}
	if number == 0 {
		return world.Revision{}, fmt.Errorf("DC368: %s has no revision", planner.Printable(e.Name))
	}
	return world.Revision{}, fmt.Errorf("DC368: %s has no revision %d; domctl environments show %s lists those it has", planner.Printable(e.Name), number, schema.ShellWord(called))
}

// errNoAPI is answered where Domino's API would be asked.
var errNoAPI = errors.New("DC370: the files do not say how to reach Domino's API; state deployment: domino: {url: …, apiKey: secret: …}")

// followEvery is how often a log that goes on is read.
const followEvery = 3 * time.Second

// BuildLog hands out what the build of a revision wrote, some lines at a time, and with
// follow until it is over. It answers how the build ended, or how far it is.
func (e *Engine) BuildLog(ctx context.Context, of Environment, revision world.Revision, follow bool, show func([]string) error) (status string, err error) {
	if e.Domino == nil {
		return "", errNoAPI
	}
	reader, since := e.buildLogs(), int64(0)
	for {
		build, err := e.Domino.GetBuild(ctx, of.ID, revision.ID)
		if err != nil {
			return "", fmt.Errorf("the build of revision %d: %w", revision.Number, err)
		}
		lines, err := reader.Read(ctx, of.ID, revision.ID, since, e.Compiled.Desired.Objects[of.Address].Fields)
		if err != nil {
			return build.Status, fmt.Errorf("DC369: the log of revision %d cannot be shown: %w", revision.Number, err)
		}
		var texts []string
		for _, l := range lines {
			texts, since = append(texts, planner.LogLine(l.Text)), l.At
		}
		if err := show(texts); err != nil {
			return build.Status, err
		}
		if !follow || over(build.Status) {
			return build.Status, nil
		}
		if err := e.Clock.Sleep(ctx, followEvery); err != nil {
			return build.Status, err
		}
	}
}

// over says that a build has ended.
func over(status string) bool {
	return slices.Contains([]string{port.BuildSucceeded, port.BuildFailed, port.BuildKilled}, status)
}
