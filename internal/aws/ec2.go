package aws

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// maxValues is the limit of values in one EC2 filter.
const maxValues = 200

// DescribeImages asks for ids by filter, so that one that is gone does not fail
// the others. Ids find deprecated and disabled images too: a pool may still use
// one. The answer is in the order of ids.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
func (c *Client) DescribeImages(ctx context.Context, q port.ImageQuery) ([]port.Image, error) {
	const name = "ec2:DescribeImages"
	found, err := batches(q.IDs, maxValues, func(ids []string) ([]types.Image, error) {
		in := &ec2.DescribeImagesInput{Owners: q.Owners, Filters: filters(q.Filters), IncludeDisabled: &q.Disabled}
		if yes := true; ids != nil {
			in.Filters = append(in.Filters, filter("image-id", ids))
			in.IncludeDeprecated, in.IncludeDisabled = &yes, &yes
		}
		return pages(c, name, func(i types.Image) string { return str(i.ImageId) }, func(token *string) ([]types.Image, *string, error) {
			in.MaxResults, in.NextToken = c.pageSize(1000), token
			out, err := ask(ctx, c, name, c.ec2().DescribeImages, in)
			if err != nil {
				return nil, nil, err
			}
			return out.Images, out.NextToken, nil
		})
	})
	if err != nil {
		return nil, err
	}
	var images []port.Image
	for _, i := range found {
		images = append(images, image(i))
	}
	slices.SortFunc(images, func(a, b port.Image) int { return cmp.Compare(a.ID, b.ID) })
	return images, nil
}

func image(i types.Image) port.Image {
	p := port.Image{
		ID: str(i.ImageId), Name: str(i.Name), Owner: str(i.OwnerId), OwnerAlias: str(i.ImageOwnerAlias), State: string(i.State), Architecture: string(i.Architecture),
		Created: str(i.CreationDate), Reason: stateReason(i.StateReason), Description: str(i.Description), Tags: tagMap(i.Tags, ec2Tag),
		Instance: str(i.SourceInstanceId), Source: str(i.SourceImageId), SourceRegion: str(i.SourceImageRegion),
		Deprecated: str(i.DeprecationTime), Public: i.Public != nil && *i.Public, RootDevice: str(i.RootDeviceName),
	}
	for _, b := range i.BlockDeviceMappings {
		if b.Ebs == nil {
			continue
		}
		p.Volumes = append(p.Volumes, port.ImageVolume{Device: str(b.DeviceName), Snapshot: str(b.Ebs.SnapshotId), GiB: num(b.Ebs.VolumeSize),
			Deleted: b.Ebs.DeleteOnTermination != nil && *b.Ebs.DeleteOnTermination})
		if str(b.DeviceName) == p.RootDevice {
			p.RootGiB = num(b.Ebs.VolumeSize)
		}
	}
	return p
}

func ec2Tag(t types.Tag) (key, value *string) { return t.Key, t.Value }

func filters(by map[string][]string) (list []types.Filter) {
	for _, name := range schema.Sorted(by) {
		list = append(list, filter(name, by[name]))
	}
	return list
}

func filter(name string, values []string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

// DescribeInstanceTypes by name; unknown names are left out, nil means all.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html
func (c *Client) DescribeInstanceTypes(ctx context.Context, names []string) ([]port.InstanceType, error) {
	const name = "ec2:DescribeInstanceTypes"
	found, err := batches(names, maxValues, func(names []string) ([]types.InstanceTypeInfo, error) {
		in := &ec2.DescribeInstanceTypesInput{MaxResults: c.pageSize(100)}
		if names != nil {
			in.Filters = []types.Filter{filter("instance-type", names)}
		}
		return pages(c, name, func(i types.InstanceTypeInfo) string { return string(i.InstanceType) }, func(token *string) ([]types.InstanceTypeInfo, *string, error) {
			in.NextToken = token
			out, err := ask(ctx, c, name, c.ec2().DescribeInstanceTypes, in)
			if err != nil {
				return nil, nil, err
			}
			return out.InstanceTypes, out.NextToken, nil
		})
	})
	if err != nil {
		return nil, err
	}
	var all []port.InstanceType
	for _, i := range found {
		all = append(all, instanceType(i))
	}
	slices.SortFunc(all, func(a, b port.InstanceType) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

func instanceType(i types.InstanceTypeInfo) port.InstanceType {
	t := port.InstanceType{Name: string(i.InstanceType)}
	if i.VCpuInfo != nil {
		t.VCPUs = num(i.VCpuInfo.DefaultVCpus)
	}
	if i.MemoryInfo != nil {
		t.MemoryMiB = num(i.MemoryInfo.SizeInMiB)
	}
	if i.InstanceStorageInfo != nil {
		t.StoreGB = num(i.InstanceStorageInfo.TotalSizeInGB)
	}
	if i.GpuInfo != nil {
		for _, g := range i.GpuInfo.Gpus {
			t.GPUs += num(g.Count)
			t.GPUName = cmp.Or(t.GPUName, str(g.Name))
		}
	}
	if i.ProcessorInfo != nil {
		for _, a := range i.ProcessorInfo.SupportedArchitectures {
			t.Architectures = append(t.Architectures, string(a))
		}
	}
	return t
}

// ec2Once keeps the SDK from repeating a write.
func ec2Once(o *ec2.Options) { o.Retryer = once() }

// number writes a launch template version's number as the API takes it.
func number(n int64) *string {
	s := strconv.FormatInt(n, 10)
	return &s
}

// unknown says whether a refused delete names a version that is not there.
func unknown(code string) bool { return strings.HasSuffix(code, "DoesNotExist") }
