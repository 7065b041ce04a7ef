package aws

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"domctl.dev/internal/port"
)

// Names of the operations, as IAM writes them.
const (
	describeUpdate     = "eks:DescribeUpdate"
	updateGroupVersion = "eks:UpdateNodegroupVersion"
)

// UpdateNodegroupVersion begins to replace a node group's nodes by those of another
// version of its own launch template, which is read first: EKS wants it named. Neither
// a Kubernetes version nor a release is stated, which EKS refuses beside a template with
// an image.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html
func (c *Client) UpdateNodegroupVersion(ctx context.Context, cluster, name, token string, version int64, force bool) (string, error) {
	g, err := c.DescribeNodegroup(ctx, cluster, name)
	if err != nil {
		return "", fmt.Errorf("%w: %w", port.ErrUnsent, err)
	}
	if g.Template == "" {
		return "", fmt.Errorf("AWS %s: node group %s has no launch template: %w", updateGroupVersion, name, port.ErrState)
	}
	return c.startVersionUpdate(ctx, cluster, name, g.Template, token, version, force)
}

func (c *Client) startVersionUpdate(ctx context.Context, cluster, name, template, token string, version int64, force bool) (string, error) {
	in := &eks.UpdateNodegroupVersionInput{ClusterName: &cluster, NodegroupName: &name, ClientRequestToken: filled(token), Force: force,
		LaunchTemplate: &types.LaunchTemplateSpecification{Id: &template, Version: new(strconv.FormatInt(version, 10))}}
	out, err := ask(ctx, c, updateGroupVersion, c.eks().UpdateNodegroupVersion, in, func(o *eks.Options) { o.Retryer = once() })
	if err != nil {
		return "", err
	}
	if out.Update == nil || str(out.Update.Id) == "" {
		return "", hollow(updateGroupVersion, "no update")
	}
	return *out.Update.Id, nil
}

// DescribeUpdate answers one update of a node group.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeUpdate.html
func (c *Client) DescribeUpdate(ctx context.Context, cluster, name, update string) (port.NodegroupUpdate, error) {
	out, err := ask(ctx, c, describeUpdate, c.eks().DescribeUpdate, &eks.DescribeUpdateInput{Name: &cluster, NodegroupName: &name, UpdateId: &update})
	if err != nil {
		return port.NodegroupUpdate{}, err
	}
	u := out.Update
	if u == nil || str(u.Id) == "" {
		return port.NodegroupUpdate{}, hollow(describeUpdate, "no update")
	}
	p := port.NodegroupUpdate{ID: *u.Id, Status: string(u.Status)}
	if u.CreatedAt != nil {
		p.Created = u.CreatedAt.UTC()
	}
	for _, e := range u.Errors {
		text := string(e.ErrorCode)
		if str(e.ErrorMessage) != "" {
			text += ": " + *e.ErrorMessage
		}
		p.Errors = append(p.Errors, text)
	}
	return p, nil
}
