package world

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

const (
	aRevision = "670000000000000000000001"
	anEnv     = "660000000000000000000001"
)

// aBuild is an apply that builds an environment, and makes the revision active.
func aBuild() []applier.Manual {
	now := planner.Expect{Ref: activeRef(anEnv), Path: "active", Value: schema.JSON(aRevision)}
	return []applier.Manual{
		{Apply: "a", Step: planner.Step{ID: "b", Op: operation.BuildRevision, Object: planner.Ref("domino/revision#" + anEnv + "/k"), Creates: "id", Expects: []planner.Expect{now},
			Args: map[string]schema.Value{"environment": schema.JSON(anEnv), "from": schema.JSON(aRevision), "key": schema.JSON("k")},
			Writes: map[string]schema.Value{"dockerfile": schema.JSON("RUN echo 'it''s' \\(x)\nRUN true"), "vpn": schema.JSON(true), "base.uri": schema.JSON("quay.io/x:2"), "variables.TOKEN": {Is: schema.Secret, Text: "env:CANARY"},
				"variables.GONE": {}, "supportedClusters": schema.JSON([]string{"spark", "mpi"}), "tools": schema.JSON(map[string]any{"jupyter": map[string]any{"title": "J"}})}}},
		{Apply: "a", Step: planner.Step{ID: "s", Op: operation.ActivateRevision, Object: activeRef(anEnv), Writes: map[string]schema.Value{"active": planner.OutOf("b", "id")}, Expects: []planner.Expect{now}}},
	}
}

// curlStub answers for Domino, and writes down what it was asked.
const curlStub = `#!/bin/sh
cat >> "$LOG"
for word; do
	case $word in
	@*) cp "${word#@}" "$BODY" ;;
	*/revisions) echo '{"revisions": [{"id": "670000000000000000000009"}, {"id": "'"$ACTIVE"'", "active": true}]}' ;;
	*/environmentRevision/67*) echo '{"status": "Succeeded", "tags": ["nightly", "domctl-step-x"], "environmentRevision": {"imageType": "CustomImage", "dockerImage": "old:1", "dockerfileInstructions": "RUN old", "summary": "kept",
		"buildEnvironmentVariables": [{"GONE": "1"}, {"name": "KEPT", "value": "'"$KEPT"'"}], "dockerArguments": ["--x"], "shouldUseVPN": false, "isRestricted": true}, "environment": {}}' ;;
	*/environmentRevision) echo '{"environmentRevision": {"id": "670000000000000000000002"}}' ;;
	esac
	echo "$word" >> "$LOG"
done
`

// TestCurlBuilds runs the script: what is asked, what is sent, and where it stops.
func TestCurlBuilds(t *testing.T) {
	for _, tool := range []string{"sh", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s; put one on PATH to run this", tool)
		}
	}
	w := &World{Long: applier.Operations{operation.BuildRevision: {Tool: "curl"}}, Deployment: schema.Deployment{Domino: schema.Domino{URL: "https://domino.acme.example/", APIKey: "env:ACME_KEY"}}}
	text, n, ok := w.Script("curl", planner.World{}, aBuild())
	if !ok || n != 2 || strings.Contains(text, "canary") {
		t.Fatalf("%d steps:\n%s", n, text)
	}
	for name, c := range map[string]struct {
		env  []string
		says string
	}{
		"goes through": {nil, ""},
		"no key":       {[]string{"ACME_KEY="}, "set it to the key of a Domino administrator"},
		"moved":        {[]string{"ACTIVE=670000000000000000000007"}, "the plan saw"},
		"masked":       {[]string{"KEPT=******"}, "Domino shows the variable KEPT masked"},
		"no secret":    {[]string{"CANARY_UNSET=1"}, "set the variable CANARY"},
	} {
		dir := t.TempDir()
		for file, content := range map[string]string{"curl": curlStub, "apply.sh": text} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("sh", filepath.Join(dir, "apply.sh"))
		cmd.Env = append([]string{"PATH=" + dir + ":" + os.Getenv("PATH"), "ACME_KEY=the-key", "ACTIVE=" + aRevision, "KEPT=2", "CANARY=canary-1", "LOG=" + filepath.Join(dir, "log"), "BODY=" + filepath.Join(dir, "body")}, c.env...)
		if name == "no secret" {
			cmd.Env = cmd.Env[:4:4]
			cmd.Env = append(cmd.Env, "LOG="+filepath.Join(dir, "log"), "BODY="+filepath.Join(dir, "body"))
		}
		out, err := cmd.CombinedOutput()
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		if c.says != "" {
			if err == nil || !strings.Contains(string(out), c.says) || strings.Contains(string(log), "setactive") {
				t.Errorf("%s: %v: %s\n%s", name, err, out, log)
			}
			continue
		}
		body, _ := os.ReadFile(filepath.Join(dir, "body"))
		if err != nil || !strings.Contains(string(log), "/v4/environments/"+anEnv+"/setactive?revisionId=670000000000000000000002") || !strings.Contains(string(log), `header = "X-Domino-Api-Key: the-key"`) {
			t.Fatalf("%s: %v: %s\n%s", name, err, out, log)
		}
		var sent map[string]any
		if err := json.Unmarshal(body, &sent); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		want := `{"baseRevision":{"image":"quay.io/x:2"},"dockerArguments":["--x"],"dockerfileInstructions":"RUN echo 'it''s' \\(x)\nRUN true","environmentVariables":{"KEPT":"2","TOKEN":"canary-1"},` +
			`"isRestricted":true,"postRunScript":null,"postSetupScript":null,"preRunScript":null,"preSetupScript":null,"shouldUseVpn":true,"skipCache":false,"summary":"kept","supportedClusters":["Spark","MPI"],` +
			`"tags":["nightly","domctl-content-` + schema.DefinitionKey(aBuild()[0].Step.Writes) + `"],"workspaceTools":"{\"jupyter\":{\"title\":\"J\"}}"}`
		if got := schema.JSON(sent).Text; got != want {
			t.Errorf("sent\n%s\nwant\n%s", got, want)
		}
	}
}

// TestCurlShares runs the script: sharing, the default, archiving; a word of the plan is
// none of the shell's.
func TestCurlShares(t *testing.T) {
	for _, tool := range []string{"sh", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s; put one on PATH to run this", tool)
		}
	}
	w := &World{Deployment: schema.Deployment{Domino: schema.Domino{URL: "https://domino.acme.example", APIKey: "env:ACME_KEY"}}}
	step := func(op string, object planner.Ref, writes map[string]schema.Value) applier.Manual {
		return applier.Manual{Apply: "a", Step: planner.Step{ID: op, Op: op, Object: object, Writes: writes, Args: map[string]schema.Value{"visibility": schema.JSON("Private")}}}
	}
	run := func(m applier.Manual) (log string, err error) {
		text, _, _ := w.Script("curl", planner.World{}, []applier.Manual{m})
		dir := t.TempDir()
		stub := "#!/bin/sh\ncat > /dev/null\nfor word; do case $word in */v4/environments/66*1) echo '{\"id\": \"x\", \"kept\": [1.50]}' ;; esac; echo \"$word\" >> \"$LOG\"; done\n"
		for file, content := range map[string]string{"curl": stub, "apply.sh": text} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("sh", filepath.Join(dir, "apply.sh"))
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "ACME_KEY=k", "LOG=" + filepath.Join(dir, "log")}
		out, err := cmd.CombinedOutput()
		if _, is := os.Stat(filepath.Join(dir, "run")); is == nil {
			t.Errorf("a word of the plan was run:\n%s", text)
		}
		said, _ := os.ReadFile(filepath.Join(dir, "log"))
		return string(said) + string(out), err
	}
	const other = "660000000000000000000002"
	for name, c := range map[string]struct {
		m     applier.Manual
		sends string
	}{
		"shared":  {step(operation.ShareEnvironment, activeRef(anEnv), map[string]schema.Value{"visibility": schema.JSON("Global")}), `"visibility": "Global"`},
		"given":   {step(operation.ShareEnvironment, activeRef(anEnv), map[string]schema.Value{"owner": schema.JSON(other)}), `"ownerId": "` + other + `"`},
		"default": {step(operation.SetDefaultEnvironment, defaultRef, map[string]schema.Value{"environment": schema.JSON(other)}), `"environmentId": "` + other + `"`},
		"archive": {step(operation.ArchiveEnvironment, activeRef(anEnv), map[string]schema.Value{"archived": schema.JSON(true)}), `"kept": [1.50]`},
	} {
		if log, err := run(c.m); err != nil || !strings.Contains(log, c.sends) {
			t.Errorf("%s: %v\n%s", name, err, log)
		}
	}
	for name, m := range map[string]applier.Manual{
		"archive":         step(operation.ArchiveEnvironment, activeRef("$(touch run)"), map[string]schema.Value{"archived": schema.JSON(true)}),
		"default":         step(operation.SetDefaultEnvironment, defaultRef, map[string]schema.Value{"environment": schema.JSON("`touch run`")}),
		"default of none": step(operation.SetDefaultEnvironment, defaultRef, map[string]schema.Value{"environment": planner.OutOf("gone", "id")}),
		"back":            step(operation.ArchiveEnvironment, activeRef(anEnv), map[string]schema.Value{"archived": schema.JSON(false)}),
	} {
		if log, err := run(m); err == nil || strings.Contains(log, "POST") || strings.Contains(log, "DELETE") {
			t.Errorf("%s: %v\n%s", name, err, log)
		}
	}
}
