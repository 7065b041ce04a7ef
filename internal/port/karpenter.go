package port

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// ErrNotServed is a cluster that does not serve version v1 of Karpenter's objects.
var ErrNotServed = errors.New("objects of Karpenter are not served as v1")

// ErrVersion is an ErrNotServed of a cluster that has Karpenter's objects in other versions.
var ErrVersion = errors.New("other versions are")

// NodePoolLabel names on a node the NodePool that it is of; the resources are those of
// Karpenter's objects as Kubernetes and kubectl name them.
// https://karpenter.sh/docs/concepts/nodepools/
const (
	NodePoolLabel   = "karpenter.sh/nodepool"
	PoolsResource   = "nodepools.karpenter.sh"
	ClaimsResource  = "nodeclaims.karpenter.sh"
	ClassesResource = "ec2nodeclasses.karpenter.k8s.aws"
	// Drifted is the reason of a budget for nodes that are not as their pool and class say.
	Drifted = "Drifted"
)

// DriftHold is the budget, as canonical JSON, under which Karpenter replaces no node
// because it drifted.
const DriftHold = `{"nodes":"0","reasons":["Drifted"]}`

// NodePool is a NodePool of Karpenter.
type NodePool struct {
	Name, UID string
	Version   string // the resourceVersion that a write expects
	// Class is the EC2NodeClass that it starts nodes by, "" where it names another kind.
	Class string
	// Budgets are spec.disruption.budgets, each as canonical JSON.
	Budgets []string
	// HeldBy is what HoldDrift noted, "" where nobody holds it.
	HeldBy string
	// Limits are spec.limits by resource, each JSON as it stands: `"64"` or `64`.
	Limits map[string]string
	// Limited is what Limits say of CPU and memory, where they do.
	Limited Resources
	// Labels and Taints of its nodes.
	Labels map[string]string
	Taints []Taint
	// InstanceTypes and Zones are those that requirements name; none: any that fit the rest.
	InstanceTypes, Zones []string
	// ExpireAfter is how old a node may get, "720h" or "Never"; Consolidates for what
	// reason nodes are taken away, "WhenEmpty" or "WhenEmptyOrUnderutilized", and
	// ConsolidateAfter how long after a pod came or went, "30s" or "Never".
	ExpireAfter, Consolidates, ConsolidateAfter string
	// Fixed says that it keeps a number of nodes, whoever asks for them.
	Fixed bool
}

// DriftHeld says that a budget keeps drifted nodes at all times.
func (p NodePool) DriftHeld() bool {
	return slices.ContainsFunc(p.Budgets, func(text string) bool {
		var b struct {
			Nodes, Schedule string
			Reasons         []string
		}
		if json.Unmarshal([]byte(text), &b) != nil {
			return false
		}
		return (b.Nodes == "0" || b.Nodes == "0%") && b.Schedule == "" && (len(b.Reasons) == 0 || slices.Contains(b.Reasons, Drifted))
	})
}

// WithHold are the budgets as HoldDrift leaves them: with DriftHold, or without it.
func (p NodePool) WithHold(held bool) []string {
	budgets := slices.Clone(p.Budgets)
	if held {
		if p.DriftHeld() {
			return budgets
		}
		return append(budgets, DriftHold)
	}
	for i, b := range slices.Backward(budgets) {
		if b == DriftHold {
			return slices.Delete(budgets, i, i+1)
		}
	}
	return budgets
}

// NodeClass is an EC2NodeClass of Karpenter.
type NodeClass struct {
	Name, UID, Version string
	// Terms is spec.amiSelectorTerms as canonical JSON, Family spec.amiFamily, "" where
	// an alias among the terms tells it.
	Terms, Family string
	// Blocks is spec.blockDeviceMappings as canonical JSON, "" where it states none.
	Blocks string
	// Images are what the terms were found to mean; nil while they are looked for since
	// the last change.
	Images []string
	// Fault says why it starts no nodes, "" where it does or nobody has told yet.
	Fault      string
	FaultSince time.Time // of Fault; zero: nobody tells
}

// Fields are what steps expect and write of a class, JSON by path: "terms"; "image" where
// these are exactly one id; "family" and "deviceMappings" where it states them.
func (c NodeClass) Fields() map[string]string {
	all := map[string]string{"terms": c.Terms}
	if c.Image() != "" {
		all["image"] = quoted(c.Image())
	}
	if c.Family != "" {
		all["family"] = quoted(c.Family)
	}
	if c.Blocks != "" {
		all["deviceMappings"] = c.Blocks
	}
	return all
}

// Image is the id that the terms name, "" where they are not exactly one id.
func (c NodeClass) Image() string { return TermsImage(c.Terms) }

// TermsImage is NodeClass.Image of amiSelectorTerms.
func TermsImage(terms string) string {
	var list []map[string]any
	if json.Unmarshal([]byte(terms), &list) != nil || len(list) != 1 || len(list[0]) != 1 {
		return ""
	}
	id, _ := list[0]["id"].(string)
	return id
}

// TermsOf names one image.
func TermsOf(image string) string { return `[{"id":` + quoted(image) + `}]` }

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

// TermsFollow says in words what terms follow that are not one id: "alias al2023@latest".
func TermsFollow(terms string) string {
	var list []map[string]any
	if json.Unmarshal([]byte(terms), &list) != nil {
		return terms
	}
	var all []string
	for _, term := range list {
		for _, key := range slices.Sorted(maps.Keys(term)) {
			text, is := term[key].(string)
			if !is {
				b, _ := json.Marshal(term[key])
				text = string(b)
			}
			all = append(all, key+" "+text)
		}
	}
	return strings.Join(all, ", ")
}

// NodeClaim is a node of Karpenter's, from when it asks for it until its machine is gone.
type NodeClaim struct {
	Name, UID, Pool, Class string
	Node, Instance         string // "" until there is one
	Image                  string // "" until it is launched
	Created                time.Time
	Going                  bool // deletion has begun
}

// Karpenter is the part of Kubernetes that its nodes are had by. Every list is whole;
// where v1 is not served each call is ErrNotServed. A write expects what was read: another
// UID is ErrNotFound, another Version ErrState.
type Karpenter interface {
	ListNodePools(ctx context.Context) ([]NodePool, error)
	ListNodeClasses(ctx context.Context) ([]NodeClass, error)
	ListNodeClaims(ctx context.Context) ([]NodeClaim, error)
	// HoldDrift puts DriftHold among the budgets, unless they hold drift already, and
	// notes by whom; with by "" it takes one away, and the note.
	HoldDrift(ctx context.Context, pool NodePool, by string) error
	// SetLimits sets limits by resource to JSON texts, "" takes one away.
	SetLimits(ctx context.Context, pool NodePool, limits map[string]string) error
	// SetImageTerms sets amiSelectorTerms, JSON, and amiFamily; family "" takes it away.
	SetImageTerms(ctx context.Context, class NodeClass, terms, family string) error
	// DeleteNodeClaim begins the end of a node: Karpenter has its pods moved, and then
	// ends the machine. It expects the UID alone.
	DeleteNodeClaim(ctx context.Context, claim NodeClaim) error
}

// Grid is the part of Kubernetes that pools are had by.
type Grid interface {
	Nodes
	Karpenter
}
