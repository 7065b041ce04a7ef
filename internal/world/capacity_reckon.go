package world

import (
	"slices"
	"time"

	"domctl.dev/schema"
)

// Capacity is what the nodes of a deployment hold, by pool and tier, as the files have
// them over what lives. What is not known is null.
type Capacity struct {
	// Nodes says why live ones are not known; "": they are.
	Nodes string `json:"nodesUnknown,omitempty"`
	// Quota is how many executions a user may run at a time, and From who says so.
	Quota     int64          `json:"userQuota"`
	QuotaFrom string         `json:"userQuotaFrom"`
	Pools     []PoolCapacity `json:"pools"`
	// Since is when the window began from which peaks are observed, later where there
	// were more runs than are read; NoPeak says why they are not known.
	Since    time.Time        `json:"since,omitzero"`
	NoPeak   string           `json:"peakUnknown,omitempty"`
	Findings []schema.Finding `json:"findings"`
}

// PoolCapacity is one pool: how many nodes it may have, what each kind of them leaves
// executions, and what it holds of each tier that names it.
type PoolCapacity struct {
	Label   string         `json:"label"`
	Address schema.Address `json:"address,omitzero"` // none: no pool of the files has the label
	Groups  int            `json:"groups"`
	Min     *int64         `json:"min"` // nodes, of all its groups
	Max     *int64         `json:"max"`
	// Limits are what the nodes of Karpenter's groups may have together, and Max the nodes
	// that this comes to; nil where one of them has no limit, or no group is Karpenter's.
	Limits  *PoolLimits    `json:"limits,omitempty"`
	Live    *int64         `json:"live"` // nodes that there are
	Nodes   []NodeCapacity `json:"nodes"`
	Tiers   []TierCapacity `json:"tiers"`
	PerHour *float64       `json:"usdPerHourAtMaximum"`
	// ScaleDown is how long a node is not needed before the cluster autoscaler takes it
	// away: where its groups' tags say so, each group's own where they differ, else as the
	// files state it; "" where nobody does.
	ScaleDown []string `json:"scaleDownDelay"`
	// Peak is the most nodes that the executions of the window needed at one time.
	Peak *Peak `json:"peak"`
}

// PoolLimits are an amount; 0 is no limit.
type PoolLimits struct {
	Cores  float64 `json:"cores"`
	Memory int64   `json:"memory"` // bytes
}

// NodeCapacity is one kind of node of a pool.
type NodeCapacity struct {
	Type    string      `json:"instanceType"`
	From    string      `json:"from"` // "live": what nodes can allocate; "instance type": less the pool's overhead
	Live    int64       `json:"live"`
	Room    schema.Room `json:"room"`
	PerHour *float64    `json:"usdPerHour"`
}

// TierCapacity is what a pool holds of a tier.
type TierCapacity struct {
	Tier    string         `json:"tier"` // its name in files, else its id
	Address schema.Address `json:"address,omitzero"`
	Takes   schema.Room    `json:"takes"`
	On      []OnNode       `json:"onNode"`
	// AtMaximum is how many executions the pool holds at its maximum with nothing else on
	// it, at least; Limit is the tier's own, and Cluster the most nodes of one Spark, Ray
	// or Dask cluster, of which each takes one execution of its user's quota.
	AtMaximum *int64   `json:"atMaximum"`
	Limit     *int64   `json:"maxSimultaneousExecutions"`
	Cluster   *int64   `json:"clusterNodes"`
	PerHour   *float64 `json:"usdPerHour"`        // of an execution: its part of the dearest node
	Charged   *float64 `json:"usdPerHourCharged"` // centsPerMinute
}

// OnNode is how many executions of a tier a kind of node holds, and what they leave of it.
type OnNode struct {
	Type string             `json:"instanceType"`
	N    *int64             `json:"executions"`
	Left []schema.Remainder `json:"left"`
}

// Reckon says what the pools hold.
func (c *CapacityView) Reckon() Capacity {
	out := Capacity{Pools: []PoolCapacity{}}
	if c.why != nil {
		out.Nodes = oneLine(c.why)
	}
	out.Quota, out.QuotaFrom = c.userQuota()
	byLabel, tiers := map[string][]tierAt{}, c.tiersThere()
	for _, t := range tiers {
		byLabel[t.label] = append(byLabel[t.label], t)
	}
	pools := PoolLabels(c.desired)
	labels := map[string]bool{}
	for label := range byLabel {
		labels[label] = true
	}
	for label := range pools {
		labels[label] = true
	}
	for _, label := range schema.Sorted(labels) {
		out.Pools = append(out.Pools, c.reckonPool(label, pools[label], byLabel[label], out.Quota))
	}
	out.NoPeak = c.noPeak
	if c.noPeak == "" {
		out.Since = c.since.UTC()
		for label, peak := range c.peaks(out.Pools, tiers) {
			i := slices.IndexFunc(out.Pools, func(p PoolCapacity) bool { return p.Label == label })
			out.Pools[i].Peak = &peak
		}
	}
	out.Findings = schema.SortFindings(schema.Police(c.findings(out.Pools, tiers), c.desired.Deployment.Findings))
	return out
}

func (c *CapacityView) reckonPool(label string, a schema.Address, tiers []tierAt, quota int64) PoolCapacity {
	o := c.desired.Objects[a]
	p := PoolCapacity{Label: label, Address: a, Groups: len(o.Groups()), Nodes: c.nodesOf(label, a), Tiers: []TierCapacity{}}
	p.Min, p.Max, p.Limits = c.sizeOf(a, "min"), c.sizeOf(a, "max"), c.limitsOf(a)
	if c.why == nil {
		live := int64(0)
		for _, n := range p.Nodes {
			live += n.Live
		}
		p.Live = &live
	}
	if dear := dearest(p.Nodes); dear != nil && p.Max != nil {
		cost := *dear * float64(*p.Max)
		p.PerHour = &cost
	}
	p.ScaleDown = c.scaleDown(a)
	for _, t := range tiers {
		p.Tiers = append(p.Tiers, reckonTier(t, o.Fields, p, quota))
	}
	return p
}

// nodesOf are the kinds of node of a pool: live ones where there are some, else the
// instance types that are known.
func (c *CapacityView) nodesOf(label string, a schema.Address) []NodeCapacity {
	out := []NodeCapacity{}
	price := func(n NodeCapacity) NodeCapacity {
		if usd, there := c.desired.Deployment.Prices[n.Type]; there {
			n.PerHour = &usd
		}
		return n
	}
	for _, t := range schema.Sorted(c.live[label]) {
		n := NodeCapacity{Type: t, From: "live", Room: c.live[label][t]}
		for _, node := range c.nodes {
			if node.pool() == label && node.kind() == t {
				n.Live++
			}
		}
		out = append(out, price(n))
	}
	if len(out) > 0 {
		return out
	}
	for _, t := range c.typesOf(a) {
		if is, known := c.known[t]; known {
			out = append(out, price(NodeCapacity{Type: t, From: "instance type", Room: schema.RoomOf(c.desired.Objects[a].Fields, is)}))
		}
	}
	return out
}

func dearest(nodes []NodeCapacity) (most *float64) {
	for _, n := range nodes {
		if n.PerHour == nil {
			return nil
		}
		if most == nil || *n.PerHour > *most {
			most = n.PerHour
		}
	}
	return most
}

func reckonTier(t tierAt, pool map[string]schema.Value, p PoolCapacity, quota int64) TierCapacity {
	out := TierCapacity{Tier: t.name, Address: t.address, Takes: schema.DemandOf(t.fields, pool), On: []OnNode{}}
	fewest, known := int64(-1), len(p.Nodes) > 0
	for _, node := range p.Nodes {
		on := OnNode{Type: node.Type, Left: []schema.Remainder{}}
		if n, left, ok := node.Room.Fill(out.Takes); ok {
			on.N, on.Left = &n, left
			if fewest < 0 || n < fewest {
				fewest = n
			}
		} else {
			known = false
		}
		out.On = append(out.On, on)
	}
	if n, ok := t.fields["maxSimultaneousExecutions"].Float(); ok {
		limit := int64(n)
		out.Limit = &limit
	}
	if known && p.Max != nil {
		most := fewest * *p.Max
		cluster := min(most, quota)
		if out.Limit != nil {
			cluster = min(cluster, *out.Limit)
		}
		out.AtMaximum, out.Cluster = &most, &cluster
	}
	if dear := dearest(p.Nodes); dear != nil && known && fewest > 0 {
		cost := *dear / float64(fewest)
		out.PerHour = &cost
	}
	if cents, ok := t.fields["centsPerMinute"].Float(); ok {
		charged := cents * 60 / 100
		out.Charged = &charged
	}
	return out
}
