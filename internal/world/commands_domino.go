package world

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// curl begins a shell script of Domino's API, which stops at the first thing that is not
// as the plan saw it. The key comes from the environment, and goes to curl by its standard
// input, never a command line; a body goes by a file that nobody else reads.
func (s *script) curl(d schema.Domino, steps []applier.Manual) {
	variable, header := "DOMINO_API_KEY", "X-Domino-Api-Key: "
	if d.Token != "" {
		variable, header = "DOMINO_TOKEN", "Authorization: Bearer "
	}
	if name, is := strings.CutPrefix(d.Ref(), "env:"); is && shellName.MatchString(name) {
		variable = name
	}
	fmt.Fprintf(&s.b, `#!/bin/sh
# Needs curl and jq.
set -eu
: "${%[1]s:?set it to the key of a Domino administrator}"
domino=%[2]s
key() { printf 'header = "%[3]s%%s"\n' "$%[1]s"; }
api() { path=$1; shift; key | curl --silent --show-error --fail --config - "$@" "$domino$path"; }
code() { key | curl --silent --show-error --output /dev/null --write-out '%%{http_code}' --config - "$domino$1"; }
is() { [ "$1" = "$2" ] || { echo "$3 is \"$1\", the plan saw \"$2\"; nothing from here on was done" >&2; exit 1; }; }
post() { api "$1" --request POST --header 'Content-Type: application/json' --data "$2"; }
active() { api "/v4/environments/$1/page/0/pageSize/100/revisions" | jq -r '[.revisions[] | select(.active).id][0] // ""'; }
`, variable, sh(strings.TrimSuffix(d.URL, "/")), header)
	for _, part := range []struct {
		text string
		ops  []string // by what they begin with
	}{{curlSend, []string{"domino.tier.", "domino.setting."}}, {curlTiers, []string{"domino.tier."}}, {curlSettings, []string{"domino.setting."}},
		{curlNamed, []string{operation.CreateEnvironment}}, {curlBuilt, []string{operation.CreateEnvironment, operation.BuildRevision}}} {
		needs := func(m applier.Manual) bool {
			return slices.ContainsFunc(part.ops, func(op string) bool { return strings.HasPrefix(m.Step.Op, op) })
		}
		if slices.ContainsFunc(steps, needs) {
			s.b.WriteString(part.text)
		}
	}
}

// curlBuilt waits for a build.
const curlBuilt = `built() {
    while :; do
        status=$(api "/v4/environments/$1/environmentRevision/$2" | jq -r '.status | ascii_downcase')
        case $status in
        succeeded) return ;;
        failed | killed) echo "the build of $2: $status" >&2; exit 1 ;;
        esac
        sleep 10
    done
}
`

var shellName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checkActive compares the active revisions that a step rests on.
func checkActive(m applier.Manual) string {
	var b strings.Builder
	for _, e := range m.Step.Expects {
		if e.Path == "active" {
			want := shellValue(m, e.Value)
			if e.Value.Is == schema.Absent {
				want = "''"
			}
			of, what := sh(e.Ref.ID()), e.Ref.ID()
			if _, made := e.Ref.Out(); made {
				of, what = `"`+shellObject(m, e.Ref)+`"`, "what this made"
			}
			fmt.Fprintf(&b, "is \"$(active %s)\" %s %s\n", of, want, sh("the active revision of "+what))
		}
	}
	return b.String()
}

func activateCommand(m applier.Manual) string {
	id, revision := shellObject(m, m.Step.Object), shellID(m, m.Step.Writes["active"])
	if id == "" || revision == "" {
		return noPlainID
	}
	command := checkActive(m) + `api "/v4/environments/` + id + `/setactive?revisionId="` + revision + " --request POST"
	if _, made := m.Step.Object.Out(); made { // whose first revision Domino may make active by itself
		command = fmt.Sprintf("if [ \"$(active \"%s\")\" != %s ]; then\n%s\nfi", id, revision, command)
	}
	if name := m.Names[m.Step.ID]; name != "" {
		command += "\n" + name + "=" + revision
	}
	return command
}

// noPlainID is a step whose ids the plan does not hold, or that no path takes.
const noPlainID = `echo "the environment has no id that a path can hold" >&2; exit 1`

// shellID is the id that a step writes, or the variable that holds it; "" for what is none.
func shellID(m applier.Manual, v schema.Value) string {
	if name, _ := m.Variable(v); name != "" || plainID.MatchString(v.Str()) {
		return shellValue(m, v)
	}
	return ""
}

func defaultCommand(m applier.Manual) string {
	id := shellID(m, m.Step.Writes["environment"])
	if id == "" {
		return noPlainID
	}
	check := checkActive(m)
	for _, e := range m.Step.Expects {
		if e.Ref == m.Step.Object && e.Path == "environment" && e.Value.Is == schema.Known {
			check += fmt.Sprintf("is \"$(api /v4/environments/defaultEnvironment | jq -r .id)\" %s 'the default environment'\n", sh(e.Value.Str()))
		}
	}
	return check + "post /v4/environments/setDefaultEnvironment \"$(jq -n --arg id " + id + " '{environmentId: $id}')\""
}

func shareEnvironmentCommand(m applier.Manual) string {
	id := m.Step.Object.ID()
	owner := shellID(m, m.Step.Writes["owner"])
	if _, given := m.Step.Writes["owner"]; !plainID.MatchString(id) || given && owner == "" {
		return noPlainID
	}
	visibility := cmp.Or(m.Step.Writes["visibility"].Str(), m.Step.Args["visibility"].Str())
	return fmt.Sprintf("post /v4/environments/%s/visibility \"$(jq -n --arg visibility %s --arg owner %s '{visibility: $visibility} + if $owner == \"\" then {} else {ownerId: $owner} end')\"",
		id, sh(visibility), cmp.Or(owner, "''"))
}

// archiveCommand sends the environment back as it is shown. No call of the API brings one
// back.
func archiveCommand(m applier.Manual) string {
	id := m.Step.Object.ID()
	switch {
	case !plainID.MatchString(id):
		return noPlainID
	case !m.Step.Writes["archived"].Bool():
		return "echo " + sh("bring environment "+id+" back in Domino's form") + " >&2; exit 1"
	}
	return fmt.Sprintf("api /v4/environments/%[1]s --request DELETE --header 'Content-Type: application/json' --data \"$(api /v4/environments/%[1]s)\"", id)
}

var plainID = regexp.MustCompile(`^[0-9a-f]{24}$`)

// buildCommand makes a revision of what the plan's one was built from with what it writes
// in place, and waits for its build.
func buildCommand(m applier.Manual) string {
	s := m.Step
	env, from := s.Args["environment"].Str(), s.Args["from"].Str()
	if !plainID.MatchString(env) || from != "" && !plainID.MatchString(from) {
		return noPlainID
	}
	former, tags := "jq -n '{}'", "[]"
	if from != "" {
		former = "api /v4/environments/environmentRevision/" + from
		tags = `"$(api /v4/environments/` + env + `/environmentRevision/` + from + ` | jq -c '[.tags[]? | select(test("^domctl-(content|step)-") | not)]')"`
	}
	name := m.Names[s.ID]
	if name == "" {
		name = "revision"
	}
	return fmt.Sprintf(`%s%s
%s | jq --argjson tags %s %s %s > "$body"
[ -s "$body" ] || { echo "Domino did not say what the revision is to be made of" >&2; exit 1; }
%[7]s=$(api /v4/environments/%[8]s/environmentRevision --header 'Content-Type: application/json' --data "@$body" | jq -r .environmentRevision.id)
rm "$body"
built %[8]s "$%[7]s"`, checkActive(m), bodyFile, former, tags, revisionBase(m), sh(revisionProgram(s)), name, env)
}

// carriedOver is what jq makes of a revision as the API shows it: one as it takes it.
const carriedOver = `.environmentRevision as $r | .base as $b | .environment as $e
| {baseRevision: (if $r.imageType == "CustomImage" then {image: $r.dockerImage}
    elif $r.imageType == "Environment" then (if $e.rebuildOnBaseChanges == "FollowActive" then {followActiveRevisionOf: $b.environmentId} else {baseRevisionId: $b.id} end)
    else {} end),
  dockerfileInstructions: $r.dockerfileInstructions, preSetupScript: $r.preSetupScript, postSetupScript: $r.postSetupScript,
  preRunScript: $r.preRunScript, postRunScript: $r.postRunScript, workspaceTools: $r.workspacesProperties.raw, summary: $r.summary,
  environmentVariables: ([$r.buildEnvironmentVariables[]? | if has("name") and has("value") then {(.name): .value} else . end] | add // {}),
  dockerArguments: ($r.dockerArguments // []), supportedClusters: ($r.clusterTypes // []), tags: $tags,
  shouldUseVpn: ($r.shouldUseVPN // false), skipCache: false, isRestricted: ($r.isRestricted // false)}`

// maskedAs is port.Masked in jq.
const maskedAs = `def signs: "[*∗＊⁎✱•●∙⬤⚫█■▪]";
def masked: gsub("^\\s+|\\s+$"; "") | . as $v | (ascii_downcase | gsub("^[\\[\\]<>(){}]+|[\\[\\]<>(){}]+$"; "")) as $w
  | test(signs + "{3}|^" + signs + "{2}$|^[xX]{4,}$") or $w == "…" or $w == "redacted"
    or ($w != ($v | ascii_downcase) and any($w == ("hidden", "masked", "secret", "sensitive", "sensitive value", "protected", "encrypted", "filtered"); .));`

// maskedStops ends at a variable that Domino shows without telling it.
const maskedStops = `| ([.environmentVariables | to_entries[] | select(.value | masked).key][0]) as $masked
| if $masked then error("Domino shows the variable \($masked) masked, so that it cannot be carried over") else . end`

// revisionProgram is the jq program of a revision. JSON is jq's own way to write values.
func revisionProgram(s planner.Step) string {
	fields := map[string]string{"dockerfile": "dockerfileInstructions", "scripts.preSetup": "preSetupScript", "scripts.postSetup": "postSetupScript", "scripts.preRun": "preRunScript",
		"scripts.postRun": "postRunScript", "summary": "summary", "dockerArguments": "dockerArguments", "vpn": "shouldUseVpn", "restricted": "isRestricted", "skipCache": "skipCache"}
	empty := map[string]string{"dockerArguments": "[]", "vpn": "false", "restricted": "false", "skipCache": "false"}
	lines := []string{maskedAs, carriedOver}
	set := func(path, value string) { lines = append(lines, "| ."+path+" = "+value) }
	if stated := statedBase(s); stated != "" {
		set("baseRevision", stated)
	}
	for _, p := range schema.Sorted(s.Writes) {
		v := s.Writes[p]
		name, variable := strings.CutPrefix(p, "variables.")
		switch {
		case variable && v.Is == schema.Absent:
			lines = append(lines, "| del(.environmentVariables["+js(schema.SplitPath(name)[0])+"])")
		case variable:
			set("environmentVariables["+js(schema.SplitPath(name)[0])+"]", jqValue(v))
		case fields[p] != "" && v.Is == schema.Absent && empty[p] != "":
			set(fields[p], empty[p])
		case fields[p] != "":
			set(fields[p], jqValue(v))
		case p == "tools":
			set("workspaceTools", js(v.Text)) // JSON is YAML
		case p == "supportedClusters":
			set("supportedClusters", js(strings.Join(v.Strings(), " "))+` | .supportedClusters |= [splits(" ") | select(. != "") | {spark: "Spark", ray: "Ray", dask: "Dask", mpi: "MPI"}[.]]`)
		case p == "tags":
			set("tags", jqValue(v))
		}
	}
	lines = append(lines, "| .tags = ((.tags // []) + ["+js(schema.TagContent+schema.DefinitionKey(s.Writes))+"])", maskedStops)
	return strings.Join(lines, "\n")
}

// statedBase is the base that a step writes, as a whole; "" where it writes none.
func statedBase(s planner.Step) string {
	stated := false
	for p := range s.Writes {
		stated = stated || strings.HasPrefix(p, "base.")
	}
	image := s.Writes["base.image"].Str() + s.Writes["base.uri"].Str()
	env := s.Writes["base.environment"].Is != schema.Absent
	switch {
	case !stated:
		return ""
	case env && s.Writes["base.rebuildOnBaseChanges"].Bool():
		return "{followActiveRevisionOf: $follow}"
	case env:
		return "{baseRevisionId: $base}"
	case image != "":
		return "{image: " + js(image) + "}"
	}
	return "{}"
}

// jqValue is a value in a program of jq, or where a secret comes from.
func jqValue(v schema.Value) string {
	switch name, env := strings.CutPrefix(v.Text, "env:"); {
	case v.Is == schema.Secret && env:
		return fmt.Sprintf("(env[%s] // error(%s))", js(name), js("set the variable "+name))
	case v.Is == schema.Known:
		return v.Text
	case v.Is == schema.Absent || v.Is == schema.Unset:
		return "null"
	}
	return "error(" + js("put the value of "+v.Text+" in place of this call") + ")"
}
