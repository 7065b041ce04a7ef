package kube

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Roles are the least RBAC roles for reading these "namespace/name/key", one a
// namespace, as a List that kubectl apply takes.
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
func Roles(refs []string) []byte {
	names := map[string]map[string]bool{}
	for _, ref := range refs {
		parts := strings.Split(ref, "/")
		if names[parts[0]] == nil {
			names[parts[0]] = map[string]bool{}
		}
		names[parts[0]][parts[1]] = true
	}
	items := []any{}
	for _, namespace := range slices.Sorted(maps.Keys(names)) {
		items = append(items, map[string]any{
			"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
			"metadata": map[string]any{"namespace": namespace, "name": "domctl"},
			"rules": []any{map[string]any{
				"apiGroups": []string{""}, "resources": []string{"secrets"}, "verbs": []string{"get"},
				"resourceNames": slices.Sorted(maps.Keys(names[namespace])),
			}},
		})
	}
	return listOf(items)
}

// NodesRole is the least ClusterRole for reading nodes and pods; for an apply also for
// cordoning the one and evicting the other; where pools are Karpenter's also for reading
// its objects, and changing what an apply changes. None of these is of a namespace.
func NodesRole(apply, karpenter bool) []byte {
	name, rules := "domctl-plan", []any{rule("nodes", "get", "list"), rule("pods", "list")}
	pools, claims := []string{"list"}, []string{"list"}
	if apply {
		name, rules = "domctl-apply", []any{rule("nodes", "get", "list", "patch"), rule("pods", "list"), rule("pods/eviction", "create")}
		pools, claims = append(pools, "patch"), append(claims, "delete")
	}
	if karpenter {
		rules = append(rules, ruleOf(karpenterGroup, "nodepools", pools...), ruleOf(karpenterGroup, "nodeclaims", claims...), ruleOf(classGroup, "ec2nodeclasses", pools...))
	}
	return listOf([]any{map[string]any{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": map[string]any{"name": name}, "rules": rules}})
}

// ForwardRole is the least Role for forwarding connections to pods of a namespace.
func ForwardRole(namespace string) []byte {
	return listOf([]any{map[string]any{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
		"metadata": map[string]any{"namespace": namespace, "name": "domctl-forward"},
		"rules":    []any{rule("services", "get"), rule("pods", "list"), rule("pods/portforward", "create")}}})
}

func rule(resource string, verbs ...string) map[string]any { return ruleOf("", resource, verbs...) }

func ruleOf(group, resource string, verbs ...string) map[string]any {
	return map[string]any{"apiGroups": []string{group}, "resources": []string{resource}, "verbs": verbs}
}

func listOf(items []any) []byte {
	text, _ := json.MarshalIndent(map[string]any{"apiVersion": "v1", "kind": "List", "items": items}, "", "  ")
	return text
}
