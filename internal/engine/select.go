package engine

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"domctl.dev/schema"
)

// selector keeps the addresses that match a target, if there are any, and no
// exclusion. A pattern that matches none of those there are is a mistake: what
// it was meant for would be left out, or done, in silence.
func (o PlanOptions) selector(there []schema.Address) (func(schema.Address) bool, error) {
	for _, p := range slices.Concat(o.Target, o.Exclude) {
		if _, err := path.Match(p, ""); err != nil {
			return nil, fmt.Errorf("%q is not a pattern: %w; write an address, or one with * as in 'hardwareTiers.gpu-*'", p, err)
		}
		if p != "*" && !slices.ContainsFunc(there, func(a schema.Address) bool { return matchAny([]string{p}, a) }) {
			return nil, fmt.Errorf("no address matches %q; %s", p, meantAddress(p, there))
		}
	}
	return o.keeps(), nil
}

// keeps is selector for patterns that are known to be none by mistake; nil keeps all.
func (o PlanOptions) keeps() func(schema.Address) bool {
	if len(o.Target)+len(o.Exclude) == 0 {
		return nil
	}
	return func(a schema.Address) bool {
		return (len(o.Target) == 0 || matchAny(o.Target, a)) && !o.excludes(a)
	}
}

// meantAddress is the address that a pattern misses narrowly, else how one is written.
func meantAddress(pattern string, there []schema.Address) string {
	if near := nearest(pattern, there); near != "" {
		return "did you mean " + schema.ShellWord(near) + "?"
	}
	return "write one as plans show it, or a pattern as in 'hardwareTiers.gpu-*'"
}

// nearest is the address that a word misses narrowly: that of the kind it names,
// that of the name it is, or one that is written almost so; else "". A pattern
// misses none.
func nearest(word string, there []schema.Address) string {
	if _, ok := schema.KindOf(word); ok {
		return word + ".*"
	}
	if strings.ContainsAny(word, "*?[") {
		return ""
	}
	names := make([]string, len(there))
	for i, a := range there {
		if names[i] = a.String(); a.Name == word {
			return names[i]
		}
	}
	return schema.Nearest(word, names)
}

func (o PlanOptions) excludes(a schema.Address) bool { return matchAny(o.Exclude, a) }

func matchAny(patterns []string, a schema.Address) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(p, a.String()); ok || p == a.String() {
			return true
		}
	}
	return false
}
