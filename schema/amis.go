package schema

import "strings"

// amis: machine images that nodes and executors start from. One is pinned (an
// id with a reason), found (a filter or an SSM parameter, resolved through
// resolved.cue) or baked.
func amis() Kind {
	return Kind{Name: "amis", noun: "AMI", OnUpdate: newNodes, Gone: "release", Spread: amiID, Literal: IsAMI, Resolve: resolveAMI, check: checkAMIs, Fields: common(
		Field{Path: "pin.id", Type: String, Declared: true, Kept: true},
		Field{Path: "pin.reason", Type: String, Declared: true, Kept: true},
		Field{Path: "pin.reviewBy", Type: String, Declared: true},
		Field{Path: "find.owners", Type: List, Declared: true},
		Field{Path: "find.name", Type: String, Declared: true},
		Field{Path: "find.filters.*", Type: Any, Declared: true},
		Field{Path: "ssm", Type: String, Declared: true},
		Field{Path: "bake", Type: Any, Declared: true, Places: true},
		Field{Path: "from.deployment", Type: String, Declared: true},
		Field{Path: "from.ami", Type: String, Declared: true},
		Field{Path: "from.account", Type: String, Declared: true},
		Field{Path: "from.key", Type: String, Declared: true},
		Field{Path: "copies.*", Type: Any},
		Field{Path: "share", Type: Set},
		Field{Path: "replaces", Type: Set, Declared: true},
		Field{Path: "reviewAfter", Type: Duration, Declared: true},
		Field{Path: "retain.count", Type: Int, Declared: true},
		Field{Path: "retain.age", Type: Duration, Declared: true},
		Field{Path: "retain.grace", Type: Duration, Declared: true},
		Field{Path: "rollout", Type: Any, Declared: true, Places: true},
		Field{Path: "image", Type: String, Computed: true},
		Field{Path: pinnedBefore + "*", Type: String, Declared: true, Computed: true, Kept: true},
		Field{Path: bakedBefore + "*", Type: Any, Declared: true, Computed: true, Kept: true, Carried: true},
		Field{Path: retired + "*", Type: String, Computed: true},
		Field{Path: copiedBefore + "*", Type: Any, Declared: true, Computed: true, Kept: true, Carried: true},
		Field{Path: "content.base", Type: String, Computed: true},
		Field{Path: "content.images.*", Type: String, Computed: true},
		Field{Path: "content.runtime", Type: String, Computed: true},
		Field{Path: "content.scripts", Type: String, Computed: true},
		Field{Path: "content.volume", Type: Any, Computed: true},
		Field{Path: "content.gpu", Type: String, Computed: true},
		Field{Path: "content.highstate", Type: String, Computed: true},
		Field{Path: "content.recipe", Type: Int, Computed: true},
	)}
}

// IsAMI says that a name is an image's own id.
func IsAMI(name string) bool { return strings.HasPrefix(name, "ami-") }

func resolveAMI(r Resolved, a Address, o Object) *Finding {
	source := AMISource(o)
	entry, ok := r.AMIs[a.Name]
	switch {
	case source == "":
		return nil
	case !ok || entry.Source != source:
		return unresolved(a, o.Positions(""), ok, "the image it is found by")
	}
	o.Fields["image"] = JSON(entry.Image)
	return nil
}

// pinnedBefore is the map by which *applied* remembers the images that an entry
// pinned before: the reasons by id.
const pinnedBefore = "pinnedBefore."

// Pins are the images that an applied entry of amis pins, or pinned before:
// reasons by id.
func (e Entry) Pins() map[string]Value {
	var pins map[string]Value
	pin := func(id string, reason Value) {
		if pins == nil { // most entries pin nothing
			pins = map[string]Value{}
		}
		pins[id] = reason
	}
	for p, v := range e.Fields {
		if id, before := strings.CutPrefix(p, pinnedBefore); before {
			pin(id, v)
		}
	}
	if id := e.Fields["pin.id"].Str(); id != "" {
		pin(id, e.Fields["pin.reason"])
	}
	return pins
}

// PinnedBefore is where an applied entry holds the reason of a pin that the files
// no longer hold.
func PinnedBefore(id string) string { return pinnedBefore + id }

// amiID states which image the object is: the pinned id, or what resolved.cue
// holds under "image". A baked AMI has none until its bake.
func amiID(_ string, o Object) Object {
	if pin, ok := o.Fields["pin.id"]; ok {
		o.Fields["image"], o.At["image"] = pin, o.At["pin.id"]
	}
	return o
}

// Bakes says whether some image is to be baked.
func Bakes(d Desired) bool {
	for a, o := range d.Objects {
		if a.Kind == "amis" && o.Fields["bake"].Is != Absent {
			return true
		}
	}
	return false
}
