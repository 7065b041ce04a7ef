package schema

import (
	"fmt"
	"slices"
	"strings"
)

// DefaultBakeType is the instance type that an image is made on where none is stated.
const DefaultBakeType = "m5.xlarge"

// volumeTypes are those that a root volume can have.
// https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html
var volumeTypes = []string{"gp2", "gp3", "io1", "io2", "standard"}

// checkBake looks at what would only be seen once an instance runs.
func (c *checker) checkBake(a Address, o Object) {
	b, bakes := o.Bake()
	if !bakes {
		return
	}
	c.alternatives(a, o, "bake.from", map[string]bool{"pool": b.From.Pool != "", "ami": b.From.AMI != "", "instance": b.From.Instance != ""})
	c.alternatives(a, o, "bake.connect", map[string]bool{"ssm": b.Connect.SSM, "ssh": b.Connect.SSH != nil})
	c.bakeType(a, o, b)
	fault := func(path, hint, format string, args ...any) {
		c.add("DC133", Error, a, o.Nearest(path), hint, format, args...)
	}
	if t := b.Volume.Type; t != "" && !slices.Contains(volumeTypes, t) {
		fault("bake.volume.type", DidYouMean(t, volumeTypes), "bake.volume.type: %s is no type of root volumes", quoted(t))
	}
	if s := b.Snapshotter; s != "" && s != "overlayfs" {
		fault("bake.snapshotter", "leave it out, and turn lazy pulling off on the nodes", "bake.snapshotter is %s, and this version of domctl pulls into overlayfs alone", quoted(s))
	}
	scripts := map[string][]string{"bake.scripts": b.Scripts, "bake.scriptsAfter": b.ScriptsAfter}
	if b.GPU != nil {
		scripts["bake.gpu.scripts"] = b.GPU.Scripts
	}
	for _, path := range Sorted(scripts) {
		for i, text := range scripts[path] {
			if !commands(text) {
				fault(fmt.Sprintf("%s.%d", path, i), "write a command, or take it out", "%s: script %d has no command", path, i+1)
			}
		}
	}
}

// alternatives finds what excludes each other inside a free-form value, at its place,
// and the lack of all.
func (c *checker) alternatives(a Address, o Object, path string, stated map[string]bool) {
	var names []string
	var at []Position
	for _, name := range Sorted(stated) {
		if stated[name] {
			names, at = append(names, path+"."+name), append(at, o.Nearest(path+"."+name)...)
		}
	}
	switch {
	case len(names) > 1:
		c.add("DC108", Error, a, InOrder(at), "state one of them", "%s exclude each other", Listed(names, "and"))
	case len(names) == 0 && !c.broken[a]:
		c.add("DC108", Error, a, o.Nearest(path), "", "%s: state one of %s", path, Listed(Sorted(stated), "or"))
	}
}

// bakeType checks the type of the instance by the table that is known here, which may
// lack one that is new.
func (c *checker) bakeType(a Address, o Object, b Bake) {
	t, path := b.Instance.Type, "bake.instance.type"
	known, is := InstanceTypes()[t]
	kinds := Architectures(t)
	add := func(s Severity, code, hint, format string, args ...any) {
		c.add(code, s, a, o.Nearest(path), hint, format, args...)
	}
	switch {
	case t == "" && b.GPU != nil && b.From.Instance == "":
		path = "bake.gpu"
		add(Error, "DC133", `state one with a GPU: bake: instance: type: "g5.xlarge"`, "states gpu and no instance type, and %s, which it would be made on, has no GPU", DefaultBakeType)
	case t == "":
	case !is:
		add(Warning, "DC112", DidYouMean(t, Sorted(InstanceTypes())), "%s: %s is not known here (instance types of %s, %s)", path, quoted(t), InstanceTypesSource, InstanceTypesDate)
	case len(kinds) > 0 && !slices.Contains(kinds, "x86_64"):
		add(Error, "DC133", "name a type of that architecture", "%s: %s is of %s, and images are made for x86_64", path, t, Listed(kinds, "and"))
	case b.GPU != nil && known.GPUs == 0:
		add(Error, "DC133", `name one with a GPU: "g5.xlarge"`, "%s: %s has no GPU, and gpu is stated", path, t)
	}
}

// commands says that a script has any: more than blanks and comments.
func commands(script string) bool {
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return true
		}
	}
	return false
}
