package planner

import (
	"fmt"
	"slices"

	"domctl.dev/schema"
)

// Build is what a new revision makes of an environment's image anew, reckoned from the
// manifests of its base and of the former revision's image. It is for people: an
// estimate, since nobody knows how large a layer is before it is built. nil is not known.
type Build struct {
	// Own are the layers that the environment's instructions make, Again those of them
	// that are built again.
	Own   int `json:"ownLayers"`
	Again int `json:"againLayers"`
	// Base are the layers beneath them.
	Base *int `json:"baseLayers"`
	// Cached are the layers, from the first on, that builder and nodes have already.
	Cached *int `json:"cachedLayers"`
	// Pulled is what a node pulls that has the former image, bytes: layers that are
	// built again count as large as those in their place.
	Pulled *int64 `json:"pulledBytes"`
	// Others are layers of the former image that neither its base nor its instructions
	// make. Domino adds them, and they count as built last.
	Others int `json:"otherLayers,omitempty"`
	// First says that there is no revision before: all of its own is new.
	First bool `json:"first,omitempty"`
	// New are layers in whose place the former image has none: Pulled leaves them out.
	New int `json:"newLayers,omitempty"`
}

// Making is what is known of an environment's image before and after a build.
type Making struct {
	Former *Content // the image of the active revision; nil: not known, or there is none
	Base   *Content // the image that the new one is built on; nil: not known
	First  bool     // there is no revision before
	// SameBase says that the files name the base that the former image was built on.
	SameBase bool
	// Before and Own are how many layers the instructions make, of the former image and
	// of the new one; Kept are those of them, from the first on, before anything changed.
	Before, Own, Kept int
}

// Reckon says what the build makes again, and what its image will consist of, as far as
// that can be told; layers that are new have no DiffID.
func (m Making) Reckon() (b Build, image *Content) {
	b = Build{Own: m.Own, Again: m.Own - m.Kept, First: m.First}
	base := m.Base
	if base == nil && m.SameBase && m.Former != nil && len(m.Former.Layers) >= m.Before {
		base = &Content{Layers: m.Former.Layers[:len(m.Former.Layers)-m.Before]}
	}
	if base == nil {
		return b, nil
	}
	n := len(base.Layers)
	b.Base = &n
	if m.First {
		return b, &Content{Layers: append(append([]Layer{}, base.Layers...), anew(m.Own, nil)...)}
	}
	if m.Former == nil {
		if m.SameBase {
			b.Cached = ptr(n + m.Kept)
		}
		return b, nil
	}
	same := sharedLayers(base.Layers, m.Former.Layers)
	above := m.Former.Layers[max(0, len(m.Former.Layers)-m.Before):]
	if same < n { // another base: nothing above it stays
		b.Again, m.Kept = m.Own, 0
	} else {
		above = m.Former.Layers[n:]
		b.Others = max(0, len(above)-m.Before)
	}
	if m.Kept = min(m.Kept, len(above)); same == n && b.Again == 0 && m.Own == m.Before {
		m.Kept = len(above) // nothing changed, so that what Domino adds stays too
	}
	b.Cached = ptr(same + m.Kept)
	image = &Content{Layers: append(append([]Layer{}, base.Layers...), above[:m.Kept]...)}
	b.New = max(0, m.Own+b.Others-len(above))
	image.Layers = append(image.Layers, anew(n+m.Own+b.Others-len(image.Layers), above[m.Kept:])...)
	pulled := int64(0)
	for _, l := range image.Layers[*b.Cached:] {
		pulled += l.Size
	}
	b.Pulled = &pulled
	return b, image
}

// sharedLayers is how many layers two images have in common from the first on.
func sharedLayers(one, two []Layer) (n int) {
	for n < len(one) && n < len(two) && one[n].DiffID == two[n].DiffID && one[n].DiffID != "" {
		n++
	}
	return n
}

// anew are so many layers that nobody has, together as large as others.
func anew(n int, as []Layer) []Layer {
	out := make([]Layer, max(n, 0))
	for i, l := range as {
		if len(out) > 0 {
			out[min(i, len(out)-1)].Size += l.Size
		}
	}
	return out
}

func ptr[T any](v T) *T { return &v }

// Steps are the draft's, in its order.
func (d Draft) Steps() []Step { return slices.Clone(d.plan.Steps) }

// Reckoned adds what builds make again, and what was found on the way.
func (d *Draft) Reckoned(builds map[schema.Address]Build, findings []schema.Finding) {
	for i, c := range d.plan.Changes {
		if b, is := builds[c.Address]; is && c.Blocked == "" {
			d.plan.Changes[i].Build = &b
		}
	}
	d.plan.Findings = append(d.plan.Findings, findings...)
}

// String is one line for people.
func (b Build) String() string {
	if b.First {
		if b.Base == nil {
			return Plural(b.Own, "layer") + " of its own, on a base of which nobody told the layers"
		}
		return Plural(b.Own, "layer") + " of its own, on " + fmt.Sprint(*b.Base) + " of its base"
	}
	text := Plural(b.Own, "layer") + " of its own, " + fmt.Sprint(b.Again) + " built again"
	if b.Cached == nil {
		text += "; how many stay cached is not known"
	} else {
		text += "; " + fmt.Sprint(*b.Cached) + " stay cached"
	}
	switch {
	case b.Pulled == nil:
		return text + ", and what nodes pull is not known"
	case *b.Pulled == 0 && b.New > 0:
		return text + ", and nodes that have the former image pull what is new"
	case *b.Pulled == 0:
		return text + ", and nodes pull nothing again"
	}
	text += ", and nodes that have the former image pull about " + schema.ShortBytes(*b.Pulled) + " again"
	if b.New > 0 {
		text += " and what is new"
	}
	return text
}

// Replace drops findings, and adds others.
func (d *Draft) Replace(drop func(schema.Finding) bool, add []schema.Finding) {
	d.plan.Findings = append(slices.DeleteFunc(d.plan.Findings, drop), add...)
}

// Refused says that there is an error of an object with a code already.
func (d Draft) Refused(code string, a schema.Address) bool {
	return slices.ContainsFunc(d.plan.Findings, func(f schema.Finding) bool {
		return f.Code == code && f.Address == a && f.Severity == schema.Error
	})
}
