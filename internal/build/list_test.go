package build_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
)

// listing is a Domino whose list of revisions is another one.
type listing struct {
	*sandbox.World
	list func([]port.Revision) []port.Revision
}

func (l listing) ListRevisions(ctx context.Context, environment string) ([]port.Revision, error) {
	all, err := l.World.ListRevisions(ctx, environment)
	return l.list(all), err
}

// TestAListThatLacksWhatThePlanSaw is no proof that nothing was made.
func TestAListThatLacksWhatThePlanSaw(t *testing.T) {
	for name, list := range map[string]func([]port.Revision) []port.Revision{
		"empty":            func([]port.Revision) []port.Revision { return nil },
		"the newest alone": func(all []port.Revision) []port.Revision { return all[:1] },
		"another id": func(all []port.Revision) []port.Revision {
			all = slices.Clone(all)
			all[len(all)-1].ID = env
			return all
		},
	} {
		w := newBench(t, "")
		w.write("create")
		w.b.Domino = listing{w.box, list}
		if st, err := w.b.Observe(t.Context(), w.at); err == nil || !strings.Contains(err.Error(), "which the plan saw") {
			t.Errorf("%s: %+v, %v", name, st, err)
		}
	}
}

// TestAListThatTellsAWrongTime cancels no build that is younger than two hours.
func TestAListThatTellsAWrongTime(t *testing.T) {
	w := newBench(t, "")
	w.at.Began = w.now
	w.write("create")
	w.b.Domino = listing{w.box, func(all []port.Revision) []port.Revision {
		all = slices.Clone(all)
		for i := range all {
			all[i].Created = time.UnixMilli(1)
		}
		return all
	}}
	w.now = w.now.Add(9 * time.Minute)
	w.ends(applier.Pending, "building since 9m0s")
	w.b.Now = func() time.Time { return w.now.Add(2 * time.Hour) }
	w.write("expire ")
}
