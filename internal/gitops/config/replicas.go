package config

import (
	"regexp"
	"time"

	"domctl.dev/schema"
)

// Replicas lets several controllers of one configuration run, of which one acts for
// each deployment. It states one of Kubernetes and Records.
type Replicas struct {
	// Lease is how long one that gives no sign of life still acts; zero is 30 seconds.
	Lease      time.Duration `yaml:"lease"`
	Kubernetes *Leases       `yaml:"kubernetes"`
	// Records keeps the lease beside a deployment's records, where there is no cluster.
	Records bool `yaml:"records"`
}

// Leases are Leases of the cluster that the controller runs in, or of the context of its
// kubeconfig: NAME-DEPLOYMENT.
type Leases struct {
	Namespace string `yaml:"namespace"`
	Name      string `yaml:"name"`
	Context   string `yaml:"context"`
}

// Of is the name of the Lease for a deployment, or for what else one replica does.
func (l Leases) Of(what string) string { return l.Name + "-" + what }

// stated says whether there may be others.
func (r Replicas) stated() bool { return r.Kubernetes != nil || r.Records }

// Term is Lease, or what it is where it is not stated.
func (r Replicas) Term() time.Duration {
	if r.Lease == 0 {
		return 30 * time.Second
	}
	return r.Lease
}

// objectName is how Kubernetes writes the name of a Lease.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
var objectName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

func (k checking) replicas(r Replicas) {
	if k.has("replicas") && !k.bad["replicas"] && r.stated() == (r.Kubernetes != nil && r.Records) {
		k.wrong(k.where("replicas"), "", "replicas states not just one of kubernetes and records")
	}
	if k.has("replicas.lease") && !k.bad["replicas.lease"] && (r.Lease < 15*time.Second || r.Lease > 10*time.Minute || r.Lease%time.Second != 0) {
		k.wrong(k.where("replicas.lease"), "", "replicas.lease is not between 15s and 10m, in whole seconds")
	}
	if r.Kubernetes == nil {
		return
	}
	at := "replicas.kubernetes"
	for field, value := range map[string]string{"namespace": r.Kubernetes.Namespace, "name": r.Kubernetes.Name} {
		if k.need(at, field, value) && !objectName.MatchString(value) {
			k.wrong(k.where(at+"."+field), "write it in small letters, digits and -, at most 63", "%s.%s is no name of Kubernetes'", at, field)
		}
	}
	part := func(field, name string) {
		if !objectName.MatchString(name) {
			k.wrong(k.where(field), "rename it, or use replicas.records", "%s is no part of the name of a Lease: small letters, digits and -, at most 63", name)
		}
	}
	for _, name := range schema.Sorted(k.c.Deployments) {
		part(schema.JoinPath("deployments", name), name)
	}
	for _, name := range schema.Sorted(k.c.Repositories) {
		part(schema.JoinPath("repositories", name), name)
	}
}
