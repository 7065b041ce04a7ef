package world_test

import (
	"slices"
	"strings"
	"testing"

	"domctl.dev/schema"
)

const spark = `"environments_v2": [{"_id": {"$oid": "0123456789abcdef0000000e"}, "name": "Spark", "visibility": "Private", "isArchived": false,
		"description": "old", "ownerId": {"$oid": "0123456789abcdef000000a1"}, "activeRevisionId": {"$oid": "0123456789abcdef000000b1"}, "mine": {"$numberLong": "1"}}],
	"users": [{"_id": {"$oid": "0123456789abcdef000000a1"}, "loginId": {"id": "data-org"}}],
	"environment_revisions": [
		{"_id": {"$oid": "0123456789abcdef000000b1"}, "environmentId": {"$oid": "0123456789abcdef0000000e"}, "metadata": {"number": {"$numberLong": "1"}, "isBuilt": true}},
		{"_id": {"$oid": "0123456789abcdef000000b2"}, "environmentId": {"$oid": "0123456789abcdef0000000e"}, "metadata": {"number": 2, "isBuilt": true}},
		{"_id": {"$oid": "0123456789abcdef000000b3"}, "environmentId": {"$oid": "0123456789abcdef0000000e"}, "metadata": {"number": 3, "isBuilt": false}}]`

func TestEnvironments(t *testing.T) {
	const ref = `mongo.update mongo/environments_v2#{"$oid":"0123456789abcdef0000000e"} `
	for name, c := range map[string]struct {
		fields   map[string]any
		steps    string
		findings []string
	}{
		"as it is":        {map[string]any{"name": "Spark", "owner": "data-org", "visibility": "private", "archived": false, "description": "old", "activeRevision": 1}, "", nil},
		"by id":           {map[string]any{"id": "0123456789abcdef0000000e", "name": "Spark 3"}, ref + `name="Spark 3"`, nil},
		"visibility":      {map[string]any{"visibility": "organization"}, ref + `visibility="Organization"`, nil},
		"archived":        {map[string]any{"archived": true, "description": nil}, ref + `description=absent isArchived=true`, nil},
		"active revision": {map[string]any{"activeRevision": 2}, ref + `activeRevisionId={"$oid":"0123456789abcdef000000b2"}`, nil},
		"not built":       {map[string]any{"activeRevision": 3}, "", []string{"DC238 environments.Spark"}},
		"no revision":     {map[string]any{"activeRevision": 4}, "", []string{"DC238 environments.Spark"}},
		"owner":           {map[string]any{"owner": "else"}, "", []string{"DC238 environments.Spark"}},
		"null name":       {map[string]any{"name": nil}, "", []string{"DC238 environments.Spark"}},
		"null visibility": {map[string]any{"visibility": nil}, "", []string{"DC238 environments.Spark"}},
		"a build":         {map[string]any{"description": "new", "dockerfile": "RUN true"}, "", []string{"DC231 environments.Spark"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, spark, "")
			e := object("environments", "Spark", c.fields)
			p := b.plan(e)
			if got := steps(p); got != c.steps {
				t.Errorf("steps\n%s\nwant\n%s", got, c.steps)
			}
			if got := findings(p); !slices.Equal(got, c.findings) {
				t.Errorf("findings %v, want %v", p.Findings, c.findings)
			}
			if c.findings == nil {
				b.settled(e)
			}
		})
	}
}

// TestARevisionIsFoundOnce: of two with one number it is always the same one.
func TestARevisionIsFoundOnce(t *testing.T) {
	twice := strings.Replace(spark, `"number": 3, "isBuilt": false`, `"number": 2, "isBuilt": true`, 1)
	for range 16 {
		p := newBench(t, twice, "").plan(object("environments", "Spark", map[string]any{"activeRevision": 2}))
		if got := steps(p); !strings.HasSuffix(got, `activeRevisionId={"$oid":"0123456789abcdef000000b2"}`) {
			t.Fatal(got)
		}
	}
}

func TestAnEnvironmentThatIsNotThere(t *testing.T) {
	p := newBench(t, spark, "").plan(object("environments", "ray", map[string]any{"name": "Ray"}))
	if got := findings(p); !slices.Equal(got, []string{"DC231 environments.ray"}) || len(p.Steps) > 0 {
		t.Errorf("%v", got)
	}
}

func TestEnvironmentsOfTheFirstGenerationAreRefused(t *testing.T) {
	b := newBench(t, `"environments": [{"_id": 1}, {"_id": 2}]`, "")
	if _, err := b.look(object("environments", "x", nil), schema.Applied{}); err == nil || !strings.Contains(err.Error(), "DC605: the 2 environments") {
		t.Errorf("%v", err)
	}
}
