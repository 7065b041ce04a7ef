package planner

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"domctl.dev/schema"
)

func TestAgainst(t *testing.T) {
	live := map[string]fields{tier: {"cores": 2, "memory": "1GiB"}, "settings.x": {"value": "1"}}
	plan := func(desired map[string]fields) Plan {
		t.Helper()
		p, err := planned(situation{desired: desired, applied: live, live: live}.input())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	before := plan(map[string]fields{tier: {"cores": 3, "memory": "1GiB"}, "settings.x": {"value": "2"}, "hardwareTiers.gone": {"cores": 1}})
	after := plan(map[string]fields{tier: {"cores": 3, "memory": "2GiB"}, "settings.x": {"value": "3"}})
	p := after.Against(&before, Base{Ref: "main", Commit: strings.Repeat("a", 40)})
	b := p.Base
	if got := shown(b.Changes); got != tier+" memory; settings.x value" {
		t.Error("brings", got)
	}
	if got := shown(b.Pending); got != tier+" cores" {
		t.Error("pending", got)
	}
	if got := shown(b.Dropped); got != "hardwareTiers.gone cores; settings.x value" {
		t.Error("dropped", got)
	}
	var text, md strings.Builder
	if err := p.Text(&text, Style{}); err != nil {
		t.Fatal(err)
	}
	if err := p.Markdown(&md); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Changed since main (aaaaaaaaaaaa):", "with it no longer or otherwise:", "Pending without it too:", "An apply does all of it."} {
		if !strings.Contains(text.String(), want) || !strings.Contains(strings.ReplaceAll(md.String(), "`", ""), want) {
			t.Errorf("%q is not in\n%s\n%s", want, text.String(), md.String())
		}
	}
	p = after.Against(nil, Base{Ref: "main", Commit: strings.Repeat("a", 40), Lacks: "holds no folder prod"})
	if !reflect.DeepEqual(p.Base.Changes, after.Changes) || len(p.Base.Dropped)+len(p.Base.Pending) > 0 {
		t.Errorf("%+v", p.Base)
	}
}

func shown(changes []Change) string {
	var all []string
	for _, c := range changes {
		line := c.Address.String()
		for _, d := range c.Fields {
			line += " " + d.Path
		}
		all = append(all, line)
	}
	return strings.Join(all, "; ")
}

// TestAgainstLosesNothing: what is brought and what is pending is the plan, to the
// field; against itself a plan brings nothing.
func TestAgainstLosesNothing(t *testing.T) {
	changes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Change {
		c := Change{Address: schema.Address{Kind: "settings", Name: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")}, Action: rapid.SampledFrom([]Action{ActionCreate, ActionUpdate, ActionAdopt}).Draw(t, "action"),
			Blocked: rapid.SampledFrom([]string{"", "x"}).Draw(t, "blocked")}
		for _, path := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"p", "q", "r"}), 0, 3, func(s string) string { return s }).Draw(t, "paths") {
			c.Fields = append(c.Fields, Diff{Path: path, After: schema.JSON(rapid.IntRange(0, 1).Draw(t, "after"))})
		}
		return c
	}), 0, 5)
	rapid.Check(t, func(t *rapid.T) {
		p, former := Plan{Changes: changes.Draw(t, "plan")}, Plan{Changes: changes.Draw(t, "former")}
		b := p.Against(&former, Base{}).Base
		count := map[part]int{}
		for _, c := range p.Changes {
			for _, at := range parts(c) {
				count[at]++
			}
		}
		for _, c := range append(append([]Change{}, b.Changes...), b.Pending...) {
			for _, at := range parts(c) {
				count[at]--
			}
		}
		for at, n := range count {
			if n != 0 {
				t.Fatalf("%+v is there %d times too few", at, n)
			}
		}
		if b = p.Against(&p, Base{}).Base; len(b.Changes)+len(b.Dropped) > 0 || len(b.Pending) != len(p.Changes) {
			t.Fatalf("against itself: %+v", b)
		}
	})
}
