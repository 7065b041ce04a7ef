package roll

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// karp is Karpenter in a town: one EC2NodeClass, and two NodePools by it.
type karp struct {
	class port.NodeClass
	pools []port.NodePool
	of    map[string]int // machine → its pool
	most  int            // nodes that limits allow
	// heard is what Karpenter knows of each pool's budgets: it hears of them a while after
	// they were written.
	heard []bool
	hears []time.Time
	wrote int
	fails bool      // the class starts no nodes
	since time.Time // from when on it does not; zero: nobody tells
	gone  bool      // the class
	alias string    // the image that it follows, "" for ami-1
	slow  string    // a machine of which nobody tells the image for ten minutes
}

const (
	oldTerms = `[{"alias":"al2023@v20260301"}]`
	newTerms = `[{"id":"ami-2"}]`
)

// newKarpenter is a town of so many nodes of the old image. follows: its class follows an
// alias; holds: its second pool holds drift by itself.
func newKarpenter(nodes int, follows, holds bool) *town {
	w := newTown(0)
	w.machines = nil
	terms, family := `[{"id":"ami-1"}]`, "AL2023"
	if follows {
		terms, family = oldTerms, ""
	}
	w.karp = &karp{class: port.NodeClass{Name: "gpu", UID: "c", Version: "0", Terms: terms, Family: family}, of: map[string]int{}, most: nodes + 3, heard: make([]bool, 2), hears: make([]time.Time, 2)}
	w.karp.pools = []port.NodePool{{Name: "a", UID: "a", Version: "0", Class: "gpu", Budgets: []string{`{"nodes":"10%"}`}}, {Name: "b", UID: "b", Version: "0", Class: "gpu", Budgets: []string{`{"nodes":"1"}`}}}
	if holds {
		w.karp.pools[1].Budgets = append(w.karp.pools[1].Budgets, `{"nodes":"0"}`)
		w.karp.heard[1] = true
	}
	for i := range nodes {
		w.starts(i % 2)
	}
	w.pass(5 * time.Minute)
	return w
}

func (k *karp) image() string {
	if id := k.class.Image(); id != "" {
		return id
	}
	return cmp.Or(k.alias, "ami-1")
}

// starts asks for a node, of the image that the class means.
func (w *town) starts(pool int) {
	w.next++
	id, image := fmt.Sprintf("i-%03d", w.next), w.karp.image()
	w.karp.of[id] = pool
	w.machines = append(w.machines, &machine{GroupInstance: port.GroupInstance{ID: id, Lifecycle: "Pending"}, image: image, launched: w.now, never: slices.Contains(w.dead, image), service: 20 * time.Second, gone: 30 * time.Second})
}

// lives is a second of Karpenter's.
func (k *karp) lives(w *town) {
	for i, p := range k.pools {
		if p.DriftHeld() != k.heard[i] && w.now.After(k.hears[i]) {
			k.heard[i] = p.DriftHeld()
		}
	}
	coming := false
	for _, m := range w.alive() {
		coming = coming || !w.ready(m) && !m.never
		i := k.of[m.ID]
		switch {
		case m.image != k.image() && !k.heard[i] && !k.fails && !k.gone:
			w.end(m, "drifted")
		case w.ready(m) && w.on(m.ID) == 0 && len(m.pods) == 0 && w.now.Sub(m.launched) > 10*time.Minute && w.chance(3000) == 0:
			w.end(m, "empty")
		}
	}
	waits := slices.ContainsFunc(w.runs, func(r *run) bool { return r.on == "" })
	if waits && !coming && !k.fails && !k.gone && len(w.alive()) < k.most && w.chance(10) == 0 {
		w.starts(w.chance(2))
	}
}

func (w *town) ListNodePools(context.Context) ([]port.NodePool, error) {
	return slices.Clone(w.karp.pools), w.fails("ListNodePools")
}

func (w *town) ListNodeClasses(context.Context) ([]port.NodeClass, error) {
	c := w.karp.class
	if w.karp.gone {
		return nil, w.fails("ListNodeClasses")
	}
	if c.Images = []string{w.karp.image()}; w.karp.fails {
		c.Images, c.Fault, c.FaultSince = nil, "AMIsReady is false: none found", w.karp.since
	}
	return []port.NodeClass{c}, w.fails("ListNodeClasses")
}

func (w *town) ListNodeClaims(context.Context) (all []port.NodeClaim, err error) {
	for _, m := range w.machines {
		c := port.NodeClaim{Name: m.ID, UID: "claim-" + m.ID, Pool: w.karp.pools[w.karp.of[m.ID]].Name, Class: "gpu", Image: m.image, Created: m.launched, Going: !m.alive()}
		if age := w.now.Sub(m.launched); age >= 5*time.Second && (m.ID != w.karp.slow || age >= 10*time.Minute) {
			c.Instance = m.ID
		} else {
			c.Image = ""
		}
		if w.now.Sub(m.launched) >= w.boot/2 {
			c.Node = "ip-" + m.ID
		}
		all = append(all, c)
	}
	return all, w.fails("ListNodeClaims")
}

func (w *town) version() string {
	w.karp.wrote++
	return fmt.Sprint(w.karp.wrote)
}

func (w *town) HoldDrift(ctx context.Context, was port.NodePool, by string) error {
	if w.delayed(func() error { return w.HoldDrift(ctx, was, by) }) {
		return errDied
	}
	i := slices.IndexFunc(w.karp.pools, func(p port.NodePool) bool { return p.Name == was.Name })
	p := &w.karp.pools[i]
	if p.Version != was.Version {
		return port.ErrState
	}
	w.calls = append(w.calls, fmt.Sprintf("hold %s %q", p.Name, by))
	p.Budgets, p.HeldBy, p.Version = p.WithHold(by != ""), by, w.version()
	w.karp.hears[i] = w.now.Add(time.Duration(w.chance(20)) * time.Second)
	return w.fails("HoldDrift")
}

func (w *town) SetImageTerms(ctx context.Context, was port.NodeClass, terms, family string) error {
	if w.delayed(func() error { return w.SetImageTerms(ctx, was, terms, family) }) {
		return errDied
	}
	if err := w.fails("SetImageTerms"); err != nil {
		return err
	}
	c := &w.karp.class
	if c.Version != was.Version {
		return port.ErrState
	}
	w.calls = append(w.calls, "terms "+terms)
	c.Terms, c.Family, c.Version = terms, family, w.version()
	return nil
}

func (w *town) DeleteNodeClaim(ctx context.Context, c port.NodeClaim) error {
	if w.delayed(func() error { return w.DeleteNodeClaim(ctx, c) }) {
		return errDied
	}
	if err := w.fails("DeleteNodeClaim"); err != nil {
		return err
	}
	for _, m := range w.machines {
		if m.ID == c.Name {
			if m.alive() {
				w.calls = append(w.calls, "delete "+c.Name)
				w.end(m, "deleted")
			}
			return nil
		}
	}
	return port.ErrNotFound
}

// classDriver rolls the class of a town to another image.
func classDriver(t logger, w *town, roll schema.Roll) *driver {
	d := newDriver(t, w, roll)
	object := planner.Ref("karpenter/class#gpu")
	d.a.Step.ID, d.a.Step.Op, d.a.Step.Object = "nodePools.gpu/roll.nodeclass/gpu", operation.RollNodeClass, object
	if c := w.karp.class; c.Image() != "" {
		d.a.Step.Writes = map[string]schema.Value{"image": schema.JSON("ami-2")}
		d.a.Step.Expects = []planner.Expect{{Ref: object, Path: "image", Value: schema.JSON(c.Image())}}
	} else {
		d.a.Step.Writes = map[string]schema.Value{"terms": {Is: schema.Known, Text: newTerms}, "family": schema.JSON("AL2023")}
		d.a.Step.Expects = []planner.Expect{{Ref: object, Path: "terms", Value: schema.Value{Is: schema.Known, Text: c.Terms}}, {Ref: object, Path: "family"}}
	}
	d.restart()
	return d
}

// undone is a driver of the step that takes a driver's step back, as planner.Restore has it.
func (d *driver) undone() *driver {
	back := newDriver(d.t, d.w, schema.Roll{})
	back.a.Step = d.a.Step
	back.a.Token = strings.Repeat("cd", 24)
	back.a.Step.ID, back.a.Step.Writes, back.a.Step.Expects = "undo/"+d.a.Step.ID, map[string]schema.Value{}, nil
	for _, e := range d.a.Step.Expects {
		back.a.Step.Writes[e.Path] = e.Value
	}
	for path, v := range d.a.Step.Writes {
		back.a.Step.Expects = append(back.a.Step.Expects, planner.Expect{Ref: d.a.Step.Object, Path: path, Value: v})
	}
	back.restart()
	return back
}

var _ Karpenter = (*town)(nil)

// ends carries a step on until it ended as it should.
func (d *driver) over(most time.Duration, want ...applier.State) string {
	st, err := d.run(most)
	if err != nil || !slices.Contains(want, st.State) {
		return fmt.Sprintf("%+v, %v, want %v", st, err, want)
	}
	return ""
}

// SetLimits is what the operation of a class never does.
func (w *town) SetLimits(context.Context, port.NodePool, map[string]string) error { return nil }
