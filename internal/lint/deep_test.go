package lint

import (
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestStepsOfADeepText: what stands in Domino is read in the process that applies, and a
// full stack ends that whatever recovers.
func TestStepsOfADeepText(t *testing.T) {
	rep := strings.Repeat
	for name, c := range map[string]struct {
		text  string
		steps int
	}{
		"arithmetic":  {"RUN <<EOF\nexit 0\n$((\n" + rep(rep("(", 40_000)+"\n", 5) + "EOF\n", 1},
		"a long list": {"RUN " + rep("a &&\\\n", 160_000) + "a\n", 1},
		"parameters":  {"RUN <<A " + rep("${a:-\\\n", 140_000) + "\nA\n", 0},
		"triggers":    {rep("ONBUILD --a=b \\\n", 60_000) + "RUN a\n", 0},
		"many":        {rep("RUN echo ${A}\nONBUILD RUN a\n", 20_000), 40_000},
		"too much":    {rep("RUN a\n", mostText/6+1), 0},
		"brackets":    {"CMD " + rep("[\\\n", 300_000) + "\n", 1},
	} {
		if got := len(Steps(c.text)); got != c.steps {
			t.Errorf("%s: %d steps, want %d", name, got, c.steps)
		}
	}
}

// ofDockerfile checks one environment of a text.
func ofDockerfile(text string) []Found {
	a := schema.EnvironmentAddress("a")
	return Check(schema.Desired{Objects: map[schema.Address]schema.Object{a: {Fields: map[string]schema.Value{"dockerfile": schema.JSON(text)}}}})
}

func TestTooDeep(t *testing.T) {
	first := "RUN a\n"
	for text, says := range map[string]string{
		first + "RUN <<A " + strings.Repeat("${a:-", mostWithin+1) + "\nA\n": "domctl reads no instruction that says ${ more than 10000 times",
		first + strings.Repeat("onbuild ", mostTriggers+1) + "RUN a\n":       "domctl reads no instruction that says ONBUILD more than 100 times",
	} {
		found := ofDockerfile(text)
		if len(found) != 1 || found[0].Code != "DC703" || found[0].Severity != schema.Error || found[0].Message != says || found[0].At[0].Offset != len(first) {
			t.Errorf("%.30q: %+v", text, found)
		}
	}
}

// TestUnread: a script that lies too deep within itself, or is too long, is told of where
// it stands. What people write is far from that.
func TestUnread(t *testing.T) {
	rep := strings.Repeat
	const deep, long = "it lies too deep within itself", "it has 300 KiB"
	for name, c := range map[string]struct{ text, says string }{
		"substitutions":  {rep("$(", 30_000), deep},
		"subshells":      {rep("(", 60_000), deep},
		"groups":         {rep("{ ", 30_000), deep},
		"arithmetic":     {"exit 0\n$((" + rep(rep("(", 40_000)+"\n", 5), deep},
		"parameters":     {rep("${a:-", 10_000), deep},
		"conditions":     {rep("if ", 20_000), deep},
		"quotes":         {rep(`"$(`, 20_000), deep},
		"cases":          {rep("case a in a) ", 5_000), deep},
		"signs":          {"((" + rep("- ", 30_000), deep},
		"tests":          {"[[ " + rep("a && ", 13_000), deep},
		"indices":        {rep("${a[", 9_000), deep},
		"functions":      {rep("f() ", 16_000), deep},
		"long":           {rep("a\n", 150<<10), long},
		"a list":         {"a" + rep(" && a", 13_000), ""},
		"pipes":          {"a" + rep(" | a", 15_000), ""},
		"branches":       {"if a; then b; " + rep("elif a; then b; ", 4_000) + "fi", ""},
		"some":           {rep("(", 200) + "a" + rep(")", 200), ""},
		"one on another": {rep("(a $(b))\n", 20_000), ""},
	} {
		for path, before := range map[string]string{"scripts.preRun": "", "dockerfile": "RUN b\nRUN <<A\n"} {
			text := c.text
			if before != "" {
				text = before + c.text + "\nA\n"
			}
			var at []int
			for _, f := range Check(desired(map[string]map[string]any{"e": {path: text}})) {
				if f.Severity == schema.Error && f.Code != "DC703" || f.Code == "DC714" {
					t.Errorf("%s: %s %.200s", name, f.Code, f.Message)
				}
				if f.Code == "DC703" && strings.Contains(f.Message, c.says) {
					at = append(at, f.At[0].Offset)
				}
			}
			if told := len(at) == 1; told != (c.says != "") || told && (at[0] < len(before) || at[0] > len(text)) {
				t.Errorf("%s of %s: told at %d", path, name, at)
			}
		}
	}
}
