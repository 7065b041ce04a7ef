package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// edit is an update: $set by path, in their order, and $unset.
type edit struct {
	set    []assignment
	remove [][]string
}

type assignment struct {
	path  []string
	value value
}

func newEdit(set port.Document, unset []string) (e edit, err error) {
	if len(set) == 0 && len(unset) == 0 {
		return e, errors.New("the update changes nothing")
	}
	if e.remove, err = paths(unset); err != nil {
		return e, err
	}
	all := slices.Clone(e.remove)
	for _, p := range schema.Sorted(set) {
		path, err := address(p)
		if err != nil {
			return e, err
		}
		v, err := parseValue(set[p])
		if err != nil {
			return e, fmt.Errorf("%s: %w", p, err)
		}
		e.set = append(e.set, assignment{path, v})
		all = append(all, path)
	}
	return e, apart(all)
}

// apart refuses paths of which one lies within another, as MongoDB does
// (ConflictingUpdateOperators).
func apart(all [][]string) error {
	slices.SortFunc(all, slices.Compare)
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		if len(a) <= len(b) && slices.Equal(a, b[:len(a)]) {
			return fmt.Errorf("updating %s would conflict with %s", schema.JoinPath(b...), schema.JoinPath(a...))
		}
	}
	return nil
}

// apply gives the document after the update, and whether it is another.
func (e edit) apply(v value) (value, bool, error) {
	was := string(v.appendPlain(nil))
	id, _ := v.get("_id")
	for _, a := range e.set {
		var err error
		if v, err = v.set(a.path, a.value); err != nil {
			return v, false, fmt.Errorf("%s: %w", schema.JoinPath(a.path...), err)
		}
	}
	for _, path := range e.remove {
		v = v.unset(path)
	}
	if now, _ := v.get("_id"); !now.equal(id) || now.kind != id.kind {
		return v, false, errors.New("_id is immutable")
	}
	return v, string(v.appendPlain(nil)) != was, nil
}

// set gives the document with the value at the path: in place, or behind the
// fields that are there. Missing documents on the way are made.
func (v value) set(path []string, to value) (value, error) {
	if len(path) == 0 {
		return to, nil
	}
	if v.kind == array {
		return v, fmt.Errorf("field %q stands in an array, which is set as a whole", path[0])
	}
	if v.kind != document {
		return v, fmt.Errorf("cannot create field %q in %.60s", path[0], v.canonical())
	}
	old, _ := v.get(path[0])
	below, err := old.set(path[1:], to)
	if err != nil {
		return v, err
	}
	i := slices.IndexFunc(v.kids, func(f field) bool { return f.name == path[0] })
	v.kids = slices.Clone(v.kids)
	if i < 0 {
		v.kids = append(v.kids, field{path[0], below})
	} else {
		v.kids[i].value = below
	}
	return v, nil
}

// unset gives the document without the path; its parents stay.
func (v value) unset(path []string) value {
	if v.kind != document {
		return v
	}
	i := slices.IndexFunc(v.kids, func(f field) bool { return f.name == path[0] })
	if i < 0 {
		return v
	}
	kids := slices.Clone(v.kids)
	if len(path) == 1 {
		v.kids = slices.Delete(kids, i, i+1)
	} else {
		kids[i].value = kids[i].value.unset(path[1:])
		v.kids = kids
	}
	return v
}

// storable refuses field names that an insert cannot hold.
func storable(path []string) error {
	for _, s := range path {
		if s == "" || strings.HasPrefix(s, "$") || strings.ContainsRune(s, 0) {
			return fmt.Errorf("%s: %w %q", schema.JoinPath(path...), port.ErrPath, s)
		}
	}
	return nil
}
