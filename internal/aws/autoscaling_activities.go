package aws

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"domctl.dev/internal/port"
)

const describeActivities = "autoscaling:DescribeScalingActivities"

// FailedActivities of a group since then, the newest first: that is the order in which
// AWS answers what has ended, behind what has not. So no page is read behind the first
// with an end that is older.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html
func (c *Client) FailedActivities(ctx context.Context, group string, since time.Time) ([]port.FailedActivity, error) {
	found, err := pages(c, describeActivities, func(a types.Activity) string { return str(a.ActivityId) }, func(token *string) ([]types.Activity, *string, error) {
		out, err := ask(ctx, c, describeActivities, c.autoscaling().DescribeScalingActivities,
			&autoscaling.DescribeScalingActivitiesInput{AutoScalingGroupName: &group, MaxRecords: c.pageSize(100), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		if n := len(out.Activities); n > 0 {
			last := out.Activities[n-1]
			if last.EndTime != nil && last.StartTime != nil && last.StartTime.Before(since) {
				return out.Activities, nil, nil
			}
		}
		return out.Activities, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	var all []port.FailedActivity
	for _, a := range found {
		if a.StatusCode != types.ScalingActivityStatusCodeFailed || a.StartTime == nil || a.StartTime.Before(since) {
			continue
		}
		text := strings.Join(strings.Fields(str(a.StatusMessage)), " ")
		all = append(all, port.FailedActivity{Started: a.StartTime.UTC(), Code: failureCode(text), Message: text})
	}
	return all, nil
}

// failureCode is EC2's code of a launch that failed. Auto Scaling has it in the message of
// some ("VcpuLimitExceeded - You have …"), and tells others in words alone.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-instancelaunchfailure.html
func failureCode(text string) string {
	if m := regexp.MustCompile(`(?:^|\s)([A-Z][a-z]+[A-Z.][A-Za-z.]*) - `).FindStringSubmatch(text); m != nil {
		return m[1]
	}
	for _, known := range [][2]string{{"do not have sufficient", "InsufficientInstanceCapacity"}, {"vCPU limit", "VcpuLimitExceeded"},
		{"Max spot instance count exceeded", "MaxSpotInstanceCountExceeded"}, {"image id", "InvalidAMIID.NotFound"}} {
		if strings.Contains(text, known[0]) {
			return known[1]
		}
	}
	return ""
}
