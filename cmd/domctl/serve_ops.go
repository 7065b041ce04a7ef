package main

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/metrics"
	"domctl.dev/internal/notify"
	"domctl.dev/internal/port"
	"domctl.dev/internal/traces"
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

// eachOf tells several what happens; nil is nobody.
func eachOf(all ...func(applier.Event)) func(applier.Event) {
	return func(e applier.Event) {
		for _, tell := range all {
			if tell != nil {
				tell(e)
			}
		}
	}
}

// logger writes the controller's log.
func (a *app) logger(l config.Log) *slog.Logger {
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(a.stderr, l.Options()))
	}
	return slog.New(slog.NewTextHandler(a.stderr, l.Options()))
}

// observers hear how the work goes; traced ends them.
func (s serving) observers(ctx context.Context, log *slog.Logger, counts *metrics.Metrics) (o gitops.Observer, traced func(), err error) {
	endpoint := strings.TrimSuffix(s.config.Traces.Endpoint, "/")
	if endpoint == "" && !traces.Wanted(os.Getenv) {
		return counts, func() {}, nil
	}
	version := ""
	if info := buildInfo(); info != nil {
		version = info.Main.Version
	}
	t, err := traces.Open(ctx, traces.Config{Endpoint: endpoint, Version: version, Log: log})
	if err != nil {
		return nil, nil, err
	}
	return gitops.Observers{counts, t}, func() { t.Close(ctx) }, nil
}

// audiences are who is told of a deployment.
func (s serving) audiences(of config.Deployment) (all []gitops.Audience) {
	for _, name := range of.Notify {
		c := s.config.Notify[name]
		all = append(all, gitops.Audience{Name: name, Events: c.Events, To: notify.Slack{URL: func() (string, error) { return s.text(c.URL) }}})
	}
	return all
}
