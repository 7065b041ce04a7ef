package world_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

// TestManyEnvironmentsAreListed: 500 of them, their revisions and who uses them take as
// many calls as one.
func TestManyEnvironmentsAreListed(t *testing.T) {
	calls := map[int]string{}
	for _, many := range []int{1, 500} {
		var environments, revisions, runs, projects []string
		e := map[schema.Address]schema.Object{}
		for n := range many {
			environments = append(environments, fmt.Sprintf(`{"_id": {"$oid": "66%022x"}, "name": "e%03d", "ownerId": {"$oid": "680000000000000000000001"}, "visibility": "Global", "activeRevisionId": {"$oid": "67%022x"}}`, n, n, n))
			revisions = append(revisions, fmt.Sprintf(`{"_id": {"$oid": "67%022x"}, "environmentId": {"$oid": "66%022x"}, "metadata": {"number": 1, "isBuilt": true, "created": {"$date": "2026-01-01T00:00:00Z"}, "authorId": {"$oid": "680000000000000000000001"}, "dockerImageName": {"repository": "r", "tag": "t%d"}}}`, n, n, n))
			runs = append(runs, fmt.Sprintf(`{"_id": {"$oid": "69%022x"}, "environmentId": {"$oid": "66%022x"}, "startingUserId": {"$oid": "680000000000000000000001"}, "started": {"$date": "2026-02-01T00:00:00Z"}, "completed": {"$date": "2026-02-01T01:00:00Z"}}`, n, n))
			projects = append(projects, fmt.Sprintf(`{"_id": {"$oid": "6a%022x"}, "ownerId": {"$oid": "680000000000000000000001"}, "overrideV2EnvironmentId": {"$oid": "66%022x"}}`, n, n))
			if n > 0 {
				maps.Copy(e, object("environments", fmt.Sprintf("e%03d", n), map[string]any{"name": fmt.Sprintf("e%03d", n), "base.environment": "@environments.e000#id"}))
			}
		}
		maps.Copy(e, object("environments", "e000", map[string]any{"name": "e000"}))
		b := newBench(t, fmt.Sprintf(`"environments_v2": [%s], "environment_revisions": [%s], "runs": [%s], "projects": [%s], "users": [{"_id": {"$oid": "680000000000000000000001"}, "loginId": {"id": "ada"}, "email": "ada@acme.example"}]`,
			strings.Join(environments, ","), strings.Join(revisions, ","), strings.Join(runs, ","), strings.Join(projects, ",")), "")
		b.open(sandbox.Options{})
		found, err := b.engine(e).Environments(context.Background(), engine.Look{})
		if err != nil || len(found) != many {
			t.Fatalf("%d of %d, %v", len(found), many, err)
		}
		first := found[0]
		r, active := first.ActiveRevision()
		if !active || r.Number != 1 || !r.Built || r.Author != "ada" || r.Image != "r:t0" || r.Created.IsZero() || first.Owner != "ada" || first.Visible != "global" || first.Address.Name != "e000" ||
			len(first.Children) != many-1 || first.Impact.Projects != 1 || first.Runs != 1 || first.LastUsed.IsZero() || len(first.People) != 1 || first.People[0].Email != "ada@acme.example" {
			t.Errorf("%+v, %+v", first, r)
		}
		calls[many] = fmt.Sprint(b.world.Counts().Calls)
	}
	if calls[1] != calls[500] {
		t.Errorf("one takes\n%s, 500\n%s", calls[1], calls[500])
	}
	t.Log(calls[500])
}

// TestUsersAreCountedAlike: what is listed by name is what a plan and a list count, the
// clusters of workspaces too.
func TestUsersAreCountedAlike(t *testing.T) {
	b := newBench(t, spark, "")
	oid := `{"$oid": "` + sparkID + `"}`
	b.change(`"environments_v2": [`, `"projects": [{"_id": 1, "name": "fraud", "overrideV2EnvironmentId": `+oid+`}], "models": [{"_id": 1, "name": "score", "environmentId": "`+sparkID+`"}],
		"workspace": [{"_id": 1, "name": "gone", "state": "Deleted", "configTemplate": {"environmentId": `+oid+`}}, {"_id": 2, "name": "mine", "state": "Started", "configTemplate": {"environmentId": `+oid+`, "computeClusterProps": {"computeEnvironmentId": `+oid+`}}}],
		"runs": [{"_id": 3, "environmentId": `+oid+`}], "environments_v2": [`)
	e := object("environments", "Spark", map[string]any{"name": "Spark", "description": "another"})
	shown, err := b.engine(e).Environment(context.Background(), "Spark", engine.Look{Users: true})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"project": 1, "model": 1, "workspace": 1, "workspace's cluster": 1, "live run": 1}
	for _, u := range shown.UsedBy {
		if int64(len(u.Names)) != want[u.What] {
			t.Errorf("%+v", u)
		}
		delete(want, u.What)
	}
	if len(want) > 0 || shown.Impact.Projects != 1 || shown.Impact.Runs != 1 || shown.Impact.Uses != 3 {
		t.Errorf("%v, %+v", want, shown.Impact)
	}
	if p := b.plan(e); *p.Changes[0].Impact != shown.Impact {
		t.Errorf("the plan counts %+v, the list %+v", p.Changes[0].Impact, shown.Impact)
	}
}

// TestAListThatIsNotWhole is none, whatever could not be read.
func TestAListThatIsNotWhole(t *testing.T) {
	for _, call := range []string{"Find", "Count"} {
		for _, fault := range []string{"denied", "down", "partialPage"} {
			for times := range 3 {
				b := newBench(t, spark, "")
				e := object("environments", "Spark", map[string]any{"name": "Spark"})
				b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: call, Fault: fault, After: times}}})
				if found, err := b.engine(e).Environments(context.Background(), engine.Look{}); err == nil || len(found) > 0 {
					t.Errorf("%s %s after %d: %+v", call, fault, times, found)
				}
			}
		}
	}
}
