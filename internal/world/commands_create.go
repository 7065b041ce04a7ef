package world

import (
	"fmt"
	"maps"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// curlNamed counts the environments of a name, of one owner where that is given, that the
// key sees. Domino makes a second one of a name without a word.
const curlNamed = `named() {
    offset=0 found=0
    while [ "$offset" -lt 100000 ]; do
        page=$(api "/api/environments/beta/environments?offset=$offset&limit=100" | jq -c -n 'input | .environments')
        shown=$(printf '%s' "$page" | jq length)
        case $shown in
        '') exit 1 ;;
        0) echo "$found"; return ;;
        esac
        of=$(printf '%s' "$page" | jq --arg name "$1" --arg owner "$2" '[.[] | select(.name == $name and ($owner == "" or .owner.id == $owner))] | length')
        found=$((found + of)) offset=$((offset + shown))
    done
    echo "the list of environments has no end" >&2; exit 1
}
`

// revisionOutput is the variable that keeps the first revision of an environment which the
// script makes, beside the one that keeps its id.
func revisionOutput(name string) string { return name + "_revision" }

// createCommand makes an environment with its first revision, and waits for its build.
func createCommand(m applier.Manual) string {
	w := m.Step.Writes
	owner := shellID(m, w["ownerId"])
	if _, given := w["ownerId"]; given && owner == "" {
		return noPlainID
	} else if !given {
		owner = "''"
	}
	name := m.Names[m.Step.ID]
	if name == "" {
		name = "environment"
	}
	first := m.Step
	first.Writes = maps.Clone(w)
	maps.DeleteFunc(first.Writes, func(p string, _ schema.Value) bool { return !schema.BuildsRevision(p) })
	program := revisionProgram(first) + fmt.Sprintf(`
| {newEnvironment: ({name: %s, description: %s, visibility: %s, addBaseDependencies: false, isCurated: false, skipFirstBuild: false,
    rebuildOnBaseChanges: (if .baseRevision.followActiveRevisionOf then "FollowActive" else "Never" end)}
    + if $owner == "" then {} else {ownerId: $owner} end), newEnvironmentRevision: .}`, js(w["name"].Str()), js(w["description"].Str()), js(w["visibility"].Str()))
	return fmt.Sprintf(`is "$(named %s %s)" 0 %s
%s%s
jq -n '{}' | jq --argjson tags '[]' %s --arg owner %s %s > "$body"
[ -s "$body" ] || { echo "there is nothing to send; nothing from here on was done" >&2; exit 1; }
%[9]s=$(api /v4/environments --header 'Content-Type: application/json' --data-binary "@$body" | jq -r .id)
rm "$body"
%[10]s=$(api "/v4/environments/$%[9]s/page/0/pageSize/1/revisions" | jq -r .revisions[0].id)
built "$%[9]s" "$%[10]s"`,
		sh(w["name"].Str()), owner, sh("how many environments are called "+w["name"].Str()), checkActive(m), bodyFile, revisionBase(m), owner, sh(program), name, revisionOutput(name))
}

// bodyFile is a file that nobody else reads, and that is gone afterwards.
const bodyFile = `body=$(umask 077; mktemp)
trap 'rm -f "$body"' EXIT
trap 'exit 1' HUP INT TERM`

// revisionBase are the arguments of jq that name the base of a revision: an active revision,
// and the environment that is followed.
func revisionBase(m applier.Manual) string {
	args := []string{"--arg base", "''", "--arg follow", "''"}
	if v := m.Step.Args["base"]; v.Is != schema.Absent {
		args[1] = shellValue(m, v)
	}
	if v := m.Step.Writes["base.environment"]; v.Is != schema.Absent {
		args[3] = shellValue(m, v)
	}
	return strings.Join(args, " ")
}

// shellObject is an environment that a step is about, within double quotes: its id, or the
// variable of the step that makes it; "" where no path takes it.
func shellObject(m applier.Manual, ref planner.Ref) string {
	if v, made := ref.Out(); made {
		if name, _ := m.Variable(v); name != "" {
			return "$" + name
		}
		return ""
	}
	if plainID.MatchString(ref.ID()) {
		return ref.ID()
	}
	return ""
}
