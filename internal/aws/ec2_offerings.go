package aws

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/port"
)

const describeOfferings = "ec2:DescribeInstanceTypeOfferings"

// DescribeInstanceTypeOfferings by zone; unknown types are left out.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html
func (c *Client) DescribeInstanceTypeOfferings(ctx context.Context, names []string) ([]port.Offering, error) {
	found, err := batches(names, maxValues, func(names []string) ([]types.InstanceTypeOffering, error) {
		in := &ec2.DescribeInstanceTypeOfferingsInput{LocationType: types.LocationTypeAvailabilityZone, MaxResults: c.pageSize(1000)}
		if names != nil {
			in.Filters = []types.Filter{filter("instance-type", names)}
		}
		return pages(c, describeOfferings, offeringID, func(token *string) ([]types.InstanceTypeOffering, *string, error) {
			in.NextToken = token
			out, err := ask(ctx, c, describeOfferings, c.ec2().DescribeInstanceTypeOfferings, in)
			if err != nil {
				return nil, nil, err
			}
			return out.InstanceTypeOfferings, out.NextToken, nil
		})
	})
	if err != nil {
		return nil, err
	}
	var all []port.Offering
	for _, o := range found {
		all = append(all, port.Offering{Type: string(o.InstanceType), Zone: str(o.Location)})
	}
	slices.SortFunc(all, func(a, b port.Offering) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Zone, b.Zone)) })
	return all, nil
}

// offeringID is "" for one that does not say what is offered, or where.
func offeringID(o types.InstanceTypeOffering) string {
	if o.InstanceType == "" || str(o.Location) == "" {
		return ""
	}
	return string(o.InstanceType) + " in " + str(o.Location)
}
