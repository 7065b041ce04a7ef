package aws

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"domctl.dev/internal/port"
)

// Call is one attempt of an API call. Service is as IAM writes it ("ec2",
// "autoscaling"), Attempt counts from 1, and Code is AWS's error code, "" for
// success and "-" for no answer.
type Call struct {
	Service, Operation string
	Attempt            int
	Code               string
}

type attemptKey struct{}

// observing adds to an operation's stack what counts its attempts: a counter
// around the retries, and a listener within them.
func observing(observe func(Call)) []func(*middleware.Stack) error {
	count := middleware.InitializeMiddlewareFunc("domctlCount", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		return next.HandleInitialize(middleware.WithStackValue(ctx, attemptKey{}, new(int)), in)
	})
	listen := middleware.FinalizeMiddlewareFunc("domctlListen", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		began := time.Now()
		out, metadata, err := next.HandleFinalize(ctx, in)
		n, _ := middleware.GetStackValue(ctx, attemptKey{}).(*int)
		*n++
		c := Call{iamName(awsmiddleware.GetServiceID(ctx)), awsmiddleware.GetOperationName(ctx), *n, codeOf(err)}
		port.Heard(ctx, port.Call{System: c.Service, Operation: c.Operation, Took: time.Since(began), Failed: c.Code != ""})
		if observe != nil {
			observe(c)
		}
		return out, metadata, err
	})
	return []func(*middleware.Stack) error{func(s *middleware.Stack) error {
		if err := s.Initialize.Add(count, middleware.Before); err != nil {
			return err
		}
		return s.Finalize.Insert(listen, "Retry", middleware.After)
	}}
}

type lastKey struct{}

// remembering keeps the last error before the deadline for explain: when that
// comes between two attempts, or in one, the SDK tells of the deadline alone.
func remembering(s *middleware.Stack) error {
	return s.Finalize.Insert(middleware.FinalizeMiddlewareFunc("domctlRemember", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleFinalize(ctx, in)
		if last, ok := ctx.Value(lastKey{}).(*error); ok && ctx.Err() == nil {
			*last = err
		}
		return out, metadata, err
	}), "Retry", middleware.After)
}

func iamName(serviceID string) string { return strings.ToLower(strings.ReplaceAll(serviceID, " ", "")) }

func codeOf(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return "-"
}

// once is the retryer of writes.
func once() aws.Retryer { return aws.NopRetryer{} }
