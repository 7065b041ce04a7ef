package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

// agent answers SSM's calls: the invocations in turn, the last for ever.
func agent(t *testing.T, invocations ...string) (*fake, *Client) {
	f := startFake(t, func(q request) (int, string) {
		switch q.action {
		case "SendCommand":
			return http.StatusOK, `{"Command": {"CommandId": "c-1"}}`
		case "DescribeInstanceInformation":
			return http.StatusOK, `{"InstanceInformationList": [{"InstanceId": "i-1", "PingStatus": "Online"}, {"InstanceId": "i-2", "PingStatus": "ConnectionLost"}]}`
		}
		next := invocations[0]
		if len(invocations) > 1 {
			invocations = invocations[1:]
		}
		if code, ok := strings.CutPrefix(next, "!"); ok {
			return http.StatusBadRequest, refusal(q, code, "no")
		}
		return http.StatusOK, next
	})
	return f, f.open(Config{})
}

func invoked(status, details string, code int, out, err string) string {
	return fmt.Sprintf(`{"Status": %q, "StatusDetails": %q, "ResponseCode": %d, "StandardOutputContent": %q, "StandardErrorContent": %q}`, status, details, code, out, err)
}

var script = port.Script{Text: "set -eu\necho \"$0\"", Timeout: 90 * time.Second}

func TestRunScript(t *testing.T) {
	under := invoked("InProgress", "InProgress", -1, "", "")
	for name, c := range map[string]struct {
		answers []string
		want    port.Output
	}{
		"success":             {[]string{"!InvocationDoesNotExist", invoked("Pending", "Pending", -1, "", ""), under, invoked("Success", "Success", 0, "out", "err")}, port.Output{Stdout: "out", Stderr: "err"}},
		"another status":      {[]string{under, invoked("Failed", "Failed", 7, "", "no")}, port.Output{Stderr: "no", Exit: 7}},
		"cut by its length":   {[]string{invoked("Success", "Success", 0, strings.Repeat("x", 24000), "")}, port.Output{Stdout: strings.Repeat("x", 24000), Cut: true}},
		"cut with a remark":   {[]string{invoked("Success", "Success", 0, "a--output truncated--", "")}, port.Output{Stdout: "a--output truncated--", Cut: true}},
		"cut, other remark":   {[]string{invoked("Success", "Success", 0, "", "a\n---Output truncated---")}, port.Output{Stderr: "a\n---Output truncated---", Cut: true}},
		"throttled meanwhile": {[]string{"!ThrottlingException", invoked("Success", "Success", 0, "out", "")}, port.Output{Stdout: "out"}},
	} {
		f, cl := agent(t, c.answers...)
		out, err := cl.RunScript(t.Context(), port.Machine{ID: "i-1"}, script)
		if out != c.want || err != nil {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
		if sent := f.requests()[0].body; !strings.Contains(sent, `"executionTimeout":["90"]`) || !strings.Contains(sent, `"AWS-RunShellScript"`) || strings.Contains(sent, "Targets") {
			t.Errorf("%s: sent %s", name, sent)
		}
	}
}

func TestRunScriptFails(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		is     error
		says   string
	}{
		"timed out":       {invoked("TimedOut", "Execution Timed Out", -1, "", ""), port.ErrTimeout, "ended at its timeout"},
		"never delivered": {invoked("TimedOut", "Delivery Timed Out", -1, "", ""), port.ErrState, "was not run"},
		"undeliverable":   {invoked("Failed", "Undeliverable", -1, "", ""), port.ErrState, "was not run"},
		"cancelled":       {invoked("Cancelled", "Cancelled", -1, "", ""), nil, "someone cancelled it"},
		"denied":          {"!AccessDeniedException", port.ErrDenied, "AccessDenied"},
		"never told":      {"!InvocationDoesNotExist", port.ErrLost, "whether it ran is open"},
	} {
		_, cl := agent(t, c.answer)
		_, err := cl.RunScript(t.Context(), port.Machine{ID: "i-1"}, port.Script{Text: "true", Timeout: time.Second})
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRunScriptRefusesInput(t *testing.T) {
	f, cl := agent(t, "")
	_, err := cl.RunScript(t.Context(), port.Machine{ID: "i-1"}, port.Script{Text: "cat", Input: []byte("canary"), Timeout: time.Minute})
	if !errors.Is(err, port.ErrInput) || strings.Contains(err.Error(), "canary") || len(f.requests()) != 0 {
		t.Errorf("%v after %d requests", err, len(f.requests()))
	}
	if _, err := cl.RunScript(t.Context(), port.Machine{ID: "i-1"}, port.Script{Text: "cat"}); err == nil || len(f.requests()) != 0 {
		t.Errorf("without a timeout: %v", err)
	}
}

func TestRunScriptIsBrokenOff(t *testing.T) {
	_, cl := agent(t, invoked("InProgress", "InProgress", -1, "", ""))
	ctx, cancel := context.WithCancel(t.Context())
	cl.cfg.Wait = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	_, err := cl.RunScript(ctx, port.Machine{ID: "i-1"}, script)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "may run on instance i-1 for up to 1m30s") {
		t.Errorf("%v", err)
	}
}

func TestReachable(t *testing.T) {
	_, cl := agent(t, "")
	for id, want := range map[string]bool{"i-1": true, "i-2": false, "i-3": false} {
		if got, err := cl.Reachable(t.Context(), port.Machine{ID: id}); got != want || err != nil {
			t.Errorf("%s: %v, %v", id, got, err)
		}
	}
}
