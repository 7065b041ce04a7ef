package aws

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"domctl.dev/internal/port"
)

// ListNodegroups answers all names of a cluster; ErrNotFound for an unknown one.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_ListNodegroups.html
func (c *Client) ListNodegroups(ctx context.Context, cluster string) ([]string, error) {
	const name = "eks:ListNodegroups"
	return pages(c, name, itself, func(token *string) ([]string, *string, error) {
		out, err := ask(ctx, c, name, c.eks().ListNodegroups, &eks.ListNodegroupsInput{ClusterName: &cluster, MaxResults: c.pageSize(100), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Nodegroups, out.NextToken, nil
	})
}

// DescribeCluster answers what a cluster runs; ErrNotFound for an unknown one.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html
func (c *Client) DescribeCluster(ctx context.Context, name string) (port.Cluster, error) {
	out, err := ask(ctx, c, describeCluster, c.eks().DescribeCluster, &eks.DescribeClusterInput{Name: &name})
	if err != nil {
		return port.Cluster{}, err
	}
	if out.Cluster == nil || str(out.Cluster.Name) == "" {
		return port.Cluster{}, hollow(describeCluster, "no cluster")
	}
	return port.Cluster{Name: str(out.Cluster.Name), Status: string(out.Cluster.Status), Version: str(out.Cluster.Version)}, nil
}

const describeCluster = "eks:DescribeCluster"

// DescribeNodegroup answers one group; ErrNotFound for an unknown one.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeNodegroup.html
func (c *Client) DescribeNodegroup(ctx context.Context, cluster, name string) (port.NodeGroup, error) {
	out, err := ask(ctx, c, "eks:DescribeNodegroup", c.eks().DescribeNodegroup, &eks.DescribeNodegroupInput{ClusterName: &cluster, NodegroupName: &name})
	if err != nil {
		return port.NodeGroup{}, err
	}
	if out.Nodegroup == nil || str(out.Nodegroup.NodegroupName) == "" {
		return port.NodeGroup{}, hollow("eks:DescribeNodegroup", "no node group")
	}
	return nodeGroup(out.Nodegroup)
}

func nodeGroup(n *types.Nodegroup) (g port.NodeGroup, err error) {
	g = port.NodeGroup{Cluster: str(n.ClusterName), Name: str(n.NodegroupName), Status: string(n.Status), AMIType: string(n.AmiType),
		Release: str(n.ReleaseVersion), InstanceTypes: n.InstanceTypes, Labels: n.Labels}
	if s := n.ScalingConfig; s != nil {
		g.Min, g.Max, g.Desired = num(s.MinSize), num(s.MaxSize), num(s.DesiredSize)
	}
	if r := n.Resources; r != nil {
		for _, asg := range r.AutoScalingGroups {
			g.Groups = append(g.Groups, str(asg.Name))
		}
	}
	if t := n.LaunchTemplate; t != nil {
		g.Template = str(t.Id)
		if g.Version, err = strconv.ParseInt(str(t.Version), 10, 64); err != nil {
			return port.NodeGroup{}, fmt.Errorf("AWS eks:DescribeNodegroup: node group %s has launch template version %q, which is no number", g.Name, str(t.Version))
		}
	}
	return g, nil
}

// UpdateNodegroupScaling begins to change the sizes that are given.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupConfig.html
func (c *Client) UpdateNodegroupScaling(ctx context.Context, cluster, name, token string, lo, hi, desired *int64) error {
	sizes := &types.NodegroupScalingConfig{}
	for _, s := range []struct {
		from *int64
		to   **int32
	}{{lo, &sizes.MinSize}, {hi, &sizes.MaxSize}, {desired, &sizes.DesiredSize}} {
		var err error
		if *s.to, err = size(s.from); err != nil {
			return fmt.Errorf("AWS eks:UpdateNodegroupConfig: node group %s: %w", name, err)
		}
	}
	in := &eks.UpdateNodegroupConfigInput{ClusterName: &cluster, NodegroupName: &name, ClientRequestToken: filled(token), ScalingConfig: sizes}
	_, err := ask(ctx, c, "eks:UpdateNodegroupConfig", c.eks().UpdateNodegroupConfig, in, func(o *eks.Options) { o.Retryer = once() })
	return err
}
