package aws

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestItemsThatSayNothing: an answer whose items lack their ids, or that lacks what
// was asked for, is refused, and never taken for an absence or an empty secret.
func TestItemsThatSayNothing(t *testing.T) {
	lists := map[string][]string{
		"DescribeImages": {"imagesSet", "item"}, "DescribeLaunchTemplates": {"launchTemplates", "item"},
		"DescribeLaunchTemplateVersions": {"launchTemplateVersionSet", "item"}, "DescribeInstanceTypes": {"instanceTypeSet", "item"}, "DescribeInstanceTypeOfferings": {"instanceTypeOfferingSet", "item"},
		"DescribeAutoScalingGroups": {"AutoScalingGroups", "member"}, "DescribeLaunchConfigurations": {"LaunchConfigurations", "member"}, "DescribeAlarms": {"MetricAlarms", "member"},
	}
	for _, hollow := range []string{"", "<x/>", "<tagSet><item/></tagSet><blockDeviceMapping><item/></blockDeviceMapping><launchTemplateData/>" +
		"<MixedInstancesPolicy/><Tags><member/></Tags><LaunchTemplate/><BlockDeviceMappings><member/></BlockDeviceMappings><Instances><member/></Instances>",
		"<MixedInstancesPolicy><LaunchTemplate/></MixedInstancesPolicy><launchTemplateData><blockDeviceMappingSet><item/></blockDeviceMappingSet></launchTemplateData>"} {
		f := startFake(t, func(q request) (int, string) {
			if l := lists[q.action]; l != nil {
				return http.StatusOK, result(q, fmt.Sprintf("<%[1]s><%[2]s>%[3]s</%[2]s><%[2]s/></%[1]s>", l[0], l[1], hollow))
			}
			if q.service == "s3" {
				return http.StatusOK, `<ListBucketResult><Contents/><Contents>` + hollow + `</Contents></ListBucketResult>`
			}
			return http.StatusOK, `{"nodegroups":[null],"nodegroup":{},"Parameter":null,"cluster":{}}`
		})
		errs := everything(t.Context(), f.open(Config{}))
		for _, name := range []string{"DescribeImages", "DescribeLaunchTemplates", "DescribeLaunchTemplateVersions", "DescribeDefaultVersions", "DescribeInstanceTypes", "DescribeInstanceTypeOfferings",
			"DescribeAutoScalingGroups", "DescribeLaunchConfigurations", "DescribeAlarms", "DescribeCluster", "ListNodegroups", "DescribeNodegroup", "Secret", "GetSecretValue", "ListObjects"} {
			if err := errs[name]; err == nil || !strings.Contains(err.Error(), "the answer holds ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
