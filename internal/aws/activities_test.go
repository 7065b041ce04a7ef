package aws

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestFailedActivitiesBehindLiveOnes: what has not ended stands first, however old it is, and
// hides no failure; behind what ended before that time nothing is read.
func TestFailedActivitiesBehindLiveOnes(t *testing.T) {
	since := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	page := func(id, status string, began time.Duration, ended bool) string {
		end, at := "", since.Add(began).Format(time.RFC3339)
		if ended {
			end = "<EndTime>" + at + "</EndTime>"
		}
		return fmt.Sprintf("<Activities><member><ActivityId>%s</ActivityId><StatusCode>%s</StatusCode><StartTime>%s</StartTime>%s</member></Activities><NextToken>%[1]s</NextToken>", id, status, at, end)
	}
	all := []string{page("waits", "WaitingForELBConnectionDraining", -time.Hour, false), page("newest", "Failed", time.Minute, true), page("older", "Failed", -time.Minute, true), page("oldest", "Failed", -2*time.Minute, true)}
	f := startFake(t, func(q request) (int, string) {
		next := all[0]
		all = all[1:]
		return http.StatusOK, result(q, next)
	})
	found, err := f.open(Config{}).FailedActivities(t.Context(), "a", since)
	if err != nil || len(found) != 1 || !found[0].Started.Equal(since.Add(time.Minute)) {
		t.Errorf("%+v, %v", found, err)
	}
	if len(all) != 1 || !strings.Contains(all[0], "oldest") {
		t.Errorf("%d pages were not read, of four", len(all))
	}
}

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
