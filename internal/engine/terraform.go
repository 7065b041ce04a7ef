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
	Open   []string                // variables whose value is not known yet: an image that is to be baked
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
			all, i = append(all, Variables{File: file, Values: map[string]schema.Value{}}), len(all)
		}
		if err := all[i].take(c, o); err != nil {
			return nil, err
		}
	}
	all = slices.DeleteFunc(all, func(v Variables) bool { return len(v.Values) == 0 })
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

// take adds what a change of a pool leaves to Terraform, known or not.
func (v *Variables) take(c planner.Change, o schema.Object) error {
	for _, d := range c.Fields {
		s := schema.SplitPath(d.Path)
		if len(s) < 3 || s[0] != "groups" {
			continue
		}
		what, owner := s[len(s)-1], "owner."+s[2]
		name := o.Fields["terraform.variables."+what].Str()
		if name == "" || o.Fields[owner].Str() != "terraform" {
			continue
		}
		if !slices.Contains(v.Pools, c.Address) {
			v.Pools = append(v.Pools, c.Address)
		}
		if was, taken := v.Values[name]; taken && was != d.After {
			return fmt.Errorf("DC811: %s: variable %s of %s is to be %s, and %s by another pool; give each a variable of its own", c.Address, name, v.File, d.After.Display(), was.Display())
		}
		v.Values[name] = d.After
	}
	return nil
}
