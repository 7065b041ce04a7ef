package sandbox

import (
	"cmp"
	"slices"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// refresh is an instance refresh of a group, or what EKS does to it for an update of its
// node group. Times are RFC 3339.
type refresh struct {
	Checkpoints      []int64  `json:"checkpoints,omitempty"` // those yet to come
	Delay            string   `json:"delay,omitempty"`       // at each of them
	Done             int64    `json:"done"`                  // instances that are replaced
	Ended            string   `json:"ended,omitempty"`
	Fails            string   `json:"fails,omitempty"` // why it fails once an instance's time is over
	ID               string   `json:"id"`
	MaxHealthy       int64    `json:"maxHealthy"`
	MinHealthy       int64    `json:"minHealthy"`
	Mixed            bool     `json:"mixed,omitempty"`
	Old              []string `json:"old,omitempty"`      // instances to replace
	Patience         string   `json:"patience,omitempty"` // until when it waits for what keeps it
	Reason           string   `json:"reason,omitempty"`
	Resumes          string   `json:"resumes,omitempty"` // from a checkpoint
	ScaleInProtected string   `json:"scaleInProtected,omitempty"`
	Standby          string   `json:"standby,omitempty"`
	Started          string   `json:"started"`
	Status           string   `json:"status"`
	Template         string   `json:"template,omitempty"`
	Total            int64    `json:"total"`
	Update           string   `json:"update,omitempty"` // of EKS
	Version          string   `json:"version,omitempty"`
}

// patience is how long a refresh waits for what keeps it from going on (Auto Scaling API
// Reference, RefreshPreferences).
const patience = time.Hour

func (r refresh) times() []string {
	times := []string{r.Patience, r.Resumes}
	if r.Fails != "" {
		times = append(times, r.Ended)
	}
	return times
}

func (r refresh) port(group string) port.InstanceRefresh {
	p := port.InstanceRefresh{ID: r.ID, Group: group, Status: r.Status, Reason: r.Reason, Percent: 100, Started: moment(r.Started)}
	if r.Total > 0 {
		p.Percent = 100 * r.Done / r.Total
	}
	if !p.Live() {
		p.Ended = moment(r.Ended)
	}
	return p
}

// refreshing is the refresh that is in progress, nil for none.
func (l *life) refreshing() *refresh {
	if n := len(l.Refreshes); n > 0 && (port.InstanceRefresh{Status: l.Refreshes[n-1].Status}).Live() {
		return &l.Refreshes[n-1]
	}
	return nil
}

// begins a refresh.
func (l *life) begins(a port.NewInstanceRefresh, t time.Time, fails string) (id string) {
	r := refresh{Checkpoints: a.Checkpoints, Fails: fails, MaxHealthy: a.MaxHealthy, MinHealthy: a.MinHealthy, Mixed: a.Mixed,
		ScaleInProtected: a.ScaleInProtected, Standby: a.Standby, Started: dated(t), Status: "InProgress", Template: a.Template, Version: a.Version}
	if len(a.Checkpoints) > 0 {
		r.Delay = cmp.Or(a.Delay, time.Hour).String()
	}
	if fails != "" {
		r.Ended = dated(t.Add(l.takes()))
	}
	next, made := l.made("refresh")
	l.state, r.ID = next, uuid(made)
	l.Refreshes = append(l.Refreshes, r)
	now := l.refreshing()
	from, _, _ := l.source()
	for _, id := range schema.Sorted(l.Members) {
		if m := l.Members[id]; !m.is(terminating) && !(a.SkipMatching && m.source() == from) && !r.ignores(m) {
			now.Old = append(now.Old, id)
		}
	}
	now.Total = int64(len(now.Old))
	return r.ID
}

func dated(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// uuid is an id like those of refreshes and updates.
func uuid(of string) string {
	h := hashed("uuid", of)[len("sha256:"):]
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:32]
}

// ignores says whether an instance is to be left.
func (r refresh) ignores(m member) bool {
	return m.Protected && r.ScaleInProtected == "Ignore" || m.is(standby) && r.Standby == "Ignore"
}

// waitsFor says whether an instance has to be let go of first.
func (r refresh) waitsFor(m member) bool {
	return m.Protected && r.ScaleInProtected != "Refresh" || m.is(standby) && r.Standby != "Terminate"
}

func (l *life) finish(r *refresh, t time.Time, status, reason string) bool {
	r.Status, r.Reason, r.Ended, r.Old = status, reason, dated(t), nil
	if status == "Successful" {
		r.Done = max(r.Done, r.Total)
		if r.Template != "" {
			l.Template, l.Version, l.Mixed, l.LaunchConfiguration = r.Template, r.Version, r.Mixed, ""
		}
	}
	return true
}

// pace is what a refresh may do at a time.
type pace struct {
	old  []string // that still run, in their order
	most int64    // instances that may come up or run
	keep int64    // instances that must run
	left int64    // replacements until the next checkpoint
}

// pace follows the Auto Scaling API Reference, RefreshPreferences: where both bounds
// cannot be kept, one instance more is launched first.
func (l *life) pace(r *refresh) (p pace) {
	alive := int64(0)
	for _, id := range r.Old {
		m, there := l.Members[id]
		if !there || m.is(terminating) {
			continue
		}
		if alive++; !m.is(pending) && !r.waitsFor(m) {
			p.old = append(p.old, id)
		}
	}
	p.most, p.keep = l.Desired*r.MaxHealthy/100, (l.Desired*r.MinHealthy+99)/100
	if p.most <= l.Desired && p.keep >= l.Desired {
		p.most = l.Desired + 1
	}
	if p.left = alive; len(r.Checkpoints) > 0 {
		p.left = (r.Total*r.Checkpoints[0]+99)/100 - (r.Total - alive)
	}
	r.Done = max(0, r.Total-alive-max(0, l.Desired-l.count(inService)))
	return p
}

// refreshed is what a refresh does at a time (Auto Scaling User Guide, "How an instance
// refresh works in an Auto Scaling group").
func (l *life) refreshed(t time.Time) bool {
	r := l.refreshing()
	if r == nil {
		return false
	}
	p := l.pace(r)
	switch {
	case r.Fails != "" && !moment(r.Ended).After(t):
		return l.finish(r, t, "Failed", r.Fails)
	case r.Status == "Cancelling":
		return l.count(pending) == 0 && l.finish(r, t, "Cancelled", "Cancelled due to user request.")
	case r.Resumes != "" && moment(r.Resumes).After(t):
		return false
	case r.Resumes != "":
		if r.Resumes = ""; len(r.Checkpoints) == 0 { // the last was less than all of them
			return l.finish(r, t, "Successful", "")
		}
		return true
	case l.replaces(r, p, t):
		r.Patience = ""
		return true
	}
	return l.reaches(r, p, t)
}

// replaces ends an old instance or launches one ahead of that.
func (l *life) replaces(r *refresh, p pace, t time.Time) bool {
	if l.suspended("Terminate") || l.suspended("Launch") || l.suspended("InstanceRefresh") && r.Update == "" || len(p.old) == 0 || p.left <= 0 {
		return false
	}
	live := l.count(pending, inService)
	if id := p.old[0]; l.count(inService)-1 >= p.keep || l.Members[id].is(standby) {
		l.end(id, t, "Server.InternalError: replaced by an instance refresh")
		return true
	}
	return live < p.most && live-l.Desired < p.left && l.launches(t)
}

// reaches ends a refresh, or lets it wait at a checkpoint.
func (l *life) reaches(r *refresh, p pace, t time.Time) bool {
	if l.count(pending) > 0 || l.count(inService) < l.Desired || p.left > 0 {
		return false
	}
	if n := len(r.Checkpoints); n > 0 {
		last := r.Checkpoints[0]
		if r.Checkpoints = r.Checkpoints[1:]; last < 100 {
			delay, _ := time.ParseDuration(r.Delay)
			r.Resumes = dated(t.Add(delay))
		}
		if last < 100 || n > 1 {
			return true
		}
	}
	return l.finish(r, t, "Successful", "")
}

// stuck ends the patience of a refresh that nothing moves.
func (l *life) stuck(t time.Time) bool {
	r := l.refreshing()
	if r == nil || r.Resumes != "" || r.Fails != "" || l.count(pending, terminating) > 0 || r.Status == "Cancelling" {
		return false
	}
	if r.Patience == "" {
		r.Patience = dated(t.Add(patience))
		return true
	}
	if moment(r.Patience).After(t) {
		return false
	}
	reason := "The refresh could not launch instances: " + cmp.Or(l.Lacks, "InsufficientInstanceCapacity")
	if slices.ContainsFunc(r.Old, func(id string) bool { m, ok := l.Members[id]; return ok && r.waitsFor(m) }) {
		reason = "Instances that are protected from scale in, or in Standby, were not let go of in time."
	}
	return l.finish(r, t, "Failed", reason)
}
