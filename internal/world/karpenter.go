package world

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Karpenter's objects in the schema's words: a NodePool is a group, and the EC2NodeClass
// that it refers to is what the group starts nodes from.

func nodePoolRef(name string) planner.Ref  { return planner.Ref("karpenter/nodepool#" + name) }
func nodeClassRef(name string) planner.Ref { return planner.Ref("karpenter/class#" + name) }

// readKarpenter reads all NodePools and EC2NodeClasses: Kubernetes lists a kind as a whole.
func (w *World) readKarpenter(ctx context.Context) (map[planner.Ref]planner.Raw, error) {
	if w.Karpenter == nil {
		return nil, errNoCluster
	}
	var pools []port.NodePool
	var classes []port.NodeClass
	err := sideBySide(
		func() (err error) { pools, err = w.Karpenter.ListNodePools(ctx); return err },
		func() (err error) { classes, err = w.Karpenter.ListNodeClasses(ctx); return err })
	out := map[planner.Ref]planner.Raw{}
	for _, p := range pools {
		out[nodePoolRef(p.Name)] = nodePoolRaw(p)
	}
	for _, c := range classes {
		out[nodeClassRef(c.Name)] = nodeClassRaw(c)
	}
	return out, err
}

// readOfKarpenter answers some of one kind.
func (w *World) readOfKarpenter(of func(string) planner.Ref) func(context.Context, []string) (map[planner.Ref]planner.Raw, error) {
	return func(ctx context.Context, names []string) (map[planner.Ref]planner.Raw, error) {
		all, err := w.readKarpenter(ctx)
		out := map[planner.Ref]planner.Raw{}
		for _, name := range names {
			if raw := all[of(name)]; raw != nil {
				out[of(name)] = raw
			}
		}
		return out, err
	}
}

func nodePoolRaw(p port.NodePool) planner.Raw {
	raw := planner.Raw{"class": schema.JSON(p.Class), "budgets": budgetsValue(p.Budgets), "held": schema.JSON(p.DriftHeld()), "heldBy": schema.JSON(p.HeldBy),
		"expireAfter": schema.JSON(p.ExpireAfter), "consolidates": schema.JSON(p.Consolidates), "fixed": schema.JSON(p.Fixed), "consolidateAfter": schema.JSON(p.ConsolidateAfter)}
	for _, set := range []struct {
		path string
		list []string
	}{{"instanceTypes", p.InstanceTypes}, {"zones", p.Zones}} {
		if len(set.list) > 0 {
			raw[set.path] = schema.JSON(set.list)
		}
	}
	for resource, limit := range p.Limits {
		raw[schema.JoinPath("limits", resource)] = schema.Value{Is: schema.Known, Text: limit}
	}
	if p.Limits["cpu"] != "" {
		raw["cores"] = schema.JSON(float64(p.Limited.MilliCPU) / 1000)
	}
	if p.Limits["memory"] != "" {
		raw["memory"] = schema.JSON(schema.CanonicalBytes(p.Limited.Memory))
	}
	for key, value := range p.Labels {
		raw[schema.JoinPath("labels", key)] = schema.JSON(value)
	}
	for _, t := range p.Taints {
		raw[schema.JoinPath("taints", t.Key)] = schema.JSON(t.Value + ":" + t.Effect)
	}
	return raw
}

func budgetsValue(budgets []string) schema.Value {
	return schema.Value{Is: schema.Known, Text: "[" + strings.Join(budgets, ",") + "]"}
}

// nodeClassRaw has an image where the terms are exactly one id.
func nodeClassRaw(c port.NodeClass) planner.Raw {
	raw := planner.Raw{"terms": {Is: schema.Known, Text: c.Terms}}
	if c.Image() != "" {
		raw["image"] = schema.JSON(c.Image())
	}
	if c.Family != "" {
		raw["family"] = schema.JSON(c.Family)
	}
	if c.Blocks != "" {
		raw["deviceMappings"] = schema.Value{Is: schema.Known, Text: c.Blocks}
	}
	return raw
}

// follow begins what stands in the place of an image that is chosen otherwise than by id.
const follow = "follows "

// follows says in words what a class follows that names no image: "follows alias al2023@latest".
func follows(class planner.Raw) string {
	return follow + port.TermsFollow(class["terms"].Text)
}

// addKarpenter reads Karpenter's objects for pools that have its groups. A cluster that does
// not serve them is told of each such pool; it is no pool without nodes.
func (l *look) addKarpenter(ctx context.Context) (map[planner.Ref]planner.Raw, error) {
	of := []schema.Address{}
	for _, a := range l.wanted("nodePools") {
		for _, g := range l.desired.Objects[a].Groups() {
			if g.Karpenter != "" && (len(of) == 0 || of[len(of)-1] != a) {
				of = append(of, a)
			}
		}
	}
	if len(of) == 0 {
		return nil, nil
	}
	raw, err := l.readKarpenter(ctx)
	if !errors.Is(err, port.ErrNotServed) && !errors.Is(err, errNoCluster) {
		return raw, err
	}
	l.view.unserved = true
	for _, a := range of {
		l.find("DC872", schema.Error, a, "has groups of Karpenter: "+oneLine(err), "install or update Karpenter, or take the groups out; domctl doctor says what the cluster answers")
	}
	return nil, nil
}

// decodeNodePool adds what a NodePool says to the fields of its pool, and tells what is
// amiss with it.
func (l *look) decodeNodePool(a schema.Address, g schema.Group, raw planner.Raw, fields map[string]schema.Value) {
	at := "groups." + schema.JoinPath(g.Key()) + "."
	fields[at+"limits.cores"], fields[at+"limits.memory"] = raw["cores"], raw["memory"]
	class := l.view.startOf(raw)
	switch {
	case class == nil:
		l.find("DC872", schema.Error, a, fmt.Sprintf("NodePool %s names the EC2NodeClass %s, which is not there", g.Karpenter, or(raw["class"].Str())), "correct nodeClassRef of the NodePool, or make the class")
	case class["image"].Str() != "":
		fields[at+"ami"] = class["image"]
	default:
		fields[at+"ami"] = schema.JSON(follows(class))
	}
	if by := raw["heldBy"].Str(); by != "" {
		l.view.Findings = append(l.view.Findings, schema.Finding{Code: "DC875", Severity: schema.Warning, Address: a, Positions: l.desired.Objects[a].Positions("groups"),
			Message: fmt.Sprintf("NodePool %s holds drift for %s: Karpenter replaces none of its nodes", g.Karpenter, by),
			Hint:    "domctl history says whether the apply goes on; domctl explain DC875"})
	}
	l.ends(a, g, raw)
}

// ends tells of what ends a NodePool's nodes whatever runs on them.
func (l *look) ends(a schema.Address, g schema.Group, raw planner.Raw) {
	var how []string
	if age := raw["expireAfter"].Str(); age != "" && age != "Never" {
		how = append(how, "ends each "+age+" after it started (expireAfter)")
	}
	if policy := raw["consolidates"].Str(); policy != "" && policy != "WhenEmpty" {
		how = append(how, "empties those that are not full (consolidationPolicy "+policy+")")
	}
	if len(how) > 0 {
		l.view.Findings = append(l.view.Findings, schema.Finding{Code: "DC874", Severity: schema.Warning, Address: a, Positions: l.desired.Objects[a].Positions("groups"),
			Message: fmt.Sprintf("Karpenter ends nodes of NodePool %s whatever runs on them: it %s", g.Karpenter, schema.Listed(how, "and")),
			Hint:    "state expireAfter: Never and consolidationPolicy: WhenEmpty in the NodePool; a roll replaces nodes by their image"})
	}
}

// SwitchClassOp sets what an EC2NodeClass chooses images by, LimitOp a NodePool's limits,
// ClassRollOp is the operation that does the first, and replaces the nodes.
const (
	SwitchClassOp = "karpenter.SetImageTerms"
	LimitOp       = "karpenter.SetLimits"
	ClassRollOp   = "roll.nodeclass"
)

// karpenter lowers one change of a NodePool's image: a roll of its class, or the switch of
// the class alone where its NodePools hold drift by themselves.
func (p *poolLowering) karpenter(g schema.Group, ref planner.Ref, d planner.Diff) *schema.Finding {
	raw := p.v.raw[ref]
	name, class := raw["class"].Str(), p.v.startOf(raw)
	if class == nil {
		return nil // the read found an error of it
	}
	image := class["image"]
	if why := p.v.special(image, p.change.Address); why != "" && image.Str() != "" {
		return p.block("DC232", g.Key()+" "+why, "leave ami out of the pool, or list the AMI under replaces of the entry that may take its place")
	}
	if why := p.v.unusable(p.change, d.After); why != nil {
		return why
	}
	if others := p.otherPools(name); len(others) > 0 {
		return p.block("DC871", fmt.Sprintf("EC2NodeClass %s is used by NodePools that are no groups of this pool: %s; a switch would have their nodes drift", name, strings.Join(others, ", ")),
			"put the NodePools into one pool, or give each an EC2NodeClass of its own")
	}
	if p.classes[name] {
		return nil // by another group of the pool
	}
	writes, why := p.termsFor(name, class, d.After)
	if why != nil {
		return why
	}
	r, rolls := p.o.Roll()
	loose := p.loose(name)
	if !rolls && len(loose) > 0 {
		p.held, p.loosely = append(p.held, d.Path), append(p.loosely, loose...)
		return nil
	}
	p.classes[name] = true
	s := planner.Step{ID: p.change.Address.String() + "/" + SwitchClassOp + "/" + name, Address: p.change.Address, Op: SwitchClassOp, Object: nodeClassRef(name), Guard: planner.Conditional, Window: window, Writes: writes}
	for _, path := range schema.Sorted(writes) {
		s.Expects = append(s.Expects, planner.Expect{Ref: s.Object, Path: path, Value: class[path]})
	}
	if !rolls {
		for _, pool := range p.poolsOf(name) {
			s.Expects = append(s.Expects, planner.Expect{Ref: nodePoolRef(pool), Path: "held", Value: schema.JSON(true)})
		}
		one := []planner.Step{s}
		p.findings = append(p.findings, p.v.roll(p.change, p.o.Fields[d.Path], one, p.waves)...)
		p.steps = append(p.steps, one...)
		return nil
	}
	s.ID, s.Op = p.change.Address.String()+"/"+ClassRollOp+"/"+name, ClassRollOp
	s.Args = p.rollStep(ClassRollOp, ref, d, r).Args
	s.Args["from"] = image
	first := len(p.steps)
	p.findings = append(p.findings, p.v.roll(p.change, p.o.Fields[d.Path], []planner.Step{s}, map[string]planner.Wave{})...)
	p.goes(s, first, d, r)
	p.tellRoll(nodeClassRef(name), r)
	return nil
}

// poolsOf are the NodePools that live and start nodes by a class.
func (p *poolLowering) poolsOf(class string) (names []string) {
	for _, ref := range schema.Sorted(p.v.raw) {
		if ref.Type() == nodePoolRef("").Type() && p.v.raw[ref]["class"].Str() == class {
			names = append(names, ref.ID())
		}
	}
	return names
}

// otherPools are those that are no groups of the pool.
func (p *poolLowering) otherPools(class string) (names []string) {
	own := map[string]bool{}
	for _, g := range p.o.Groups() {
		own[g.Karpenter] = true
	}
	for _, name := range p.poolsOf(class) {
		if !own[name] {
			names = append(names, name)
		}
	}
	return names
}

// loose are those whose budgets do not hold drift by themselves. What domctl put there goes
// with its apply.
func (p *poolLowering) loose(class string) (names []string) {
	for _, name := range p.poolsOf(class) {
		if raw := p.v.raw[nodePoolRef(name)]; !raw["held"].Bool() || raw["heldBy"].Str() != "" {
			names = append(names, name)
		}
	}
	return names
}

// families are what an alias says in the place of amiFamily, which a class needs without one.
// https://karpenter.sh/docs/concepts/nodeclasses/#specamifamily
func families() map[string]string {
	return map[string]string{"al2": "AL2", "al2023": "AL2023", "bottlerocket": "Bottlerocket", "windows2019": "Windows2019", "windows2022": "Windows2022", "windows2025": "Windows2025"}
}

// termsFor is what a class is written to name one image: the image, where it names one
// already; else the terms, and the family that an alias told, as both go back to what they
// were.
func (p *poolLowering) termsFor(name string, class planner.Raw, image schema.Value) (map[string]schema.Value, *schema.Finding) {
	if class["image"].Str() != "" {
		return map[string]schema.Value{"image": image}, nil
	}
	if image.Is != schema.Known {
		return nil, p.block("DC872", fmt.Sprintf("EC2NodeClass %s %s, and the image to name in its place is not there yet", name, follows(class)), "apply the image by itself first, by domctl apply --target, then plan again")
	}
	out := map[string]schema.Value{"terms": {Is: schema.Known, Text: port.TermsOf(image.Str())}}
	if class["family"].Str() != "" {
		return out, nil
	}
	alias, _, _ := strings.Cut(strings.TrimPrefix(port.TermsFollow(class["terms"].Text), "alias "), "@")
	if families()[alias] == "" {
		return nil, p.block("DC872", "EC2NodeClass "+name+" states no amiFamily, and its terms tell none", "state amiFamily in the EC2NodeClass")
	}
	out["family"] = schema.JSON(families()[alias])
	return out, nil
}

// limit lowers a NodePool's limits that change and are domctl's.
func (p *poolLowering) limit(g schema.Group) *schema.Finding {
	ref, limits := p.v.world.groupRefOf(g), map[string]schema.Value{}
	for _, d := range p.change.Fields {
		if name, is := strings.CutPrefix(d.Path, "groups."+schema.JoinPath(g.Key())+".limits."); is && p.belongs("limits") == "domctl" {
			limits[name] = d.After
		}
	}
	raw := p.v.raw[ref]
	if len(limits) == 0 || raw == nil {
		return nil
	}
	if raw["fixed"].Bool() {
		return p.block("DC873", "NodePool "+g.Karpenter+" keeps a number of nodes (spec.replicas), and takes no limits of cores and memory", "leave limits out")
	}
	s := planner.Step{ID: p.change.Address.String() + "/" + LimitOp + "/" + g.Karpenter, Address: p.change.Address, Op: LimitOp, Object: ref, Guard: planner.Conditional, Window: window, Writes: map[string]schema.Value{}}
	for _, name := range schema.Sorted(limits) {
		path := schema.JoinPath("limits", map[string]string{"cores": "cpu", "memory": "memory"}[name])
		s.Writes[path] = limitValue(name, limits[name])
		s.Expects = append(s.Expects, planner.Expect{Ref: ref, Path: path, Value: raw[path]})
	}
	p.steps = append(p.steps, s)
	return nil
}

// limitValue is a limit as Kubernetes has it; Absent takes it away.
func limitValue(name string, v schema.Value) schema.Value {
	if v.Is != schema.Known {
		return schema.Value{}
	}
	if name == "cores" {
		n, _ := v.Float()
		return schema.JSON(strconv.FormatFloat(n, 'f', -1, 64))
	}
	n, _ := schema.ParseBytes(v.Str())
	if n%(1<<30) == 0 && n > 0 {
		return schema.JSON(strconv.FormatInt(n>>30, 10) + "Gi")
	}
	return schema.JSON(strconv.FormatInt(n, 10))
}

// drifts says why an image stays as it is.
func (p *poolLowering) drifts() schema.Finding {
	return *p.block("DC870", "switching an EC2NodeClass has Karpenter replace its nodes at once, whatever runs on them: the pool states no roll, and drift is not held by the budgets of "+schema.Listed(p.loosely, "and"),
		`state roll: strategy: "onDemand", and domctl replaces each node once no run is on it; or have the NodePool hold drift: budgets: [{nodes: "0", reasons: [Drifted]}]`)
}

// limited is what the nodes of a NodePool may have together: as stated where domctl writes
// it, else as it lives; 0 is no limit.
func (c *CapacityView) limited(a schema.Address, g schema.Group) (l PoolLimits) {
	o, at := c.desired.Objects[a], "groups."+schema.JoinPath(g.Key())+".limits."
	owner := o.Fields["owner.size"].Str()
	of := func(name string) schema.Value {
		if v, stated := o.Fields[at+name]; stated && (owner == "" || owner == "domctl") {
			return v
		}
		return c.Objects[a].Fields[at+name]
	}
	l.Cores, _ = of("cores").Float()
	l.Memory, _ = schema.ParseBytes(of("memory").Str())
	return l
}

// limitsOf adds up the limits of a pool's Karpenter groups.
func (c *CapacityView) limitsOf(a schema.Address) *PoolLimits {
	var total *PoolLimits
	for _, g := range c.desired.Objects[a].Groups() {
		if g.Karpenter == "" {
			continue
		}
		l := c.limited(a, g)
		if total == nil {
			total = &l
			continue
		}
		total.Cores, total.Memory = together(total.Cores, l.Cores), together(total.Memory, l.Memory)
	}
	return total
}

// mostOf is how many nodes a NodePool's limits allow, at least: of the kind of node of which
// there can be fewest. -1: any number, or nobody knows what a node of it has.
func (c *CapacityView) mostOf(a schema.Address, g schema.Group) int64 {
	l, types, most := c.limited(a, g), c.instanceTypesOf(c.raw[c.world.groupRefOf(g)]), int64(-1)
	for _, t := range types {
		is, known := c.known[t]
		if !known || l.Cores == 0 && l.Memory == 0 || is.Cores == 0 || is.Memory == 0 {
			return -1
		}
		n := int64(-1)
		if l.Cores > 0 {
			n = int64(l.Cores / is.Cores)
		}
		if l.Memory > 0 && (n < 0 || l.Memory/is.Memory < n) {
			n = l.Memory / is.Memory
		}
		if most < 0 || n < most {
			most = n
		}
	}
	return most
}

// together adds limits up; without one of them there is none.
func together[N int64 | float64](a, b N) N {
	if a == 0 || b == 0 {
		return 0
	}
	return a + b
}
