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
		"a long list": {"RUN " + rep("a &&\\\n", 600_000) + "a\n", 1},
		"parameters":  {"RUN <<A " + rep("${a:-\\\n", 1_000_000) + "\nA\n", 0},
		"triggers":    {rep("ONBUILD --a=b \\\n", 600_000) + "RUN a\n", 0},
		"many":        {rep("RUN echo ${A}\nONBUILD RUN a\n", 20_000), 40_000},
		"brackets":    {"CMD " + rep("[\\\n", 1_000_000) + "\n", 1},
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
