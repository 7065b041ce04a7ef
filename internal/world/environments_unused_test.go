package world_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

// manyUnused are environments e000 and so on, each with one revision, beside documents that use
// some of them and definitions of Domino's.
func manyUnused(t *testing.T, n int, documents, domino string) *bench {
	t.Helper()
	var environments, revisions []string
	for i := range n {
		environments = append(environments, fmt.Sprintf(`{"_id": {"$oid": "66%022x"}, "name": "e%03d", "visibility": "Global", "activeRevisionId": {"$oid": "67%022x"}}`, i, i, i))
		revisions = append(revisions, fmt.Sprintf(`{"_id": {"$oid": "67%022x"}, "environmentId": {"$oid": "66%022x"}, "metadata": {"number": 1, "isBuilt": true, "dockerImageName": {"repository": "r", "tag": "t%d"}}}`, i, i, i))
	}
	b := newBench(t, fmt.Sprintf(`"environments_v2": [%s], "environment_revisions": [%s]%s}, "domino": {%s`, strings.Join(environments, ","), strings.Join(revisions, ","), documents, domino), "")
	b.deployment.Domino.URL = "https://domino.acme.example"
	return b
}

// unused lists those that nobody uses, "?" behind those of which nobody can tell.
func (b *bench) unused(files map[schema.Address]schema.Object) (names []string, why string) {
	b.t.Helper()
	found, err := b.engine(files).Environments(context.Background(), engine.Look{UnusedSince: b.clock.now.Add(-90 * 24 * time.Hour)})
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	for _, f := range found {
		if why = f.Unuse.Unknown; !f.Unuse.Unused {
			f.Name += "?"
		}
		names = append(names, f.Name)
	}
	return names, why
}

func envID(n int) string      { return fmt.Sprintf("66%022x", n) }
func revisionID(n int) string { return fmt.Sprintf("67%022x", n) }

// TestUnused: whoever uses an environment takes it off the list of those that nobody uses.
// The first one is the deployment's default, unless Domino says otherwise.
func TestUnused(t *testing.T) {
	one, first := `{"$oid": "`+envID(1)+`"}`, revisionID(1)
	for name, c := range map[string]struct {
		documents, domino string
		files             map[schema.Address]schema.Object
		want              string
	}{
		"nobody":                     {want: "e001 e002"},
		"a project":                  {documents: `, "projects": [{"_id": 1, "overrideV2EnvironmentId": ` + one + `}]`, want: "e002"},
		"a project by its revision":  {documents: `, "projects": [{"_id": 1, "defaultEnvironmentRevisionSpec": "SomeRevision(` + first + `)"}, {"_id": 2, "defaultEnvironmentRevisionSpec": "ActiveRevision"}]`, want: "e002"},
		"a model":                    {documents: `, "models": [{"_id": 1, "environmentId": ` + one + `}]`, want: "e002"},
		"a model's version":          {documents: `, "model_versions": [{"_id": 1, "environmentRevisionId": {"$oid": "` + first + `"}}]`, want: "e002"},
		"an app":                     {documents: `, "app_versions": [{"_id": 1, "environmentId": ` + one + `}]`, want: "e002"},
		"a job":                      {documents: `, "scheduler_jobs": [{"_id": 1, "jobDataPlain": {"overrideEnvironmentId": ` + one + `}}]`, want: "e002"},
		"a workspace":                {documents: `, "workspace": [{"_id": 1, "state": "Stopped", "configTemplate": {"environmentId": ` + one + `}}]`, want: "e002"},
		"a workspace that is gone":   {documents: `, "workspace": [{"_id": 1, "state": "Deleted", "configTemplate": {"environmentId": ` + one + `}}]`, want: "e001 e002"},
		"a cluster":                  {documents: `, "workspace": [{"_id": 1, "state": "Stopped", "configTemplate": {"computeClusterProps": {"computeEnvironmentId": ` + one + `}}}]`, want: "e002"},
		"a person's default":         {documents: `, "userPreferences": [{"_id": 1, "defaultEnvironmentId": ` + one + `}]`, want: "e002"},
		"an organization's default":  {documents: `, "organizations": [{"_id": 1, "defaultV2EnvironmentId": ` + one + `}]`, want: "e002"},
		"the deployment's default":   {domino: `"default": "` + envID(1) + `"`, want: "e000 e002"},
		"a default of the files":     {files: object("defaultEnvironments", "deployment", map[string]any{"environment": "@environments.e001#id"}), want: "e002"},
		"a run that goes on":         {documents: `, "runs": [{"_id": 1, "environmentId": ` + one + `, "started": {"$date": "2020-01-01T00:00:00Z"}}]`, want: "e002"},
		"a run of late":              {documents: `, "runs": [{"_id": 1, "environmentId": ` + one + `, "started": {"$date": "2026-01-01T00:00:00Z"}, "completed": {"$date": "2026-01-01T01:00:00Z"}}]`, want: "e002"},
		"a run of long ago":          {documents: `, "runs": [{"_id": 1, "environmentId": ` + one + `, "started": {"$date": "2025-01-01T00:00:00Z"}, "completed": {"$date": "2025-01-01T01:00:00Z"}}]`, want: "e001 e002"},
		"a run of no time":           {documents: `, "runs": [{"_id": 1, "environmentId": ` + one + `, "completed": {"$date": "2026-01-01T01:00:00Z"}}]`, want: "e001? e002"},
		"a child of the files":       {files: object("environments", "e002", map[string]any{"name": "e002", "base.environment": "@environments.e001#id"}), want: "e002"},
		"a child that follows":       {domino: `"revisions": {"` + revisionID(2) + `": {"follow": "` + envID(1) + `"}}`, want: "e002"},
		"a child of a revision":      {domino: `"revisions": {"` + revisionID(2) + `": {"base": "` + first + `"}}`, want: "e002"},
		"a child by the image":       {domino: `"revisions": {"` + revisionID(2) + `": {"image": "r:t1"}}`, want: "e002"},
		"a child on a strange image": {domino: `"revisions": {"` + revisionID(2) + `": {"image": "quay.io/x:1"}}`, want: "e001 e002"},
	} {
		files := object("environments", "e001", map[string]any{"name": "e001"})
		maps.Copy(files, c.files)
		if got, _ := manyUnused(t, 3, c.documents, c.domino).unused(files); strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

// TestUnusedIsNotKnown: what cannot be read makes nothing unused, and says why; what is
// used is known to be all the same.
func TestUnusedIsNotKnown(t *testing.T) {
	project := `, "projects": [{"_id": 1, "overrideV2EnvironmentId": {"$oid": "` + envID(1) + `"}}]`
	for _, fault := range []string{"denied", "down"} {
		for _, call := range []string{"GetDefinition", "DefaultEnvironment"} {
			b := manyUnused(t, 3, project, "")
			b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: call, Fault: fault}}})
			want := []string{"e002?"}
			if call == "DefaultEnvironment" { // which the first is else
				want = []string{"e000?", "e002?"}
			}
			if got, why := b.unused(nil); !slices.Equal(got, want) || !strings.Contains(why, call) {
				t.Errorf("%s %s: %v %s", call, fault, got, why)
			}
		}
		for after := 11; after < 13; after++ { // the counts of revisions that are named
			b := manyUnused(t, 3, project, "")
			b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "Count", Fault: fault, After: after - 1, Times: 1}}})
			if got, why := b.unused(nil); !slices.Equal(got, []string{"e002?"}) || !strings.Contains(why, "which revisions are used") {
				t.Errorf("Count %s after %d: %v %s", fault, after, got, why)
			}
		}
	}
	b := manyUnused(t, 3, project, "")
	b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "GetDefinition", Fault: "down", Times: 1}}})
	if got, why := b.unused(nil); !slices.Equal(got, []string{"e002?"}) || !strings.Contains(why, "what environments are built on: e0") {
		t.Errorf("one of three: %v %s", got, why)
	}
	b = manyUnused(t, 3, project, "")
	b.deployment.Domino.URL = ""
	if got, why := b.unused(nil); !slices.Equal(got, []string{"e000?", "e002?"}) || !strings.Contains(why, "the files do not state deployment.domino") {
		t.Errorf("without an API: %v %s", got, why)
	}
}

// TestManyUnused: 500 environments take one question of Domino's API each, and no more of
// the database than one does; where all are used, nobody is asked.
func TestManyUnused(t *testing.T) {
	calls := map[int]map[string]int{}
	for _, n := range []int{1, 500} {
		b := manyUnused(t, n, "", "")
		if got, _ := b.unused(nil); len(got) != n-1 {
			t.Errorf("%d of %d", len(got), n)
		}
		calls[n] = b.world.Counts().Calls
		if calls[n]["GetDefinition"] != n {
			t.Errorf("%v", calls[n])
		}
		delete(calls[n], "GetDefinition")
	}
	if !maps.Equal(calls[1], calls[500]) {
		t.Errorf("one takes %v, 500 %v", calls[1], calls[500])
	}
	b := manyUnused(t, 1, `, "projects": [{"_id": 1, "overrideV2EnvironmentId": {"$oid": "`+envID(0)+`"}}]`, "")
	if got, _ := b.unused(nil); len(got) != 0 || b.world.Counts().Calls["GetDefinition"]+b.world.Counts().Calls["DefaultEnvironment"] != 0 {
		t.Errorf("%v, %v", got, b.world.Counts().Calls)
	}
}
