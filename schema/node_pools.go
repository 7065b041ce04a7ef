package schema

import (
	"maps"
	"slices"
	"strings"
)

// nodePools: labelled groups of nodes. Groups are a list, one a zone; what is
// stated for the pool holds for each group on its own.
func nodePools() Kind {
	return Kind{Name: "nodePools", noun: "node pool", OnUpdate: newNodes, check: checkPools, Gone: "release", Spread: spreadGroups, Fields: common(
		Field{Path: "label", Type: String, Declared: true},
		Field{Path: "groups", Type: List, Declared: true},
		Field{Path: "ami", Type: String, To: "amis#image"},
		Field{Path: "launch", Type: String},
		Field{Path: "size.min", Type: Int, Unit: "nodes"},
		Field{Path: "size.max", Type: Int, Unit: "nodes"},
		Field{Path: "size.desired", Type: Int, Unit: "nodes"},
		Field{Path: "limits.cores", Type: Number, Unit: "cores"},
		Field{Path: "limits.memory", Type: Bytes},
		Field{Path: "roll", Type: Any, Declared: true, Places: true},
		Field{Path: "owner.ami", Type: String, Declared: true},
		Field{Path: "owner.size", Type: String, Declared: true},
		Field{Path: "owner.labels", Type: String, Declared: true},
		Field{Path: "terraform.file", Type: String, Declared: true},
		Field{Path: "terraform.variables.ami", Type: String, Declared: true},
		Field{Path: "terraform.variables.min", Type: String, Declared: true},
		Field{Path: "terraform.variables.max", Type: String, Declared: true},
		Field{Path: "terraform.variables.desired", Type: String, Declared: true},
		Field{Path: "terraform.variables.labels", Type: String, Declared: true},
		Field{Path: "terraform.variables.taints", Type: String, Declared: true},
		Field{Path: "expect.instanceTypes", Type: Set, Declared: true},
		Field{Path: "expect.maxUnused", Type: Int, Declared: true, Unit: "percent"},
		Field{Path: "overhead.node.cores", Type: Number, Declared: true},
		Field{Path: "overhead.node.memory", Type: Bytes, Declared: true},
		Field{Path: "overhead.execution.cores", Type: Number, Declared: true},
		Field{Path: "overhead.execution.memory", Type: Bytes, Declared: true},
		Field{Path: "labels.*", Type: String, Declared: true},
		Field{Path: "taints.*", Type: String, Declared: true},
		Field{Path: "scaleDownDelay", Type: Duration, Declared: true},
		Field{Path: "groups.*.ami", Type: String, To: "amis#image", Computed: true},
		Field{Path: "groups.*.launch", Type: String, Computed: true},
		Field{Path: "groups.*.size.min", Type: Int, Computed: true},
		Field{Path: "groups.*.size.max", Type: Int, Computed: true},
		Field{Path: "groups.*.size.desired", Type: Int, Computed: true},
		Field{Path: "groups.*.limits.cores", Type: Number, Computed: true},
		Field{Path: "groups.*.limits.memory", Type: Bytes, Computed: true},
		Field{Path: "groups.*.label", Type: String, Computed: true},
		Field{Path: "groups.*.labels.*", Type: String, Computed: true},
		Field{Path: "groups.*.taints.*", Type: String, Computed: true},
		Field{Path: "groups.*.scaleDownDelay", Type: Duration, Computed: true},
	)}
}

// Group is one member of a pool: an Auto Scaling group, an EKS managed node group or a
// NodePool of Karpenter, told apart by which field is set.
type Group struct {
	ASG       string `json:"asg,omitempty"`
	NodeGroup string `json:"nodegroup,omitempty"`
	Karpenter string `json:"karpenter,omitempty"`
	Cluster   string `json:"cluster,omitempty"`
	VMSS      string `json:"vmss,omitempty"` // of Azure, and MIG of Google Cloud: refused
	MIG       string `json:"mig,omitempty"`
}

// Key names a group within its pool's field paths. No Auto Scaling group has a colon in its
// name, and no cluster.
func (g Group) Key() string {
	if g.Karpenter != "" {
		return "karpenter:" + g.Karpenter
	}
	if g.NodeGroup != "" {
		return g.Cluster + "/" + g.NodeGroup
	}
	return g.ASG
}

// Groups of a node pool, as stated.
func (o Object) Groups() (groups []Group) {
	if v := o.Fields["groups"]; v.Is == Known {
		decode(v, &groups)
	}
	return groups
}

// LaunchTemplate is what groups that state launch are to start nodes from.
const LaunchTemplate = "launchTemplate"

// Moves says whether some pool is to leave launch configurations.
func Moves(d Desired) bool {
	for a, o := range d.Objects {
		for path := range o.Fields {
			if a.Kind == "nodePools" && strings.HasSuffix(path, ".launch") {
				return true
			}
		}
	}
	return false
}

// Rolls says whether some pool's nodes are to be replaced.
func Rolls(d Desired) bool {
	for a, o := range d.Objects {
		if a.Kind != "nodePools" {
			continue
		}
		for path := range o.Fields {
			if path == "roll" || strings.HasPrefix(path, "roll.") {
				return true
			}
		}
	}
	return false
}

// spread are the fields that hold for each group of a pool.
var spread = []string{"ami", "launch", "size.min", "size.max", "size.desired", "limits.cores", "limits.memory"}

// has says that a group can have a field of those that are spread: Karpenter has limits in
// the place of sizes.
func (g Group) has(field string) bool {
	switch what, _, _ := strings.Cut(field, "."); what {
	case "size", "launch":
		return g.Karpenter == ""
	case "limits":
		return g.Karpenter != ""
	}
	return true
}

// OnKarpenter says whether some pool's nodes are Karpenter's.
func OnKarpenter(d Desired) bool {
	for a, o := range d.Objects {
		if a.Kind == "nodePools" && slices.ContainsFunc(o.Groups(), func(g Group) bool { return g.Karpenter != "" }) {
			return true
		}
	}
	return false
}

// spreadGroups states the pool's owned fields once a group, and the label that
// tiers name: the object's name unless stated.
func spreadGroups(name string, o Object) Object {
	if _, ok := o.Fields["label"]; !ok {
		o.Fields["label"], o.At["label"] = JSON(name), o.At[""]
	}
	fields := maps.Clone(o.Fields)
	for _, p := range spread {
		v, stated := fields[p]
		delete(o.Fields, p)
		for _, g := range o.Groups() {
			if stated && g.has(p) {
				at := "groups." + JoinPath(g.Key()) + "." + p
				o.Fields[at], o.At[at] = v, o.At[p]
			}
		}
	}
	spreadLabels(o)
	return o
}

// WatchesAlarms says that some pool's roll names alarms of CloudWatch.
func WatchesAlarms(d Desired) bool {
	for _, o := range d.Objects {
		if r, stated := o.Roll(); stated && len(r.Alarms) > 0 {
			return true
		}
	}
	return false
}

// spreadLabels restates once a group what its nodes are to be known by, and the pool's own
// label with it. The scale-down delay is one of Auto Scaling groups.
func spreadLabels(o Object) {
	said := map[string]bool{}
	for p, v := range o.Fields {
		if what := SplitPath(p)[0]; v.Is != Absent && (what == "labels" || what == "taints") {
			said[p], said["label"] = true, true
		}
	}
	for _, g := range o.Groups() {
		if g.Karpenter != "" {
			continue // whose NodePool says it itself
		}
		for p := range said {
			at := JoinPath("groups", g.Key()) + "." + p
			o.Fields[at], o.At[at] = o.Fields[p], o.Positions(p)
		}
		if v, stated := o.Fields["scaleDownDelay"]; stated && g.NodeGroup == "" {
			at := JoinPath("groups", g.Key()) + ".scaleDownDelay"
			o.Fields[at], o.At[at] = v, o.At["scaleDownDelay"]
		}
	}
}
