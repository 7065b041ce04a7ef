package compiler

import (
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestNoSecretInTheClear writes a secret itself where a reference is wanted, or
// next to there, mistyped in every way, and looks for it in what is found and kept.
func TestNoSecretInTheClear(t *testing.T) {
	found := 0
	for _, path := range []string{
		"deployment: mongo: uri: ", "deployment: mongo: urI: ", "deployment: mongo: ", "deployment: ", "deploymnt: mongo: uri: ",
		`settings: raw: "com.example.password": `, "settings: raw: ", "settings: password: ", "settings: ",
		"environments: e: variables: T: ", "environments: [string]: variables: T: ", "environments: e: variables: ", `environments: e: variables: "T=CANARY": `, "environments: e: variabls: ", "environments: e: ", "environments: ",
		"amis: a: bake: connect: ssh: key: ", "amis: a: bake: ", "_mongo: ", "#Mongo: uri: ",
	} {
		for _, value := range []string{
			`"CANARY"`, `["CANARY"]`, `["e", "T=CANARY"]`, `{secret: "CANARY"}`, `{secret: ["CANARY"]}`, `{secret: env: "CANARY-1"}`,
			`{secret: env: ["CANARY"]}`, `{secret: kubernetes: "CANARY"}`, `{secret: {env: "CANARY-1", ssm: "CANARY"}}`, `{secret: envv: "CANARY"}`, `{value: "CANARY"}`,
			`"CANARY" & "CANARY2"`, `"CANARY" & 5`, `"CANARY" + 5`, `"CANARY"["x"]`, `"CANARY".x`, `{a: "CANARY"}.b`, `len("CANARY") & "CANARY"`, `"\("CANARY")" & 5`,
			`CANARY`, `{secret: env: CANARY}`, `mongodb+srv://admin:CANARY@host`, `secret "CANARY"`, `"CANARY" "CANARY"`, `{"CANARY"}`, `] "CANARY"`, `'CANARY'`, `=~"CANARY"`, `!="CANARY" & "CANARY"`, `null & "CANARY"`,
			`{for x in "CANARY" {b: x}}`, `{if "CANARY" {b: 1}}`, `{"CANARY": 1}["x"]`,
		} {
			r := compileFiles(t, map[string]string{"prod/deployment.cue": minimal, "prod/b.cue": "package domino\n\n" + path + value + "\n"})
			if !schema.Failed(r.Findings) {
				continue // it is no mistake there
			}
			found++
			kept, err := encode(entry{result: r})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(list(r.Findings)+string(kept), "CANARY") {
				t.Errorf("%s%s: found\n%s", path, value, list(r.Findings))
			}
		}
	}
	if found < 500 {
		t.Errorf("only %d mistakes were found", found)
	}
}
