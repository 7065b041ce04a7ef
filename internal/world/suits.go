package world

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// suits says where an image and what starts from it do not go together, as far as
// both are known; where one is not, it says nothing.
func (v *View) suits(ctx context.Context, known map[string]schema.Capacity) error {
	var all []func()
	missing := map[string]bool{}
	for _, a := range schema.Addresses(v.desired.Objects) {
		o := v.desired.Objects[a]
		types := o.Fields["expect.instanceTypes"].Strings()
		for _, g := range o.Groups() {
			raw := v.raw[v.world.groupRefOf(g)]
			at := "groups." + schema.JoinPath(g.Key()) + ".ami"
			image, bakes := v.image(o.Fields[at])
			if image == nil {
				continue
			}
			starts := v.instanceTypesOf(raw)
			if len(starts) == 0 {
				starts = types
			}
			start := v.startOf(raw)
			s := suit{v, a, g.Key(), o.Positions(at), image, bakes}
			all = append(all, func() {
				s.architecture(starts)
				s.kubelet(v.clusters[v.world.cluster(g)])
				s.lazy(start)
				s.stores(start, starts, known)
			})
			for _, t := range starts {
				if _, is := known[t]; !is && bakes && start["copiesCache"].Bool() {
					missing[t] = true
				}
			}
		}
	}
	more, err := v.world.capacities(ctx, schema.Sorted(missing))
	maps.Copy(known, more)
	for _, judge := range all {
		judge()
	}
	return err
}

// image is what is known of the image that a field names; of one that is baked,
// what it is baked from. bakes says that it is to hold images.
func (v *View) image(field schema.Value) (raw planner.Raw, bakes bool) {
	id := field.Str()
	if t, _, ok := field.Target(); ok {
		o := v.desired.Objects[t]
		if id = o.Fields["image"].Str(); o.Cache().Stated {
			id = o.Fields["content.base"].Str()
			bakes = len(o.Cache().BaseImages)+len(o.Cache().Environments) > 0
		}
	}
	return v.raw[imageRef(id)], bakes
}

// clusterVersions are those of the clusters whose pools say what they start from.
// One that cannot be asked is left out: nothing is compared then.
func (w *World) clusterVersions(ctx context.Context, d schema.Desired) map[string]string {
	out := map[string]string{}
	for _, o := range d.Objects {
		for _, g := range o.Groups() {
			if o.Fields["groups."+schema.JoinPath(g.Key())+".ami"].Is != schema.Absent && w.cluster(g) != "" {
				out[w.cluster(g)] = ""
			}
		}
	}
	for name := range out {
		if c, err := w.Outside.DescribeCluster(ctx, name); err == nil {
			out[name] = c.Version
		}
	}
	return out
}

// suit is one group, and the image that it is to start from.
type suit struct {
	*View
	pool  schema.Address
	group string
	at    []schema.Position
	image planner.Raw
	bakes bool
}

func (s suit) find(code string, severity schema.Severity, message, hint string) {
	f := schema.Finding{Code: code, Severity: severity, Address: s.pool, Message: s.group + " " + message, Hint: hint, Positions: s.at}
	if !slices.ContainsFunc(s.Findings, func(g schema.Finding) bool {
		return g.Code == f.Code && g.Address == f.Address && g.Message == f.Message
	}) {
		s.Findings = append(s.Findings, f)
	}
}

// architecture compares an image with the instance types, and so with the platform
// that its cached images are for. EC2 starts no instance otherwise. Of a group of
// several types, each may have a template of its own that is not read here, so that
// only one of which none fits is told.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
func (s suit) architecture(types []string) {
	is := s.image["architecture"].Str()
	if len(types) == 0 || is == "" {
		return
	}
	starts, caches := false, !s.bakes
	for _, t := range types {
		has := schema.Architectures(t)
		starts, caches = starts || len(has) == 0 || slices.Contains(has, is), caches || len(has) == 0 || slices.Contains(has, "x86_64")
	}
	has := strings.Join(schema.Architectures(types[0]), " and ")
	switch {
	case !starts:
		s.find("DC284", schema.Warning, fmt.Sprintf("starts %s, which is %s, and its image %q is for %s", types[0], has, s.image["name"].Str(), is),
			"name an image of the architecture, or change the instance type")
	case !caches:
		s.find("DC284", schema.Warning, fmt.Sprintf("starts %s, which is %s, and its image caches images for %s", types[0], has, Platform),
			"cache nothing in it, or change the instance type")
	}
}

// version of Kubernetes, in an image's name as who makes images for EKS name them.
var kubernetes = regexp.MustCompile(`^(?:amazon-eks-(?:[a-z0-9_]+-)*(?:node-)?(?:[a-z0-9_]+-)*|bottlerocket-aws-k8s-|ubuntu-eks/k8s_)1\.(\d{1,2})(?:[-_/.]|$)`)

// minor is the minor version of Kubernetes 1 that an image's name tells, -1 where
// it tells none.
func minor(name string) int {
	if m := kubernetes.FindStringSubmatch(name); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return -1
}

// kubelet compares the image's with the cluster: it may be three minor versions
// older, and never newer.
// https://kubernetes.io/releases/version-skew-policy/#kubelet
func (s suit) kubelet(cluster string) {
	_, text, _ := strings.Cut(cluster, "1.")
	server, err := strconv.Atoi(text)
	is := minor(s.image["name"].Str())
	switch {
	case err != nil || is < 0 || is <= server && is >= server-3:
		return
	case is > server:
		s.find("DC285", schema.Warning, fmt.Sprintf("has a kubelet 1.%d by the name of its image (%s), and the cluster is at %s: a kubelet is never newer", is, s.image["name"].Str(), cluster),
			"upgrade the cluster first, or name an image for its version")
	default:
		s.find("DC285", schema.Warning, fmt.Sprintf("has a kubelet 1.%d by the name of its image (%s), and the cluster is at %s: more than three minor versions newer", is, s.image["name"].Str(), cluster),
			"name an image for the cluster's version")
	}
}

// lazy warns where nodes pull through SOCI, whose snapshotter does not hold what is
// cached under overlayfs.
// https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/ (FastImagePull)
func (s suit) lazy(start planner.Raw) {
	if s.bakes && start["lazyPull"].Bool() {
		s.find("DC287", schema.Warning, "turns FastImagePull on in its user data: its nodes pull through SOCI, and find nothing of what the image caches under overlayfs",
			"turn FastImagePull off in the node's configuration, or cache nothing")
	}
}

// stores warns where the cache is copied to the instance store at each boot.
// https://github.com/awslabs/amazon-eks-ami (setup-local-disks)
func (s suit) stores(start planner.Raw, types []string, known map[string]schema.Capacity) {
	if !s.bakes || !start["copiesCache"].Bool() {
		return
	}
	for _, t := range types {
		if known[t].Store > 0 {
			s.find("DC286", schema.Warning, fmt.Sprintf("makes a RAID of the instance store of %s, to which each node copies all that the image caches before it is ready", t),
				"state localStorage: disabledMounts: [Containerd] in the node's configuration, or cache nothing")
		}
	}
}
