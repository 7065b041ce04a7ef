package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"domctl.dev/internal/port"
)

// Names of the operations, as IAM writes them.
const (
	tagGroup   = "autoscaling:CreateOrUpdateTags"
	untagGroup = "autoscaling:DeleteTags"
)

// TagGroup gives a group tags, or another value to those it has.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateOrUpdateTags.html
func (c *Client) TagGroup(ctx context.Context, group string, tags []port.GroupTag) error {
	in := &autoscaling.CreateOrUpdateTagsInput{}
	for _, t := range tags {
		tag := groupTag(group, t.Key)
		tag.Value, tag.PropagateAtLaunch = &t.Value, &t.Propagates
		in.Tags = append(in.Tags, tag)
	}
	_, err := ask(ctx, c, tagGroup, c.autoscaling().CreateOrUpdateTags, in, groupOnce)
	return err
}

// UntagGroup takes tags away from a group.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteTags.html
func (c *Client) UntagGroup(ctx context.Context, group string, keys []string) error {
	in := &autoscaling.DeleteTagsInput{}
	for _, k := range keys {
		in.Tags = append(in.Tags, groupTag(group, k))
	}
	_, err := ask(ctx, c, untagGroup, c.autoscaling().DeleteTags, in, groupOnce)
	return err
}

func groupTag(group, key string) types.Tag {
	return types.Tag{Key: &key, ResourceId: &group, ResourceType: new("auto-scaling-group")}
}
