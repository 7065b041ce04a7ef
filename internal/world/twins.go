package world

import (
	"cmp"
	"context"
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

// lookTwins finds the revisions that were built before of what the files state. It asks
// of environments alone that the records know, and one call a revision.
func (l *look) lookTwins(ctx context.Context, a schema.Address, env string, found map[schema.Address]planner.Ref) (twins []twin, err error) {
	want, known := l.stated(a, found)
	if entry, _ := l.applied().Former(l.desired, a); !known || entry == nil && l.applied().Latches[a] == "" {
		return nil, nil
	}
	key, active := schema.DefinitionKey(want), l.view.active(found[a])
	all := l.view.built(env, active)
	ids := make([]string, len(all))
	for i, t := range all {
		ids[i] = t.id
	}
	builds, err := each(ids, func(id string) (port.Build, error) { return l.Domino.GetBuild(ctx, env, id) })
	if err != nil {
		return nil, fmt.Errorf("the tags of its revisions: %w", err)
	}
	var from shownRevision
	for i, b := range builds {
		if !slices.Contains(b.Tags, schema.TagContent+key) {
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
		if t.key, t.from = key, from; !t.made.hidden && l.sameSecrets(ctx, want, t.made) {
			twins = append(twins, t)
		}
	}
	return twins, nil
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

// sameSecrets says that a revision holds what the secrets which the files name resolve to
// now. A mask tells nothing.
func (l *look) sameSecrets(ctx context.Context, want map[string]schema.Value, made shownRevision) bool {
	holds := shownFields(made)
	for p, v := range want {
		if v.Is != schema.Secret {
			continue
		}
		digest, err := l.Digest(ctx, v)
		if err != nil || port.Masked(holds[p].Str()) || !l.Same(digest, holds[p]) {
			return false
		}
	}
	return true
}

// twin is a revision that a step would make once more: of the same, on the same base.
func (v *View) twin(made planner.Step, key string) (t twin, found bool) {
	for _, t := range v.twins[made.Address] {
		if t.key == key && t.sameBase(made) && t.sameRest(made.Writes) {
			return t, true
		}
	}
	return t, false
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
