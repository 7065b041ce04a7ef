package world

import (
	"context"
	"fmt"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

const (
	environmentsCollection = "environments_v2"
	revisionsCollection    = "environment_revisions"
)

func observedOf(id string) schema.Observed {
	return schema.Observed{ID: id, Fields: map[string]schema.Value{}}
}

// lookEnvironments reads the metadata of every environment and the revisions of
// those that are wanted.
func lookEnvironments(ctx context.Context, l *look) error {
	docs, err := l.Outside.Find(ctx, port.Query{Collection: environmentsCollection})
	if err != nil {
		return err
	}
	if err := l.emptied("environments", "the collection "+environmentsCollection, len(docs)); err != nil {
		return err
	}
	byName := map[string][]planner.Ref{}
	for _, d := range docs {
		ref := docRef(environmentsCollection, idText(d["_id"]))
		l.view.raw[ref] = rawOf(d)
		name := l.view.raw[ref]["name"].Str()
		byName[name] = append(byName[name], ref)
	}
	found := map[schema.Address]planner.Ref{}
	for _, a := range l.wanted("environments") {
		if ref, ok := l.identify(a, environmentsCollection, byName); ok {
			found[a] = ref
		}
	}
	return l.lookRevisions(ctx, found)
}

// lookRevisions reads the revisions of the found environments, to tell a
// revision's number from its id.
func (l *look) lookRevisions(ctx context.Context, found map[schema.Address]planner.Ref) error {
	var ids []string
	for _, a := range schema.Addresses(found) {
		ids = append(ids, idJSON(found[a].ID()))
	}
	if len(ids) == 0 {
		return nil
	}
	docs, err := l.Outside.Find(ctx, port.Query{Collection: revisionsCollection, Any: map[string][]string{"environmentId": ids},
		Fields: []string{"environmentId", "metadata.number", "metadata.isBuilt"}})
	if err != nil {
		return err
	}
	for _, d := range docs {
		ref := docRef(revisionsCollection, idText(d["_id"]))
		l.view.raw[ref] = rawOf(d)
	}
	for a, ref := range found {
		l.observe(a, ref, l.decodeEnvironment(ref))
	}
	return nil
}

func (l *look) decodeEnvironment(ref planner.Ref) schema.Observed {
	raw, o := l.view.raw[ref], observedOf(ref.ID())
	readPlain(raw, "name", "name", o.Fields)
	readPlain(raw, "description", "description", o.Fields)
	readPlain(raw, "isArchived", "archived", o.Fields)
	if v := raw.At("visibility"); v.Is == schema.Known {
		o.Fields["visibility"] = schema.JSON(strings.ToLower(v.Str()))
	}
	active := l.view.raw[docRef(revisionsCollection, idText(raw.At("activeRevisionId").Text))]
	readNumber(active, "metadata.number", "activeRevision", o.Fields)
	return o
}

// lowerEnvironment writes the metadata that MongoDB holds. What a revision is
// built from needs a build, which is planned as blocked.
func lowerEnvironment(v *View, c planner.Change) (planner.Lowered, error) {
	ref, there := v.refs[c.Address]
	if !there {
		return blocked("DC231", c.Address, "the environment is not there yet, and this version of domctl does not build environments",
			"create it in Domino, then domctl import; or wait for a version that builds", c.Positions), nil
	}
	writes := map[string]schema.Value{}
	var builds []string
	for _, d := range c.Fields {
		if schema.BuildsRevision(d.Path) {
			builds = append(builds, d.Path)
			continue
		}
		why, err := v.encodeEnvironment(ref, d, writes)
		if err != nil || why != "" {
			return blocked("DC238", c.Address, why, "choose a revision that Domino has built", c.Positions), err
		}
	}
	if len(builds) > 0 {
		return blocked("DC231", c.Address, "changes "+strings.Join(builds, ", ")+", which needs a new revision, and this version of domctl does not build environments",
			"save the revision in Domino, or leave these fields out of the files for now", c.Positions), nil
	}
	out := planner.Lowered{ID: schema.JSON(ref.ID())}
	if s := updateStep(c.Address, ref, v.raw[ref], writes); s != nil {
		out.Steps = append(out.Steps, *s)
	}
	return out, nil
}

// encodeEnvironment puts one field's write into writes; why says that it cannot
// be written.
func (v *View) encodeEnvironment(ref planner.Ref, d planner.Diff, writes map[string]schema.Value) (why string, err error) {
	switch d.Path {
	case "name", "description":
		writes[d.Path] = d.After
	case "archived":
		writes["isArchived"] = d.After
	case "visibility":
		s := d.After.Str()
		if s == "" {
			return "visibility cannot be unset", nil
		}
		writes["visibility"] = schema.JSON(strings.ToUpper(s[:1]) + s[1:])
	case "activeRevision":
		id, built := v.revision(ref, d.After)
		if id.Is == schema.Absent || !built {
			return fmt.Sprintf("revision %s is not there, or is not built", d.After.Display()), nil
		}
		writes["activeRevisionId"] = id
	case "owner":
		return "the owner of an environment cannot be changed", nil
	default:
		return "", fmt.Errorf("field %s is not known here", d.Path)
	}
	return "", nil
}

// revision finds an environment's revision by number.
func (v *View) revision(env planner.Ref, number schema.Value) (id schema.Value, built bool) {
	for ref, raw := range v.raw {
		if ref.Type() != "mongo/"+revisionsCollection || idText(raw["environmentId"].Text) != env.ID() {
			continue
		}
		if plainJSON(raw["metadata.number"].Text) == number.Text {
			return raw["_id"], raw["metadata.isBuilt"].Bool()
		}
	}
	return schema.Value{}, false
}
