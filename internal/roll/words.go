package roll

import (
	"fmt"
	"slices"

	"domctl.dev/applier"
	"domctl.dev/planner"
)

// saying adds to an answer what its write does, in words.
func saying(st *applier.Status, members []member) {
	if st.State == applier.Next {
		st.Says = said(st.Mark, members)
	}
}

// said is a write in words, by its mark: with the names of nodes as far as they are known,
// and what it is made because of.
func said(mark string, members []member) string {
	words, why := markOf(mark)
	has := func(w string) bool { return slices.Contains(words, w) }
	one := word(words, 1)
	if i := slices.IndexFunc(members, func(m member) bool { return m.ID == one }); i >= 0 {
		one = members[i].String()
	}
	says := ""
	switch word(words, 0) {
	case cordon:
		says = "cordons " + one
	case uncordon:
		says = "has " + one + " take runs again"
	case evict:
		says = "evicts pod " + word(words, 2) + " from " + one
	case end:
		says = "ends " + one
		switch {
		case has("forced"):
			says += " with its runs"
		case has("stopped"):
			says += ", which is stopped"
		}
	case raise:
		says = "starts a replacement"
		if more := number(word(words, 2)) - number(word(words, 1)); more != 1 {
			says = "starts " + planner.Plural(int(more), "replacement")
		}
	case lower:
		says = fmt.Sprintf("lowers the capacity to %d", number(word(words, 2)))
	case refresh:
		says = "has Auto Scaling replace the nodes"
	case cancel:
		says = "cancels instance refresh " + one
	case update:
		says = "has EKS replace the nodes"
		if has("forced") {
			says += " with their runs"
		}
	case switchBack:
		says = "has the group start the old image again"
	case maintain:
		says = "puts " + one + " into maintenance"
	case seen:
		says = "notes that " + one + " is in maintenance"
	case leave:
		says = "takes " + one + " out of maintenance"
	case hold:
		says = "has NodePool " + one + " hold drift"
	case release:
		says = "lets NodePool " + one + " drift again"
	case swapBack:
		says = "switches the image back"
	case swap:
		says = "switches the image"
	default:
		return mark
	}
	if why != "" {
		says += because + why
	}
	return says
}
