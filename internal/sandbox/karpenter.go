package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

var _ port.Karpenter = (*World)(nil)

// karpenter is the file's "kubernetes.karpenter"; without it, it is not installed.
type karpenter struct {
	At      string               `json:"at,omitempty"` // RFC 3339: until when what becomes of it is written down
	Claims  map[string]nodeClaim `json:"nodeClaims,omitempty"`
	Classes map[string]nodeClass `json:"nodeClasses,omitempty"`
	Pools   map[string]nodePool  `json:"nodePools,omitempty"`
	Serves  string               `json:"serves,omitempty"` // another version than v1
	Takes   string               `json:"takes,omitempty"`  // for a node to come, to get ready, and to go; left out: Options.Settle
}

// nodePool starts nodes for pods that wait for its labels.
type nodePool struct {
	Budgets       []json.RawMessage          `json:"budgets,omitempty"` // left out: [{"nodes": "10%"}], as Karpenter has it
	Class         string                     `json:"class"`
	Consolidates  string                     `json:"consolidationPolicy,omitempty"`
	Empties       string                     `json:"consolidateAfter,omitempty"`
	ExpireAfter   string                     `json:"expireAfter,omitempty"`
	Fixed         bool                       `json:"fixed,omitempty"`
	HeldBy        string                     `json:"heldBy,omitempty"`
	InstanceTypes []string                   `json:"instanceTypes,omitempty"`
	Labels        map[string]string          `json:"labels,omitempty"`
	Limits        map[string]json.RawMessage `json:"limits,omitempty"`
	Started       int                        `json:"started,omitempty"` // claims that it made
	Taints        []taint                    `json:"taints,omitempty"`
	UID           string                     `json:"uid,omitempty"`
	Version       int64                      `json:"version,omitempty"`
	Zones         []string                   `json:"zones,omitempty"`
}

// nodeClass finds no image where its terms name one id that the account does not have.
type nodeClass struct {
	Blocks  json.RawMessage `json:"blockDeviceMappings,omitempty"`
	Family  string          `json:"amiFamily,omitempty"`
	Images  []string        `json:"images,omitempty"` // what terms mean that are not one id
	Terms   json.RawMessage `json:"amiSelectorTerms"`
	UID     string          `json:"uid,omitempty"`
	Version int64           `json:"version,omitempty"`
}

// nodeClaim has a node once it joined, unless it never does.
type nodeClaim struct {
	Created  string `json:"created,omitempty"` // RFC 3339
	Ends     string `json:"ends,omitempty"`    // RFC 3339: its end has begun, and is over then
	Image    string `json:"image"`
	Instance string `json:"instance,omitempty"`
	Joins    string `json:"joins,omitempty"` // left out: after a while; "never"
	Node     string `json:"node,omitempty"`
	Pool     string `json:"pool"`
	UID      string `json:"uid,omitempty"`
}

// quantity is the number that a limit means: `"64"`, `64`, `"500m"`, `"256Gi"`; 0 for what
// is none.
func quantity(text string) (n float64) {
	text = strings.Trim(text, `"`)
	for _, u := range []struct {
		suffix string
		times  float64
	}{{"m", 0.001}, {"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1 << 40}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"", 1}} {
		if number, is := strings.CutSuffix(text, u.suffix); is {
			n, _ = strconv.ParseFloat(number, 64)
			return n * u.times
		}
	}
	return 0
}

// resourceVersion of what was written to n times.
func resourceVersion(n int64) string { return strconv.FormatInt(n+1, 10) }

func (p nodePool) port(name string) port.NodePool {
	out := port.NodePool{Name: name, UID: cmp.Or(p.UID, uid("nodepool", name)), Version: resourceVersion(p.Version), Class: p.Class, HeldBy: p.HeldBy, Labels: copied(p.Labels),
		Taints: tainted(p.Taints), InstanceTypes: slices.Clone(p.InstanceTypes), Zones: slices.Clone(p.Zones), ExpireAfter: cmp.Or(p.ExpireAfter, "720h"), Consolidates: cmp.Or(p.Consolidates, "WhenEmptyOrUnderutilized"), ConsolidateAfter: cmp.Or(p.Empties, "0s"), Fixed: p.Fixed}
	for _, b := range p.Budgets {
		out.Budgets = append(out.Budgets, canonicalJSON(b))
	}
	if p.Budgets == nil {
		out.Budgets = []string{`{"nodes":"10%"}`}
	}
	for r, limit := range p.Limits {
		if out.Limits == nil {
			out.Limits = map[string]string{}
		}
		out.Limits[r] = canonicalJSON(limit)
	}
	out.Limited = port.Resources{MilliCPU: int64(1000 * quantity(out.Limits["cpu"])), Memory: int64(quantity(out.Limits["memory"]))}
	return out
}

func (s *state) classOf(name string, c nodeClass) port.NodeClass {
	out := port.NodeClass{Name: name, UID: cmp.Or(c.UID, uid("nodeclass", name)), Version: resourceVersion(c.Version), Terms: canonicalJSON(c.Terms), Family: c.Family, Images: slices.Clone(c.Images)}
	if len(c.Blocks) > 0 {
		out.Blocks = canonicalJSON(c.Blocks)
	}
	if id := out.Image(); id != "" {
		out.Images = []string{id}
		if _, there := s.aws.Images[id]; !there {
			out.Images, out.Fault = nil, "AMIsReady is false: AMISelector did not match any AMIs"
		}
	}
	return out
}

func (c nodeClaim) port(name string, k karpenter, joined bool) port.NodeClaim {
	created := moment(cmp.Or(c.Created, "2026-01-01T00:00:00Z"))
	p := k.Pools[c.Pool]
	out := port.NodeClaim{Name: name, UID: cmp.Or(c.UID, uid("nodeclaim", name)), Pool: c.Pool, Class: p.Class, Instance: c.instance(name), Image: c.Image,
		Created: created, Going: c.Ends != ""}
	if joined {
		out.Node = c.node(name)
	}
	return out
}

func (c nodeClaim) node(name string) string { return cmp.Or(c.Node, "ip-"+name) }
func (c nodeClaim) instance(name string) string {
	return cmp.Or(c.Instance, "i-"+hashed("claim", name)[len("sha256:"):][:17])
}

// served refuses what the cluster does not serve.
func (s *state) served() (karpenter, error) {
	switch k := s.cluster.Karpenter; {
	case k == nil:
		return karpenter{}, fmt.Errorf("%w: karpenter.sh is not there; is Karpenter installed in this cluster?", port.ErrNotServed)
	case k.Serves != "" && k.Serves != "v1":
		return karpenter{}, fmt.Errorf("%w: %w: karpenter.sh serves %s; update Karpenter to 1.0 or later", port.ErrNotServed, port.ErrVersion, k.Serves)
	default:
		return *k, nil
	}
}

// ListNodePools by name.
func (w *World) ListNodePools(ctx context.Context) ([]port.NodePool, error) {
	return read(ctx, w, "ListNodePools", func(s *state) (out []port.NodePool, _ int, err error) {
		k, err := s.served()
		for _, name := range schema.Sorted(k.Pools) {
			out = append(out, k.Pools[name].port(name))
		}
		return out, len(out), err
	})
}

// ListNodeClasses by name.
func (w *World) ListNodeClasses(ctx context.Context) ([]port.NodeClass, error) {
	return read(ctx, w, "ListNodeClasses", func(s *state) (out []port.NodeClass, _ int, err error) {
		k, err := s.served()
		for _, name := range schema.Sorted(k.Classes) {
			out = append(out, s.classOf(name, k.Classes[name]))
		}
		return out, len(out), err
	})
}

// ListNodeClaims by name.
func (w *World) ListNodeClaims(ctx context.Context) ([]port.NodeClaim, error) {
	return read(ctx, w, "ListNodeClaims", func(s *state) (out []port.NodeClaim, _ int, err error) {
		k, err := s.served()
		if err != nil {
			return nil, 0, err
		}
		g, err := w.grid(s)
		for _, name := range schema.Sorted(k.Claims) {
			_, joined := g.nodes[k.Claims[name].node(name)]
			out = append(out, k.Claims[name].port(name, k, joined))
		}
		return out, len(out), err
	})
}

// patched is one write to one of Karpenter's objects, which must be the one that was read.
func patched(ctx context.Context, w *World, call, what string, was [2]string, is func(karpenter) (uid, version string, there bool), write func(*karpenter)) error {
	return effect(ctx, w, call, func(s *state) (*state, error) {
		k, err := s.served()
		if err != nil {
			return nil, err
		}
		id, version, there := is(k)
		switch {
		case !there || was[0] != id || was[1] == "":
			return nil, fmt.Errorf("%s: %w", what, port.ErrNotFound)
		case was[1] != version && version != "":
			return nil, fmt.Errorf("%s was changed since it was read: %w", what, port.ErrState)
		}
		k.Pools, k.Classes, k.Claims = maps.Clone(k.Pools), maps.Clone(k.Classes), maps.Clone(k.Claims)
		write(&k)
		next := *s
		next.cluster.Karpenter = &k
		return &next, nil
	})
}

func (w *World) patchPool(ctx context.Context, call string, was port.NodePool, write func(*nodePool)) error {
	return patched(ctx, w, call, "NodePool "+was.Name, [2]string{was.UID, was.Version},
		func(k karpenter) (string, string, bool) {
			p, there := k.Pools[was.Name]
			is := p.port(was.Name)
			return is.UID, is.Version, there
		},
		func(k *karpenter) {
			p := k.Pools[was.Name]
			write(&p)
			p.Version++
			k.Pools[was.Name] = p
		})
}

// HoldDrift refuses a pool that is another, or was written to since it was read.
func (w *World) HoldDrift(ctx context.Context, was port.NodePool, by string) error {
	return w.patchPool(ctx, "HoldDrift", was, func(p *nodePool) {
		budgets := []json.RawMessage{}
		for _, b := range p.port(was.Name).WithHold(by != "") {
			budgets = append(budgets, json.RawMessage(b))
		}
		p.Budgets, p.HeldBy = budgets, by
	})
}

// SetLimits refuses a pool that is another, or was written to since it was read.
func (w *World) SetLimits(ctx context.Context, was port.NodePool, limits map[string]string) error {
	return w.patchPool(ctx, "SetLimits", was, func(p *nodePool) {
		p.Limits = maps.Clone(p.Limits)
		for r, limit := range limits {
			if limit == "" {
				delete(p.Limits, r)
				continue
			}
			if p.Limits == nil {
				p.Limits = map[string]json.RawMessage{}
			}
			p.Limits[r] = json.RawMessage(limit)
		}
	})
}

// SetImageTerms refuses terms that are none, and a class without a family that no alias
// tells, as the API server does.
func (w *World) SetImageTerms(ctx context.Context, was port.NodeClass, terms, family string) error {
	var list []map[string]any
	err := json.Unmarshal([]byte(terms), &list)
	alias := slices.ContainsFunc(list, func(t map[string]any) bool { return t["alias"] != nil })
	if err != nil || len(list) == 0 || family == "" && !alias {
		return fmt.Errorf("sandbox SetImageTerms: EC2NodeClass %s: %w: spec: must specify amiFamily if amiSelectorTerms does not contain an alias", was.Name, port.ErrInvalid)
	}
	return patched(ctx, w, "SetImageTerms", "EC2NodeClass "+was.Name, [2]string{was.UID, was.Version},
		func(k karpenter) (string, string, bool) {
			c, there := k.Classes[was.Name]
			return cmp.Or(c.UID, uid("nodeclass", was.Name)), resourceVersion(c.Version), there
		},
		func(k *karpenter) {
			c := k.Classes[was.Name]
			c.Terms, c.Family = json.RawMessage(terms), family
			c.Version++
			k.Classes[was.Name] = c
		})
}

// DeleteNodeClaim begins the end of a node; it takes a while.
func (w *World) DeleteNodeClaim(ctx context.Context, was port.NodeClaim) error {
	return patched(ctx, w, "DeleteNodeClaim", "NodeClaim "+was.Name, [2]string{was.UID, "1"},
		func(k karpenter) (string, string, bool) {
			c, there := k.Claims[was.Name]
			return cmp.Or(c.UID, uid("nodeclaim", was.Name)), "", there
		},
		func(k *karpenter) {
			c := k.Claims[was.Name]
			c.Ends = cmp.Or(c.Ends, w.opts.Clock().Add(w.takes(k)).UTC().Format(time.RFC3339))
			k.Claims[was.Name] = c
		})
}
