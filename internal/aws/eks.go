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
		Release: str(n.ReleaseVersion), InstanceTypes: n.InstanceTypes, Labels: n.Labels, Taints: taintsOf(n.Taints)}
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

// UpdateNodegroupConfig begins to change what c states.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupConfig.html
func (c *Client) UpdateNodegroupConfig(ctx context.Context, cluster, name, token string, u port.NodegroupConfig) error {
	in := &eks.UpdateNodegroupConfigInput{ClusterName: &cluster, NodegroupName: &name, ClientRequestToken: filled(token)}
	sizes := &types.NodegroupScalingConfig{}
	for _, s := range []struct {
		from *int64
		to   **int32
	}{{u.Min, &sizes.MinSize}, {u.Max, &sizes.MaxSize}, {u.Desired, &sizes.DesiredSize}} {
		var err error
		if *s.to, err = size(s.from); err != nil {
			return fmt.Errorf("AWS %s: node group %s: %w", updateConfig, name, err)
		}
		if s.from != nil {
			in.ScalingConfig = sizes
		}
	}
	if len(u.Labels)+len(u.NoLabels) > 0 {
		in.Labels = &types.UpdateLabelsPayload{AddOrUpdateLabels: u.Labels, RemoveLabels: u.NoLabels}
	}
	if len(u.Taints)+len(u.NoTaints) > 0 {
		in.Taints = &types.UpdateTaintsPayload{AddOrUpdateTaints: eksTaints(u.Taints), RemoveTaints: eksTaints(u.NoTaints)}
	}
	_, err := ask(ctx, c, updateConfig, c.eks().UpdateNodegroupConfig, in, func(o *eks.Options) { o.Retryer = once() })
	return err
}

const updateConfig = "eks:UpdateNodegroupConfig"

// effects are the words of EKS for those of Kubernetes.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_Taint.html
func effects() map[string]types.TaintEffect {
	return map[string]types.TaintEffect{"NoSchedule": types.TaintEffectNoSchedule, "PreferNoSchedule": types.TaintEffectPreferNoSchedule, "NoExecute": types.TaintEffectNoExecute}
}

func eksTaints(taints []port.Taint) (out []types.Taint) {
	for _, t := range taints {
		out = append(out, types.Taint{Key: &t.Key, Value: &t.Value, Effect: effects()[t.Effect]})
	}
	return out
}

// taintsOf has the words of Kubernetes; an effect that is not known stays as EKS has it.
func taintsOf(taints []types.Taint) (out []port.Taint) {
	for _, t := range taints {
		effect := string(t.Effect)
		for word, is := range effects() {
			if is == t.Effect {
				effect = word
			}
		}
		out = append(out, port.Taint{Key: str(t.Key), Value: str(t.Value), Effect: effect})
	}
	return out
}
