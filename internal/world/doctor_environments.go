package world

import (
	"context"
	"errors"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// checkEnvironments tells by route whether the key may read what environments are built
// from: it asks for the active revision of one that the database holds. Nothing is written.
func (w *World) checkEnvironments(ctx context.Context, d schema.Desired) []Check {
	const name = "GET /v4/environments"
	if w.Domino == nil {
		return nil
	}
	docs, err := w.Outside.Find(ctx, port.Query{Collection: environmentsCollection, Fields: []string{"activeRevisionId"}})
	if err != nil {
		return []Check{unread(name, err)}
	}
	docs = slices.DeleteFunc(docs, func(d port.Document) bool {
		return digits(d["_id"]) == "" || digits(d["activeRevisionId"]) == ""
	})
	if len(docs) == 0 {
		return []Check{{Name: name, OK: true, Open: true, Detail: "not known: no environment has an active revision to ask for"}}
	}
	one := slices.MinFunc(docs, func(a, b port.Document) int { return strings.Compare(a["_id"], b["_id"]) })
	env, revision := digits(one["_id"]), digits(one["activeRevisionId"])
	needed := false
	for a, o := range d.Objects {
		needed = needed || a.Kind == "environments" && builds(o.Fields)
	}
	routes := []struct {
		path string
		ask  func() error
	}{
		{"/environmentRevision/{revision}", func() error { _, err := w.Domino.GetDefinition(ctx, revision); return err }},
		{"/{id}/environmentRevision/{revision}", func() error { _, err := w.Domino.GetBuild(ctx, env, revision); return err }},
		{"/{id}/page/{n}/pageSize/{m}/revisions", func() error { _, err := w.Domino.ListRevisions(ctx, env); return err }},
		{"/{id}/childrenFollowingActive", func() error { _, err := w.Domino.ListFollowers(ctx, env); return err }},
	}
	checks, asks := make([]Check, len(routes)), make([]func() error, len(routes))
	for i, r := range routes {
		asks[i] = func() error { checks[i] = readCheck(name+r.path, env, needed, r.ask()); return nil }
	}
	_ = sideBySide(asks...)
	return checks
}

// readCheck judges one route by which environments are read.
func readCheck(name, env string, needed bool, err error) Check {
	const do = "use the key of a Domino administrator"
	switch {
	case err == nil && !needed:
		return passed(name, "answers; no environment of the files needs it")
	case err == nil:
		return passed(name, "answers")
	case !needed:
		return Check{Name: name, OK: true, Open: true, Detail: "not needed: " + err.Error()}
	case errors.Is(err, port.ErrNotFound):
		return failed(name, do, "DC293: environment %s stands in Domino's database, and its API does not show it", env)
	case errors.Is(err, port.ErrDenied):
		return failed(name, do, "%v", err)
	}
	return Unanswered(name, "check deployment.domino.url; run again once Domino's API answers", err)
}
