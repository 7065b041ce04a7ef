//go:build wire

package domino

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/wiretest"
	"domctl.dev/internal/worldtest"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// jobs stand for the state that the server does not have: what Prism is to answer for
// a job is asked for in the header that it takes.
type jobs map[string]string

func (j jobs) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if strings.Contains(r.URL.String(), "dead") {
		r.Header.Set("Prefer", "code=404")
	}
	if strings.HasSuffix(r.URL.Path, "/environmentRevision/65f100000000000000000011") {
		r.Header.Set("Prefer", "example=first")
	}
	if r.URL.Path == "/v4/jobs/start" || r.URL.Path == "/v4/jobs/stop" { // which name what they are about in their body
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if r.Body = io.NopCloser(bytes.NewReader(body)); bytes.Contains(body, []byte("dead")) {
			r.Header.Set("Prefer", "code=404")
		}
	} else if id, ok := strings.CutPrefix(r.URL.Path, "/v4/jobs/"); ok {
		id, _, _ = strings.Cut(id, "/")
		r.Header.Set("Prefer", "code=404")
		if example, ok := j[id]; ok {
			r.Header.Set("Prefer", "example="+example)
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// internal is a Domino that has the internal dialect alone.
type internal struct{ http.RoundTripper }

func (i internal) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if strings.HasPrefix(r.URL.Path, "/api/") {
		r.Header.Set("Prefer", "code=404")
	}
	if strings.HasSuffix(r.URL.Path, "/archive") { // which names the tier in its body
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if r.Body = io.NopCloser(bytes.NewReader(body)); bytes.Contains(body, []byte("dead")) {
			r.Header.Set("Prefer", "code=404")
		}
	}
	return i.RoundTripper.RoundTrip(r)
}

// TestWireContract: the server is made of hack/domino/openapi.yaml by Prism, so that a
// wrong path, method or header fails. Both ways to log in are proven.
func TestWireContract(t *testing.T) {
	url := wiretest.Domino(t)
	key := func(context.Context) (string, error) { return "key", nil }
	for name, c := range map[string]Config{"key": {URL: url, Key: key}, "token": {URL: url, Token: key}, "v4": {URL: url, Key: key}} {
		t.Run(name, func(t *testing.T) {
			worldtest.Run(t, func(t *testing.T) worldtest.World {
				known := jobs{}
				c.Transport = known
				if name == "v4" {
					c.Transport = internal{known}
				}
				client, err := Open(c)
				if err != nil {
					t.Fatal(err)
				}
				return worldtest.World{Domino: client, Put: worldtest.Put{Pull: func(t *testing.T, pull string) string {
					if pull == "2m10s" {
						pull = "pulled"
					}
					id := fmt.Sprintf("%024x", len(known)+1)
					known[id] = pull
					return id
				}, Environment: func(*testing.T, bool) (environment, revision string) { // those of the document's examples
					return "65f100000000000000000001", "65f100000000000000000011"
				}, Tier: func(*testing.T) {}, Settings: func(*testing.T) {}, Execution: func(*testing.T) {}, Executor: func(_ *testing.T, instance string) string {
					id := fmt.Sprintf("%024x", len(known)+1)
					if known[id] = "executor"; instance == "" {
						known[id] = "elsewhere"
					}
					return id
				}, Project: func(*testing.T) (project, tier string) { return "65d100000000000000000001", "small" }}}
			})
		})
	}
}

// TestWireRefusals: the server says no as the document has it.
func TestWireRefusals(t *testing.T) {
	url := wiretest.Domino(t)
	for header, want := range map[string]string{"X-Domino-Api-Key": "200 OK", "Api-Key": "401 Unauthorized"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v4/users/self", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(header, "key")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.Status != want {
			t.Errorf("%s: %s, want %s", header, res.Status, want)
		}
	}
}

// TestWireScripts: what a person is given to run asks for paths and sends bodies that the
// server knows.
func TestWireScripts(t *testing.T) {
	url := wiretest.Domino(t)
	h := newByHand(t)
	h.write("sleep", "#!/bin/sh\nexit 0\n")
	tier, setting := planner.Ref("domino/tier#small-k8s"), planner.Ref("domino/setting#common/com.cerebro.x")
	step := func(op string, on planner.Ref, writes map[string]any) applier.Manual {
		s := planner.Step{ID: op, Op: op, Object: on, Writes: map[string]schema.Value{}, Args: map[string]schema.Value{}}
		for p, v := range writes {
			s.Writes[p] = schema.JSON(v)
		}
		return applier.Manual{Apply: "a", Step: s}
	}
	made := step("domino.create", "domino/named#/Luigi", map[string]any{"name": "Luigi", "description": "", "visibility": "Private", "dockerfile": "RUN true", "base.uri": "quay.io/x:1", "supportedClusters": []string{"spark"}, "variables.A": "1"})
	made.Step.Creates = "id"
	for _, m := range []applier.Manual{
		step("domino.tier.put", tier, map[string]any{"resources.cores": map[string]string{"$numberInt": "3"}, "resources.memory": map[string]any{"units": "GiB", "value": map[string]string{"$numberInt": "6"}}}),
		step("domino.tier.archive", tier, map[string]any{"flags.isArchived": true}),
		step("domino.tier.default", "domino/defaultTier#deployment", map[string]any{"tier": []string{"small-k8s"}}),
		step("domino.setting.put", setting, map[string]any{"value": "30"}),
		step("domino.setting.create", "domino/setting#common/com.cerebro.y", map[string]any{"namespace": "common", "key": "com.cerebro.y", "value": "1"}),
		step("domino.setting.delete", setting, nil),
		step("domino.default", "domino/default#deployment", map[string]any{"environment": env}),
		made,
	} {
		if out, err := h.run(url, []applier.Manual{m}); err != nil {
			t.Errorf("%s: %v: %s\n%s", m.Step.Op, err, out, h.command)
		}
	}
}
