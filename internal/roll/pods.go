package roll

import (
	"slices"
	"strings"

	"domctl.dev/internal/port"
)

// mostEvictions are made from one node of pods of one controller that come back to it.
const mostEvictions = 3

// unreturning takes out of what may be moved the pods that came to their node long after this
// step cordoned it, and of whose controller some were evicted from there before: they tolerate
// cordons, would come again, and go with the node.
func (o order) unreturning(members []member) {
	for i, m := range members {
		at, own := o.cordoned(m.node)
		if !own || at.IsZero() {
			continue
		}
		members[i].movable = slices.DeleteFunc(m.movable, func(p port.Pod) bool {
			return p.Created.Sub(at) > quiet && o.evicted(m, p) >= mostEvictions
		})
	}
}

// evicted counts the pods of a pod's controller that this step had leave a node.
func (o order) evicted(m member, p port.Pod) (n int) {
	for mark := range o.Begun {
		words, _ := markOf(mark)
		if word(words, 0) == evict && word(words, 1) == m.ID && strings.HasPrefix(word(words, 2), p.Namespace+"/"+p.Owner+"-") {
			n++
		}
	}
	return n
}
