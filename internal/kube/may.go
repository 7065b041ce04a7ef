package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"domctl.dev/internal/port"
)

// May asks whether these credentials let a verb on a resource ("pods/eviction", "nodepools.karpenter.sh") in every
// namespace: nil, or port.ErrDenied. It changes nothing, and every user may ask.
// https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
func (c *Client) May(ctx context.Context, verb, resource string) error {
	return c.mayIn(ctx, "", verb, resource)
}

func (c *Client) mayIn(ctx context.Context, namespace, verb, resource string) error {
	name, sub, _ := strings.Cut(resource, "/")
	name, group, _ := strings.Cut(name, ".")
	body, err := json.Marshal(map[string]any{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
		"spec": map[string]any{"resourceAttributes": map[string]any{"namespace": namespace, "verb": verb, "group": group, "resource": name, "subresource": sub}}})
	if err != nil {
		return err
	}
	_, err = within(ctx, c, func(ctx context.Context, at cluster) (struct{}, error) {
		return struct{}{}, at.may(ctx, body, verb+" "+resource)
	})
	return err
}

func (c cluster) may(ctx context.Context, send []byte, what string) error {
	status, body, err := c.call(ctx, http.MethodPost, send, "apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews")
	if err != nil {
		return c.unanswered(err)
	}
	if status != http.StatusCreated {
		return c.refused(status, body, "tell what it allows")
	}
	var review struct {
		Kind   string
		Status struct{ Allowed bool }
	}
	if err := json.Unmarshal(body, &review); err != nil || review.Kind != "SelfSubjectAccessReview" {
		return c.stranger(status)
	}
	if !review.Status.Allowed {
		return fmt.Errorf("%s does not let you %s: %w", c.where, what, port.ErrDenied)
	}
	return nil
}
