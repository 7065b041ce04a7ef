package port

import "context"

// Alarm is one of CloudWatch's, of metrics or of other alarms.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html
type Alarm struct {
	Name, State string // State: "OK", "ALARM", "INSUFFICIENT_DATA"
	Reason      string // of the state, in CloudWatch's words
}

// Rings says that what it watches is beyond its bounds; not known is no alarm.
func (a Alarm) Rings() bool { return a.State == "ALARM" }

// CloudWatch is the part of Amazon CloudWatch that domctl asks.
type CloudWatch interface {
	// DescribeAlarms by name, in order; unknown names are left out.
	DescribeAlarms(ctx context.Context, names []string) ([]Alarm, error)
}
