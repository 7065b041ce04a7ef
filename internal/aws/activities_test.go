package aws

import "testing"

// TestFailureCode: messages as the user guide has them.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-instancelaunchfailure.html
func TestFailureCode(t *testing.T) {
	for text, want := range map[string]string{
		"We currently do not have sufficient p3.2xlarge capacity in the Availability Zone you requested (us-east-1a). Launching EC2 instance failed.":           "InsufficientInstanceCapacity",
		"You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket. Launching EC2 instance failed.":               "VcpuLimitExceeded",
		"Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more vCPU capacity. Launching EC2 instance failed.":                       "VcpuLimitExceeded",
		"Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your request configuration. Launching EC2 instance failed.": "UnfulfillableCapacity",
		"Client.InternalError - Client error on launch.":                           "Client.InternalError",
		"The key pair 'acme - gpu' does not exist. Launching EC2 instance failed.": "",
		"Invalid IAM role - no such role":                                          "",
	} {
		if got := failureCode(text); got != want {
			t.Errorf("%q has code %q, want %q", text, got, want)
		}
	}
}
