package world

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Identity asks the outside who answers: the account and region of AWS, the
// database and replica set of MongoDB, side by side. A live deployment that does
// not name them is refused; of a sandbox, systems that it does not name are not
// asked.
func (w *World) Identity(ctx context.Context) (planner.World, error) {
	var aws, mongo planner.World
	err := sideBySide(
		func() (err error) { aws, err = w.identifyAWS(ctx); return err },
		func() (err error) { mongo, err = w.identifyMongo(ctx); return err })
	return planner.World{Kind: w.Deployment.World, Account: aws.Account, Region: aws.Region, Database: mongo.Database, ReplicaSet: mongo.ReplicaSet}, err
}

func (w *World) identifyAWS(ctx context.Context) (id planner.World, err error) {
	want := w.Deployment.AWS
	if want.Account == "" || want.Region == "" && w.live() {
		return id, w.unnamed("DC601: the deployment does not name its AWS account and region; state deployment.aws.account and region")
	}
	who, err := w.Outside.GetCallerIdentity(ctx)
	if err != nil {
		return id, fmt.Errorf("AWS: %w", err)
	}
	id.Account, id.Region = who.Account, who.Region
	switch {
	case who.Account != want.Account:
		err = fmt.Errorf("DC601: AWS answers for account %s, the deployment names %s; use the credentials of that account", who.Account, want.Account)
	case want.Region != "" && who.Region != want.Region:
		err = fmt.Errorf("DC601: AWS answers for region %s, the deployment names %s; check AWS_REGION and the profile", who.Region, want.Region)
	}
	return id, err
}

func (w *World) live() bool { return w.Deployment.World == "live" }

// unnamed is the error of a system that nothing can be compared with.
func (w *World) unnamed(why string) error {
	if w.live() {
		return errors.New(why + ", so that no other one is changed")
	}
	return nil
}

func (w *World) identifyMongo(ctx context.Context) (id planner.World, err error) {
	want := w.Deployment.Mongo
	if want.Database == "" {
		return id, w.unnamed("DC602: the deployment does not name its database; state deployment.mongo.database")
	}
	db, err := w.Outside.Database(ctx)
	if err != nil {
		return id, fmt.Errorf("MongoDB: %w", err)
	}
	id.Database, id.ReplicaSet = db.Name, db.ReplicaSet
	switch {
	case want.Database != db.Name:
		err = fmt.Errorf("DC602: MongoDB answers for database %q, the deployment names %q; check the URI", db.Name, want.Database)
	case want.ReplicaSet != "" && want.ReplicaSet != db.ReplicaSet:
		err = fmt.Errorf("DC602: MongoDB answers as replica set %q, the deployment names %q; check the URI", db.ReplicaSet, want.ReplicaSet)
	}
	return id, err
}

// Identify compares who answers with who a plan was made against.
func (w *World) Identify(ctx context.Context, want planner.World) error {
	got, err := w.Identity(ctx)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("DC603: the plan was made against %s, and %s answers; apply it where it was made for, or plan again", describe(want), describe(got))
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
	for a := range l.applied().Entries {
		if a.Kind == kind {
			known++
		}
	}
	if found > 0 || known == 0 {
		return nil
	}
	return fmt.Errorf("DC604: %s is empty, and domctl applied %s before: this looks like another database; check the URI and the mapping", what, planner.Plural(known, strings.TrimSuffix(kind, "s")))
}

func (l *look) find(code string, severity schema.Severity, a schema.Address, message, hint string) {
	l.view.Findings = append(l.view.Findings, schema.Finding{Code: code, Severity: severity, Address: a, Message: message, Hint: hint,
		Positions: l.desired.Objects[a].Positions("")})
}

// observe adds an object to the view. Others refer to its identity as "id".
func (l *look) observe(a schema.Address, ref planner.Ref, o schema.Observed) {
	o.Fields["id"] = schema.JSON(o.ID)
	l.view.refs[a] = ref
	l.view.Objects[a] = o
}

// wanted are the addresses of a kind that the read is about: desired ones, and
// applied ones that are no longer desired.
func (l *look) wanted(kind string) (out []schema.Address) {
	all := map[schema.Address]bool{}
	for a := range l.desired.Objects {
		if a.Kind == kind {
			all[a] = true
		}
	}
	for a := range l.applied().Entries {
		if a.Kind == kind {
			all[a] = true
		}
	}
	return schema.Addresses(all)
}

// directory is a collection's documents by id and by name, to identify
// addresses with.
type directory struct {
	*look
	collection string
	byID       map[string]planner.Ref
	byName     map[string][]planner.Ref
	claimed    map[planner.Ref]schema.Address
	// prefer tells those of one name apart; nil: any of them may be meant.
	prefer func(o schema.Object, refs []planner.Ref) []planner.Ref
}

func (l *look) directory(collection string, docs []port.Document, names func(planner.Ref, planner.Raw) []string) directory {
	d := directory{l, collection, map[string]planner.Ref{}, map[string][]planner.Ref{}, map[planner.Ref]schema.Address{}, nil}
	for _, doc := range docs {
		ref := docRef(collection, idText(doc["_id"]))
		l.view.raw[ref] = rawOf(doc)
		if _, taken := d.byID[idPlain(ref)]; !taken || ref.ID() == idPlain(ref) {
			d.byID[idPlain(ref)] = ref
		}
		for _, name := range names(ref, l.view.raw[ref]) {
			d.byName[name] = append(d.byName[name], ref)
		}
	}
	return d
}

// identify finds the document of an address: the id the files state, else the
// one the last apply recorded, else the only one of that name. ok is false when
// there is none, or when it is not clear which.
func (d directory) identify(a schema.Address) (ref planner.Ref, ok bool) {
	o := d.desired.Objects[a]
	if id := o.Fields["id"].Str(); id != "" {
		ref, ok = d.byID[id]
		return d.claim(a, ref, ok)
	}
	refs := d.named(a, o)
	if e, _ := d.applied().Former(d.desired, a); e != nil && e.ID.Str() != "" {
		ref, ok = d.byID[e.ID.Str()]
		if !ok && len(refs) > 0 {
			d.find("DC144", schema.Error, a, fmt.Sprintf("the last apply set it on %s, which is gone, and %s lives under its name", e.ID.Str(), joinIDs(refs)),
				"state id, if that one is meant; else rename it in Domino")
		}
		return d.claim(a, ref, ok)
	}
	if len(refs) > 1 {
		d.find("DC140", schema.Error, a, fmt.Sprintf("the name is ambiguous: %s live under it", joinIDs(refs)), "state id: one of them")
		return "", false
	}
	if len(refs) == 0 {
		return "", false
	}
	return d.claim(a, refs[0], true)
}

// named are the documents that live under an object's name in files, else under
// the name it states.
func (d directory) named(a schema.Address, o schema.Object) []planner.Ref {
	refs := d.byName[a.Name]
	if name := o.Fields["name"].Str(); len(refs) == 0 && name != "" {
		refs = d.byName[name]
	}
	if d.prefer != nil {
		return d.prefer(o, refs)
	}
	return refs
}

// claim refuses a document that another desired address has.
func (d directory) claim(a schema.Address, ref planner.Ref, ok bool) (planner.Ref, bool) {
	if _, desired := d.desired.Objects[a]; !ok || !desired {
		return ref, ok
	}
	if other, taken := d.claimed[ref]; taken {
		hint := "state a different id, or remove one of the two"
		if d.desired.Objects[a].Fields["id"].Is != schema.Known {
			hint = other.String() + " has its name: state another name, or the id of the one that is meant, or remove one of the two"
		}
		d.find("DC145", schema.Error, a, fmt.Sprintf("is %s outside, and so is %s", idPlain(ref), other), hint)
		return "", false
	}
	d.claimed[ref] = a
	return ref, true
}

func joinIDs(refs []planner.Ref) string {
	ids := make([]string, len(refs))
	for i, r := range refs {
		ids[i] = idPlain(r)
	}
	return strings.Join(ids, ", ")
}

// mistyped says that a live field cannot be read in the schema's words.
func (l *look) mistyped(a schema.Address, ref planner.Ref, errs []error) {
	for _, err := range errs {
		l.find("DC146", schema.Error, a, string(ref)+": "+err.Error(), "check deployment.mongo.mapping with domctl doctor, or correct the document")
	}
}
