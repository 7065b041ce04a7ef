package config

import (
	"slices"
	"strconv"
	"time"
)

// Watch is how often a deployment is held against the commit that was applied last, and
// who is told of what somebody else changed.
type Watch struct {
	// Every is how long there is between two looks; zero: nobody looks.
	Every time.Duration `yaml:"every"`
	// Tell are the ways in which it is told; empty: the record alone says it.
	Tell []string `yaml:"tell"`
}

// The ways to tell of drift.
const (
	TellNotify = "notify" // the deployment's channels, of those that want the event
	TellIssue  = "issue"  // an issue at the forge, closed when all is as it was applied
)

func (k checking) watch(at string, d Deployment) {
	every := at + ".drift.every"
	switch {
	case !k.has(at + ".drift"):
		return
	case !k.has(every):
		k.need(at+".drift", "every", "")
	case !k.bad[every] && (d.Drift.Every < 5*time.Second || d.Drift.Every > 30*24*time.Hour):
		k.wrong(k.where(every), "", "%s is not between 5s and 30d", every)
	}
	for i, way := range d.Drift.Tell {
		k.oneOf(at+".drift.tell."+strconv.Itoa(i), way, []string{TellIssue, TellNotify})
	}
	if r := k.c.Repositories[d.Repository]; slices.Contains(d.Drift.Tell, TellIssue) && (r.Forge == "" || k.c.Forges[r.Forge].Kind == "bitbucket") {
		k.wrong(k.where(at+".drift.tell"), "", "%s.drift is told in an issue, and its repository has no forge that keeps issues", at)
	}
	if slices.Contains(d.Drift.Tell, TellNotify) && len(d.Notify) == 0 {
		k.wrong(k.where(at+".drift.tell"), "state them: notify: [NAME]", "%s.drift is told to its channels, and it has none", at)
	}
}
