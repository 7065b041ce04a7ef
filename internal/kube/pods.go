package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"

	"domctl.dev/internal/port"
)

// podObject is what is read of a Pod.
// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
type podObject struct {
	Metadata metadata
	Spec     struct {
		NodeName                   string
		InitContainers, Containers []container
		Overhead                   map[string]string
		Resources                  struct{ Requests map[string]string }
		Volumes                    []struct{ EmptyDir json.RawMessage }
	}
	Status struct {
		Phase      string
		Conditions []condition
	}
}

type container struct {
	RestartPolicy string
	Resources     struct{ Requests map[string]string }
}

// mirror is the annotation of a pod that its node's kubelet made of a file.
// https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-config-mirror
const mirror = "kubernetes.io/config.mirror"

// ListPods answers the pods of a node, or with "" all.
func (c *Client) ListPods(ctx context.Context, node string) (all []port.Pod, err error) {
	query := url.Values{}
	if node != "" {
		if !named(node) {
			return nil, nil // no node has such a name
		}
		query.Set("fieldSelector", "spec.nodeName="+node)
	}
	objects, err := listed[podObject](ctx, c, "PodList", query, "api", "v1", "pods")
	for _, o := range objects {
		p, err := o.pod()
		if err != nil {
			return nil, fmt.Errorf("pod %s/%s: %w", o.Metadata.Namespace, o.Metadata.Name, err)
		}
		all = append(all, p)
	}
	return all, err
}

func (o podObject) pod() (p port.Pod, err error) {
	m := o.Metadata
	_, mirrored := m.Annotations[mirror]
	p = port.Pod{Namespace: m.Namespace, Name: m.Name, UID: m.UID, Node: o.Spec.NodeName, Phase: o.Status.Phase, Labels: m.Labels,
		Mirror: mirrored, Ending: m.DeletionTimestamp != nil, Created: m.CreationTimestamp}
	for _, owner := range m.OwnerReferences {
		if owner.Controller {
			p.OwnerKind, p.Owner = owner.Kind, owner.Name
		}
	}
	for _, v := range o.Spec.Volumes {
		p.LocalData = p.LocalData || len(v.EmptyDir) > 0 && string(v.EmptyDir) != "null"
	}
	for _, is := range o.Status.Conditions {
		if is.Type == "PodScheduled" && is.Status == "False" {
			p.Unscheduled = is.Message
		}
	}
	p.Requests, err = o.requests()
	return p, err
}

// requests are what the scheduler reserves: for containers and sidecars together, or for
// an init container beside the sidecars begun before it, whichever is more; what the pod
// itself requests stands in place of that; the overhead comes on top.
// https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
func (o podObject) requests() (none port.Resources, err error) {
	running, beginning := amounts{}, amounts{}
	for _, c := range o.Spec.InitContainers {
		r, err := amountsOf(c.Resources.Requests)
		if err != nil {
			return none, err
		}
		beginning = beginning.most(running.plus(r))
		if c.RestartPolicy == "Always" { // a sidecar
			running = running.plus(r)
		}
	}
	for _, c := range o.Spec.Containers {
		r, err := amountsOf(c.Resources.Requests)
		if err != nil {
			return none, err
		}
		running = running.plus(r)
	}
	whole := running.most(beginning)
	own, err := amountsOf(o.Spec.Resources.Requests)
	if err != nil {
		return none, err
	}
	maps.Copy(whole, own)
	over, err := amountsOf(o.Spec.Overhead)
	if err != nil {
		return none, err
	}
	whole = whole.plus(over)
	whole["pods"] = 1
	return whole.resources(), nil
}
