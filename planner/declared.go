package planner

import (
	"strings"

	"domctl.dev/schema"
)

// declared is what *applied* is compared with: which address declares an outside
// object, and what stands in what is still declared.
type declared struct {
	owner map[schema.Address]schema.Address // kind and outside id → address
	stood map[schema.Address]bool           // kind and the value that was applied where one of the kind is named
	left  []schema.Address                  // what is latched and the files no longer hold
}

// declare indexes the files once for all that was applied.
func (m *maker) declare() {
	m.declared = declared{owner: map[schema.Address]schema.Address{}, stood: map[schema.Address]bool{}}
	for _, a := range schema.Addresses(m.in.Applied.Latches) {
		if _, stated := m.in.Desired.Objects[a]; !stated {
			m.declared.left = append(m.declared.left, a)
		}
	}
	for a := range m.in.Desired.Objects {
		if o, ok := m.in.Live.Objects[a]; ok && o.ID != "" {
			object := schema.Address{Kind: a.Kind, Name: o.ID}
			if first, taken := m.declared.owner[object]; !taken || a.Compare(first) < 0 {
				m.declared.owner[object] = a
			}
		}
		if was, _ := m.former(a); was != nil {
			m.stands(a.Kind, *was)
		}
	}
}

// stands notes what an entry was applied with where it names other objects.
func (m *maker) stands(of string, was schema.Entry) {
	kind, _ := schema.KindOf(of)
	for p, v := range was.Fields {
		if f, _ := kind.Field(p); f.To != "" && v.Str() != "" {
			to, _, _ := strings.Cut(f.To, "#")
			m.declared.stood[schema.Address{Kind: to, Name: v.Str()}] = true
		}
	}
}

// taken is the address that declares the very object a gone one was applied to.
func (m *maker) taken(a schema.Address, entry schema.Entry) (by schema.Address, ok bool) {
	by, ok = m.declared.owner[schema.Address{Kind: a.Kind, Name: entry.ID.Str()}]
	return by, ok
}

// pinned carries over the images that an address pinned, and pins no longer.
func pinned(was *schema.Entry, entry *schema.Entry) {
	if was == nil {
		return
	}
	for id, reason := range was.Pins() {
		if entry.Fields["pin.id"].Str() != id {
			entry.Fields[schema.PinnedBefore(id)] = reason
		}
	}
}

// carry takes along what each later entry holds too.
func carry(kind schema.Kind, was *schema.Entry, entry *schema.Entry) {
	if was == nil || !kind.Carries {
		return
	}
	for p, v := range was.Fields {
		if f, _ := kind.Field(p); f.Carried {
			entry.Fields[p] = v
		}
	}
}

// unpin forgets the former pins that nothing stands on which the files declare.
// It happens when an entry is written anyway: to forget is no change.
func (m *maker) unpin(kind string, entry *schema.Entry) {
	for id := range entry.Pins() {
		if !m.declared.stood[schema.Address{Kind: kind, Name: id}] {
			delete(entry.Fields, schema.PinnedBefore(id))
		}
	}
}

// pinsStoodOn says that something the files still declare was applied with an
// image that a gone address pinned.
func (m *maker) pinsStoodOn(kind string, gone schema.Entry) bool {
	for id := range gone.Pins() {
		if m.declared.stood[schema.Address{Kind: kind, Name: id}] {
			return true
		}
	}
	return false
}
