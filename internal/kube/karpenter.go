package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"domctl.dev/internal/port"
)

var _ port.Grid = (*Client)(nil)

// heldBy is the annotation that says who has a NodePool hold drift.
const heldBy = "domctl.dev/drift-held-by"

// The groups of Karpenter's objects. v1 stands since Karpenter 1.0.
// https://karpenter.sh/docs/upgrading/v1-migration/
const (
	karpenterGroup = "karpenter.sh"
	classGroup     = "karpenter.k8s.aws"
)

// poolObject is what is read of a NodePool.
// https://github.com/kubernetes-sigs/karpenter/blob/v1.14.0/pkg/apis/v1/nodepool.go
type poolObject struct {
	Metadata metadata
	Spec     struct {
		Disruption struct {
			Budgets             []json.RawMessage
			ConsolidationPolicy string
			ConsolidateAfter    string
		}
		Limits   map[string]json.RawMessage
		Replicas *int64
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				NodeClassRef struct{ Group, Kind, Name string }
				Requirements []struct {
					Key, Operator string
					Values        []string
				}
				Taints      []port.Taint
				ExpireAfter string
			}
		}
	}
}

// ListNodePools answers all NodePools.
func (c *Client) ListNodePools(ctx context.Context) (all []port.NodePool, err error) {
	objects, err := served[poolObject](ctx, c, karpenterGroup, "NodePool", "nodepools")
	for _, o := range objects {
		p, err := o.pool()
		if err != nil {
			return nil, fmt.Errorf("NodePool %s: %w", o.Metadata.Name, err)
		}
		all = append(all, p)
	}
	return all, err
}

func (o poolObject) pool() (p port.NodePool, err error) {
	m, of := o.Metadata, o.Spec.Template.Spec
	p = port.NodePool{Name: m.Name, UID: m.UID, Version: m.ResourceVersion, HeldBy: m.Annotations[heldBy], Labels: o.Spec.Template.Metadata.Labels, Taints: of.Taints,
		ExpireAfter: of.ExpireAfter, Consolidates: o.Spec.Disruption.ConsolidationPolicy, ConsolidateAfter: o.Spec.Disruption.ConsolidateAfter, Fixed: o.Spec.Replicas != nil}
	if of.NodeClassRef.Group == classGroup && of.NodeClassRef.Kind == "EC2NodeClass" {
		p.Class = of.NodeClassRef.Name
	}
	for _, b := range o.Spec.Disruption.Budgets {
		text, err := canonical(b)
		if err != nil {
			return p, err
		}
		p.Budgets = append(p.Budgets, text)
	}
	texts := map[string]string{}
	for name, limit := range o.Spec.Limits {
		if p.Limits == nil {
			p.Limits = map[string]string{}
		}
		p.Limits[name], texts[name] = string(limit), strings.Trim(string(limit), `"`)
	}
	limited, err := amountsOf(texts)
	if err != nil {
		return p, fmt.Errorf("limits: %w", err)
	}
	p.Limited = port.Resources{MilliCPU: limited["cpu"], Memory: limited["memory"]}
	for _, r := range of.Requirements {
		switch {
		case r.Operator != "In":
		case r.Key == port.TypeLabel:
			p.InstanceTypes = r.Values
		case r.Key == port.ZoneLabel:
			p.Zones = r.Values
		}
	}
	return p, nil
}

// canonical is JSON with sorted keys and no white space.
func canonical(raw json.RawMessage) (string, error) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return "", err
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// classObject is what is read of an EC2NodeClass.
// https://github.com/aws/karpenter-provider-aws/blob/v1.15.2/pkg/apis/v1/ec2nodeclass.go
type classObject struct {
	Metadata struct {
		metadata
		Generation int64
	}
	Spec struct {
		AMISelectorTerms    json.RawMessage
		AMIFamily           string
		BlockDeviceMappings json.RawMessage
	}
	Status struct {
		AMIs       []struct{ ID string }
		Conditions []struct {
			condition
			ObservedGeneration int64
		}
	}
}

// ListNodeClasses answers all EC2NodeClasses.
func (c *Client) ListNodeClasses(ctx context.Context) (all []port.NodeClass, err error) {
	objects, err := served[classObject](ctx, c, classGroup, "EC2NodeClass", "ec2nodeclasses")
	for _, o := range objects {
		n, err := o.class()
		if err != nil {
			return nil, fmt.Errorf("EC2NodeClass %s: %w", o.Metadata.Name, err)
		}
		all = append(all, n)
	}
	return all, err
}

// class takes what the status says where it is of the object as it stands.
func (o classObject) class() (n port.NodeClass, err error) {
	m := o.Metadata
	n = port.NodeClass{Name: m.Name, UID: m.UID, Version: m.ResourceVersion, Family: o.Spec.AMIFamily}
	if n.Terms, err = canonical(o.Spec.AMISelectorTerms); err != nil {
		return n, err
	}
	if len(o.Spec.BlockDeviceMappings) > 0 {
		if n.Blocks, err = canonical(o.Spec.BlockDeviceMappings); err != nil {
			return n, err
		}
	}
	for _, is := range o.Status.Conditions {
		switch {
		case is.ObservedGeneration < m.Generation:
		case is.Type == "AMIsReady" && is.Status == "True":
			n.Images = []string{}
			for _, ami := range o.Status.AMIs {
				n.Images = append(n.Images, ami.ID)
			}
		case is.Status == "False" && (n.Fault == "" || is.Type != "Ready"):
			n.Fault, n.FaultSince = strings.TrimSpace(is.Type+" is false: "+is.Message), is.LastTransitionTime
		}
	}
	return n, nil
}

// claimObject is what is read of a NodeClaim.
// https://github.com/kubernetes-sigs/karpenter/blob/v1.14.0/pkg/apis/v1/nodeclaim.go
type claimObject struct {
	Metadata metadata
	Spec     struct {
		NodeClassRef struct{ Group, Kind, Name string }
	}
	Status struct{ NodeName, ProviderID, ImageID string }
}

// ListNodeClaims answers all NodeClaims.
func (c *Client) ListNodeClaims(ctx context.Context) (all []port.NodeClaim, err error) {
	objects, err := served[claimObject](ctx, c, karpenterGroup, "NodeClaim", "nodeclaims")
	for _, o := range objects {
		m := o.Metadata
		n := port.NodeClaim{Name: m.Name, UID: m.UID, Pool: m.Labels[port.NodePoolLabel], Class: o.Spec.NodeClassRef.Name, Node: o.Status.NodeName, Image: o.Status.ImageID,
			Created: m.CreationTimestamp, Going: m.DeletionTimestamp != nil}
		_, n.Instance = ofAWS(o.Status.ProviderID)
		all = append(all, n)
	}
	return all, err
}

// served lists all objects of a kind of Karpenter's; where v1 of it is not served, it says
// what is.
func served[T any](ctx context.Context, c *Client, group, kind, plural string) ([]T, error) {
	all, err := listed[T](ctx, c, kind+"List", nil, "apis", group, "v1", plural)
	if !errors.Is(err, errUnserved) {
		return all, err
	}
	versions, err := within(ctx, c, func(ctx context.Context, at cluster) ([]string, error) { return at.versions(ctx, group) })
	switch {
	case err != nil:
		return nil, err
	case len(versions) == 0:
		return nil, fmt.Errorf("%w: %s is not there; is Karpenter installed in this cluster?", port.ErrNotServed, group)
	}
	return nil, fmt.Errorf("%w: %w: %s serves %s; update Karpenter to 1.0 or later", port.ErrNotServed, port.ErrVersion, group, strings.Join(versions, ", "))
}

// versions of a group of objects that are served; none: the group is not.
// https://kubernetes.io/docs/reference/using-api/#api-groups
func (c cluster) versions(ctx context.Context, group string) (all []string, err error) {
	status, body, err := c.call(ctx, http.MethodGet, nil, "apis", group)
	switch {
	case err != nil:
		return nil, c.unanswered(err)
	case status == http.StatusNotFound:
		return nil, nil
	case status != http.StatusOK:
		return nil, c.refused(status, body, "tell what it serves")
	}
	var is struct {
		Kind     string
		Versions []struct{ Version string }
	}
	if err := json.Unmarshal(body, &is); err != nil || is.Kind != "APIGroup" {
		return nil, c.stranger(status)
	}
	for _, v := range is.Versions {
		all = append(all, v.Version)
	}
	slices.Sort(all)
	return all, nil
}

// HoldDrift patches the budgets, which are one list, and the annotation beside them.
// https://karpenter.sh/docs/concepts/disruption/#nodepool-disruption-budgets
func (c *Client) HoldDrift(ctx context.Context, p port.NodePool, by string) error {
	budgets := []json.RawMessage{}
	for _, b := range p.WithHold(by != "") {
		budgets = append(budgets, json.RawMessage(b))
	}
	var note any
	if by != "" {
		note = by
	}
	return c.change(ctx, karpenterGroup, "nodepools", "NodePool "+p.Name, identity{p.Name, p.UID, p.Version}, map[string]any{heldBy: note}, map[string]any{"disruption": map[string]any{"budgets": budgets}})
}

// SetLimits patches those limits alone.
func (c *Client) SetLimits(ctx context.Context, p port.NodePool, limits map[string]string) error {
	set := map[string]any{}
	for name, limit := range limits {
		if set[name] = nil; limit != "" {
			set[name] = json.RawMessage(limit)
		}
	}
	return c.change(ctx, karpenterGroup, "nodepools", "NodePool "+p.Name, identity{p.Name, p.UID, p.Version}, nil, map[string]any{"limits": set})
}

// SetImageTerms patches what images are chosen by.
// https://karpenter.sh/docs/concepts/nodeclasses/#specamiselectorterms
func (c *Client) SetImageTerms(ctx context.Context, n port.NodeClass, terms, family string) error {
	set := map[string]any{"amiSelectorTerms": json.RawMessage(terms), "amiFamily": nil}
	if family != "" {
		set["amiFamily"] = family
	}
	return c.change(ctx, classGroup, "ec2nodeclasses", "EC2NodeClass "+n.Name, identity{n.Name, n.UID, n.Version}, nil, set)
}

// identity is what a patch expects its object to be.
type identity struct{ name, uid, version string }

// change is one PATCH that the API server refuses unless the object is of this UID and
// resourceVersion; null takes a field away (RFC 7386).
func (c *Client) change(ctx context.Context, group, plural, what string, of identity, annotations, spec map[string]any) error {
	if !named(of.name) || of.uid == "" || of.version == "" {
		return fmt.Errorf("%s: %w: it was not read", what, port.ErrNotFound)
	}
	meta := map[string]any{"uid": of.uid, "resourceVersion": of.version}
	if annotations != nil {
		meta["annotations"] = annotations
	}
	body, err := json.Marshal(map[string]any{"metadata": meta, "spec": spec})
	if err != nil {
		return err
	}
	_, err = within(ctx, c, func(ctx context.Context, at cluster) (struct{}, error) {
		status, answer, err := at.send(ctx, message{method: http.MethodPatch, kind: "application/merge-patch+json", body: body}, "apis", group, "v1", plural, of.name)
		if err != nil {
			return struct{}{}, at.unanswered(err)
		}
		return struct{}{}, at.changed(status, answer, plural, what, "patch "+plural)
	})
	return err
}

// changed explains the answer to a write of one of Karpenter's objects.
func (c cluster) changed(status int, body []byte, plural, what, verb string) error {
	says := c.says(body)
	told := func(err error) error { return fmt.Errorf("%s: %s: %w", c.where, what, err) }
	switch {
	case status == http.StatusOK || status == http.StatusAccepted:
		return nil
	case says.Kind != "Status":
	case status == http.StatusNotFound && says.Details.Kind == plural,
		status == http.StatusConflict && strings.Contains(says.Message, "UID"), // another of its name
		status == http.StatusUnprocessableEntity && strings.Contains(says.Message, "metadata.uid"):
		return told(port.ErrNotFound)
	case status == http.StatusConflict:
		return told(fmt.Errorf("it was changed since it was read: %w", port.ErrState))
	case status == http.StatusUnprocessableEntity:
		return told(fmt.Errorf("%w: %s", port.ErrInvalid, says.Message))
	}
	return c.refused(status, body, verb)
}

// DeleteNodeClaim is one DELETE of this UID. Karpenter's finalizer keeps the object until
// the node is drained and its instance ended.
// https://karpenter.sh/docs/concepts/disruption/#termination-controller
func (c *Client) DeleteNodeClaim(ctx context.Context, n port.NodeClaim) error {
	what := "NodeClaim " + n.Name
	if !named(n.Name) || n.UID == "" {
		return fmt.Errorf("%s: %w: it was not read", what, port.ErrNotFound)
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": map[string]any{"uid": n.UID}})
	if err != nil {
		return err
	}
	_, err = within(ctx, c, func(ctx context.Context, at cluster) (struct{}, error) {
		status, answer, err := at.call(ctx, http.MethodDelete, body, "apis", karpenterGroup, "v1", "nodeclaims", n.Name)
		if err != nil {
			return struct{}{}, at.unanswered(err)
		}
		return struct{}{}, at.changed(status, answer, "nodeclaims", what, "delete nodeclaims")
	})
	return err
}
