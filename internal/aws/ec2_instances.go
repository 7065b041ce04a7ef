package aws

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

const (
	runInstances      = "ec2:RunInstances"
	describeInstances = "ec2:DescribeInstances"
	startInstances    = "ec2:StartInstances"
	stopInstances     = "ec2:StopInstances"
	terminate         = "ec2:TerminateInstances"
	consoleOutput     = "ec2:GetConsoleOutput"
)

// RunInstance launches one instance.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
func (c *Client) RunInstance(ctx context.Context, n port.NewInstance) (string, error) {
	in, err := runInput(n)
	if err != nil {
		return "", fmt.Errorf("AWS %s: %w", runInstances, err)
	}
	out, err := ask(ctx, c, runInstances, c.ec2().RunInstances, in, ec2Once)
	if err != nil {
		return "", err
	}
	if len(out.Instances) != 1 || str(out.Instances[0].InstanceId) == "" {
		return "", fmt.Errorf("AWS %s: the answer names %d instances, not one; look for the client token %s", runInstances, len(out.Instances), n.Token)
	}
	return *out.Instances[0].InstanceId, nil
}

func runInput(n port.NewInstance) (*ec2.RunInstancesInput, error) {
	one, hops, yes := int32(1), int32(1), true
	in := &ec2.RunInstancesInput{
		MinCount: &one, MaxCount: &one, ClientToken: filled(n.Token), ImageId: &n.Image, InstanceType: types.InstanceType(n.Type),
		SubnetId: filled(n.Subnet), SecurityGroupIds: n.Groups, KeyName: filled(n.Key),
		MetadataOptions:   &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateRequired, HttpPutResponseHopLimit: &hops},
		TagSpecifications: specifications(n.Tags, types.ResourceTypeInstance, types.ResourceTypeVolume),
	}
	if n.Profile != "" {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: &n.Profile}
	}
	if n.RootDevice != "" {
		ebs := &types.EbsBlockDevice{DeleteOnTermination: &yes, VolumeType: types.VolumeType(n.RootType)}
		var err error
		if n.RootGiB != 0 {
			if ebs.VolumeSize, err = size(&n.RootGiB); err != nil {
				return nil, err
			}
		}
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: &n.RootDevice, Ebs: ebs}}
	}
	return in, nil
}

// specifications are the same tags for several kinds of resource.
func specifications(tags map[string]string, kinds ...types.ResourceType) (specs []types.TagSpecification) {
	for _, k := range kinds {
		if len(tags) > 0 {
			specs = append(specs, types.TagSpecification{ResourceType: k, Tags: ec2Tags(tags)})
		}
	}
	return specs
}

func ec2Tags(tags map[string]string) (list []types.Tag) {
	for _, k := range schema.Sorted(tags) {
		v := tags[k]
		list = append(list, types.Tag{Key: &k, Value: &v})
	}
	return list
}

// selected are a Describe call's filters, ids among them: an id that is gone
// fails a call that names it, and a filter only does not find it.
func selected(q port.Select, ids []string, name string) []types.Filter {
	list := filters(q.Filters)
	if ids != nil {
		list = append(list, filter(name, ids))
	}
	return list
}

// DescribeInstances, in the order of ids.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
func (c *Client) DescribeInstances(ctx context.Context, q port.Select) ([]port.Instance, error) {
	found, err := batches(q.IDs, maxValues, func(ids []string) ([]types.Reservation, error) {
		in := &ec2.DescribeInstancesInput{Filters: selected(q, ids, "instance-id"), MaxResults: c.pageSize(1000)}
		return pages(c, describeInstances, reserved, func(token *string) ([]types.Reservation, *string, error) {
			in.NextToken = token
			out, err := ask(ctx, c, describeInstances, c.ec2().DescribeInstances, in)
			if err != nil {
				return nil, nil, err
			}
			return out.Reservations, out.NextToken, nil
		})
	})
	if err != nil {
		return nil, err
	}
	var all []port.Instance
	for _, r := range found {
		for _, i := range r.Instances {
			all = append(all, instance(i))
		}
	}
	slices.SortFunc(all, func(a, b port.Instance) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// reserved tells a reservation by its instances: "" where one of them has no id.
func reserved(r types.Reservation) (ids string) {
	ids = "reservation"
	for _, i := range r.Instances {
		if str(i.InstanceId) == "" {
			return ""
		}
		ids += " " + *i.InstanceId
	}
	return ids
}

func instance(i types.Instance) port.Instance {
	p := port.Instance{
		ID: str(i.InstanceId), Token: str(i.ClientToken), Image: str(i.ImageId), Type: string(i.InstanceType), Architecture: string(i.Architecture),
		Subnet: str(i.SubnetId), Key: str(i.KeyName), PrivateIP: str(i.PrivateIpAddress), PublicIP: str(i.PublicIpAddress),
		Launched: when(i.LaunchTime), RootDevice: str(i.RootDeviceName), Tags: tagMap(i.Tags, ec2Tag), Reason: stateReason(i.StateReason),
	}
	if i.State != nil {
		p.State = string(i.State.Name)
	}
	if i.Placement != nil {
		p.Zone = str(i.Placement.AvailabilityZone)
	}
	if i.IamInstanceProfile != nil {
		p.Profile = path.Base(str(i.IamInstanceProfile.Arn))
	}
	for _, g := range i.SecurityGroups {
		p.Groups = append(p.Groups, str(g.GroupId))
	}
	for _, b := range i.BlockDeviceMappings {
		if b.Ebs != nil {
			p.Attached = append(p.Attached, port.Attachment{Device: str(b.DeviceName), Volume: str(b.Ebs.VolumeId), Deleted: b.Ebs.DeleteOnTermination != nil && *b.Ebs.DeleteOnTermination})
		}
	}
	slices.SortFunc(p.Attached, func(a, b port.Attachment) int { return cmp.Compare(a.Device, b.Device) })
	return p
}

// stateReason is EC2's code and message in one; the message often repeats the
// code.
func stateReason(r *types.StateReason) string {
	switch {
	case r == nil:
		return ""
	case strings.HasPrefix(str(r.Message), str(r.Code)):
		return str(r.Message)
	case str(r.Message) == "":
		return *r.Code
	}
	return *r.Code + ": " + *r.Message
}

// StartInstance starts one that is stopped.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StartInstances.html
func (c *Client) StartInstance(ctx context.Context, id string) error {
	_, err := ask(ctx, c, startInstances, c.ec2().StartInstances, &ec2.StartInstancesInput{InstanceIds: []string{id}}, ec2Once)
	return err
}

// StopInstance stops one that is running.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StopInstances.html
func (c *Client) StopInstance(ctx context.Context, id string) error {
	_, err := ask(ctx, c, stopInstances, c.ec2().StopInstances, &ec2.StopInstancesInput{InstanceIds: []string{id}}, ec2Once)
	return err
}

// TerminateInstance ends one; a second call has no effect.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html
func (c *Client) TerminateInstance(ctx context.Context, id string) error {
	_, err := ask(ctx, c, terminate, c.ec2().TerminateInstances, &ec2.TerminateInstancesInput{InstanceIds: []string{id}}, ec2Once)
	return err
}

// GetConsoleOutput asks for the latest output, which instances on Nitro have,
// and where there is none such for what was kept after the last boot.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html
func (c *Client) GetConsoleOutput(ctx context.Context, id string) (string, error) {
	latest := true
	out, err := ask(ctx, c, consoleOutput, c.ec2().GetConsoleOutput, &ec2.GetConsoleOutputInput{InstanceId: &id, Latest: &latest})
	if coded(err, "UnsupportedOperation") {
		out, err = ask(ctx, c, consoleOutput, c.ec2().GetConsoleOutput, &ec2.GetConsoleOutputInput{InstanceId: &id})
	}
	if err != nil {
		return "", err
	}
	text, err := base64.StdEncoding.DecodeString(str(out.Output))
	if err != nil {
		return "", fmt.Errorf("AWS %s: instance %s: the output is not in base64: %w", consoleOutput, id, err)
	}
	return string(text), nil
}
