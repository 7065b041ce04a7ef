package planner

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"domctl.dev/schema"
)

// planSchema compiles docs/plan.schema.json.
func planSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile("../docs/plan.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, file []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestPlansFollowTheSchema(t *testing.T) {
	s := planSchema(t)
	in := situation{
		desired: map[string]fields{tier: {"cores": 4}, "amis.gpu": {"image": "ami-1"}, "environments.e": {"name": "e"}},
		applied: map[string]fields{tier: {"cores": 3}, "settings.x": {"value": "1"}, "hardwareTiers.gone": {"cores": 1}},
		live:    map[string]fields{tier: {"cores": 2}, "settings.x": {"value": "1"}, "hardwareTiers.gone": {"cores": 1}},
		block:   []string{"environments.e"},
	}.input()
	in.ID, in.Lineage, in.World = "20260301-101500-abcdefghijkl", "0123456789abcdef", World{Kind: "sandbox", Account: "111122223333", Region: "us-west-2", Database: "domino", ReplicaSet: "rs0"}
	p, err := planned(in)
	if err != nil {
		t.Fatal(err)
	}
	gated := p
	gated.Steps = []Step{{ID: "s", Address: addr(tier), Op: "ec2.CreateTags", Object: OutRef("ec2/image", "", "bake", "image"), Guard: Absolute, Gates: []Gate{
		{Kind: ApprovalGate, Arg: "amis.gpu rollout 2", Approvals: 2},
		{Kind: WindowGate, Arg: "w", Window: schema.Window{Days: []string{"sat"}, From: "22:00", To: "04:00", Timezone: "UTC"}}}}}
	n := int64(1 << 30)
	foretold := p
	foretold.Forecast = []Foretold{{AMI: addr("amis.gpu"), Users: []schema.Address{addr("nodePools.gpu")}, Today: "ami-1", Pulls: []Pull{{Image: "e revision 1", Runs: 2, Empty: &n}}},
		{AMI: addr("amis.gpu"), Users: []schema.Address{}, Pulls: []Pull{}}}
	foretold.Kept = []Kept{{Address: addr("nodePools.old"), Image: "ami-2", By: addr("amis.old"), Reason: "r", ReviewBy: "2027-03-31"}}
	besides := p.Against(&gated, Base{Ref: "main", Commit: strings.Repeat("a", 40), Lacks: "x", Dir: "prod"})
	if foretold.effect() != p.effect() || besides.effect() != p.effect() {
		t.Error("what is for people changes what is approved")
	}
	for _, p := range []Plan{p, gated, foretold, besides} {
		if err := validate(t, s, Encode(p)); err != nil {
			t.Error(err)
		}
	}
	var loose map[string]any
	if err := json.Unmarshal(Encode(p), &loose); err != nil {
		t.Fatal(err)
	}
	loose["extra"] = true
	bad, _ := json.Marshal(loose)
	if validate(t, s, bad) == nil {
		t.Error("a field that no plan has is let through")
	}
}

// TestDocsNameEveryField holds docs/plan-format.md to the struct.
func TestDocsNameEveryField(t *testing.T) {
	text, err := os.ReadFile("../docs/plan-format.md")
	if err != nil {
		t.Fatal(err)
	}
	var top map[string]json.RawMessage
	p, _ := planned(situation{}.input())
	p.Restores, p.Unknowns, p.Latch, p.Forecast, p.Base, p.Kept = "x", true, nil, []Foretold{{}}, &Base{}, []Kept{{}}
	if err := json.Unmarshal(Encode(p), &top); err != nil {
		t.Fatal(err)
	}
	for name := range top {
		if !regexp.MustCompile("`" + name + "`|`" + name + `\[\]`).Match(text) {
			t.Errorf("docs/plan-format.md does not speak of %s", name)
		}
	}
}
