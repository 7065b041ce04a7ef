package domino

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/state"
	"domctl.dev/schema"
)

// listed serves a double, and the list of environments, which domctl itself reads in the
// database.
func listed(t *testing.T, served double) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/environments/beta/environments" {
			served.ServeHTTP(w, r)
			return
		}
		docs, err := served.box.Find(r.Context(), port.Query{Collection: "environments_v2", Fields: []string{"name", "ownerId"}})
		if err != nil {
			t.Error(err)
		}
		var offset int
		_, _ = fmt.Sscan(r.URL.Query().Get("offset"), &offset)
		page := []object{}
		for _, d := range docs[min(offset, len(docs)):min(offset+2, len(docs))] { // fewer than are asked for
			page = append(page, object{"id": plain(json.RawMessage(d["_id"])), "name": json.RawMessage(d["name"]), "owner": object{"id": oid(d["ownerId"])}})
		}
		_ = json.NewEncoder(w).Encode(object{"environments": page, "metadata": object{}})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func oid(text string) string {
	var id struct {
		OID string `json:"$oid"`
	}
	_ = json.Unmarshal([]byte(text), &id)
	return id.OID
}

// TestTheScriptMakesEnvironments with their builds, each based on the one before, and makes
// one the default: the next plan writes nothing. Where one of the name is there already,
// none is made.
func TestTheScriptMakesEnvironments(t *testing.T) {
	for name, taken := range map[string]bool{"made": false, "taken": true} {
		t.Run(name, func(t *testing.T) {
			h := newByHand(t)
			h.env = []string{"CANARY=canary-'1'\"$(touch run)"}
			h.write("sleep", "#!/bin/sh\nexit 0\n")
			now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			m, err := sandbox.NewMemory("sandbox.json", []byte(`{"aws": {"account": "111122223333", "region": "us-west-2"}, "domino": {"buildTime": "2s"}, "mongo": {
				"users": [{"_id": {"$oid": "0123456789abcdef000000a1"}, "loginId": {"id": "data-org"}}],
				"environments_v2": [{"_id": {"$oid": "0123456789abcdef00000001"}, "name": "a", "isArchived": false}, {"_id": {"$oid": "0123456789abcdef00000002"}, "name": "b", "isArchived": false},
					{"_id": {"$oid": "0123456789abcdef00000003"}, "name": "c", "isArchived": false}]}}`))
			if err != nil {
				t.Fatal(err)
			}
			box, err := m.Open(sandbox.Options{Clock: func() time.Time { now = now.Add(time.Second); return now }})
			if err != nil {
				t.Fatal(err)
			}
			url := listed(t, double{T: t, box: box, store: &store{}})
			client, err := Open(Config{URL: url, Key: key})
			if err != nil {
				t.Fatal(err)
			}
			d := schema.Deployment{Name: "prod", World: "sandbox", Executors: "kubernetes", AWS: schema.AWS{Account: "111122223333", Region: "us-west-2"}, Mongo: schema.Mongo{Database: "domino", ReplicaSet: "rs0"}}
			luigi := schema.Address{Kind: "environments", Name: "lu'igi $(touch run)"}
			files := together(stated("environments", luigi.Name, map[string]schema.Value{"base.uri": schema.JSON("quay.io/x:1"), "dockerfile": schema.JSON("RUN echo 'it''s' \\(x)\n"), "variables.TOKEN": {Is: schema.Secret, Text: "env:CANARY"}, "description": schema.JSON("d\"'")}),
				stated("environments", "child", map[string]schema.Value{"base.environment": schema.RefTo(luigi, "id"), "base.rebuildOnBaseChanges": schema.JSON(true), "dockerfile": schema.JSON("RUN true\n"), "supportedClusters": schema.JSON([]string{"spark"})}),
				stated("environments", "grandchild", map[string]schema.Value{"base.environment": schema.RefTo(schema.Address{Kind: "environments", Name: "child"}, "id"), "dockerfile": schema.JSON("RUN true\n")}),
				stated("defaultEnvironments", "deployment", map[string]schema.Value{"environment": schema.RefTo(luigi, "id")}))
			random, records := 0, state.Memory()
			open := func() *engine.Engine {
				e, err := engine.Open(t.Context(), engine.Config{Domino: client, Outside: box, Store: records, Clock: &still{now: now}, Holder: "test", Parallelism: 4,
					Compiled: compiler.Result{Desired: schema.Desired{Deployment: d, Objects: files}},
					Secret: func(context.Context, string) (schema.Value, error) {
						return schema.JSON("canary-'1'\"$(touch run)"), nil
					},
					Random: func() string { random++; return fmt.Sprintf("%012d%014d", random, 0) }})
				if err != nil {
					t.Fatal(err)
				}
				return e
			}
			p, err := open().Plan(t.Context(), engine.PlanOptions{})
			if err != nil || len(p.Steps) != 7 {
				t.Fatalf("%v %v", p.Findings, err)
			}
			if taken {
				if _, err := box.CreateEnvironment(t.Context(), port.NewEnvironment{Name: luigi.Name, Visibility: "Private"}); err != nil {
					t.Fatal(err)
				}
			}
			before := box.Counts().Calls["CreateEnvironment"]
			out, err := h.run(url, manuals(p))
			if taken {
				if err == nil || !strings.Contains(out, "how many environments are called") || box.Counts().Calls["CreateEnvironment"] != before {
					t.Errorf("%v: %s", err, out)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v: %s\n%s\n%s", err, out, h.command, h.sent)
			}
			again, err := open().Plan(t.Context(), engine.PlanOptions{})
			if err != nil || len(again.Steps) > 0 || again.Changed() {
				t.Errorf("the next plan is not empty: %+v %v\n%s", again.Changes, err, h.command)
			}
			if n := box.Counts().Calls["CreateEnvironment"]; n != before+3 {
				t.Errorf("%d environments were made", n)
			}
		})
	}
}
