package world

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
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
	p.smallClass(name, class, d.After)
	s := planner.Step{ID: p.change.Address.String() + "/" + operation.SetImageTerms + "/" + name, Address: p.change.Address, Op: operation.SetImageTerms, Object: nodeClassRef(name), Guard: planner.Conditional, Window: window, Writes: writes}
	for _, path := range schema.Sorted(writes) {
		s.Expects = append(s.Expects, planner.Expect{Ref: s.Object, Path: path, Value: class[path]})
	}
	if !rolls {
		for _, pool := range p.poolsOf(name) {
			s.Expects = append(s.Expects, planner.Expect{Ref: nodePoolRef(pool), Path: "held", Value: schema.JSON(true)})
		}
		one := []planner.Step{s}
		p.findings = append(p.findings, p.v.inWave(p.change, p.o.Fields[d.Path], one, p.waves)...)
		p.steps = append(p.steps, one...)
		return nil
	}
	s.ID, s.Op = p.change.Address.String()+"/"+operation.RollNodeClass+"/"+name, operation.RollNodeClass
	s.Args = p.v.rollStep(s.Address, operation.RollNodeClass, ref, image, d.After, r).Args
	first := len(p.steps)
	p.findings = append(p.findings, p.v.inWave(p.change, p.o.Fields[d.Path], []planner.Step{s}, map[string]planner.Wave{})...)
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
	if classFamily(class) == "" {
		return nil, p.block("DC872", "EC2NodeClass "+name+" states no amiFamily, and its terms tell none", "state amiFamily in the EC2NodeClass")
	}
	out["family"] = schema.JSON(classFamily(class))
	return out, nil
}

// classFamily is the amiFamily that a class states, else that of its alias; "" where nothing
// tells.
func classFamily(class planner.Raw) string {
	alias, _, _ := strings.Cut(strings.TrimPrefix(port.TermsFollow(class["terms"].Text), "alias "), "@")
	return cmp.Or(class["family"].Str(), families()[alias])
}

// smallClass warns of a root volume that the new image's content does not fit into.
func (p *poolLowering) smallClass(name string, class planner.Raw, image schema.Value) {
	after := p.v.raw[imageRef(image.Str())]
	least, known := after["rootGiB"].Float()
	size, device := classVolume(class, after["rootDevice"].Str())
	if has := float64(size) / (1 << 30); known && size > 0 && has < least && device == after["rootDevice"].Str() {
		p.findings = append(p.findings, schema.Finding{Code: "DC254", Severity: schema.Warning, Address: p.change.Address, Positions: p.change.Positions,
			Message: fmt.Sprintf("EC2NodeClass %s gives the root device %s %v GiB, and %s has %v GiB there: nodes may not start", name, device, has, image.Str(), least),
			Hint:    "state a volume at least as large under blockDeviceMappings of the EC2NodeClass first"})
	}
}

// tellTerraformDrifts says what becomes of nodes when Terraform changes their class.
func (p *poolLowering) tellTerraformDrifts(g schema.Group, d planner.Diff) {
	class := p.v.raw[nodePoolRef(g.Karpenter)]["class"].Str()
	loose := p.loose(class)
	if len(loose) == 0 || p.classes[class] {
		return
	}
	p.classes[class] = true
	p.findings = append(p.findings, schema.Finding{Code: "DC870", Severity: schema.Warning, Address: p.change.Address, Positions: p.o.Positions(d.Path),
		Message: fmt.Sprintf("once Terraform changes EC2NodeClass %s, Karpenter replaces nodes of %s at once, whatever runs on them", class, schema.Listed(loose, "and")),
		Hint:    `have the NodePools hold drift first: budgets: [{nodes: "0", reasons: [Drifted]}]; or let Terraform make a second NodePool and class with the new image`})
}

// limit lowers a NodePool's limits that change and are domctl's.
func (p *poolLowering) limit(g schema.Group) *schema.Finding {
	ref, limits := p.v.world.groupRefOf(g), map[string]schema.Value{}
	for _, d := range p.change.Fields {
		if name, is := strings.CutPrefix(d.Path, "groups."+schema.JoinPath(g.Key())+".limits."); is && p.o.Owner("limits") == "domctl" {
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
	s := planner.Step{ID: p.change.Address.String() + "/" + operation.SetLimits + "/" + g.Karpenter, Address: p.change.Address, Op: operation.SetLimits, Object: ref, Guard: planner.Conditional, Window: window, Writes: map[string]schema.Value{}}
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
