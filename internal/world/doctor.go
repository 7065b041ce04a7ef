package world

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// Check is one thing that was looked at: Do says what to do about one that
// failed.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`             // no failure
	Open   bool   `json:"open,omitempty"` // it cannot be told, which is no failure either
	Detail string `json:"detail"`
	Do     string `json:"do,omitempty"`
}

func passed(name, format string, args ...any) Check {
	return Check{Name: name, OK: true, Detail: fmt.Sprintf(format, args...)}
}

func failed(name, do, format string, args ...any) Check {
	return Check{Name: name, Detail: fmt.Sprintf(format, args...), Do: do}
}

// unread is the check of a read that failed.
func unread(name string, err error) Check {
	return Unanswered(name, "look at the message; run again once it is mended", err)
}

// Unanswered is the check of what did not answer as it should. do is for errors
// that are neither a denial nor the end of domctl's own patience.
func Unanswered(name, do string, err error) Check {
	switch {
	case errors.Is(err, port.ErrDenied):
		do = "give the permission; domctl doctor --policies prints what is needed"
	case errors.Is(err, context.Canceled):
		return failed(name, "run again, and let it end", "cancelled before it answered")
	case errors.Is(err, context.DeadlineExceeded):
		do = "look whether it can be reached from here, then run again"
	}
	return failed(name, do, "%v", err)
}

// Checks look at the outside without writing: who answers, what the database
// holds, and which reads AWS allows. Systems that do not answer cost one check
// each, not the rest.
func (w *World) Checks(ctx context.Context, d schema.Desired) []Check {
	parts := make([][]Check, 5)
	_ = sideBySide(
		func() error { parts[0] = w.checkWho(ctx); return nil },
		func() error { parts[1] = w.checkMongo(ctx, d); return nil },
		func() error { parts[2] = w.checkDomino(ctx, d); return nil },
		func() error { parts[3] = w.checkEnvironments(ctx, d); return nil },
		func() error { parts[4] = w.checkAWS(ctx, d); return nil })
	return slices.Concat(parts...)
}

func (w *World) checkWho(ctx context.Context) (checks []Check) {
	const name = "AWS account and region"
	id, err := w.identifyAWS(ctx)
	switch {
	case w.Deployment.AWS.Account == "":
		checks = append(checks, failed(name, "state deployment.aws.account and region, so that no other account is ever changed", "the deployment does not name them"))
	case err != nil:
		checks = append(checks, unread(name, err))
	default:
		checks = append(checks, passed(name, "%s, %s", id.Account, id.Region))
	}
	return checks
}

// Uses are, by collection, the calls of port.Documents that a plan makes of it or,
// for apply, an apply.
func Uses(d schema.Deployment, apply bool) map[string][]string {
	calls := map[string][]string{}
	w := World{Deployment: d}
	add := func(collection string, names ...string) {
		for _, name := range names {
			if !slices.Contains(calls[collection], name) {
				calls[collection] = append(calls[collection], name)
			}
		}
	}
	for _, name := range schema.Sorted(kinds()) {
		for _, u := range w.usesOf(name) {
			add(u.collection, "Count")
		}
		k := kinds()[name]
		if k.documents == nil {
			continue
		}
		reads, writes := k.documents(d)
		for _, c := range reads {
			add(c, "Find")
		}
		for c, names := range writes {
			if apply {
				add(c, names...)
			}
		}
	}
	return calls
}
