package world_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/state"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// tester is what a test and a property check have in common.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// bench is a sandbox in memory with a store beside it.
type bench struct {
	t          tester
	memory     *sandbox.Memory
	world      *sandbox.World
	store      *state.InMemory
	clock      *clock
	deployment schema.Deployment
	env        map[string]string
	random     int
	hides      bool                             // the API shows no revision
	blind      bool                             // and none of an environment's
	grid       bool                             // its cluster is asked
	policy     string                           // more of deployment.cue
	found      []schema.Finding                 // by the compiler
	api        func(*sandbox.World) port.Domino // nil: the world's own
}

// deployment names everything that an answer is compared with.
func prod() schema.Deployment {
	return schema.Deployment{Name: "prod", World: "sandbox", Executors: "kubernetes",
		AWS:   schema.AWS{Account: "111122223333", Region: "us-west-2", Cluster: "acme"},
		Mongo: schema.Mongo{Database: "domino", ReplicaSet: "rs0"}}
}

// newBench takes the members of the sandbox's file beside account and region.
func newBench(t tester, mongo, aws string) *bench {
	t.Helper()
	if aws != "" {
		aws = ", " + aws
	}
	content := fmt.Sprintf(`{"mongo": {%s}, "aws": {"account": "111122223333", "region": "us-west-2"%s}}`, mongo, aws)
	m, err := sandbox.NewMemory("sandbox.json", []byte(content))
	if err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	b := &bench{t: t, memory: m, store: state.Memory(), clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, deployment: prod(), env: map[string]string{}}
	b.open(sandbox.Options{})
	return b
}

func (b *bench) open(o sandbox.Options) {
	b.t.Helper()
	o.Clock = b.clock.Now
	w, err := b.memory.Open(o)
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	b.world = w
}

// clock moves when someone sleeps.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

func (b *bench) secret(_ context.Context, ref string) (schema.Value, error) {
	if s, ok := b.env[ref]; ok {
		return schema.JSON(s), nil
	}
	return schema.Value{}, fmt.Errorf("secret %s is not set", ref)
}

func (b *bench) engine(objects map[schema.Address]schema.Object) *engine.Engine {
	b.t.Helper()
	var api port.Domino
	if b.deployment.Domino.URL != "" {
		api = b.world
	}
	if b.hides {
		api = hiding{b.world}
	}
	if b.blind {
		api = blind{b.world}
	}
	if b.api != nil {
		api = b.api(b.world)
	}
	var nodes port.Grid
	if b.grid {
		nodes = b.world
	}
	e, err := engine.Open(context.Background(), engine.Config{Domino: api, Nodes: nodes,
		Compiled: compiler.Result{Desired: schema.Desired{Deployment: b.deployment, Objects: objects}, Findings: b.found},
		Outside:  b.world, Store: b.store, Secret: b.secret, Clock: b.clock, Holder: "test", Parallelism: 4,
		Random: func() string { b.random++; return fmt.Sprintf("%012d%014d", b.random, 0) },
	})
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	return e
}

func (b *bench) plan(objects map[schema.Address]schema.Object) planner.Plan {
	b.t.Helper()
	p, err := b.engine(objects).Plan(context.Background(), engine.PlanOptions{})
	if err != nil {
		b.t.Fatalf("plan: %v", err)
	}
	return p
}

// apply plans and applies; the plan must be free of errors.
func (b *bench) apply(objects map[schema.Address]schema.Object) planner.Plan {
	b.t.Helper()
	p := b.plan(objects)
	b.carryOut(objects, p)
	return p
}

func (b *bench) carryOut(objects map[schema.Address]schema.Object, p planner.Plan) {
	b.t.Helper()
	res, err := b.engine(objects).Apply(context.Background(), p)
	if err != nil || res.Outcome != applier.EndedOutcome {
		b.t.Fatalf("apply: %v %+v\nfindings: %v\nsteps:\n%s", err, res, findings(p), steps(p))
	}
}

func (b *bench) rollback() planner.Plan {
	b.t.Helper()
	p := b.back()
	b.carryOut(nil, p)
	return p
}

// settled applies objects and holds what must hold of every apply: the next
// plan does nothing, and the way back leads to where it began.
func (b *bench) settled(objects map[schema.Address]schema.Object) planner.Plan {
	b.t.Helper()
	before := b.content()
	p := b.apply(objects)
	if again := b.plan(objects); again.Changed() || !again.Empty() {
		b.t.Errorf("the second plan is not empty:\n%v\n%s", again.Changes, steps(again))
	}
	if len(p.Steps) == 0 {
		return p
	}
	b.rollback()
	if after := b.content(); after != before {
		b.t.Errorf("the way back leads elsewhere\nbefore %s\nafter  %s", before, after)
	}
	return p
}

// content is the sandbox without what AWS itself remembers of past calls.
func (b *bench) content() string {
	var c struct {
		Mongo map[string]any
		AWS   map[string]any
	}
	dec := json.NewDecoder(bytes.NewReader(b.memory.Content()))
	dec.UseNumber()
	if err := dec.Decode(&c); err != nil {
		b.t.Fatalf("%v", err)
	}
	outside, err := b.memory.Open(sandbox.Options{Clock: b.clock.Now})
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	for name := range c.Mongo {
		docs, err := outside.Find(context.Background(), port.Query{Collection: name})
		if err != nil {
			b.t.Fatalf("%v", err)
		}
		slices.SortFunc(docs, func(a, b port.Document) int { return strings.Compare(a["_id"], b["_id"]) })
		c.Mongo[name] = docs
	}
	delete(c.AWS, "tokens")
	delete(c.AWS, "made") // numbers of ids that are used up
	if templates, ok := c.AWS["launchTemplates"].(map[string]any); ok {
		for _, t := range templates {
			delete(t.(map[string]any), "next")
		}
	}
	return schema.JSON(c).Text
}

// steps are one a line: operation, object, writes.
func steps(p planner.Plan) string {
	var lines []string
	for _, s := range p.Steps {
		var writes []string
		for _, path := range schema.Sorted(s.Writes) {
			v := s.Writes[path]
			text := v.Text
			if v.Is != schema.Known {
				text = strings.TrimSpace(string(v.Is) + " " + text)
			}
			if text == "" {
				text = "absent"
			}
			writes = append(writes, path+"="+text)
		}
		lines = append(lines, strings.TrimSpace(s.Op+" "+string(s.Object)+" "+strings.Join(writes, " ")))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// findings are "code address" of each.
func findings(p planner.Plan) (out []string) {
	for _, f := range p.Findings {
		out = append(out, f.Code+" "+f.Address.String())
	}
	slices.Sort(out)
	return out
}

// object makes a desired object: nil is null, "@amis.x#image" a reference,
// "!env:X" a secret.
func object(kind, name string, fields map[string]any) map[schema.Address]schema.Object {
	o := schema.Object{Fields: map[string]schema.Value{}, At: map[string][]schema.Position{}}
	for p, v := range fields {
		o.Fields[p] = valueOf(v)
	}
	k, _ := schema.KindOf(kind)
	if k.Spread != nil {
		o = k.Spread(name, o)
	}
	return map[schema.Address]schema.Object{{Kind: kind, Name: name}: o}
}

func valueOf(v any) schema.Value {
	switch s, _ := v.(string); {
	case v == nil:
		return schema.Value{Is: schema.Unset}
	case strings.HasPrefix(s, "@"):
		return schema.Value{Is: schema.Ref, Text: s[1:]}
	case strings.HasPrefix(s, "!"):
		return schema.Value{Is: schema.Secret, Text: s[1:]}
	}
	return schema.JSON(v)
}

func all(parts ...map[schema.Address]schema.Object) map[schema.Address]schema.Object {
	out := map[schema.Address]schema.Object{}
	for _, p := range parts {
		maps.Copy(out, p)
	}
	return out
}

// look reads without an engine.
func (b *bench) look(d map[schema.Address]schema.Object, a schema.Applied) (*world.View, error) {
	w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now}
	return w.Look(context.Background(), schema.Desired{Deployment: b.deployment, Objects: d}, func() (schema.Applied, error) { return a, nil })
}
