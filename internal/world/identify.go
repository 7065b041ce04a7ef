package world

import (
	"context"
	"fmt"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Identity asks the outside who answers: the account and region of AWS, the
// database and replica set of MongoDB. Systems that the deployment does not
// name are not asked.
func (w *World) Identity(ctx context.Context) (planner.World, error) {
	id := planner.World{Kind: w.Deployment.World}
	if w.Deployment.AWS.Account != "" {
		who, err := w.Outside.GetCallerIdentity(ctx)
		if err != nil {
			return id, fmt.Errorf("AWS: %w", err)
		}
		id.Account, id.Region = who.Account, who.Region
		if who.Account != w.Deployment.AWS.Account {
			return id, fmt.Errorf("DC601: AWS answers for account %s, the deployment names %s; use the credentials of that account", who.Account, w.Deployment.AWS.Account)
		}
	}
	if w.Deployment.Mongo.Database != "" {
		db, err := w.Outside.Database(ctx)
		if err != nil {
			return id, fmt.Errorf("MongoDB: %w", err)
		}
		id.Database, id.ReplicaSet = db.Name, db.ReplicaSet
		if want := w.Deployment.Mongo.ReplicaSet; want != "" && want != db.ReplicaSet {
			return id, fmt.Errorf("DC602: MongoDB answers as replica set %q, the deployment names %q; check the URI", db.ReplicaSet, want)
		}
	}
	return id, nil
}

// Identify compares who answers with who a plan was made against.
func (w *World) Identify(ctx context.Context, want planner.World) error {
	got, err := w.Identity(ctx)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("DC603: the plan was made against %s, and %s answers", describe(want), describe(got))
	}
	return nil
}

func describe(w planner.World) string {
	return fmt.Sprintf("%s (account %s, region %s, database %s, replica set %s)", w.Kind, or(w.Account), or(w.Region), or(w.Database), or(w.ReplicaSet))
}

func or(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// emptied refuses an empty answer where domctl knows objects: another database,
// or a partial read, looks just like it.
func (l *look) emptied(kind, what string, found int) error {
	known := 0
	for a := range l.applied.Entries {
		if a.Kind == kind {
			known++
		}
	}
	if found > 0 || known == 0 {
		return nil
	}
	return fmt.Errorf("DC604: %s is empty, and domctl applied %d %s before: this looks like another database; check the URI and the mapping", what, known, plural(known, kind))
}

func plural(n int, s string) string {
	if n == 1 && len(s) > 0 && s[len(s)-1] == 's' {
		return s[:len(s)-1]
	}
	return s
}

func (l *look) find(code string, severity schema.Severity, a schema.Address, message, hint string) {
	l.view.Findings = append(l.view.Findings, schema.Finding{Code: code, Severity: severity, Address: a, Message: message, Hint: hint,
		Positions: l.desired.Objects[a].Positions("")})
}

func (l *look) observe(a schema.Address, ref planner.Ref, o schema.Observed) {
	l.view.refs[a] = ref
	l.view.Objects[a] = o
}

// wanted are the addresses of a kind that the read is about: desired ones, and
// applied ones that are no longer desired.
func (l *look) wanted(kind string) (out []schema.Address) {
	all := map[schema.Address]bool{}
	for a := range l.desired.Objects {
		all[a] = a.Kind == kind
	}
	for a := range l.applied.Entries {
		if a.Kind == kind {
			all[a] = true
		}
	}
	for _, a := range schema.Addresses(all) {
		if all[a] {
			out = append(out, a)
		}
	}
	return out
}
