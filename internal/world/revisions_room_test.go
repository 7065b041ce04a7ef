package world_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

// busy is a Domino that counts the builds which are under way when one more is asked
// for.
type busy struct {
	*sandbox.World
	*builders
}

type builders struct {
	mu     sync.Mutex
	clock  *clock
	takes  time.Duration
	began  []time.Time
	most   int
	order  []string // environments
	asked  func()   // for a build
	cancel []string // environments whose builds were cancelled
}

func (d busy) CreateRevision(ctx context.Context, environment string, def port.Definition) (string, error) {
	id, err := d.World.CreateRevision(ctx, environment, def)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.began, d.order = append(d.began, d.clock.Now()), append(d.order, environment)
	under := 0
	for _, at := range d.began {
		if d.clock.Now().Before(at.Add(d.takes)) {
			under++
		}
	}
	if d.most = max(d.most, under); d.asked != nil {
		d.asked()
	}
	return id, err
}

func (d busy) CancelBuild(ctx context.Context, environment, revision string) error {
	d.mu.Lock()
	d.cancel = append(d.cancel, environment)
	d.mu.Unlock()
	return d.World.CancelBuild(ctx, environment, revision)
}

// fan is a bench with so many environments that are built on the first, and what the
// files say of them.
func fan(t *testing.T, many int, takes time.Duration) (*bench, *builders, map[schema.Address]schema.Object) {
	t.Helper()
	var environments, revisions []string
	e := map[schema.Address]schema.Object{}
	for n := range many {
		environments = append(environments, fmt.Sprintf(`{"_id": {"$oid": "66%022x"}, "name": "e%03d", "activeRevisionId": {"$oid": "67%022x"}}`, n, n, n))
		revisions = append(revisions, fmt.Sprintf(`{"_id": {"$oid": "67%022x"}, "environmentId": {"$oid": "66%022x"}, "metadata": {"number": 1, "isBuilt": true}}`, n, n))
		fields := map[string]any{"dockerfile": fmt.Sprintf("RUN echo %d", n)}
		if n > 0 {
			fields["base.environment"] = "@environments.e000#id"
		}
		maps.Copy(e, object("environments", fmt.Sprintf("e%03d", n), fields))
	}
	b := newBench(t, `"environments_v2": [`+strings.Join(environments, ",")+`], "environment_revisions": [`+strings.Join(revisions, ",")+`]`, "")
	b.deployment.Domino.URL = "https://domino.acme.example"
	b.change(`"aws": {`, fmt.Sprintf(`"domino": {"buildTime": %q}, "aws": {`, takes))
	w := &builders{clock: b.clock, takes: takes}
	b.api = func(world *sandbox.World) port.Domino { return busy{world, w} }
	return b, w, e
}

// TestBuildsSideBySide: of 500 in a fan no more than the limit are under way, and they
// begin in the plan's order, the base first.
func TestBuildsSideBySide(t *testing.T) {
	const many = 500
	b, w, e := fan(t, many, 2*time.Minute)
	p := b.plan(e)
	b.carryOut(e, p)
	if w.most != 4 || len(w.order) != many || w.order[0] != "66"+strings.Repeat("0", 22) {
		t.Errorf("%d builds were under way side by side, of %d, the first of %s", w.most, len(w.order), w.order[0])
	}
	for from := 1; from < many; from += 4 { // those that begin together do so in any order
		slices.Sort(w.order[from:min(from+4, many)])
	}
	if !slices.IsSorted(w.order) {
		t.Errorf("they began in another order: %v", w.order)
	}
	if again := b.plan(e); again.Changed() {
		t.Errorf("the second plan is not empty: %v", again.Changes[0])
	}
}

// TestTheFilesLimitBuilds: one after the other, and a failed one makes room.
func TestTheFilesLimitBuilds(t *testing.T) {
	b, w, e := fan(t, 6, 2*time.Minute)
	b.deployment.Domino.Builds = 1
	maps.Copy(e, object("environments", "e002", map[string]any{"dockerfile": "RUN exit 3", "base.environment": "@environments.e000#id"}))
	maps.Copy(e, object("environments", "e004", map[string]any{"dockerfile": "RUN echo x", "base.environment": "@environments.e002#id"}))
	p := b.plan(e)
	res, err := b.engine(e).Apply(t.Context(), p)
	if err != nil || res.Outcome != applier.FailedOutcome || w.most != 1 || len(w.order) != 5 || res.Done != 8 || res.Left != 4 {
		t.Errorf("%+v, %v: %d side by side of %d", res, err, w.most, len(w.order))
	}
	if why := strings.Join(res.Why, " "); !strings.Contains(why, "DC360: the build of revision 2 failed") || !strings.Contains(why, "domctl apply --supersede "+p.ID) || !strings.Contains(why, "returned a non-zero code") {
		t.Errorf("%s", why)
	}
}

// TestAnInterruptCancelsBuilds: those that the apply began, and no others; who goes on
// makes one more of each, and no plan is left over.
func TestAnInterruptCancelsBuilds(t *testing.T) {
	for _, way := range []string{"resume", "rollback", "lost", "lost rollback"} {
		t.Run(way, func(t *testing.T) {
			b, w, e := fan(t, 6, 2*time.Minute)
			if strings.HasPrefix(way, "lost") {
				b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "CancelBuild", Fault: "lost", Times: 1}}})
			}
			ctx, stop := context.WithCancel(t.Context())
			w.asked = func() {
				if len(w.order) == 4 {
					stop()
				}
			}
			p := b.plan(e)
			first := b.engine(e)
			first.Applier.Yield = true
			res, err := first.Apply(ctx, p)
			why := strings.Join(res.Why, " ")
			if err != nil || res.Outcome != applier.PausedOutcome || res.Done != 2 || !strings.Contains(why, "interrupted with 10 steps left, and what was under way ended: environments.e00") {
				t.Fatalf("%+v, %v", res, err)
			}
			for _, env := range w.cancel { // whichever of the four began
				if name := "environments.e" + env[len(env)-3:]; !strings.Contains(why, name) {
					t.Errorf("%s was cancelled: %s", name, why)
				}
			}
			built := len(w.order) // one that was asked for beside the last may have been made
			if len(w.cancel) != built-1 || built > 5 {
				t.Errorf("cancelled %v of %v", w.cancel, w.order)
			}
			if l, _, err := first.Applier.ReadLock(t.Context()); err != nil || !l.Free {
				t.Errorf("the lock is %+v, %v", l, err)
			}
			if strings.HasSuffix(way, "rollback") {
				b.rollback()
				if len(w.order) != built || len(w.cancel) != built-1 {
					t.Errorf("the way back built %v and cancelled %v", w.order[built:], w.cancel[built-1:])
				}
				return
			}
			next := b.engine(e)
			if res, err = next.Resume(t.Context(), p.ID, ""); err != nil || res.Outcome != applier.EndedOutcome {
				t.Fatalf("%+v, %v", res, err)
			}
			if len(w.order) != built+5 || len(w.cancel) != built-1 {
				t.Errorf("built %v, cancelled %v", w.order, w.cancel)
			}
			if again := b.plan(e); again.Changed() {
				t.Errorf("the next plan is not empty: %v", again.Changes)
			}
		})
	}
}
