package schema

import (
	"cmp"
	"fmt"
	"math"
)

// Room is what executions may have of a node, or what one of them takes: thousandths
// of a core, bytes of memory, pods (of a node, -1: not known), and whole numbers of
// what else Kubernetes counts: "nvidia.com/gpu".
type Room struct {
	MilliCores int64            `json:"milliCores"`
	Memory     int64            `json:"memoryBytes"`
	Pods       int64            `json:"-"`
	Other      map[string]int64 `json:"other,omitempty"`
	// Whole says that Other names all there is; else what it does not name is not known.
	Whole bool `json:"-"`
}

// WholeGPU is the resource of NVIDIA GPUs that are not cut into slices.
const WholeGPU = "nvidia.com/gpu"

// RoomOf is what an instance type leaves executions in a pool: its capacity less the
// pool's overhead of a node, else less half a core and half a GiB for daemon sets.
func RoomOf(pool map[string]Value, node Capacity) Room {
	return Room{MilliCores: millis(node.Cores - overhead(pool, "node.cores", 0.5)), Memory: node.Memory - int64(overhead(pool, "node.memory", 512<<20)),
		Pods: -1, Other: map[string]int64{WholeGPU: int64(node.GPUs)}}
}

// DemandOf is what an execution of a tier takes of a node of a pool: what it requests,
// its shared memory, and the pool's overhead of each execution. Fields as in Fit.
func DemandOf(tier, pool map[string]Value) Room {
	cores, _ := tier["cores"].Float()
	d := Room{MilliCores: millis(cores + overhead(pool, "execution.cores", 0)), Pods: 1,
		Memory: sizeOf(tier["memory"]) + sharedMemory(tier) + int64(overhead(pool, "execution.memory", 0))}
	if n, _ := tier["gpu.count"].Float(); n > 0 {
		d.Other = map[string]int64{cmp.Or(tier["gpu.key"].Str(), WholeGPU): int64(n)}
	}
	return d
}

func millis(cores float64) int64 { return int64(math.Round(cores * 1000)) }

// Remainder is what is left of one resource of a node, and how much of it there was.
type Remainder struct {
	Resource string  `json:"resource"` // "cores", "memory", "nvidia.com/gpu"
	Left     int64   `json:"left"`     // thousandths of a core, bytes, or a number
	Share    float64 `json:"share"`    // of the whole, 0 to 1
}

// Fill says how many executions fit into a room, and what they leave of it: cores,
// memory, then other resources by name. known is false where the demand asks for
// nothing, or for a resource that is not known of the room.
func (r Room) Fill(one Room) (n int64, left []Remainder, known bool) {
	n = math.MaxInt64
	for _, p := range [][2]int64{{r.MilliCores, one.MilliCores}, {r.Memory, one.Memory}} {
		if p[1] > 0 {
			n = min(n, max(p[0], 0)/p[1])
		}
	}
	for name, want := range one.Other {
		has, there := r.Other[name]
		if !there && !r.Whole {
			return 0, nil, false
		}
		n = min(n, has/want)
	}
	if n == math.MaxInt64 {
		return 0, nil, false
	}
	if r.Pods >= 0 {
		n = min(n, r.Pods)
	}
	add := func(name string, whole, each int64) {
		if whole > 0 {
			left = append(left, Remainder{name, whole - n*each, float64(whole-n*each) / float64(whole)})
		}
	}
	add("cores", r.MilliCores, one.MilliCores)
	add("memory", r.Memory, one.Memory)
	for _, name := range Sorted(r.Other) {
		add(name, r.Other[name], one.Other[name])
	}
	return n, left, true
}

// Most is the resource of which most is left, by share; "" where nothing is known.
func Most(left []Remainder) (most Remainder) {
	for _, l := range left {
		if most.Resource == "" || l.Share > most.Share {
			most = l
		}
	}
	return most
}

// Text is how much is left, with its unit: "1.5 cores", "3.2GiB", "1 nvidia.com/gpu".
func (r Remainder) Text() string {
	switch r.Resource {
	case "cores":
		return CoresText(float64(r.Left) / 1000)
	case "memory":
		return displayBytes(r.Left)
	}
	return shortNumber(float64(r.Left)) + " " + r.Resource
}

// CoresText is an amount of cores: "1.5 cores", "1 core".
func CoresText(cores float64) string {
	if text := shortNumber(cores); text != "1" {
		return text + " cores"
	}
	return "1 core"
}

// Unused is what a tier leaves of the node that it fills best, where that is more than
// the pool says it may be, and the name of its type; "" where it is not, where the pool
// says nothing, where no node holds one, or where not enough is known.
func Unused(tier, pool map[string]Value, nodes []NodeRoom) (kind string, worst Remainder, most float64) {
	most, stated := pool["expect.maxUnused"].Float()
	if !stated {
		return "", worst, 0
	}
	for _, node := range nodes {
		n, left, known := node.Room.Fill(DemandOf(tier, pool))
		if !known {
			return "", worst, most
		}
		if is := Most(left); n > 0 && (kind == "" || is.Share < worst.Share) {
			kind, worst = node.Type, is
		}
	}
	if worst.Share*100 <= most {
		return "", worst, most
	}
	return kind, worst, most
}

// UnusedFinding is DC800 of a tier.
func UnusedFinding(a Address, r Remainder, kind, pool string, most float64, at []Position) Finding {
	return Finding{Code: "DC800", Severity: Warning, Address: a, Positions: at,
		Message: fmt.Sprintf("leaves %s of a %s in node pool %q unused when it fills it, %.0f %%, and the pool expects %.0f %% at most", r.Text(), kind, pool, r.Share*100, most),
		Hint:    "size the tier so that a whole number of it fills a node, or move it to a smaller instance type"}
}
