package web

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/sim"
	"domctl.dev/internal/state"
	"domctl.dev/planner"
)

const commit = "4da57f857fa0e1b2c3d4e5f60718293a4b5c6d7e"

// rig is a deployment with its records, as real applies write them.
type rig struct {
	t        *testing.T
	machine  *sim.Machine
	compiled compiler.Result
}

func newRig(t *testing.T) *rig {
	t.Helper()
	res, err := sim.Compile(t.Context(), "../sim/testdata/modern")
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t, sim.Modern(t), res}
}

func (r *rig) engine(gate sim.Gate) *engine.Engine {
	r.t.Helper()
	e, err := r.machine.Process(r.t.Context(), r.compiled, sim.Options{Holder: "ada@laptop pid 4711", Gate: gate, Parallelism: 1, Source: planner.Source{Commit: commit}})
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

func (r *rig) plan() planner.Plan {
	r.t.Helper()
	p, err := r.engine(nil).Plan(r.t.Context(), engine.PlanOptions{Allow: []string{"archive"}})
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func (r *rig) apply() applier.Result {
	r.t.Helper()
	res, err := r.engine(nil).Apply(r.t.Context(), r.plan())
	if err != nil || res.Outcome != applier.EndedOutcome {
		r.t.Fatal(res, err)
	}
	return res
}

// put writes a record as some other part of domctl does.
func (r *rig) put(key string, value any) {
	r.t.Helper()
	put(r.t, r.machine.Store, key, value)
}

func put(t *testing.T, s applier.Store, key string, value any) {
	t.Helper()
	body, err := json.Marshal(value)
	if err == nil {
		if err = s.Delete(t.Context(), key); err == nil {
			_, err = s.PutIfNone(t.Context(), key, body)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func stored(s applier.Store) func(context.Context) (applier.Store, error) {
	return func(context.Context) (applier.Store, error) { return s, nil }
}

// site shows the rig's deployment, and one that nothing was applied of.
func (r *rig) site() *Site {
	forge := Forge{Kind: "gitea", URL: "https://git.acme.example", Repository: "acme/domino"}
	return &Site{Now: time.Now, Deployments: []Deployment{{Name: "sim-modern", Records: stored(r.machine.Store), Forge: forge, Branch: "main", Dir: "prod"},
		{Name: "staging", Records: stored(state.Memory()), Forge: forge, Branch: "main", Dir: "staging"}}}
}

// head is what a controller leaves behind.
func (r *rig) head(h gitops.Head) { h.Nonce = h.Why; r.put("gitops/head", h) }

type got struct {
	status int
	header http.Header
	body   string
}

func get(t *testing.T, h http.Handler, target string) got {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	b, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return got{w.Code, w.Result().Header, string(b)}
}

// wants looks for what a page says, white space apart.
func (g got) wants(t *testing.T, parts ...string) {
	t.Helper()
	text := strings.Join(strings.Fields(g.body), " ")
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("status %d: the page lacks %q", g.status, p)
		}
	}
}
