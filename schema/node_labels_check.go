package schema

import (
	"fmt"
	"regexp"
	"strings"
)

// nodeKey is what Kubernetes takes as the key of a label or taint.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
var nodeKey = regexp.MustCompile(`^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)

// longestNodeKey is what the tag of an Auto Scaling group leaves of its 128 characters
// behind LabelTag.
const longestNodeKey = 128 - len(LabelTag)

// The tags of a group that the cluster autoscaler goes by begin with AutoscalerTag: those
// by which it knows nodes that are not there yet with LabelTag and TaintTag, and a key
// follows.
// https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md#auto-discovery-setup
const (
	AutoscalerTag = "k8s.io/cluster-autoscaler/node-template/"
	LabelTag      = AutoscalerTag + "label/"
	TaintTag      = AutoscalerTag + "taint/"
)

// PoolLabel is Domino's own label of nodes, which the pool states as label.
const PoolLabel = "dominodatalab.com/node-pool"

// NodeFault says why nodes cannot be given a label or a taint of the key and value; ""
// when they can.
func NodeFault(key, value string) string {
	switch {
	case key == PoolLabel:
		return "is the pool's own, which label states"
	case !nodeKey.MatchString(key):
		return "is no key of Kubernetes: at most 63 letters, digits, dashes, underscores and dots, with a domain and a slash before them or none"
	case len(key) > longestNodeKey:
		return fmt.Sprintf("has %d characters, and the tag of an Auto Scaling group holds %d", len(key), longestNodeKey)
	case value != "" && LabelFault(value) != "":
		return fmt.Sprintf("has the value %s, which %s", quoted(value), LabelFault(value))
	}
	return ""
}

// nodeLabels looks at what nodes are to be given.
func (c *checker) nodeLabels(a Address, o Object) {
	for _, p := range Sorted(o.Fields) {
		s := SplitPath(p)
		if len(s) != 2 || s[0] != "labels" && s[0] != "taints" {
			continue
		}
		value := o.Fields[p].Str()
		if s[0] == "taints" {
			value = value[:max(strings.LastIndex(value, ":"), 0)]
		}
		if fault := NodeFault(s[1], value); fault != "" {
			c.add("DC813", Error, a, o.Positions(p), "", "%s: %s %s", s[0], quoted(s[1]), fault)
		}
	}
}
