package main

import (
	"context"
	"runtime/debug"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/metrics"
	"domctl.dev/internal/notify"
	"domctl.dev/internal/port"
)

// buildInfo is what is known of this program's build; nil: nothing.
func buildInfo() *debug.BuildInfo {
	info, _ := debug.ReadBuildInfo()
	return info
}

// stepsHeard tells those who listen how steps of an apply ended.
func stepsHeard(ctx context.Context) func(applier.Event) {
	return func(e applier.Event) {
		if e.Kind == applier.KindDone || e.Kind == applier.KindUndone || e.Kind == applier.KindFailed {
			port.Heard(ctx, port.Call{System: metrics.StepSystem, Operation: string(e.Kind), Took: e.Elapsed, Failed: e.Kind != applier.KindDone})
		}
	}
}

// audiences are who is told of a deployment.
func (s serving) audiences(of gitops.Deployment) (all []gitops.Audience) {
	for _, name := range of.Notify {
		c := s.config.Notify[name]
		all = append(all, gitops.Audience{Name: name, Events: c.Events, To: notify.Slack{URL: func() (string, error) { return s.text(c.URL) }}})
	}
	return all
}
