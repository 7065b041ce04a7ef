package roll

import (
	"fmt"
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

// names are pods in words.
func names(pods []port.Pod) (all []string) {
	for _, p := range pods {
		all = append(all, fmt.Sprintf("pod %s/%s", p.Namespace, p.Name))
	}
	return all
}

// sort tells the pods of a node apart: those of live runs, those that are waited for, and
// those that may be moved. What belongs to the node, or has ended, counts for nothing.
func sort(pods []port.Pod) (runs, held []string, movable []port.Pod) {
	for _, p := range pods {
		execution, workload := p.Labels[port.ExecutionLabel], p.Labels[port.WorkloadLabel]
		switch {
		case p.OfNode() || p.Ended():
		case execution != "":
			runs = append(runs, "run "+execution)
		case workload != "":
			runs = append(runs, fmt.Sprintf("%s of Domino (pod %s/%s)", workload, p.Namespace, p.Name))
		case p.Ending:
			held = append(held, fmt.Sprintf("pod %s/%s, which is ending", p.Namespace, p.Name))
		case p.OwnerKind == "":
			held = append(held, fmt.Sprintf("pod %s/%s, which no controller would start again", p.Namespace, p.Name))
		default:
			movable = append(movable, p)
		}
	}
	return runs, held, movable
}
