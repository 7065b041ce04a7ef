package planner

// tree is the chains of all candidates: what an image needs is a path from a
// root. Stretches without a fork or an end are one node.
type tree struct {
	nodes  []node
	paths  [][]int // by image: its nodes, root first
	exact  bool    // sums over nodes are what Disk answers, not bounds of it
	layers int     // of all candidates
}

// node of the tree. A choice that has it saves at most value through it, weights
// counted, and it fills at least cost.
type node struct {
	value, cost float64
	children    []int
	ends        []int // images whose last layer it is
	root        bool
}

// rung is one layer on one chain, before stretches are joined.
type rung struct {
	parent  int // -1 for a root
	layer   Layer
	digests []string
	value   float64
	ends    []int
	forks   int
}

func newTree(e Engine, all []Candidate) tree {
	t := tree{exact: e != ContainerdBlobs, paths: make([][]int, len(all))}
	rungs, ways := rungsOf(all)
	blobs := map[string]blob{}
	for _, l := range rungs {
		for _, d := range l.digests {
			b := blobs[d]
			b.chains++
			blobs[d] = b
		}
		t.exact = t.exact && (e == Containerd || len(l.digests) == 1)
	}
	for i, c := range all {
		t.layers += len(c.Layers)
		weigh(e, rungs, ways[i], c, blobs)
	}
	t.join(e, rungs, ways, blobs)
	return t
}

// rungsOf are the chains of all candidates, parents first, and each one's way.
func rungsOf(all []Candidate) (rungs []rung, ways [][]int) {
	type step struct {
		parent int
		diffID string
	}
	at := map[step]int{}
	for i, c := range all {
		parent, way := -1, []int(nil)
		for _, l := range c.Layers {
			n, known := at[step{parent, l.DiffID}]
			if !known {
				n = len(rungs)
				at[step{parent, l.DiffID}] = n
				rungs = append(rungs, rung{parent: parent, layer: l})
				if parent >= 0 {
					rungs[parent].forks++
				}
			}
			rungs[n].bears(l.Digest)
			way, parent = append(way, n), n
		}
		if parent >= 0 {
			rungs[parent].ends = append(rungs[parent].ends, i)
		}
		ways = append(ways, way)
	}
	return rungs, ways
}

func (l *rung) bears(digest string) {
	for _, d := range l.digests {
		if d == digest {
			return
		}
	}
	l.digests = append(l.digests, digest)
}

// blob is what a digest saves and takes where blobs are kept.
type blob struct {
	chains int // that it is in
	size   int64
	value  float64
}

// weigh adds what an image saves at each layer. A digest that comes again later
// in the image is transferred then, unless blobs are kept.
func weigh(e Engine, rungs []rung, way []int, c Candidate, blobs map[string]blob) {
	later := map[string]bool{}
	for j := len(way) - 1; j >= 0; j-- {
		l := c.Layers[j]
		again := later[l.Digest]
		later[l.Digest] = true
		b := blobs[l.Digest]
		b.size = l.Size
		if !again {
			b.value += float64(c.Weight) * float64(l.Size)
			if e != ContainerdBlobs {
				rungs[way[j]].value += float64(c.Weight) * float64(l.Size)
			}
		}
		blobs[l.Digest] = b
	}
}

// settle gives a rung its value and cost where blobs are kept: a chain stands
// for any of its digests, and a digest's size is shared out among its chains.
func (l *rung) settle(blobs map[string]blob) (value, cost float64) {
	cost = -1
	for _, d := range l.digests {
		b := blobs[d]
		value += b.value
		if share := float64(b.size) / float64(b.chains); cost < 0 || share < cost {
			cost = share
		}
	}
	return value, max(cost, 0)
}

// join makes the nodes of the tree.
func (t *tree) join(e Engine, rungs []rung, ways [][]int, blobs map[string]blob) {
	of := make([]int, len(rungs))
	for i := range rungs {
		l := &rungs[i]
		value, cost := l.value, float64(l.layer.Unpacked)
		if e == ContainerdBlobs {
			v, c := l.settle(blobs)
			value, cost = v, cost+c
		}
		up := l.parent
		if up >= 0 && rungs[up].forks == 1 && len(rungs[up].ends) == 0 {
			of[i] = of[up]
		} else {
			of[i] = len(t.nodes)
			t.nodes = append(t.nodes, node{root: up < 0})
			if up >= 0 {
				t.nodes[of[up]].children = append(t.nodes[of[up]].children, of[i])
			}
		}
		n := &t.nodes[of[i]]
		n.value, n.cost, n.ends = n.value+value, n.cost+cost, append(n.ends, l.ends...)
	}
	for i, way := range ways {
		for _, l := range way {
			if n := len(t.paths[i]); n == 0 || t.paths[i][n-1] != of[l] {
				t.paths[i] = append(t.paths[i], of[l])
			}
		}
	}
}
