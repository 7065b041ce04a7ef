package world

import (
	"os/exec"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// odd are names that would move a cursor, name a window, or hide what follows.
var odd = []string{"a\x1b[2Jb", "a\x1b]0;x\x07", "a\u009b31m", "a\u202egnp.sh", "it's 100% \\n\x1b", "line\nbreaks\x1b\n\n", "\x7f"}

// TestScriptsHoldNothingThatATerminalActsOn: they are shown on one before they run.
func TestScriptsHoldNothingThatATerminalActsOn(t *testing.T) {
	for _, name := range odd {
		steps := []applier.Manual{
			{Apply: "a", Step: planner.Step{ID: "g", Op: "autoscaling.UpdateAutoScalingGroup", Object: planner.Ref("autoscaling/group#" + name),
				Writes: map[string]schema.Value{"launchConfiguration": schema.JSON(name)}, Args: map[string]schema.Value{},
				Expects: []planner.Expect{{Ref: planner.Ref("autoscaling/group#" + name), Path: "launchConfiguration", Value: schema.JSON(name)}}}},
			{Apply: "a", Step: planner.Step{ID: "c", Op: "autoscaling.CopyLaunchConfiguration", Object: planner.Ref("autoscaling/configuration#" + name),
				Writes: map[string]schema.Value{"image": schema.JSON("ami-1")}, Args: map[string]schema.Value{"from": schema.JSON(name)}}},
			{Apply: "a", Step: planner.Step{ID: "d", Op: "mongo.update", Object: planner.Ref("mongo/" + name + "#" + name), Address: schema.Address{Kind: "hardwareTiers", Name: name},
				Writes: map[string]schema.Value{"x": schema.JSON(name)}, Expects: []planner.Expect{{Ref: planner.Ref("mongo/" + name + "#" + name), Path: "x", Value: schema.JSON(name)}}}, Pre: planner.Raw{}},
		}
		for _, done := range []bool{false, true} {
			for _, tool := range []string{"aws", "mongosh"} {
				for i := range steps {
					steps[i].Done = done
				}
				text, n, _ := (&World{}).Script(tool, planner.World{Region: name, Database: name}, steps)
				if n == 0 || strings.ContainsFunc(text, unprintable) || strings.Contains(text, "knows no command") {
					t.Errorf("%q, %s, %d steps:\n%q", name, tool, n, text)
				}
			}
		}
	}
}

// TestShellWordsSayWhatTheyQuote asks a shell.
func TestShellWordsSayWhatTheyQuote(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no sh; put one on PATH to run this")
	}
	for _, name := range append(odd, "plain", "it's", "", "\n", "$(echo x)`echo y`\x1b") {
		out, err := exec.Command("sh", "-c", "printf %s "+sh(name)).Output()
		if err != nil || string(out) != name {
			t.Errorf("%s says %q, %v, want %q", sh(name), out, err, name)
		}
	}
}
