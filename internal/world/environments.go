package world

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

const (
	environmentsCollection = "environments_v2"
	revisionsCollection    = "environment_revisions"
)

// observedOf has room for so many fields.
func observedOf(id string, fields int) schema.Observed {
	return schema.Observed{ID: id, Fields: make(map[string]schema.Value, fields)}
}

// legacyCollection is where environments of Domino's first generation live.
const legacyCollection = "environments"

// lookEnvironments reads the metadata of every environment and the revisions of
// those that are wanted.
func lookEnvironments(ctx context.Context, l *look) error {
	docs, err := l.Outside.Find(ctx, port.Query{Collection: environmentsCollection})
	if err != nil {
		return err
	}
	if len(docs) == 0 {
		if err := l.legacy(ctx); err != nil {
			return err
		}
	}
	if err := l.emptied("environments", "the collection "+environmentsCollection, len(docs)); err != nil {
		return err
	}
	d := l.directory(environmentsCollection, docs, func(_ planner.Ref, raw planner.Raw) []string { return []string{raw.At("name").Str()} })
	if d.prefer, err = l.preferring(ctx, d); err != nil {
		return err
	}
	found := map[schema.Address]planner.Ref{}
	for _, a := range l.wanted("environments") {
		if ref, ok := d.identify(a); ok {
			found[a] = ref
		}
	}
	if err := l.lookRevisions(ctx, found); err != nil {
		return err
	}
	return l.lookOwners(ctx)
}

// legacy refuses a database that has environments of the first generation only.
func (l *look) legacy(ctx context.Context) error {
	old, err := l.Outside.Count(ctx, port.Group{Collection: legacyCollection})
	if err != nil {
		return err
	}
	if len(old) > 0 && old[0].N > 0 {
		return fmt.Errorf("DC605: the %d environments of this database are of the first generation (collection %s); domctl handles %s only; have Domino migrate them",
			old[0].N, legacyCollection, environmentsCollection)
	}
	return nil
}

// lookRevisions reads the revisions of the found environments, to tell a
// revision's number from its id.
func (l *look) lookRevisions(ctx context.Context, found map[schema.Address]planner.Ref) error {
	if len(found) == 0 {
		return nil
	}
	var owners map[string]string
	var revisions map[planner.Ref]planner.Raw
	err := sideBySide(
		func() (err error) { revisions, err = l.readRevisions(ctx, found); return err },
		func() (err error) { owners, err = l.readOwners(ctx, found); return err })
	if err != nil {
		return err
	}
	maps.Copy(l.view.raw, revisions)
	paths := environmentPaths()
	for a, ref := range found {
		o, errs := l.decodeEnvironment(ref, paths, len(l.desired.Objects[a].Fields))
		if owner := owners[l.view.raw[ref]["ownerId"].Text]; owner != "" {
			o.Fields["owner"] = schema.JSON(owner)
		}
		l.mistyped(a, ref, errs)
		l.observe(a, ref, o)
		l.archived(a, o)
	}
	return l.lookDefinitions(ctx, maps.Clone(found))
}

func (l *look) readRevisions(ctx context.Context, found map[schema.Address]planner.Ref) (map[planner.Ref]planner.Raw, error) {
	var ids []string
	for _, a := range schema.Addresses(found) {
		ids = append(ids, idJSON(found[a].ID()))
	}
	docs, err := l.Outside.Find(ctx, port.Query{Collection: revisionsCollection, Any: map[string][]string{"environmentId": ids},
		Fields: []string{"environmentId", "metadata.number", "metadata.isBuilt"}})
	out := make(map[planner.Ref]planner.Raw, len(docs))
	for _, d := range docs {
		out[docRef(revisionsCollection, idText(d["_id"]))] = rawOf(d)
	}
	return out, err
}

// readOwners answers the login or organization name of each owner by id, where
// the files speak of any owner. An organization has a user of its own.
func (l *look) readOwners(ctx context.Context, found map[schema.Address]planner.Ref) (map[string]string, error) {
	ids := map[string]bool{}
	for a, ref := range found {
		if _, stated := l.desired.Objects[a].Fields["owner"]; stated {
			ids[l.view.raw[ref]["ownerId"].Text] = true
		}
	}
	return l.logins(ctx, ids)
}

// logins answers users' logins by id.
func (w *World) logins(ctx context.Context, ids map[string]bool) (map[string]string, error) {
	maps.DeleteFunc(ids, func(id string, _ bool) bool { // nobody's, and what cannot be looked for
		return id == "" || id[0] == '{' && !strings.HasPrefix(id, `{"$oid"`)
	})
	if len(ids) == 0 {
		return nil, nil
	}
	docs, err := w.Outside.Find(ctx, port.Query{Collection: "users", Any: map[string][]string{"_id": schema.Sorted(ids)}, Fields: []string{"loginId.id"}})
	names := make(map[string]string, len(docs))
	for _, d := range docs {
		names[d["_id"]] = schema.Value{Is: schema.Known, Text: d["loginId.id"]}.Str()
	}
	return names, err
}

// placed is a codec and where in a document its field stands.
type placed struct {
	doc string
	codec
}

// environmentPaths are the metadata that MongoDB holds, with the codec of each.
func environmentPaths() map[string]placed {
	return map[string]placed{
		"name":        {"name", codec{readText, writePlain}},
		"description": {"description", codec{readText, writePlain}},
		"archived":    {"isArchived", codec{readBool, writePlain}},
		"visibility":  {"visibility", codec{readVisibility, writeVisibility}},
	}
}

// decodeEnvironment states a document in the words of the schema, with room for
// more fields.
func (l *look) decodeEnvironment(ref planner.Ref, paths map[string]placed, more int) (o schema.Observed, errs []error) {
	raw := l.view.raw[ref]
	o = observedOf(idPlain(ref), len(paths)+3+more)
	for path, f := range paths {
		v, err := f.read(raw, f.doc)
		if err != nil {
			errs = append(errs, err)
		} else if v.Is != schema.Absent {
			o.Fields[path] = v
		}
	}
	active := standing(raw, "activeRevisionId")
	revision := l.view.raw[docRef(revisionsCollection, idText(active.Text))]
	switch number, err := readNumber(revision, "metadata.number"); {
	case err != nil:
		errs = append(errs, err)
	case number.Is != schema.Absent:
		o.Fields["activeRevision"] = number
	case active.Is != schema.Absent:
		errs = append(errs, fmt.Errorf("activeRevisionId names %s, which is no revision of it", plainJSON(active.Text)))
	}
	return o, errs
}

// Visibilities are capitalised outside.
func readVisibility(raw planner.Raw, doc string) (schema.Value, error) {
	v, err := readText(raw, doc)
	if v.Is == schema.Known {
		v = schema.JSON(strings.ToLower(v.Str()))
	}
	return v, err
}

func writeVisibility(_ planner.Raw, doc string, v schema.Value, out map[string]schema.Value) error {
	s := v.Str()
	if s == "" {
		return errors.New("visibility cannot be unset")
	}
	out[doc] = schema.JSON(strings.ToUpper(s[:1]) + s[1:])
	return nil
}

// lowerEnvironment writes the metadata that MongoDB holds, and has a revision built of
// the rest.
func lowerEnvironment(v *View, c planner.Change) (planner.Lowered, error) {
	ref, there := v.refs[c.Address]
	if !there {
		return v.createEnvironment(c), nil
	}
	writes := map[string]schema.Value{}
	var built []planner.Diff
	out := planner.Lowered{ID: schema.JSON(idPlain(ref)), Left: v.formAlone(c)}
	o := v.desired.Objects[c.Address]
	for _, d := range c.Fields {
		switch {
		case schema.FormAlone(d.Path), v.byAPI(d):
		case schema.BuildsRevision(d.Path):
			built = append(built, d)
		default:
			if err := v.encodeEnvironment(ref, d, writes); err != nil {
				return blocked("DC238", c.Address, err.Error(), "change it in Domino, or leave it out of the files", o.Positions(d.Path)), nil
			}
		}
	}
	if why := v.collides(c, ref); why != nil {
		return planner.Lowered{Blocked: why}, nil
	}
	if s := updateStep(c.Address, ref, v.raw[ref], writes); s != nil {
		out.Steps = append(out.Steps, *s)
	}
	steps, why := v.lived(c, ref)
	if why != nil {
		return planner.Lowered{Blocked: why}, nil
	}
	out.Steps = append(out.Steps, steps...)
	if len(built) > 0 {
		if why := v.unbuildable(c, built); why != nil {
			return planner.Lowered{Blocked: why}, nil
		}
		steps, remember, note := v.revise(c, ref)
		out.Steps, out.Remember, out.Note = append(out.Steps, steps...), remember, note
	}
	return out, nil
}

// encodeEnvironment puts one field's write into writes; the error says why it
// cannot be written.
func (v *View) encodeEnvironment(ref planner.Ref, d planner.Diff, writes map[string]schema.Value) error {
	f, metadata := environmentPaths()[d.Path]
	switch {
	case d.Path == "name" && d.After.Is != schema.Known:
		return errors.New("name cannot be unset")
	case metadata:
		return f.write(v.raw[ref], f.doc, d.After, writes)
	case d.Path == "activeRevision":
		id, built := v.revision(ref, d.After)
		if id.Is == schema.Absent || !built {
			return fmt.Errorf("revision %s is not there, or is not built", d.After.Display())
		}
		writes["activeRevisionId"] = id
		return nil
	}
	return fmt.Errorf("the %s of an environment cannot be changed", d.Path)
}

// revision finds an environment's revision by number.
func (v *View) revision(env planner.Ref, number schema.Value) (id schema.Value, built bool) {
	raw := v.raw[v.revisions()[revisionKey{env.ID(), number.Text}]]
	return standing(raw, "_id"), raw["metadata.isBuilt"].Bool()
}

// revisionKey is what a revision is told by: its environment's id, and its number.
type revisionKey struct{ environment, number string }

// indexRevisions keeps the first id where Domino holds a number twice.
func (v *View) indexRevisions() map[revisionKey]planner.Ref {
	index := map[revisionKey]planner.Ref{}
	for ref, raw := range v.raw {
		if ref.Type() != "mongo/"+revisionsCollection {
			continue
		}
		key := revisionKey{idText(raw["environmentId"].Text), plainJSON(raw["metadata.number"].Text)}
		if first, known := index[key]; !known || ref < first {
			index[key] = ref
		}
	}
	return index
}

// environmentUses are the fields that Domino's own docker-registry-cleaner reads
// (github.com/dominodatalab/docker-registry-cleaner).
func environmentUses(*World) []use {
	return []use{
		{collection: "projects", path: "overrideV2EnvironmentId", who: "ownerId", count: projects},
		{collection: organizationsCollection, path: organizationDefault, count: uses},
		{collection: "userPreferences", path: "defaultEnvironmentId", who: "userId", count: users},
		{collection: "runs", path: "environmentId", live: "completed", who: "startingUserId", count: runs},
		{collection: "workspace", path: "configTemplate.environmentId", skip: [2]string{"state", "Deleted"}, who: "ownerId", count: uses},
		{collection: "workspace", path: "configTemplate.computeClusterProps.computeEnvironmentId", skip: [2]string{"state", "Deleted"}, who: "ownerId", count: uses},
		{collection: "scheduler_jobs", path: "jobDataPlain.overrideEnvironmentId", count: uses},
		{collection: "app_versions", path: "environmentId", count: uses},
		{collection: "models", path: "environmentId", count: uses},
	}
}

func environmentDocuments(schema.Deployment) (reads []string, writes map[string][]string) {
	return []string{environmentsCollection, revisionsCollection, legacyCollection, "users", "model_versions"}, map[string][]string{environmentsCollection: {"UpdateOne"}}
}
