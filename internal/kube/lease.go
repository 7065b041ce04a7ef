package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"domctl.dev/internal/port"
)

// Lease is a Lease object of a namespace.
// https://kubernetes.io/docs/concepts/architecture/leases/
type Lease struct {
	*Client
	Namespace, Name string
}

// leaseObject is what is read and written of a Lease.
// https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/
type leaseObject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Namespace       string            `json:"namespace"`
		Name            string            `json:"name"`
		ResourceVersion string            `json:"resourceVersion,omitempty"`
		Annotations     map[string]string `json:"annotations,omitempty"`
	} `json:"metadata"`
	Spec leaseSpec `json:"spec"`
}

type leaseSpec struct {
	HolderIdentity       string     `json:"holderIdentity"`
	LeaseDurationSeconds int        `json:"leaseDurationSeconds,omitempty"`
	AcquireTime          *microTime `json:"acquireTime,omitempty"`
	RenewTime            *microTime `json:"renewTime,omitempty"`
	LeaseTransitions     int        `json:"leaseTransitions"`
}

// microTime is a time as Leases hold it: with all six digits of its microseconds.
type microTime struct{ time.Time }

func (t microTime) MarshalJSON() ([]byte, error) {
	return []byte(t.UTC().Format(`"2006-01-02T15:04:05.000000Z07:00"`)), nil
}

// hints is the annotation that counts them.
const hints = "domctl.dev/hints"

// Lease reads it; the zero value: there is none.
func (l Lease) Lease(ctx context.Context) (port.Lease, error) {
	return within(ctx, l.Client, func(ctx context.Context, at cluster) (none port.Lease, err error) {
		status, body, err := at.call(ctx, http.MethodGet, nil, l.path(l.Name)...)
		if err != nil {
			return none, at.unanswered(err)
		}
		if status == http.StatusNotFound && at.says(body).Details.Kind == "leases" {
			return none, nil
		}
		return l.read(at, status, body)
	})
}

// SetLease writes it where it is still the version that was read, or makes it where
// there was none; port.ErrMoved.
func (l Lease) SetLease(ctx context.Context, to port.Lease) (none port.Lease, err error) {
	method, path := http.MethodPut, l.path(l.Name)
	if to.Version == "" {
		method, path = http.MethodPost, l.path()
	}
	body, err := json.Marshal(l.object(to))
	if err != nil {
		return none, err
	}
	return within(ctx, l.Client, func(ctx context.Context, at cluster) (none port.Lease, err error) {
		status, answer, err := at.call(ctx, method, body, path...)
		if err != nil {
			return none, at.unanswered(err)
		}
		if status == http.StatusConflict { // also where it exists by now
			return none, fmt.Errorf("%s: lease %s/%s: %w", at.where, l.Namespace, l.Name, port.ErrMoved)
		}
		return l.read(at, status, answer)
	})
}

func (l Lease) path(name ...string) []string {
	return append([]string{"apis", "coordination.k8s.io", "v1", "namespaces", l.Namespace, "leases"}, name...)
}

func (l Lease) object(to port.Lease) (o leaseObject) {
	o.APIVersion, o.Kind = "coordination.k8s.io/v1", "Lease"
	o.Metadata.Namespace, o.Metadata.Name, o.Metadata.ResourceVersion = l.Namespace, l.Name, to.Version
	o.Metadata.Annotations = map[string]string{hints: fmt.Sprint(to.Hints)}
	o.Spec = leaseSpec{HolderIdentity: to.Holder, LeaseDurationSeconds: int(to.Term / time.Second), LeaseTransitions: to.Transitions,
		AcquireTime: &microTime{to.Acquired}, RenewTime: &microTime{to.Renewed}}
	return o
}

func (l Lease) read(at cluster, status int, body []byte) (got port.Lease, err error) {
	if status != http.StatusOK && status != http.StatusCreated {
		return got, l.refusal(at, status, body)
	}
	var o leaseObject
	if err := json.Unmarshal(body, &o); err != nil || o.Kind != "Lease" || o.Metadata.ResourceVersion == "" {
		return got, at.stranger(status)
	}
	got = port.Lease{Holder: o.Spec.HolderIdentity, Term: time.Duration(o.Spec.LeaseDurationSeconds) * time.Second, Transitions: o.Spec.LeaseTransitions, Version: o.Metadata.ResourceVersion}
	if o.Spec.AcquireTime != nil {
		got.Acquired = o.Spec.AcquireTime.Time
	}
	if o.Spec.RenewTime != nil {
		got.Renewed = o.Spec.RenewTime.Time
	}
	_, _ = fmt.Sscan(o.Metadata.Annotations[hints], &got.Hints) // what others wrote there counts as none
	return got, nil
}

// refusal explains the API server's own answer.
func (l Lease) refusal(at cluster, status int, body []byte) error {
	says := at.says(body)
	switch {
	case says.Kind != "Status":
		return at.stranger(status)
	case status == http.StatusUnauthorized:
		return at.unauthorized()
	case status == http.StatusForbidden:
		return fmt.Errorf("%s refuses: %s; a Role must let that user get, create and update leases of coordination.k8s.io in namespace %s", at.where, says.Message, l.Namespace)
	case status == http.StatusNotFound:
		return fmt.Errorf("%s: %s; correct replicas.kubernetes.namespace, or make it", at.where, says.Message)
	}
	return at.unwell(status, says.Message)
}
