package aws

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"domctl.dev/internal/port"
)

const (
	sendCommand        = "ssm:SendCommand"
	commandInvocation  = "ssm:GetCommandInvocation"
	instanceInfo       = "ssm:DescribeInstanceInformation"
	runShellScript     = "AWS-RunShellScript"
	delivery           = 60 * time.Second // within which an agent must fetch a command
	mostStdout         = 24_000
	mostStderr         = 8_000
	noCommandID        = "00000000-0000-0000-0000-000000000000"
	executionTimedOut  = "ExecutionTimedOut"
	waitBeyondDelivery = 30 * time.Second
)

// Reachable says whether the machine's agent is online. Of a machine without an
// agent, or without a role that lets it in, SSM knows nothing.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html
func (c *Client) Reachable(ctx context.Context, m port.Machine) (bool, error) {
	key := "InstanceIds"
	in := &ssm.DescribeInstanceInformationInput{Filters: []types.InstanceInformationStringFilter{{Key: &key, Values: []string{m.ID}}}}
	out, err := ask(ctx, c, instanceInfo, c.ssm().DescribeInstanceInformation, in)
	if err != nil {
		return false, err
	}
	for _, i := range out.InstanceInformationList {
		if str(i.InstanceId) == m.ID {
			return i.PingStatus == types.PingStatusOnline, nil
		}
	}
	return false, nil
}

// RunScript sends the script to the machine's agent and waits for it to end. SSM
// keeps it for thirty days, and has neither a standard input nor a token: an
// answer that is lost leaves open whether it runs.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
func (c *Client) RunScript(ctx context.Context, m port.Machine, s port.Script) (out port.Output, err error) {
	switch {
	case len(s.Input) > 0:
		return out, fmt.Errorf("AWS %s: instance %s: a script %w; let it read an SSM parameter", sendCommand, m.ID, port.ErrInput)
	case s.Timeout < time.Second:
		return out, fmt.Errorf("AWS %s: instance %s: a script needs a timeout", sendCommand, m.ID)
	}
	document, deliver := runShellScript, int32(delivery.Seconds())
	in := &ssm.SendCommandInput{DocumentName: &document, InstanceIds: []string{m.ID}, TimeoutSeconds: &deliver, Parameters: map[string][]string{
		"commands": {s.Text}, "executionTimeout": {strconv.FormatInt(int64(s.Timeout.Round(time.Second).Seconds()), 10)}}}
	sent, err := ask(ctx, c, sendCommand, c.ssm().SendCommand, in, func(o *ssm.Options) { o.Retryer = once() })
	if err != nil {
		return out, err
	}
	if sent.Command == nil || str(sent.Command.CommandId) == "" {
		return out, fmt.Errorf("AWS %s: instance %s: the answer has no command id; whether the script runs is open", sendCommand, m.ID)
	}
	return c.invocation(ctx, m.ID, *sent.Command.CommandId, s.Timeout)
}

// invocation polls until the command has ended, for as long as it may take.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
func (c *Client) invocation(ctx context.Context, instance, command string, most time.Duration) (port.Output, error) {
	in := &ssm.GetCommandInvocationInput{CommandId: &command, InstanceId: &instance}
	for range int((most+delivery+waitBeyondDelivery)/c.cfg.Poll) + 1 {
		if err := c.cfg.Wait(ctx, c.cfg.Poll); err != nil {
			return port.Output{}, told{fmt.Sprintf("AWS %s: cancelled; command %s may run on instance %s for up to %s", commandInvocation, command, instance, most), err, ""}
		}
		out, err := ask(ctx, c, commandInvocation, c.ssm().GetCommandInvocation, in)
		switch {
		case errors.Is(err, port.ErrNotFound): // not yet
		case err != nil:
			return port.Output{}, err
		case !under(out.Status):
			return ended(instance, command, out)
		}
	}
	return port.Output{}, told{fmt.Sprintf("AWS %s: command %s on instance %s: SSM tells no end of it; whether it ran is open", commandInvocation, command, instance), port.ErrLost, ""}
}

// under says that a command has not ended.
func under(s types.CommandInvocationStatus) bool {
	switch s {
	case types.CommandInvocationStatusPending, types.CommandInvocationStatusInProgress, types.CommandInvocationStatusDelayed, types.CommandInvocationStatusCancelling:
		return true
	}
	return false
}

func ended(instance, command string, i *ssm.GetCommandInvocationOutput) (out port.Output, err error) {
	details := strings.ReplaceAll(str(i.StatusDetails), " ", "")
	failed := func(is error, what string) error {
		return told{fmt.Sprintf("AWS %s: command %s on instance %s: %s", commandInvocation, command, instance, what), is, ""}
	}
	switch {
	case i.Status == types.CommandInvocationStatusTimedOut && details == executionTimedOut:
		return out, failed(port.ErrTimeout, "the script was ended at its timeout")
	case i.Status == types.CommandInvocationStatusSuccess, i.Status == types.CommandInvocationStatusFailed && i.ResponseCode > 0:
		out = port.Output{Stdout: str(i.StandardOutputContent), Stderr: str(i.StandardErrorContent), Exit: int(i.ResponseCode)}
		out.Cut = truncated(out.Stdout, mostStdout) || truncated(out.Stderr, mostStderr)
		return out, nil
	case i.Status == types.CommandInvocationStatusCancelled:
		return out, failed(nil, "someone cancelled it")
	}
	return out, failed(port.ErrState, "it was not run: "+string(i.Status)+" ("+details+")")
}

// truncated: the agent cuts at the limit, and ends with a remark.
// https://github.com/aws/amazon-ssm-agent (agent/framework/processor/executer/iohandler)
func truncated(text string, most int) bool {
	text = strings.TrimSpace(text)
	return len(text) >= most || strings.HasSuffix(strings.TrimRight(strings.ToLower(text), "-"), "--output truncated")
}
