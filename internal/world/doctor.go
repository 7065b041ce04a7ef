package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// Check is one thing that was looked at: Do says what to do about one that
// failed.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`             // no failure
	Open   bool   `json:"open,omitempty"` // it cannot be told, which is no failure either
	Detail string `json:"detail"`
	Do     string `json:"do,omitempty"`
}

func passed(name, format string, args ...any) Check {
	return Check{Name: name, OK: true, Detail: fmt.Sprintf(format, args...)}
}

func failed(name, do, format string, args ...any) Check {
	return Check{Name: name, Detail: fmt.Sprintf(format, args...), Do: do}
}

// unread is the check of a read that failed.
func unread(name string, err error) Check {
	return Unanswered(name, "look at the message; run again once it is mended", err)
}

// Unanswered is the check of what did not answer as it should. do is for errors
// that are neither a denial nor the end of domctl's own patience.
func Unanswered(name, do string, err error) Check {
	switch {
	case errors.Is(err, port.ErrDenied):
		do = "give the permission; domctl doctor --policies prints what is needed"
	case errors.Is(err, context.Canceled):
		return failed(name, "run again, and let it end", "cancelled before it answered")
	case errors.Is(err, context.DeadlineExceeded):
		do = "look whether it can be reached from here, then run again"
	}
	return failed(name, do, "%v", err)
}

// Checks look at the outside without writing: who answers, what the database
// holds, and which reads AWS allows. Systems that do not answer cost one check
// each, not the rest.
func (w *World) Checks(ctx context.Context, d schema.Desired) []Check {
	parts := make([][]Check, 5)
	_ = sideBySide(
		func() error { parts[0] = w.checkWho(ctx); return nil },
		func() error { parts[1] = w.checkMongo(ctx, d); return nil },
		func() error { parts[2] = w.checkDomino(ctx, d); return nil },
		func() error { parts[3] = w.checkEnvironments(ctx, d); return nil },
		func() error { parts[4] = w.checkAWS(ctx, d); return nil })
	return slices.Concat(parts...)
}

func (w *World) checkWho(ctx context.Context) (checks []Check) {
	const name = "AWS account and region"
	id, err := w.identifyAWS(ctx)
	switch {
	case w.Deployment.AWS.Account == "":
		checks = append(checks, failed(name, "state deployment.aws.account and region, so that no other account is ever changed", "the deployment does not name them"))
	case err != nil:
		checks = append(checks, unread(name, err))
	default:
		checks = append(checks, passed(name, "%s, %s", id.Account, id.Region))
	}
	return checks
}

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

// checkAWS makes each read once, of next to nothing.
func (w *World) checkAWS(ctx context.Context, d schema.Desired) []Check {
	probes := map[string]func() error{
		"ec2:DescribeImages": func() error {
			_, err := w.Outside.DescribeImages(ctx, port.ImageQuery{Owners: []string{"self"}, Filters: map[string][]string{"name": {"domctl-doctor"}}})
			return err
		},
		"ec2:DescribeInstances": func() error {
			_, err := w.Outside.DescribeInstances(ctx, port.Select{IDs: []string{"i-00000000000000000"}})
			return err
		},
		"ec2:DescribeInstanceTypes": func() error {
			_, err := w.Outside.DescribeInstanceTypes(ctx, []string{"m5.large"})
			return err
		},
		"ec2:DescribeInstanceTypeOfferings": func() error {
			_, err := w.Outside.DescribeInstanceTypeOfferings(ctx, []string{"m5.large"})
			return err
		},
		"ec2:DescribeLaunchTemplates": func() error {
			_, err := w.Outside.DescribeLaunchTemplates(ctx, []string{"lt-00000000000000000"})
			return err
		},
		"ec2:DescribeLaunchTemplateVersions": func() error { _, err := w.Outside.DescribeDefaultVersions(ctx); return err },
		"autoscaling:DescribeAutoScalingGroups": func() error {
			_, err := w.Outside.DescribeAutoScalingGroups(ctx, []string{"domctl-doctor"})
			return err
		},
		"autoscaling:DescribeLaunchConfigurations": func() error {
			_, err := w.Outside.DescribeLaunchConfigurations(ctx, []string{"domctl-doctor"})
			return err
		},
		"autoscaling:DescribeScalingActivities": func() error {
			_, err := w.Outside.FailedActivities(ctx, "domctl-doctor", time.Time{})
			return orNothing(err)
		},
	}
	if schema.Rolls(d) {
		probes["autoscaling:DescribeInstanceRefreshes"] = func() error {
			_, err := w.Outside.DescribeInstanceRefreshes(ctx, "domctl-doctor")
			return orNothing(err)
		}
	}
	if schema.WatchesAlarms(d) {
		probes["cloudwatch:DescribeAlarms"] = func() error {
			_, err := w.Outside.DescribeAlarms(ctx, []string{"domctl-doctor"})
			return err
		}
	}
	if cluster := w.Deployment.AWS.Cluster; cluster != "" {
		probes["eks:DescribeCluster"] = func() error { _, err := w.Outside.DescribeCluster(ctx, cluster); return err }
		probes["eks:ListNodegroups"] = func() error { _, err := w.Outside.ListNodegroups(ctx, cluster); return err }
	}
	for _, o := range d.Objects {
		if name := o.Fields["ssm"].Str(); name != "" {
			probes["ssm:GetParameters"] = func() error { _, err := w.Outside.GetParameters(ctx, []string{name}); return err }
		}
	}
	names := schema.Sorted(probes)
	checks, _ := each(names, func(name string) (Check, error) {
		if err := probes[name](); err != nil {
			return unread(name, err), nil
		}
		return passed(name, "allowed"), nil
	})
	return checks
}

// orNothing takes nothing there for an answer.
func orNothing(err error) error {
	if errors.Is(err, port.ErrNotFound) {
		return nil
	}
	return err
}

// Uses are, by collection, the calls of port.Documents that a plan makes of it or,
// for apply, an apply.
func Uses(d schema.Deployment, apply bool) map[string][]string {
	calls := map[string][]string{}
	w := World{Deployment: d}
	add := func(collection string, names ...string) {
		for _, name := range names {
			if !slices.Contains(calls[collection], name) {
				calls[collection] = append(calls[collection], name)
			}
		}
	}
	for _, name := range schema.Sorted(kinds()) {
		for _, u := range w.usesOf(name) {
			add(u.collection, "Count")
		}
		k := kinds()[name]
		if k.documents == nil {
			continue
		}
		reads, writes := k.documents(d)
		for _, c := range reads {
			add(c, "Find")
		}
		for c, names := range writes {
			if apply {
				add(c, names...)
			}
		}
	}
	return calls
}
