package world

import (
	"fmt"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Copies of launch configurations, which cannot be changed: a group gets another
// image by a copy under a name that says which.

// yetToBe copies a group's launch configuration for an image that this plan makes:
// the copy's name ends in the image's id, which the step before it gives. Groups
// that share a configuration share the copy.
func (p *poolLowering) yetToBe(ref planner.Ref, group planner.Raw, from string, image schema.Value) {
	prefix := copyPrefix(from, p.v.raw[configRef(from)])
	step, output, _ := planner.SplitOut(image)
	object := planner.OutRef("asg/config", prefix, step, output)
	made, ok := p.made[string(object)]
	if !ok {
		made = copyStep(p.change.Address, from, prefix, image, p.v.raw[configRef(from)])
		made.Object, made.Expects[0].Ref = object, object
		p.made[string(object)] = made
		p.steps = append(p.steps, made)
	}
	p.steps = append(p.steps, groupStep(p.change.Address, ref, map[string]schema.Value{"launchConfiguration": planner.OutOf(made.ID, "name")}, nil, group))
}

// copyPrefix is what comes before the image's id in the name of a copy whose image
// is yet to be made. Configurations of one origin and instance type share it.
func copyPrefix(from string, source planner.Raw) string {
	stem, _, _ := strings.Cut(from, "-domctl-")
	mid := "-domctl-" + schema.DigestOf([]string{stem, source["instanceType"].Str()})[:8] + "-"
	return stem[:min(len(stem), 255-len(mid)-len("ami-0123456789abcdef0"))] + mid
}

// copyTries is how many names a copy of a launch configuration may have.
const copyTries = 4

// copyNames are the names that a copy for an image may have, best first. They
// follow from what was copied in the beginning and from the image, so that the
// same change has the same name, and going back to an image finds its copy.
func copyNames(from, image string) []string {
	stem, _, _ := strings.Cut(from, "-domctl-")
	end := "-domctl-" + strings.TrimPrefix(image, "ami-") + "-" + schema.DigestOf([]string{stem, image})[:8]
	names := make([]string, copyTries)
	for i := range names {
		last := end
		if i > 0 {
			last += fmt.Sprintf("-%d", i+1)
		}
		names[i] = stem[:min(len(stem), 255-len(last))] + last
	}
	return names
}

// copyName is the name of a group's next launch configuration, and whether it is
// there: a copy that domctl made before is used again, and a stranger's
// configuration is left alone.
func (v *View) copyName(from string, image schema.Value) (name string, exists bool) {
	source := v.raw[configRef(from)]
	names := copyNames(from, image.Str())
	for _, n := range append([]string{copyPrefix(from, source) + image.Str()}, names...) {
		if raw := v.raw[configRef(n)]; raw != nil && raw["image"] == image && raw["instanceType"] == source["instanceType"] {
			return n, true
		}
	}
	for _, n := range names {
		if v.raw[configRef(n)] == nil {
			return n, false
		}
	}
	return "", false
}

// copies are the names that copies could have, of the configurations whose
// image is to be another.
func (l *look) copies() []string {
	names := map[string]bool{}
	for _, a := range l.wanted("nodePools") {
		o := l.desired.Objects[a]
		for _, g := range o.Groups() {
			from := l.view.raw[l.groupRefOf(g)]["launchConfiguration"].Str()
			image := l.wantedImage(a, g)
			if from == "" || image.Str() == "" || image == l.view.raw[configRef(from)]["image"] {
				continue
			}
			for _, n := range append(copyNames(from, image.Str()), copyPrefix(from, l.view.raw[configRef(from)])+image.Str()) {
				names[n] = true
			}
		}
	}
	return schema.Sorted(names)
}
