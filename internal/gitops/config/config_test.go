package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/compiler"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/schema"
)

const whole = `work: /var/lib/domctl
poll: 30s
listen: {webhooks: "127.0.0.1:8080", health: "127.0.0.1:8081"}
forges:
  acme: {kind: gitea, url: "https://git.acme.example", token: "env:GITEA_TOKEN"}
repositories:
  domino:
    forge: acme
    name: acme/domino
    url: https://git.acme.example/acme/domino.git
    password: file:/run/secrets/token
    webhook: env:HOOK_SECRET
deployments:
  prod:
    repository: domino
    branch: main
    dir: prod
    world: live
    aws: {account: "123456789012", region: eu-west-1, role: "arn:aws:iam::123456789012:role/domctl"}
    mongo: {database: domino, uri: env:DOMCTL_MONGO_URI}
    state: {s3: {bucket: acme-domctl, prefix: prod, kmsKey: alias/domctl}}
    secrets: [ "ssm:/domino/*", "env:TIER_*" ]
    registries: [quay.io]
  try:
    repository: domino
    branch: main
    dir: try
    world: sandbox
    sandbox: /srv/try/sandbox.json
    state: {file: /srv/try/state}
`

// parse checks a file on a machine that has all that it names.
func parse(file string, text []byte) (config.Config, []schema.Finding) {
	return config.Check(file, text, config.Here{Env: func(string) bool { return true }, File: func(string) error { return nil }})
}

func TestCheck(t *testing.T) {
	c, found := parse("serve.yaml", []byte(whole))
	if len(found) > 0 {
		t.Fatal(said(found))
	}
	if c.Poll != 30*time.Second || c.Workers != 4 || c.Deployments["prod"].State.S3.Bucket != "acme-domctl" || len(c.Deployments["prod"].Secrets) != 2 {
		t.Errorf("%+v", c)
	}
}

// TestMistakes: each is told with its place, and all of them at once.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"branch: main\n    dir: prod", "branhc: main\n    dir: prod", `DC520 s.yaml:16:5: deployments.prod.branhc is not known (did you mean "branch"?)
DC520 s.yaml:14:3: deployments.prod.branch is not stated ()`},
		{"127.0.0.1:8080", "127.0.0.1:99999", "DC520 s.yaml:3:10: listen.webhooks is no address to listen at; write it as 127.0.0.1:8080 or :8080 ()"},
		{"127.0.0.1:8081", "8081", "DC520 s.yaml:3:38: listen.health is no address to listen at; write it as 127.0.0.1:8080 or :8080 ()"},
		{`"env:TIER_*"`, `"ssm:/domino/**"`, `DC520 s.yaml:22:33: deployments.prod.secrets: "ssm:/domino/**" is no pattern of references; write it as ssm:/domino/*, of env, file, ssm, secretsManager or kubernetes ()`},
		{"poll: 30s", "poll: often", "DC520 s.yaml:2:7: poll is no duration; write it as 30s, 5m, 2h or 7d ()"},
		{"poll: 30s", "poll: 1s", "DC520 s.yaml:2:1: poll is not between 5s and 1d ()"},
		{"poll: 30s", "poll: 30s\npoll: 40s", "DC520 s.yaml:3:1: poll is stated twice (keep one of them)"},
		{"poll: 30s", "poll: &a 30s", "DC520 s.yaml:2:7: poll is an anchor or an alias, which are not read here (write it out)"},
		{"poll: 30s", "poll: [30s", "DC520 s.yaml:1:1: the file is no YAML: did not find expected ',' or ']' ()"},
		{"work: /var/lib/domctl", "work: var", `DC520 s.yaml:1:1: work: "var" is no absolute path ()`},
		{`account: "123456789012"`, "account: 123456789012", "DC520 s.yaml:19:20: deployments.prod.aws.account is int, not a text; write it in quotes ()"},
		{`token: "env:GITEA_TOKEN"`, "token: sesame", "DC520 s.yaml:5:56: forges.acme.token is no reference; write env:NAME or file:/path (put the secret there and state where it is, not the secret)"},
		{"kind: gitea", "kind: gitae", `DC520 s.yaml:5:10: forges.acme.kind: there is no "gitae" (did you mean "gitea"?)`},
		{"https://git.acme.example/acme", "https://me:pw@git.acme.example/acme", "DC520 s.yaml:10:5: repositories.domino.url holds a user or a password (state user, and password as a reference)"},
		{"https://git.acme.example/acme", "http://git.acme.example/acme", "DC520 s.yaml:10:5: repositories.domino.url is no address to clone from; write https://HOST/PATH, ssh://USER@HOST/PATH or file:///PATH ()\n"},
		{"dir: prod", "dir: ../prod", "DC520 s.yaml:17:5: deployments.prod.dir is no folder of the tree ()"},
		{`"env:TIER_*"`, `"*:x"`, `DC520 s.yaml:22:33: deployments.prod.secrets: "*:x" is no pattern of references; write it as ssm:/domino/*, of env, file, ssm, secretsManager or kubernetes ()`},
		{"state: {file: /srv/try/state}", "state: {file: /srv/try/sandbox.json}", "DC520 s.yaml:30:5: deployments.try.state is the one of deployments.try.sandbox (give each its own)"},
		{"registries: [quay.io]", `registries: [quay.io]
    domino: {url: "https://me:pw@domino.acme.example", apiKey: sesame}`, `DC520 s.yaml:24:14: deployments.prod.domino.url is no address; write it as https://domino.acme.com ()
DC520 s.yaml:24:56: deployments.prod.domino.apiKey is no reference; write env:NAME or file:/path (put the secret there and state where it is, not the secret)`},
		{"registries: [quay.io]", `registries: [quay.io]
    domino: {url: "https://domino.acme.example"}`, "DC520 s.yaml:24:5: deployments.prod.domino states neither apiKey nor token ()"},
		{"world: sandbox", "world: sandbox\n    domino: {url: \"https://domino.acme.example\"}", "DC520 s.yaml:29:5: deployments.try.domino is for the live world ()"},
		{"eu-west-1, role: \"arn:aws:iam::123456789012", "eu-west-1, role: \"arn:aws:iam::210987654321", "DC520 s.yaml:19:55: deployments.prod.aws.role is a role of account 210987654321, and the deployment is in 123456789012 ()"},
		{"eu-west-1, role: \"arn:aws:iam::123456789012:role/", "eu-west-1, role: \"", "DC520 s.yaml:19:55: deployments.prod.aws.role is no ARN of a role; write it as arn:aws:iam::ACCOUNT:role/NAME ()"},
		{"url: https://git.acme.example/acme/domino.git", "url: git@git.acme.example:acme/domino.git", "DC520 s.yaml:10:5: repositories.domino.url is no address to clone from; write https://HOST/PATH, ssh://USER@HOST/PATH or file:///PATH (write it as ssh://git@git.acme.example/acme/domino.git, and state key and knownHosts)"},
		{"  try:\n    repository: domino\n    branch: main", "  t.ry:\n    repository: domini\n    dirr: x", `DC520 s.yaml:25:5: deployments."t.ry".repository: there is no "domini" (did you mean "domino"?)
DC520 s.yaml:26:5: deployments."t.ry".dirr is not known (did you mean "dir"?)
DC520 s.yaml:24:3: deployments."t.ry".branch is not stated ()`},
		{`role: "arn`, `planRole: "arn`, "DC520 s.yaml:19:55: deployments.prod.aws has a role for plans and none for applies (state role, the one that applies)"},
		{"uri: env:DOMCTL_MONGO_URI", "uri: env:X, planURI: mongodb://h", "DC520 s.yaml:20:43: deployments.prod.mongo.planURI is no reference; write env:NAME or file:/path (put the secret there and state where it is, not the secret)"},
		{"world: sandbox", "world: live", `DC520 s.yaml:24:3: deployments.try.aws.account is not stated ()
DC520 s.yaml:24:3: deployments.try.aws.region is not stated ()
DC520 s.yaml:24:3: deployments.try.mongo.database is not stated ()
DC520 s.yaml:24:3: deployments.try.registries names no host (list the hosts that its images come from: registries: [quay.io])
DC520 s.yaml:24:3: deployments.try.mongo.uri is not stated ()
DC520 s.yaml:29:5: deployments.try.sandbox is for the sandbox ()`},
	} {
		text := strings.Replace(whole, c.old, c.new, 1)
		_, found := parse("s.yaml", []byte(text))
		if got := said(found); strings.TrimSpace(sortedLines(got)) != strings.TrimSpace(sortedLines(c.want)) {
			t.Errorf("%s\n got: %s\nwant: %s", c.new, got, c.want)
		}
	}
	for text, want := range map[string]string{
		"":                           "DC520 s.yaml:1:1: the file is empty",
		"[]":                         "DC520 s.yaml:1:1: the file is a list, not a mapping",
		"work: /x\n---\nwork: /y":    "the file holds a second document",
		"work: /x\ndeployments: {}":  "no deployment is stated",
		"deployments: {.a: {}}":      `".a" is no name`,
		"work: /x\ndeployments: [1]": "deployments is a list, not a mapping of names",
	} {
		if _, found := parse("s.yaml", []byte(text)); !strings.Contains(said(found), want) {
			t.Errorf("%q: %s", text, said(found))
		}
	}
}

func sortedLines(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func said(found []schema.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %s: %s (%s)\n", f.Code, f.Positions[0], f.Message, f.Hint)
	}
	return b.String()
}

// TestBind: what a tree states otherwise than it is bound to is refused, and what it
// leaves open is what the binding says.
func TestBind(t *testing.T) {
	c, _ := parse("serve.yaml", []byte(whole))
	prod := c.Deployments["prod"]
	at := []schema.Position{{File: "prod/deployment.cue", Line: 3, Col: 1}}
	tree := func(d schema.Deployment, secret string) compiler.Result {
		d.At = at
		a := schema.Address{Kind: "centralConfig", Name: "token"}
		o := schema.Object{Fields: map[string]schema.Value{"value": {Is: schema.Secret, Text: secret}}, At: map[string][]schema.Position{"": at}}
		return compiler.Result{Desired: schema.Desired{Deployment: d, Objects: map[schema.Address]schema.Object{a: o}}}
	}
	bound, found := prod.Bind("prod", config.ToApply, tree(schema.Deployment{Name: "prod", World: "live", AWS: schema.AWS{Profile: "mine"}, State: schema.State{File: "x"}}, "ssm:/domino/token"))
	if dep := bound.Desired.Deployment; len(found) > 0 || dep.AWS.Account != "123456789012" || dep.AWS.Profile != "" || dep.AWS.Role == "" || dep.Mongo.URI != "env:DOMCTL_MONGO_URI" || dep.State.File != "" || dep.State.S3.KMSKey != "alias/domctl" {
		t.Errorf("%+v %s", dep, said(found))
	}
	wrong := schema.Deployment{Name: "other", World: "sandbox", AWS: schema.AWS{Account: "210987654321", Region: "us-east-1", Role: "arn:x"}, Kubernetes: schema.Kubernetes{Context: "c"},
		Mongo: schema.Mongo{Database: "theirs", URI: "env:HOME"}, State: schema.State{S3: &schema.S3{Bucket: "b", Prefix: "p", KMSKey: "k", Region: "r"}}}
	_, found = prod.Bind("prod", config.ToApply, tree(wrong, "env:AWS_SECRET_ACCESS_KEY"))
	for _, want := range []string{"name", "world", "aws.account", "aws.region", "aws.role", "kubernetes.context", "mongo.database", "mongo.uri", "state.s3.bucket", "state.s3.prefix", "state.s3.kmsKey", "state.s3.region"} {
		if !strings.Contains(said(found), "DC521 prod/deployment.cue:3:1: deployment."+want+" is ") {
			t.Errorf("%s is not refused:\n%s", want, said(found))
		}
	}
	if !strings.Contains(said(found), "DC522 prod/deployment.cue:3:1: the controller's configuration does not let prod read secret env:AWS_SECRET_ACCESS_KEY") {
		t.Error(said(found))
	}
	for ref, ok := range map[string]bool{"ssm:/domino/a": true, "ssm:/domino/a/b": false, "ssm:/other/a": false, "env:TIER_A": true, "env:HOME": false, "file:/domino/a": false, "": false} {
		if got := prod.Allows(ref); got != ok || (prod.Secret(ref) == nil) != ok {
			t.Errorf("%s: %v", ref, got)
		}
	}
}

// FuzzParse: no text makes it fail otherwise than with findings that have a place.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("a: &a [*a]\n? {b: c}\n: d"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, found := parse("s.yaml", text)
		for _, one := range found {
			if len(one.Positions) != 1 || one.Positions[0].Line < 1 || one.Code != "DC520" {
				t.Errorf("%+v", one)
			}
		}
	})
}

// TestRules: what is wrong with rules is told with its place.
func TestRules(t *testing.T) {
	const good = `    registries: [quay.io]
    approvals: {last: 3d, onChange: ask}
    rules:
      - name: deletions
        approvals: 2
        from: [ann, bob]
        when: {actions: [delete], kinds: [hardwareTiers, environments]}
      - name: ours
        when: {findings: [DC230]}
      - {name: all, when: {any: true}}
`
	full := strings.Replace(whole, "    registries: [quay.io]\n", good, 1)
	c, found := parse("s.yaml", []byte(full))
	if d := c.Deployments["prod"]; len(found) > 0 || len(d.Rules) != 3 || d.Rules[0].Approvals != 2 || d.Approvals.Last != 72*time.Hour {
		t.Fatalf("%s: %+v", said(found), d.Rules)
	}
	for _, c := range []struct{ old, new, want string }{
		{"last: 3d", "last: 1s", "DC520 s.yaml:24:17: deployments.prod.approvals.last is not between 1m and 90d ()"},
		{"onChange: ask", "onChange: aks", `DC520 s.yaml:24:27: deployments.prod.approvals.onChange: there is no "aks" (did you mean "ask"?)`},
		{"name: deletions", "name: ours", `DC520 s.yaml:30:9: deployments.prod.rules: there are two rules "ours" (give each rule its own)`},
		{"- name: ours\n        when:", "- when:", `DC520 s.yaml:30:9: deployments.prod.rules.1.name is not stated ()`},
		{"approvals: 2", "approvals: 0", "DC520 s.yaml:27:9: deployments.prod.rules.0.approvals is not between 1 and 10 (a plan that needs no approval needs no rule)"},
		{"approvals: 2", "approvals: 3", "DC520 s.yaml:28:9: deployments.prod.rules.0 names 2 accounts and needs 3 approvals (name more people, or need fewer approvals)"},
		{"from: [ann, bob]", "from: []", "DC520 s.yaml:28:9: deployments.prod.rules.0 names 0 accounts and needs 2 approvals (name more people, or need fewer approvals)"},
		{"[ann, bob]", "[ann, Ann, bob]", `DC520 s.yaml:28:21: deployments.prod.rules.0.from.1: "Ann" stands there twice ()`},
		{"[ann, bob]", `["@ann", bob]`, `DC520 s.yaml:28:16: deployments.prod.rules.0.from.0: "@ann" is no account (write it as the forge does, without @)`},
		{"[delete]", "[deletes]", `DC520 s.yaml:29:26: deployments.prod.rules.0.when.actions.0: there is no "deletes" (did you mean "delete"?)`},
		{"[hardwareTiers, ", "[hardwareTier, ", `DC520 s.yaml:29:43: deployments.prod.rules.0.when.kinds.0: there is no "hardwareTier" (did you mean "hardwareTiers"?)`},
		{"[DC230]", "[DC999]", `DC520 s.yaml:31:27: deployments.prod.rules.1.when.findings.0: there is no finding "DC999" (domctl explain lists them)`},
		{"when: {any: true}", "when: {}", "DC520 s.yaml:32:21: deployments.prod.rules.2.when says of no plan that the rule is for it (write when: {any: true} for a rule for all plans)"},
		{", when: {any: true}", "", "DC520 s.yaml:32:9: deployments.prod.rules.2.when says of no plan that the rule is for it (write when: {any: true} for a rule for all plans)"},
		{"any: true", "any: true, kinds: [amis]", "DC520 s.yaml:32:28: deployments.prod.rules.2.when.any is for all plans, and the lists are for some (leave it out, or the lists)"},
		{"any: true", "ayn: true", `DC520 s.yaml:32:28: deployments.prod.rules.2.when.ayn is not known (did you mean "any"?)
DC520 s.yaml:32:21: deployments.prod.rules.2.when says of no plan that the rule is for it (write when: {any: true} for a rule for all plans)`},
		{"    forge: acme\n    name: acme/domino\n", "", `DC520 s.yaml:10:5: repositories.domino has a webhook and no forge (state forge, whose form deliveries have)
DC520 s.yaml:23:5: deployments.prod has rules, and its repository no forge on which anybody could approve (state repositories.domino.forge)`},
	} {
		_, found := parse("s.yaml", []byte(strings.Replace(full, c.old, c.new, 1)))
		if got := said(found); strings.TrimSpace(sortedLines(got)) != strings.TrimSpace(sortedLines(c.want)) {
			t.Errorf("%s\n got: %s\nwant: %s", c.new, got, c.want)
		}
	}
}
