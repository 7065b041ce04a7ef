package worldtest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

const sendCommand = "Systems Manager API Reference, SendCommand"

func shellCases() []Case {
	return []Case{
		{Name: "Shell/Reachable", Source: "Systems Manager API Reference, InstanceInformation, PingStatus", run: reachable},
		{Name: "Shell/NotRunning", Source: sendCommand + ", InvalidInstanceId", run: notRunning},
		{Name: "Shell/TimeoutIsStated", Source: "Systems Manager User Guide, AWS-RunShellScript, executionTimeout", run: timeoutStated},
		{Name: "RunScript/Output", Source: "Systems Manager API Reference, GetCommandInvocation; POSIX, sh", run: scriptOutput},
		{Name: "RunScript/Status", Source: "Systems Manager API Reference, GetCommandInvocation, ResponseCode", run: scriptStatus},
		{Name: "RunScript/EndsAtItsTimeout", Source: "Systems Manager User Guide, Understanding command statuses, Execution Timed Out", run: scriptTimeout},
		{Name: "RunScript/OutputIsCut", Source: "Systems Manager API Reference, GetCommandInvocation, StandardOutputContent", run: scriptCut},
		{Name: "RunScript/FilesStay", Source: "POSIX, sh", run: scriptFiles},
	}
}

func machineOf(i port.Instance) port.Machine { return port.Machine{ID: i.ID, Address: i.PrivateIP} }

func reachable(t *testing.T, w World) {
	i := launch(t, w, map[string]string{"name": "x"})
	if yes := value(w.Shell.Reachable(background(), machineOf(i)))(t); !yes {
		t.Error("a running instance is not reachable")
	}
	must(t, w.EC2.StopInstance(background(), i.ID))
	w.Settle(t)
	if yes := value(w.Shell.Reachable(background(), machineOf(i)))(t); yes {
		t.Error("a stopped instance is reachable")
	}
	if yes := value(w.Shell.Reachable(background(), port.Machine{ID: "i-00000000000000000"}))(t); yes {
		t.Error("what is missing is reachable")
	}
}

func script(text string) port.Script { return port.Script{Text: text, Timeout: time.Minute} }

func notRunning(t *testing.T, w World) {
	i := launch(t, w, map[string]string{"name": "x"})
	must(t, w.EC2.StopInstance(background(), i.ID))
	w.Settle(t)
	if _, err := w.Shell.RunScript(background(), machineOf(i), script("true")); !errors.Is(err, port.ErrState) {
		t.Errorf("a script on a stopped instance: %v, want ErrState", err)
	}
}

func timeoutStated(t *testing.T, w World) {
	i := launch(t, w, map[string]string{"name": "x"})
	if _, err := w.Shell.RunScript(background(), machineOf(i), port.Script{Text: "true"}); err == nil {
		t.Error("a script without a timeout is run")
	}
}

func ran(t *testing.T, w World, text string) port.Output {
	t.Helper()
	return value(w.Shell.RunScript(background(), machineOf(launch(t, w, map[string]string{"name": "x"})), script(text)))(t)
}

func scriptOutput(t *testing.T, w World) {
	out := ran(t, w, "set -eu\nfor word in a \"b c\"; do\n  echo \"<$word>\"\ndone\necho bad >&2\n")
	if out != (port.Output{Stdout: "<a>\n<b c>\n", Stderr: "bad\n"}) {
		t.Errorf("output is %+v", out)
	}
}

func scriptStatus(t *testing.T, w World) {
	out := ran(t, w, "echo before\nfalse || exit 7\necho after\n")
	if out != (port.Output{Stdout: "before\n", Exit: 7}) {
		t.Errorf("output is %+v", out)
	}
}

func scriptTimeout(t *testing.T, w World) {
	m := machineOf(launch(t, w, map[string]string{"name": "x"}))
	out, err := w.Shell.RunScript(background(), m, port.Script{Text: "while :; do :; done", Timeout: time.Second})
	if !errors.Is(err, port.ErrTimeout) {
		t.Errorf("a script without an end: %+v, %v; want ErrTimeout", out, err)
	}
}

func scriptCut(t *testing.T, w World) {
	out := ran(t, w, "i=0\nwhile [ $i -lt 3000 ]; do echo 0123456789; i=$((i+1)); done\n")
	if !strings.HasPrefix(out.Stdout, "0123456789\n") || !out.Cut && len(out.Stdout) != 33000 || out.Cut && len(out.Stdout) > 24000 {
		t.Errorf("output is of %d characters, cut %v", len(out.Stdout), out.Cut)
	}
}

func scriptFiles(t *testing.T, w World) {
	i := launch(t, w, map[string]string{"name": "x"})
	value(w.Shell.RunScript(background(), machineOf(i), script("mkdir -p /var/lib/domctl && echo kept > /var/lib/domctl/mark")))(t)
	out := value(w.Shell.RunScript(background(), machineOf(i), script("[ -f /var/lib/domctl/mark ] && cat /var/lib/domctl/mark")))(t)
	if out.Stdout != "kept\n" || out.Exit != 0 {
		t.Errorf("output is %+v", out)
	}
}
