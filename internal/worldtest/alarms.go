package worldtest

import (
	"context"
	"slices"
	"testing"

	"domctl.dev/internal/port"
)

func alarmCases() []Case {
	return []Case{
		{Name: "DescribeAlarms/ByName", Source: "CloudWatch API Reference, DescribeAlarms, AlarmNames", run: alarmsByName},
	}
}

func alarmsByName(t *testing.T, w World) {
	w.Put.Alarm(t, port.Alarm{Name: "gpu-errors", State: "ALARM", Reason: "threshold crossed"})
	w.Put.Alarm(t, port.Alarm{Name: "gpu-latency", State: "OK", Reason: "fine"})
	got := value(w.CloudWatch.DescribeAlarms(background(), []string{"gpu-latency", "none", "gpu-errors"}))(t)
	if len(got) != 2 || got[0].Name != "gpu-errors" || !got[0].Rings() || got[0].Reason != "threshold crossed" || got[1].Name != "gpu-latency" || got[1].Rings() {
		t.Errorf("alarms are %+v", got)
	}
	if got := value(w.CloudWatch.DescribeAlarms(background(), []string{}))(t); len(got) != 0 {
		t.Errorf("an empty list of names finds %+v", got)
	}
	many := []string{"gpu-errors"}
	for i := range 120 {
		many = append(many, "none-"+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	if got := value(w.CloudWatch.DescribeAlarms(background(), many))(t); len(got) != 1 || !slices.ContainsFunc(got, port.Alarm.Rings) {
		t.Errorf("of many names %+v is found", got)
	}
}

// DescribeAlarms implements port.CloudWatch.
func (h Hooked) DescribeAlarms(ctx context.Context, names []string) ([]port.Alarm, error) {
	return ask(h, "DescribeAlarms", func() ([]port.Alarm, error) { return h.Outside.DescribeAlarms(ctx, names) })
}
