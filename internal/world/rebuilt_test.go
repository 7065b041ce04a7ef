package world_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"domctl.dev/internal/sandbox"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// layered is withAPI, where revision 1 is an image on a base of two layers, or of so many.
func layered(t *testing.T, base int, more string) *bench {
	t.Helper()
	b := withAPI(t)
	var below []string
	for i := range base {
		below = append(below, fmt.Sprintf(`{"name": "base-%d", "size": "100MiB"}`, i))
	}
	beneath := strings.Join(below, ", ")
	docs := strings.Replace(spark, `"metadata": {"number": {"$numberLong": "1"}, "isBuilt": true}`, `"metadata": {"number": 1, "isBuilt": true, "dockerImageName": {"repository": "domino-environment", "tag": "spark-1"}}`, 1)
	content := fmt.Sprintf(`{"aws": {"account": "111122223333", "region": "us-west-2"}, "mongo": {%s},
		"registry": {"quay.io/acme/base:1": {"linux/amd64": "sha256:b1"}, "domino-environment:spark-1": {"linux/amd64": "sha256:s1"}%s},
		"layers": {"quay.io/acme/base:1": [%s], "domino-environment:spark-1": [%s, {"name": "one", "size": "10MiB"}, {"name": "two", "size": "20MiB"}]},
		"domino": {"revisions": {"0123456789abcdef000000b1": {"image": "quay.io/acme/base:1", "dockerfile": "RUN one\nENV A=b\nRUN two"}}}}`, docs, more, beneath, beneath)
	m, err := sandbox.NewMemory("sandbox.json", []byte(content))
	if err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	b.memory = m
	b.open(sandbox.Options{})
	return b
}

// image is what a plan says of the new image of Spark.
func image(p planner.Plan) string {
	for _, c := range p.Changes {
		if c.Build != nil {
			return c.Build.String()
		}
	}
	return ""
}

// TestWhatABuildMakesAgain, by the manifests that there are.
func TestWhatABuildMakesAgain(t *testing.T) {
	for name, c := range map[string]struct {
		fields map[string]any
		more   string
		want   string
		codes  []string
	}{
		"the last line":  {map[string]any{"dockerfile": "RUN one\nENV A=b\nRUN three"}, "", "2 layers of its own, 1 built again; 3 stay cached, and nodes that have the former image pull about 20.0 MiB again", nil},
		"a variable":     {map[string]any{"dockerfile": "RUN one\nENV A=c\nRUN two"}, "", "2 layers of its own, 1 built again; 3 stay cached, and nodes that have the former image pull about 20.0 MiB again", nil},
		"a declared one": {map[string]any{"variables.X": "1"}, "", "2 layers of its own, 2 built again; 2 stay cached, and nodes that have the former image pull about 30.0 MiB again", nil},
		"no cache":       {map[string]any{"skipCache": true, "dockerfile": "RUN one\nENV A=b\nRUN three"}, "", "2 layers of its own, 2 built again; 2 stay cached, and nodes that have the former image pull about 30.0 MiB again", nil},
		"the summary":    {map[string]any{"summary": "x"}, "", "2 layers of its own, 0 built again; 4 stay cached, and nodes pull nothing again", nil},
		"another base":   {map[string]any{"base.uri": "quay.io/acme/other:1"}, `, "quay.io/acme/other:1": {"linux/amd64": "sha256:o1"}`, "2 layers of its own, 0 built again; how many stay cached is not known, and what nodes pull is not known", []string{"DC727 environments.Spark"}},
		"the default":    {map[string]any{"base.default": true}, "", "2 layers of its own, 0 built again; how many stay cached is not known, and what nodes pull is not known", nil},
	} {
		b := layered(t, 2, c.more)
		p := b.plan(object("environments", "Spark", c.fields))
		codes := findings(p)
		if got := image(p); got != c.want || strings.Join(codes, "\n") != strings.Join(c.codes, "\n") {
			t.Errorf("%s: %s, %v\nwant %s", name, got, p.Findings, c.want)
		}
		var text strings.Builder
		if err := p.Text(&text, planner.Style{}); err != nil || !strings.Contains(text.String(), "image: "+c.want) || !strings.Contains(p.Comment(1<<20, ""), c.want) {
			t.Errorf("%s: %v\n%s", name, err, text.String())
		}
	}
}

// TestTooManyLayers: those of the base count, as its registry tells them. A read that
// fails, or is told late, counts as nothing known.
func TestTooManyLayers(t *testing.T) {
	two := map[string]any{"base.uri": "quay.io/acme/base:1", "dockerfile": "RUN a\nRUN b\nRUN c"}
	for base, refused := range map[int]bool{124: false, 125: true} {
		p := layered(t, base, "").plan(object("environments", "Spark", two))
		if p.Refused() != refused || refused && !strings.Contains(p.Findings[0].Message, "the image would have 128 layers, 125 of them of its base: there may be 127") {
			t.Errorf("%d: %v", base, p.Findings)
		}
	}
	for _, fault := range []string{"denied", "throttled", "down"} {
		b := layered(t, 125, "")
		b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "Layers", Fault: fault}}})
		p := b.plan(object("environments", "Spark", two))
		if got := findings(p); len(got) != 1 || got[0] != "DC727 environments.Spark" || p.Refused() || len(p.Steps) != 2 {
			t.Errorf("%s: %v", fault, p.Findings)
		}
	}
	b := layered(t, 125, "")
	b.deployment.Findings = map[string]string{"DC704": "warning"}
	if p := b.plan(object("environments", "Spark", two)); p.Refused() || len(p.Findings) != 1 || p.Findings[0].Severity != schema.Warning {
		t.Errorf("%v", p.Findings)
	}
}

// TestTheFirstBuild: an environment that is made has its layers counted too.
func TestTheFirstBuild(t *testing.T) {
	for base, refused := range map[int]bool{126: false, 127: true} {
		b := layered(t, base, "")
		p := b.plan(object("environments", "New", map[string]any{"base.uri": "quay.io/acme/base:1", "dockerfile": "RUN a"}))
		if p.Refused() != refused || image(p) != fmt.Sprintf("1 layer of its own, on %d of its base", base) {
			t.Errorf("%d: %s, %v", base, image(p), p.Findings)
		}
	}
}

// TestAChainOfBuilds: what is built on a base that is built before is reckoned on that.
func TestAChainOfBuilds(t *testing.T) {
	b := layered(t, 124, "")
	objects := object("environments", "Spark", map[string]any{"base.uri": "quay.io/acme/base:1", "dockerfile": "RUN a\nRUN b"})
	child := object("environments", "Child", map[string]any{"dockerfile": "RUN c\nRUN d"})
	for a, o := range child {
		o.Fields["base.environment"] = schema.RefTo(schema.Address{Kind: "environments", Name: "Spark"}, "id")
		objects[a] = o
	}
	b.insertEnvironment("0123456789abcdef0000001e", "Child")
	p := b.plan(objects)
	if !p.Refused() || !strings.Contains(p.Findings[0].Message, "128 layers, 126 of them of its base") || p.Findings[0].Address.Name != "Child" {
		t.Errorf("%v\n%s", p.Findings, steps(p))
	}
}

func (b *bench) insertEnvironment(id, name string) {
	b.t.Helper()
	err := b.world.InsertOne(context.Background(), "environments_v2", map[string]string{"_id": `{"$oid":"` + id + `"}`, "name": `"` + name + `"`, "isArchived": "false"})
	if err != nil {
		b.t.Fatalf("%v", err)
	}
}
