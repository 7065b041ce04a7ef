package gitops

import (
	"context"
	"slices"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Out is what was left undone of commits that are done with.
type Out struct {
	// Noted says that all of it stands here; else who wrote the rest is not known.
	Noted bool      `json:"noted,omitempty"`
	At    []LeftOut `json:"at,omitempty"`
}

// LeftOut is what was left undone at one address, and who wrote it: once a plan does it,
// their word does not count, whoever's commit it comes with.
type LeftOut struct {
	Address string `json:"address"` // none: any
	// Sum tells what would be written there; empty: what was taken back, which stays off
	// until the files change.
	Sum     string   `json:"sum,omitempty"`
	Writers []string `json:"writers,omitempty"`
	Unknown bool     `json:"unknown,omitempty"`
	// Over says that nothing is left of it once what is planned is done.
	Over bool `json:"over,omitempty"`
}

// add notes another part of what is left at an address.
func (l *LeftOut) add(o origin) {
	l.Writers = append(slices.Clone(l.Writers), o.Writers...)
	slices.Sort(l.Writers)
	l.Writers, l.Unknown = slices.Compact(l.Writers), l.Unknown || o.Unknown
}

// at is what was left at each address; nothing is shared with the record.
func (o *Out) at() map[string]LeftOut {
	all := map[string]LeftOut{}
	if o != nil {
		for _, l := range o.At {
			all[l.Address] = l
		}
	}
	return all
}

func (o *Out) noted() bool { return o != nil && o.Noted }

// done is what is left once what was planned is done.
func (o *Out) done() *Out {
	if o == nil || !slices.ContainsFunc(o.At, func(l LeftOut) bool { return l.Over }) {
		return o
	}
	return &Out{o.Noted, slices.DeleteFunc(slices.Clone(o.At), func(l LeftOut) bool { return l.Over })}
}

func outOf(all map[string]LeftOut) *Out {
	o := &Out{Noted: true}
	for _, address := range schema.Sorted(all) {
		o.At = append(o.At, all[address])
	}
	return o
}

// keeps are the codes of what is left undone without a change that is blocked.
var keeps = []string{"DC221", "DC410"}

// sums tells what a plan leaves out by address, and whether it does something there. No
// address stands for any, where files turn off the findings that tell.
func (t *turn) sums(p planner.Plan) (left map[string]string, does map[string]bool) {
	parts, left, does := map[string][]any{}, map[string]string{}, map[string]bool{}
	for _, c := range p.Changes {
		a := c.Address.String()
		if c.Blocked == "" {
			does[a], does[""] = true, true
			continue
		}
		parts[a] = append(parts[a], c.Action)
		for _, f := range c.Fields { // what is there now may change by itself
			parts[a] = append(parts[a], f.Path, f.After)
		}
	}
	for _, f := range p.Findings {
		if slices.Contains(keeps, f.Code) {
			parts[f.Address.String()] = append(parts[f.Address.String()], f.Code)
		}
	}
	for _, code := range keeps {
		if t.engine.Compiled.Desired.Deployment.Findings[code] == "off" {
			parts[""] = append(parts[""], code)
		}
	}
	for a, part := range parts {
		left[a] = schema.DigestOf(part)
	}
	return left, does
}

// ruled says whether it matters who wrote what.
func (t *turn) ruled() bool { return len(t.Bound.Rules) > 0 && t.Forge != nil }

// leaves notes who wrote what a plan of a commit leaves out, as far as that is new.
func (t *turn) leaves(ctx context.Context, p planner.Plan, commit string) (*Out, error) {
	if !t.ruled() {
		return &Out{}, nil
	}
	left, does := t.sums(p)
	all := t.head.Out.at()
	for a, l := range all {
		l.Over = left[a] == "" && (l.Sum != "" || does[a])
		all[a] = l
	}
	var from *origin
	for _, a := range schema.Sorted(left) {
		l, there := all[a]
		if there && (l.Sum == left[a] || l.Sum == "") {
			continue
		}
		if from == nil {
			o, err := t.origin(ctx, commit)
			if err != nil {
				return nil, err
			}
			o.Unknown = o.Unknown || !t.head.Out.noted()
			from = &o
		}
		if l.Address, l.Sum = a, left[a]; a != "" {
			l.add(*from)
		} else {
			l.Unknown = true
		}
		all[a] = l
	}
	return outOf(all), nil
}

// wrote finds out whose word does not count for a plan of a commit: who brought it, and
// who wrote what was left out before and is done by it.
func (t *turn) wrote(ctx context.Context, p planner.Plan, commit string) (o origin, err error) {
	if o, err = t.origin(ctx, commit); err != nil {
		return o, err
	}
	_, does := t.sums(p)
	for a, l := range t.head.Out.at() {
		if does[a] {
			o.Writers, o.Unknown = append(o.Writers, l.Writers...), o.Unknown || l.Unknown
		}
	}
	return o, nil
}

// takenBack notes who wrote what a plan takes back.
func (t *turn) takenBack(p planner.Plan, from origin) *Out {
	all := t.head.Out.at()
	for _, c := range p.Changes {
		l := all[c.Address.String()]
		l.Address, l.Sum, l.Over = c.Address.String(), "", false
		l.add(from)
		all[l.Address] = l
	}
	o := outOf(all)
	o.Noted = t.head.Out.noted()
	return o
}
