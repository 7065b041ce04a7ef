//go:build wire

package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/internal/wiretest"
	"domctl.dev/internal/worldtest"
)

const (
	atPools   = "/apis/karpenter.sh/v1/nodepools"
	atClaims  = "/apis/karpenter.sh/v1/nodeclaims"
	atClasses = "/apis/karpenter.k8s.aws/v1/ec2nodeclasses"
)

func taints(all []port.Taint) string {
	return strings.NewReplacer(`"Key"`, `"key"`, `"Value"`, `"value"`, `"Effect"`, `"effect"`).Replace(text(all))
}

func (k *kubelet) nodePool(t *testing.T, p port.NodePool) {
	disruption, limits, requirements, expires := map[string]any{}, map[string]json.RawMessage{}, []any{}, ""
	if p.Budgets != nil {
		disruption["budgets"] = json.RawMessage("[" + strings.Join(p.Budgets, ",") + "]")
	}
	if p.Consolidates != "" {
		disruption["consolidationPolicy"] = p.Consolidates
	}
	if p.ConsolidateAfter != "" {
		disruption["consolidateAfter"] = p.ConsolidateAfter
	}
	for r, limit := range p.Limits {
		limits[r] = json.RawMessage(limit)
	}
	for key, values := range map[string][]string{port.TypeLabel: p.InstanceTypes, port.ZoneLabel: p.Zones} {
		if len(values) > 0 {
			requirements = append(requirements, map[string]any{"key": key, "operator": "In", "values": values})
		}
	}
	if p.ExpireAfter != "" {
		expires = fmt.Sprintf(`, "expireAfter": %q`, p.ExpireAfter)
	}
	disrupts := ""
	if len(disruption) > 0 {
		disrupts = fmt.Sprintf(`"disruption": %s, `, text(disruption))
	}
	k.Do(t, http.MethodPost, atPools, fmt.Sprintf(`{"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": %q}, "spec": {%s"limits": %s,
		"template": {"metadata": {"labels": %s}, "spec": {"nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": %q}, "requirements": %s, "taints": %s%s}}}}`,
		p.Name, disrupts, text(limits), strings.Replace(text(p.Labels), "null", "{}", 1), p.Class, text(requirements), strings.Replace(taints(p.Taints), "null", "[]", 1), expires))
}

func (k *kubelet) nodeClass(t *testing.T, c port.NodeClass) {
	more := ""
	if c.Family != "" {
		more += fmt.Sprintf(`, "amiFamily": %q`, c.Family)
	}
	if c.Blocks != "" {
		more += `, "blockDeviceMappings": ` + c.Blocks
	}
	k.Do(t, http.MethodPost, atClasses, fmt.Sprintf(`{"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": %q}, "spec": {"role": "nodes", "amiSelectorTerms": %s,
		"subnetSelectorTerms": [{"tags": {"a": "b"}}], "securityGroupSelectorTerms": [{"tags": {"a": "b"}}]%s}}`, c.Name, c.Terms, more))
}

// nodeClaim has Karpenter's finalizer, which keeps it until its instance has ended.
func (k *kubelet) nodeClaim(t *testing.T, c port.NodeClaim) {
	k.Do(t, http.MethodPost, atClaims, fmt.Sprintf(`{"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "metadata": {"name": %q, "labels": {"karpenter.sh/nodepool": %q}, "finalizers": ["karpenter.sh/termination"]},
		"spec": {"nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": %q}, "requirements": []}}`, c.Name, c.Pool, c.Class))
	if err := k.Apply(t, atClaims+"/"+c.Name+"/status", fmt.Sprintf(`{"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "metadata": {"name": %q},
		"status": {"nodeName": %q, "providerID": "aws:///us-west-2a/%s", "imageID": %q}}`, c.Name, c.Node, c.Instance, c.Image)); err != nil {
		t.Fatal(err)
	}
}

// ended is what Karpenter does once the instances of claims have ended.
func (k *kubelet) ended(t *testing.T) {
	t.Helper()
	body, err := k.Try(t, http.MethodGet, atClaims, "")
	if err != nil {
		return
	}
	var all page[map[string]any]
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatal(err)
	}
	for _, claim := range all.Items {
		meta := claim["metadata"].(map[string]any)
		if meta["deletionTimestamp"] != nil {
			delete(meta, "finalizers")
			k.Do(t, http.MethodPut, atClaims+"/"+meta["name"].(string), text(claim))
		}
	}
}

// TestKubeClassTells: what Karpenter writes of a class counts once it is of the class as it
// stands.
func TestKubeClassTells(t *testing.T) {
	c := wiretest.KubeControllers(t)
	c.Karpenter(t)
	c.Grant(t, wiretest.KubeReader, "", NodesRole(true, true))
	k := &kubelet{Cluster: c, pods: "/api/v1/namespaces/" + worldtest.NodeSpace + "/pods"}
	k.clear(t)
	client := k.client(t)
	k.nodeClass(t, port.NodeClass{Name: "nodes", Terms: `[{"alias":"al2023@latest"}]`})
	class := func() port.NodeClass {
		t.Helper()
		all, err := client.ListNodeClasses(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		return all[0]
	}
	tells := func(generation int, conditions string) {
		t.Helper()
		if err := c.Apply(t, atClasses+"/nodes/status", fmt.Sprintf(`{"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "nodes"}, "status": {"amis": [{"id": "ami-1", "requirements": []}],
			"conditions": [%s]}}`, strings.ReplaceAll(conditions, "}", fmt.Sprintf(`, "observedGeneration": %d, "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "A"}`, generation)))); err != nil {
			t.Fatal(err)
		}
	}
	if is := class(); is.Images != nil || is.Fault != "" {
		t.Errorf("before anyone told: %+v", is)
	}
	tells(1, `{"type": "AMIsReady", "status": "True", "message": ""}`)
	if is := class(); fmt.Sprint(is.Images) != "[ami-1]" || is.Fault != "" {
		t.Errorf("told: %+v", is)
	}
	if err := client.SetImageTerms(t.Context(), class(), port.TermsOf("ami-2"), "AL2023"); err != nil {
		t.Fatal(err)
	}
	if is := class(); is.Images != nil {
		t.Errorf("told of the class before: %+v", is)
	}
	tells(2, `{"type": "AMIsReady", "status": "False", "message": "AMISelector did not match any AMIs"}, {"type": "Ready", "status": "False", "message": "not ready"}`)
	if is := class(); is.Images != nil || is.Fault != "AMIsReady is false: AMISelector did not match any AMIs" || is.FaultSince.Format(time.RFC3339) != "2026-01-01T00:00:00Z" {
		t.Errorf("told that there is none: %+v", is)
	}
}

// TestKubeWithoutKarpenter: what is not served is told, and is not nothing.
func TestKubeWithoutKarpenter(t *testing.T) {
	c := wiretest.KubeControllers(t)
	c.Karpenter(t)
	c.Grant(t, wiretest.KubeReader, "", NodesRole(false, true))
	k := &kubelet{Cluster: c, pods: "/api/v1/namespaces/" + worldtest.NodeSpace + "/pods"}
	k.clear(t)
	client := k.client(t)
	k.nodeClass(t, port.NodeClass{Name: "nodes", Terms: `[{"alias":"al2023@latest"}]`})
	var class []port.NodeClass
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && len(class) == 0; {
		class, _ = client.ListNodeClasses(t.Context())
	}
	if len(class) != 1 {
		t.Fatal("the class is not there")
	}
	if err := client.SetImageTerms(t.Context(), class[0], port.TermsOf("ami-2"), "AL2023"); !errors.Is(err, port.ErrDenied) || !strings.Contains(err.Error(), "domctl doctor --policies") {
		t.Errorf("with the role of a plan: %v", err)
	}
	for resource, verb := range map[string]string{"nodepools.karpenter.sh": "list", "ec2nodeclasses.karpenter.k8s.aws": "list", "nodeclaims.karpenter.sh": "list"} {
		if err := client.May(t.Context(), verb, resource); err != nil {
			t.Error(err)
		}
		if err := client.May(t.Context(), "patch", resource); !errors.Is(err, port.ErrDenied) {
			t.Errorf("patch %s: %v", resource, err)
		}
	}
	c.NoKarpenter(t)
	defer c.Karpenter(t)
	var errs []error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); { // until the API server has heard
		_, one := client.ListNodePools(t.Context())
		_, two := client.ListNodeClasses(t.Context())
		_, three := client.ListNodeClaims(t.Context())
		if errs = []error{one, two, three}; errors.Is(one, port.ErrNotServed) && errors.Is(two, port.ErrNotServed) && errors.Is(three, port.ErrNotServed) {
			break
		}
	}
	for _, err := range errs {
		if !errors.Is(err, port.ErrNotServed) || !strings.Contains(err.Error(), "is Karpenter installed") {
			t.Errorf("%v", err)
		}
	}
}
