package world_test

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// inDomino is a world of environments that Domino's API knows definitions of: each has
// one revision, which is active.
func inDomino(t tester, definitions ...port.Definition) *bench {
	t.Helper()
	var environments, revisions []string
	made := map[string]any{}
	for n, d := range definitions {
		environments = append(environments, fmt.Sprintf(`{"_id": {"$oid": "66%022x"}, "name": "e%d", "visibility": "Global", "isArchived": false, "activeRevisionId": {"$oid": "67%022x"}}`, n, n, n))
		revisions = append(revisions, fmt.Sprintf(`{"_id": {"$oid": "67%022x"}, "environmentId": {"$oid": "66%022x"}, "metadata": {"number": 1, "isBuilt": true}}`, n, n))
		r := map[string]any{"image": d.Image, "base": d.Base, "follow": d.Follow, "dockerfile": d.Dockerfile, "preSetup": d.PreSetup, "postSetup": d.PostSetup, "preRun": d.PreRun, "postRun": d.PostRun,
			"tools": d.Tools, "summary": d.Summary, "variables": d.Variables, "dockerArguments": d.DockerArguments, "clusters": d.Clusters, "tags": d.Tags, "vpn": d.VPN, "restricted": d.Restricted}
		made[fmt.Sprintf("67%022x", n)] = r
	}
	b := newBench(t, `"environments_v2": [`+strings.Join(environments, ",")+`], "environment_revisions": [`+strings.Join(revisions, ",")+`]}, "domino": {"revisions": `+schema.JSON(made).Text+`}, "beside": {"x": 1`, "")
	b.deployment.Domino.URL = "https://domino.acme.example"
	return b
}

func TestImportOfDefinitions(t *testing.T) {
	b := inDomino(t, port.Definition{Image: "quay.io/x:1", Dockerfile: "RUN one\nRUN two\nRUN three\nRUN four\nRUN five\n", PreRun: "echo hi", VPN: true, Clusters: []string{"spark"}, Tags: []string{"nightly", schema.TagStep + "x"},
		Variables: map[string]string{"HOME2": "/x", "TOKEN": "******", "API_KEY": "canary", "1bad": "x"}, DockerArguments: []string{"--shm-size=2g"},
		Tools: `{"jupyter":{"title":"Jupyter","start":["/start"],"httpProxy":{"port":8888}}}`},
		port.Definition{Base: "670000000000000000000000", Dockerfile: "RUN child"},
		port.Definition{Base: "670000000000000000000000", Follow: "660000000000000000000000"},
		port.Definition{})
	found, res := b.imported(t.TempDir(), engine.ImportOptions{Beside: "imported"})
	b.env["env:DOMCTL_E0_API_KEY"] = "canary"
	if strings.Contains(fmt.Sprint(found), "canary") || !strings.Contains(string(found.Text), `TOKEN: secret: env: "DOMCTL_E0_TOKEN"`) {
		t.Errorf("%s", found.Text)
	}
	var codes []string
	for _, f := range found.Findings {
		codes = append(codes, f.Code+" "+f.Message)
	}
	if got := strings.Join(codes, "\n"); got != "DC375 variables.API_KEY is a secret by its name: stated as a reference, whose value a plan compares with Domino's\nDC375 variables.TOKEN is masked by Domino: stated as a reference, and taken for what stands there" {
		t.Errorf("%s", got)
	}
	if notes := strings.Join(found.Notes, "\n"); notes != `environments.e0: variable "1bad" has a name that Domino's form does not take: left out` && notes != `environments.e0: variable 1bad has a name that Domino's form does not take: left out` {
		t.Errorf("%s", notes)
	}
	b.adopted(found, res)
	// The mask is taken on trust once; another reference is a change.
	e0 := schema.Address{Kind: "environments", Name: "e0"}
	res.Desired.Objects[e0].Fields["variables.TOKEN"] = schema.Value{Is: schema.Secret, Text: "env:ELSE"}
	if p := b.plan(res.Desired.Objects); len(p.Steps) != 2 {
		t.Errorf("%v\n%s", p.Changes, steps(p))
	}
}

// TestImportOfSecretsByForm writes none, whatever the variable is called.
func TestImportOfSecretsByForm(t *testing.T) {
	b := inDomino(t, port.Definition{Image: "quay.io/x:1", Variables: map[string]string{"DB": "postgres://app:hunter22@db/x", "PLAIN": "https://db/x"}, DockerArguments: []string{"--env=DB_TOKEN=hunter23"}},
		port.Definition{Image: "quay.io/x:1", DockerArguments: []string{"-e", "DB=redis://:hunter24@db"}})
	found, res := b.imported(t.TempDir(), engine.ImportOptions{})
	if text := fmt.Sprint(found); strings.Contains(text, "hunter2") || !strings.Contains(string(found.Text), `PLAIN: "https://db/x"`) {
		t.Errorf("%s", found.Text)
	}
	var codes []string
	for _, f := range found.Findings {
		codes = append(codes, f.Code+" "+strings.Fields(f.Message)[0])
	}
	if got := strings.Join(codes, ", "); got != "DC375 dockerArguments, DC375 variables.DB, DC375 dockerArguments" {
		t.Errorf("%s", got)
	}
	b.env["env:DOMCTL_E0_DB"] = "postgres://app:hunter22@db/x"
	b.adopted(found, res)
}

// TestImportOfLongNames: two that differ at the end alone get addresses of their own.
func TestImportOfLongNames(t *testing.T) {
	long := port.Definition{Image: "quay.io/x:1", Dockerfile: strings.Repeat("RUN true\n", 9)}
	b := inDomino(t, long, long)
	b.change(`"name": "e0"`, `"name": "`+strings.Repeat("a", 99)+`-`+strings.Repeat("b", 200)+`"`)
	b.change(`"name": "e1"`, `"name": "`+strings.Repeat("a", 300)+`"`)
	found, res := b.imported(t.TempDir(), engine.ImportOptions{Beside: "imported"})
	for _, want := range []string{strings.Repeat("a", 99), strings.Repeat("a", 100)} {
		if !slices.Contains(found.Objects, schema.EnvironmentAddress(want)) {
			t.Errorf("%v", found.Objects)
		}
	}
	for name := range found.Files {
		if len(path.Dir(name)) > 110 {
			t.Errorf("%s", name)
		}
	}
	b.adopted(found, res)
}

// TestImportWithoutTheAPI says what it cannot know.
func TestImportWithoutTheAPI(t *testing.T) {
	b := inDomino(t, port.Definition{Image: "quay.io/x:1"}, port.Definition{})
	b.deployment.Domino.URL = ""
	found, res := b.imported(t.TempDir(), engine.ImportOptions{})
	if len(found.Findings) != 1 || found.Findings[0].Code != "DC376" || !strings.Contains(found.Findings[0].Message, "2 environments are") {
		t.Errorf("%+v", found.Findings)
	}
	b.adopted(found, res)
}

// TestImportOfMany asks twice for each of 500, and for as many pages of documents as
// there are.
func TestImportOfMany(t *testing.T) {
	const many = 500
	all := make([]port.Definition, many)
	for n := range all {
		all[n] = port.Definition{Dockerfile: fmt.Sprintf("RUN echo %d", n)}
		if n > 0 {
			all[n].Base = fmt.Sprintf("67%022x", n/2)
		}
	}
	b := inDomino(t, all...)
	found, res := b.imported(t.TempDir(), engine.ImportOptions{Kinds: []string{"environments"}})
	calls := b.world.Counts().Calls
	if len(found.Objects) != many || calls["GetDefinition"] != many || calls["GetBuild"] != many || calls["Find"] > 3 {
		t.Errorf("%d objects, %v", len(found.Objects), calls)
	}
	b.adopted(found, res)
}

// TestWhatTheAPIShowsIsAdopted holds for any definitions: the plan after an import does
// nothing but adopt, also where no records are.
func TestWhatTheAPIShowsIsAdopted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []port.Definition
		for n := range rapid.IntRange(1, 4).Draw(t, "environments") {
			all = append(all, randomDefinition(t, n))
		}
		b := inDomino(t, all...)
		for _, c := range schema.Codes() { // lint may find fault with what lives
			if strings.HasPrefix(c.Code, "DC7") {
				b.policy += "deployment: findings: " + c.Code + ": \"off\"\n"
			}
		}
		dir, err := os.MkdirTemp("", "import")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		for _, f := range []string{"env:DOMCTL_E0_TOKEN", "env:DOMCTL_E1_TOKEN", "env:DOMCTL_E2_TOKEN", "env:DOMCTL_E3_TOKEN"} {
			b.env[f] = "canary"
		}
		found, res := b.imported(dir, engine.ImportOptions{Beside: rapid.SampledFrom([]string{"", "imported"}).Draw(t, "beside")})
		if strings.Contains(string(found.Text), "canary") {
			t.Errorf("a secret in the clear:\n%s", found.Text)
		}
		b.adopted(found, res)
	})
}

func randomDefinition(t *rapid.T, n int) (d port.Definition) {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "RUN true", "RUN a\nRUN b\nRUN c\nRUN d\nRUN e\n", "RUN \"\"\"\n#\\(x)\nRUN x\n\n\n\n", "a\r\nb\nc\nd\ne\nf", "\ufeffx\n\n\n\n\n", " \n\t\n \n \n x"}), rapid.StringMatching(`[ -~\n\t]{0,30}`))
	clusters := rapid.SampledFrom([][]string{nil, {"spark"}, {"ray", "dask"}})
	d = port.Definition{Dockerfile: text.Draw(t, "dockerfile"), PreSetup: text.Draw(t, "preSetup"), PostRun: text.Draw(t, "postRun"), Summary: text.Draw(t, "summary"),
		Clusters: clusters.Draw(t, "clusters"), DockerArguments: rapid.SampledFrom([][]string{nil, {"--x"}, {"--b", "--a", "--b"}}).Draw(t, "arguments"),
		Tags: rapid.SampledFrom([][]string{nil, {"b", "a"}, {schema.TagContent + "0"}}).Draw(t, "tags"), VPN: rapid.Bool().Draw(t, "vpn"), Restricted: rapid.Bool().Draw(t, "restricted"),
		Variables: rapid.SampledFrom([]map[string]string{nil, {"A": ""}, {"A": "x y", "TOKEN": "canary"}, {"TOKEN": "****"}}).Draw(t, "variables"),
		Tools: rapid.SampledFrom([]string{"", `{"a b":{"title":"x"}}`, `{"jupyter":{"start":["/s","x y"],"title":"J","iconUrl":"","httpProxy":{"port":8888,"rewrite":false,"internalPath":"/{{x}}"}}}`,
			`{"odd":{"colour":"red"}}`, `{"odd":{"httpProxy":{"port":"8888"}}}`}).Draw(t, "tools")}
	switch base := rapid.IntRange(0, 3).Draw(t, "base"); {
	case base == 1:
		d.Image = "quay.io/x:1"
	case base == 2 && n > 0:
		d.Base = fmt.Sprintf("67%022x", n-1)
	case base == 3 && n > 0:
		d.Base, d.Follow = fmt.Sprintf("67%022x", n-1), fmt.Sprintf("66%022x", n-1)
	}
	return d
}
