package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// recorded is a recording of what lives, as one reads it from its file.
func recorded(t require, m *sim.Machine, c compiler.Result) (planner.Recording, []byte) {
	t.Helper()
	e, err := m.Process(t.Context(), c, sim.Options{Holder: "test"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body, err := planner.EncodeRecording(r)
	if err != nil {
		t.Fatal(err)
	}
	read, err := planner.DecodeRecording(body)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := planner.EncodeRecording(read)
	if !bytes.Equal(again, body) {
		t.Fatalf("read and written again it is\n%s\nand was\n%s", again, body)
	}
	return read, body
}

// shownOf is what two plans are compared by: what they say of each address, without
// what only one that sees the world can know.
func shownOf(p planner.Plan) map[string]string {
	out := map[string]string{}
	for _, c := range p.Changes {
		for _, d := range c.Fields {
			for _, v := range []*schema.Value{&d.Before, &d.After} {
				if v.Is == schema.Digest || v.Is == schema.Out {
					*v = schema.Value{Is: schema.Unknown}
				}
			}
			out[c.Address.String()+" "+d.Path] = fmt.Sprint(d.Before, d.After)
		}
		out[c.Address.String()] = string(c.Action) + " " + c.Reason
	}
	for _, c := range p.Drift {
		out["drift "+c.Address.String()] = fmt.Sprint(len(c.Fields))
	}
	return out
}

// TestRecorded: a recording of the world gives the plan that the world gives, but for
// steps; and it is the same one twice.
func TestRecorded(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			r := f.start(t)
			rec, body := recorded(t, r.Machine, f.after)
			if _, again := recorded(t, r.Machine, f.after); !bytes.Equal(again, body) {
				t.Error("two recordings of one world differ")
			}
			sameShown(t, r.plan(f.after), replayed(t, rec, f.after))
			hides(t, body)
		})
	}
}

// TestRecordedAnyWorld is TestRecorded for any files and any world.
func TestRecordedAnyWorld(t *testing.T) {
	f := fixtures(t)[0]
	rapid.Check(t, func(rt *rapid.T) {
		r := f.start(t)
		disturb(rt, r.Machine)
		files := drawFiles(rt, f.after)
		rec, body := recorded(rt, r.Machine, files)
		sameShown(rt, r.plan(files), replayed(rt, rec, files))
		hides(rt, body)
	})
}

// TestRecordedBefore: with a recording from before a change, what is said of what was
// looked at then is what the world says, and the rest is called unknown.
func TestRecordedBefore(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			r := f.start(t)
			rec, _ := recorded(t, r.Machine, f.before)
			p := replayed(t, rec, f.after)
			want, got := shownOf(r.plan(f.after)), shownOf(p)
			for _, at := range schema.Sorted(want) {
				hidden := strings.Contains(want[at], string(schema.Unknown)) // with the world, whose digest is compared with other files
				// What stands under a name that the files then did not have is found there by the world alone.
				hidden = hidden || strings.HasPrefix(want[at], "adopt ") && strings.HasPrefix(got[at], "update ")
				if got[at] != want[at] && !hidden && !unknownThere(p, at) {
					t.Errorf("%s is %q, with the world %q", at, got[at], want[at])
				}
			}
		})
	}
}

// unknownThere says that a plan calls something of a field or of its object unknown.
func unknownThere(p planner.Plan, at string) bool {
	for _, c := range p.Changes {
		for _, d := range c.Fields {
			if unknown := d.Before.Is == schema.Unknown || d.After.Is == schema.Unknown; unknown && (at == c.Address.String() || at == c.Address.String()+" "+d.Path) {
				return true
			}
		}
	}
	return slices.ContainsFunc(p.Findings, func(f schema.Finding) bool {
		return f.Code == "DC502" && regexp.MustCompile(`^(drift )?`+regexp.QuoteMeta(f.Address.String())+`( |$)`).MatchString(at)
	})
}

// require is testing.T or rapid.T.
type require interface {
	rapid.TB
	Context() context.Context
}

func replayed(t require, rec planner.Recording, c compiler.Result) planner.Plan {
	t.Helper()
	p, err := engine.Replay{Compiled: c}.Plan(rec, engine.PlanOptions{Allow: []string{"archive"}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Effect != "" || len(p.Steps) > 0 || p.Sealed().Verify() == nil {
		t.Fatalf("it could be applied: %+v", p)
	}
	return p
}

func sameShown(t require, world, rec planner.Plan) {
	t.Helper()
	// What a baked image will be, or one that a step makes, is no more than unknown.
	want, got := shownOf(world), shownOf(rec)
	if !maps.Equal(want, got) {
		for _, at := range schema.Sorted(want) {
			if want[at] != got[at] {
				t.Errorf("%s is %q in the recording, %q in the world", at, got[at], want[at])
			}
		}
		for _, at := range schema.Sorted(got) {
			if _, there := want[at]; !there {
				t.Errorf("%s is %q in the recording alone", at, got[at])
			}
		}
	}
}

// hides looks for what a recording must not hold: secrets, digests, ids of documents.
func hides(t require, body []byte) {
	t.Helper()
	for _, pattern := range []string{`canary`, `"is": "digest",\s*"text": "[^"]{5,}"`, `\$oid`, `"id": "[^o"]`} {
		if found := regexp.MustCompile(pattern).Find(body); found != nil {
			t.Errorf("the recording holds %q", found)
		}
	}
}
