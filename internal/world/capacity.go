package world

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// CapacityView is what capacities are reckoned from.
type CapacityView struct {
	*View
	nodes   []liveNode
	pods    []port.Pod
	why     error // live nodes are not known
	known   map[string]schema.Capacity
	quota   planner.Raw
	zones   map[string][]string // where each instance type is offered
	noZones string              // why that is not known
	ran     []ranOn
	since   time.Time
	noPeak  string
	scales  map[planner.Ref]planner.Raw // Auto Scaling groups of managed node groups
}

// LookCapacity reads pools, all tiers, the quota and, where a cluster can be asked, its
// nodes, and the runs since a moment; the zero time: no runs. Calls grow with pages, and with managed node groups.
func (w *World) LookCapacity(ctx context.Context, d schema.Desired, a schema.Applied, since time.Time) (*CapacityView, error) {
	c := &CapacityView{View: w.newView(d, a), known: map[string]schema.Capacity{}, noPeak: "nobody was asked"}
	tiers := w.newView(d, a)
	applied := func() schema.Applied { return a }
	quota := w.quotaRef()
	err := sideBySide(
		func() error { return lookPools(ctx, &look{w, d, applied, c.View}) },
		func() error { return lookTiers(ctx, &look{w, d, applied, tiers}) },
		func() error { return c.lookNodes(ctx) },
		func() error { return c.lookPeaks(ctx, since) },
		func() error {
			raw, err := w.Read(ctx, []planner.Ref{quota})
			c.quota = raw[quota]
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("capacity: %w", err)
	}
	c.add(tiers)
	c.View.Findings = nil // a plan tells them
	c.live = liveRooms(c.nodes)
	if err := c.lookTypes(ctx); err != nil {
		return nil, fmt.Errorf("capacity: %w", err)
	}
	return c, nil
}

func (w *World) quotaRef() planner.Ref {
	return settingRef(w.settingsAt(), schema.SettingsNamespace, schema.SettingKey("maximumExecutionsPerUser"))
}

// lookNodes notes why nobody can say which nodes live; an end of ctx alone is an error.
func (c *CapacityView) lookNodes(ctx context.Context) (err error) {
	if c.world.Nodes == nil {
		c.why = errNoCluster
		return nil
	}
	if c.nodes, c.pods, err = c.world.liveNodes(ctx); err != nil {
		c.why = err
	}
	return ctx.Err()
}

// lookTypes asks for the instance types of pools, and for the Auto Scaling groups of
// managed node groups, whose tags the cluster autoscaler reads.
func (c *CapacityView) lookTypes(ctx context.Context) error {
	types, groups := map[string]bool{}, map[string]bool{}
	for a, o := range c.desired.Objects {
		if a.Kind != "nodePools" {
			continue
		}
		for _, t := range c.typesOf(a) {
			types[t] = true
		}
		for _, g := range o.Groups() {
			for _, name := range c.raw[c.world.groupRefOf(g)]["groups"].Strings() {
				groups[name] = true
			}
		}
	}
	return sideBySide(
		func() (err error) { c.known, err = c.world.capacities(ctx, schema.Sorted(types)); return err },
		func() error { return c.lookZones(ctx, schema.Sorted(types)) },
		func() (err error) { c.scales, err = c.world.readGroups(ctx, schema.Sorted(groups)); return err })
}

// lookZones asks where instance types are offered, and notes why nobody can say.
func (c *CapacityView) lookZones(ctx context.Context, types []string) error {
	if len(types) == 0 {
		return nil
	}
	offered, err := c.world.Outside.DescribeInstanceTypeOfferings(ctx, types)
	if err != nil {
		c.noZones = oneLine(err)
		return ctx.Err()
	}
	c.zones = map[string][]string{}
	for _, o := range offered {
		c.zones[o.Type] = append(c.zones[o.Type], o.Zone)
	}
	return nil
}

// typesOf are the instance types of a pool: those that its groups start, else those that
// the files expect.
func (c *CapacityView) typesOf(pool schema.Address) (types []string) {
	o := c.desired.Objects[pool]
	for _, g := range o.Groups() {
		for _, t := range c.instanceTypesOf(c.raw[c.world.groupRefOf(g)]) {
			if !slices.Contains(types, t) {
				types = append(types, t)
			}
		}
	}
	if len(types) == 0 {
		types = o.Fields["expect.instanceTypes"].Strings()
	}
	slices.Sort(types)
	return types
}

// userQuota is that of the files, else the one that lives, else Domino's default.
func (c *CapacityView) userQuota() (n int64, from string) {
	s, _ := schema.SettingByName("maximumExecutionsPerUser")
	stated := c.desired.Objects[schema.Address{Kind: "settings", Name: s.Name}].Fields["value"].Str()
	for _, is := range []struct{ text, from string }{{stated, "the files"}, {settingText(c.quota).Str(), "the central configuration"}, {settingText(c.quota).Text, "the central configuration"}} {
		if n, err := strconv.ParseInt(is.text, 10, 64); err == nil && n >= 0 {
			return n, is.from
		}
	}
	n, _ = strconv.ParseInt(s.Default, 10, 64)
	return n, "Domino's default"
}

// tierAt is a tier that is in use, with the label of the pool that it names.
type tierAt struct {
	name, id, label string
	address         schema.Address
	fields          map[string]schema.Value
}

// tiersThere are all that are not archived, by name: stated values over live ones.
func (c *CapacityView) tiersThere() (out []tierAt) {
	add := func(t tierAt) {
		if t.label = t.fields["nodePool"].Str(); t.label != "" && !t.fields["archived"].Bool() {
			out = append(out, t)
		}
	}
	collection, paths := c.world.tiersAt()
	declared, decode := map[planner.Ref]bool{}, tierDecoder(paths)
	for a, o := range c.desired.Objects {
		if a.Kind != "hardwareTiers" {
			continue
		}
		declared[c.refs[a]] = true
		fields := maps.Clone(c.Objects[a].Fields)
		if fields == nil {
			fields = map[string]schema.Value{}
		}
		maps.Copy(fields, o.Fields)
		if pool, _, ok := o.Fields["nodePool"].Target(); ok {
			fields["nodePool"] = c.desired.Objects[pool].Fields["label"]
		}
		add(tierAt{name: a.Name, id: cmp.Or(c.Objects[a].ID, a.Name), address: a, fields: fields})
	}
	for ref, raw := range c.raw {
		if ref.Type() == docRef(collection, "").Type() && !declared[ref] {
			fields, _ := decode(raw)
			add(tierAt{name: idPlain(ref), id: idPlain(ref), fields: fields})
		}
	}
	slices.SortFunc(out, func(a, b tierAt) int {
		return cmp.Or(strings.Compare(a.label, b.label), strings.Compare(a.name, b.name))
	})
	return out
}

// sizeOf adds up a size of a pool's groups: stated where domctl writes it, else live; nil
// where one of them is not known.
func (c *CapacityView) sizeOf(a schema.Address, which string) *int64 {
	o, total := c.desired.Objects[a], int64(0)
	for _, g := range o.Groups() {
		if g.Karpenter != "" {
			n := int64(0)
			if which == "max" {
				if n = c.mostOf(a, g); n < 0 {
					return nil
				}
			}
			total += n
			continue
		}
		at := "groups." + schema.JoinPath(g.Key()) + ".size." + which
		n, known := c.Objects[a].Fields[at].Float()
		if stated, is := o.Fields[at].Float(); is && o.Owner("size") == "domctl" {
			n, known = stated, true
		}
		if !known {
			return nil
		}
		total += int64(n)
	}
	if len(o.Groups()) == 0 {
		return nil
	}
	return &total
}

// scaleDownTag overrides the autoscaler's --scale-down-unneeded-time for a group.
const scaleDownTag = schema.AutoscalerTag + "autoscaling-options/scaledownunneededtime"

// scaleDown are the delays that the tags of a pool's groups state: one where all state
// the same, "" among them for a group that is not tagged.
func (c *CapacityView) scaleDown(a schema.Address) []string {
	out := []string{}
	note := func(raw planner.Raw) {
		text := raw[schema.JoinPath("tags", scaleDownTag)].Str()
		if after := raw["consolidateAfter"].Str(); after != "" { // Karpenter's
			text = after
		}
		if d, err := time.ParseDuration(text); err == nil {
			text = shortDuration(d)
		}
		if raw != nil && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	for _, g := range c.desired.Objects[a].Groups() {
		raw := c.raw[c.world.groupRefOf(g)]
		if g.NodeGroup == "" {
			note(raw)
		}
		for _, name := range raw["groups"].Strings() {
			note(c.scales[groupRef(name)])
		}
	}
	slices.Sort(out)
	if d, err := schema.ParseDuration(c.desired.Objects[a].Fields["scaleDownDelay"].Str()); err == nil && slices.Equal(out, []string{""}) {
		return []string{shortDuration(d)}
	}
	return out
}

// shortDuration leaves zero units out: "10m".
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
