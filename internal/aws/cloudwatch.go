package aws

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"

	"domctl.dev/internal/port"
)

const describeAlarms = "cloudwatch:DescribeAlarms"

// asQuery has CloudWatch asked by the protocol of the query API, as EC2 and Auto Scaling are:
// what stands for AWS in front of it, a proxy or a server of tests, need know no CBOR.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/making-api-requests.html
func asQuery(o *cloudwatch.Options) {
	o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801)
}

// mostAlarms are named in one call, and answered by it: left to itself it answers 50.
const mostAlarms = 100

// DescribeAlarms by name. Without the types CloudWatch leaves out those of other alarms.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
func (c *Client) DescribeAlarms(ctx context.Context, names []string) ([]port.Alarm, error) {
	if len(names) == 0 {
		return nil, nil // AWS would answer all
	}
	all, err := batches(names, mostAlarms, func(names []string) ([]port.Alarm, error) {
		in := &cloudwatch.DescribeAlarmsInput{AlarmNames: names, MaxRecords: c.pageSize(mostAlarms), AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}}
		return pages(c, describeAlarms, func(a port.Alarm) string { return a.Name }, func(token *string) ([]port.Alarm, *string, error) {
			in.NextToken = token
			out, err := ask(ctx, c, describeAlarms, c.cloudwatch().DescribeAlarms, in)
			if err != nil {
				return nil, nil, err
			}
			var found []port.Alarm
			for _, a := range out.MetricAlarms {
				found = append(found, port.Alarm{Name: str(a.AlarmName), State: string(a.StateValue), Reason: str(a.StateReason)})
			}
			for _, a := range out.CompositeAlarms {
				found = append(found, port.Alarm{Name: str(a.AlarmName), State: string(a.StateValue), Reason: str(a.StateReason)})
			}
			return found, out.NextToken, nil
		})
	})
	slices.SortFunc(all, func(a, b port.Alarm) int { return cmp.Compare(a.Name, b.Name) })
	return all, err
}
