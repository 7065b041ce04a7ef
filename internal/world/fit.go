package world

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"domctl.dev/schema"
)

// tenants are the desired tiers by the pool they name.
func tenants(d schema.Desired) map[schema.Address][]schema.Address {
	out := map[schema.Address][]schema.Address{}
	for a, o := range d.Objects {
		if pool, field, ok := o.Fields["nodePool"].Target(); ok && field == "label" {
			out[pool] = append(out[pool], a)
		}
	}
	for _, tiers := range out {
		slices.SortFunc(tiers, schema.Address.Compare)
	}
	return out
}

// readCapacities asks for the instance types that the pools of the files expect.
func (w *World) readCapacities(ctx context.Context, d schema.Desired, byPool map[schema.Address][]schema.Address) (map[string]schema.Capacity, error) {
	names := map[string]bool{}
	for pool := range byPool {
		for _, t := range d.Objects[pool].Fields["expect.instanceTypes"].Strings() {
			names[t] = true
		}
	}
	return w.capacities(ctx, schema.Sorted(names))
}

func (w *World) capacities(ctx context.Context, names []string) (map[string]schema.Capacity, error) {
	out := map[string]schema.Capacity{}
	if len(names) == 0 {
		return out, nil
	}
	types, err := w.Outside.DescribeInstanceTypes(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("instance types: %w", err)
	}
	for _, t := range types {
		out[t.Name] = schema.Capacity{Cores: float64(t.VCPUs), Memory: t.MemoryMiB << 20, GPUs: int(t.GPUs), Store: t.StoreGB}
	}
	return out, nil
}

// fit judges every tier, its stated values over its live ones, by what EC2 says
// of the instance types that its pool expects, else starts.
func (v *View) fit(ctx context.Context, byPool map[schema.Address][]schema.Address, known map[string]schema.Capacity) error {
	pools := map[schema.Address][]string{}
	missing := map[string]bool{}
	for pool := range byPool {
		o := v.desired.Objects[pool]
		pools[pool] = o.Fields["expect.instanceTypes"].Strings()
		if len(pools[pool]) > 0 {
			continue
		}
		for _, g := range o.Groups() {
			for _, t := range v.instanceTypesOf(v.raw[v.world.groupRefOf(g)]) {
				if !slices.Contains(pools[pool], t) {
					pools[pool] = append(pools[pool], t)
				}
				if _, ok := known[t]; !ok {
					missing[t] = true
				}
			}
		}
	}
	more, err := v.world.capacities(ctx, schema.Sorted(missing))
	if err != nil {
		return err
	}
	maps.Copy(known, more)
	if err := v.suits(ctx, known); err != nil {
		return err
	}
	for pool, tiers := range byPool {
		fields := maps.Clone(v.desired.Objects[pool].Fields)
		fields["expect.instanceTypes"] = schema.JSON(pools[pool])
		rooms, after := v.liveRooms(fields["label"].Str()), "allocatable"
		if len(rooms) == 0 {
			rooms, _ = schema.Rooms(fields, known)
			after = "after overhead"
		}
		for _, a := range tiers {
			v.fitTier(a, pool, fields, rooms, after)
		}
	}
	return nil
}

// liveRooms are those of the live nodes of a pool, by instance type.
func (v *View) liveRooms(label string) (rooms []schema.NodeRoom) {
	for _, kind := range schema.Sorted(v.live[label]) {
		rooms = append(rooms, schema.NodeRoom{Type: or(kind), Room: v.live[label][kind]})
	}
	return rooms
}

// fitTier judges a tier by what of it the files state and what else lives.
// after says what the rooms are: "allocatable" of live nodes, or "after overhead".
func (v *View) fitTier(a, pool schema.Address, fields map[string]schema.Value, rooms []schema.NodeRoom, after string) {
	o, p := v.desired.Objects[a], v.desired.Objects[pool]
	tier := map[string]schema.Value{}
	for _, path := range schema.FitPaths() {
		value, stated := o.Fields[path]
		if !stated {
			value = v.Objects[a].Fields[path]
		}
		tier[path] = value
	}
	if kind, left, most := schema.Unused(tier, fields, rooms); kind != "" {
		v.Findings = append(v.Findings, schema.UnusedFinding(a, left, kind, pool.Name, most, append(slices.Clone(o.Positions("")), p.Positions("expect.maxUnused")...)))
	}
	for _, s := range schema.Fit(tier, fields, rooms) {
		f := schema.Finding{Code: "DC105", Severity: schema.Error, Address: a, Hint: fmt.Sprintf("lower %s, or move the tier to a larger pool", s.Path),
			Positions: append(slices.Clone(o.Positions(s.Path)), p.Positions("expect.instanceTypes")...),
			Message:   fmt.Sprintf("%s is %s, a %s in node pool %q has %s %s", s.Path, s.Want, s.InstanceType, pool.Name, s.Have, after)}
		if _, stated := o.Fields[s.Path]; s.Soft || !stated {
			f.Severity = schema.Warning // live already, or just so
		}
		v.Findings = append(v.Findings, f)
	}
}

// limits reports requests and limits that differ once live values are merged in;
// what the files alone state is the compiler's to judge.
func (v *View) limits() {
	for a, o := range v.desired.Objects {
		if a.Kind != "hardwareTiers" {
			continue
		}
		live, lives := v.Objects[a]
		for _, p := range []string{"cores", "memory"} {
			request, requested := o.Fields[p]
			limit, limited := o.Fields[p+"Limit"]
			if !lives || requested == limited {
				continue
			}
			if !requested {
				request = live.Fields[p]
			} else {
				limit = live.Fields[p+"Limit"]
			}
			if request.Is == schema.Known && limit.Is == schema.Known && request != limit {
				v.Findings = append(v.Findings, schema.Finding{Code: "DC104", Severity: schema.Warning, Address: a, Positions: o.Positions(""),
					Message: fmt.Sprintf("%s would be %s and %sLimit %s: an execution can be evicted", p, request.Display(), p, limit.Display()), Hint: "state " + p + " and " + p + "Limit equal"})
			}
		}
	}
}
