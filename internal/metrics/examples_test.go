package metrics_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

var aMetric = regexp.MustCompile(`\b(?:domctl|go|process)_[a-z_]+\b`)

// exported are the names that a controller serves; a histogram's are three.
func exported(t *testing.T) map[string]bool {
	t.Helper()
	families, err := busy().Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, f := range families {
		all[f.GetName()] = true
		if f.GetType().String() == "HISTOGRAM" {
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				all[f.GetName()+part] = true
			}
		}
	}
	return all
}

// hold says of queries which ask for what nobody serves.
func hold(t *testing.T, queries []string) (used map[string]bool) {
	t.Helper()
	names := exported(t)
	used = map[string]bool{}
	for _, q := range queries {
		found := aMetric.FindAllString(q, -1)
		if len(found) == 0 {
			t.Errorf("%q asks for nothing", q)
		}
		for _, name := range found {
			used[name] = true
			if !names[name] {
				t.Errorf("%q asks for %s, which nobody serves", q, name)
			}
		}
		if strings.Count(q, "(") != strings.Count(q, ")") || strings.Count(q, "{") != strings.Count(q, "}") {
			t.Errorf("%q is not whole", q)
		}
	}
	return used
}

// TestDashboard asks for what is served, and for all of domctl's own.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../examples/grafana/domctl.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title, UID string
		Templating struct {
			List []struct {
				Name, Type string
				Query      any
			}
		}
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	var queries []string
	taken := map[[2]int]string{}
	for _, p := range board.Panels {
		if len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s: %+v", p.Title, p.GridPos)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if taken[at] != "" {
					t.Fatalf("%s covers %s", p.Title, taken[at])
				}
				taken[at] = p.Title
			}
		}
		for _, target := range p.Targets {
			queries = append(queries, target.Expr)
		}
	}
	for _, v := range board.Templating.List {
		if q, ok := v.Query.(map[string]any); ok {
			queries = append(queries, q["query"].(string))
		}
	}
	used := hold(t, queries)
	for name := range exported(t) {
		whole := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		if strings.HasPrefix(name, "domctl_") && !used[name] && !used[whole+"_bucket"] {
			t.Errorf("nobody sees %s", name)
		}
	}
}

// TestAlerts ask for what is served.
func TestAlerts(t *testing.T) {
	text, err := os.ReadFile("../../examples/grafana/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	d.KnownFields(true)
	if err := d.Decode(&rules); err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			queries = append(queries, r.Expr)
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" || r.Labels["severity"] == "" {
				t.Errorf("%s says not what it is about", r.Alert)
			}
		}
	}
	if len(queries) < 5 {
		t.Errorf("%d rules", len(queries))
	}
	hold(t, queries)
}
