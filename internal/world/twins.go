package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// twin is a built revision with the content tag of what the files state.
type twin struct {
	id     string
	number int64
	key    string // the DefinitionKey of its tag
	// made is what it was built from, from what the active revision was: of that comes
	// what the files do not state.
	made, from shownRevision
}

// mostTwins is how many of an environment's revisions, the newest that are built, are
// looked at.
const mostTwins = 50

// lookTwins finds, of environments whose definition differs and which the records know,
// the revisions that were built before of what the files state.
func (l *look) lookTwins(ctx context.Context, found map[schema.Address]planner.Ref) error {
	var ask []string
	asked := map[string]schema.Address{}
	for _, a := range schema.Addresses(found) {
		entry, _ := l.applied().Former(l.desired, a)
		_, unread := l.view.Unread[a]
		if known := entry != nil || l.applied().Latches[a] != ""; known && !unread && l.Domino != nil && l.differs(a, found) {
			ask, asked[idPlain(found[a])] = append(ask, idPlain(found[a])), a
		}
	}
	answers, err := patiently(ctx, ask, func(ctx context.Context, env string) ([]twin, error) {
		return l.twinsOf(ctx, asked[env], env, found)
	})
	for i, t := range answers {
		a := asked[ask[i]]
		if l.view.twins[a] = t.of; t.err != nil {
			l.find("DC399", schema.Info, a, "whether one of its revisions was built of the same before is not known, so that it is built anew: "+planner.Printable(firstLine(t.err)), "plan again once Domino's API answers, to spare a build")
		}
	}
	return err
}

// firstLine is the first of several errors.
func firstLine(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// differs says that what the files want a revision built from is not what stands, as
// far as that is known.
func (l *look) differs(a schema.Address, found map[schema.Address]planner.Ref) bool {
	want, _ := l.stated(a, found)
	fields := l.view.Objects[a].Fields
	for p := range definitionOf(l.desired.Objects[a].Fields) {
		if want[p] != fields[p] {
			return true
		}
	}
	return false
}

// twinsOf costs one call a revision, and one more for each that has the tag.
func (l *look) twinsOf(ctx context.Context, a schema.Address, env string, found map[schema.Address]planner.Ref) (twins []twin, err error) {
	want, known := l.stated(a, found)
	if !known {
		return nil, nil
	}
	key, active := schema.DefinitionKey(want), l.view.active(found[a])
	all := l.view.built(env, active)
	ids := make([]string, len(all))
	for i, t := range all {
		ids[i] = t.id
	}
	builds, err := each(ids, func(id string) (port.Build, error) {
		b, err := l.Domino.GetBuild(ctx, env, id)
		if errors.Is(err, port.ErrNotFound) { // it has no tags that anybody sees
			err = nil
		}
		return b, err
	})
	if err != nil {
		return nil, err
	}
	var from shownRevision
	for i, b := range builds {
		if !slices.Contains(b.Tags, schema.TagContent+key) || b.Status != "" && b.Status != port.BuildSucceeded {
			continue
		}
		if len(twins) == 0 && active != "" {
			if from, err = l.showRevision(ctx, env, active); err != nil || from.hidden {
				return nil, err
			}
		}
		t := all[i]
		if t.made, err = l.showRevision(ctx, env, t.id); err != nil {
			return nil, err
		}
		if t.key, t.from = key, from; !t.made.hidden && l.isOf(ctx, a, want, t.made) {
			twins = append(twins, t)
		}
	}
	return l.withImages(ctx, twins)
}

// withImages leaves out the twins whose images are gone from the registry; one that
// cannot be asked says nothing of them.
func (l *look) withImages(ctx context.Context, twins []twin) ([]twin, error) {
	if len(twins) == 0 {
		return nil, nil
	}
	var ids []string
	for _, t := range twins {
		ids = append(ids, `{"$oid":"`+t.id+`"}`)
	}
	docs, err := l.Outside.Find(ctx, port.Query{Collection: revisionsCollection, Any: map[string][]string{"_id": ids}, Fields: []string{"metadata.dockerImageName"}})
	if err != nil {
		return nil, err
	}
	gone := map[string]bool{}
	for _, d := range docs {
		r := revisionOf(d, rawOf(d))
		_, err := l.Outside.Digests(ctx, r.Image, []string{Platform})
		gone[r.ID] = r.Image == "" || errors.Is(err, port.ErrNotFound)
	}
	return slices.DeleteFunc(twins, func(t twin) bool { return gone[t.id] }), nil
}

// built are the newest revisions of an environment that the database says are built,
// without the active one.
func (v *View) built(env, active string) (all []twin) {
	for key, ref := range v.revisions() {
		if digits(key.environment) != env || idPlain(ref) == active || !v.raw[ref]["metadata.isBuilt"].Bool() {
			continue
		}
		t := twin{id: idPlain(ref)}
		if _, err := fmt.Sscan(key.number, &t.number); err == nil {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b twin) int { return cmp.Or(cmp.Compare(b.number, a.number), cmp.Compare(a.id, b.id)) })
	return all[:min(len(all), mostTwins)]
}

// isOf says that a revision holds what the files state, and what the secrets which they
// name resolve to now. Its tag, which anybody may copy, shows none of it, and a mask
// tells nothing.
func (l *look) isOf(ctx context.Context, a schema.Address, want map[string]schema.Value, made shownRevision) bool {
	for _, value := range made.Variables {
		if port.Masked(value) {
			return false
		}
	}
	holds := l.holds(ctx, a, want, made, false)
	for p, v := range want {
		if holds[p] != v {
			return false
		}
	}
	return true
}

// twin is a revision that a step would make once more: of the same, on the same base.
func (v *View) twin(made planner.Step, key string) (t twin, found bool) {
	for _, t := range v.twins[made.Address] {
		if t.key == key && (t.id == v.recorded(made.Address, key) || t.sameBase(made)) && t.sameRest(made.Writes) {
			return t, true
		}
	}
	return t, false
}

// recorded is the revision that the last apply made active of a definition, whatever it
// is built on: to go back to it is no change of the files.
func (v *View) recorded(a schema.Address, key string) string {
	entry, _ := v.applied.Former(v.desired, a)
	if entry == nil || schema.DefinitionKey(entry.Fields) != key {
		return ""
	}
	return entry.Fields[schema.BuiltRevision].Str()
}

// sameBase says that a step would build on what the revision was built on. What floats is
// never the same: the deployment's default image, and a base that is followed.
func (t twin) sameBase(made planner.Step) bool {
	image, base := t.from.Image, t.from.Base
	follows := t.from.Follow != "" || made.Writes["base.rebuildOnBaseChanges"].Bool() || t.made.Follow != ""
	for p := range made.Writes {
		if strings.HasPrefix(p, "base.") {
			image, base = made.Writes["base.image"].Str()+made.Writes["base.uri"].Str(), made.Args["base"].Str()
		}
	}
	return !follows && image+base != "" && image == t.made.Image && base == t.made.Base
}

// sameRest says that what the files do not state, and a build carries over, is in the
// revision as it is in the active one.
func (t twin) sameRest(writes map[string]schema.Value) bool {
	holds, carried := shownFields(t.made), shownFields(t.from)
	for _, fields := range []map[string]schema.Value{holds, carried} {
		for p := range fields {
			want := carried[p]
			switch w, stated := writes[p]; {
			case strings.HasPrefix(p, "base."), w.Is != schema.Absent:
				continue
			case stated:
				want = schema.Value{}
			case strings.HasPrefix(p, "variables.") && port.Masked(want.Str()):
				return false
			}
			if holds[p] != want {
				return false
			}
		}
	}
	return true
}
