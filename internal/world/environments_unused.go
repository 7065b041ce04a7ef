package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Unuse says of one environment whether nobody uses it. Unknown says why nobody can tell;
// then Unused is false.
type Unuse struct {
	Unused  bool
	Unknown string
}

// Unused says of environments, as Environments answers all of them, which nobody uses: no
// project, model, app, job, workspace, default or other environment, in Domino or in the
// files, no run since a moment and none that goes on. Those that are used are not in the
// answer, and what could not be read makes none unused. Domino is asked for the
// deployment's default and for what each environment is built on, unless all are used
// anyway. The error is ctx's own.
func (w *World) Unused(ctx context.Context, d schema.Desired, all []Environment, since time.Time) (map[string]Unuse, error) {
	u := unusing{World: w, of: map[string]string{}, used: map[string]bool{}}
	for _, e := range all {
		u.used[e.ID] = e.Impact != (planner.Impact{}) || len(e.Children) > 0 || e.LastUsed.After(since)
		for _, r := range e.Revisions {
			u.of[r.ID], u.of[r.Image] = e.ID, e.ID
		}
		for a, o := range d.Objects {
			to, _, is := o.Fields["environment"].Target()
			u.used[e.ID] = u.used[e.ID] || is && a.Kind == "defaultEnvironments" && to == e.Address
		}
	}
	delete(u.of, "")
	if slices.ContainsFunc(all, func(e Environment) bool { return !u.used[e.ID] }) {
		_ = sideBySide(
			func() error { u.pinned(ctx); return nil },
			func() error { u.standard(ctx); return nil },
			func() error { u.bases(ctx, all); return nil })
	}
	out := map[string]Unuse{}
	for _, e := range all {
		unknown := u.unknown
		if e.Runs > 0 && e.LastUsed.IsZero() {
			unknown = append(slices.Clone(unknown), "its runs do not say when they started")
		}
		if !u.used[e.ID] {
			slices.Sort(unknown)
			out[e.ID] = Unuse{Unused: len(unknown) == 0, Unknown: strings.Join(unknown, "; ")}
		}
	}
	return out, ctx.Err()
}

// unusing gathers who is used by what Environments does not count.
type unusing struct {
	*World
	of map[string]string // an environment's id by those and the images of its revisions

	mu      sync.Mutex
	used    map[string]bool // by id
	unknown []string        // why nobody can tell of those that nothing uses
}

func (u *unusing) use(environment string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.used[environment] = true
}

func (u *unusing) unread(what string, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.unknown = append(u.unknown, what+": "+err.Error())
}

// pinned are what names a revision, wherever its environment is named.
func (u *unusing) pinned(ctx context.Context) {
	for collection, path := range map[string]string{"model_versions": "environmentRevisionId", "projects": "defaultEnvironmentRevisionSpec"} {
		counts, err := u.Outside.Count(ctx, port.Group{Collection: collection, By: []string{path}})
		if err != nil {
			u.unread("which revisions are used, counted in "+collection, err)
		}
		for _, c := range counts {
			if id := revisionIn(c.Key[0]); u.of[id] != "" {
				u.use(u.of[id])
			}
		}
	}
}

// revisionIn is the id in an ObjectId, its digits, or SomeRevision(…) of them.
func revisionIn(text string) string { return anID.FindString(text) }

var anID = regexp.MustCompile(`[0-9a-f]{24}`)

// errUnstated is told where Domino's API would be asked.
var errUnstated = errors.New("the files do not state deployment.domino")

// standard is the deployment's default, of which only Domino's API tells.
func (u *unusing) standard(ctx context.Context) {
	const what = "the deployment's default environment"
	if u.Domino == nil {
		u.unread(what, errUnstated)
		return
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	raw, err := u.readDefault(within, nil)
	if err != nil {
		u.unread(what, err)
		return
	}
	u.use(raw[defaultRef]["environment"].Str())
}

// bases are what environments are built on: by the active revision of each, else the
// newest. One that Domino does not tell of may be built on any.
func (u *unusing) bases(ctx context.Context, all []Environment) {
	const what = "what environments are built on"
	if u.Domino == nil {
		u.unread(what, errUnstated)
		return
	}
	name, ids := map[string]string{}, []string(nil)
	for _, e := range all {
		id := e.Active
		if id == "" && len(e.Revisions) > 0 {
			id = e.Revisions[0].ID
		}
		if id != "" {
			name[id], ids = e.Name, append(ids, id)
		}
	}
	read, err := patiently(ctx, ids, u.Domino.GetDefinition)
	var failed []string
	for i, r := range read {
		switch {
		case r.err != nil && len(failed) == 0:
			err = fmt.Errorf("%s: %w", planner.Printable(name[ids[i]]), r.err)
			failed = append(failed, ids[i])
		case r.err != nil:
			failed = append(failed, ids[i])
		default:
			u.use(cmp.Or(r.of.Follow, r.of.BaseOf, u.of[r.of.Base], u.of[r.of.Image]))
		}
	}
	if more := len(failed) - 1; more > 0 {
		err = fmt.Errorf("%w; and %d more", err, more)
	}
	if err != nil {
		u.unread(what, err)
	}
}
