// Package metrics counts how a controller's work goes, and serves the counts as
// Prometheus reads them. It is a gitops.Observer, hears of outside calls through
// port.Hearing, and alone imports Prometheus' client. Labels hold names of the
// controller's configuration and words of ours, never what trees, forges or clouds say,
// so that there are only so many series.
package metrics

import (
	"context"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
)

// Metrics are those of one controller.
type Metrics struct {
	Registry *prometheus.Registry

	work     map[gitops.WorkKind]*prometheus.CounterVec
	seconds  map[gitops.WorkKind]prometheus.Histogram
	hooks    *prometheus.CounterVec
	notices  *prometheus.CounterVec
	calls    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	left     *prometheus.GaugeVec
	steps    *prometheus.CounterVec
	stepTook prometheus.Histogram
	seen     *prometheus.GaugeVec
	unsure   *prometheus.GaugeVec
	commands *prometheus.CounterVec
	acting   *prometheus.GaugeVec
	frozen   *prometheus.GaugeVec
	drift    *prometheus.GaugeVec
	drifted  *prometheus.GaugeVec

	mu    sync.Mutex
	since map[string]standing // by deployment
}

// standing is since when a commit was seen that is not applied.
type standing struct {
	commit string
	since  time.Time
}

// Buckets are of seconds: a call takes tens of milliseconds, a plan seconds, an apply
// up to hours.
var (
	short = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	long  = []float64{.1, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400}
)

// New makes them. info is of the program's build; nil: nothing is known of it.
func New(info *debug.BuildInfo) *Metrics {
	m := &Metrics{Registry: prometheus.NewRegistry(), since: map[string]standing{},
		work: map[gitops.WorkKind]*prometheus.CounterVec{}, seconds: map[gitops.WorkKind]prometheus.Histogram{}}
	count := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.Registry.MustRegister(c)
		return c
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		m.Registry.MustRegister(g)
		return g
	}
	spread := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		m.Registry.MustRegister(h)
		return h
	}
	for kind, help := range map[gitops.WorkKind]string{gitops.TurnWork: "Turns of deployments", gitops.PlanWork: "Plans of commits", gitops.ApplyWork: "Applies, and parts of those that waited", gitops.LookWork: "Looks for drift"} {
		m.work[kind] = count("domctl_"+plural(kind)+"_total", help+", by how they ended.", "deployment", "outcome")
		m.seconds[kind] = spread("domctl_"+string(kind)+"_duration_seconds", help+": how long each took.", long).WithLabelValues().(prometheus.Histogram)
	}
	for kind, help := range map[gitops.WorkKind]string{gitops.PullsWork: "Looks at the pull requests of repositories", gitops.ReviewWork: "Pull requests that were brought up to date", gitops.TalkWork: "Readings of what people said on pull requests"} {
		m.work[kind] = count("domctl_"+words[kind]+"s_total", help+", by how they ended.", "repository", "outcome")
		m.seconds[kind] = spread("domctl_"+words[kind]+"_duration_seconds", help+": how long each took.", long).WithLabelValues().(prometheus.Histogram)
	}
	m.work[gitops.PullPlanWork] = count("domctl_pull_plans_total", "Plans of pull requests, by how they ended.", "deployment", "outcome")
	m.seconds[gitops.PullPlanWork] = spread("domctl_pull_plan_duration_seconds", "Plans of pull requests: how long each took, with the wait for a place.", long).WithLabelValues().(prometheus.Histogram)
	m.seconds[gitops.PullQueueWork] = spread("domctl_pull_plan_queue_seconds", "How long plans of pull requests waited for a place.", long).WithLabelValues().(prometheus.Histogram)
	m.commands = count("domctl_commands_total", "Commands in comments on pull requests, by what they ask for and how that ended.", "repository", "verb", "outcome")
	m.acting = gauge("domctl_acting", "Whether this replica acts for the deployment.", "deployment")
	m.seconds[gitops.QueueWork] = spread("domctl_plan_queue_seconds", "How long plans waited for a worker.", long).WithLabelValues().(prometheus.Histogram)
	m.hooks = count("domctl_webhooks_total", "Deliveries of forges, by how they were answered.", "result")
	m.notices = count("domctl_notifications_total", "Notices to channels, by whether they arrived.", "channel", "result")
	m.calls = count("domctl_outside_calls_total", "Attempts of calls to outside systems.", "system", "result")
	m.took = spread("domctl_outside_call_duration_seconds", "How long attempts of calls to outside systems took.", short, "system")
	m.left = gauge("domctl_forge_rate_limit_remaining", "Calls that a forge still allows in its window, as it said last.", "forge")
	m.steps = count("domctl_steps_total", "Steps of applies, by how they ended.", "outcome")
	m.stepTook = spread("domctl_step_duration_seconds", "How long steps of applies took.", long).WithLabelValues().(prometheus.Histogram)
	m.seen = gauge("domctl_last_turn_timestamp_seconds", "When a Turn of the deployment last came to its end.", "deployment")
	m.unsure = gauge("domctl_unapplied_since_timestamp_seconds", "Since when the branch stands on a commit that is not applied; 0 if it is.", "deployment")
	m.frozen = gauge("domctl_frozen", "Whether the deployment is frozen.", "deployment")
	m.drift = gauge("domctl_drift_objects", "Objects that somebody else changed, as the last look found.", "deployment")
	m.drifted = gauge("domctl_last_look_timestamp_seconds", "When the deployment was last looked at for drift.", "deployment")
	if info == nil {
		info = &debug.BuildInfo{}
	}
	gauge("domctl_build_info", "The program's version, and the Go it was built with.", "version", "goversion").WithLabelValues(info.Main.Version, info.GoVersion).Set(1)
	m.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// words name what is about pull requests.
var words = map[gitops.WorkKind]string{gitops.PullsWork: "pull_look", gitops.ReviewWork: "pull_review", gitops.TalkWork: "pull_conversation"}

func plural(k gitops.WorkKind) string {
	if k == gitops.ApplyWork {
		return "applies"
	}
	return string(k) + "s"
}

// Handler serves them.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// Knows says which deployments there are: where nobody acts for one, that is told.
func (m *Metrics) Knows(deployments []string) {
	for _, d := range deployments {
		m.acting.WithLabelValues(d).Set(0)
	}
}

// Begin is gitops.Observer's.
func (m *Metrics) Begin(ctx context.Context, w gitops.Work) (context.Context, func(string)) {
	began := time.Now()
	switch w.Kind {
	case gitops.TurnWork, gitops.LookWork, gitops.PullsWork:
		ctx = port.Hearing(ctx, m.heard)
	case gitops.ActWork:
		m.acting.WithLabelValues(w.Deployment).Set(1)
	}
	return ctx, func(outcome string) {
		switch w.Kind {
		case gitops.HookWork:
			m.hooks.WithLabelValues(outcome).Inc()
		case gitops.NoticeWork:
			m.notices.WithLabelValues(w.Name, outcome).Inc()
		case gitops.CommandWork:
			m.commands.WithLabelValues(w.Repository, w.Name, outcome).Inc()
		case gitops.ActWork:
			m.leaves(w.Deployment)
		}
		if c := m.work[w.Kind]; c != nil {
			c.WithLabelValues(w.Deployment+w.Repository, outcome).Inc() // one of the two is empty
		}
		if h := m.seconds[w.Kind]; h != nil {
			h.Observe(time.Since(began).Seconds())
		}
	}
}

// leaves takes back what is true only of who acts for a deployment: another replica says
// it from now on.
func (m *Metrics) leaves(deployment string) {
	m.acting.WithLabelValues(deployment).Set(0)
	for _, g := range []*prometheus.GaugeVec{m.seen, m.unsure, m.frozen, m.drift, m.drifted} {
		g.DeleteLabelValues(deployment)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.since, deployment)
}

// StepSystem is as which system steps of applies are heard: their time is not that of
// one call.
const StepSystem = "step"

// heard counts a call.
func (m *Metrics) heard(_ context.Context, c port.Call) {
	result := "ok"
	if c.Failed {
		result = "error"
	}
	if c.System == StepSystem {
		m.steps.WithLabelValues(c.Operation).Inc()
		m.stepTook.Observe(c.Took.Seconds())
		return
	}
	m.calls.WithLabelValues(c.System, result).Inc()
	m.took.WithLabelValues(c.System).Observe(c.Took.Seconds())
	if c.Left != nil {
		m.left.WithLabelValues(c.Host).Set(float64(*c.Left))
	}
}

// Stands is gitops.Observer's.
func (m *Metrics) Stands(deployment string, t gitops.Turned, at time.Time, failed error) {
	if failed == nil {
		m.seen.WithLabelValues(deployment).Set(float64(at.Unix()))
		frozen := 0.
		if t.Frozen != "" {
			frozen = 1
		}
		m.frozen.WithLabelValues(deployment).Set(frozen)
	}
	h := t.Head
	m.mu.Lock()
	defer m.mu.Unlock()
	since := m.since[deployment]
	switch {
	case h.Commit == "":
		return
	case h.Stage == gitops.Done && h.Left == 0:
		since = standing{}
	case since.commit != h.Commit && since.since.IsZero():
		since = standing{h.Commit, at}
	default:
		since.commit = h.Commit
	}
	m.since[deployment] = since
	unsure := 0.
	if !since.since.IsZero() {
		unsure = float64(since.since.Unix())
	}
	m.unsure.WithLabelValues(deployment).Set(unsure)
}

// Drifted is gitops.Observer's.
func (m *Metrics) Drifted(deployment string, d gitops.Drift) {
	m.drift.WithLabelValues(deployment).Set(float64(len(d.Changes) + d.More))
	m.drifted.WithLabelValues(deployment).Set(float64(d.At.Unix()))
}
