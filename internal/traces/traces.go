// Package traces sends what a controller's work took to whoever collects traces, as
// OpenTelemetry's protocol over HTTP has it: a span for a Turn, and in it for a plan, an
// apply, its steps, and each call to an outside system; and one for a look at pull
// requests, and in it for each that is planned or heard. It is a gitops.Observer, and
// alone imports OpenTelemetry's libraries. Where nobody collects, nothing of it is made.
package traces

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
)

// Config says who collects.
type Config struct {
	// Endpoint is an address of OTLP over HTTP ("https://otel.acme.example:4318"); empty:
	// what OTEL_EXPORTER_OTLP_ENDPOINT and its like say. Headers and the rest of the
	// standard variables count in either case.
	Endpoint string
	Version  string // of the program
	Log      *slog.Logger
}

// Wanted says whether the environment names somebody who collects.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
func Wanted(getenv func(string) string) bool {
	return getenv("OTEL_SDK_DISABLED") != "true" && (getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "")
}

// Traces are those of one controller.
type Traces struct {
	provider *trace.TracerProvider
	tracer   api.Tracer
}

// Open makes them; nothing is sent yet. Whoever opened them calls Close.
func Open(ctx context.Context, c Config) (*Traces, error) {
	var options []otlptracehttp.Option
	if c.Endpoint != "" {
		options = append(options, otlptracehttp.WithEndpointURL(c.Endpoint+"/v1/traces"))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	described, err := resource.New(ctx, resource.WithFromEnv(), resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "domctl"), attribute.String("service.version", c.Version)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	p := trace.NewTracerProvider(trace.WithBatcher(&said{SpanExporter: exporter, log: c.Log}), trace.WithResource(described))
	return &Traces{p, p.Tracer("domctl.dev")}, nil
}

// Close sends what is left, for a few seconds at most.
func (t *Traces) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what failed was said
}

// said says in the log, once as long as it lasts, that nobody takes the spans.
type said struct {
	trace.SpanExporter
	log  *slog.Logger
	down atomic.Bool
}

// ExportSpans is trace.SpanExporter's.
func (s *said) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	err := s.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		s.down.Store(false)
	} else if !s.down.Swap(true) {
		s.log.Warn("traces are not taken", "error", err)
	}
	return nil
}

// Begin is gitops.Observer's. That a replica acts, for days, is no span.
func (t *Traces) Begin(ctx context.Context, w gitops.Work) (context.Context, func(string)) {
	if w.Kind == gitops.ActWork {
		return ctx, func(string) {}
	}
	ctx, span := t.tracer.Start(ctx, string(w.Kind))
	if w.Deployment != "" {
		span.SetAttributes(attribute.String("domctl.deployment", w.Deployment))
	}
	if w.Repository != "" {
		span.SetAttributes(attribute.String("domctl.repository", w.Repository))
	}
	if w.Name != "" {
		span.SetAttributes(attribute.String("domctl.name", w.Name))
	}
	switch w.Kind {
	case gitops.TurnWork, gitops.LookWork, gitops.PullsWork:
		ctx = port.Hearing(ctx, t.heard)
	}
	return ctx, func(outcome string) {
		span.SetAttributes(attribute.String("domctl.outcome", outcome))
		if outcome == "error" || outcome == "failed" || outcome == "panicked" {
			span.SetStatus(codes.Error, outcome)
		}
		span.End()
	}
}

// heard makes a span of a call that ended.
func (t *Traces) heard(ctx context.Context, c port.Call) {
	now := time.Now()
	_, span := t.tracer.Start(ctx, c.System+" "+c.Operation, api.WithTimestamp(now.Add(-c.Took)), api.WithSpanKind(api.SpanKindClient))
	if c.Failed {
		span.SetStatus(codes.Error, "")
	}
	span.End(api.WithTimestamp(now))
}

// Stands is gitops.Observer's; spans say it.
func (t *Traces) Stands(string, gitops.Turned, time.Time, error) {}

// Drifted is gitops.Observer's; spans say it.
func (t *Traces) Drifted(string, gitops.Drift) {}
