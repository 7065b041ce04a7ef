package traces_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
	"domctl.dev/internal/traces"
)

// listening takes spans as a collector does.
type listening struct {
	*httptest.Server
	mu     sync.Mutex
	spans  map[string]*otlp.Span // by name
	status int
	header string
}

func listen(t *testing.T) *listening {
	l := &listening{spans: map[string]*otlp.Span{}, status: http.StatusOK}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.header = r.Header.Get("Authorization")
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			unzipped, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = unzipped
		}
		text, err := io.ReadAll(body)
		var got collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(text, &got) != nil {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		if l.status == http.StatusOK {
			for _, rs := range got.ResourceSpans {
				for _, ss := range rs.ScopeSpans {
					for _, s := range ss.Spans {
						l.spans[s.Name] = s
					}
				}
			}
		}
		w.WriteHeader(l.status)
	}))
	t.Cleanup(l.Close)
	return l
}

func TestTraces(t *testing.T) {
	l := listen(t)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=sesame")
	o, err := traces.Open(t.Context(), traces.Config{Endpoint: l.URL, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, turned := o.Begin(t.Context(), gitops.Work{Kind: gitops.TurnWork, Deployment: "prod"})
	within, applied := o.Begin(ctx, gitops.Work{Kind: gitops.ApplyWork, Deployment: "prod"})
	port.Heard(within, port.Call{System: "ec2", Operation: "DescribeImages", Took: time.Second, Failed: true})
	applied("failed")
	turned("applying")
	o.Close(t.Context())
	turn, apply, call := l.spans["turn"], l.spans["apply"], l.spans["ec2 DescribeImages"]
	if turn == nil || apply == nil || call == nil {
		t.Fatalf("%v", l.spans)
	}
	if !bytes.Equal(apply.ParentSpanId, turn.SpanId) || !bytes.Equal(call.ParentSpanId, apply.SpanId) || hex.EncodeToString(call.TraceId) != hex.EncodeToString(turn.TraceId) {
		t.Error("the spans are not in each other")
	}
	if took := time.Duration(call.EndTimeUnixNano - call.StartTimeUnixNano); took != time.Second || call.Status.Code != otlp.Status_STATUS_CODE_ERROR || apply.Status.Code != otlp.Status_STATUS_CODE_ERROR || turn.Status.GetCode() != otlp.Status_STATUS_CODE_UNSET {
		t.Errorf("the call took %s", took)
	}
	if !strings.Contains(turn.String(), `"prod"`) || !strings.Contains(turn.String(), `"applying"`) || l.header != "sesame" {
		t.Errorf("%s", turn)
	}
}

// TestNobodyTakesThem: it is said once, and holds up nothing.
func TestNobodyTakesThem(t *testing.T) {
	l := listen(t)
	l.status = http.StatusBadRequest
	var log bytes.Buffer
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	o, err := traces.Open(t.Context(), traces.Config{Endpoint: l.URL, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, end := o.Begin(t.Context(), gitops.Work{Kind: gitops.PlanWork})
		end("ok")
		time.Sleep(30 * time.Millisecond)
	}
	o.Close(t.Context())
	if n := strings.Count(log.String(), "traces are not taken"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, log.String())
	}
}

func TestWanted(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x"}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "x"}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_SDK_DISABLED": "true"}, false},
	} {
		if got := traces.Wanted(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%v: %v", c.env, got)
		}
	}
}

// TestOff: where nobody listens a call that is told costs nothing, and nothing of
// OpenTelemetry's runs but between Open and Close.
func TestOff(t *testing.T) {
	ctx, c := context.Background(), port.Call{System: "ec2", Operation: "DescribeImages"}
	if n := testing.AllocsPerRun(100, func() { port.Heard(ctx, c) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	running := func() int {
		stacks := make([]byte, 1<<20)
		return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "opentelemetry")
	}
	if running() != 0 {
		t.Error("it runs without being asked for")
	}
	o, err := traces.Open(t.Context(), traces.Config{Endpoint: listen(t).URL, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); running() == 0; runtime.Gosched() { // a goroutine that never ran has no stack yet
		if time.Now().After(end) {
			t.Fatal("nothing runs, so that this test says nothing")
		}
	}
	o.Close(t.Context())
	if running() != 0 {
		t.Error("it runs on")
	}
}
