package world_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// randomKinds are files that speak of hardware tiers and settings.
func randomKinds(t *rapid.T) map[schema.Address]schema.Object {
	out := randomDesired(t)
	for a := range out {
		if a.Kind != "hardwareTiers" && a.Kind != "settings" {
			delete(out, a)
		}
	}
	return out
}

// inMiB states sizes of whole GiB in MiB.
func inMiB(mongo string) string {
	return regexp.MustCompile(`"value": (\d+), ("units?"): "GiB"`).ReplaceAllStringFunc(mongo, func(size string) string {
		var n int
		var unit string
		_, _ = fmt.Sscanf(size, `"value": %d, %q: "GiB"`, &n, &unit)
		return fmt.Sprintf(`"value": %d, %q: "MiB"`, n<<10, unit)
	})
}

// oneDefault leaves the default to the first tier that is it, as Domino's API does.
func oneDefault(mongo string) string {
	n := 0
	return regexp.MustCompile(`"isDefault": true`).ReplaceAllStringFunc(mongo, func(is string) string {
		if n++; n > 1 {
			return `"isDefault": false`
		}
		return is
	})
}

func overAPI(t *rapid.T, mongo string) *bench {
	b := byAPI(t, mongo)
	b.deployment.Backends.Settings = schema.API
	return b
}

// textOf is what a plan says of its changes.
func textOf(t *rapid.T, p planner.Plan) string {
	var b strings.Builder
	if err := planner.WriteChanges(&b, p.Changes, planner.Style{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestTheAPIMakesTheSamePlan over random worlds and files: the text is that over MongoDB,
// and what is applied is what a read then answers.
func TestTheAPIMakesTheSamePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mongo, files := oneDefault(inMiB(randomMongo(t))), randomKinds(t)
		for _, o := range files {
			delete(o.Fields, "archived")  // which the API shows of each tier, and these documents may lack
			delete(o.Fields, "isDefault") // which Domino takes from one tier where another gets it, and documents do not
		}
		b, other := overAPI(t, mongo), newBench(t, mongo, "")
		p, over := b.plan(files), other.plan(files)
		if slices.ContainsFunc(p.Findings, func(f schema.Finding) bool { return f.Severity == schema.Error || strings.HasPrefix(f.Code, "DC38") }) {
			return
		}
		if got, want := textOf(t, p), textOf(t, over); got != want {
			t.Fatalf("over the API\n%s\nover MongoDB\n%s", got, want)
		}
		b.carryOut(files, p)
		if again := b.plan(files); again.Changed() || !again.Empty() {
			t.Fatalf("the second plan is not empty:\n%v\n%s", again.Changes, steps(again))
		}
	})
}

// TestAPartIsNoGround over random worlds, files and keys: a key that sees a part makes
// and archives nothing, and changes nothing that it does not see.
func TestAPartIsNoGround(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := overAPI(t, oneDefault(randomMongo(t)))
		before := randomKinds(t)
		for a, o := range before {
			if a.Kind == "hardwareTiers" {
				o.Fields["lifecycle.prune"] = schema.JSON(true)
			}
		}
		if p := b.plan(before); !schema.Failed(p.Findings) {
			b.carryOut(before, p)
		}
		var hidden []string
		for i := range 4 {
			if rapid.Bool().Draw(t, fmt.Sprintf("hides %d", i)) {
				hidden = append(hidden, fmt.Sprintf("t%d", i), fmt.Sprintf("k%d", i))
			}
		}
		b.hide(hidden...)
		p := b.plan(randomKinds(t))
		part := map[string]bool{}
		for _, f := range p.Findings {
			if f.Code == "DC381" && f.Address == (schema.Address{}) {
				part["domino/tier"] = part["domino/tier"] || strings.Contains(f.Message, "hardware tier")
				part["domino/setting"] = part["domino/setting"] || strings.Contains(f.Message, "no setting")
			}
		}
		for _, s := range p.Steps {
			_, id, _ := strings.Cut(s.Object.ID(), "/")
			if slices.Contains(hidden, s.Object.ID()) || slices.Contains(hidden, id) && s.Op != "domino.setting.create" {
				t.Fatalf("%s is hidden: %s", s.Object, steps(p))
			}
			if part[s.Object.Type()] && !strings.HasSuffix(s.Op, ".put") {
				t.Fatalf("the key sees a part: %s\n%v", steps(p), p.Findings)
			}
		}
	})
}
