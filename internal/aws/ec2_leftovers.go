package aws

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/port"
)

const (
	describeVolumes = "ec2:DescribeVolumes"
	deleteVolume    = "ec2:DeleteVolume"
	describeSecured = "ec2:DescribeSecurityGroups"
	describeKeys    = "ec2:DescribeKeyPairs"
)

// described reads what a Describe call of EC2 selects, in the order of ids.
func described[T, P any](c *Client, call string, q port.Select, idFilter string, page func(by []types.Filter, token *string) ([]T, *string, error),
	answer func(T) P, id func(P) string) ([]P, error) {
	found, err := batches(q.IDs, maxValues, func(ids []string) ([]T, error) {
		by := selected(q, ids, idFilter)
		return pages(c, call, func(t T) string { return id(answer(t)) }, func(token *string) ([]T, *string, error) { return page(by, token) })
	})
	if err != nil {
		return nil, err
	}
	var all []P
	for _, t := range found {
		all = append(all, answer(t))
	}
	slices.SortFunc(all, func(a, b P) int { return strings.Compare(id(a), id(b)) })
	return all, nil
}

// when is a time as the ports have it, "" for none.
func when(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// DescribeVolumes, in the order of ids.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVolumes.html
func (c *Client) DescribeVolumes(ctx context.Context, q port.Select) ([]port.Volume, error) {
	return described(c, describeVolumes, q, "volume-id", func(by []types.Filter, token *string) ([]types.Volume, *string, error) {
		out, err := ask(ctx, c, describeVolumes, c.ec2().DescribeVolumes, &ec2.DescribeVolumesInput{Filters: by, MaxResults: c.pageSize(500), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Volumes, out.NextToken, nil
	}, func(v types.Volume) port.Volume {
		p := port.Volume{ID: str(v.VolumeId), State: string(v.State), Type: string(v.VolumeType), Snapshot: str(v.SnapshotId), GiB: num(v.Size),
			Created: when(v.CreateTime), Tags: tagMap(v.Tags, ec2Tag)}
		if len(v.Attachments) > 0 {
			p.Instance = str(v.Attachments[0].InstanceId)
		}
		return p
	}, func(p port.Volume) string { return p.ID })
}

// DeleteVolume: ErrInUse while it is attached.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVolume.html
func (c *Client) DeleteVolume(ctx context.Context, id string) error {
	_, err := ask(ctx, c, deleteVolume, c.ec2().DeleteVolume, &ec2.DeleteVolumeInput{VolumeId: &id}, ec2Once)
	return err
}

// DescribeSecurityGroups, in the order of ids.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html
func (c *Client) DescribeSecurityGroups(ctx context.Context, q port.Select) ([]port.SecurityGroup, error) {
	return described(c, describeSecured, q, "group-id", func(by []types.Filter, token *string) ([]types.SecurityGroup, *string, error) {
		out, err := ask(ctx, c, describeSecured, c.ec2().DescribeSecurityGroups, &ec2.DescribeSecurityGroupsInput{Filters: by, MaxResults: c.pageSize(1000), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.SecurityGroups, out.NextToken, nil
	}, func(g types.SecurityGroup) port.SecurityGroup {
		return port.SecurityGroup{ID: str(g.GroupId), Name: str(g.GroupName), VPC: str(g.VpcId), Tags: tagMap(g.Tags, ec2Tag)}
	}, func(p port.SecurityGroup) string { return p.ID })
}

// DescribeKeyPairs, in the order of ids; the API has no pages.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeKeyPairs.html
func (c *Client) DescribeKeyPairs(ctx context.Context, q port.Select) ([]port.KeyPair, error) {
	return described(c, describeKeys, q, "key-pair-id", func(by []types.Filter, _ *string) ([]types.KeyPairInfo, *string, error) {
		out, err := ask(ctx, c, describeKeys, c.ec2().DescribeKeyPairs, &ec2.DescribeKeyPairsInput{Filters: by})
		if err != nil {
			return nil, nil, err
		}
		return out.KeyPairs, nil, nil
	}, func(k types.KeyPairInfo) port.KeyPair {
		return port.KeyPair{ID: str(k.KeyPairId), Name: str(k.KeyName), Created: when(k.CreateTime), Tags: tagMap(k.Tags, ec2Tag)}
	}, func(p port.KeyPair) string { return p.ID })
}
