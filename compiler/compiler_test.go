package compiler

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"domctl.dev/internal/gen"
	"domctl.dev/schema"
)

// memory is a tree that lies on no disk.
func memory(files map[string]string) fstest.MapFS {
	tree := fstest.MapFS{"cue.mod/module.cue": {Data: []byte(gen.Module)}}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return tree
}

// compileFiles compiles the deployment in folder prod of a tree.
func compileFiles(t *testing.T, files map[string]string) Result {
	t.Helper()
	en, err := compile(context.Background(), memory(files), Source{Root: "/", Dir: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	return en.result
}

const example = `package domino

deployment: {name: "acme-prod", executors: "kubernetes", aws: {account: "111122223333", region: "us-west-2"}
	mongo: {database: "domino", uri: secret: env: "DOMCTL_MONGO_URI"}
	state: s3: {bucket: "acme-domctl", prefix: "prod", kmsKey: "alias/domctl"}
	windows: saturday: {days: ["sat"], from: "22:00", to: "04:00", timezone: "America/New_York"}}
baseImages: ded: image: "quay.io/domino/base:DED_py3.9_R4.2"
environments: spark: {name: "Spark 3.5", owner: "data-org", visibility: "organization", base: image: "ded"
	variables: SPARK_HOME: "/opt/spark"
	variables: TOKEN: secret: env: "SPARK_TOKEN"
	dockerfile: #"""
		RUN wget -q "$URL" && \
		    tar xzf spark.tgz -C /opt
		"""#}
amis: gpu: {
	bake: {from: pool: "gpu", runtime: "containerd", connect: ssm: true
		instance: type: "g5.xlarge", gpu: minDriver: "410", cache: {baseImages: ["ded"], environments: spark: ["active"]}}
	reviewAfter: "90d", retain: {count: 3, age: "180d"}
	rollout: [{pools: ["gpu"], window: "saturday", approvals: 1}]}
amis: "gpu-1604": pin: {id: "ami-0123456789abcdef0", reason: "CUDA 9 on Ubuntu 16.04", reviewBy: "2027-03-31"}
nodePools: gpu: {groups: [{asg: "acme-gpu-a"}, {nodegroup: "acme-gpu-b"}], ami: "gpu", size: {min: 0, max: 4}
	owner: {ami: "domctl", size: "terraform"}, expect: instanceTypes: ["g5.2xlarge"]}
hardwareTiers: "gpu-small": {nodePool: "gpu", cores: 3, memory: "12GiB", gpu: count: 1, centsPerMinute: 2.5, isDefault: true}
hardwareTiers: canary: {nodePool: "gpu", tags: ["b", "a", "b"], coresLimit: null, ami: "ami-0123456789abcdef0"}
settings: {maximumExecutionsPerUser: 25, deployingStateTimeout: "1h", raw: "com.cerebro.domino.x": "y"}
`

const inherited = `package domino

hardwareTiers: [!="canary"]: ami: "gpu-1604"
`

func TestCompile(t *testing.T) {
	r := compileFiles(t, map[string]string{"prod/all.cue": example, "shared.cue": inherited})
	for _, f := range r.Findings {
		if f.Code != "DC110" {
			t.Errorf("finding: %+v", f)
		}
	}
	for at, want := range map[string]schema.Value{
		"hardwareTiers.gpu-small/nodePool":         schema.RefTo(schema.Address{Kind: "nodePools", Name: "gpu"}, "label"),
		"hardwareTiers.gpu-small/cores":            schema.JSON(3),
		"hardwareTiers.gpu-small/memory":           schema.JSON("12GiB"),
		"hardwareTiers.gpu-small/centsPerMinute":   schema.JSON(2.5),
		"hardwareTiers.gpu-small/ami":              schema.RefTo(schema.Address{Kind: "amis", Name: "gpu-1604"}, "image"),
		"hardwareTiers.canary/ami":                 schema.JSON("ami-0123456789abcdef0"),
		"hardwareTiers.canary/tags":                schema.JSON([]string{"a", "b"}),
		"hardwareTiers.canary/coresLimit":          {Is: schema.Unset},
		"environments.spark/variables.TOKEN":       {Is: schema.Secret, Text: "env:SPARK_TOKEN"},
		"environments.spark/dockerfile":            schema.JSON("RUN wget -q \"$URL\" && \\\n    tar xzf spark.tgz -C /opt"),
		"environments.spark/base.image":            schema.RefTo(schema.Address{Kind: "baseImages", Name: "ded"}, "image"),
		"nodePools.gpu/groups.acme-gpu-a.size.max": schema.JSON(4),
		"nodePools.gpu/label":                      schema.JSON("gpu"),
		"amis.gpu-1604/image":                      schema.JSON("ami-0123456789abcdef0"),
		"amis.gpu/reviewAfter":                     schema.JSON("90d"),
		"settings.maximumExecutionsPerUser/value":  schema.JSON("25"),
		"settings.deployingStateTimeout/value":     schema.JSON("3600"),
		"settings.com.cerebro.domino.x/value":      schema.JSON("y"),
	} {
		address, path, _ := strings.Cut(at, "/")
		a, err := schema.ParseAddress(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Desired.Objects[a].Fields[path]; got != want {
			t.Errorf("%s: got %+v, want %+v", at, got, want)
		}
	}
	if d := r.Desired.Deployment; d.Mongo.URI != "env:DOMCTL_MONGO_URI" || d.World != "live" || d.Windows["saturday"].From != "22:00" || d.State.S3.Bucket != "acme-domctl" {
		t.Errorf("deployment: %+v", d)
	}
	at := r.Desired.Objects[schema.Address{Kind: "hardwareTiers", Name: "gpu-small"}].At
	for path, want := range map[string]string{"ami": "../shared.cue:3:30", "cores": "all.cue:23:47"} {
		if len(at[path]) != 1 || at[path][0].String() != want {
			t.Errorf("%s stands at %v, want %s", path, at[path], want)
		}
	}
}
