package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"domctl.dev/internal/port"
)

// told is an error with a text of ours, and only the kind of it: the SDK's own
// error repeats the request.
type told struct {
	text string
	is   error
	code string // AWS's; "" when AWS did not answer
}

// coded says whether AWS answered an error of this code.
func coded(err error, code string) bool {
	var t told
	return errors.As(err, &t) && t.code == code
}

func (t told) Error() string { return t.text }
func (t told) Unwrap() error { return t.is }

// explain words an API call's error: operation, AWS's code and message, and what
// to do where that is known. Error codes are those of the services' "Common
// errors" and operation pages.
func (c *Client) explain(ctx context.Context, name string, err error) error {
	at := "AWS " + name + c.place
	var api smithy.APIError
	var last error
	if kept, ok := ctx.Value(lastKey{}).(*error); ok && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		last = *kept
	}
	if errors.As(last, &api) {
		err = last
	}
	switch {
	case errors.As(err, &api):
		is := kindOf(api)
		return told{fmt.Sprintf("%s: %s%s", at, c.message(name, api), hint(is, api.ErrorCode())), is, api.ErrorCode()}
	case errors.Is(ctx.Err(), context.Canceled):
		return told{at + ": cancelled before it answered", context.Canceled, ""}
	case ctx.Err() != nil:
		return told{fmt.Sprintf("%s: no answer within %s%s", at, c.cfg.Timeout, unanswered(name, last)), context.DeadlineExceeded, ""}
	}
	return told{at + ": " + reason(err), nil, ""}
}

// unanswered is what can be said of a call without an answer: what stood in the
// way last, and of a write that it may have been done.
func unanswered(name string, last error) (text string) {
	if last != nil {
		text = ": " + reason(last)
	}
	if !slices.ContainsFunc(reads(), func(p Permission) bool { return p.Call == name }) {
		text += "; whether AWS did it is open"
	}
	return text
}

// reason is an error that is not AWS's answer: no credentials, no connection.
func reason(err error) string {
	text := err.Error()
	if strings.Contains(text, "get credentials") || strings.Contains(text, "failed to retrieve credentials") {
		return "no AWS credentials can be had: look at deployment.aws.profile, AWS_PROFILE or the role of this machine: " + innermost(err)
	}
	if dial := unreached(err); dial != nil {
		return dial.Error() + ": look at deployment.aws.region, AWS_ENDPOINT_URL and the way out from here"
	}
	return innermost(err)
}

func innermost(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil || next.Error() == "" {
			return err.Error()
		}
		err = next
	}
}

// message is AWS's code and text. A launch configuration's user data could be
// in the text, and that of the template made of it, so it gets the code alone; an encoded authorization message is
// of no use to a reader.
func (c *Client) message(name string, api smithy.APIError) string {
	text, _, _ := strings.Cut(api.ErrorMessage(), " Encoded authorization failure message")
	if name == createConfiguration || name == createTemplate || text == "" {
		return api.ErrorCode()
	}
	return api.ErrorCode() + ": " + strings.ReplaceAll(strings.TrimSpace(text), "\n", " ")
}

func hint(is error, code string) string {
	switch {
	case strings.Contains(code, "Expired"):
		return ": the credentials have expired, sign in again"
	case code == "NoSuchBucket":
		return ": look at deployment.state.s3"
	case code == "InsufficientInstanceCapacity":
		return ": try again later, or name another instance type or subnet"
	case errors.Is(is, port.ErrDenied):
		return ": domctl doctor --policies prints the permissions needed"
	case errors.Is(is, port.ErrThrottled):
		return ": AWS throttles this account, try again later"
	}
	return ""
}

// kindOf is what an error means to the callers of the ports; nil for no kind.
func kindOf(api smithy.APIError) error {
	code, text := api.ErrorCode(), api.ErrorMessage()
	if _, throttled := retry.DefaultThrottleErrorCodes[code]; throttled {
		return port.ErrThrottled
	}
	if is, known := codes()[code]; known {
		return is
	}
	switch {
	case strings.Contains(code, "NotFound") || strings.HasSuffix(strings.ToLower(code), "id.malformed") || strings.HasSuffix(code, "DoesNotExist"):
		return port.ErrNotFound
	case strings.HasSuffix(code, ".Duplicate") || strings.Contains(code, "AlreadyExists"):
		return port.ErrDuplicate
	// Auto Scaling has one code for everything it refuses.
	case code == "ValidationError" && says(text, "violate group's min size", "without a desired configuration"):
		return port.ErrState
	case code == "ValidationError" && says(text, "not found", "not exist", "ould not find"):
		return port.ErrNotFound
	}
	return nil
}

func says(text string, any ...string) bool {
	return slices.ContainsFunc(any, func(s string) bool { return strings.Contains(text, s) })
}

func codes() map[string]error {
	return map[string]error{
		"DryRunOperation":              errDryRun,
		"UnauthorizedOperation":        port.ErrDenied,
		"AccessDenied":                 port.ErrDenied,
		"AccessDeniedException":        port.ErrDenied,
		"Forbidden":                    port.ErrDenied,
		"AuthFailure":                  port.ErrDenied,
		"OptInRequired":                port.ErrDenied,
		"InvalidClientTokenId":         port.ErrDenied,
		"UnrecognizedClientException":  port.ErrDenied,
		"InvalidAccessKeyId":           port.ErrDenied,
		"SignatureDoesNotMatch":        port.ErrDenied,
		"ExpiredToken":                 port.ErrDenied,
		"ExpiredTokenException":        port.ErrDenied,
		"RequestExpired":               port.ErrDenied,
		"IdempotentParameterMismatch":  port.ErrMismatch,
		"IdempotentInstanceTerminated": port.ErrTerminated,
		"IncorrectInstanceState":       port.ErrState,
		"IncorrectState":               port.ErrState,
		"InvalidAMIID.Unavailable":     port.ErrNotFound, // deregistered, or not available yet
		"ResourceInUse":                port.ErrInUse,
		"ResourceInUseFault":           port.ErrInUse,
		"ResourceInUseException":       port.ErrInUse,
		"InstanceRefreshInProgress":    port.ErrInUse,
		"ResourceContention":           port.ErrInUse,
		"ScalingActivityInProgress":    port.ErrInUse,
		"InvalidSnapshot.InUse":        port.ErrInUse,
		"VolumeInUse":                  port.ErrInUse,
		"InvalidGroup.InUse":           port.ErrInUse,
		"DependencyViolation":          port.ErrInUse,
		"InvalidAMIName.Duplicate":     port.ErrDuplicate,
		"AlreadyExists":                port.ErrDuplicate,
		"InvalidInstanceId":            port.ErrState, // SSM: not online, or no agent that it knows
		"InvocationDoesNotExist":       port.ErrNotFound,
		"InvalidCommandId":             port.ErrNotFound,
		"NoSuchKey":                    port.ErrNotFound,
	}
}
