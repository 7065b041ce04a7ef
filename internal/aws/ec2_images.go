package aws

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/port"
)

const (
	createImage        = "ec2:CreateImage"
	copyImage          = "ec2:CopyImage"
	describePermission = "ec2:DescribeImageAttribute"
	modifyPermission   = "ec2:ModifyImageAttribute"
	createTags         = "ec2:CreateTags"
	deleteTags         = "ec2:DeleteTags"
	enableDeprecation  = "ec2:EnableImageDeprecation"
	disableDeprecation = "ec2:DisableImageDeprecation"
	deregisterImage    = "ec2:DeregisterImage"
	describeSnapshots  = "ec2:DescribeSnapshots"
	deleteSnapshot     = "ec2:DeleteSnapshot"
)

// In is the same account in another region.
func (c *Client) In(region string) port.Region {
	sdk := c.sdk.Copy()
	sdk.Region = region
	there := newClient(c.cfg, sdk)
	there.place = " in " + region
	return there
}

// CreateImage restates each device of the instance with DeleteOnTermination, the
// one thing of it that can be changed, and so reads them first. EC2 has no token
// for it: the name is taken by the first call.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
func (c *Client) CreateImage(ctx context.Context, n port.NewImage) (string, error) {
	found, err := c.DescribeInstances(ctx, port.Select{IDs: []string{n.Instance}})
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", fmt.Errorf("AWS %s: instance %s: %w", describeInstances, n.Instance, port.ErrNotFound)
	}
	in := &ec2.CreateImageInput{InstanceId: &n.Instance, Name: &n.Name, Description: filled(n.Description),
		TagSpecifications: specifications(n.Tags, types.ResourceTypeImage, types.ResourceTypeSnapshot)}
	for _, a := range found[0].Attached {
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{DeviceName: &a.Device, Ebs: &types.EbsBlockDevice{DeleteOnTermination: new(true)}})
	}
	out, err := ask(ctx, c, createImage, c.ec2().CreateImage, in, ec2Once)
	if err != nil {
		return "", err
	}
	return imageID(createImage, out.ImageId, n.Name)
}

func imageID(call string, id *string, name string) (string, error) {
	if str(id) == "" {
		return "", fmt.Errorf("AWS %s: the answer has no image id; look for the image named %s", call, name)
	}
	return *id, nil
}

// CopyImage copies into the client's region.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html
func (c *Client) CopyImage(ctx context.Context, n port.ImageCopy) (string, error) {
	in := &ec2.CopyImageInput{ClientToken: filled(n.Token), SourceImageId: &n.Source, SourceRegion: &n.SourceRegion, Name: &n.Name, Description: filled(n.Description),
		TagSpecifications: specifications(n.Tags, types.ResourceTypeImage, types.ResourceTypeSnapshot)}
	if n.Key != "" {
		in.Encrypted, in.KmsKeyId = new(true), &n.Key
	}
	out, err := ask(ctx, c, copyImage, c.ec2().CopyImage, in, ec2Once)
	if err != nil {
		return "", err
	}
	return imageID(copyImage, out.ImageId, n.Name)
}

// DescribeLaunchPermission reads who may launch an image.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageAttribute.html
func (c *Client) DescribeLaunchPermission(ctx context.Context, image string) (p port.LaunchPermission, err error) {
	out, err := ask(ctx, c, describePermission, c.ec2().DescribeImageAttribute,
		&ec2.DescribeImageAttributeInput{ImageId: &image, Attribute: types.ImageAttributeNameLaunchPermission})
	if err != nil {
		return p, err
	}
	for _, l := range out.LaunchPermissions {
		switch {
		case l.Group == types.PermissionGroupAll:
			p.Public = true
		case l.UserId != nil:
			p.Accounts = append(p.Accounts, *l.UserId)
		default:
			p.Others++
		}
	}
	slices.Sort(p.Accounts)
	return p, nil
}

// ModifyLaunchPermission names accounts alone, never a group.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyImageAttribute.html
func (c *Client) ModifyLaunchPermission(ctx context.Context, image string, add, remove []string) error {
	if err := port.CheckAccounts(add, remove); err != nil {
		return fmt.Errorf("AWS %s: image %s: %w", modifyPermission, image, err)
	}
	change := &types.LaunchPermissionModifications{Add: permissions(add), Remove: permissions(remove)}
	_, err := ask(ctx, c, modifyPermission, c.ec2().ModifyImageAttribute, &ec2.ModifyImageAttributeInput{ImageId: &image, LaunchPermission: change}, ec2Once)
	return err
}

func permissions(accounts []string) (list []types.LaunchPermission) {
	for _, a := range accounts {
		list = append(list, types.LaunchPermission{UserId: &a})
	}
	return list
}

// CreateTags adds and overwrites.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html
func (c *Client) CreateTags(ctx context.Context, ids []string, tags map[string]string) error {
	_, err := ask(ctx, c, createTags, c.ec2().CreateTags, &ec2.CreateTagsInput{Resources: ids, Tags: ec2Tags(tags)}, ec2Once)
	return err
}

// DeleteTags names keys without values, which deletes them whatever they hold.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html
func (c *Client) DeleteTags(ctx context.Context, ids []string, keys []string) error {
	in := &ec2.DeleteTagsInput{Resources: ids}
	for _, k := range keys {
		in.Tags = append(in.Tags, types.Tag{Key: &k})
	}
	_, err := ask(ctx, c, deleteTags, c.ec2().DeleteTags, in, ec2Once)
	return err
}

// EnableImageDeprecation: templates that name the image by id go on working.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImageDeprecation.html
func (c *Client) EnableImageDeprecation(ctx context.Context, image string, at time.Time) error {
	at = at.UTC()
	_, err := ask(ctx, c, enableDeprecation, c.ec2().EnableImageDeprecation, &ec2.EnableImageDeprecationInput{ImageId: &image, DeprecateAt: &at}, ec2Once)
	return err
}

// DisableImageDeprecation takes it back.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisableImageDeprecation.html
func (c *Client) DisableImageDeprecation(ctx context.Context, image string) error {
	_, err := ask(ctx, c, disableDeprecation, c.ec2().DisableImageDeprecation, &ec2.DisableImageDeprecationInput{ImageId: &image}, ec2Once)
	return err
}

// DeregisterImage deletes the image's snapshots in the same call.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html
func (c *Client) DeregisterImage(ctx context.Context, image string) (left []string, err error) {
	out, err := ask(ctx, c, deregisterImage, c.ec2().DeregisterImage, &ec2.DeregisterImageInput{ImageId: &image, DeleteAssociatedSnapshots: new(true)}, ec2Once)
	if err != nil {
		return nil, err
	}
	for _, r := range out.DeleteSnapshotResults {
		if r.ReturnCode != types.SnapshotReturnCodesSuccess {
			left = append(left, str(r.SnapshotId))
		}
	}
	slices.Sort(left)
	return left, nil
}

// DescribeSnapshots of this account, in the order of ids.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html
func (c *Client) DescribeSnapshots(ctx context.Context, q port.Select) ([]port.Snapshot, error) {
	return described(c, describeSnapshots, q, "snapshot-id", func(by []types.Filter, token *string) ([]types.Snapshot, *string, error) {
		out, err := ask(ctx, c, describeSnapshots, c.ec2().DescribeSnapshots,
			&ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: by, MaxResults: c.pageSize(1000), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Snapshots, out.NextToken, nil
	}, func(s types.Snapshot) port.Snapshot {
		return port.Snapshot{ID: str(s.SnapshotId), State: string(s.State), Volume: str(s.VolumeId), Description: str(s.Description), Key: str(s.KmsKeyId), GiB: num(s.VolumeSize),
			Started: when(s.StartTime), Tags: tagMap(s.Tags, ec2Tag)}
	}, func(p port.Snapshot) string { return p.ID })
}

// DeleteSnapshot: ErrInUse while an image has it.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSnapshot.html
func (c *Client) DeleteSnapshot(ctx context.Context, id string) error {
	_, err := ask(ctx, c, deleteSnapshot, c.ec2().DeleteSnapshot, &ec2.DeleteSnapshotInput{SnapshotId: &id}, ec2Once)
	return err
}
