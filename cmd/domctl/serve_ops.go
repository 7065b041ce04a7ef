package main

import (
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/notify"
)

// audiences are who is told of a deployment.
func (s serving) audiences(of gitops.Deployment) (all []gitops.Audience) {
	for _, name := range of.Notify {
		c := s.config.Notify[name]
		all = append(all, gitops.Audience{Name: name, Events: c.Events, To: notify.Slack{URL: func() (string, error) { return s.text(c.URL) }}})
	}
	return all
}
