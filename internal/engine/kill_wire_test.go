//go:build wire

package engine_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/aws"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/mongo"
	"domctl.dev/internal/port"
	"domctl.dev/internal/registry"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/internal/state"
	"domctl.dev/internal/wiretest"
	"domctl.dev/internal/worldtest"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

var kills = flag.Int("kills", -1, "the one side of a call at which processes die; below 0: each in turn")

// wired is a deployment on the wire servers that processes come and go on.
type wired struct {
	*wiretest.Acme
	t        *testing.T
	dir      string
	compiled compiler.Result
	clock    *sim.Jump
	store    applier.Store
	grid     func(*sim.Kill) port.Grid // the nodes of a process; nil: none
	census   port.Executions           // nil: nobody lists executions

	mu       sync.Mutex
	commands []string // as sent to MongoDB
}

func newWired(t *testing.T) *wired {
	t.Helper()
	w := &wired{Acme: wiretest.NewAcme(t), t: t, clock: sim.NewJump()}
	w.Account.Setenv()
	w.states(w.Files())
	return w
}

// states lays the deployment's files down.
func (w *wired) states(files map[string]string) {
	w.t.Helper()
	root := w.t.TempDir()
	for name, text := range files {
		name = filepath.Join(root, name)
		w.must(os.MkdirAll(filepath.Dir(name), 0o755))
		w.must(os.WriteFile(name, []byte(text), 0o644))
	}
	w.dir = filepath.Join(root, "acme")
	w.compile()
}

func (w *wired) compile() {
	w.t.Helper()
	var err error
	w.compiled, err = sim.Compile(w.t.Context(), w.dir)
	w.must(err)
}

func (w *wired) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *wired) cloud() *aws.Client {
	w.t.Helper()
	cloud, err := aws.Open(w.t.Context(), aws.Config{Region: w.Account.Region})
	w.must(err)
	return cloud
}

func (w *wired) observe(command, collection string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commands = append(w.commands, "mongo "+command+" "+collection)
}

// process opens one, with clients of its own, that dies after so many sides.
func (w *wired) process(kill *sim.Kill) (*engine.Engine, error) {
	w.t.Helper()
	documents, err := mongo.Open(w.URI, w.Database, mongo.Options{Observe: w.observe})
	w.must(err)
	w.t.Cleanup(func() { _ = documents.Close(context.Background()) })
	cloud := w.cloud()
	outside := port.Parts{Documents: documents, STS: cloud, EC2: cloud, AutoScaling: cloud, EKS: cloud, SSM: cloud, CloudWatch: cloud, Shell: cloud, Registry: registry.New(registry.Config{})}
	hooked := worldtest.Hooked{Outside: outside, Hook: func(call string, after bool) error { return kill.Gate(call, phase(after)) }}
	var nodes port.Grid
	if w.grid != nil {
		nodes = w.grid(kill)
	}
	secret := func(context.Context, string) (schema.Value, error) { return schema.JSON("canary-token-new"), nil }
	return engine.Open(w.t.Context(), engine.Config{Compiled: w.compiled, Outside: hooked, Store: sim.Gated(w.store, kill.Gate, w.clock), Secret: secret,
		Nodes: nodes, Executions: w.census, Clock: w.clock, Random: rand.Text, Holder: "test", Parallelism: 1})
}

func phase(after bool) sandbox.Phase {
	if after {
		return sandbox.After
	}
	return sandbox.Before
}

func (w *wired) engine() *engine.Engine {
	w.t.Helper()
	e, err := w.process(sim.KillAfter(-1))
	w.must(err)
	return e
}

func (w *wired) plan() planner.Plan {
	w.t.Helper()
	p, err := w.engine().Plan(w.t.Context(), engine.PlanOptions{})
	w.must(err)
	return p
}

func (w *wired) ended(res applier.Result, err error) {
	w.t.Helper()
	if err != nil || res.Outcome != applier.EndedOutcome {
		w.t.Fatalf("%+v, %v", res, err)
	}
}

// applied applies in a process that may be killed, and then goes on.
func (w *wired) applied(p planner.Plan, kill *sim.Kill) {
	w.t.Helper()
	e, err := w.process(kill)
	var res applier.Result
	if err == nil {
		res, err = e.Apply(w.t.Context(), p)
	}
	if err == nil {
		w.ended(res, err)
		return
	}
	if !killed(err) {
		w.t.Fatalf("neither killed nor done: %v", err)
	}
	w.goOn(p)
}

func killed(err error) bool {
	return errors.Is(err, sim.ErrKilled) || strings.Contains(err.Error(), sim.ErrKilled.Error())
}

// goOn is what a person does after a crash.
func (w *wired) goOn(p planner.Plan) {
	w.t.Helper()
	e := w.engine()
	res, err := e.Applier.Resume(w.t.Context(), p.ID)
	if applier.IsMissing(err) {
		res, err = e.Apply(w.t.Context(), p)
	}
	w.ended(res, err)
}

// written are the writes that were sent to MongoDB and AWS, sorted, without
// those of the records: the ids in them differ from one deployment to the next.
func (w *wired) written() []string {
	w.t.Helper()
	var all []string
	for _, c := range w.commands {
		if slices.Contains([]string{"insert", "update", "delete", "findAndModify", "bulkWrite"}, strings.Fields(c)[1]) {
			all = append(all, c)
		}
	}
	for _, c := range w.Account.Calls() {
		if c.Service != "s3" && c.Service != "kms" && !readOnly(c.Action) {
			all = append(all, c.Service+" "+c.Action)
		}
	}
	slices.Sort(all)
	return all
}

func readOnly(action string) bool {
	return slices.ContainsFunc([]string{"Describe", "Get", "List"}, func(verb string) bool { return strings.HasPrefix(action, verb) })
}

// settled holds what is true wherever the process died.
func (w *wired) settled(p planner.Plan) {
	w.t.Helper()
	if again := w.plan(); !again.Empty() || len(again.Changes)+len(again.Drift) > 0 {
		var b strings.Builder
		_ = again.Text(&b, planner.Style{})
		w.t.Errorf("the second plan is not empty:\n%s", b.String())
	}
	w.told(p)
}

// told holds that the records tell the whole story, and that nobody holds anything.
func (w *wired) told(p planner.Plan) {
	w.t.Helper()
	e := w.engine()
	if l, _, err := e.Applier.ReadLock(w.t.Context()); err != nil || !l.Free {
		w.t.Errorf("the lock is %+v, %v", l, err)
	}
	if open, err := e.Applier.OpenApplies(w.t.Context()); err != nil || len(open) > 0 {
		w.t.Errorf("open applies: %v, %v", open, err)
	}
	s, err := e.Applier.Summary(w.t.Context(), p.ID)
	if err != nil || s.Outcome != applier.EndedOutcome || s.Done != len(p.Steps) {
		w.t.Errorf("the records tell %q with %d of %d steps done, %v", s.Outcome, s.Done, len(p.Steps), err)
	}
}

// made is what AWS holds: versions of templates, by their images, and launch
// configurations, which a repeated write would add to.
func (w *wired) made() string {
	w.t.Helper()
	cloud := w.cloud()
	var b strings.Builder
	for _, template := range []string{w.Template, w.Pinned} {
		found, err := cloud.DescribeLaunchTemplates(w.t.Context(), []string{template})
		w.must(err)
		versions, err := cloud.DescribeLaunchTemplateVersions(w.t.Context(), template, nil)
		w.must(err)
		slices.SortFunc(versions, func(a, b port.LaunchTemplateVersion) int { return cmp.Compare(a.Number, b.Number) })
		for _, v := range versions {
			fmt.Fprintf(&b, "%s: %s, the default: %t\n", template, v.Image, v.Number == found[0].Default)
		}
	}
	configurations, err := cloud.DescribeLaunchConfigurations(w.t.Context(), nil)
	w.must(err)
	fmt.Fprintf(&b, "%d launch configurations\n", len(configurations))
	return b.String()
}

// TestWireKilledAtEveryCall is TestApplyKilledAtEveryCall and
// TestRollbackKilledAtEveryCall on MongoDB and AWS as they answer on the wire.
// One deployment goes there and back again: each round an apply dies one side
// further on, is resumed and taken back by a rollback that dies as far on. The
// records of every fourth call are in a bucket, the rest in memory.
func TestWireKilledAtEveryCall(t *testing.T) {
	w := newWired(t)
	before := w.stands()
	w.fresh("whole", true)
	whole := w.round(sim.KillAfter(-1), sim.KillAfter(-1), before)
	t.Logf("%d writes; %d sides of the apply, %d of the way back", len(whole.wrote), len(whole.there), len(whole.back))
	for _, k := range chosen(t, max(len(whole.there), len(whole.back))) {
		ok := t.Run(strconv.Itoa(k), func(t *testing.T) {
			w.t = t
			w.fresh(strconv.Itoa(k), k/2%4 == 0)
			there := min(k, len(whole.there)-1)
			back := min(k, len(whole.back)-1)
			r := w.round(sim.KillAfter(there), sim.KillAfter(back), before)
			if !slices.Equal(r.wrote, whole.wrote) {
				t.Errorf("wrote\n%s\nwant\n%s", strings.Join(r.wrote, "\n"), strings.Join(whole.wrote, "\n"))
			}
			if r.made != whole.made {
				t.Errorf("AWS held\n%swant\n%s", r.made, whole.made)
			}
			if t.Failed() {
				t.Fatalf("the apply was killed at %s, the rollback at %s; again: -kills=%d", whole.there[there], whole.back[back], k)
			}
		})
		if !ok {
			return // the next round would start from what this one left
		}
	}
}

// round is what one way there and back did.
type round struct {
	wrote, there, back []string
	made               string // between the two
}

func (w *wired) round(there, back *sim.Kill, before string) (r round) {
	w.t.Helper()
	p := w.plan()
	w.applied(p, there)
	w.settled(p)
	r.made = w.made()
	w.takenBack(p, back, before)
	r.wrote, r.there, r.back = w.written(), there.Sides(), back.Sides()
	return r
}

// fresh begins a round: nothing is recorded, and nothing was called.
func (w *wired) fresh(name string, inBucket bool) {
	w.t.Helper()
	w.store, w.commands = state.Memory(), nil
	w.Account.Reset()
	if inBucket {
		cloud := w.cloud()
		bucket := cloud.Bucket(aws.BucketConfig{Bucket: w.Bucket, KMSKey: w.Key, Owner: w.Account.ID})
		w.store = state.Sealed(state.S3(bucket, name), cloud.Keeper(w.Key, "acme"), "acme")
	}
}

// chosen are the sides to die at: all, or the one that -kills names.
func chosen(t *testing.T, sides int) (at []int) {
	t.Helper()
	if *kills >= sides {
		t.Fatalf("-kills=%d is no side below %d", *kills, sides)
	}
	if *kills >= 0 {
		return []int{*kills}
	}
	for k := range sides {
		at = append(at, k)
	}
	return at
}
