package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"domctl.dev/schema"
)

// rolling is a View whose tiers are in the waves of amis.x.
type rolling struct {
	flat
	wave map[schema.Address]int
}

func (r rolling) Lower(c Change) (Lowered, error) {
	out, err := r.flat.Lower(c)
	if n, ok := r.wave[c.Address]; ok && err == nil && slices.ContainsFunc(c.Fields, func(d Diff) bool { return d.Path == "ami" }) {
		out.Waves = map[string]Wave{}
		for _, s := range out.Steps {
			out.Waves[s.ID] = Wave{Of: addr("amis.x"), N: n}
		}
	}
	return out, err
}

// TestNoWavePassesAnEarlierOne: whatever is latched, blocked, left out, made by the
// plan or there already, a tier is switched only once all of the waves before stand
// on the image or are switched before it.
func TestNoWavePassesAnEarlierOne(t *testing.T) {
	held := 0
	rapid.Check(t, func(t *rapid.T) {
		const waves = 3
		s := situation{desired: map[string]fields{}, live: map[string]fields{}, applied: map[string]fields{}, latched: map[string]bool{}}
		wave, named, out := map[schema.Address]int{}, make([][]string, waves), map[string]bool{}
		for i := range rapid.IntRange(1, 6).Draw(t, "tiers") {
			a := fmt.Sprintf("hardwareTiers.t%d", i)
			n := rapid.IntRange(0, waves).Draw(t, "wave")
			wave[addr(a)] = n
			if n < waves {
				named[n] = append(named[n], fmt.Sprintf("%q", addr(a).Name))
			}
			s.desired[a] = fields{"ami": schema.RefTo(addr("amis.x"), "image"), "cores": rapid.IntRange(1, 2).Draw(t, "cores")}
			s.live[a] = fields{"ami": rapid.SampledFrom([]string{"ami-old", "ami-new"}).Draw(t, "stands"), "cores": 1}
			switch rapid.IntRange(0, 6).Draw(t, "state") {
			case 0:
				s.latched[a] = true
			case 1:
				s.block = append(s.block, a)
			case 2:
				out[a] = true
			case 3:
				s.applied[a] = fields{"ami": "ami-old", "cores": 1}
			}
		}
		var rollout []string
		for _, names := range named {
			rollout = append(rollout, `{"tiers":[`+strings.Join(names, ",")+`]}`)
		}
		s.desired["amis.x"] = fields{"rollout": schema.Value{Is: schema.Known, Text: "[" + strings.Join(rollout, ",") + "]"}}
		if rapid.Bool().Draw(t, "made") {
			s.live["amis.x"] = fields{"image": "ami-new"}
		}
		in := s.input()
		in.View = rolling{in.View.(flat), wave}
		in.Select = func(a schema.Address) bool { return !out[a.String()] }
		p, err := planned(in)
		if err != nil || p.Sealed().Verify() != nil {
			t.Fatal(err, p.Sealed().Verify())
		}
		switched := map[schema.Address]int{} // to the place of its step
		for i, step := range p.Steps {
			if _, of := step.Writes["ami"]; of {
				switched[step.Address] = i
			}
		}
		for later, at := range switched {
			for earlier, n := range wave {
				stands := in.Live.Objects[addr("amis.x")].Fields["image"] == in.Live.Objects[earlier].Fields["ami"]
				first, moves := switched[earlier]
				if n < wave[later] && !stands && (!moves || first > at) {
					t.Fatalf("%s of wave %d is switched, and %s of wave %d is not", later, wave[later], earlier, n)
				}
			}
		}
		for _, f := range p.Findings {
			if _, moves := switched[f.Address]; f.Code == "DC268" {
				held++
				if moves {
					t.Fatalf("%s is said to wait and does not", f.Address)
				}
			}
		}
		for a, e := range p.Settle {
			if _, moves := switched[a]; e != nil && !moves && e.Fields["ami"].Is == schema.Known && e.Fields["ami"] != in.Live.Objects[a].Fields["ami"] && e.Fields["ami"] != in.Applied.Entries[a].Fields["ami"] {
				t.Fatalf("%s is recorded with %v, which it was not switched to", a, e.Fields["ami"])
			}
		}
	})
	if held == 0 {
		t.Error("nothing was ever held back")
	}
}
