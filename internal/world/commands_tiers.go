package world

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Hardware tiers and settings over Domino's API, as commands for a person. What is sent
// is made by jq of what stands at that moment, whole, and compared with what the plan saw.

// curlSend sends what jq writes; what is answered may hold a secret.
const curlSend = `send() {
    sent=$(umask 077; mktemp)
    trap 'rm -f "$sent"' EXIT
    trap 'exit 1' HUP INT TERM
    cat > "$sent"
    [ -s "$sent" ] || { echo "there is nothing to send; nothing from here on was done" >&2; exit 1; }
    api "$2" --request "$1" --header 'Content-Type: application/json' --data-binary "@$sent" > /dev/null
    rm -f "$sent"
}
`

// curlTiers finds out which dialect Domino speaks of hardware tiers, as internal/domino
// does: show, put and hide a tier in the words of the public one.
const curlTiers = `public=/api/hardwaretiers/v1/hardwaretiers
words='def named(a; b): with_entries(if .key == a then .key = b else . end);
def sized(a; b): if (.resources | type) == "object" then .resources |= map_values(if type == "object" then named(a; b) else . end) else . end;
def exact: if [.. | numbers | select(. > 9007199254740991 or . < -9007199254740991)] == [] then . else error("the tier holds a number that jq would change") end;'
case $(code "$public?offset=0&limit=1") in
200)
    tiers=$public tierPut=$public words=$words'
def shown: .hardwareTier | sized("unit"; "units"); def spoken: .;'
    tierHide() { api "$tiers/$1" --request DELETE > /dev/null; } ;;
404)
    tiers=/v4/hardwareTier tierPut=/v4/hardwareTier/update words=$words'
def shown: named("hwtResources"; "resources") | named("hwtFlags"; "flags") | named("overprovisioning"; "overProvisioning") | sized("unit"; "units");
def spoken: sized("units"; "unit") | named("resources"; "hwtResources") | named("flags"; "hwtFlags") | named("overProvisioning"; "overprovisioning");'
    tierHide() { jq -n --arg value "$2" '{value: $value}' | send POST "$tiers/archive"; } ;;
*) echo "Domino does not tell its hardware tiers; nothing was done" >&2; exit 1 ;;
esac
tier() { api "$tiers/$1" | jq -c -n "$words input | shown"; }
saw() { printf '%s' "$1" | jq -e "$2 == ($3)" > /dev/null || { echo "$4 is $(printf '%s' "$1" | jq -c "$2"), the plan saw $3; nothing from here on was done" >&2; exit 1; }; }
`

// curlSettings finds the one record of a key. Its value is never printed.
const curlSettings = `config=/v4/admin/centralConfigSettings
records() { api "$config" | jq -c -n --arg namespace "$1" --arg key "$2" '[input[] | select(.setting.namespace == $namespace and .setting.key == $key)]'; }
record() { records "$1" "$2" | jq -c -n 'input | if length != 1 then error("there are \(length) such records, the plan saw one") elif (.[0].id | test("^[0-9A-Za-z_-]+$") | not) then error("the record has no plain id") else .[0] end'; }
id() { printf '%s' "$1" | jq -r .id; }
`

// tierID is the id of a step's tier as a path takes it; "" where none does.
func tierID(m applier.Manual) string { return tierPathOf(m.Step.Object.ID()) }

func tierPathOf(id string) string {
	if id == "." || id == ".." {
		return ""
	}
	return url.PathEscape(id)
}

const noTierID = `echo "the tier has no id that a path can hold" >&2; exit 1`

// jqPath is a path of a document, as jq has it.
func jqPath(path string) string {
	if path == "_id" {
		path = "id"
	}
	return schema.JSON(schema.SplitPath(path)).Text
}

// jqDocument is a value of a document, as the API takes it.
func jqDocument(v schema.Value) string {
	if v.Is == schema.Known {
		v.Text = plainJSON(v.Text)
	}
	return jqValue(v)
}

// sawTier compares the tier that the script holds with what the plan saw: by its
// updateTime, which moves with whatever is changed, where that was told.
func sawTier(m applier.Manual) string {
	expects := slices.Clone(m.Step.Expects)
	told := func(e planner.Expect) bool { return e.Path == "updateTime" && e.Value.Is == schema.Known }
	if slices.ContainsFunc(expects, told) {
		expects = slices.DeleteFunc(expects, func(e planner.Expect) bool { return !told(e) })
	}
	var b strings.Builder
	for _, e := range expects {
		if e.Ref == m.Step.Object && e.Path != "" {
			fmt.Fprintf(&b, "saw \"$tier\" %s %s %s\n", sh("getpath("+jqPath(e.Path)+")"), sh(jqDocument(e.Value)), sh(e.Path+" of "+m.Step.Object.ID()))
		}
	}
	return b.String()
}

// tierWrites is the jq program that sets what a step writes.
func tierWrites(s planner.Step) string {
	var b strings.Builder
	for _, p := range schema.Sorted(s.Writes) {
		switch v := s.Writes[p]; {
		case p == "":
		case v.Is == schema.Absent:
			fmt.Fprintf(&b, " | delpaths([%s])", jqPath(p))
		default:
			fmt.Fprintf(&b, " | setpath(%s; %s)", jqPath(p), jqDocument(v))
		}
	}
	return b.String()
}

func createTierCommand(m applier.Manual) string {
	id := tierID(m)
	if id == "" {
		return noTierID
	}
	return fmt.Sprintf("is \"$(code \"$tiers/\"%s)\" 404 %s\njq -n \"$words \"%s | send POST \"$tiers\"", sh(id), sh("the answer to a look at "+m.Step.Object.ID()),
		sh("{}"+tierWrites(m.Step)+` | if (.resources | type) == "object" and .resources.allowSharedMemoryToExceedDefault == null then .resources.allowSharedMemoryToExceedDefault = false else . end | spoken`))
}

func putTierCommand(m applier.Manual) string {
	id := tierID(m)
	if id == "" {
		return noTierID
	}
	return fmt.Sprintf("tier=$(tier %s)\n%sprintf '%%s' \"$tier\" | jq \"$words \"%s | send PUT \"$tierPut\"", sh(id), sawTier(m), sh("exact"+tierWrites(m.Step)+" | spoken"))
}

func archiveTierCommand(m applier.Manual) string {
	id := tierID(m)
	if id == "" {
		return noTierID
	}
	return fmt.Sprintf("tier=$(tier %s)\n%stierHide %s %s", sh(id), sawTier(m), sh(id), sh(m.Step.Object.ID()))
}

// settingNames are the namespace and the key of a step's record, as words of a shell.
func settingNames(m applier.Manual) string {
	namespace, key, _ := strings.Cut(m.Step.Object.ID(), "/")
	return sh(namespace) + " " + sh(key)
}

// sawSetting compares a record's value with what the plan saw, and prints neither. What
// was a secret is not compared.
func sawSetting(m applier.Manual) string {
	for _, e := range m.Step.Expects {
		switch {
		case e.Ref != m.Step.Object || e.Path != "value" || e.Value == masked():
		case e.Value.Is == schema.Known:
			return ` | if .setting.value == ` + plainJSON(e.Value.Text) + ` then . else error("its value is not the one that the plan saw") end`
		default:
			return ` | if .setting.value | test("[*•]{3}") then error("Domino shows its value masked, so that nobody can tell what is replaced") else . end`
		}
	}
	return ""
}

// theRecord has the script hold the record that a step is about.
func theRecord(m applier.Manual) string {
	note := ""
	if slices.ContainsFunc(m.Step.Expects, func(e planner.Expect) bool { return e.Path == "value" && e.Value.Is != schema.Known }) {
		note = "# its value may be a secret, which is not compared\n"
	}
	return note + fmt.Sprintf("record=$(record %s | jq -c -n %s)\n", settingNames(m), sh("input"+sawSetting(m)))
}

func createSettingCommand(m applier.Manual) string {
	w := m.Step.Writes
	return fmt.Sprintf("is \"$(records %s | jq length)\" 0 %s\njq -n %s | send POST \"$config\"", settingNames(m), sh("how many records there are of "+m.Step.Object.ID()),
		sh("{namespace: "+jqValue(w["namespace"])+", key: "+jqValue(w["key"])+", value: "+jqValue(w["value"])+"}"))
}

func putSettingCommand(m applier.Manual) string {
	return theRecord(m) + fmt.Sprintf("printf '%%s' \"$record\" | jq %s | send PUT \"$config/$(id \"$record\")\"", sh(".setting | .value = "+jqValue(m.Step.Writes["value"])))
}

func deleteSettingCommand(m applier.Manual) string {
	return theRecord(m) + `api "$config/$(id "$record")" --request DELETE > /dev/null`
}
