package world_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/schema"
)

// imported writes what lives into a folder and compiles it.
func (b *bench) imported(dir string, o engine.ImportOptions) (engine.Imported, compiler.Result) {
	b.t.Helper()
	found, err := b.engine(nil).Import(context.Background(), o)
	if err != nil {
		b.t.Fatalf("import: %v", err)
	}
	executors := b.deployment.Executors
	files := map[string]string{
		"cue.mod/module.cue": "module: \"acme.example\"\nlanguage: version: \"v0.17.0\"\n",
		"deployment.cue":     "package domino\n\ndeployment: {name: \"prod\", world: \"sandbox\", executors: \"" + executors + "\"}\n" + b.policy,
		"imported.cue":       string(found.Text),
	}
	for name, text := range found.Files {
		files[name] = string(text)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.t.Fatalf("%v", err)
		}
		if text == "" && name == "imported.cue" {
			text = "package domino\n"
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.t.Fatalf("%v", err)
		}
	}
	src, err := compiler.Find(dir)
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	res, err := compiler.Compile(context.Background(), src)
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	if schema.Failed(res.Findings) {
		b.t.Fatalf("check finds errors: %+v\n%s", res.Findings, found.Text)
	}
	return found, res
}

// adopted holds that a plan of what was imported does nothing but adopt.
func (b *bench) adopted(found engine.Imported, res compiler.Result) {
	b.t.Helper()
	p := b.plan(res.Desired.Objects)
	if p.Changed() || len(p.Steps) > 0 || schema.Failed(p.Findings) || p.Summary.Adopt != len(found.Objects) {
		b.t.Errorf("the plan does more than adopt: %+v %v\n%s\n%s", p.Changes, p.Findings, steps(p), found.Text)
	}
	b.carryOut(res.Desired.Objects, p)
	if again := b.plan(res.Desired.Objects); !again.Empty() {
		b.t.Errorf("the second plan is not empty: %+v", again.Changes)
	}
}

func TestImport(t *testing.T) {
	b := newBench(t, classic+", "+spark+`, "config": [
		{"_id": 1, "namespace": "common", "key": "com.cerebro.domino.computegrid.userExecutionsQuota.maximumExecutionsPerUser", "value": "30"},
		{"_id": 2, "namespace": "common", "key": "com.x.token", "value": "canary"}]`, classicImages+`, "autoScalingGroups": {
		"a": {"min": 0, "max": 4, "desired": 1, "launchConfiguration": "lc", "tags": {"k8s.io/cluster-autoscaler/node-template/label/dominodatalab.com/node-pool": "default-gpu", "k8s.io/cluster-autoscaler/node-template/label/team": "ml", "k8s.io/cluster-autoscaler/node-template/label/zone": "a", "k8s.io/cluster-autoscaler/node-template/taint/nvidia.com/gpu": "true:NoSchedule", "k8s.io/cluster-autoscaler/node-template/autoscaling-options/scaledownunneededtime": "15m"}},
		"b": {"min": 0, "max": 5, "desired": 1, "launchConfiguration": "lc", "tags": {"k8s.io/cluster-autoscaler/node-template/label/dominodatalab.com/node-pool": "default-gpu", "k8s.io/cluster-autoscaler/node-template/label/team": "ml", "k8s.io/cluster-autoscaler/node-template/taint/nvidia.com/gpu": "true:NoSchedule", "k8s.io/cluster-autoscaler/node-template/autoscaling-options/scaledownunneededtime": "15m0s"}},
		"of-m": {"min": 0, "max": 5, "desired": 1, "launchConfiguration": "lc", "tags": {"k8s.io/cluster-autoscaler/node-template/label/dominodatalab.com/node-pool": "Default"}}},
		"launchConfigurations": {"lc": {"image": "ami-11111111", "instanceType": "g5.2xlarge"}},
		"nodeGroups": {"acme": {"m": {"min": 1, "max": 2, "desired": 1, "labels": {"dominodatalab.com/node-pool": "Default", "example.com/team": "a"}, "taints": [{"key": "spot", "effect": "NoSchedule"}, {"key": "two", "effect": "NoSchedule"}, {"key": "two", "effect": "NoExecute"}], "groups": ["of-m"]}}}`)
	b.deployment.Executors = "classic"
	found, res := b.imported(t.TempDir(), engine.ImportOptions{})
	const want = `package domino

amis: a: pin: {
	id:     "ami-11111111"
	reason: "found on hardwareTiers.small"
}

amis: c: pin: {
	id:     "ami-99999999"
	reason: "found on hardwareTiers.gpu"
}

environments: spark: {
	id:          "0123456789abcdef0000000e"
	name:        "Spark"
	owner:       "data-org"
	description: "old"
	visibility:  "private"
}

hardwareTiers: gpu: {
	id:  "gpu"
	ami: "c"
}

hardwareTiers: small: {
	id:  "small"
	ami: "a"
}

nodePools: default: {
	label: "Default"
	groups: [{"nodegroup": "m"}]
	size: {
		min: 1
		max: 2
	}
	labels: "example.com/team": "a"
	taints: spot:               ":NoSchedule"
}

nodePools: "default-gpu": {
	groups: [{"asg": "a"}, {"asg": "b"}]
	ami: "a"
	size: min:                0
	labels: team:             "ml"
	taints: "nvidia.com/gpu": "true:NoSchedule"
	scaleDownDelay: "15m0s"
}

settings: maximumExecutionsPerUser: 30

// Settings that domctl does not document, each of which may be a secret, are left
// out. To manage one, state it, and set the variable where domctl runs:
//	settings: raw: "com.x.token": secret: env: "DOMCTL_SETTING_COM_X_TOKEN"
`
	if string(found.Text) != want {
		t.Errorf("got\n%s", found.Text)
	}
	b.adopted(found, res)
	if again, err := b.engine(res.Desired.Objects).Import(context.Background(), engine.ImportOptions{}); err != nil || len(again.Objects) > 0 {
		t.Errorf("what is declared is imported again: %v %v", again.Objects, err)
	}
	if strings.Contains(fmt.Sprint(found), "canary") {
		t.Error("the import shows a secret")
	}
}

func TestImportOfLess(t *testing.T) {
	mongo := spark + `, "hardware_tier": [{"_id": "x", "nodePool": "none"}, {"_id": "old", "flags": {"isArchived": true}}], "config": [{"_id": 2, "namespace": "common", "key": "com.x.token", "value": "canary"}]`
	for name, c := range map[string]struct {
		o    engine.ImportOptions
		want []string
	}{
		"kind":             {engine.ImportOptions{Kinds: []string{"environments"}}, []string{"environments.spark"}},
		"owner":            {engine.ImportOptions{Owner: "data-org", Kinds: []string{"environments"}}, []string{"environments.spark"}},
		"another owner":    {engine.ImportOptions{Owner: "else", Kinds: []string{"environments"}}, nil},
		"visibility":       {engine.ImportOptions{Visibility: "global", Kinds: []string{"environments"}}, nil},
		"a label, no pool": {engine.ImportOptions{Kinds: []string{"hardwareTiers"}}, []string{"hardwareTiers.x", "nodePools.none"}},
		"reference":        {engine.ImportOptions{Kinds: []string{"settings"}, Raw: "reference"}, []string{"settings.com.x.token"}},
		"value":            {engine.ImportOptions{Kinds: []string{"settings"}, Raw: "value"}, []string{"settings.com.x.token"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, mongo, "")
			b.env["env:DOMCTL_SETTING_COM_X_TOKEN"] = "canary"
			found, res := b.imported(t.TempDir(), c.o)
			var got []string
			for _, a := range found.Objects {
				got = append(got, a.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if name != "value" && strings.Contains(string(found.Text), "canary") {
				t.Errorf("a secret in the clear:\n%s", found.Text)
			}
			b.adopted(found, res)
		})
	}
}

// TestWhatIsImportedIsAdopted holds for any world: the import is valid, and the
// plan after it does nothing but adopt.
func TestWhatIsImportedIsAdopted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(t, randomMongo(t)+", "+randomGroups(t), randomPools(t))
		b.deployment.Executors = rapid.SampledFrom([]string{"kubernetes", "classic"}).Draw(t, "executors")
		b.env["env:DOMCTL_SETTING_K0"], b.env["env:DOMCTL_SETTING_K1"], b.env["env:DOMCTL_SETTING_K2"] = "a", "b", "c"
		dir, err := os.MkdirTemp("", "import")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		found, res := b.imported(dir, engine.ImportOptions{Raw: rapid.SampledFrom([]string{"", "value"}).Draw(t, "raw")})
		b.adopted(found, res)
	})
}

func randomGroups(t *rapid.T) string {
	var docs []string
	for i := range rapid.IntRange(0, 3).Draw(t, "executor groups") {
		docs = append(docs, fmt.Sprintf(`{"_id": %d, "hardwareTierId": "t%d", "executorImage": %q}`, i, rapid.IntRange(0, 3).Draw(t, "of tier"),
			rapid.SampledFrom([]string{"ami-11111111", "ami-22222222", "ami-33333333", "ami-44444444", ""}).Draw(t, "executor image")))
	}
	return `"executor_group_configuration": [` + strings.Join(docs, ", ") + `]`
}

func randomPools(t *rapid.T) string {
	var groups, managed []string
	labels := rapid.SampledFrom([]string{"default", "Default", "gpu pool", "", "é"})
	starts := rapid.SampledFrom([]string{`"launchConfiguration": "lc-1"`, `"template": "lt-1"`, `"template": "lt-1", "version": "2"`, `"template": "lt-1", "version": "$Latest"`, `"template": "gone"`})
	for i := range rapid.IntRange(0, 4).Draw(t, "groups") {
		groups = append(groups, fmt.Sprintf(`"g%d": {"min": %d, "max": 3, "desired": 2, %s, "tags": {"k8s.io/cluster-autoscaler/node-template/label/dominodatalab.com/node-pool": %q}}`,
			i, rapid.IntRange(0, 1).Draw(t, "min"), starts.Draw(t, "start"), labels.Draw(t, "label")))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "managed") {
		managed = append(managed, fmt.Sprintf(`"m%d": {"min": 0, "max": 3, "desired": 2, "template": "lt-1", "version": 1, "labels": {"dominodatalab.com/node-pool": %q}}`, i, labels.Draw(t, "label")))
	}
	return `"images": {"ami-11111111": {"name": "a b", "architecture": "x86_64"}, "ami-22222222": {"name": "b", "architecture": "x86_64"},
		"ami-33333333": {"name": "b", "architecture": "x86_64", "state": "pending"}},
		"autoScalingGroups": {` + strings.Join(groups, ", ") + `}, "nodeGroups": {"acme": {` + strings.Join(managed, ", ") + `}},
		"launchConfigurations": {"lc-1": {"image": "ami-11111111", "instanceType": "m5.large"}},
		"launchTemplates": {"lt-1": {"name": "one", "default": 1, "versions": [{"number": 1, "image": "ami-11111111"}, {"number": 2, "image": "ami-44444444"}, {"number": 3, "image": "ami-22222222"}]}}`
}

// TestImportOfOddNames: what lives under a name that no file can state is
// imported under another, by its id.
func TestImportOfOddNames(t *testing.T) {
	b := newBench(t, `"hardware_tier": [{"_id": " gpu\n", "name": "GPU"}, {"_id": "\u0007", "name": "bell"},
		{"_id": "ok", "podCustomization": {"additionalLabels": {"": "x", "a": "y"}}}],
		"config": [{"_id": 1, "namespace": "common", "key": " k", "value": "v"}]`, "")
	found, res := b.imported(t.TempDir(), engine.ImportOptions{})
	b.adopted(found, res)
	for _, name := range []string{"gpu", "tier", "ok"} {
		if _, ok := res.Desired.Objects[schema.Address{Kind: "hardwareTiers", Name: name}]; !ok {
			t.Errorf("no tier %s in\n%s", name, found.Text)
		}
	}
	for _, want := range []string{"a key below podCustomization is empty", "a setting's key begins or ends with a blank"} {
		if notes := strings.Join(found.Notes, "\n"); !strings.Contains(notes, want) {
			t.Errorf("nothing says %q:\n%s", want, notes)
		}
	}
}
