// Package promql runs the queries of examples/grafana by Prometheus' own engine, on the
// series that a controller serves. It is a module of its own: Prometheus needs hundreds
// of others, which the program does not.
package promql

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

var now = time.Unix(1_800_000_000, 0)

// sample is one value.
type sample struct {
	t int64
	v float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.v }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// served are the series of a scrape with two hours of samples, in which counters grow.
type served []storage.Series

var grows = regexp.MustCompile(`_(total|bucket|sum|count)$`)

func scraped(t *testing.T) (all served) {
	t.Helper()
	text, err := os.ReadFile("../../internal/metrics/testdata/scrape.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndex(line, " ")
		value, err := strconv.ParseFloat(strings.TrimSpace(line[at:]), 64)
		if err != nil {
			t.Fatal(err)
		}
		set, err := parser.NewParser(parser.Options{}).ParseMetric(line[:at])
		if err != nil {
			t.Fatal(err)
		}
		var samples []chunks.Sample
		for i := range 2 * 60 * 4 {
			s := sample{now.Add(time.Duration(i-2*60*4)*15*time.Second + time.Second).UnixMilli(), value}
			if grows.MatchString(set.Get(model.MetricNameLabel)) {
				s.v *= float64(i)
			}
			samples = append(samples, s)
		}
		b := labels.NewBuilder(set).Set("job", "domctl").Set("instance", "a:8081")
		all = append(all, storage.NewListSeries(b.Labels(), samples))
	}
	return all
}

// Querier is storage.Queryable's.
func (s served) Querier(_, _ int64) (storage.Querier, error) { return s, nil }

// Select is storage.Querier's.
func (s served) Select(_ context.Context, _ bool, _ *storage.SelectHints, all ...*labels.Matcher) storage.SeriesSet {
	found := &found{}
	for _, one := range s {
		fits := true
		for _, m := range all {
			fits = fits && m.Matches(one.Labels().Get(m.Name))
		}
		if fits {
			found.left = append(found.left, one)
		}
	}
	return found
}

func (s served) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	panic("nobody asks it")
}

func (s served) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	panic("nobody asks it")
}

func (s served) Close() error { return nil }

type found struct {
	left []storage.Series
	at   storage.Series
}

func (f *found) Next() bool {
	if len(f.left) == 0 {
		return false
	}
	f.at, f.left = f.left[0], f.left[1:]
	return true
}
func (f *found) At() storage.Series                { return f.at }
func (f *found) Err() error                        { return nil }
func (f *found) Warnings() annotations.Annotations { return nil }

// run answers what a query answers.
func (s served) run(t *testing.T, query string) promql.Vector {
	t.Helper()
	e := promql.NewEngine(promql.EngineOpts{MaxSamples: 1_000_000, Timeout: time.Minute})
	q, err := e.NewInstantQuery(t.Context(), s, nil, query, now)
	if err != nil {
		t.Errorf("%s: %v", query, err)
		return nil
	}
	defer q.Close()
	v, err := q.Exec(t.Context()).Vector()
	if err != nil {
		t.Errorf("%s: %v", query, err)
	}
	return append(promql.Vector(nil), v...)
}

// hold holds that all that a query asks for is served: each metric with its labels, and
// the labels that it counts by.
func (s served) hold(t *testing.T, query string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Errorf("%s: %v", query, err)
		return
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			if len(s.run(t, n.String())) == 0 {
				t.Errorf("%s: nobody serves %s", query, n)
			}
		case *parser.AggregateExpr:
			for _, one := range s.run(t, n.Expr.String()) {
				for _, l := range n.Grouping {
					if one.Metric.Get(l) == "" {
						t.Errorf("%s: %s has no label %s", query, one.Metric, l)
					}
				}
			}
		}
		return nil
	})
}

var (
	legend = regexp.MustCompile(`\{\{ *([a-z_]+) *\}\}`)
	inText = regexp.MustCompile(`\$labels\.([a-z_]+)`)
)

// TestDashboard: each query of each panel answers something, which has the labels that
// its legend names.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../examples/grafana/domctl.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	s, n := scraped(t), 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			n++
			query := strings.NewReplacer("$__rate_interval", "5m", "$deployment", ".*", "$job", ".*").Replace(target.Expr)
			s.hold(t, query)
			v := s.run(t, query)
			if len(v) == 0 {
				t.Errorf("%s: %s answers nothing", p.Title, query)
			}
			for _, l := range legend.FindAllStringSubmatch(target.LegendFormat, -1) {
				for _, one := range v {
					if one.Metric.Get(l[1]) == "" && l[1] != "version" && l[1] != "goversion" { // no build, no version
						t.Errorf("%s: %s has no label %s", p.Title, one.Metric, l[1])
					}
				}
			}
		}
	}
	t.Logf("%d queries", n)
}

// failing are they without what went well.
func (s served) failing() (all served) {
	for _, one := range s {
		if l := one.Labels(); l.Get("outcome") != "ok" && l.Get("result") != "ok" {
			all = append(all, one)
		}
	}
	return all
}

// TestAlerts: the rules are as Prometheus reads them, ask for what is served, fire where
// nothing goes well, and tell labels that their answers have.
func TestAlerts(t *testing.T) {
	groups, errs := rulefmt.ParseFile("../../examples/grafana/alerts.yaml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	s, n := scraped(t), 0
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			n++
			s.hold(t, r.Expr)
			v := s.failing().run(t, r.Expr)
			if len(v) == 0 {
				t.Errorf("%s does not fire on a controller of which everything failed", r.Alert)
			}
			for _, text := range r.Annotations {
				for _, l := range inText.FindAllStringSubmatch(text, -1) {
					for _, one := range v {
						if one.Metric.Get(l[1]) == "" {
							t.Errorf("%s: %s has no label %s", r.Alert, one.Metric, l[1])
						}
					}
				}
			}
		}
	}
	t.Logf("%d rules", n)
}
