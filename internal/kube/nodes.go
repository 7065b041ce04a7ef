package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"domctl.dev/internal/port"
)

var _ port.Nodes = (*Client)(nil)

// cordonedBy is the annotation that says who cordoned a node.
const cordonedBy = "domctl.dev/cordoned-by"

// nodeObject is what is read of a Node.
// https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/
type nodeObject struct {
	Metadata metadata
	Spec     struct {
		ProviderID    string
		Unschedulable bool
		Taints        []port.Taint
	}
	Status struct {
		Capacity, Allocatable map[string]string
		Conditions            []condition
	}
}

type metadata struct {
	Namespace, Name, UID, ResourceVersion string
	Labels, Annotations                   map[string]string
	CreationTimestamp                     time.Time
	DeletionTimestamp                     *time.Time
	OwnerReferences                       []struct {
		Kind, Name string
		Controller bool
	}
}

type condition struct {
	Type, Status, Reason, Message string
	LastTransitionTime            time.Time
}

// ListNodes answers all nodes.
func (c *Client) ListNodes(ctx context.Context) (all []port.Node, err error) {
	objects, err := listed[nodeObject](ctx, c, "NodeList", nil, "api", "v1", "nodes")
	for _, o := range objects {
		n, err := o.node()
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", o.Metadata.Name, err)
		}
		all = append(all, n)
	}
	return all, err
}

func (o nodeObject) node() (n port.Node, err error) {
	m := o.Metadata
	n = port.Node{Name: m.Name, UID: m.UID, Version: m.ResourceVersion, Labels: m.Labels, Taints: o.Spec.Taints,
		Cordoned: o.Spec.Unschedulable, CordonedBy: m.Annotations[cordonedBy], Created: m.CreationTimestamp}
	n.Zone, n.Instance = ofAWS(o.Spec.ProviderID)
	if zone := m.Labels[port.ZoneLabel]; zone != "" {
		n.Zone = zone
	}
	for _, is := range o.Status.Conditions {
		n.Ready = n.Ready || is.Type == "Ready" && is.Status == "True"
		n.Conditions = append(n.Conditions, port.Condition{Type: is.Type, Status: is.Status, Reason: is.Reason, Message: is.Message, Since: is.LastTransitionTime})
	}
	capacity, err := amountsOf(o.Status.Capacity)
	if err != nil {
		return n, err
	}
	allocatable, err := amountsOf(o.Status.Allocatable)
	n.Capacity, n.Allocatable = capacity.resources(), allocatable.resources()
	return n, err
}

// ofAWS takes "aws:///us-west-2a/i-0abc" apart, and nothing else: not
// "aws:///us-west-2a/fargate-…".
func ofAWS(provider string) (zone, instance string) {
	rest, ok := strings.CutPrefix(provider, "aws:///")
	zone, instance, two := strings.Cut(rest, "/")
	if !ok || !two || !strings.HasPrefix(instance, "i-") {
		return "", ""
	}
	return zone, instance
}

// SetCordoned is one PATCH that the API server refuses unless the node is of this UID and
// resourceVersion.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
func (c *Client) SetCordoned(ctx context.Context, n port.Node, cordoned bool, by string) error {
	if !named(n.Name) || n.UID == "" || n.Version == "" {
		return fmt.Errorf("node %q: %w: it was not read", n.Name, port.ErrNotFound)
	}
	patch := map[string]any{ // null takes a field away (RFC 7386)
		"metadata": map[string]any{"uid": n.UID, "resourceVersion": n.Version, "annotations": map[string]any{cordonedBy: nil}},
		"spec":     map[string]any{"unschedulable": nil},
	}
	if cordoned {
		patch["metadata"].(map[string]any)["annotations"] = map[string]any{cordonedBy: by}
		patch["spec"] = map[string]any{"unschedulable": true}
	}
	body, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	_, err = within(ctx, c, func(ctx context.Context, at cluster) (struct{}, error) {
		return struct{}{}, at.cordon(ctx, n, body)
	})
	return err
}

func (c cluster) cordon(ctx context.Context, n port.Node, patch []byte) error {
	status, body, err := c.send(ctx, message{method: http.MethodPatch, kind: "application/merge-patch+json", body: patch}, "api", "v1", "nodes", n.Name)
	if err != nil {
		return c.unanswered(err)
	}
	says := c.says(body)
	switch {
	case status == http.StatusOK:
		return nil
	case status == http.StatusNotFound && says.Details.Kind == "nodes":
		return fmt.Errorf("%s: node %s: %w", c.where, n.Name, port.ErrNotFound)
	case status == http.StatusUnprocessableEntity && strings.Contains(says.Message, "metadata.uid"): // another of its name
		return fmt.Errorf("%s: node %s: %w", c.where, n.Name, port.ErrNotFound)
	case status == http.StatusConflict && says.Kind == "Status":
		return fmt.Errorf("%s: node %s was changed since it was read: %w", c.where, n.Name, port.ErrState)
	}
	return c.refused(status, body, "patch nodes")
}

// named tells names of objects, which stand in paths, from everything else.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
func named(name string) bool { return len(name) <= 253 && nameForm.MatchString(name) }

var nameForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)

// refused explains an answer that says no to what domctl does with nodes and pods.
func (c cluster) refused(status int, body []byte, what string) error {
	says := c.says(body)
	switch {
	case status == http.StatusTooManyRequests: // of priority and fairness, which writes no Status
		return fmt.Errorf("%s: %w: it has more to do than it takes on; run again later", c.where, port.ErrThrottled)
	case says.Kind != "Status":
		return c.stranger(status)
	case status == http.StatusUnauthorized:
		return c.unauthorized()
	case status == http.StatusForbidden:
		return fmt.Errorf("%s refuses to %s: %w: %s; domctl doctor --policies prints the role that lets it", c.where, what, port.ErrDenied, says.Message)
	}
	return c.unwell(status, says.Message)
}
