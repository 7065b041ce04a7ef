package world

import (
	"context"
	"fmt"
	"strings"

	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// proves adds the probe of the wave that a change belongs to: of several changes of a
// wave the first brings it. It says why there can be none.
func (v *View) proves(c planner.Change, image schema.Value, out *planner.Lowered) *schema.Finding {
	of, _, refers := v.desired.Objects[c.Address].Fields["ami"].Target()
	r, rolls := v.rollouts()[of]
	n, named := r.number[c.Address]
	if !refers || !rolls || !named || r.waves[n].Probe == nil {
		return nil
	}
	w := r.waves[n]
	at := v.desired.Objects[of].Nearest(fmt.Sprintf("rollout.%d.probe", n))
	env := v.refs[schema.Address{Kind: "environments", Name: w.Probe.Environment}]
	most, err := schema.ParseDuration(w.Probe.MaxPulling)
	// The first tier of the wave that stands outside is what the probe's is a copy of.
	var tier, group planner.Ref
	for _, name := range w.Tiers {
		a := schema.Address{Kind: "hardwareTiers", Name: name}
		if tier, group = v.refs[a], v.refs[executorOf(a)]; tier != "" && group != "" {
			break
		}
	}
	switch {
	case err != nil:
		return blocked("DC390", c.Address, "waits for a probe that allows "+w.Probe.MaxPulling, "state a time, as \"10s\"", at).Blocked
	case v.raw[docRef(projectsCollection, objectID(w.Probe.Project))] == nil:
		return blocked("DC390", c.Address, fmt.Sprintf("waits for a probe in project %s, which is not there", planner.Printable(w.Probe.Project)), "state the id of a project that is: probe: project", at).Blocked
	case env == "":
		return blocked("DC390", c.Address, fmt.Sprintf("waits for a probe in environment %s, which is not there", w.Probe.Environment), "create it, or name another: probe: environment", at).Blocked
	case tier == "" || group == "":
		return blocked("DC390", c.Address, "waits for a probe, and no tier of its wave stands outside with an executor group", "name one that does", at).Blocked
	}
	s := v.probe(c.Address, fmt.Sprintf("%s/%s/%d", of, operation.Probe, n+1), tier, group)
	s.Args["project"], s.Args["environment"], s.Args["image"] = schema.JSON(w.Probe.Project), schema.JSON(idPlain(env)), image
	s.Args["most"], s.Args["title"] = schema.JSON(most.Milliseconds()), schema.JSON(fmt.Sprintf("domctl: probe of %s before wave %d", of, n+1))
	out.Once = append(out.Once, s)
	out.Waves[s.ID] = planner.Wave{Of: of, N: place(n) - 1}
	out.Findings = append(out.Findings, schema.Finding{Code: "DC391", Severity: schema.Info, Address: c.Address, Positions: at,
		Message: fmt.Sprintf("waits for a probe: a run of environment %s on a hidden copy of %s must have its images within %s", w.Probe.Environment, idPlain(tier), w.Probe.MaxPulling)})
	return nil
}

// probe is the step with copies of a tier and of its executor group, without what must
// not be twice or would be felt: Args by "tier." and "group." and the path.
func (v *View) probe(a schema.Address, id string, tier, group planner.Ref) planner.Step {
	tiers, paths := tierPaths(v.world.Deployment.Mongo.Mapping.HardwareTiers)
	groups, at := executorPaths(v.world.Deployment.Mongo.Mapping.ExecutorGroups)
	s := planner.Step{ID: id, Address: a, Op: operation.Probe, Object: planner.Ref("domino/probe#" + id), Guard: planner.Absolute, Window: window,
		Args: map[string]schema.Value{"tiers": schema.JSON(tiers), "groups": schema.JSON(groups), "name": schema.JSON(paths["name"]), "archived": schema.JSON(paths["archived"]),
			"groupTier": schema.JSON(at["tier"]), "groupImage": schema.JSON(at["ami"])}}
	for p, value := range v.raw[tier] {
		if root, _, _ := strings.Cut(p, "."); p != "_id" && !strings.EqualFold(root, "overProvisioning") {
			s.Args["tier."+p] = value
		}
	}
	for _, field := range []string{"isDefault", "isVisible", "isDefaultForModelApi", "isDataAnalystTier", "archived"} {
		overlay(s.Args, "tier.", paths[field], schema.JSON(false))
	}
	for p, value := range v.raw[group] {
		if p != "_id" && p != at["tier"] && p != at["ami"] {
			s.Args["group."+p] = value
		}
	}
	return s
}

// overlay sets a path of a document, in place of a leaf above it: {} or null.
func overlay(args map[string]schema.Value, prefix, path string, value schema.Value) {
	segments := schema.SplitPath(path)
	for i := 1; i < len(segments); i++ {
		delete(args, prefix+schema.JoinPath(segments[:i]...))
	}
	args[prefix+path] = value
}

const projectsCollection = "projects"

// readProbed reads the projects that waves are probed in.
func (l *look) readProbed(ctx context.Context) (map[planner.Ref]planner.Raw, error) {
	ids := map[string]bool{}
	for _, o := range l.desired.Objects {
		for _, w := range o.Rollout() {
			if w.Probe != nil {
				ids[objectID(w.Probe.Project)] = true
			}
		}
	}
	out := map[planner.Ref]planner.Raw{}
	if len(ids) == 0 {
		return out, nil
	}
	docs, err := l.Outside.Find(ctx, port.Query{Collection: projectsCollection, Any: map[string][]string{"_id": schema.Sorted(ids)}, Fields: []string{"name"}})
	for _, d := range docs {
		out[docRef(projectsCollection, idText(d["_id"]))] = rawOf(d)
	}
	return out, err
}

func objectID(id string) string { return `{"$oid":` + schema.JSON(id).Text + `}` }
