package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"domctl.dev/applier"
)

// shapeSchemas compiles the definitions of docs/json.schema.json.
func shapeSchemas(t *testing.T) func(verb string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	for _, name := range []string{"plan.schema.json", "json.schema.json"} {
		text, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("https://domctl.dev/"+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	return func(verb string) *jsonschema.Schema {
		s, err := c.Compile("https://domctl.dev/json.schema.json#/$defs/" + strings.ReplaceAll(verb, " ", "%20"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func holds(t *testing.T, s *jsonschema.Schema, text []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	loose, ok := doc.(map[string]any)
	if !ok {
		return
	}
	loose["surprise"] = true
	if s.Validate(loose) == nil {
		t.Error("the schema takes what is not described")
	}
}

// TestShapes: what verbs print as JSON is as docs/json.schema.json says, with and
// without anything to tell.
func TestShapes(t *testing.T) {
	schemas, dir := shapeSchemas(t), t.TempDir()
	prod, bare, broken, slow := filepath.Join(dir, "prod"), filepath.Join(dir, "bare"), filepath.Join(dir, "broken"), filepath.Join(dir, "slow")
	do := func(code int, args ...string) []byte {
		t.Helper()
		var out, errs bytes.Buffer
		if got := run(args, strings.NewReader(""), &out, &errs); got != code {
			t.Fatalf("%v: exit code %d, want %d\n%s", args, got, code, errs.String())
		}
		return out.Bytes()
	}
	do(0, "init", prod)
	do(0, "init", bare, "--example", "empty")
	do(0, "init", broken)
	do(0, "init", slow)
	grid := peopled(t, dir)
	if err := os.WriteFile(filepath.Join(broken, "wrong.cue"), []byte("package domino\n\nhardwareTiers: small: nodePol: \"x\"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	holds(t, schemas("plan notice"), do(0, "plan", prod, "--notice", "--format", "json"))
	holds(t, schemas("plan notice"), do(0, "plan", bare, "--notice", "--format", "json"))
	do(0, "apply", prod, "--auto-approve")
	if err := os.WriteFile(filepath.Join(slow, "domino.cue"), []byte("package domino\n\ndeployment: domino: {url: \"https://domino.acme.example\", token: secret: env: \"X\"}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	do(0, "rollback", prod, "--target", "hardwareTiers.large", "--auto-approve")
	var points pointsShape
	if err := json.Unmarshal(do(0, "snapshots", "list", prod, "--format", "json"), &points); err != nil || len(points.RestorePoints) < 2 {
		t.Fatalf("%v: %+v", err, points)
	}
	do(0, "freeze", prod, "--until", "1h", "--why", "x")
	for line := range bytes.Lines(do(0, "history", prod, "--audit", "--format", "json")) {
		holds(t, schemas("history audit"), line)
	}
	do(0, "freeze", prod, "--lift")
	for _, c := range []struct {
		code int
		verb string
		args []string
	}{
		{0, "check", []string{prod, bare}},
		{1, "check", []string{prod, broken}},
		{0, "history", []string{prod}},
		{0, "history", []string{bare}},
		{0, "history show", []string{"last", prod}},
		{0, "history show", []string{points.RestorePoints[0].ID, prod}},
		{0, "snapshots list", []string{prod}},
		{0, "snapshots list", []string{bare}},
		{0, "snapshots show", []string{points.RestorePoints[0].ID, prod}},
		{0, "snapshots show", []string{points.RestorePoints[1].ID, prod}},
		{0, "lock show", []string{prod}},
		{0, "doctor", []string{prod}},
		{0, "amis list", []string{prod}},
		{0, "amis list", []string{bare}},
		{0, "environments list", []string{prod, "--bytes"}},
		{0, "environments list", []string{bare, "--all"}},
		{0, "environments show", []string{"65e000000000000000000002", prod}},
		{0, "capacity", []string{prod}},
		{0, "capacity", []string{bare}},
		{0, "queue", []string{prod}},
		{0, "queue", []string{bare}},
		{0, "nodes", []string{prod}},
		{0, "nodes", []string{bare}},
		{0, "nodes", []string{grid}},
		{0, "nodes show", []string{"a", grid}},
		{0, "nodes show", []string{"i-0000000000000000d", grid}},
		{0, "runs", []string{grid}},
		{0, "runs show", []string{"65f0000000000000000000e1", grid}},
		{0, "runs", []string{prod}},
		{0, "runs", []string{bare}},
		{0, "gc", []string{prod}},
		{0, "gc", []string{bare}},
		{0, "amis inspect", []string{"domino-acme-gpu-cuda11", prod}},
		{0, "review", []string{prod}},
		{0, "review", []string{bare}},
		{0, "review", []string{slow, "--window", "3650d"}},
	} {
		holds(t, schemas(c.verb), do(c.code, append(append(strings.Fields(c.verb), c.args...), "--format", "json")...))
	}
}

func TestShapeOfALock(t *testing.T) {
	held, err := json.Marshal(shapeOfLock(applier.Lock{Holder: "ada@laptop pid 4711", Apply: "20260301-101500-k3v7w2m4q7x2", Nonce: "n"}))
	if err != nil || strings.Contains(string(held), "nonce") {
		t.Fatal(err, string(held))
	}
	s := shapeSchemas(t)("lock show")
	holds(t, s, held)
	holds(t, s, []byte(`{"format":1,"free":true}`))
	half, _ := jsonschema.UnmarshalJSON(strings.NewReader(`{"format":1,"free":false,"holder":"x"}`))
	if s.Validate(half) == nil {
		t.Error("a held lock without its apply is taken")
	}
}

func TestShapeOfChanged(t *testing.T) {
	commit := strings.Repeat("a", 40)
	some, err := json.Marshal(changedShape{shapes, commitShape{"main", commit}, commitShape{"", commit}, []changedDeployment{
		{Dir: "west", Deployment: "acme", Status: statusMoved, From: "prod", Valid: true, Files: []string{"west/a.cue"}}, {Dir: "x", Status: statusDeleted, Files: []string{}}}})
	if err != nil {
		t.Fatal(err)
	}
	none, err := json.Marshal(changedShape{shapes, commitShape{"main", commit}, commitShape{"topic", commit}, []changedDeployment{}})
	if err != nil {
		t.Fatal(err)
	}
	s := shapeSchemas(t)("changed")
	holds(t, s, some)
	holds(t, s, none)
}

// peopled is a deployment with nodes, instances, runs and pods, below a folder.
func peopled(t *testing.T, dir string) string {
	t.Helper()
	dir = filepath.Join(dir, "grid")
	if code := run([]string{"init", dir}, strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer)); code != 0 {
		t.Fatal(code)
	}
	const more = "package domino\n\ndeployment: {kubernetes: nodes: true, domino: {url: \"https://domino.acme.example\", apiKey: secret: env: \"X\"}}\n"
	if err := os.WriteFile(filepath.Join(dir, "more.cue"), []byte(more), 0o666); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, sandboxFile)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	seeded := strings.NewReplacer(
		`"domino": {`, `"domino": {"executions": {"65f0000000000000000000e1": {"owner": "ada", "project": "ada/churn", "queued": "2026-01-01T00:00:00Z", "tier": "medium", "units": [{"id": "run-e1", "node": "a"}]}},`,
		`"mongo": {`, `"kubernetes": {"nodes": {"a": {"cordoned": true, "cordonedBy": "domctl x", "instance": "i-0000000000000000a", "labels": {"dominodatalab.com/node-pool": "default-gpu"}, "taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}], "allocatable": {"milliCPU": 7910, "memory": 33000000000, "pods": 58, "other": {"nvidia.com/gpu": 1}}}}, "pods": {"domino-compute/run-e1": {"node": "a", "labels": {"dominodatalab.com/execution-id": "65f0000000000000000000e1"}}, "kube-system/proxy": {"node": "a", "ending": true, "ownerKind": "DaemonSet", "owner": "proxy"}}}, "mongo": {`,
		`"autoScalingGroups": {`, `"instances": {"i-0000000000000000a": {"image": "ami-0c0ffee0c0ffee001", "launched": "2026-01-01T00:00:00Z", "state": "running", "type": "g5.2xlarge"}, "i-0000000000000000d": {"image": "ami-0aaaabbbbcccc2401", "launched": "2026-01-01T00:00:00Z", "state": "pending", "tags": {"aws:autoscaling:groupName": "acme-gpu-a"}, "type": "g5.2xlarge"}}, "autoScalingGroups": {`,
	).Replace(string(text))
	if err := os.WriteFile(file, []byte(seeded), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}
