package engine

import (
	"fmt"
	"slices"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Variables are values for one file that Terraform reads, by the name of the variable.
type Variables struct {
	Pools  []schema.Address
	File   string                  // as the files state it, from the deployment's folder
	Values map[string]schema.Value // text, or a number
	// Maps are variables that are maps, by key: text, or absent for a key that is to go.
	Maps map[string]map[string]schema.Value
	Open []string // variables whose value is not known yet: an image that is to be baked
}

// Terraform says what a plan leaves to Terraform and the files say where it reads: one for
// each file, in order. Two pools that want different values of a variable are an error.
func Terraform(p planner.Plan, d schema.Desired) (all []Variables, err error) {
	for _, c := range p.Changes {
		o := d.Objects[c.Address]
		file := o.Fields["terraform.file"].Str()
		if c.Blocked == "" || file == "" {
			continue
		}
		i := slices.IndexFunc(all, func(v Variables) bool { return v.File == file })
		if i < 0 {
			all, i = append(all, Variables{File: file, Values: map[string]schema.Value{}, Maps: map[string]map[string]schema.Value{}}), len(all)
		}
		if err := all[i].take(c, o); err != nil {
			return nil, err
		}
	}
	all = slices.DeleteFunc(all, func(v Variables) bool { return len(v.Values)+len(v.Maps) == 0 })
	for i, v := range all {
		for _, name := range schema.Sorted(v.Values) {
			if v.Values[name].Is != schema.Known {
				all[i].Open = append(all[i].Open, name)
				delete(v.Values, name)
			}
		}
	}
	slices.SortFunc(all, func(a, b Variables) int { return strings.Compare(a.File, b.File) })
	return all, nil
}

// take adds what a change of a pool leaves to Terraform, known or not; of a map all that the
// files state, since the variable may not stand in the file yet.
func (v *Variables) take(c planner.Change, o schema.Object) error {
	for _, d := range c.Fields {
		name, key := o.Variable(d.Path)
		if name == "" {
			continue
		}
		if !slices.Contains(v.Pools, c.Address) {
			v.Pools = append(v.Pools, c.Address)
		}
		if key == "" {
			if err := v.set(v.Values, c.Address, name, name, d.After); err != nil {
				return err
			}
			continue
		}
		if v.Maps[name] == nil {
			v.Maps[name] = map[string]schema.Value{}
		}
		if err := v.set(v.Maps[name], c.Address, name, key, d.After); err != nil {
			return err
		}
		for _, path := range schema.Sorted(o.Fields) {
			if of, key := o.Variable(path); of == name && key != "" {
				if err := v.set(v.Maps[name], c.Address, name, key, o.Fields[path]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// set refuses a value that another pool wants otherwise.
func (v *Variables) set(all map[string]schema.Value, a schema.Address, name, key string, to schema.Value) error {
	if was, taken := all[key]; taken && was != to {
		if key != name {
			key = name + "[" + schema.JSON(key).Text + "]"
		}
		return fmt.Errorf("DC811: %s: variable %s of %s is to be %s, and %s by another pool; give each a variable of its own", a, key, v.File, to.Display(), was.Display())
	}
	all[key] = to
	return nil
}
