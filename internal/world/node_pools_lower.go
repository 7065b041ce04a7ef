package world

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// lowerPool makes one version and one switch per launch template, however many
// groups share it, and one update per group whose size changes.
func lowerPool(v *View, c planner.Change) (planner.Lowered, error) {
	p := poolLowering{v: v, change: c, o: v.desired.Objects[c.Address], made: map[string]planner.Step{}, classes: map[string]bool{}, wanted: map[string]schema.Value{}, waves: map[string]planner.Wave{}}
	for _, g := range p.o.Groups() { // before what holds drift in the same NodePools
		if why := p.limit(g); why != nil {
			return planner.Lowered{Blocked: why}, nil
		}
	}
	for _, g := range p.o.Groups() {
		if why := p.group(g); why != nil {
			return planner.Lowered{Blocked: why}, nil
		}
	}
	if r, _ := p.o.Roll(); p.lastRoll != "" {
		if why := cmp.Or(p.unseen(), v.alarmed(c, r)); why != nil {
			return planner.Lowered{Blocked: why}, nil
		}
	}
	p.tellDrained()
	return planner.Lowered{ID: schema.JSON(c.Address.Name), Steps: p.steps, Waves: p.waves, Findings: p.findings, Left: p.left(), Note: p.rollNote()}, nil
}

// poolLowering gathers one pool's steps.
type poolLowering struct {
	v        *View
	change   planner.Change
	o        schema.Object
	steps    []planner.Step
	waves    map[string]planner.Wave
	findings []schema.Finding
	made     map[string]planner.Step // what is made by the step, by name
	wanted   map[string]schema.Value // launch template → the image that its default version gets
	owned    []string                // fields that belong to someone else
	elsewise []string                // what that someone would have to change
	rolls    []string                // images of managed node groups
	// drained are managed node groups whose image is Terraform's, drainedAt where it stands.
	drained   []string
	drainedAt []schema.Position
	// classes are EC2NodeClasses that get their image, held the images of Karpenter's
	// groups that do not, since budgets of loosely hold no drift.
	classes       map[string]bool
	held, loosely []string
	lastRoll      string // the step that replaces the nodes of the group before
	// evicting are taints that would evict what runs, evictingAt each with its group.
	evicting, evictingAt []string
}

// group lowers one group's changes; an answer means that the pool is blocked.
func (p *poolLowering) group(g schema.Group) *schema.Finding {
	ref := p.v.world.groupRefOf(g)
	if p.v.raw[ref] == nil {
		return nil // the read found an error of it
	}
	at := "groups." + schema.JoinPath(g.Key()) + "."
	size, says := map[string]schema.Value{}, map[string]planner.Diff{}
	var switched, uneven *planner.Diff
	before := len(p.steps)
	for _, d := range p.change.Fields {
		field, ok := strings.CutPrefix(d.Path, at)
		switch {
		case !ok:
		case field == unevenField:
			uneven = &d
		case p.o.Owner(field) != "domctl":
			p.leave(g, field, d)
		case field == "ami" && g.Karpenter != "":
			if why := p.karpenter(g, ref, d); why != nil {
				return why
			}
		case strings.HasPrefix(field, "limits."):
		case field == "ami" && g.NodeGroup != "":
			if why := p.managed(g, ref, d); why != nil {
				return why
			}
		case field == "launch":
			if _, changes := p.field(at + "ami"); p.moves(g, p.v.raw[ref]) && !(changes && p.o.Owner("ami") == "domctl") {
				if why := p.move(ref, p.v.raw[ref], schema.Value{}); why != nil {
					return why
				}
			}
		case field == "ami":
			if why := p.image(g, ref, d); why != nil {
				return why
			}
			switched = &d
		case ofNodes(field):
			says[field] = d
		default:
			size[strings.TrimPrefix(field, "size.")] = d.After
		}
	}
	switches := len(p.steps)
	if len(size) > 0 {
		if why := p.resize(g, ref, size); why != nil {
			return why
		}
	}
	p.told(g, ref, at, size, says)
	if switched != nil {
		p.findings = append(p.findings, p.v.inWave(p.change, p.o.Fields[switched.Path], p.steps[before:switches], p.waves)...)
		p.rolled(ref, *switched, before)
	} else if uneven != nil { // in the wave and behind the gates of its image
		p.rolled(ref, planner.Diff{Path: at + "ami", Before: uneven.Before, After: uneven.After}, before)
	}
	return nil
}

// field is a change of the pool, by its path.
func (p *poolLowering) field(path string) (planner.Diff, bool) {
	i := slices.IndexFunc(p.change.Fields, func(d planner.Diff) bool { return d.Path == path })
	if i < 0 {
		return planner.Diff{}, false
	}
	return p.change.Fields[i], true
}

// terraformNames are the arguments of aws_launch_template, aws_autoscaling_group
// and scaling_config of aws_eks_node_group.
func terraformName(field string, managed bool) string {
	names := map[string][2]string{"launch": {"launch_template", "launch_template"}, "ami": {"image_id", "image_id"}, "size.min": {"min_size", "min_size"},
		"size.max": {"max_size", "max_size"}, "size.desired": {"desired_capacity", "desired_size"}}
	if managed {
		return names[field][1]
	}
	return names[field][0]
}

func (p *poolLowering) leave(g schema.Group, field string, d planner.Diff) {
	p.owned = append(p.owned, d.Path)
	if field == "ami" && g.NodeGroup != "" && p.o.Owner(field) == "terraform" {
		p.drained, p.drainedAt = append(p.drained, g.NodeGroup), p.o.Positions(d.Path)
	}
	if p.o.Owner(field) == "terraform" && field == "ami" && g.Karpenter != "" {
		p.tellTerraformDrifts(g, d)
	}
	if p.o.Owner(field) == "terraform" && g.Karpenter != "" {
		what := map[string]string{"ami": "amiSelectorTerms of its EC2NodeClass", "limits.cores": "limits.cpu", "limits.memory": "limits.memory"}[field]
		p.elsewise = append(p.elsewise, fmt.Sprintf("%s: %s: %s (is %s)", g.Key(), what, d.After.Display(), or(d.Before.Display())))
	} else if p.o.Owner(field) == "terraform" && ofNodes(field) {
		p.elsewise = append(p.elsewise, g.Key()+": "+labelTerraform(g, field, d))
	} else if p.o.Owner(field) == "terraform" && field == "launch" {
		p.elsewise = append(p.elsewise, g.Key()+": launch_template in place of launch_configuration")
	} else if p.o.Owner(field) == "terraform" {
		p.elsewise = append(p.elsewise, fmt.Sprintf("%s: %s = %s (is %s)", g.Key(), terraformName(field, g.NodeGroup != ""), d.After.Text, or(d.Before.Display())))
	} else {
		p.elsewise = append(p.elsewise, fmt.Sprintf("%s: %s is %s, the files say %s", g.Key(), field, or(d.Before.Display()), d.After.Display()))
	}
}

// tellDrained says what becomes of nodes when the owner of their image changes it.
func (p *poolLowering) tellDrained() {
	if len(p.drained) == 0 {
		return
	}
	p.findings = append(p.findings, schema.Finding{Code: "DC852", Severity: schema.Warning, Address: p.change.Address, Positions: p.drainedAt,
		Message: "once Terraform applies image_id, EKS drains all nodes of " + strings.Join(p.drained, " and ") + " at once, whatever runs on them",
		Hint:    "let Terraform make a second managed node group with the new image, state both under groups, and take the old one to zero once its runs have ended"})
}

// left are the fields that domctl does not write, and why.
func (p *poolLowering) left() (left []planner.Left) {
	if len(p.owned) > 0 {
		left = append(left, planner.Left{Fields: p.owned, Why: p.elsewhere()})
	}
	if evicts := p.leftToEvict(); evicts != nil {
		left = append(left, *evicts)
	}
	if len(p.rolls) > 0 {
		left = append(left, planner.Left{Fields: p.rolls, Why: *p.block("DC241",
			"switching a managed node group drains its nodes at once, whatever runs on them, and the pool states no roll",
			"state roll, and domctl has it switched once no run is on them; or switch it by hand in a maintenance window")})
	}
	if len(p.held) > 0 {
		left = append(left, planner.Left{Fields: p.held, Why: p.drifts()})
	}
	return left
}

// elsewhere says what stands otherwise in the fields of another owner.
func (p *poolLowering) elsewhere() schema.Finding {
	hint := "change it in Terraform, then plan again"
	byHand := slices.ContainsFunc(p.owned, func(path string) bool { name, _ := p.o.Variable(path); return name == "" })
	written := slices.ContainsFunc(p.owned, func(path string) bool { name, _ := p.o.Variable(path); return name != "" })
	if file := planner.Printable(p.o.Fields["terraform.file"].Str()); written && byHand {
		hint = "domctl plan --write-terraform puts what has a variable into " + file + "; change the rest there by hand, let Terraform apply it, then plan again"
	} else if written {
		hint = "domctl plan --write-terraform puts it into " + file + "; let Terraform apply it, then plan again"
	}
	if slices.ContainsFunc([]string{"ami", "size", "labels"}, func(what string) bool { return p.o.Owner(what) == "observe" }) {
		hint = "state owner as \"domctl\" to have it changed, or correct the files"
	}
	return *p.block("DC239", "not written, because it belongs to another owner: "+strings.Join(p.elsewise, "; "), hint)
}

func (p *poolLowering) block(code, message, hint string) *schema.Finding {
	return blocked(code, p.change.Address, message, hint, p.change.Positions).Blocked
}

// resize states the desired size too where the new bounds would move it, so
// that the plan shows it and a rollback restores it.
func (p *poolLowering) resize(g schema.Group, ref planner.Ref, size map[string]schema.Value) *schema.Finding {
	group := p.v.raw[ref]
	at := func(name string) float64 {
		v, stated := size[name]
		if !stated {
			v = group[name]
		}
		n, _ := v.Float()
		return n
	}
	for _, name := range []string{"min", "max", "desired"} {
		if v, stated := size[name]; stated && v.Is == schema.Absent {
			return p.block("DC249", g.Key()+": a size cannot be unset", "leave size."+name+" out to let go of it")
		}
	}
	lo, hi, desired := at("min"), at("max"), at("desired")
	if _, stated := size["desired"]; lo > hi || stated && (desired < lo || desired > hi) {
		return p.block("DC212", fmt.Sprintf("%s: sizes do not fit each other: min %v, desired %v, max %v", g.Key(), lo, desired, hi), "state sizes with min ≤ desired ≤ max")
	}
	if desired < lo || desired > hi {
		size["desired"] = schema.JSON(min(max(desired, lo), hi))
		p.findings = append(p.findings, schema.Finding{Code: "DC213", Severity: schema.Info, Address: p.change.Address, Positions: p.change.Positions,
			Message: fmt.Sprintf("%s: desired moves from %v to %s, into the new bounds", g.Key(), desired, size["desired"].Text)})
	}
	if was, _ := group["desired"].Float(); at("desired") < was {
		p.findings = append(p.findings, schema.Finding{Code: "DC846", Severity: schema.Warning, Address: p.change.Address, Positions: p.o.Nearest("size"),
			Message: fmt.Sprintf("%s: AWS ends %v of %v nodes, of its own choosing; domctl has it do that once no live run is on any of them", g.Key(), was-at("desired"), was),
			Hint:    "leave the size, and the cluster autoscaler takes nodes that are empty; or cordon nodes until their runs have ended"})
	}
	if g.NodeGroup == "" {
		s := groupStep(p.change.Address, ref, size, nil, group)
		s.ID += "/size"
		p.steps = append(p.steps, s)
	}
	return nil
}

// told writes what a group is to say of its nodes; with the sizes of a managed node group,
// which are of the same call.
func (p *poolLowering) told(g schema.Group, ref planner.Ref, at string, size map[string]schema.Value, says map[string]planner.Diff) {
	if g.NodeGroup == "" {
		p.tagged(ref, says)
		return
	}
	maps.Copy(size, p.configured(ref, at, says))
	if s := configStep(p.change.Address, ref, size, p.v.raw[ref]); len(s.Writes) > 0 {
		p.steps = append(p.steps, s)
	}
}
