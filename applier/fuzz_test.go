package applier_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/sim"
	"domctl.dev/internal/state"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// keeping is an applier over records that hold these bodies.
func keeping(t testing.TB, bodies map[string][]byte) *applier.Applier {
	t.Helper()
	store := state.Memory()
	for key, body := range bodies {
		if _, err := store.PutIfNone(t.Context(), key, body); err != nil {
			t.Fatal(err)
		}
	}
	return &applier.Applier{Store: store, Clock: sim.NewJump(), TTL: time.Minute, Nonce: func() string { return "n" }}
}

// FuzzLock: a lock that is read was written by a process; anything else is told,
// and never taken for a free one.
func FuzzLock(f *testing.F) {
	f.Add([]byte(`{"holder":"h","apply":"a","since":"2026-03-01T10:00:00Z","nonce":"n"}`))
	f.Add([]byte(`{"free":true,"nonce":"n"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a := keeping(t, map[string][]byte{"lock": body})
		l, _, err := a.ReadLock(t.Context())
		if err != nil && (!errors.Is(err, applier.ErrTorn) || l.Free) || err == nil && l.Nonce == "" {
			t.Fatalf("%s is read as %+v, %v", body, l, err)
		}
	})
}

// FuzzApplied: nothing but a body that a process wrote is taken for what was
// applied, an empty one least of all.
func FuzzApplied(f *testing.F) {
	entry := schema.Entry{ID: schema.JSON("t1"), Fields: map[string]schema.Value{"cores": schema.JSON(2)}}
	whole := schema.Applied{Entries: map[schema.Address]schema.Entry{{Kind: "hardwareTiers", Name: "a.b"}: entry}, Latches: map[schema.Address]string{{Kind: "settings", Name: "x"}: "c"}}
	f.Add([]byte(schema.JSON(struct {
		schema.Applied
		Deployment string `json:"deployment"`
		Nonce      string `json:"nonce"`
	}{whole, "acme", "n"}).Text))
	f.Add([]byte(`null`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a := keeping(t, map[string][]byte{"applied": body})
		got, etag, err := applier.ReadApplied(t.Context(), a.Store, "acme")
		if err != nil {
			if !strings.Contains(err.Error(), "DC315") && !strings.Contains(err.Error(), "DC512") {
				t.Fatal(err)
			}
			return
		}
		var written struct{ Nonce string }
		if json.Unmarshal(body, &written) != nil || written.Nonce == "" || etag == "" {
			t.Fatalf("%s is taken for what was applied", body)
		}
		for addr := range got.Entries {
			if again, err := schema.ParseAddress(addr.String()); err != nil || again != addr {
				t.Fatalf("%q is read as %v, %v", addr, again, err)
			}
		}
	})
}

// FuzzStream: a stream of anything is told or refused, and takes nobody down.
func FuzzStream(f *testing.F) {
	plan := planner.Plan{Format: 1, ID: "a1"}
	f.Add([]byte(schema.JSON(map[string]any{"nonce": "n", "records": []applier.Record{{Kind: applier.KindPlan, Plan: &plan}}}).Text),
		[]byte(`{"nonce":"m","records":[{"kind":"begin","step":"s","mark":"m"},{"kind":"done","step":"s"},{"kind":"ended"}]}`), []byte(`{"settings.a":true}`))
	f.Add([]byte(`{"nonce":"n","records":[{"kind":"fenced"}]}`), []byte(`{"nonce":"n","records":null}`), []byte(`null`))
	f.Add([]byte(`{"nonce":"n"}`), []byte(`{"nonce":"n","records":[{"kind":"fenced"}]}`), []byte(`{}`))
	f.Add([]byte(`{"nonce":"n","records":[{"kind":"fenced"}]}`), []byte(`{"nonce":"n","records":[{"kind":"pre"},{"kind":"begin","step":"s"}]}`), []byte(`{}`))
	f.Add([]byte(schema.JSON(map[string]any{"nonce": "n", "records": []applier.Record{{Kind: applier.KindPlan, Plan: &plan}, {Kind: applier.KindPre}}}).Text),
		[]byte(`{"nonce":"m","records":[{"kind":"begin","step":"s"},{"kind":"done","step":"s"}]}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, first, second, open []byte) {
		a := keeping(t, map[string][]byte{"applies/a1/000000": first, "applies/a1/000001": second, "open/a1": open})
		_, _ = a.Summary(t.Context(), "a1")
		_, _ = a.Snapshot(t.Context(), "a1")
		_, _ = a.History(t.Context())
		_, _ = a.OpenApplies(t.Context())
	})
}
