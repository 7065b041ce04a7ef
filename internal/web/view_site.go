package web

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"domctl.dev/internal/gitops"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// row is a deployment in the list of all.
type row struct {
	Name, URL    string
	State, Class string // in a word or two, and how it is coloured
	Why          string
	Commit       place
	Frozen       string
	Until        time.Time
	Drift        int
	Findings     int
	SeenAt       time.Time
	Waits        []string // what waits
	Last         *line
	At           time.Time
	Err          string
	Attention    bool // somebody should look
}

func pathOf(parts ...string) string {
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return "/" + strings.Join(parts, "/")
}

// stateOf says in a word how a deployment stands, gravest first.
func stateOf(s standing) (state, class string) {
	switch {
	case s.At.IsZero():
		return "unknown", "bad"
	case s.Head.Stage == gitops.Refused:
		return "refused", "bad"
	case s.Head.Stage == gitops.Applying && s.Head.Tries > 0:
		return "waits", "warn"
	case s.Head.Stage == gitops.Applying:
		return "applying", "busy"
	case len(s.Open) > 0:
		return "apply open", "warn" // it failed, waits for somebody, or runs elsewhere
	case s.Head.Stage == gitops.Done && s.Head.Blocked+s.Head.Left > 0:
		return "partly applied", "warn"
	case len(s.Seen.Changes) > 0:
		return "drifted", "warn"
	case s.Head.Stage == gitops.Done:
		return "up to date", "good"
	case s.Head.Stage == gitops.Asked:
		return "needs approval", "warn"
	case s.Head.Stage != "":
		return shown(string(s.Head.Stage)), "warn"
	case s.Latest == "":
		return "never applied", "calm"
	}
	return "applied by hand", "calm"
}

func rowOf(d Deployment, s standing, now time.Time) row {
	r := row{Name: shown(d.Name), URL: pathOf("deployments", d.Name), Why: shown(s.Head.Why), Drift: len(s.Seen.Changes) + s.Seen.More, Findings: len(s.Seen.Findings), SeenAt: s.Seen.At, At: s.At}
	r.State, r.Class = stateOf(s)
	if s.Err != nil {
		r.Err = shown(s.Err.Error())
	}
	if c := s.Head.Commit; c != "" {
		r.Commit = place{fmt.Sprintf("%.12s", shown(c)), d.Forge.Commit(c)}
	}
	if s.Freeze.Holds(now) {
		r.Frozen, r.Until = shown(s.Freeze.Why+" ("+s.Freeze.Who+")"), s.Freeze.Until
	}
	if under := s.Head.Stage == gitops.Applying && s.Head.Tries == 0; s.Head.Stage != gitops.Done && s.Head.Why != "" && !under {
		r.Waits = append(r.Waits, shown(s.Head.Why))
	}
	if n := len(s.Open); n > 0 {
		r.Waits = append(r.Waits, planner.Plural(n, "open apply"))
		if n > 1 {
			r.Waits[len(r.Waits)-1] = fmt.Sprintf("%d open applies", n)
		}
	}
	r.Attention = r.Class == "bad" || r.Class == "warn" || r.Err != "" || r.Drift > 0 || s.Head.Stage == gitops.Refused
	return r
}

// drifted is an address that is not as it was applied.
type drifted struct {
	Address, Action, Reason string
	Fields                  []string
}

// image is an AMI to be shown.
type image struct {
	Entry, ID, Age string
	Due            bool
	Holds          []string
}

func driftOf(s gitops.Drift) (out []drifted) {
	for _, c := range s.Changes[:min(len(s.Changes), mostChanges)] {
		out = append(out, drifted{shown(c.Address.String()), shown(string(c.Action)), shown(c.Reason), printed(c.Fields)})
	}
	return out
}

func foundOf(s gitops.Drift) (out []finding) {
	for _, f := range s.Findings[:min(len(s.Findings), mostFindings)] {
		one := finding{Code: shown(f.Code), Message: shown(f.Message)}
		if f.Address != (schema.Address{}) {
			one.Address = shown(f.Address.String())
		}
		out = append(out, one)
	}
	return out
}

func imagesOf(s gitops.Drift) (out []image) {
	const most = 100
	for _, i := range s.AMIs[:min(len(s.AMIs), most)] {
		one := image{Entry: shown(i.AMI.String()), ID: shown(i.Image), Due: i.Due, Holds: printed(i.Holds)}
		if i.Days >= 0 {
			one.Age = planner.Plural(i.Days, "day")
		}
		out = append(out, one)
	}
	return out
}

func printed(texts []string) (out []string) {
	const most = 50
	for _, t := range texts[:min(len(texts), most)] {
		out = append(out, shown(t))
	}
	if left := len(texts) - most; left > 0 {
		out = append(out, fmt.Sprintf("and %d more", left))
	}
	return out
}
