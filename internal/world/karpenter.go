package world

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	var pools, classes map[planner.Ref]planner.Raw
	var noPools, noClasses error
	_ = sideBySide(
		func() error { pools, noPools = w.readNodePools(ctx); return nil },
		func() error { classes, noClasses = w.readNodeClasses(ctx); return nil })
	if errors.Is(noPools, port.ErrNotServed) && errors.Is(noClasses, port.ErrNotServed) {
		noClasses = nil // which is the same news
	}
	maps.Copy(pools, classes)
	return pools, errors.Join(noPools, noClasses)
}

func (w *World) readNodePools(ctx context.Context) (map[planner.Ref]planner.Raw, error) {
	if w.Karpenter == nil {
		return nil, errNoCluster
	}
	pools, err := w.Karpenter.ListNodePools(ctx)
	out := map[planner.Ref]planner.Raw{}
	for _, p := range pools {
		out[nodePoolRef(p.Name)] = nodePoolRaw(p)
	}
	return out, err
}

func (w *World) readNodeClasses(ctx context.Context) (map[planner.Ref]planner.Raw, error) {
	if w.Karpenter == nil {
		return nil, errNoCluster
	}
	classes, err := w.Karpenter.ListNodeClasses(ctx)
	out := map[planner.Ref]planner.Raw{}
	for _, c := range classes {
		out[nodeClassRef(c.Name)] = nodeClassRaw(c)
	}
	return out, err
}

// some answers those of a kind that are asked for, of a read of all.
func some(of func(string) planner.Ref, read func(context.Context) (map[planner.Ref]planner.Raw, error)) func(context.Context, []string) (map[planner.Ref]planner.Raw, error) {
	return func(ctx context.Context, names []string) (map[planner.Ref]planner.Raw, error) {
		all, err := read(ctx)
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
		raw[taintPath(t.Key, t.Effect)] = schema.JSON(t.Value)
	}
	return raw
}

func budgetsValue(budgets []string) schema.Value {
	return schema.Value{Is: schema.Known, Text: "[" + strings.Join(budgets, ",") + "]"}
}

func nodeClassRaw(c port.NodeClass) planner.Raw {
	raw := planner.Raw{}
	for path, text := range c.Fields() {
		raw[path] = schema.Value{Is: schema.Known, Text: text}
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
