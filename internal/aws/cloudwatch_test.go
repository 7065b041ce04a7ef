package aws

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
)

// TestAlarmsOfACallComeInOnePage: a hundred names are one round trip.
func TestAlarmsOfACallComeInOnePage(t *testing.T) {
	f := startFake(t, func(q request) (int, string) {
		size, err := strconv.Atoi(q.form.Get("MaxRecords"))
		if err != nil {
			size = 50
		}
		all, token := "", ""
		for i := range 100 - len(q.form.Get("NextToken"))*50 {
			if i == size {
				token = "<NextToken>1</NextToken>"
				break
			}
			all += fmt.Sprintf("<member><AlarmName>a%d</AlarmName></member>", i)
		}
		return http.StatusOK, result(q, "<MetricAlarms>"+all+"</MetricAlarms>"+token)
	})
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprint("a", i))
	}
	found, err := f.open(Config{}).DescribeAlarms(t.Context(), names)
	if err != nil || len(found) != 100 || len(f.calls()) != 1 {
		t.Errorf("%d alarms in %d calls (%v)", len(found), len(f.calls()), err)
	}
}
