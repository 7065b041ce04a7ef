package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"domctl.dev/internal/port"
)

// eviction is a subresource of pods: it begins a pod's end as a delete does, unless a
// budget forbids it. The precondition keeps it to the pod that was read: a StatefulSet's
// next pod has the name of the last.
// https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
type eviction struct {
	APIVersion    string        `json:"apiVersion"`
	Kind          string        `json:"kind"`
	Metadata      evicted       `json:"metadata"`
	DeleteOptions deleteOptions `json:"deleteOptions"`
}

type evicted struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

type deleteOptions struct {
	Preconditions struct {
		UID string `json:"uid"`
	} `json:"preconditions"`
}

// EvictPod asks for the end of a pod. The answer says that its end has begun: it is there
// until its containers have ended.
func (c *Client) EvictPod(ctx context.Context, p port.Pod) error {
	if !named(p.Namespace) || !named(p.Name) || p.UID == "" {
		return fmt.Errorf("pod %q in namespace %q: %w: it was not read", p.Name, p.Namespace, port.ErrNotFound)
	}
	e := eviction{APIVersion: "policy/v1", Kind: "Eviction", Metadata: evicted{p.Namespace, p.Name}}
	e.DeleteOptions.Preconditions.UID = p.UID
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = within(ctx, c, func(ctx context.Context, at cluster) (struct{}, error) {
		return struct{}{}, at.evict(ctx, p, body)
	})
	return err
}

func (c cluster) evict(ctx context.Context, p port.Pod, send []byte) error {
	status, body, err := c.call(ctx, http.MethodPost, send, "api", "v1", "namespaces", p.Namespace, "pods", p.Name, "eviction")
	if err != nil {
		return c.unanswered(err)
	}
	if status == http.StatusOK || status == http.StatusCreated {
		return nil
	}
	says := c.says(body)
	told := func(err error) error { return fmt.Errorf("%s: pod %s/%s: %w", c.where, p.Namespace, p.Name, err) }
	budget, kept := says.because("DisruptionBudget")
	_, ends := says.because("NamespaceTerminating")
	switch {
	case says.Kind != "Status":
	case status == http.StatusTooManyRequests && kept:
		return told(fmt.Errorf("%w: %s", port.ErrBudget, budget))
	case status == http.StatusNotFound && (says.Details.Kind == "pods" || says.Details.Kind == "namespaces"), status == http.StatusConflict && strings.Contains(says.Message, "UID"):
		return told(port.ErrNotFound)
	case status == http.StatusForbidden && ends:
		return told(fmt.Errorf("its namespace ends, and it with it: %w", port.ErrState))
	case status == http.StatusInternalServerError && strings.Contains(says.Message, "more than one PodDisruptionBudget"):
		return told(fmt.Errorf("%w: it has several; nothing can evict it until all but one are deleted", port.ErrBudget))
	}
	return c.refused(status, body, "evict pods")
}

// because is what a cause of this reason says.
func (s said) because(reason string) (message string, is bool) {
	for _, c := range s.Details.Causes {
		if c.Reason == reason {
			return c.Message, true
		}
	}
	return "", false
}
