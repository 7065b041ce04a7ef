package main

import (
	"crypto/rand"
	"os"
	"strings"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/kube"
	"domctl.dev/schema"
)

// replica is this process among those that run with the same configuration; nil where
// it says that there are no others.
func (s serving) replica() *gitops.Replica {
	of := s.config.Replicas
	if of.Kubernetes == nil && !of.Records {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	r := &gitops.Replica{Me: host + "-" + strings.ToLower(rand.Text()[:6]), Term: of.Term()}
	if in := of.Kubernetes; in != nil {
		client := kube.Open(kube.Config{Context: in.Context})
		r.Seat = func(what string) gitops.Seat {
			return kube.Lease{Client: client, Namespace: in.Namespace, Name: in.Of(what)}
		}
		return r
	}
	r.Seat = func(what string) gitops.Seat {
		name := what
		if _, ours := s.config.Deployments[what]; ours {
			what = ""
		} else { // the first one's records are as good as any: they are the same for all replicas
			name = schema.Sorted(s.config.Deployments)[0]
		}
		b := &bound{s.config.Deployments[name], name, config.ToApply, "", s.config.Deployments, nil, nil}
		return gitops.RecordsSeat(b.records, what, rand.Text)
	}
	return r
}
