package planner

import (
	"math"
	"math/bits"
	"slices"
)

// Candidate is an image that may be cached; Weight is how often it is pulled on
// a new node (runs), or the same for all.
type Candidate struct {
	Content
	Weight int64
}

// Choice is what to cache. Saved is the bytes that need no transfer, times their
// weights (see Weighed); no choice within the limit saves more than Most. Proven says that
// none saves more than this one.
type Choice struct {
	Chosen []int // indices of candidates, ascending
	Saved  int64
	Most   int64
	Proven bool
	Cost   Cost // of pulling the chosen, in their order
}

// steps bounds the search, so that its answer does not hang on the clock. It is
// spent within a second, and is enough for every instance of up to 18 images.
const searchSteps = 40_000_000

// Choose finds the candidates whose caching saves most weighted bytes while they
// fill at most limit bytes of disk. Layers that images share make it a knapsack
// on the tree of chains: a greedy start, then branch and bound with the
// Lagrangian of the limit as bound. The answer is the best there is if Proven;
// else it is the best that was found, and Most says how far off it may be.
// Disk is counted as in Cost: at least. Call Settle first.
func Choose(e Engine, all []Candidate, limit int64) Choice {
	s := newSearch(e, all, limit)
	s.price()
	s.consider(s.fill(s.priced()))
	s.consider(s.fill(nil))
	s.order = s.ranked()
	s.steps = searchSteps
	top := s.bound()
	proven := s.branch(0)
	chosen := s.best
	if s.exact {
		chosen = s.lean(chosen)
	}
	saved, cost := worth(e, all, chosen)
	most := saved
	if !proven {
		most = max(saved, whole(math.Ceil(top*(1+slack))))
	}
	return Choice{Chosen: chosen, Saved: saved, Most: most, Proven: proven, Cost: cost}
}

// worth is what caching some of the candidates saves and costs.
func worth(e Engine, all []Candidate, chosen []int) (saved int64, total Cost) {
	d, none := NewDisk(e), NewDisk(e)
	total.Exact = true
	for _, i := range chosen {
		c := d.Pull(all[i].Content)
		total = Cost{total.Transfer + c.Transfer, total.Foreign + c.Foreign, total.Disk + c.Disk, total.Exact && c.Exact}
	}
	for _, c := range all {
		if c.Weight > 0 {
			saved = Weighed(saved, c.Weight, none.Forecast(c.Content).Transfer-d.Forecast(c.Content).Transfer)
		}
	}
	return saved, total
}

// Weighed adds weight times bytes to a sum, none of them below 0. What a registry
// says of sizes may be anything: a sum beyond 63 bits is the largest that there is.
func Weighed(sum, weight, bytes int64) int64 {
	high, low := bits.Mul64(uint64(weight), uint64(bytes))
	if high > 0 || low > uint64(math.MaxInt64-sum) {
		return math.MaxInt64
	}
	return sum + int64(low)
}

// whole is a number of bytes, as far as there are such.
func whole(f float64) int64 {
	if f >= math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(f)
}

// Idle are those of the cached candidates that fill disk, and without which
// nothing more is transferred.
func Idle(e Engine, all []Candidate, cached []int) (idle []int) {
	saved, cost := worth(e, all, cached)
	for at, i := range cached {
		less, rest := worth(e, all, slices.Delete(slices.Clone(cached), at, at+1))
		if less == saved && rest.Disk < cost.Disk {
			idle = append(idle, i)
		}
	}
	return idle
}

// slack covers the rounding of the bound.
const slack = 1e-9

// search is one run of Choose.
type search struct {
	engine Engine
	all    []Candidate
	limit  float64
	tree
	lambda   float64   // price of a byte of disk
	score    []float64 // scratch of bound, by node
	inside   []bool    // scratch of bound: a child adds to the node
	shut     []bool    // by image: decided against
	sunk     []int     // by node: how many of the chosen have it
	in       []int
	value    float64 // of sunk nodes
	cost     float64
	order    []int
	steps    int
	best     []int
	bestGain int64
}

func newSearch(e Engine, all []Candidate, limit int64) *search {
	s := &search{engine: e, all: all, limit: float64(limit), tree: newTree(e, all), shut: make([]bool, len(all))}
	n := len(s.nodes)
	s.score, s.inside, s.sunk = make([]float64, n), make([]bool, n), make([]int, n)
	return s
}

// consider keeps a choice that is better than the best one and fits.
func (s *search) consider(chosen []int) {
	sorted := slices.Sorted(slices.Values(chosen))
	if saved, cost := worth(s.engine, s.all, sorted); saved > s.bestGain && float64(cost.Disk) <= s.limit {
		s.best, s.bestGain = sorted, saved
	}
}

// take adds an image to the choice at hand; drop takes it out again.
func (s *search) take(i int) { s.shift(i, 1) }
func (s *search) drop(i int) { s.shift(i, -1) }

func (s *search) shift(i, by int) {
	for _, n := range s.paths[i] {
		if s.sunk[n] += by; s.sunk[n] == max(by, 0) {
			s.value += float64(by) * s.nodes[n].value
			s.cost += float64(by) * s.nodes[n].cost
		}
	}
}

// adds is what an image would add to the choice at hand.
func (s *search) adds(i int) (value, cost float64) {
	for _, n := range s.paths[i] {
		if s.sunk[n] == 0 {
			value, cost = value+s.nodes[n].value, cost+s.nodes[n].cost
		}
	}
	return value, cost
}

// fill adds to a choice whatever saves most for its disk, as long as it fits.
func (s *search) fill(chosen []int) []int {
	for _, i := range chosen {
		s.take(i)
	}
	for {
		next, most := -1, 0.0
		for i := range s.all {
			value, cost := s.adds(i)
			if rate := value / max(cost, 0.5); value > 0 && s.cost+cost <= s.limit && rate > most {
				next, most = i, rate
			}
		}
		if next < 0 {
			break
		}
		s.take(next)
		chosen = append(chosen, next)
	}
	for _, i := range chosen {
		s.drop(i)
	}
	s.value, s.cost = 0, 0
	return chosen
}

// price finds the price of disk at which the bound is lowest; the bound is
// convex in it.
func (s *search) price() {
	lo, hi := 0.0, 1.0
	for _, n := range s.nodes {
		hi += n.value
	}
	at := func(p float64) float64 { s.lambda = p; return s.bound() }
	for range 200 {
		a, b := lo+(hi-lo)/3, hi-(hi-lo)/3
		if at(a) <= at(b) {
			hi = b
		} else {
			lo = a
		}
	}
	if at(0) <= at(hi) {
		hi = 0
	}
	s.lambda = hi
}

// priced are the images that pay at that price, as far as they fit.
func (s *search) priced() (chosen []int) {
	s.bound()
	for i, path := range s.paths {
		if !slices.ContainsFunc(path, func(n int) bool { return s.score[n] <= 0 }) && len(path) > 0 {
			chosen = append(chosen, i)
		}
	}
	kept := chosen[:0]
	for _, i := range chosen {
		if _, cost := s.adds(i); s.cost+cost <= s.limit {
			s.take(i)
			kept = append(kept, i)
		}
	}
	for _, i := range kept {
		s.drop(i)
	}
	s.value, s.cost = 0, 0
	return kept
}

// ranked is the order of branching: the best choice first, then by saving for
// disk.
func (s *search) ranked() []int {
	rate := func(i int) float64 {
		value, cost := s.adds(i)
		return value / max(cost, 0.5)
	}
	var rest []int
	for i := range s.all {
		if !slices.Contains(s.best, i) {
			rest = append(rest, i)
		}
	}
	slices.SortStableFunc(rest, func(a, b int) int {
		switch x, y := rate(a), rate(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return slices.Concat(s.best, rest)
}

// bound is more than any choice can save that holds the images at hand and none
// of the shut ones: the limit is lifted, and each byte above it costs lambda.
func (s *search) bound() float64 {
	total := s.value + s.lambda*(s.limit-s.cost)
	none := math.Inf(-1)
	for n := len(s.nodes) - 1; n >= 0; n-- {
		// Nodes stand after their parents, so children are done.
		node := &s.nodes[n]
		own := node.value - s.lambda*node.cost
		open := s.sunk[n] > 0 || slices.ContainsFunc(node.ends, func(i int) bool { return !s.shut[i] })
		if s.sunk[n] > 0 {
			own = 0
		}
		sum, most := 0.0, none
		for _, child := range node.children {
			sum, most = sum+max(0, s.score[child]), max(most, s.score[child])
		}
		if !open && sum == 0 {
			sum = most // a chain is there for an image that ends in it
		}
		s.score[n] = own + sum
		if node.root {
			total += max(0, s.score[n])
		}
	}
	s.steps -= len(s.nodes) + 1
	return total
}

// branch decides about the images from the k-th on; false when the steps ran
// out.
func (s *search) branch(k int) bool {
	if s.cost > s.limit || s.bound()*(1+slack)+0.5 < float64(s.bestGain)+1 {
		return true
	}
	if k == len(s.order) {
		return true
	}
	if s.steps < 0 {
		return false
	}
	i := s.order[k]
	value, cost := s.value, s.cost
	s.take(i)
	s.in = append(s.in, i)
	s.visit()
	ok := s.branch(k + 1)
	s.in = s.in[:len(s.in)-1]
	s.drop(i)
	s.value, s.cost = value, cost
	if !ok {
		return false
	}
	s.shut[i] = true
	defer func() { s.shut[i] = false }()
	return s.branch(k + 1)
}

// visit keeps the choice at hand if it is the best so far. Where the tree tells
// all, its sums decide whether a look is worth it.
func (s *search) visit() {
	if s.value < float64(s.bestGain)*(1-slack) {
		return
	}
	if s.exact && (s.value <= float64(s.bestGain) || s.cost > s.limit) {
		return
	}
	s.steps -= 100 * s.layers
	s.consider(s.in)
}

// lean leaves out what saves nothing beside the others.
func (s *search) lean(chosen []int) []int {
	for _, i := range chosen {
		s.take(i)
	}
	var kept []int
	for _, i := range chosen {
		s.drop(i)
		if value, _ := s.adds(i); value > 0 {
			s.take(i)
			kept = append(kept, i)
		}
	}
	return kept
}
