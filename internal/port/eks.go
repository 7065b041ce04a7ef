package port

import "context"

// NodeGroup is an EKS managed node group.
type NodeGroup struct {
	Cluster, Name, Status string
	Template              string
	Version               int64 // of the launch template
	AMIType, Release      string
	Min, Max, Desired     int64
	InstanceTypes         []string
	Labels                map[string]string
	Taints                []Taint  // each of another key and effect
	Groups                []string // its Auto Scaling groups
}

// NodegroupConfig changes what it states of a managed node group, nothing else. Labels and
// Taints are added, or replace those of the same key, and of the same effect. EKS gives
// them to the nodes that run, too.
type NodegroupConfig struct {
	Min, Max, Desired *int64
	Labels            map[string]string
	NoLabels          []string // keys of labels to take away
	Taints, NoTaints  []Taint  // NoTaints are to be taken away
}

// Cluster is an EKS cluster. Version is that of Kubernetes: "1.31".
type Cluster struct{ Name, Status, Version string }

// EKS is the part of Amazon EKS that domctl calls.
type EKS interface {
	NodegroupVersions
	// DescribeCluster answers ErrNotFound for an unknown name.
	DescribeCluster(ctx context.Context, name string) (Cluster, error)
	// ListNodegroups answers ErrNotFound for an unknown cluster.
	ListNodegroups(ctx context.Context, cluster string) ([]string, error)
	// DescribeNodegroup answers ErrNotFound for an unknown name. EKS has no batch call.
	DescribeNodegroup(ctx context.Context, cluster, name string) (NodeGroup, error)
	// UpdateNodegroupConfig answers ErrInUse while the group is not ACTIVE, which it is no
	// more until the update ended. Sizes are not adjusted to fit each other.
	UpdateNodegroupConfig(ctx context.Context, cluster, name, token string, c NodegroupConfig) error
}
