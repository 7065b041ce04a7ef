package engine

import (
	"fmt"
	"path"

	"domctl.dev/schema"
)

// selector keeps the addresses that match a target, if there are any, and no
// exclusion.
func (o PlanOptions) selector() (func(schema.Address) bool, error) {
	for _, p := range append(append([]string{}, o.Target...), o.Exclude...) {
		if _, err := path.Match(p, ""); err != nil {
			return nil, fmt.Errorf("%q is not a pattern: %w; write an address, or one with * as in 'hardwareTiers.gpu-*'", p, err)
		}
	}
	if len(o.Target)+len(o.Exclude) == 0 {
		return nil, nil
	}
	return func(a schema.Address) bool {
		return (len(o.Target) == 0 || matchAny(o.Target, a)) && !matchAny(o.Exclude, a)
	}, nil
}

func matchAny(patterns []string, a schema.Address) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(p, a.String()); ok {
			return true
		}
	}
	return false
}
