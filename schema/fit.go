package schema

import (
	"cmp"
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
)

// Capacity is what a node has: cores, bytes of memory, GPUs, GB of instance store
// where EC2 was asked.
type Capacity struct {
	Cores  float64
	Memory int64
	GPUs   int
	Store  int64
}

//go:embed instance_types.txt
var instanceTypes string

// InstanceTypesDate is the day as of which InstanceTypes holds, and
// InstanceTypesSource who says so.
const (
	InstanceTypesDate   = "2026-10-27"
	InstanceTypesSource = "moto 5.2.5"
)

// InstanceTypes are the capacities of EC2 instance types by name, for checks
// that ask nobody: AWS's own answers, kept by hack/instance_types.py. A plan asks
// EC2 and takes its answer instead.
func InstanceTypes() map[string]Capacity { return capacities() }

var capacities = sync.OnceValue(func() map[string]Capacity {
	types := map[string]Capacity{}
	for line := range strings.Lines(instanceTypes) {
		if columns := strings.Split(strings.TrimSpace(line), "\t"); len(columns) == 6 {
			numbers := [3]int{}
			for i := range numbers {
				numbers[i], _ = strconv.Atoi(columns[i+1])
			}
			types[columns[0]] = Capacity{Cores: float64(numbers[0]), Memory: int64(numbers[1]) << 20, GPUs: numbers[2]}
		}
	}
	return types
})

// Shortage is one resource of which a node has too little for a tier.
type Shortage struct {
	Path         string // field of the tier: "cores"
	Want, Have   string // "96", "7.5"
	InstanceType string
	// Soft: the request fits, and only together with /dev/shm it does not.
	Soft bool
}

// FitPaths are the fields of a tier that Fit looks at.
func FitPaths() []string {
	return []string{"cores", "memory", "sharedMemoryLimit", "allowSharedMemoryToExceedDefault", "gpu.count", "gpu.key"}
}

// Rooms are those of the instance types that a pool expects; none, and false, where one
// of them is not known.
func Rooms(pool map[string]Value, nodes map[string]Capacity) (rooms []NodeRoom, known bool) {
	for _, name := range pool["expect.instanceTypes"].Strings() {
		node, ok := nodes[name]
		if !ok {
			return nil, false
		}
		rooms = append(rooms, NodeRoom{name, RoomOf(pool, node)})
	}
	return rooms, true
}

// NodeRoom is what a kind of node leaves executions, by the name of its instance type.
type NodeRoom struct {
	Type string
	Room Room
}

// Fit says what a tier lacks on the most suitable node of its pool: nothing
// when it fits one, or when none is known. The fields are those of the kinds
// hardwareTiers and nodePools, stated or merged with live ones. Each execution
// adds the pool's execution overhead; shared memory counts as memory.
func Fit(tier, pool map[string]Value, nodes []NodeRoom) (best []Shortage) {
	for _, node := range nodes {
		short := shortages(tier, pool, node.Type, node.Room)
		if len(short) == 0 {
			return nil
		}
		if best == nil || weight(short) < weight(best) {
			best = short
		}
	}
	return best
}

// weight orders verdicts: hard shortages before soft ones.
func weight(short []Shortage) (w int) {
	for _, s := range short {
		if w++; !s.Soft {
			w += 10
		}
	}
	return w
}

func shortages(tier, pool map[string]Value, name string, node Room) (short []Shortage) {
	cores := float64(node.MilliCores)/1000 - overhead(pool, "execution.cores", 0)
	if want, ok := tier["cores"].Float(); ok && want > cores {
		short = append(short, Shortage{Path: "cores", Want: shortNumber(want), Have: shortNumber(cores), InstanceType: name})
	}
	memory := node.Memory - int64(overhead(pool, "execution.memory", 0))
	want, shm := sizeOf(tier["memory"]), sharedMemory(tier)
	if want+shm > memory {
		s := Shortage{Path: "memory", Want: displayBytes(want), Have: displayBytes(memory), InstanceType: name, Soft: want <= memory}
		if shm > 0 {
			s.Want += " and /dev/shm " + displayBytes(shm)
		}
		short = append(short, s)
	}
	gpus, ok := tier["gpu.count"].Float()
	has, there := node.Other[cmp.Or(tier["gpu.key"].Str(), WholeGPU)]
	if ok && (there || node.Whole) && gpus > float64(has) {
		short = append(short, Shortage{Path: "gpu.count", Want: shortNumber(gpus), Have: fmt.Sprint(has), InstanceType: name})
	}
	return short
}

// sharedMemory is the size of /dev/shm beyond Domino's default of 64 MB.
func sharedMemory(tier map[string]Value) int64 {
	const byDefault = 64 << 20
	shm := sizeOf(tier["sharedMemoryLimit"])
	if !tier["allowSharedMemoryToExceedDefault"].Bool() || shm <= byDefault {
		return 0
	}
	return shm
}

// sizeOf reads a quantity of bytes; 0 when there is none.
func sizeOf(v Value) int64 {
	n, err := ParseBytes(v.Str())
	if err != nil {
		return 0
	}
	return n
}

func overhead(pool map[string]Value, path string, otherwise float64) float64 {
	v := pool["overhead."+path]
	if f, ok := v.Float(); ok {
		return f
	}
	if v.Str() != "" {
		return float64(sizeOf(v))
	}
	return otherwise
}

func shortNumber(f float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", f), "0"), ".")
}

func displayBytes(n int64) string {
	return shortNumber(math.Floor(float64(n)/(1<<30)*10)/10) + "GiB"
}
