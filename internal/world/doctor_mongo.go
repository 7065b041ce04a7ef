package world

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

func (w *World) checkMongo(ctx context.Context, d schema.Desired) []Check {
	const name = "MongoDB"
	if w.Deployment.Mongo.Database == "" {
		return []Check{failed(name, "state deployment.mongo.database and replicaSet, so that no other database is ever changed", "the deployment does not name its database")}
	}
	if _, err := w.identifyMongo(ctx); err != nil {
		return []Check{unread(name, err)}
	}
	db, err := w.Outside.Database(ctx)
	if err != nil {
		return []Check{unread(name, err)}
	}
	checks := []Check{passed(name, "%s, replica set %s, version %s", db.Name, or(db.ReplicaSet), db.Version)}
	if !db.Primary {
		checks[0] = failed(name, "wait until the replica set has a primary", "%s: no primary answers", db.Name)
	}
	found := make([]Check, 0, 5)
	c := collections{w, db.Collections, d.Objects}
	for _, probe := range []func(context.Context) []Check{c.tiers, c.executors, c.environments, c.config} {
		found = append(found, probe(ctx)...)
	}
	return append(checks, found...)
}

// sample is how many unknown fields a check names.
const sample = 8

// collections probes those of a database that the files' objects live in.
type collections struct {
	*World
	there   []string
	objects map[schema.Address]schema.Object
}

// documents reads a collection for a probe; ok is false when the check says all
// there is to say. One that is not there is no failure where objects are declared
// and none of its kind. An empty mapping says that its name is Domino's own.
func (c collections) documents(ctx context.Context, kind, collection, mapping string) (docs []port.Document, check Check, ok bool) {
	name, do := "collection "+collection, "is deployment.mongo.database the right one?"
	if mapping != "" {
		do += " if it is, find the collection's name there and state it in " + mapping
	}
	declared := len(c.objects) == 0
	for a := range c.objects {
		declared = declared || a.Kind == kind
	}
	var err error
	if slices.Contains(c.there, collection) {
		docs, err = c.Outside.Find(ctx, port.Query{Collection: collection})
	}
	switch {
	case err != nil:
		return nil, unread(name, err), false
	case len(docs) > 0:
	case !declared:
		return nil, passed(name, "empty or not there, and no %s are declared", kind), false
	case !slices.Contains(c.there, collection):
		return nil, failed(name, do, "there is no such collection among %d", len(c.there)), false
	default:
		return nil, failed(name, do, "it is empty"), false
	}
	return docs, passed(name, "%d documents", len(docs)), true
}

// shape compares documents with where fields are thought to stand.
func shape(check Check, docs []port.Document, paths map[string]string, mapping string) Check {
	found, unknown := map[string]bool{}, map[string]bool{}
	for _, d := range docs {
		for p := range d {
			field := fieldAt(paths, p)
			if field != "" {
				found[field] = true
			} else if p != "_id" {
				unknown[p] = true
			}
		}
	}
	missing := 0
	for field := range paths {
		if !found[field] {
			missing++
		}
	}
	if len(found) == 0 {
		return failed(check.Name, "state where the fields stand in "+mapping, "%s, and none of the mapped fields is in any of them", check.Detail)
	}
	check.Detail += fmt.Sprintf(", %d mapped fields found, %d in none of them", len(found), missing)
	if names := schema.Sorted(unknown); len(names) > 0 {
		check.Detail += fmt.Sprintf("; left untouched: %s", strings.Join(names[:min(sample, len(names))], ", "))
		if len(names) > sample {
			check.Detail += fmt.Sprintf(" and %d more", len(names)-sample)
		}
	}
	return check
}

// fieldAt is the field whose place a document path is, or lies below.
func fieldAt(paths map[string]string, path string) string {
	for field, doc := range paths {
		if path == doc || strings.HasPrefix(path, doc+".") {
			return field
		}
	}
	return ""
}

func (c collections) tiers(ctx context.Context) []Check {
	const mapping = "deployment.mongo.mapping.hardwareTiers"
	collection, paths := tierPaths(c.Deployment.Mongo.Mapping.HardwareTiers)
	docs, check, ok := c.documents(ctx, "hardwareTiers", collection, mapping)
	if !ok {
		return []Check{check}
	}
	_, at := tierFields(paths)
	check = shape(check, docs, at, mapping+".fields")
	decode := tierDecoder(paths)
	for _, d := range docs {
		if _, errs := decode(rawOf(d)); len(errs) > 0 {
			check = failed(check.Name, "correct "+mapping+".fields, or the document", "%s: %v", idPlain(docRef(collection, idText(d["_id"]))), errs[0])
			break
		}
	}
	runs := passed("live runs behind a tier", "counted by runs.%s", paths["runs"])
	if paths["runs"] == "" {
		runs.Detail = "not counted: Domino does not publish where a run's tier stands; " + mapping + ".fields.runs may name it"
	}
	return []Check{check, runs}
}

func (c collections) executors(ctx context.Context) []Check {
	if c.Deployment.Executors != "classic" {
		return nil
	}
	const mapping = "deployment.mongo.mapping.executorGroups"
	collection, paths := executorPaths(c.Deployment.Mongo.Mapping.ExecutorGroups)
	docs, check, ok := c.documents(ctx, "hardwareTiers", collection, mapping)
	if !ok {
		return []Check{check}
	}
	return append([]Check{shape(check, docs, paths, mapping+".fields")}, c.instances(ctx)...)
}

func (c collections) environments(ctx context.Context) []Check {
	var checks []Check
	docs, check, ok := c.documents(ctx, "environments", environmentsCollection, "")
	if ok {
		paths := map[string]string{"owner": "ownerId", "activeRevision": "activeRevisionId"}
		for field, f := range environmentPaths() {
			paths[field] = f.doc
		}
		check = shape(check, docs, paths, "deployment.mongo.database")
	}
	checks = append(checks, check)
	const name = "environments of the first generation"
	if !slices.Contains(c.there, legacyCollection) {
		return append(checks, passed(name, "none"))
	}
	switch old, err := c.Outside.Count(ctx, port.Group{Collection: legacyCollection}); {
	case err != nil:
		return append(checks, unread(name, err))
	case len(old) > 0 && old[0].N > 0:
		return append(checks, failed(name, "have Domino migrate them to "+environmentsCollection, "DC605: %d of them, which domctl does not handle", old[0].N))
	}
	return append(checks, passed(name, "none"))
}

func (c collections) config(ctx context.Context) []Check {
	docs, check, ok := c.documents(ctx, "settings", configCollection, "")
	if !ok {
		return []Check{check}
	}
	if _, err := configRefs(docs); err != nil {
		return []Check{failed(check.Name, "remove one of the two", "%v", err)}
	}
	return []Check{shape(check, docs, map[string]string{"namespace": "namespace", "key": "key", "value": "value"}, "deployment.mongo.database")}
}
